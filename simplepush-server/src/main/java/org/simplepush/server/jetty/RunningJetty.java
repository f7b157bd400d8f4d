package org.simplepush.server.jetty;

import java.io.IOException;
import java.nio.channels.ServerSocketChannel;
import java.time.Duration;
import javax.net.ssl.SSLContext;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http.HttpCompliance;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.http2.HTTP2Cipher;
import org.eclipse.jetty.http2.server.AbstractHTTP2ServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2CServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.io.ArrayByteBufferPool;
import org.eclipse.jetty.server.AbstractConnectionFactory;
import org.eclipse.jetty.server.ConnectionFactory;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.ScheduledExecutorScheduler;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.EndpointHandler;
import org.simplepush.server.EndpointServer;

/** A Jetty that serves the endpoints: see {@link JettyEndpointServer}. */
record RunningJetty(Server server, int port, EndpointRequests requests)
    implements EndpointServer.Running {
  private static final int BACKLOG = 1024;

  /** What an idle one takes of the heap: 3 KB with HTTP/1.1, up to 10 KB with HTTP/2. */
  private static final int CONNECTION_BYTES = 8 * 1024;

  private static final int TLS_CONNECTION_BYTES = 16 * 1024;

  private static final int MAX_HEADER_LENGTH = 16 * 1024;
  private static final int MAX_THREADS = 16;

  /** A request and its body as they usually are; larger ones are read in pieces. */
  private static final int INPUT_BUFFER = 4 * 1024;

  /** Of HTTP/2, a connection: a quarter of the usual is enough for what is the same each time. */
  private static final int HEADER_TABLE = 1024;

  private static final int LARGEST_POOLED_BUFFER = 64 * 1024;
  private static final long POOLED_BYTES = 16L << 20;

  /** Binds the address and serves it. */
  static RunningJetty start(
      EndpointServer.Binding binding, EndpointHandler handler, Duration idleTimeout)
      throws IOException {
    String name = binding.name() + "-endpoint";
    RequestEndPoint.Threads threads = new RequestEndPoint.Threads(MAX_THREADS, 4);
    threads.setName(name);
    threads.setReservedThreads(0); // for handlers that block; ours do not
    Server server =
        new Server(
            threads,
            new ScheduledExecutorScheduler(name + "-timer", true),
            new ArrayByteBufferPool(
                0, 1024, LARGEST_POOLED_BUFFER, Integer.MAX_VALUE, POOLED_BYTES, POOLED_BYTES));
    RequestEndPoint.Connector connector =
        new RequestEndPoint.Connector(
            server,
            binding.limits(),
            binding.tls() == null ? CONNECTION_BYTES : TLS_CONNECTION_BYTES,
            connectionFactories(httpConfiguration(), binding.tls()));
    EndpointRequests requests = new EndpointRequests(handler);
    server.setHandler(requests);
    server.setErrorHandler(EndpointRequests::answerError);
    connector.setIdleTimeout(idleTimeout.toMillis());
    connector.setHost(binding.address().getHostString()); // only named in Jetty's log
    server.addConnector(connector);
    ServerSocketChannel listener = ServerSocketChannel.open();
    try {
      listener.bind(binding.address(), BACKLOG);
      connector.open(listener);
      server.start();
    } catch (IOException | LinkageError e) {
      listener.close();
      stop(server, e);
      throw e;
    } catch (Exception e) {
      listener.close();
      stop(server, e);
      throw new IOException("The endpoint port cannot be served: " + e.getMessage(), e);
    }
    return new RunningJetty(server, connector.getLocalPort(), requests);
  }

  private static HttpConfiguration httpConfiguration() {
    HttpConfiguration http = new HttpConfiguration();
    http.setSendServerVersion(false);
    http.setSendDateHeader(false);
    http.setRequestHeaderSize(MAX_HEADER_LENGTH);
    http.setHeaderCacheSize(0); // 100 KB a connection from its second request on
    // The default of this Jetty, whose name differs between 12.0 and 12.1.
    http.setHttpCompliance(
        http.getHttpCompliance().with("SimplePush", HttpCompliance.Violation.MISMATCHED_AUTHORITY));
    // The path is only ever looked up as it is: nothing in it is decoded, so nothing is ambiguous.
    http.setUriCompliance(UriCompliance.UNSAFE);
    return http;
  }

  private static ConnectionFactory[] connectionFactories(
      HttpConfiguration http, @Nullable SSLContext tls) {
    HttpConnectionFactory http1 = sized(new HttpConnectionFactory(http));
    if (tls == null) {
      return new ConnectionFactory[] {http1, sized(new HTTP2CServerConnectionFactory(http))};
    }
    SslContextFactory.Server ssl = new SslContextFactory.Server();
    ssl.setSslContext(tls);
    ssl.setCipherComparator(HTTP2Cipher.COMPARATOR);
    ssl.setRenegotiationAllowed(false);
    SslConnectionFactory secure = new SslConnectionFactory(ssl, "alpn");
    // It would compare the host of a request with the certificate; a token is right or wrong
    // under any name.
    secure.setEnsureSecureRequestCustomizer(false);
    ALPNServerConnectionFactory alpn = alpn();
    alpn.setDefaultProtocol(http1.getProtocol()); // for clients that know no ALPN
    HTTP2ServerConnectionFactory http2 = sized(new HTTP2ServerConnectionFactory(http));
    return new ConnectionFactory[] {secure, alpn, http2, http1};
  }

  private static ALPNServerConnectionFactory alpn() {
    try {
      return new ALPNServerConnectionFactory();
    } catch (IllegalStateException e) {
      throw JettyEndpointServer.unusable(e); // jetty-alpn-java-server is a service it looks up
    }
  }

  /** Jetty 12.0 knows the size of the buffer here, and not yet in the configuration. */
  private static <F extends AbstractConnectionFactory> F sized(F factory) {
    factory.setInputBufferSize(INPUT_BUFFER);
    if (factory instanceof AbstractHTTP2ServerConnectionFactory http2) {
      http2.setMaxDecoderTableCapacity(HEADER_TABLE);
    }
    return factory;
  }

  private static void stop(Server server, Throwable cause) {
    try {
      server.stop();
    } catch (Exception e) {
      cause.addSuppressed(e);
    }
  }

  @Override
  public void close(Duration patience) {
    requests.drain(patience);
    try {
      server.stop();
    } catch (Exception e) {
      throw new IllegalStateException("Jetty did not stop", e);
    }
  }
}
