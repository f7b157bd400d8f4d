/**
 * The endpoint port on Jetty, with HTTP/2: {@link org.simplepush.server.jetty.JettyEndpointServer}.
 *
 * <p>Needs jetty-server, jetty-http2-server and jetty-alpn-java-server, optional dependencies of
 * this module.
 */
@NullMarked
package org.simplepush.server.jetty;

import org.jspecify.annotations.NullMarked;
