package org.simplepush.examples.benchmarks;

import java.net.InetSocketAddress;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * What strangers know of a server.
 *
 * @param loop runs all of them
 * @param endpoint where PUTs go
 * @param management where its health is asked for
 * @param endpointPath the path of a genuine endpoint, of a device of theirs
 * @param tls what connections begin with, null without TLS
 */
record SiegeTarget(
    LoadLoop loop,
    Timers timers,
    Target server,
    InetSocketAddress endpoint,
    InetSocketAddress management,
    String endpointPath,
    @Nullable SSLContext tls) {}
