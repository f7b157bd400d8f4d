package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;

import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.server.fixtures.Certificates;
import org.simplepush.server.fixtures.Json;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawSocket;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.TestServers;
import org.simplepush.server.fixtures.WireDevice;
import org.simplepush.server.jetty.JettyEndpointServer;

/** The endpoint on Jetty, with what only Jetty can do. */
class JettyEndpointWireTest extends EndpointWireTest {
  private static final int DATA = 0;
  private static final int HEADERS = 1;
  private static final int SETTINGS = 4;
  private static final int GOAWAY = 7;
  private static final int END_STREAM = 1;
  private static final int END_HEADERS = 4;

  @Override
  PushServer.Builder server() {
    return TestServers.server().endpointServer(new JettyEndpointServer());
  }

  @Override
  PushServer.Builder impatientServer() {
    return TestServers.server().endpointServer(new JettyEndpointServer(Duration.ofSeconds(2)));
  }

  private static byte[] frame(int type, int flags, int stream, byte[] payload) {
    return ByteBuffer.allocate(9 + payload.length)
        .putInt(payload.length << 8 | type)
        .put((byte) flags)
        .putInt(stream)
        .put(payload)
        .array();
  }

  /** The head of a PUT in HPACK, nothing compressed. */
  private static byte[] putHeaders(String path) {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    block.write(0x86); // :scheme: http
    literal(block, 2, "PUT"); // :method
    literal(block, 4, path); // :path
    literal(block, 1, "test"); // :authority
    return block.toByteArray();
  }

  private static void literal(ByteArrayOutputStream block, int name, String value) {
    block.write(name);
    block.write(value.length()); // under 127
    block.writeBytes(value.getBytes(StandardCharsets.US_ASCII));
  }

  private static void putOverHttp2(RawSocket socket, int stream, URI endpoint, String body)
      throws Exception {
    if (stream == 1) {
      socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
      socket.write(frame(SETTINGS, 0, 0, new byte[0]));
    }
    socket.write(frame(HEADERS, END_HEADERS, stream, putHeaders(endpoint.getRawPath())));
    socket.write(frame(DATA, END_STREAM, stream, body.getBytes(StandardCharsets.US_ASCII)));
  }

  /** Returns what the next frame of this type holds. */
  private static byte[] nextFrame(RawSocket socket, int wanted) throws Exception {
    long deadline = RawSocket.deadline(RawSocket.TIMEOUT);
    int type;
    byte[] payload;
    do {
      int lengthAndType = ByteBuffer.wrap(socket.readFully(9, deadline)).getInt();
      type = lengthAndType & 0xff;
      payload = socket.readFully(lengthAndType >>> 8, deadline);
    } while (type != wanted);
    return payload;
  }

  @Test
  void http2WithPriorKnowledge() throws Exception {
    try (RawSocket socket = RawSocket.connect(endpoint.getPort())) {
      putOverHttp2(socket, 1, endpoint, "version=9");
      assertThat(nextFrame(socket, HEADERS)).contains(0x88); // :status: 200
    }
    device.expectUpdate(CHANNEL, 9);
  }

