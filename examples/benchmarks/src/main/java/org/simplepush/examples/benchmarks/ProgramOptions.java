package org.simplepush.examples.benchmarks;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which programs are started as nodes and as their store. */
final class ProgramOptions {
  @Option(
      names = "--server-jar",
      paramLabel = "PATH",
      required = true,
      description = "standalone-server.jar, to be started on free ports.")
  private Path serverJar;

  @Option(
      names = "--server-java",
      paramLabel = "PATH",
      description = "Start it with this java. Default the one that runs this program.")
  private @Nullable Path serverJava;

  @Option(
      names = "--redis-server",
      paramLabel = "PATH",
      description = "Redis or Valkey to start. Default the Redis in this program's jar.")
  private @Nullable Path redisServer;

  ProgramOptions() {}

  /**
   * Returns them.
   *
   * @throws LoadException if they are not there
   */
  Deployment.Programs programs(List<String> jvmOptions) throws LoadException {
    return Deployment.Programs.of(serverJava, jvmOptions, serverJar, redisServer);
  }
}
