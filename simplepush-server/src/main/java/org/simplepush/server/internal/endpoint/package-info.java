/** The rules of endpoints (protocol §8). Knows no sockets, threads or clocks. */
@NullMarked
package org.simplepush.server.internal.endpoint;

import org.jspecify.annotations.NullMarked;
