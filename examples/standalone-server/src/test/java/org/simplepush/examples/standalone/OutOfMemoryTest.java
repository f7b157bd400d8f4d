package org.simplepush.examples.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A real process whose heap is full, though its other threads have thrown nothing away. */
@Timeout(120)
class OutOfMemoryTest {
  private static final String LINE = "The server is out of memory and ends";

  /** The server as usual; fills the heap, and keeps it full, when a byte comes. */
  static final class Main {
    private static Object[] held = new Object[0];

    private Main() {}

    public static void main(String[] args) throws IOException {
      new Thread(() -> StandaloneServer.main(args)).start();
      while (System.in.read() != -1) {
        fill();
      }
    }

    private static void fill() {
      for (int size = 1 << 18; size > 0; size /= 2) {
        try {
          while (true) {
            Object[] next = new Object[size];
            next[0] = held;
            held = next;
          }
        } catch (OutOfMemoryError e) {
          // With less, until there is nothing left.
        }
      }
    }
  }

  private static Process start(Path log, String... options) throws IOException {
    List<String> command = new ArrayList<>(ServerProcess.command());
    command.set(command.size() - 1, Main.class.getName());
    command.add(1, "-Xmx32m");
    command.addAll(List.of("--port", "0", "--endpoint-port", "0"));
    command.addAll(List.of(options));
    return new ProcessBuilder(command).redirectError(log.toFile()).start();
  }

  private static URI webSocketOf(Process process) throws IOException {
    String ready = process.inputReader().readLine();
    assertThat(ready).startsWith("ready ws=");
    return URI.create(ready.substring("ready ws=".length(), ready.indexOf(' ', 6)));
  }

  private static void fill(Process process) throws IOException {
    OutputStream in = process.getOutputStream();
    in.write('f');
    in.flush();
  }

  private static void assertEnds(Process process, Path log) throws Exception {
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).as(Files.readString(log)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(log)).isEqualTo(OutOfMemory.EXIT_CODE);
    assertThat(Files.readString(log)).contains(LINE);
  }

  @Test
  void outOfMemoryEndsTheProcessWithALine(@TempDir Path folder) throws Exception {
    Path log = folder.resolve("log");
    Process process = start(log);
    try {
      webSocketOf(process);
      fill(process);
      assertEnds(process, log);
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void outOfMemoryEndsTheProcessAlsoWhenItIsToldToStop(@TempDir Path folder) throws Exception {
    Path log = folder.resolve("log");
    Process process = start(log, "--drain", "90s");
    try {
      RawDevice device = new RawDevice(HttpClient.newHttpClient(), webSocketOf(process));
      device.say("{\"messageType\":\"hello\",\"uaid\":\"\",\"channelIDs\":[]}");
      assertThat(device.next()).contains("\"status\":200");
      process.toHandle().destroy();
      // Closed devices would end the drain; the process still answers while it drains.
      fill(process);
      assertEnds(process, log);
    } finally {
      process.destroyForcibly();
    }
  }
}
