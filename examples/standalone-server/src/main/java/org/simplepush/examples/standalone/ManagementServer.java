package org.simplepush.examples.standalone;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.simplepush.examples.cli.JarVersion;
import org.simplepush.server.PushServer;
import org.simplepush.server.PushServerMetrics;
import org.simplepush.server.internal.http.RequestThreads;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Serves health, version and metrics to operators. */
final class ManagementServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ManagementServer.class);

  private static final List<String> METHODS = List.of("GET", "HEAD");

  /** How long the store may take before the server counts as sick. */
  private static final long HEALTH_SECONDS = 5;

  /** Clients that send half a request are cut off when these are all busy. */
  private static final int MAX_THREADS = 16;

  /** A failure is logged once in this time, however often the page is read. */
  private static final long QUIET_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final HttpServer http;
  private final RequestThreads threads;
  private final AtomicLong quietUntil = new AtomicLong(System.nanoTime());
  private final PrometheusMeterRegistry metrics;
  private final JvmGcMetrics garbage = new JvmGcMetrics();

  private ManagementServer(HttpServer http, RequestThreads threads, PushServer server) {
    this.http = http;
    this.threads = threads;
    this.metrics = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    new PushServerMetrics(server).bindTo(metrics);
    garbage.bindTo(metrics);
    new JvmMemoryMetrics().bindTo(metrics);
    new JvmThreadMetrics().bindTo(metrics);
    new ProcessorMetrics().bindTo(metrics);
    new FileDescriptorMetrics().bindTo(metrics);
    new UptimeMetrics().bindTo(metrics);
  }

  int port() {
    return http.getAddress().getPort();
  }

  static ManagementServer start(String host, int port, PushServer server) throws IOException {
    HttpServer http;
    try {
      http = HttpServer.create(address(host, port), 0);
    } catch (SocketException e) {
      throw new IOException(
          "The management port %d of %s cannot be opened (%s); give a free port of an address of this host"
              .formatted(port, host, e.getMessage()),
          e);
    }
    RequestThreads threads = new RequestThreads("simplepush-management-", MAX_THREADS);
    ManagementServer management = new ManagementServer(http, threads, server);
    http.setExecutor(threads);
    http.createContext("/", exchange -> management.answer(exchange, server));
    http.start();
    log.info("Management at http://{}:{}/__heartbeat__", host, http.getAddress().getPort());
    return management;
  }

  private static InetSocketAddress address(String host, int port) throws UnknownHostException {
    InetSocketAddress address = new InetSocketAddress(host, port);
    if (address.isUnresolved()) {
      throw new UnknownHostException(
          "The management host '"
              + host
              + "' is not known; give a name or an address of this host");
    }
    return address;
  }

  private void answer(HttpExchange exchange, PushServer server) throws IOException {
    RequestThreads.works();
    if (!METHODS.contains(exchange.getRequestMethod())) {
      exchange.getResponseHeaders().set("Allow", String.join(", ", METHODS));
      send(
          exchange,
          json(405, "{\"status\":405,\"error\":\"These pages are read with GET or HEAD\"}"));
      return;
    }
    switch (exchange.getRequestURI().getPath()) {
      case "/__lbheartbeat__" -> send(exchange, json(200, "{\"status\":\"OK\"}"));
      case "/__heartbeat__" -> heartbeat(exchange, server);
      case "/__version__" ->
          send(exchange, json(200, "{\"version\":\"" + JarVersion.text() + "\"}"));
      case "/metrics" -> send(exchange, new Page(200, "text/plain; version=0.0.4", scrape()));
      default -> send(exchange, json(404, "{\"status\":404,\"error\":\"No such page\"}"));
    }
  }

  /** One at a time: many who ask must not take all processors. */
  private synchronized String scrape() {
    return metrics.scrape();
  }

  /** No thread waits for the check. */
  private void heartbeat(HttpExchange exchange, PushServer server) {
    CompletionStage<Page> page =
        server
            .checkHealth()
            .toCompletableFuture()
            .orTimeout(HEALTH_SECONDS, TimeUnit.SECONDS)
            .handle((done, failure) -> health(failure));
    page.thenAcceptAsync(answer -> send(exchange, answer), threads);
  }

  private Page health(@Nullable Throwable failure) {
    if (failure == null) {
      return json(200, "{\"status\":\"OK\",\"store\":\"OK\"}");
    }
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    if (cause
        instanceof IllegalStateException) { // so that a balancer sends no new device to this node
      return json(503, "{\"status\":\"CLOSING\"}");
    }
    if (cause instanceof IOException) {
      report("The server does not work: {}", String.valueOf(cause.getMessage()));
      return json(503, "{\"status\":\"ERROR\",\"server\":\"ERROR\"}");
    }
    report("The store does not work: {}", String.valueOf(cause));
    return json(503, "{\"status\":\"ERROR\",\"store\":\"ERROR\"}");
  }

  private void report(String sentence, String cause) {
    long now = System.nanoTime();
    long until = quietUntil.get();
    if (now - until >= 0 && quietUntil.compareAndSet(until, now + QUIET_NANOS)) {
      log.error(sentence, cause);
    }
  }

  /** What is answered. */
  private record Page(int status, String type, String text) {}

  private static Page json(int status, String text) {
    return new Page(status, "application/json", text);
  }

  private static void send(HttpExchange exchange, Page page) {
    RequestThreads.waits();
    try (exchange) {
      byte[] body = page.text().getBytes(StandardCharsets.UTF_8);
      exchange.getResponseHeaders().set("Content-Type", page.type());
      if (exchange.getRequestMethod().equals("HEAD")) {
        exchange.getResponseHeaders().set("Content-Length", String.valueOf(body.length));
        exchange.sendResponseHeaders(page.status(), -1);
        return;
      }
      exchange.sendResponseHeaders(page.status(), body.length);
      exchange.getResponseBody().write(body);
    } catch (IOException e) {
      log.debug("A client did not wait for its answer", e);
    }
  }

  @Override
  public void close() {
    http.stop(0);
    threads.close();
    garbage.close();
    metrics.close();
  }
}
