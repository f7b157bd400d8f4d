/** The device side of SimplePush. */
@NullMarked
package org.simplepush.client;

import org.jspecify.annotations.NullMarked;
