package org.simplepush.server;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * The HTTP server behind the endpoint port, chosen with {@link PushServer.Builder#endpointServer}.
 * The JDK's is the default and needs nothing; {@code org.simplepush.server.jetty} has one that
 * takes less CPU and speaks HTTP/2.
 *
 * <p>Several push servers may use the same one; it keeps nothing between them.
 */
public interface EndpointServer {
  /**
   * Binds the address and serves every request with the handler from now on, also those that the
   * handler answers with 503 because the push server is not yet, or no longer, open.
   *
   * @throws IOException if the address cannot be bound; nothing is left running then
   */
  Running start(Binding binding, EndpointHandler handler) throws IOException;

  /**
   * Where to serve.
   *
   * @param address to be bound; port 0 is any free one
   * @param tls for https, or null for http; asked at each handshake, so that certificates can
   *     change
   * @param name what the names of threads begin with
   */
  record Binding(InetSocketAddress address, @Nullable SSLContext tls, String name) {}

  /** What was started. */
  interface Running {
    /** Returns the port that was bound. */
    int port();

    /**
     * Waits until the requests in progress are answered, then releases the port and the threads.
     *
     * @param patience how long to wait at most
     */
    void close(Duration patience);
  }
}
