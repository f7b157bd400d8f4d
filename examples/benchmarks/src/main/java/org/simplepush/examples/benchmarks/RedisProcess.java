package org.simplepush.examples.benchmarks;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import redis.embedded.RedisExecProvider;

/**
 * A Redis of this program's own that has on the disk whatever it confirmed: it appends every write
 * to a file and syncs that before it answers.
 */
final class RedisProcess implements Victim {
  private static final int START_SECONDS = 30;
  private static final int POLL_MILLIS = 20;

  private final File executable;
  private final Path folder;
  private final int port;
  private @Nullable Process process;
  private @Nullable Thread hook;

  /**
   * Does not start it yet.
   *
   * @param executable null for the one that this program brings
   * @throws LoadException if it brings none for this system
   */
  RedisProcess(@Nullable Path executable, Path folder, int port) throws LoadException {
    this.folder = folder;
    this.port = port;
    try {
      this.executable =
          executable == null ? RedisExecProvider.defaultProvider().get() : executable.toFile();
    } catch (IOException | RuntimeException e) {
      throw new LoadException("There is no Redis for this system, give --redis-server: " + e);
    }
  }

  @Override
  public void launch() throws LoadException {
    List<String> command =
        List.of(
            executable.getAbsolutePath(),
            "--port",
            "" + port,
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "always");
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
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout((int) TimeUnit.SECONDS.toMillis(START_SECONDS));
      socket.getOutputStream().write("PING\r\n".getBytes(StandardCharsets.US_ASCII));
      byte[] answer = socket.getInputStream().readNBytes(5);
      return new String(answer, StandardCharsets.US_ASCII).equals("+PONG");
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
}
