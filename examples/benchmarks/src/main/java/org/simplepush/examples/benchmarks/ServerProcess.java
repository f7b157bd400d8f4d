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

/** A standalone server that this program started on the loopback, and ends. */
final class ServerProcess implements AutoCloseable {
  private static final Pattern READY = Pattern.compile("ready ws=(\\S+) endpoint=(\\S+)");
  private static final int START_SECONDS = 60;
  private static final int STOP_SECONDS = 15;

  /**
   * What it said when it accepted connections.
   *
   * @param startMillis from starting the process to then
   */
  record Ready(URI webSocket, URI endpoint, double startMillis) {}

  private final Process process;
  private final Thread hook;
  private final CompletableFuture<Ready> ready = new CompletableFuture<>();

  private ServerProcess(Process process) {
    this.process = process;
    this.hook = new Thread(process::destroyForcibly);
  }

  /**
   * Starts a process that is a server, and does not wait for it.
   *
   * @param log where its log goes
   * @throws LoadException if that is not possible
   */
  static ServerProcess launch(List<String> command, ProcessBuilder.Redirect log)
      throws LoadException {
    long began = System.nanoTime();
    ServerProcess server;
    try {
      server = new ServerProcess(new ProcessBuilder(command).redirectError(log).start());
    } catch (IOException e) {
      throw new LoadException("The server cannot be started: " + e.getMessage());
    }
    Runtime.getRuntime().addShutdownHook(server.hook);
    Thread reader = new Thread(() -> server.read(began), "server-output");
    reader.setDaemon(true);
    reader.start();
    return server;
  }

  /** Returns the command of a server; ports may be 0 for any that are free. */
  static List<String> command(
      Path java,
      List<String> jvmOptions,
      Path jar,
      int port,
      int endpointPort,
      List<String> options) {
    List<String> command = new ArrayList<>();
    command.add(java.toString());
    command.addAll(jvmOptions);
    command.addAll(List.of("-jar", jar.toString(), "--host", "127.0.0.1"));
    command.addAll(List.of("--port", "" + port, "--endpoint-port", "" + endpointPort));
    command.addAll(options);
    return command;
  }

  /**
   * Waits until it accepts connections.
   *
   * @throws LoadException if it does not within a minute, or ends
   */
  Ready awaitReady() throws LoadException, InterruptedException {
    try {
      return ready.get(START_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      throw new LoadException("The server did not say that it is ready");
    }
  }

  private void read(long began) {
    try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = output.readLine(); line != null; line = output.readLine()) {
        Matcher matcher = READY.matcher(line);
        if (matcher.matches()) {
          double millis = (System.nanoTime() - began) / 1e6;
          ready.complete(
              new Ready(URI.create(matcher.group(1)), URI.create(matcher.group(2)), millis));
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

  /** Ends it as kill -9 does, and waits until it is gone. */
  void kill() {
    process.toHandle().destroyForcibly();
    process.onExit().join();
    Runtime.getRuntime().removeShutdownHook(hook);
  }

  boolean isAlive() {
    return process.isAlive();
  }

  /** Ends it with SIGTERM; returns whether it came to an end with exit code 0. */
  boolean stop() throws InterruptedException {
    process.toHandle().destroy();
    return process.waitFor(STOP_SECONDS, TimeUnit.SECONDS) && process.exitValue() == 0;
  }

  /** Ends it with SIGTERM. */
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
