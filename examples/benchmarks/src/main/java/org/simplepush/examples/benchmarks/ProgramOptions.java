package org.simplepush.examples.benchmarks;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which server is started, and with which Java. */
final class ProgramOptions {
  @Option(
      names = "--server-jar",
      paramLabel = "PATH",
      description = "standalone-server.jar, to be started on free ports.")
  private @Nullable Path serverJar;

  @Option(
      names = "--server-java",
      paramLabel = "PATH",
      description = "Start it with this java. Default the one that runs this program.")
  private @Nullable Path serverJava;

  ProgramOptions() {}

  boolean hasServer() {
    return serverJar != null;
  }

  /** Returns the java that runs the server, as a report names it. */
  String java() {
    return serverJava == null ? "Java " + Runtime.version().feature() : String.valueOf(serverJava);
  }

  /**
   * Returns what to start.
   *
   * @param redisServer the Redis to start, null for the one in this program's jar
   * @throws WrongOptionException if the server is not given, or not there
   */
  Deployment.Programs programs(List<String> jvmOptions, @Nullable Path redisServer)
      throws WrongOptionException {
    if (serverJar == null) {
      throw new WrongOptionException("Give the server to start with --server-jar");
    }
    return Deployment.Programs.of(serverJava, jvmOptions, serverJar, redisServer);
  }

  /** Splits several options that are one argument. */
  static List<String> split(String options) {
    return options.isBlank() ? List.of() : List.of(options.strip().split("\\s+"));
  }
}
