package org.simplepush.server.internal.http;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.EndpointHandler;
import org.simplepush.server.EndpointServer;
import org.simplepush.server.internal.FailureLog;
import org.simplepush.server.internal.net.WebSocketServer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves an {@link EndpointHandler} with the HTTP server of the JDK. With TLS that one listens on a
 * free port of the loopback, behind a {@link TlsFront}.
 */
public final class JdkEndpointServer implements EndpointServer.Running {
  private static final Logger log = LoggerFactory.getLogger(JdkEndpointServer.class);

  private static final int BACKLOG = 1024;

  /** Each holds one request that is being read or written, so that many slow ones hurt nobody. */
  private static final int MAX_THREADS = 256;

  private static final int ANSWERERS = 16;

  /** The JDK keeps the buffers of a connection between requests. */
  private static final int IDLE_CONNECTION_BYTES = 32 * 1024;

  /** The JDK's own default. */
  private static final int LEAST_KEPT = 200;

  private static final int MAX_CONNECTIONS = 10_000;

  /** The JDK's own default, and how late its timer may be. */
  private static final int IDLE_SECONDS = 30;

  private static final int LATE_SECONDS = 2;

  /** How many connections may be idle. A sixteenth of the heap is enough. */
  private static final int MOST_KEPT =
      Math.min(
          (int)
              Math.max(
                  LEAST_KEPT,
                  Math.min(
                      MAX_CONNECTIONS,
                      Runtime.getRuntime().maxMemory() / 16 / IDLE_CONNECTION_BYTES)),
          Integer.getInteger("sun.net.httpserver.maxIdleConnections", MAX_CONNECTIONS));

  static {
    // The JDK's server knows these only as system properties, read when it is first used. Whoever
    // set one keeps it.
    setIfAbsent("sun.net.httpserver.nodelay", "true");
    setIfAbsent("sun.net.httpserver.maxReqTime", "10"); // seconds, for head and body together
    setIfAbsent("sun.net.httpserver.maxRspTime", "30");
    setIfAbsent("sun.net.httpserver.maxReqHeaders", "64");
    setIfAbsent("sun.net.httpserver.maxReqHeaderSize", "16384");
    setIfAbsent("sun.net.httpserver.maxIdleConnections", String.valueOf(MAX_CONNECTIONS));
    setIfAbsent("jdk.httpserver.maxConnections", String.valueOf(MAX_CONNECTIONS));
    setIfAbsent("sun.net.httpserver.idleInterval", String.valueOf(IDLE_SECONDS));
    setIfAbsent("sun.net.httpserver.clockTick", "1000"); // milliseconds; looks for idle ones
  }

