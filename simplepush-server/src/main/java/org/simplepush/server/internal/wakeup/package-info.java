/** Sends the datagrams that wake devices (protocol §9). */
@NullMarked
package org.simplepush.server.internal.wakeup;

import org.jspecify.annotations.NullMarked;
