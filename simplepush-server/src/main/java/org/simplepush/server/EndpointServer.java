package org.simplepush.server;

import java.io.IOException;
import java.net.InetAddress;
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
 *
 * @since 0.1
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
   * @param limits what strangers may make the server hold, for a server that can bound that
   */
  record Binding(InetSocketAddress address, @Nullable SSLContext tls, String name, Limits limits) {
    /** Without limits. */
    public Binding(InetSocketAddress address, @Nullable SSLContext tls, String name) {
      this(address, tls, name, Limits.NONE);
    }
  }

  /**
   * What the connections of application servers may take, among all that strangers can make a push
   * server hold. Safe for use by many threads; no method blocks.
   */
  interface Limits {
    /** Limits nothing. */
    Limits NONE =
        new Limits() {
          @Override
          public boolean enter(InetAddress peer) {
            return true;
          }

          @Override
          public void leave(InetAddress peer) {}

          @Override
          public void hold(long bytes) {}

          @Override
          public void letGo(long bytes) {}

          @Override
          public boolean isFull() {
            return false;
          }

          @Override
          public void shed() {}
        };

    /**
     * Counts a connection of this address. Returns false, and counts nothing, if it has as many as
     * it may: close the connection then.
     */
    boolean enter(InetAddress peer);

    /** A connection that was counted has ended. */
    void leave(InetAddress peer);

    /** Notes that so many bytes of the heap are held, by a connection or an unfinished request. */
    void hold(long bytes);

    /** Notes that so many bytes are held no more. */
    void letGo(long bytes);

    /** Returns whether more is held than may be: close connections, idle ones first. */
    boolean isFull();

    /** Notes that a connection was closed to make room. It is counted, and logged once a minute. */
    void shed();
  }

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
