/** The HTTP server of the JDK, and TLS in front of it. */
@NullMarked
package org.simplepush.server.internal.http;

import org.jspecify.annotations.NullMarked;
