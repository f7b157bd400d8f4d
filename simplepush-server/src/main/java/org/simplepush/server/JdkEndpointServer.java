package org.simplepush.server;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Serves an {@link EndpointHandler} with the HTTP server of the JDK. */
final class JdkEndpointServer implements EndpointServer.Running {
  private static final Logger log = LoggerFactory.getLogger(JdkEndpointServer.class);

  private static final int BACKLOG = 1024;

  /** Each holds one request that is being read or written, so that many slow ones hurt nobody. */
  private static final int MAX_THREADS = 256;

  private static final int ANSWERERS = 4;

  static {
    // The JDK's server knows these only as system properties, read when it is first used. Whoever
    // set one keeps it.
    setIfAbsent("sun.net.httpserver.nodelay", "true");
    setIfAbsent("sun.net.httpserver.maxReqTime", "10"); // seconds, for head and body together
    setIfAbsent("sun.net.httpserver.maxRspTime", "30");
    setIfAbsent("sun.net.httpserver.maxReqHeaders", "64");
    setIfAbsent("sun.net.httpserver.maxReqHeaderSize", "16384");
    setIfAbsent("sun.net.httpserver.maxIdleConnections", "10000");
  }

  private static void setIfAbsent(String property, String value) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, value);
    }
  }

  private final HttpServer http;
  private final @Nullable ExecutorService ownExecutor;

  /**
   * Write the answers that had to wait for the store. Not the executor of the exchanges: when that
   * one is full it makes its callers wait, and the store must not.
   */
  private final ExecutorService answerers;

  private final AtomicInteger inFlight = new AtomicInteger();
  private final CompletableFuture<Void> drained = new CompletableFuture<>();
  private volatile boolean draining;

  private JdkEndpointServer(
      HttpServer http, @Nullable ExecutorService ownExecutor, ExecutorService answerers) {
    this.http = http;
    this.ownExecutor = ownExecutor;
    this.answerers = answerers;
  }

  /**
   * Starts the HTTP server of the JDK.
   *
   * @param executor runs the exchanges, or null to have one made
   */
  static JdkEndpointServer start(
      EndpointServer.Binding binding, @Nullable Executor executor, EndpointHandler handler)
      throws IOException {
    HttpServer http;
    if (binding.tls() == null) {
      http = HttpServer.create(binding.address(), BACKLOG);
    } else {
      HttpsServer https = HttpsServer.create(binding.address(), BACKLOG);
      https.setHttpsConfigurator(new HttpsConfigurator(binding.tls()));
      http = https;
    }
    ExecutorService own = executor == null ? newExecutor(binding.name()) : null;
    JdkEndpointServer server = new JdkEndpointServer(http, own, newAnswerers(binding.name()));
    http.createContext("/", exchange -> server.serve(exchange, handler));
    http.setExecutor(executor == null ? own : executor);
    http.start();
    return server;
  }

  private static ExecutorService newExecutor(String name) {
    AtomicInteger number = new AtomicInteger();
    return new ThreadPoolExecutor(
        0,
        MAX_THREADS,
        30,
        TimeUnit.SECONDS,
        new SynchronousQueue<>(),
        task -> new Thread(task, name + "-endpoint-" + number.getAndIncrement()),
        (task, pool) -> {
          // All are busy: let new requests wait in their sockets until one is free.
          try {
            pool.getQueue().put(task);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new RejectedExecutionException("interrupted", e);
          }
        });
  }

  private static ExecutorService newAnswerers(String name) {
    AtomicInteger number = new AtomicInteger();
    ThreadPoolExecutor pool =
        new ThreadPoolExecutor(
            ANSWERERS,
            ANSWERERS,
            30,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(), // holds no more than there are requests waiting
            task -> new Thread(task, name + "-answer-" + number.getAndIncrement()));
    pool.allowCoreThreadTimeOut(true);
    return pool;
  }

  @Override
  public int port() {
    return http.getAddress().getPort();
  }

  private void serve(HttpExchange exchange, EndpointHandler handler) throws IOException {
    inFlight.incrementAndGet();
    CompletionStage<EndpointHandler.Response> answer;
    try {
      answer = handler.handle(new Read(exchange, body(exchange, handler.bodyLimit())));
    } catch (IOException | RuntimeException e) {
      finished();
      throw e;
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
    try (exchange) {
      response.headers().forEach(exchange.getResponseHeaders()::set);
      byte[] body = response.body().getBytes(StandardCharsets.US_ASCII);
      boolean empty = body.length == 0 || exchange.getRequestMethod().equals("HEAD");
      exchange.sendResponseHeaders(response.status(), empty ? -1 : body.length);
      if (!empty) {
        OutputStream out = exchange.getResponseBody();
        out.write(body);
        out.flush(); // closing would first wait for what is left of the request
      }
    } catch (IOException e) {
      log.debug("An application server did not wait for its answer", e);
    } finally {
      finished();
    }
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
    if (ownExecutor != null) {
      ownExecutor.shutdownNow();
    }
    answerers.shutdownNow();
  }
}
