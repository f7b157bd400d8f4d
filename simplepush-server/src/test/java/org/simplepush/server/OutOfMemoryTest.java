package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.TestServers.CHANNEL;
import static org.simplepush.server.TestServers.server;

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
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** An embedded server in a real process whose heap is full for some time, and then is not. */
@Tag("process")
@Timeout(120)
class OutOfMemoryTest {
  /**
   * The process: 'f' fills the heap, 'e' empties it, 'h' tells the health; each is answered with a
   * line.
   */
  static final class Main {
    private static final FileOutputStream OUT = new FileOutputStream(FileDescriptor.out);
    private static final byte[] DONE = "done\n".getBytes(StandardCharsets.US_ASCII);

    private static final Object[] NOTHING = new Object[0];
    private static Object[] held = NOTHING;

    private Main() {}

    public static void main(String[] args) throws IOException {
      // The housekeeper is busy too.
      try (PushServer server = server().expiry(Duration.ofSeconds(5)).build().start()) {
        OUT.write((server.port() + "\n").getBytes(StandardCharsets.US_ASCII));
        for (int command = System.in.read(); command != -1; command = System.in.read()) {
          switch (command) {
            case 'f' -> fill();
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
      try (WireDevice connected = WireDevice.fresh(port)) {
        connected.register(CHANNEL);
        assertThat(say(in, out, 'h')).isEqualTo("well");
        assertThat(say(in, out, 'f')).isEqualTo("done");
        for (int i = 0; i < 20; i++) { // each needs memory that is not there
          RawSocket stranger = RawSocket.connect(port);
          stranger.writeWhilePeerListens(
              RawWebSocket.request().getBytes(StandardCharsets.US_ASCII));
          stranger.close();
          connected.socket().socket().writeWhilePeerListens(new byte[] {(byte) 0x89});
        }
      } catch (IOException | AssertionError e) {
        // The device may be lost, the server may not.
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
