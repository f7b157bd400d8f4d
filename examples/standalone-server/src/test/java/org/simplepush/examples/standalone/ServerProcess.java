package org.simplepush.examples.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The server as a process of its own, ready to be used; killed when closed. */
final class ServerProcess implements AutoCloseable {
  private static final Pattern READY = Pattern.compile("ready ws=(\\S+) endpoint=(\\S+)");

  final Process process;
  final URI webSocket;
  final URI endpoints;
  private final BlockingQueue<String> log = new LinkedBlockingQueue<>();

  /** Starts it on free ports. */
  static ServerProcess start(String... options) throws IOException {
    return new ServerProcess(List.of(), Map.of(), 0, 0, List.of(options));
  }

  /** Starts it on free ports with more environment variables. */
  static ServerProcess startWith(Map<String, String> environment, String... options)
      throws IOException {
    return new ServerProcess(List.of(), environment, 0, 0, List.of(options));
  }

  /** Starts it on free ports by a command that runs others. */
  static ServerProcess startBy(List<String> command, String... options) throws IOException {
    return new ServerProcess(command, Map.of(), 0, 0, List.of(options));
  }

  private ServerProcess(
      List<String> by,
      Map<String, String> environment,
      int port,
      int endpointPort,
      List<String> options)
      throws IOException {
    List<String> command = new ArrayList<>(by);
    command.addAll(command());
    command.addAll(List.of("--port", String.valueOf(port)));
    command.addAll(List.of("--endpoint-port", String.valueOf(endpointPort)));
    command.addAll(options);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.environment().putAll(environment);
    process = builder.start();
    Thread pump = new Thread(() -> process.errorReader().lines().forEach(log::add));
    pump.setDaemon(true);
    pump.start();
    Matcher ready = READY.matcher(String.valueOf(process.inputReader().readLine()));
    assertThat(ready.matches()).as("%s", log).isTrue();
    webSocket = URI.create(ready.group(1));
    endpoints = URI.create(ready.group(2));
  }

  /** Starts it again on the ports it had. */
  ServerProcess startAgain(String... options) throws IOException {
    return new ServerProcess(
        List.of(), Map.of(), webSocket.getPort(), endpoints.getPort(), List.of(options));
  }

  /** Returns what runs the program, to be followed by its options. */
  static List<String> command() {
    return List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-cp",
        System.getProperty("java.class.path"),
        StandaloneServer.class.getName());
  }

  /** Waits for a line of the log. */
  String awaitLog(String part) throws InterruptedException {
    while (true) {
      String line = log.poll(20, TimeUnit.SECONDS);
      assertThat(line).as("a line of the log with '%s'", part).isNotNull();
      if (line.contains(part)) {
        return line;
      }
    }
  }

  /** Tells it to stop; returns all that it logs until it has. */
  List<String> stop() throws InterruptedException {
    process.toHandle().destroy(); // Process.destroy would close its output too
    List<String> lines = new ArrayList<>();
    do {
      String line = log.poll(20, TimeUnit.SECONDS);
      assertThat(line).as("a line of the log of a server that stops").isNotNull();
      lines.add(line);
    } while (!lines.get(lines.size() - 1).contains("The server has stopped"));
    return lines;
  }

  /** Returns the base URL of the management port, which must have been asked for. */
  String management() throws InterruptedException {
    Matcher there =
        Pattern.compile(".*Management at (http://\\S+)/__heartbeat__.*")
            .matcher(awaitLog("Management at"));
    assertThat(there.matches()).isTrue();
    return there.group(1);
  }

  /** Kills it and waits for its end; returns its exit code. */
  int kill() {
    process.toHandle().destroyForcibly(); // Process.destroyForcibly would close its output too
    process.onExit().join();
    return process.exitValue();
  }

  @Override
  public void close() {
    kill();
  }
}
