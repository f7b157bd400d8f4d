/**
 * Reads what strangers send on a WebSocket before the engine does. Knows no sockets, threads or
 * clocks.
 */
@NullMarked
package org.simplepush.server.internal.framing;

import org.jspecify.annotations.NullMarked;
