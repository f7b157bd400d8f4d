/**
 * The rules of the protocol: which user agents are connected or sleep, and what they are sent.
 * Knows no sockets, threads or clocks.
 */
@NullMarked
package org.simplepush.server.internal.session;

import org.jspecify.annotations.NullMarked;
