/**
 * The push server. Start with {@link org.simplepush.server.PushServer}; to serve endpoints through
 * an HTTP server of your own, see {@link org.simplepush.server.EndpointHandler}.
 */
@NullMarked
package org.simplepush.server;

import org.jspecify.annotations.NullMarked;
