/** What makes one server of the parts. */
@NullMarked
package org.simplepush.server.internal.node;

import org.jspecify.annotations.NullMarked;