  @Test
  void http2SenderIsToldToLeaveWithAGoAway() throws Exception {
    PushServer draining = server().drain(Duration.ofMinutes(10)).build().start();
    try (WireDevice away = WireDevice.fresh(draining.port());
        WireDevice staying = WireDevice.fresh(draining.port());
        RawSocket socket = RawSocket.connect(draining.endpointPort())) {
      URI there = staying.register(CHANNEL);
      CompletableFuture<Void> closed = draining.closeAsync();
      for (int version = 1; version <= 2; version++) {
        putOverHttp2(socket, 2 * version - 1, there, "version=" + version);
        assertThat(nextFrame(socket, HEADERS)).contains(0x88); // :status: 200
      }
      away.leave();
      staying.leave();
      byte[] goAway = nextFrame(socket, GOAWAY);
      assertThat(ByteBuffer.wrap(goAway).getInt()).as("last stream").isEqualTo(3);
      closed.get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void manyRequestsShareOneHttp2ConnectionOverTls(@TempDir Path folder) throws Exception {
    SSLContext tls = Certificates.selfSigned(folder.resolve("keystore.p12"));
    try (PushServer secure = server().tls(tls).build().start();
        WireDevice device = new WireDevice(RawWebSocket.connectTls(secure.port(), tls))) {
      device.hello("");
      URI endpoint = device.register(CHANNEL);
      HttpClient client = HttpClient.newBuilder().sslContext(tls).build();
      for (int round = 0; round < 10; round++) {
        List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
        for (int version = 1; version <= 100; version++) {
          HttpRequest put =
              HttpRequest.newBuilder(endpoint)
                  .PUT(HttpRequest.BodyPublishers.ofString("version=" + version))
                  .build();
          answers.add(client.sendAsync(put, HttpResponse.BodyHandlers.ofString()));
        }
        for (CompletableFuture<HttpResponse<String>> answer : answers) {
          HttpResponse<String> response = answer.get(20, TimeUnit.SECONDS);
          assertThat(response.version()).isEqualTo(HttpClient.Version.HTTP_2);
          assertThat(response.statusCode()).isEqualTo(200);
          // The requests may overtake each other.
          assertThat(response.body()).isIn("{}", "{\"stale\":true}");
        }
      }
      HttpRequest get = HttpRequest.newBuilder(endpoint).build();
      HttpResponse<String> refused = client.send(get, HttpResponse.BodyHandlers.ofString());
      assertThat(refused.statusCode()).isEqualTo(405);
      assertThat(refused.headers().firstValue("allow")).contains("PUT, OPTIONS");
    }
  }

  @Test
  void answersOfADrainOverHttp2HaveNoConnectionHeader(@TempDir Path folder) throws Exception {
    SSLContext tls = Certificates.selfSigned(folder.resolve("keystore.p12"));
    PushServer secure = server().tls(tls).drain(Duration.ofMinutes(10)).build().start();
    try (WireDevice away = new WireDevice(RawWebSocket.connectTls(secure.port(), tls));
        WireDevice staying = new WireDevice(RawWebSocket.connectTls(secure.port(), tls))) {
      away.hello("");
      staying.hello("");
      URI endpoint = staying.register(CHANNEL);
      CompletableFuture<Void> closed = secure.closeAsync();
      HttpResponse<String> answer =
          HttpClient.newBuilder()
              .sslContext(tls)
              .build()
              .send(
                  HttpRequest.newBuilder(endpoint)
                      .PUT(HttpRequest.BodyPublishers.ofString("version=1"))
                      .build(),
                  HttpResponse.BodyHandlers.ofString());
      assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.headers().map()).doesNotContainKey("connection");
      away.leave();
      staying.leave();
      closed.get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void clientsThatKnowNoAlpnGetHttp11OverTls(@TempDir Path folder) throws Exception {
    SSLContext tls = Certificates.selfSigned(folder.resolve("keystore.p12"));
    try (PushServer secure = impatientServer().tls(tls).build().start();
        RawHttp http = RawHttp.connectTls(secure.endpointPort(), tls);
        RawSocket slowHandshake = RawSocket.connect(secure.endpointPort());
        RawHttp plain = RawHttp.connect(secure.endpointPort())) {
      RawHttp.Response answer = http.exchange("PUT", "/update/x", "", "Content-Length: 0");
      assertThat(answer.status()).as("status of %s", answer).isEqualTo(404);
      plain.send("PUT /update/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
      assertThat(plain.readToEnd()).doesNotContain("200 OK");
      slowHandshake.write("\u0016\u0003\u0001\u0000\u00c4\u0001\u0000");
      slowHandshake.readToEnd();
    }
  }

  @Test
  void requestThatIsNoHttpIsAnsweredWithJson() throws Exception {
    try (RawHttp http = RawHttp.connect(endpoint)) {
      http.send("PUT " + endpoint.getRawPath() + " HTTP/1.1\r\n\r\n"); // no Host
      RawHttp.Response response = http.response();
      assertThat(response.header("Content-Type")).isEqualTo("application/json");
      assertThat(Json.field(Json.read(response.body()), "status")).isEqualTo(400L);
      assertThat(http.readToEnd()).isEmpty();
    }
  }

  @Test
  void idleConnectionIsClosed() throws Exception {
    try (PushServer impatient = impatientServer().build().start();
        RawHttp http = RawHttp.connect(impatient.endpointPort())) {
      assertThat(http.exchange("PUT", "/update/x", "", "Content-Length: 0").status())
          .isEqualTo(404);
      assertThat(http.readToEnd()).isEmpty();
    }
  }

  @Test
  void settingsThatCannotBeAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new JettyEndpointServer(Duration.ofMillis(999)));
    assertThatIllegalStateException()
        .isThrownBy(() -> server().endpointExecutor(Runnable::run).build())
        .withMessageContaining("endpointExecutor");
  }
}
