/** An embeddable SimplePush server. */
@NullMarked
package org.simplepush.server;

import org.jspecify.annotations.NullMarked;
