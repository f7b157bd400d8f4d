package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.channel;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawSocket;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.WireDevice;

/** A server with default settings and a small heap, against a client that registers without end. */
@Tag("process")
@Timeout(120)
@ExtendWith(Hygiene.class)
class StrangersHeapTest {
  private static final int BATCH = 50;
  private static final int BATCHES_PER_DEVICE = 20;

  /** A push server that lives in a process of its own, until it is killed. */
  public static void main(String[] args) throws Exception {
    PushServer server =
        PushServer.builder()
            .port(0)
            .endpointPort(0)
            .limitLoopback(Boolean.parseBoolean(args[0]))
            .build()
            .start();
    System.out.println(server.port());
    System.out.flush();
    Thread.currentThread().join();
  }

  private static Process start(boolean limitLoopback) throws Exception {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx32m",
            "-XX:+ExitOnOutOfMemoryError",
            "-cp",
            System.getProperty("java.class.path"),
            StrangersHeapTest.class.getName(),
            String.valueOf(limitLoopback))
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  @ParameterizedTest
  @CsvSource({
    "false, 1, 503", // exempt, but not from the total
    "true, 1, 429",
    "true, 20, 503",
  })
  void whoeverRegistersWithoutEndIsRefusedAndAnHonestDeviceGoesOn(
      boolean limitLoopback, int addresses, int refusal) throws Exception {
    Process process = start(limitLoopback);
    try {
      int port = Integer.parseInt(process.inputReader().readLine());
      try (WireDevice honest = WireDevice.connect(port)) {
        honest.hello("");
        URI endpoint = honest.register(CHANNEL);

        int created = registerWithoutEnd(port, addresses, refusal);

        assertThat(created).isBetween(10_000, 32 * 1024 * 1024 / 4 / 448);
        assertThat(put(endpoint, 7)).isEqualTo(200);
        honest.expectUpdate(CHANNEL, 7);
        honest.acknowledge(CHANNEL, 7);
        try (WireDevice back = WireDevice.resumed(port, honest.uaid(), CHANNEL)) {
          assertThat(put(endpoint, 8)).isEqualTo(200);
          back.expectUpdate(CHANNEL, 8);
        }
      }
      assertThat(process.isAlive()).isTrue();
    } finally {
      process.destroyForcibly().waitFor();
    }
  }

  /**
   * As one user agent after the other, until a thousand were refused; returns how many were not.
   */
  private static int registerWithoutEnd(int port, int addresses, int refusal) throws Exception {
    int created = 0;
    int refused = 0;
    for (int device = 0; refused < 1_000; device++) {
      assertThat(created).as("channels that were not refused").isLessThan(100_000);
      String address = "127.0.1." + (1 + device % addresses);
      try (RawWebSocket socket = RawWebSocket.openFrom(address, port).handshake()) {
        socket.send(WireDevice.helloMessage(""));
        assertThat(socket.nextText()).contains("\"status\":200");
        for (int batch = 0; batch < BATCHES_PER_DEVICE; batch++) {
          int first = batch * BATCH;
          socket.sendAtOnce(
              IntStream.range(first, first + BATCH)
                  .mapToObj(
                      i -> "{\"messageType\":\"register\",\"channelID\":\"" + channel(i) + "\"}")
                  .toArray(String[]::new));
          for (int i = 0; i < BATCH; i++) {
            String answer = socket.nextText();
            if (answer.contains("\"status\":200")) {
              created++;
            } else {
              assertThat(answer).contains("\"status\":" + refusal);
              refused++;
            }
          }
        }
      }
    }
    return created;
  }

  private static int put(URI endpoint, int version) throws Exception {
    try (RawSocket socket = RawSocket.connect(endpoint.getPort())) {
      socket.write(
          "PUT "
              + endpoint.getRawPath()
              + " HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nversion="
              + version);
      return RawHttp.Head.read(socket, RawSocket.deadline(Duration.ofSeconds(20))).status();
    }
  }
}
