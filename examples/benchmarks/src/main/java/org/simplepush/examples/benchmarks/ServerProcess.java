package org.simplepush.examples.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A standalone server that this program started on free ports of the loopback, and ends. */
final class ServerProcess implements AutoCloseable {
  private static final Pattern READY = Pattern.compile("ready ws=(\\S+) endpoint=\\S+");
  private static final int START_SECONDS = 60;
  private static final int STOP_SECONDS = 15;

  private final Process process;
  private final Thread hook;
  final URI webSocket;

  /** From starting the process to the line that says it accepts connections. */
  final double startMillis;

  private ServerProcess(Process process, Thread hook, URI webSocket, double startMillis) {
    this.process = process;
    this.hook = hook;
    this.webSocket = webSocket;
    this.startMillis = startMillis;
  }

  /**
   * Starts a server and waits until it accepts connections.
   *
   * @throws LoadException if it does not within a minute
   */
  static ServerProcess start(
      Path java, List<String> jvmOptions, Path jar, List<String> serverOptions)
      throws LoadException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(java.toString());
    command.addAll(jvmOptions);
    command.addAll(List.of("-jar", jar.toString(), "--host", "127.0.0.1", "--port", "0"));
    command.addAll(List.of("--endpoint-port", "0", "--ping-min", "0s"));
    command.addAll(serverOptions);
    long began = System.nanoTime();
    Process process;
    try {
      process = new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    } catch (IOException e) {
      throw new LoadException("The server cannot be started: " + e.getMessage());
    }
    Thread hook = new Thread(process::destroyForcibly);
    Runtime.getRuntime().addShutdownHook(hook);
    CompletableFuture<String> line = new CompletableFuture<>();
    Thread reader = new Thread(() -> awaitReady(process, line), "server-output");
    reader.setDaemon(true);
    reader.start();
    try {
      String ready = line.get(START_SECONDS, TimeUnit.SECONDS);
      double millis = (System.nanoTime() - began) / 1e6;
      return new ServerProcess(process, hook, URI.create(ready), millis);
    } catch (ExecutionException | TimeoutException e) {
      process.destroyForcibly();
      throw new LoadException("The server did not say that it is ready");
    }
  }

  private static void awaitReady(Process process, CompletableFuture<String> ready) {
    try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        Matcher matcher = READY.matcher(line);
        if (matcher.matches()) {
          ready.complete(matcher.group(1));
        }
      }
      ready.completeExceptionally(new IOException("no ready line"));
    } catch (IOException e) {
      ready.completeExceptionally(e);
    }
  }

  long pid() {
    return process.pid();
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    if (!Thread.currentThread().isInterrupted()) {
      Runtime.getRuntime().removeShutdownHook(hook);
    }
  }
}
