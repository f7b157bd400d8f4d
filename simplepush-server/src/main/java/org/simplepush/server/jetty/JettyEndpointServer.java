package org.simplepush.server.jetty;

import java.io.IOException;
import java.time.Duration;
import org.simplepush.core.internal.Checks;
import org.simplepush.server.EndpointHandler;
import org.simplepush.server.EndpointServer;
import org.simplepush.server.internal.OptionalDependency;

/**
 * Serves the endpoint port with Jetty: HTTP/1.1 and HTTP/2, both also without TLS (h2c with prior
 * knowledge). No thread waits for a request, for the store or for a slow reader, so a few serve ten
 * thousand connections. Beyond that, or when they hold all the memory that they may, those are
 * closed that have been idle, or in the middle of a request, for the longest; so a new one is
 * always answered.
 *
 * <p>Jetty warns of what strangers send as a host, which may hold an endpoint: set the loggers
 * {@code org.eclipse.jetty.util.HostPort} and {@code org.eclipse.jetty.http.HttpParser} to error.
 *
 * <p>Works with Jetty 12.0, from 12.0.36 on, and 12.1. Immutable.
 *
 * @since 0.1
 */
public final class JettyEndpointServer implements EndpointServer {
  private static final OptionalDependency JETTY =
      new OptionalDependency(
          "JettyEndpointServer",
          "Jetty 12.0.36 or later, or 12.1",
          "org.eclipse.jetty:jetty-server, org.eclipse.jetty.http2:jetty-http2-server and"
              + " org.eclipse.jetty:jetty-alpn-java-server, all of one version",
          "jetty.version");

  private static final Duration DEFAULT_IDLE_TIMEOUT = Duration.ofSeconds(30);

  private final Duration idleTimeout;

  /** Ends idle connections after 30 seconds. */
  public JettyEndpointServer() {
    this(DEFAULT_IDLE_TIMEOUT);
  }

  /**
   * Ends idle connections after a time of your own: behind a proxy that keeps connections open,
   * somewhat more than the proxy's.
   *
   * @param idleTimeout how long a connection may be idle, and how long a request may take to arrive
   * @throws IllegalArgumentException if under a second or over a day
   */
  public JettyEndpointServer(Duration idleTimeout) {
    this.idleTimeout = Checks.range("idleTimeout", idleTimeout, Checks.SECOND, Checks.DAY);
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException if Jetty is missing or another version; the message says what to
   *     add or to set
   */
  @Override
  public Running start(Binding binding, EndpointHandler handler) throws IOException {
    try {
      return RunningJetty.start(binding, handler, idleTimeout);
    } catch (LinkageError e) {
      throw unusable(e);
    }
  }

  static IllegalStateException unusable(Throwable error) {
    return new IllegalStateException(JETTY.sentence(error), error);
  }
}
