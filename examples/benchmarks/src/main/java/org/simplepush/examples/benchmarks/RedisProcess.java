package org.simplepush.examples.benchmarks;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import redis.embedded.RedisExecProvider;

/** A Redis of this program's own, or a Sentinel, with its data and its log in a folder. */
final class RedisProcess implements KillableProcess {
  /** It has on the disk whatever it confirmed: it syncs each write before it answers. */
  static final List<String> DURABLE = List.of("save \"\"", "appendonly yes", "appendfsync always");

  private static final int START_SECONDS = 30;
  private static final int POLL_MILLIS = 20;

  final int port;

  private final List<String> command;
  private final Path folder;
  private @Nullable Process process;
  private @Nullable Thread hook;

  private RedisProcess(Path folder, int port, List<String> command) {
    this.folder = folder;
    this.port = port;
    this.command = command;
  }

  /**
   * Writes its configuration, which Redis changes itself when its role changes, and does not start
   * it yet.
   *
   * @param executable null for the one that this program brings
   * @param folder made if it is not there
   * @param settings lines of its configuration
   * @throws LoadException if this program brings none for this system
   */
  static RedisProcess server(
      @Nullable Path executable, Path folder, int port, List<String> settings)
      throws LoadException, IOException {
    return of(executable, folder, port, "redis.conf", settings, List.of());
  }

  /** The same of a Sentinel. */
  static RedisProcess sentinel(
      @Nullable Path executable, Path folder, int port, List<String> settings)
      throws LoadException, IOException {
    return of(executable, folder, port, "sentinel.conf", settings, List.of("--sentinel"));
  }

  private static RedisProcess of(
      @Nullable Path executable,
      Path folder,
      int port,
      String file,
      List<String> settings,
      List<String> options)
      throws LoadException, IOException {
    File program;
    try {
      program =
          executable == null ? RedisExecProvider.defaultProvider().get() : executable.toFile();
    } catch (IOException | RuntimeException e) {
      throw new LoadException("There is no Redis for this system, give --redis-server: " + e);
    }
    Files.createDirectories(folder);
    List<String> lines = new ArrayList<>(List.of("port " + port, "bind 127.0.0.1"));
    lines.addAll(settings);
    Path configuration = Files.write(folder.resolve(file), lines);
    List<String> command = new ArrayList<>(List.of(program.getAbsolutePath()));
    command.add(configuration.toAbsolutePath().toString());
    command.addAll(options);
    return new RedisProcess(folder, port, command);
  }

  @Override
  public void launch() throws LoadException {
    try {
      Process started =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .redirectOutput(
                  ProcessBuilder.Redirect.appendTo(folder.resolve("redis.log").toFile()))
              .start();
      process = started;
      hook = new Thread(started::destroyForcibly);
      Runtime.getRuntime().addShutdownHook(hook);
    } catch (IOException e) {
      throw new LoadException("Redis cannot be started: " + e.getMessage());
    }
  }

  @Override
  public void awaitReady() throws LoadException, InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
    while (process != null && !process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS)) {
      if (answers()) {
        return;
      }
      if (System.nanoTime() - end > 0) {
        break;
      }
    }
    throw new LoadException("Redis does not start; see " + folder.resolve("redis.log"));
  }

  /** Whether it takes commands: it does not while it reads its file. */
  private boolean answers() {
    try {
      return "PONG".equals(RedisCommand.ask(port, "PING"));
    } catch (IOException e) {
      return false; // it does not listen yet
    }
  }

  @Override
  public void kill() {
    if (process != null && hook != null) {
      process.destroyForcibly().onExit().join();
      Runtime.getRuntime().removeShutdownHook(hook);
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
