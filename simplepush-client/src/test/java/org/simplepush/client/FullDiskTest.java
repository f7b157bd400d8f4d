package org.simplepush.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.server.EndpointKeys;
import org.simplepush.server.PushServer;

/** A device on a disk that is really full, and a real push server. */
@Timeout(300)
@Tag("process")
class FullDiskTest {
  private final InMemoryVersionStore store = new InMemoryVersionStore();
  private final EndpointKeys keys = EndpointKeys.ephemeral();

  @TempDir private Path folder;

  private PushServer serve(int port) throws IOException {
    return PushServer.builder().port(port).endpointPort(0).keys(keys).store(store).build().start();
  }

  /** The device: a process of its own, because only it sees the disk. Says what happens to it. */
  static final class Device {
    private static final Semaphore connections = new Semaphore(0);

    private Device() {}

    /** Tells of a loss, which must not come. */
    private static final class Application implements PushHandler, PushRegisterHandler {
      @Override
      public void onPush(PushMessage message) {}

      @Override
      public void onPushRegister() {
        System.out.println("lost");
      }
    }

    public static void main(String[] args) throws Exception {
      Path disk = Path.of(args[1]);
      BufferedReader orders = new BufferedReader(new InputStreamReader(System.in));
      PushClient.Builder builder =
          PushClient.builder(URI.create(args[0]))
              .storage(DeviceStorage.file(disk.resolve("device")))
              .backoff(Duration.ofMillis(10), Duration.ofMillis(100))
              .requestTimeout(Duration.ofSeconds(30))
              .listener(
                  new ConnectionListener() {
                    @Override
                    public void onConnected() {
                      connections.release();
                    }
                  });
      try (PushClient device = builder.build().start()) {
        PushManager calendar = device.application("calendar", new Application());
        URI given = calendar.register().get();
        calendar.register().get();
        connections.acquire();
        fill(disk.resolve("filler"));
        try {
          calendar.unregister(given).get();
        } catch (ExecutionException e) {
          System.out.println("unregister: " + ((PushException) e.getCause()).kind());
        }
        orders.readLine(); // the server was restarted, and the device comes back to it
        connections.acquire();
        System.out.println("reconnected");
      }
      try (PushClient device = builder.build().start()) {
        PushManager calendar = device.application("calendar", new Application());
        connections.acquire();
        System.out.println("restarted with " + calendar.registrations().get().size());
      }
    }

    private static void fill(Path file) {
      byte[] some = new byte[4096];
      try (OutputStream out = Files.newOutputStream(file)) {
        while (true) {
          out.write(some);
        }
      } catch (IOException e) {
        System.out.println("disk: " + e.getMessage());
      }
    }
  }

  @Test
  void unregisterOnAFullDiskDoesNotMakeTheServerForgetTheDevice() throws Exception {
    PushServer server = serve(0);
    Process device =
        new ProcessBuilder(
                "unshare",
                "-rm",
                "bash",
                "-c",
                "mount -t tmpfs -o size=256k none $1 && echo mounted && exec \"${@:2}\"",
                "bash",
                folder.toString(),
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Device.class.getName(),
                server.webSocketUri().toString(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader says = device.inputReader()) {
      assumeTrue(
          "mounted".equals(says.readLine()),
          "needs user namespaces (unshare -rm) to make a small file system");
      assertThat(says.readLine()).isEqualTo("disk: No space left on device");
      assertThat(says.readLine()).isEqualTo("unregister: STORAGE_ERROR");
      int port = server.port();
      server.close();
      server = serve(port);
      device.outputWriter().write("go on\n");
      device.outputWriter().flush();
      assertThat(says.readLine()).isEqualTo("reconnected");
      assertThat(says.readLine()).isEqualTo("restarted with 2");
      assertThat(says.readLine()).isNull();
      assertThat(device.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(device.exitValue()).isZero();
    } finally {
      device.destroyForcibly();
      server.close();
    }
  }
}