  private static void setIfAbsent(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  private final HttpServer http;
  private final @Nullable TlsFront front;
  private final int port;
  private final @Nullable RequestThreads ownThreads;

  private final KeptConnections kept =
      new KeptConnections(
          MOST_KEPT,
          TimeUnit.SECONDS.toNanos(
              Integer.getInteger("sun.net.httpserver.idleInterval", IDLE_SECONDS) + LATE_SECONDS));

  /** Write the answers that had to wait for the store, which must not wait for slow readers. */
  private final RequestThreads answerers;

  private final AtomicInteger inFlight = new AtomicInteger();
  private final CompletableFuture<Void> drained = new CompletableFuture<>();
  private volatile boolean draining;

  private JdkEndpointServer(
      HttpServer http,
      @Nullable TlsFront front,
      int port,
      @Nullable RequestThreads ownThreads,
      RequestThreads answerers) {
    this.http = http;
    this.front = front;
    this.port = port;
    this.ownThreads = ownThreads;
    this.answerers = answerers;
  }

  /**
   * Starts the HTTP server of the JDK.
   *
   * @param executor runs the exchanges, or null to have one made
   */
  public static JdkEndpointServer start(
      EndpointServer.Binding binding,
      @Nullable Executor executor,
      EndpointHandler handler,
      FailureLog failures)
      throws IOException {
    if (binding.tls() == null) {
      HttpServer http = HttpServer.create(binding.address(), BACKLOG);
      return start(http, null, http.getAddress().getPort(), binding.name(), executor, handler);
    }
    ServerSocketChannel listener = WebSocketServer.bind(binding.address());
    HttpServer http = null;
    try {
      int port = ((InetSocketAddress) listener.getLocalAddress()).getPort();
      InetSocketAddress behind = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
      http = HttpServer.create(behind, BACKLOG);
      TlsFront front =
          TlsFront.start(listener, binding, binding.tls(), http.getAddress(), failures);
      return start(http, front, port, binding.name(), executor, handler);
    } catch (IOException e) {
      listener.close();
      if (http != null) {
        http.stop(0);
      }
      throw e;
    }
  }

  private static JdkEndpointServer start(
      HttpServer http,
      @Nullable TlsFront front,
      int port,
      String name,
      @Nullable Executor executor,
      EndpointHandler handler) {
    RequestThreads own =
        executor == null ? new RequestThreads(name + "-endpoint-", MAX_THREADS) : null;
    RequestThreads answerers = new RequestThreads(name + "-answer-", ANSWERERS);
    JdkEndpointServer server = new JdkEndpointServer(http, front, port, own, answerers);
    http.createContext("/", exchange -> server.serve(exchange, handler));
    http.setExecutor(own == null ? executor : own);
    http.start();
    return server;
  }

  @Override
  public int port() {
    return port;
  }

  private void serve(HttpExchange exchange, EndpointHandler handler) throws IOException {
    inFlight.incrementAndGet();
    kept.forget(exchange.getRemoteAddress());
    CompletionStage<EndpointHandler.Response> answer = null;
    try {
      ByteBuffer body = body(exchange, handler.bodyLimit());
      RequestThreads.works();
      answer = handler.handle(new Read(exchange, body));
    } finally {
      if (answer == null) {
        finished();
      }
    }
    if (answer.toCompletableFuture().isDone()) {
      respond(exchange, answer.toCompletableFuture().join());
    } else {
      // The store's thread must not wait for a slow reader.
      answer.thenAcceptAsync(response -> respond(exchange, response), answerers);
    }
  }

  private static ByteBuffer body(HttpExchange exchange, int limit) throws IOException {
    return ByteBuffer.wrap(
        exchange.getRequestBody().readNBytes(wanted(exchange.getRequestHeaders(), limit + 1)));
  }

  /** How much of a body to read. Less than the most if we can: a buffer of that size is made. */
  private static int wanted(Headers headers, int most) {
    String length = headers.getFirst("Content-Length"); // a number, else we were not called
    return length == null || headers.containsKey("Transfer-Encoding")
        ? most
        : (int) Math.min(Math.max(0, Long.parseLong(length)), most);
  }

  /** A request whose body was read from the socket. */
  private record Read(HttpExchange exchange, ByteBuffer body) implements EndpointHandler.Request {
    @Override
    public String method() {
      return exchange.getRequestMethod();
    }

    @Override
    public String path() {
      return exchange.getRequestURI().getRawPath();
    }

    @Override
    public @Nullable String query() {
      return exchange.getRequestURI().getRawQuery();
    }

    @Override
    public List<String> headers(String name) {
      List<String> values = exchange.getRequestHeaders().get(name);
      return values == null ? List.of() : values;
    }

    /** Nothing reads the socket before us. */
    @Override
    public boolean bodyAnnounced() {
      return false;
    }
  }

  private void respond(HttpExchange exchange, EndpointHandler.Response response) {
    RequestThreads.waits();
    InetSocketAddress client = exchange.getRemoteAddress();
    try (exchange) { // closing reads what is left of the request
      response.headers().forEach(exchange.getResponseHeaders()::set);
      if (!keeps(exchange, client, response)) {
        exchange.getResponseHeaders().set("Connection", "close");
      }
      byte[] body = response.body().getBytes(StandardCharsets.US_ASCII);
      boolean empty = body.length == 0 || exchange.getRequestMethod().equals("HEAD");
      exchange.sendResponseHeaders(response.status(), empty ? -1 : body.length);
      if (!empty) {
        OutputStream out = exchange.getResponseBody();
        out.write(body);
        out.flush(); // closing would first wait for what is left of the request
      }
    } catch (IOException e) {
      kept.forget(client);
      log.debug("An application server did not wait for its answer", e);
    } finally {
      finished();
    }
  }

  /** Whether the connection stays open after this answer. */
  private boolean keeps(
      HttpExchange exchange, InetSocketAddress client, EndpointHandler.Response response) {
    boolean ends = "close".equalsIgnoreCase(exchange.getRequestHeaders().getFirst("Connection"));
    return !ends
        && (front != null // which closes those that were answered the longest ago
            || kept.keep(client, response.status() == 200, System.nanoTime()));
  }

  private void finished() {
    if (inFlight.decrementAndGet() == 0 && draining) {
      drained.complete(null);
    }
  }

  @Override
  public void close(Duration patience) {
    draining = true;
    if (inFlight.get() == 0) {
      drained.complete(null);
    }
    drained.completeOnTimeout(null, patience.toMillis(), TimeUnit.MILLISECONDS).join();
    http.stop(0);
    if (front != null) {
      front.close();
    }
    if (ownThreads != null) {
      ownThreads.close();
    }
    answerers.close();
  }
}
