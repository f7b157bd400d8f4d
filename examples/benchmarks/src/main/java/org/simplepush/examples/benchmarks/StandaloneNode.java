package org.simplepush.examples.benchmarks;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A standalone server on ports that it keeps. */
final class StandaloneNode implements KillableProcess {
  private final List<String> command;
  private final Path log;
  private final int port;
  private final int endpointPort;
  private @Nullable ServerProcess process;

  /** Does not start it yet. */
  StandaloneNode(
      Deployment.Programs programs, int port, int endpointPort, List<String> options, Path log) {
    this.port = port;
    this.endpointPort = endpointPort;
    this.log = log;
    List<String> all = new ArrayList<>(options);
    all.addAll(List.of("--ping-min", "0s", "--endpoint-url", endpointUrl().toString()));
    this.command =
        ServerProcess.command(
            programs.java(), programs.jvmOptions(), programs.jar(), port, endpointPort, all);
  }

  URI webSocket() {
    return URI.create("ws://127.0.0.1:" + port + "/");
  }

  URI endpointUrl() {
    return URI.create("http://127.0.0.1:" + endpointPort);
  }

  InetSocketAddress endpoint() {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), endpointPort);
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

  /** Returns what asks for the resources of the process that runs now. */
  ServerProbe probe() {
    return new ServerProbe(process == null ? 0 : process.pid());
  }

  @Override
  public void kill() {
    if (process != null) {
      process.kill();
    }
  }

  @Override
  public void pause() throws LoadException {
    if (process != null) {
      Signals.pause(process.pid());
    }
  }

  @Override
  public void resume() throws LoadException {
    if (process != null) {
      Signals.resume(process.pid());
    }
  }
}
