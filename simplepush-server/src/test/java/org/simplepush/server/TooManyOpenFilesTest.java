package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.eventually;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawSocket;
import org.simplepush.server.fixtures.TestServers;
import org.simplepush.server.fixtures.WireDevice;

/**
 * A server in a process of its own that may open very few files. When it has run out of them it
 * must serve those who are connected, and accept again when there are some.
 */
@Timeout(90)
class TooManyOpenFilesTest {
  private static final int LIMIT = 120;

  /** The process: prints the WebSocket port, serves until its input ends. */
  static final class Main {
    private Main() {}

    public static void main(String[] args) throws IOException {
      try (PushServer server = TestServers.server().build().start();
          WarmUp warmUp = new WarmUp(server)) {
        System.out.println(warmUp.port());
        while (System.in.read() != -1) {
          // Until the test is over.
        }
      }
    }
  }

  /** Loads what serving needs while there are files left to load it from. */
  private record WarmUp(PushServer server) implements AutoCloseable {
    WarmUp {
      try (WireDevice device = WireDevice.fresh(server.port())) {
        URI endpoint = device.register(CHANNEL);
        assertThat(RawHttp.put(endpoint, "version=1").status()).isEqualTo(200);
        device.expectUpdate(CHANNEL, 1);
        device.acknowledge(CHANNEL, 1);
        device.unregister(CHANNEL);
        device.proveNothingCame();
        device.socket().sendClose(1000);
        device.socket().expectClose(1000);
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }

    int port() {
      return server.port();
    }

    @Override
    public void close() {}
  }

  @Test
  void serverOutlivesTooManyOpenFiles(@TempDir Path folder) throws Exception {
    assumeThat(Path.of("/bin/bash")).isExecutable();
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(
                "/bin/bash",
                "-c",
                "ulimit -n " + LIMIT + "; exec \"$0\" \"$@\"",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xshare:auto",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                Main.class.getName())
            .redirectError(log.toFile())
            .start();
    List<RawSocket> crowd = new ArrayList<>();
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String line = out.readLine();
      assertThat(line).as(() -> read(log)).isNotNull();
      int port = Integer.parseInt(line);
      try (WireDevice connected = WireDevice.fresh(port)) {
        connected.register(CHANNEL);
        for (int i = 0; i < 2 * LIMIT; i++) {
          crowd.add(RawSocket.connect(port)); // the kernel takes them, the server cannot
        }
        eventually(() -> assertThat(read(log)).contains("Cannot accept a connection"));
        connected.proveNothingCame();
        for (RawSocket socket : crowd) {
          socket.close();
        }
        try (WireDevice late = WireDevice.fresh(port)) {
          late.proveNothingCame();
        }
        connected.proveNothingCame();
      }
      process.getOutputStream().close();
      assertThat(process.waitFor(20, TimeUnit.SECONDS)).as("the end of the process").isTrue();
      assertThat(process.exitValue()).as(() -> read(log)).isZero();
      assertThat(read(log)).doesNotContain(" ERROR ");
    } finally {
      for (RawSocket socket : crowd) {
        socket.close();
      }
      process.destroyForcibly();
    }
  }

  private static String read(Path log) {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
