package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.channel;
import static org.simplepush.server.fixtures.TestServers.eventually;
import static org.simplepush.server.fixtures.TestServers.publish;
import static org.simplepush.server.fixtures.TestServers.server;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.server.fixtures.Certificates;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawSocket;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.TestServers;
import org.simplepush.server.fixtures.WireDevice;

/** wss and https, with the TLS of the JDK on the other side. */
@Timeout(60)
@ExtendWith(Hygiene.class)
class TlsWireTest {
  private static SSLContext tls;
  private static PushServer server;

  @BeforeAll
  static void startServer(@TempDir Path folder) throws Exception {
    tls = Certificates.selfSigned(folder.resolve("keystore.p12"));
    server = server().tls(tls).build().start();
  }

  @AfterAll
  static void closeServer() {
    server.close();
  }

  private static WireDevice fresh() throws Exception {
    WireDevice device = new WireDevice(RawWebSocket.connectTls(server.port(), tls));
    device.hello("");
    return device;
  }

  private static void assertServes() throws Exception {
    try (WireDevice device = fresh()) {
      device.proveNothingCame();
    }
  }

  @Test
  void oneVersionTravelsOverHttpsAndWss() throws Exception {
    assertThat(server.webSocketUri().getScheme()).isEqualTo("wss");
    try (WireDevice device = fresh();
        RawHttp http = RawHttp.connectTls(server.endpointPort(), tls)) {
      URI endpoint = device.register(CHANNEL);
      assertThat(endpoint.getScheme()).isEqualTo("https");
      for (int version = 1; version <= 20; version++) {
        assertThat(http.putOn(endpoint, "version=" + version).status()).isEqualTo(200);
        device.expectUpdate(CHANNEL, version);
        device.acknowledge(CHANNEL, version);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void bothVersionsOfTls(String version) throws Exception {
    RawWebSocket socket = RawWebSocket.connectTls(server.port(), tls, version);
    assertThat(((SSLSocket) socket.socket().socket()).getSession().getProtocol())
        .isEqualTo(version);
    try (WireDevice device = new WireDevice(socket)) {
      device.hello("");
      device.proveNothingCame();
    }
  }

  /** A client that asks for another handshake sends its part and goes on. */
  private static void assertRefusesAnotherHandshake(SSLSocket socket) throws IOException {
    socket.setSoTimeout((int) RawSocket.TIMEOUT.toMillis());
    try {
      socket.startHandshake();
      assertThat(socket.getInputStream().read()).as("end of stream").isEqualTo(-1);
    } catch (SSLException | SocketException connectionEnded) {
      assertThat(connectionEnded).isNotInstanceOf(SocketTimeoutException.class);
    }
  }

  /** Each costs the server far more than the client. */
  @Test
  void deviceGetsOneHandshakeAConnection() throws Exception {
    try (RawWebSocket socket = RawWebSocket.connectTls(server.port(), tls, "TLSv1.2")) {
      assertRefusesAnotherHandshake((SSLSocket) socket.socket().socket());
    }
    assertServes();
  }

  @Test
  void applicationServerGetsOneHandshakeAConnection() throws Exception {
    for (EndpointServer front : TestServers.ENDPOINT_SERVERS) {
      try (PushServer any = server().tls(tls).endpointServer(front).build().start();
          RawHttp http = RawHttp.connectTls(any.endpointPort(), tls, "TLSv1.2")) {
        assertThat(http.exchange("PUT", "/update/x", "", "Content-Length: 0").status())
            .isEqualTo(404);
        assertRefusesAnotherHandshake((SSLSocket) http.socket().socket());
      }
    }
  }

  @Test
  void handshakeAndMessagesByteByByte() throws Exception {
    try (RawWebSocket socket = RawWebSocket.openTls(server.port(), tls)) {
      socket.socket().writeByteByByte(RawWebSocket.request().getBytes(StandardCharsets.US_ASCII));
      RawWebSocket.assertAccepted(socket.response());
      socket.sendByteByByte("{}");
      assertThat(socket.nextText()).isEqualTo("{}");
    }
  }

  @Test
  void largeAndPipelinedMessagesSpanRecords() throws Exception {
    try (WireDevice device = fresh()) {
      String start = "{\"messageType\":\"ping\",\"x\":\"";
      String large = start + "x".repeat(64 * 1024 - start.length() - 2) + "\"}";
      device.socket().sendAtOnce(large, large, "{}", large);
      for (int i = 0; i < 4; i++) {
        assertThat(device.socket().nextText()).isEqualTo("{}");
      }
    }
  }

  @Test
  void deviceThatStopsReadingGetsTheNewestWhenItReadsAgain() throws Exception {
    int channels = 300;
    int versions = 60;
    try (WireDevice stalled =
        new WireDevice(RawWebSocket.connectTls(server.port(), tls, 4 * 1024))) {
      stalled.hello("");
      List<URI> endpoints = new ArrayList<>();
      for (int i = 0; i < channels; i++) {
        endpoints.add(stalled.register(channel(i)));
      }
      for (int version = 1; version <= versions; version++) {
        for (URI endpoint : endpoints) {
          publish(server, endpoint, version);
        }
      }
      Map<String, Long> seen = new HashMap<>();
      while (seen.size() < channels || seen.values().stream().anyMatch(v -> v < versions)) {
        for (Map.Entry<String, Long> update : stalled.nextUpdates().entrySet()) {
          Long earlier = seen.put(update.getKey(), update.getValue());
          assertThat(update.getValue()).isGreaterThan(earlier == null ? 0 : earlier);
        }
      }
      stalled.proveNothingCame();
    }
  }

  @Test
  void closeOfTheServerEndsTlsAndTcp() throws Exception {
    try (RawWebSocket socket = RawWebSocket.connectTls(server.port(), tls)) {
      socket.send("nonsense");
      socket.expectClose(1002);
    }
  }

  @Test
  void closeOfTheDeviceIsAnswered() throws Exception {
    try (RawWebSocket socket = RawWebSocket.connectTls(server.port(), tls)) {
      socket.sendClose(1000);
      socket.expectClose(1000);
    }
  }

  @Test
  void closingTheServerTellsDevices1001() throws Exception {
    try (PushServer closing = server().tls(tls).build().start();
        RawWebSocket socket = RawWebSocket.connectTls(closing.port(), tls)) {
      closing.closeAsync();
      socket.expectClose(1001);
    }
  }

  @Test
  void unregisterRightBeforeTheEndCounts() throws Exception {
    for (int i = 0; i < 20; i++) {
      try (RawHttp http = RawHttp.connectTls(server.endpointPort(), tls)) {
        URI endpoint;
        try (WireDevice device = fresh()) {
          endpoint = device.register(CHANNEL);
          device
              .socket()
              .send("{\"messageType\":\"unregister\",\"channelID\":\"" + CHANNEL + "\"}");
        }
        eventually(() -> assertThat(http.putOn(endpoint, "version=1").status()).isEqualTo(410));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "\u0016\u0003\u0001\u0002\u0000\u0001garbage garbage garbage",
        "\u0016\u0003\u0001\u00ff\u00ff",
        "\u0015\u0003\u0001\u0000\u0002\u0002\u0000",
        "\0\0\0\0\0\0\0\0",
      })
  void bytesThatAreNoTlsAreClosed(String bytes) throws Exception {
    try (RawSocket socket = RawSocket.connect(server.port())) {
      socket.write(bytes);
      socket.halfClose();
      socket.readToEnd();
    }
    assertServes();
  }

  @Test
  void peerThatStallsInTheTlsHandshakeIsCutOffAndBurnsNoProcessor() throws Exception {
    try (PushServer strict = server().tls(tls).helloTimeout(Duration.ofSeconds(2)).build().start();
        RawSocket silent = RawSocket.connect(strict.port());
        RawSocket halfHello = RawSocket.connect(strict.port())) {
      halfHello.write("\u0016\u0003\u0001\u0000\u00c4\u0001\u0000");
      silent.readToEnd();
      halfHello.readToEnd();
      assertThat(processorTimeOfLoops(strict)).isLessThan(Duration.ofSeconds(1));
      eventually(() -> assertThat(strict.statistics().connections()).isZero());
    }
  }

  private static Duration processorTimeOfLoops(PushServer server) {
    String prefix = "simplepush-" + server.port() + "-loop";
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith(prefix))
        .map(loop -> ManagementFactory.getThreadMXBean().getThreadCpuTime(loop.getId()))
        .map(Duration::ofNanos)
        .reduce(Duration.ZERO, Duration::plus);
  }

  @Test
  void peersThatLeaveAtAnyPointHarmNobody() throws Exception {
    for (int i = 0; i < 10; i++) {
      RawSocket.connect(server.port()).close();
      RawSocket.connect(server.port()).reset();
      RawSocket half = RawSocket.connect(server.port());
      half.write("\u0016\u0003\u0001\u0000\u00c4");
      half.reset();
      RawWebSocket.openTls(server.port(), tls).close();
      RawWebSocket withoutCloseNotify = RawWebSocket.connectTls(server.port(), tls);
      withoutCloseNotify.send(WireDevice.helloMessage(""));
      withoutCloseNotify.socket().reset();
      RawWebSocket orderly = RawWebSocket.connectTls(server.port(), tls);
      orderly.send(WireDevice.helloMessage(""));
      orderly.close();
    }
    assertServes();
    eventually(() -> assertThat(server.statistics().connections()).isZero());
  }

  @Test
  void manyDevicesShareTheBuffersOfTheirLoop() throws Exception {
    List<WireDevice> devices = new ArrayList<>();
    try {
      List<URI> endpoints = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        WireDevice device = fresh();
        devices.add(device);
        endpoints.add(device.register(CHANNEL));
      }
      for (int i = 0; i < endpoints.size(); i++) {
        publish(server, endpoints.get(i), i + 1);
      }
      for (int i = 0; i < endpoints.size(); i++) {
        devices.get(i).expectUpdate(CHANNEL, i + 1);
      }
    } finally {
      for (WireDevice device : devices) {
        device.close();
      }
    }
  }

  @Test
  void endpointsHaveNoPlainHttp() throws Exception {
    try (RawHttp http = RawHttp.connect(server.endpointPort())) {
      http.send("PUT /update/x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
      assertThat(http.readToEnd()).doesNotContain("200 OK");
    }
    assertThat(server.endpointUrl().getScheme()).isEqualTo("https");
  }
}
