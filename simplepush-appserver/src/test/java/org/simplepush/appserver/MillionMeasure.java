package org.simplepush.appserver;

import com.sun.net.httpserver.HttpServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.lang.management.MemoryType;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Measures {@code publishAll} to a million endpoints on a sink in a process of its own, which
 * accepts everything. Not a test: run it with a small heap on a quiet machine.
 */
final class MillionMeasure {
  private static final int ENDPOINTS = 1_000_000;

  private MillionMeasure() {}

  public static void main(String[] args) throws Exception {
    if (args.length > 0) {
      sink();
      return;
    }
    Process sink =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dsun.net.httpserver.nodelay=true",
                "-Dsun.net.httpserver.maxIdleConnections=10000",
                "-cp",
                System.getProperty("java.class.path"),
                MillionMeasure.class.getName(),
                "sink")
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader output = sink.inputReader();
        Notifier notifier = Notifier.builder().permitHost("127.0.0.1").build()) {
      String base = "http://127.0.0.1:" + output.readLine() + "/update/";
      Stream<URI> endpoints =
          IntStream.range(0, ENDPOINTS).mapToObj(number -> URI.create(base + number));
      long before = System.nanoTime();
      Summary summary = notifier.publishAll(endpoints::iterator, 7).join();
      double seconds = (System.nanoTime() - before) / 1e9;
      System.out.printf(
          "%s%n%.1f s, %,.0f endpoints/s, at most %d MB of heap used, of %d MB%n",
          summary, seconds, ENDPOINTS / seconds, peakHeap() >> 20, maxHeap() >> 20);
    } finally {
      sink.destroy();
    }
  }

  private static long maxHeap() {
    return Runtime.getRuntime().maxMemory();
  }

  /** The peaks of all pools, added: never less than what was used at one time. */
  private static long peakHeap() {
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getType() == MemoryType.HEAP)
        .mapToLong(MillionMeasure::peak)
        .sum();
  }

  private static long peak(MemoryPoolMXBean pool) {
    return pool.getPeakUsage().getUsed();
  }

  private static void sink() throws IOException {
    HttpServer http =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1024);
    byte[] body = "{}".getBytes(StandardCharsets.US_ASCII);
    http.createContext(
        "/",
        exchange -> {
          try (exchange) {
            exchange.getRequestBody().readAllBytes();
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
          }
        });
    http.setExecutor(Executors.newCachedThreadPool());
    http.start();
    System.out.println(http.getAddress().getPort());
  }
}
