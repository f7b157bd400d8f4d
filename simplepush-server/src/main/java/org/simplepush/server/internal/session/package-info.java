/**
 * The rules of the protocol: who is connected, sleeps, and is told what. Knows no sockets, threads
 * or clocks.
 */
@NullMarked
package org.simplepush.server.internal.session;

import org.jspecify.annotations.NullMarked;
