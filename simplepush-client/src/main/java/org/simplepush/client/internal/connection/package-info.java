/** The rules of the one connection to the push server. Knows no sockets, threads or clocks. */
@NullMarked
package org.simplepush.client.internal.connection;

import org.jspecify.annotations.NullMarked;
