package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.simplepush.server.fixtures.TestServers.eventually;
import static org.simplepush.server.fixtures.TestServers.server;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.RawWebSocket;

/** A HAProxy in front, if this machine has one: the device's address comes through. */
@Tag("process")
@Timeout(60)
@ExtendWith(Hygiene.class)
class HaproxyTest {
  private static final Path HAPROXY = Path.of("/usr/sbin/haproxy");

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "tcp | send-proxy",
        "tcp | send-proxy-v2",
        "tcp | send-proxy-v2 proxy-v2-options unique-id,crc32c",
        "http | weight 1",
        "http | send-proxy-v2", // both say the same
      })
  void deviceIsKnownByItsOwnAddress(String mode, String how, @TempDir Path folder)
      throws Exception {
    assumeTrue(Files.isExecutable(HAPROXY), "needs haproxy");
    BlockingQueue<InetAddress> seen = new LinkedBlockingQueue<>();
    try (PushServer server =
        server()
            .trustedProxies("127.0.0.1/32")
            .limitLoopback(true)
            .maxConnectionsPerAddress(1)
            .admission(
                request -> {
                  seen.add(request.address());
                  return CompletableFuture.completedStage(Admission.Decision.admit());
                })
            .build()
            .start()) {
      int port = freePort();
      Process haproxy = haproxy(folder, mode, how, port, server.port());
      try (RawWebSocket one = open("127.0.0.2", port);
          RawWebSocket two = open("127.0.0.3", port)) {
        one.handshake();
        assertThat(next(seen)).isEqualTo("127.0.0.2");
        two.handshake();
        assertThat(next(seen)).isEqualTo("127.0.0.3");
        two.send("{}");
        assertThat(two.nextText()).isEqualTo("{}");
        try (RawWebSocket again = open("127.0.0.3", port)) {
          again.socket().write(RawWebSocket.request());
          assertThat(again.response().status()).isEqualTo(429);
        }
      } finally {
        haproxy.destroyForcibly().waitFor();
      }
    }
  }

  private static Process haproxy(Path folder, String mode, String how, int port, int serverPort)
      throws Exception {
    Path config = folder.resolve("haproxy.cfg");
    Files.writeString(
        config,
        """
        global
          maxconn 100
        defaults
          timeout connect 20s
          timeout client 60s
          timeout server 60s
          mode %s
        listen devices
          bind 127.0.0.1:%d
          server push 127.0.0.1:%d %s
        """
            .formatted(
                mode.equals("http") ? "http\n  option forwardfor" : mode, port, serverPort, how));
    Process process =
        new ProcessBuilder(HAPROXY.toString(), "-db", "-f", config.toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("haproxy.log").toFile())
            .start();
    eventually(
        () -> {
          assertThat(process.isAlive())
              .as(Files.readString(folder.resolve("haproxy.log")))
              .isTrue();
          assertThatCode(() -> open("127.0.0.1", port).close()).doesNotThrowAnyException();
        });
    return process;
  }

  private static RawWebSocket open(String from, int port) throws Exception {
    return RawWebSocket.openFrom(from, port);
  }

  private static int freePort() throws Exception {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  private static String next(BlockingQueue<InetAddress> seen) throws InterruptedException {
    InetAddress address = seen.poll(20, TimeUnit.SECONDS);
    assertThat(address).isNotNull();
    return address.getHostAddress();
  }
}
