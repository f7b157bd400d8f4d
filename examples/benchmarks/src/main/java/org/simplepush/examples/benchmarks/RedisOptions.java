package org.simplepush.examples.benchmarks;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which Redis is started as a store. */
final class RedisOptions {
  @Option(
      names = "--redis-server",
      paramLabel = "PATH",
      description = "Redis or Valkey to start. Default the Redis in this program's jar.")
  @Nullable Path server;

  RedisOptions() {}
}
