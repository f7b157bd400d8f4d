package org.simplepush.examples.benchmarks;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A standalone server on ports that it keeps, to be killed. */
final class StandaloneNode implements Victim {
  /** A small JVM that starts fast: it will not get old. */
  private static final List<String> JVM =
      List.of("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");

  private final List<String> command;
  private final Path log;
  private final int port;
  private final int endpointPort;
  private @Nullable ServerProcess process;

  /** Does not start it yet; its log goes to a file in {@code folder}. */
  StandaloneNode(
      Path java,
      Path jar,
      int port,
      int endpointPort,
      List<String> options,
      Path folder,
      int number) {
    this.port = port;
    this.endpointPort = endpointPort;
    this.log = folder.resolve("server-" + number + ".log");
    List<String> all = new ArrayList<>(options);
    all.addAll(List.of("--endpoint-url", "http://127.0.0.1:" + endpointPort));
    this.command = ServerProcess.command(java, JVM, jar, port, endpointPort, all);
  }

  Survival.Node node() throws LoadException {
    return new Survival.Node(
        new Target(URI.create("ws://127.0.0.1:" + port + "/"), null),
        new InetSocketAddress(InetAddress.getLoopbackAddress(), endpointPort));
  }

  @Override
  public void launch() throws LoadException {
    process = ServerProcess.launch(command, ProcessBuilder.Redirect.appendTo(log.toFile()));
  }

  @Override
  public void awaitReady() throws LoadException, InterruptedException {
    if (process != null) {
      process.awaitReady();
    }
  }

  @Override
  public void kill() throws InterruptedException {
    if (process != null) {
      process.kill();
    }
  }
}
