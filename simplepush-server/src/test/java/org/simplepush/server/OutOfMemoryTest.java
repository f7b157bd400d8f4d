package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.server;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.server.fixtures.RawSocket;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.WireDevice;

/** An embedded server in a real process whose heap is full for some time, and then is not. */
@Tag("process")
@Timeout(120)
class OutOfMemoryTest {
  private static final int STRANGERS = 500;

  /**
   * The process: 'f' fills the heap, 'w' waits until the server has met that, 'e' empties it, 'h'
   * tells the health; each is answered with a line.
   */
  static final class Main {
    private static final FileOutputStream OUT = new FileOutputStream(FileDescriptor.out);
    private static final byte[] DONE = "done\n".getBytes(StandardCharsets.US_ASCII);

    private static final Object[] NOTHING = new Object[0];
    private static Object[] held = NOTHING;
    private static volatile boolean met;

    private Main() {}

    public static void main(String[] args) throws IOException {
      // The housekeeper is busy too.
      PushServer.Builder builder = server().expiry(Duration.ofSeconds(5));
      try (PushServer server = builder.onOutOfMemory(error -> met = true).build().start()) {
        OUT.write((server.port() + "\n").getBytes(StandardCharsets.US_ASCII));
        for (int command = System.in.read(); command != -1; command = System.in.read()) {
          switch (command) {
            case 'f' -> fill();
            case 'w' -> awaitOutOfMemory();
            case 'e' -> held = NOTHING;
            default -> {
              OUT.write((health(server) + "\n").getBytes(StandardCharsets.UTF_8));
              continue;
            }
          }
          OUT.write(DONE); // needs no memory
        }
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

    private static void awaitOutOfMemory() {
      while (!met) {
        Thread.onSpinWait(); // all else may need memory
      }
    }

    private static String health(PushServer server) {
      try {
        server.checkHealth().toCompletableFuture().join();
        return "well";
      } catch (CompletionException e) {
        return String.valueOf(e.getCause());
      }
    }
  }

  @Test
  void serverOutlivesAHeapThatIsFullForSomeTime(@TempDir Path folder) throws Exception {
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx32m",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                Main.class.getName())
            .redirectError(log.toFile())
            .start();
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      int port = Integer.parseInt(out.readLine());
      OutputStream in = process.getOutputStream();
      List<RawSocket> strangers = new ArrayList<>();
      try (WireDevice connected = WireDevice.fresh(port)) {
        connected.register(CHANNEL);
        assertThat(say(in, out, 'h')).isEqualTo("well");
        assertThat(say(in, out, 'f')).isEqualTo("done");
        // Each needs memory that is not there; all of them more than a thread may have in reserve.
        for (int i = 0; i < STRANGERS; i++) {
          RawSocket stranger = RawSocket.connect(port);
          strangers.add(stranger);
          stranger.writeWhilePeerListens(
              RawWebSocket.request().getBytes(StandardCharsets.US_ASCII));
          connected.socket().socket().writeWhilePeerListens(new byte[] {(byte) 0x89});
        }
      } catch (IOException | AssertionError e) {
        // The device may be lost, the server may not.
      }
      assertThat(say(in, out, 'w')).isEqualTo("done");
      for (RawSocket stranger : strangers) {
        stranger.close();
      }
      assertThat(say(in, out, 'e')).isEqualTo("done");
      try (WireDevice late = WireDevice.fresh(port)) {
        late.register(CHANNEL);
        late.proveNothingCame();
      }
      // The JDK's HTTP server may have lost its thread, which is a reason of its own to be red.
      assertThat(say(in, out, 'h')).as(Files.readString(log)).startsWith("java.io.IOException");
      in.close();
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).as("the end of the process").isTrue();
    } finally {
      process.destroyForcibly();
    }
  }

  private static String say(OutputStream in, BufferedReader out, char command) throws IOException {
    in.write(command);
    in.flush();
    return out.readLine();
  }
}
