package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which server is measured: one that runs, or one that this program starts and ends. */
final class ServerOptions {
  @Option(
      names = "--ws",
      paramLabel = "URL",
      description = "Measure the server whose devices connect here: ws://127.0.0.1:8080/.")
  private @Nullable URI ws;

  @Option(
      names = "--endpoint",
      paramLabel = "URL",
      description = "Send PUTs here: http://127.0.0.1:8081. Default where the endpoints say.")
  private @Nullable URI endpoint;

  @Option(
      names = "--pid",
      paramLabel = "N",
      description = "The process of that server, for its CPU, RSS and heap.")
  private @Nullable Long pid;

  @Mixin private final ProgramOptions programs = new ProgramOptions();

  @Option(
      names = "--jvm-opts",
      paramLabel = "OPTIONS",
      defaultValue = "",
      description = "Options of its JVM, in one argument: '-Xmx512m -XX:+UseParallelGC'.")
  private String jvmOptions;

  @Option(
      names = "--server-opts",
      paramLabel = "OPTIONS",
      defaultValue = "",
      description = "Options of the server, in one argument: '--store memory'.")
  private String serverOptions;

  @Option(
      names = "--loops",
      paramLabel = "N",
      defaultValue = "1",
      description = "Threads of this program that make the load. Default ${DEFAULT-VALUE}.")
  private int loops;

  ServerOptions() {}

  /**
   * Measures in one mode.
   *
   * @throws WrongOptionException if the options contradict each other
   * @throws LoadException if it is not possible
   */
  Report measure(Mode mode) throws LoadException, IOException, InterruptedException {
    if (loops < 1 || loops > 64) {
      throw new WrongOptionException("--loops must be 1 to 64, but was " + loops);
    }
    if (ws != null && !programs.hasServer()) {
      Target target = new Target(ws, endpoint);
      return mode.measure(new Server(target, new ServerProbe(pid == null ? 0 : pid)), loops);
    }
    if (ws != null || !programs.hasServer()) {
      throw new WrongOptionException("Give either --ws, for a server that runs, or --server-jar");
    }
    if (pid != null || endpoint != null) {
      throw new WrongOptionException("--pid and --endpoint go with --ws, not with --server-jar");
    }
    Deployment.Programs started = programs.programs(ProgramOptions.split(jvmOptions), null);
    List<String> options = new ArrayList<>(List.of("--ping-min", "0s"));
    options.addAll(ProgramOptions.split(serverOptions));
    List<String> command =
        ServerProcess.command(started.java(), started.jvmOptions(), started.jar(), 0, 0, options);
    try (ServerProcess process = ServerProcess.launch(command, ProcessBuilder.Redirect.INHERIT)) {
      ServerProcess.Ready ready = process.awaitReady();
      Target target = new Target(ready.webSocket(), null);
      Server server = new Server(target, new ServerProbe(process.pid()));
      return mode.measure(server, loops)
          .add("startMillis", "server start", ready.startMillis(), "ms", 0);
    }
  }

  /** Says what is measured, for a table. */
  String description() {
    String options = (jvmOptions + " " + serverOptions).strip();
    return programs.hasServer()
        ? (programs.java() + " " + options).strip()
        : "a server that ran already";
  }
}
