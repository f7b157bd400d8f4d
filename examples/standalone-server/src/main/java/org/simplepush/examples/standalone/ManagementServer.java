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
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.simplepush.server.PushServer;
import org.simplepush.server.PushServerMetrics;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** For operators: is it up, does it work, which version is it, how much does it do. */
final class ManagementServer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ManagementServer.class);

  private static final List<String> METHODS = List.of("GET", "HEAD");

  /** How long the store may take before the server counts as sick. */
  private static final long HEALTH_SECONDS = 5;

  private final HttpServer http;
  private final ExecutorService executor;
  private final PrometheusMeterRegistry metrics;
  private final JvmGcMetrics garbage = new JvmGcMetrics();

  private ManagementServer(HttpServer http, ExecutorService executor, PushServer server) {
    this.http = http;
    this.executor = executor;
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
    ExecutorService executor =
        Executors.newFixedThreadPool(2, task -> new Thread(task, "simplepush-management"));
    ManagementServer management = new ManagementServer(http, executor, server);
    http.setExecutor(executor);
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
    try (exchange) {
      if (!METHODS.contains(exchange.getRequestMethod())) {
        exchange.getResponseHeaders().set("Allow", String.join(", ", METHODS));
        send(
            exchange,
            405,
            "application/json",
            "{\"status\":405,\"error\":\"These pages are read with GET or HEAD\"}");
        return;
      }
      switch (exchange.getRequestURI().getPath()) {
        case "/__lbheartbeat__" -> send(exchange, 200, "application/json", "{\"status\":\"OK\"}");
        case "/__heartbeat__" -> heartbeat(exchange, server);
        case "/__version__" ->
            send(exchange, 200, "application/json", "{\"version\":\"" + Version.text() + "\"}");
        case "/metrics" -> send(exchange, 200, "text/plain; version=0.0.4", metrics.scrape());
        default ->
            send(exchange, 404, "application/json", "{\"status\":404,\"error\":\"No such page\"}");
      }
    }
  }

  private static void heartbeat(HttpExchange exchange, PushServer server) throws IOException {
    try {
      server.checkHealth().toCompletableFuture().orTimeout(HEALTH_SECONDS, TimeUnit.SECONDS).join();
      send(exchange, 200, "application/json", "{\"status\":\"OK\",\"store\":\"OK\"}");
    } catch (CompletionException e) {
      if (e.getCause() instanceof IllegalStateException) { // so that nobody new is sent here
        send(exchange, 503, "application/json", "{\"status\":\"CLOSING\"}");
        return;
      }
      // Without a trace: whoever asks does so every few seconds.
      if (e.getCause() instanceof IOException) {
        log.error("The server does not work: {}", e.getCause().getMessage());
        send(exchange, 503, "application/json", "{\"status\":\"ERROR\",\"server\":\"ERROR\"}");
        return;
      }
      log.error("The store does not work: {}", String.valueOf(e.getCause()));
      send(exchange, 503, "application/json", "{\"status\":\"ERROR\",\"store\":\"ERROR\"}");
    }
  }

  private static void send(HttpExchange exchange, int status, String type, String text)
      throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type);
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.getResponseHeaders().set("Content-Length", String.valueOf(body.length));
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
  }

  @Override
  public void close() {
    http.stop(0);
    executor.shutdownNow();
    garbage.close();
    metrics.close();
  }
}
