package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.net.BindException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.MessageCodec;
import org.simplepush.core.StoreException;
import org.simplepush.server.internal.Refusal;

/** The server as its embedder sees it, with the JDK's own clients. */
@Timeout(60)
class PushServerTest {
  private static final String CHANNEL = "d9b74644-4f97-46aa-b8fa-9393985cd6cd";

  private final HttpClient http = HttpClient.newHttpClient();

  /** Everything the server said, in order; at last "closed" and the code. */
  private static final class Device implements WebSocket.Listener {
    final BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    private final StringBuilder text = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket webSocket, CharSequence data, boolean last) {
      text.append(data);
      if (last) {
        heard.add(text.toString());
        text.setLength(0);
      }
      webSocket.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket webSocket, int code, String reason) {
      heard.add("closed " + code);
      return null;
    }

    String next() throws InterruptedException {
      String message = heard.poll(20, TimeUnit.SECONDS);
      assertThat(message).as("a message from the server").isNotNull();
      return message;
    }
  }

  private static PushServer.Builder anyPorts() {
    return PushServer.builder().port(0).endpointPort(0);
  }

  private WebSocket connect(PushServer server, Device device) {
    return http.newWebSocketBuilder()
        .subprotocols(MessageCodec.SUBPROTOCOL)
        .buildAsync(server.webSocketUri(), device)
        .join();
  }

  private int put(URI endpoint, String body) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(endpoint).PUT(HttpRequest.BodyPublishers.ofString(body)).build();
    return http.send(request, HttpResponse.BodyHandlers.ofString()).statusCode();
  }

  private static URI endpoint(String registered) {
    Matcher matcher = Pattern.compile("\"pushEndpoint\":\"([^\"]+)\"").matcher(registered);
    assertThat(matcher.find()).as(registered).isTrue();
    return URI.create(matcher.group(1));
  }

  @Test
  void oneVersionTravelsFromApplicationServerToDevice() throws Exception {
    try (PushServer server = anyPorts().build().start()) {
      Device device = new Device();
      WebSocket socket = connect(server, device);
      socket.sendText("{\"messageType\":\"hello\",\"uaid\":\"\",\"channelIDs\":[]}", true).join();
      assertThat(device.next()).contains("\"status\":200");
      socket
          .sendText("{\"messageType\":\"register\",\"channelID\":\"" + CHANNEL + "\"}", true)
          .join();
      URI endpoint = endpoint(device.next());
      assertThat(put(endpoint, "version=7")).isEqualTo(200);
      assertThat(device.next())
          .isEqualTo(
              "{\"messageType\":\"notification\",\"updates\":[{\"channelID\":\""
                  + CHANNEL
                  + "\",\"version\":7}]}");
      ServerStatistics statistics = server.statistics();
      assertThat(statistics.connections()).isEqualTo(1);
      assertThat(statistics.updatesAccepted()).isEqualTo(1);
      assertThat(statistics.updatesSent()).isEqualTo(1);
    }
  }

  @Test
  void whatWasAcceptedWasAcknowledgedOrCollapsed() throws Exception {
    try (PushServer server = anyPorts().build().start()) {
      Device device = new Device();
      WebSocket socket = connect(server, device);
      socket.sendText("{\"messageType\":\"hello\",\"uaid\":\"\",\"channelIDs\":[]}", true).join();
      assertThat(device.next()).contains("\"status\":200");
      socket
          .sendText("{\"messageType\":\"register\",\"channelID\":\"" + CHANNEL + "\"}", true)
          .join();
      URI endpoint = endpoint(device.next());
      for (int version = 1; version <= 3; version++) {
        assertThat(put(endpoint, "version=" + version)).isEqualTo(200);
        assertThat(device.next()).contains("\"version\":" + version);
      }
      socket
          .sendText(
              "{\"messageType\":\"ack\",\"updates\":[{\"channelID\":\"%s\",\"version\":3}]}"
                  .formatted(CHANNEL),
              true)
          .join();
      await().until(() -> server.statistics().updatesAcknowledged() == 1);
      assertThat(put(endpoint, "version=4")).isEqualTo(200);
      assertThat(device.next()).contains("\"version\":4");
      ServerStatistics statistics = server.statistics();
      assertThat(statistics.updatesAccepted()).isEqualTo(4);
      assertThat(statistics.updatesCollapsed()).as("1 and 2; 4 is pending").isEqualTo(2);

      socket.abort();
      await().until(() -> server.statistics().connectionsClosed() == 1);
      statistics = server.statistics();
      assertThat(statistics.connections() + statistics.connectionsClosed())
          .isEqualTo(statistics.connectionsOpened());
    }
  }

  @Test
  void everyMetricIsExplained() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    try (PushServer server = anyPorts().build()) {
      new PushServerMetrics(server).bindTo(registry);
      assertThat(registry.getMeters())
          .hasSize(
              ServerStatistics.class.getMethods().length
                  - 3 // these have a meter for each kind or reason
                  + Refusal.values().length
                  + 3 * server.statistics().memory().size())
          .allSatisfy(
              meter ->
                  assertThat(meter.getId().getDescription())
                      .as(meter.getId().getName())
                      .isNotBlank());
    }
  }

  @Test
  void closingTheServerClosesDevicesWith1001AndLeavesNoThread() throws Exception {
    Device device = new Device();
    PushServer server = anyPorts().build().start();
    String name = "simplepush-" + server.port();
    connect(server, device);
    server.close();
    assertThat(device.next()).isEqualTo("closed 1001");
    assertThat(Thread.getAllStackTraces().keySet())
        .noneMatch(thread -> thread.getName().startsWith(name + "-loop"));
  }

  @Test
  void closeIsHarmlessBeforeStartAndTwice() throws Exception {
    PushServer server = anyPorts().build();
    server.close();
    server.close();
    assertThatIllegalStateException().isThrownBy(server::start);
  }

  @Test
  void startTwiceIsRefused() throws Exception {
    try (PushServer server = anyPorts().build().start()) {
      assertThatIllegalStateException().isThrownBy(server::start);
    }
  }

  @Test
  void portInUseIsReportedByStart() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, java.net.InetAddress.getByName("127.0.0.1"))) {
      PushServer server = PushServer.builder().port(taken.getLocalPort()).endpointPort(0).build();
      assertThatThrownBy(server::start)
          .isInstanceOf(BindException.class)
          .hasMessageContaining("Port " + taken.getLocalPort() + " of 127.0.0.1")
          .hasMessageContaining("for devices");
    }
  }

  @Test
  void unknownHostIsReportedByStart() {
    PushServer server = anyPorts().host("no..where").build(); // no name server need be asked
    assertThatThrownBy(server::start)
        .isInstanceOf(UnknownHostException.class)
        .hasMessageContaining("no..where");
  }

  @Test
  void handedInStoreStaysOpen() throws Exception {
    InMemoryVersionStore store = new InMemoryVersionStore();
    anyPorts().store(store).build().start().close();
    assertThat(store.expire(Duration.ofDays(1)).toCompletableFuture().join()).isZero();
  }

  @Test
  void healthTellsOfAStoreThatFails() throws Exception {
    InMemoryVersionStore store = new InMemoryVersionStore();
    try (PushServer server = anyPorts().store(store).build().start()) {
      server.checkHealth().toCompletableFuture().join();
      store.close();
      assertThatThrownBy(() -> server.checkHealth().toCompletableFuture().join())
          .hasCauseInstanceOf(StoreException.class);
    }
  }

  /** Taken as "the default" it would be a server without TLS, or one that forgets everything. */
  @Test
  void nothingInPlaceOfASettingIsRefused() {
    PushServer.Builder builder = PushServer.builder();
    Map<String, ThrowingCallable> settings =
        Map.of(
            "tls", () -> builder.tls(null),
            "keys", () -> builder.keys(null),
            "store", () -> builder.store(null),
            "wakeUp", () -> builder.wakeUp(null),
            "endpointServer", () -> builder.endpointServer(null),
            "endpointExecutor", () -> builder.endpointExecutor(null));
    settings.forEach(
        (name, setting) ->
            assertThatThrownBy(setting).isInstanceOf(NullPointerException.class).hasMessage(name));
  }

  @Test
  void settingsThatCouldNeverWorkAreRefusedWithASentence() throws Exception {
    PushServer.Builder builder = PushServer.builder();
    SSLContext empty = SSLContext.getInstance("TLS");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.tls(empty))
        .withMessageContaining("init");
    for (String host : List.of("push.example.org", "push_server:8081")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> builder.endpointUrl(URI.create("https://me@" + host)))
          .withMessageContaining("endpointUrl")
          .withMessageNotContaining("me@");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.endpointUrl(URI.create("https://push_server:port")));
    for (String origin : List.of("https://app.example.org/", "app.example.org", "", "https://")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> builder.allowedOrigins(Set.of(origin)))
          .withMessageEndingWith("but was '" + origin + "'");
    }
    builder.allowedOrigins(Set.of("*", "null", "http://[::1]:8080", "https://app.example.org"));
  }

  @Test
  void settingsOutOfRangeAreRefusedWithASentence() {
    PushServer.Builder builder = PushServer.builder();
    assertThatIllegalArgumentException().isThrownBy(() -> builder.port(65536));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.endpointPort(-1));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.helloTimeout(Duration.ZERO));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.pingMinInterval(Duration.ofNanos(1)))
        .withMessageContaining("pingMinInterval");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.endpointUrl(URI.create("ftp://example.org")));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.host(" "));
    assertThatIllegalStateException()
        .isThrownBy(() -> PushServer.builder().noEndpointPort().build())
        .withMessageContaining("endpointUrl");
    assertThatIllegalStateException()
        .isThrownBy(() -> PushServer.builder().port(9).endpointPort(9).build());
    assertThatIllegalStateException()
        .isThrownBy(() -> PushServer.builder().maxChannelsPerUserAgent(10_000).build())
        .withMessageContaining("maxMessageLength must be 391024");
  }

  @Test
  void settingsOfKeysThatContradictEachOtherAreRefused() {
    EndpointKeys keys = EndpointKeys.ephemeral();
    assertThatIllegalStateException()
        .isThrownBy(() -> PushServer.builder().keys(keys).keyFile(Path.of("keys")).build())
        .withMessageContaining("keys and keyFile are both set");
    assertThatIllegalStateException()
        .isThrownBy(() -> PushServer.builder().keys(keys).rotateKeys().build())
        .withMessageContaining("put a new one in front");
    assertThatIllegalStateException()
        .isThrownBy(() -> PushServer.builder().rotateKeys().build())
        .withMessageContaining("this store does not last");
  }
}
