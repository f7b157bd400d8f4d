package org.simplepush.examples.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Strangers who ask and do not read, far more than the heap could hold. */
@Timeout(180)
class SmallHeapTest {
  private static final String CHANNEL = "d9b74644-4f97-46aa-b8fa-9393985cd6cd";

  private final HttpClient http = HttpClient.newHttpClient();

  /** A text frame, masked with zeros. */
  private static byte[] text(String text) {
    byte[] payload = text.getBytes(StandardCharsets.US_ASCII);
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    frame.write(0x81);
    if (payload.length < 126) {
      frame.write(0x80 | payload.length);
    } else {
      frame.write(0x80 | 126);
      frame.write(payload.length >> 8);
      frame.write(payload.length);
    }
    frame.writeBytes(new byte[4]);
    frame.writeBytes(payload);
    return frame.toByteArray();
  }

  /** All that a stranger says: it never reads. */
  private static byte[] monologue() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(
        ("GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
            .getBytes(StandardCharsets.US_ASCII));
    all.writeBytes(text("{\"messageType\":\"hello\",\"uaid\":\"\",\"channelIDs\":[]}"));
    String long60k = "x".repeat(60_000);
    for (int i = 0; i < 3; i++) {
      all.writeBytes(text("{\"messageType\":\"register\",\"channelID\":\"" + long60k + "\"}"));
    }
    for (int i = 0; i < 2_000; i++) {
      all.writeBytes(text("{\"messageType\":\"register\"}"));
    }
    return all.toByteArray();
  }

  private static Socket stranger(URI server, byte[] monologue) throws IOException {
    Socket socket = new Socket();
    socket.setReceiveBufferSize(4 * 1024);
    socket.setSendBufferSize(monologue.length);
    socket.connect(new InetSocketAddress(server.getHost(), server.getPort()), 20_000);
    try {
      socket.getOutputStream().write(monologue);
    } catch (IOException e) {
      // Closed to make room for others: that is the point.
    }
    return socket;
  }

  private int put(String endpoint, long version) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(endpoint))
            .timeout(Duration.ofSeconds(20))
            .PUT(HttpRequest.BodyPublishers.ofString("version=" + version))
            .build();
    return http.send(request, HttpResponse.BodyHandlers.ofString()).statusCode();
  }

  private HttpResponse<String> get(String url) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url)).timeout(Duration.ofSeconds(20)).build();
    return http.send(request, HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void devicesAndHealthGoOnAndMemoryIsBackAfterwards() throws Exception {
    byte[] monologue = monologue();
    List<Socket> strangers = new ArrayList<>();
    try (ServerProcess server =
        ServerProcess.startWith(Map.of("JAVA_TOOL_OPTIONS", "-Xmx48m"), "--management-port", "0")) {
      String management = server.management();
      RawDevice device = new RawDevice(http, server.webSocket);
      device.say("{\"messageType\":\"hello\",\"uaid\":\"\",\"channelIDs\":[]}");
      assertThat(device.next()).contains("\"status\":200");
      device.say("{\"messageType\":\"register\",\"channelID\":\"" + CHANNEL + "\"}");
      String registered = device.next();
      String endpoint =
          registered.substring(registered.indexOf("http"), registered.lastIndexOf('"'));
      for (int i = 1; i <= 600; i++) {
        strangers.add(stranger(server.webSocket, monologue));
        if (i % 50 == 0) {
          assertThat(put(endpoint, i)).isEqualTo(200);
          assertThat(device.next()).contains("\"version\":" + i);
          device.say(
              "{\"messageType\":\"ack\",\"updates\":[{\"channelID\":\"%s\",\"version\":%d}]}"
                  .formatted(CHANNEL, i));
          assertThat(get(management + "/__heartbeat__").statusCode()).isEqualTo(200);
        }
      }
      assertThat(get(management + "/metrics").body())
          .containsPattern("simplepush_memory_shed_total\\{kind=\"(backlog|input)\"} [1-9]");
      for (Socket stranger : strangers) {
        stranger.close();
      }
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
      String metrics;
      do {
        metrics = get(management + "/metrics").body();
        assertThat(System.nanoTime() - deadline).as(metrics).isNegative();
      } while (!metrics.contains("simplepush_memory_used_bytes{kind=\"backlog\"} 0.0")
          || !metrics.contains("simplepush_memory_used_bytes{kind=\"input\"} 0.0"));
      assertThat(put(endpoint, 1_000)).isEqualTo(200);
      assertThat(device.next()).contains("\"version\":1000");
      assertThat(server.process.isAlive()).isTrue();
    } finally {
      for (Socket stranger : strangers) {
        stranger.close();
      }
    }
  }
}
