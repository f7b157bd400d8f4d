package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.simplepush.server.fixtures.Json.json;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.OTHER_CHANNEL;
import static org.simplepush.server.fixtures.TestServers.channel;
import static org.simplepush.server.fixtures.TestServers.eventually;

import java.io.ByteArrayOutputStream;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.Json;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.SlowStore;
import org.simplepush.server.fixtures.WireDevice;
import org.simplepush.server.internal.keys.KeyFile;

/**
 * The endpoint of protocol §8, row by row, over real sockets; whatever HTTP server is behind it.
 */
@Timeout(60)
@ExtendWith(Hygiene.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class EndpointWireTest {
  private static final String FORM = "Content-Type: application/x-www-form-urlencoded";
  private static final long MAX_VERSION = Long.MAX_VALUE;

  private PushServer server;
  WireDevice device;
  URI endpoint;
  private RawHttp http;

  /** A server on free ports with the HTTP server under test. */
  abstract PushServer.Builder server();

  /** The same, but a request may take two seconds to arrive and not longer. */
  abstract PushServer.Builder impatientServer();

  @BeforeAll
  void startServer() throws Exception {
    server = server().build().start();
  }

  @AfterAll
  void closeServer() {
    server.close();
  }

  @BeforeEach
  void register() throws Exception {
    device = WireDevice.fresh(server.port());
    endpoint = device.register(CHANNEL);
    http = connect(endpoint);
  }

  @AfterEach
  void disconnect() throws Exception {
    device.close();
    http.close();
  }

  /** A connection to the endpoint port of a server. */
  RawHttp connect(int endpointPort) throws Exception {
    return RawHttp.connect(endpointPort);
  }

  private RawHttp connect(URI endpoint) throws Exception {
    return connect(endpoint.getPort());
  }

  /** One PUT on a connection of its own. */
  private RawHttp.Response put(URI endpoint, String body) throws Exception {
    try (RawHttp alone = connect(endpoint)) {
      return alone.putOn(endpoint, body);
    }
  }

  private RawHttp.Response put(String body) throws Exception {
    return http.putOn(endpoint, body);
  }

  private RawHttp.Response putWith(String contentType, String body) throws Exception {
    return http.exchange(
        "PUT",
        endpoint.getRawPath(),
        body,
        "Content-Type: " + contentType,
        "Content-Length: " + body.length());
  }

  private void assertAccepted(RawHttp.Response response) {
    assertThat(response.status()).as("status of %s", response).isEqualTo(200);
    assertThat(response.body()).isEqualTo("{}");
    assertThat(response.header("Content-Type")).isEqualTo("application/json");
  }

  private void assertStale(RawHttp.Response response) {
    assertThat(response.status()).as("status of %s", response).isEqualTo(200);
    assertThat(response.body()).isEqualTo("{\"stale\":true}");
    assertThat(response.header("Content-Type")).isEqualTo("application/json");
  }

  private static void assertRefused(RawHttp.Response response, int status) {
    assertThat(response.status()).as("status of %s", response).isEqualTo(status);
    assertThat(response.header("Content-Type")).isEqualTo("application/json");
    Object body = Json.read(response.body());
    assertThat(Json.field(body, "status")).isEqualTo((long) status);
    assertThat(Json.text(body, "error")).isNotBlank();
  }

  // 200

  @Test
  void versionPublished() throws Exception {
    assertAccepted(put("version=7"));
    device.expectUpdate(CHANNEL, 7);
  }

  @Test
  void versionNotHigherThanTheCurrentOne() throws Exception {
    assertAccepted(put("version=7"));
    device.expectUpdate(CHANNEL, 7);
    assertAccepted(put("version=7"));
    assertStale(put("version=6"));
    assertStale(put("version=0"));
    device.proveNothingCame();
    assertAccepted(put("version=8"));
    device.expectUpdate(CHANNEL, 8);
    device.proveNothingCame();
  }

  @Test
  void versionPublishedWhileTheDeviceIsAway() throws Exception {
    String uaid = device.uaid();
    device.close();
    assertAccepted(put("version=254"));
    assertAccepted(put("version=255"));
    try (WireDevice again = WireDevice.resumed(server.port(), uaid, CHANNEL)) {
      again.expectUpdate(CHANNEL, 255);
      again.proveNothingCame();
    }
  }

  @Test
  void lowestAndHighestVersion() throws Exception {
    assertAccepted(put("version=0"));
    device.expectUpdate(CHANNEL, 0);
    assertAccepted(put("version=" + MAX_VERSION));
    device.expectUpdate(CHANNEL, MAX_VERSION);
    assertStale(put("")); // nothing is higher
    assertStale(put("version=7"));
    assertAccepted(put("version=" + MAX_VERSION)); // a retry
    device.proveNothingCame();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
        "Application/X-WWW-Form-UrlEncoded",
        "text/plain",
        "text/plain;charset=utf-8",
      })
  void acceptedContentType(String contentType) throws Exception {
    assertAccepted(putWith(contentType, "version=1"));
    device.expectUpdate(CHANNEL, 1);
  }

  @Test
  void noContentType() throws Exception {
    assertAccepted(http.exchange("PUT", endpoint.getRawPath(), "version=1", "Content-Length: 9"));
    device.expectUpdate(CHANNEL, 1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"version=5\n", "version=5\r\n", "version=%35", "version=5&", "version=05"})
  void formAsSendersWriteIt(String body) throws Exception {
    assertAccepted(put(body));
    device.expectUpdate(CHANNEL, 5);
  }

  @Test
  void chunkedBody() throws Exception {
    assertAccepted(
        http.exchange(
            "PUT",
            endpoint.getRawPath(),
            "3\r\nver\r\n6\r\nsion=9\r\n0\r\n\r\n",
            FORM,
            "Transfer-Encoding: chunked"));
    device.expectUpdate(CHANNEL, 9);
  }

  @Test
  void bodyThatWaitsFor100Continue() throws Exception {
    http.send(
        RawHttp.head(
            "PUT", endpoint.getRawPath(), FORM, "Content-Length: 9", "Expect: 100-continue"));
    assertThat(http.response().status()).isEqualTo(100);
    http.send("version=4");
    assertAccepted(http.response());
    device.expectUpdate(CHANNEL, 4);
  }

  @Test
  void requestByteByByte() throws Exception {
    String request =
        RawHttp.head("PUT", endpoint.getRawPath(), FORM, "Content-Length: 9") + "version=4";
    http.socket().writeByteByByte(request.getBytes(StandardCharsets.US_ASCII));
    assertAccepted(http.response());
    device.expectUpdate(CHANNEL, 4);
  }

  // 200, the server picks

  @ParameterizedTest
  @ValueSource(strings = {"", "&", "\r\n", "version=", "version", "version=\n"})
  void emptyBodyOrFormGetsTheTimeInMilliseconds(String body) throws Exception {
    long before = System.currentTimeMillis();
    assertAccepted(put(body));
    long version = device.nextUpdates().get(CHANNEL);
    assertThat(version).isBetween(before, System.currentTimeMillis());
  }

  @Test
  void noBodyAtAllGetsTheTimeInMilliseconds() throws Exception {
    long before = System.currentTimeMillis();
    assertAccepted(http.exchange("PUT", endpoint.getRawPath(), "", "Content-Length: 0"));
    long version = device.nextUpdates().get(CHANNEL);
    assertThat(version).isBetween(before, System.currentTimeMillis());
  }

  @Test
  void chunkedBodyWithoutAnythingGetsTheTimeInMilliseconds() throws Exception {
    long before = System.currentTimeMillis();
    assertAccepted(
        http.exchange(
            "PUT", endpoint.getRawPath(), "0\r\n\r\n", FORM, "Transfer-Encoding: chunked"));
    long version = device.nextUpdates().get(CHANNEL);
    assertThat(version).isBetween(before, System.currentTimeMillis());
  }

  @Test
  void serverPicksOneMoreIfThatIsHigherThanTheTime() throws Exception {
    InstantSource stopped = InstantSource.fixed(Instant.ofEpochMilli(1_000));
    try (PushServer slow = server().clock(stopped).build().start();
        WireDevice device = WireDevice.fresh(slow.port())) {
      URI endpoint = device.register(CHANNEL);
      for (long version = 1_000; version < 1_003; version++) {
        assertThat(put(endpoint, "").status()).isEqualTo(200);
        device.expectUpdate(CHANNEL, version);
      }
    }
  }

  // 400

  @ParameterizedTest
  @ValueSource(
      strings = {
        "version=-1",
        "version=+1",
        "version=1.0",
        "version=1e3",
        "version=0x10",
        "version= 1",
        "version=1 2",
        "version=9223372036854775808",
        "version=99999999999999999999999999",
        "version=\u0661", // a digit, but not a plain one
        "version=%",
        "version=%ff",
        "7",
        "{\"version\":7}",
        "version=1&version=2",
        "version=1&version=1",
        "version=1&data=x",
        "data=x",
        "Version=1",
        "version=1&x",
        "version=1;version=2",
      })
  void bodyThatIsNotOneVersion(String body) throws Exception {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    http.send(RawHttp.head("PUT", endpoint.getRawPath(), FORM, "Content-Length: " + bytes.length));
    http.socket().write(bytes);
    assertRefused(http.response(), 400);
    device.proveNothingCame();
  }

  @Test
  void versionInTheQuery() throws Exception {
    assertRefused(
        http.exchange("PUT", endpoint.getRawPath() + "?version=1", "", "Content-Length: 0"), 400);
    device.proveNothingCame();
  }

  @Test
  void bodyThatIsNotUtf8() throws Exception {
    assertRefused(put("version=\u00ff"), 400);
  }

  @Test
  void bodyThatIsCompressed() throws Exception {
    ByteArrayOutputStream compressed = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(compressed)) {
      gzip.write("version=7".getBytes(StandardCharsets.US_ASCII));
    }
    http.send(
        RawHttp.head(
            "PUT",
            endpoint.getRawPath(),
            FORM,
            "Content-Encoding: gzip",
            "Content-Length: " + compressed.size()));
    http.socket().write(compressed.toByteArray());
    assertRefused(http.response(), 400);
    device.proveNothingCame();
  }

  // 415 and 413

  @ParameterizedTest
  @ValueSource(
      strings = {"application/json", "text/html", "multipart/form-data; boundary=x", "nonsense"})
  void anotherContentType(String contentType) throws Exception {
    assertRefused(putWith(contentType, "version=1"), 415);
    device.proveNothingCame();
  }

  @Test
  void bodyOver4KiB() throws Exception {
    assertRefused(put("version=" + "0".repeat(4 * 1024 - 7)), 413);
    device.proveNothingCame();
  }

  @Test
  void bodyOf4KiBIsRead() throws Exception {
    assertAccepted(put("version=1" + "&".repeat(4 * 1024 - 9)));
    device.expectUpdate(CHANNEL, 1);
  }

  @Test
  void bodyThatAnnouncesAGigabyteIsRefusedWithoutReadingIt() throws Exception {
    http.send(
        RawHttp.head("PUT", endpoint.getRawPath(), FORM, "Content-Length: 1073741824")
            + "version=1".repeat(1_000));
    assertRefused(http.response(), 413);
  }

  @Test
  void chunkedBodyOver4KiB() throws Exception {
    http.send(
        RawHttp.head("PUT", endpoint.getRawPath(), FORM, "Transfer-Encoding: chunked")
            + ("100\r\n" + "x".repeat(256) + "\r\n").repeat(17)
            + "0\r\n\r\n");
    assertRefused(http.response(), 413);
  }

  // 404

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/",
        "/update",
        "/update/",
        "/update/x",
        "/update/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "/update/%41AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "/favicon.ico",
      })
  void tokenThisServerNeverIssued(String path) throws Exception {
    assertRefused(http.exchange("PUT", path, "version=1", FORM, "Content-Length: 9"), 404);
  }

  @Test
  void tokenTamperedWithAtAnyBit() throws Exception {
    String path = endpoint.getRawPath();
    int start = path.lastIndexOf('/') + 1;
    String alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for (int at = start; at < path.length(); at++) {
      int value = alphabet.indexOf(path.charAt(at));
      assertThat(value).isNotNegative();
      for (int bit = 0; bit < 6; bit++) {
        String tampered =
            path.substring(0, at) + alphabet.charAt(value ^ 1 << bit) + path.substring(at + 1);
        RawHttp.Response response =
            http.exchange("PUT", tampered, "version=1", FORM, "Content-Length: 9");
        assertThat(response.status()).as("bit %d of character %d", bit, at).isEqualTo(404);
      }
    }
    device.proveNothingCame();
  }

  @Test
  void tokenCutOffOrContinued() throws Exception {
    String path = endpoint.getRawPath();
    for (String other :
        List.of(
            path.substring(0, path.length() - 1),
            path + "A",
            path + "=",
            path + "/",
            path + ";jsessionid=1")) {
      RawHttp.Response response =
          http.exchange("PUT", other, "version=1", FORM, "Content-Length: 9");
      assertThat(response.status()).as(other).isEqualTo(404);
    }
  }

  @Test
  void pathThatSomeHttpServersAllowAndOthersNot() throws Exception {
    assertThat(http.exchange("PUT", endpoint.getRawPath() + "%00", "", FORM).status())
        .isIn(404, 400);
  }

  @Test
  void tokenOfAnotherServer() throws Exception {
    try (PushServer other = server().build().start();
        WireDevice otherDevice = WireDevice.resumed(other.port(), device.uaid())) {
      URI there = otherDevice.register(CHANNEL);
      assertThat(there.getRawPath()).isNotEqualTo(endpoint.getRawPath());
      assertRefused(
          http.exchange("PUT", there.getRawPath(), "version=1", FORM, "Content-Length: 9"), 404);
    }
  }

  // 410

  @Test
  void channelThatIsGone() throws Exception {
    device.unregister(CHANNEL);
    assertRefused(put("version=1"), 410);
    assertRefused(put(""), 410);
    device.proveNothingCame();
  }

  @Test
  void channelThatTheNextHelloLeavesOut() throws Exception {
    device.register(OTHER_CHANNEL);
    device.close();
    try (WireDevice again = WireDevice.resumed(server.port(), device.uaid(), OTHER_CHANNEL)) {
      assertRefused(put("version=1"), 410);
      again.proveNothingCame();
    }
  }

  @Test
  void userAgentThatIsGone() throws Exception {
    device.close();
    try (WireDevice again = WireDevice.connect(server.port())) {
      // It lists a channel the server does not know: state was lost, the server drops the old UAID.
      assertThat(again.hello(device.uaid(), CHANNEL, OTHER_CHANNEL)).isNotEqualTo(device.uaid());
      assertRefused(put("version=1"), 410);
    }
  }

  @Test
  void endpointLivesAgainWhenItsChannelIsRegisteredAgain() throws Exception {
    device.unregister(CHANNEL);
    assertThat(device.register(CHANNEL)).isEqualTo(endpoint);
    assertAccepted(put("version=1"));
    device.expectUpdate(CHANNEL, 1);
  }

  @Test
  void userAgentNotSeenForTheExpiry() throws Exception {
    try (PushServer forgetful = server().expiry(Duration.ofSeconds(2)).build().start()) {
      URI there;
      try (WireDevice device = WireDevice.fresh(forgetful.port())) {
        there = device.register(CHANNEL);
      }
      eventually(() -> assertThat(put(there, "version=1").status()).isEqualTo(410));
    }
  }

  // 405

  @ParameterizedTest
  @ValueSource(strings = {"GET", "POST", "DELETE", "PATCH", "HEAD", "put", "NONSENSE"})
  void anotherMethod(String method) throws Exception {
    RawHttp.Response response =
        http.exchange(method, endpoint.getRawPath(), "version=1", FORM, "Content-Length: 9");
    assertThat(response.status()).isEqualTo(405);
    assertThat(response.header("Allow")).isEqualTo("PUT, OPTIONS");
    device.proveNothingCame();
  }

  // 429

  @Test
  void overTheRateLimit() throws Exception {
    try (PushServer limited =
            server().endpointRateLimit(2, Duration.ofMinutes(10)).build().start();
        WireDevice device = WireDevice.fresh(limited.port())) {
      URI one = device.register(CHANNEL);
      URI other = device.register(OTHER_CHANNEL);
      assertThat(put(one, "version=1").status()).isEqualTo(200);
      device.expectUpdate(CHANNEL, 1);
      assertThat(put(one, "version=2").status()).isEqualTo(200);
      device.expectUpdate(CHANNEL, 2);
      RawHttp.Response third = put(one, "version=3");
      assertRefused(third, 429);
      assertThat(Integer.parseInt(third.header("Retry-After"))).isBetween(1, 600);
      assertThat(put(other, "version=1").status()).isEqualTo(200);
      device.expectUpdate(OTHER_CHANNEL, 1);
      device.proveNothingCame();
    }
  }

  // 503

  @Test
  void storeUnavailable() throws Exception {
    InMemoryVersionStore store = new InMemoryVersionStore();
    try (PushServer failing = server().store(store).build().start()) {
      URI there;
      try (WireDevice device = WireDevice.fresh(failing.port())) {
        there = device.register(CHANNEL);
      }
      store.close();
      RawHttp.Response response = put(there, "version=1");
      assertRefused(response, 503);
      assertThat(response.header("Retry-After")).matches("[1-9][0-9]*");
      assertThat(response.body()).doesNotContain("Exception");
    }
  }

  @Test
  void shuttingDown() throws Exception {
    PushServer closing = server().build().start();
    try (RawWebSocket silent = RawWebSocket.connect(closing.port());
        RawHttp http = connect(closing.endpointPort())) {
      // The device does not answer the close frame, so closing takes a while; meanwhile a request
      // on a connection that is there already is told to come back.
      http.send(
          "PUT " + endpoint.getRawPath() + " HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n");
      http.send("X-Begun: 1\r\n");
      CompletableFuture<Void> closed = closing.closeAsync();
      http.send("\r\nversion=1");
      String answer = http.readToEnd();
      if (!answer.isEmpty()) { // else the port was closed before it was read
        assertThat(answer).startsWith("HTTP/1.1 503 ").containsIgnoringCase("Retry-After:");
      }
      silent.expectClose(1001);
      closed.get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void keepAliveSenderIsToldToLeaveAServerThatDrains() throws Exception {
    PushServer draining = server().drain(Duration.ofMinutes(10)).build().start();
    try (WireDevice away = WireDevice.fresh(draining.port());
        WireDevice staying = WireDevice.fresh(draining.port());
        RawHttp one = connect(draining.endpointPort());
        RawHttp other = connect(draining.endpointPort())) {
      URI there = staying.register(CHANNEL);
      assertThat(one.putOn(there, "version=1").header("Connection")).isNull();
      assertThat(other.putOn(there, "version=2").header("Connection")).isNull();
      CompletableFuture<Void> closed = draining.closeAsync();

      RawHttp.Response accepted = one.putOn(there, "version=3");
      assertAccepted(accepted);
      assertThat(accepted.header("Connection")).isEqualTo("close");
      assertThat(one.readToEnd()).as("no reset, the end").isEmpty();
      RawHttp.Response refused = other.putOn(there, "version=x");
      assertRefused(refused, 400);
      assertThat(refused.header("Connection")).isEqualTo("close");
      assertThat(other.readToEnd()).isEmpty();
      assertAccepted(put(there, "version=4"));

      away.leave();
      staying.leave();
      closed.get(20, TimeUnit.SECONDS);
    }
  }

  // HTTP

  @Test
  void keepAliveIsHonoured() throws Exception {
    for (int version = 1; version <= 50; version++) {
      assertAccepted(put("version=" + version));
      device.expectUpdate(CHANNEL, version);
    }
  }

  @Test
  void keepAliveOutlivesARefusal() throws Exception {
    assertRefused(put("version=x"), 400);
    assertRefused(http.exchange("GET", endpoint.getRawPath(), "", "Content-Length: 0"), 405);
    assertRefused(http.exchange("PUT", "/update/x", "version=1", "Content-Length: 9"), 404);
    assertAccepted(put("version=1"));
  }

  @Test
  void requestsInOneSegmentAreAnsweredInOrder() throws Exception {
    String head = RawHttp.head("PUT", endpoint.getRawPath(), FORM, "Content-Length: 9");
    http.send(head + "version=1" + head + "version=x" + head + "version=3");
    assertAccepted(http.response());
    assertRefused(http.response(), 400);
    assertAccepted(http.response());
    // The first may have collapsed into the third before it could be sent.
    assertThat(device.drainUpdates()).last().isEqualTo(Map.of(CHANNEL, 3L));
  }

  @Test
  void connectionCloseIsHonoured() throws Exception {
    http.send(
        RawHttp.head("PUT", endpoint.getRawPath(), FORM, "Content-Length: 9", "Connection: close")
            + "version=1");
    assertAccepted(http.response());
    assertThat(http.readToEnd()).isEmpty();
  }

  @Test
  void hugeHeadersAreCutOff() throws Exception {
    http.socket()
        .writeWhilePeerListens(
            RawHttp.head("PUT", endpoint.getRawPath(), "X-Large: " + "x".repeat(1 << 20))
                .getBytes(StandardCharsets.US_ASCII));
    assertThat(http.readToEnd()).doesNotContain("200 OK");
    assertThat(put(endpoint, "version=1").status()).isEqualTo(200);
  }

  @Test
  void manyHeadersAreCutOff() throws Exception {
    http.socket()
        .writeWhilePeerListens(
            RawHttp.head("PUT", endpoint.getRawPath(), "X-Many: x\r\n".repeat(5_000).strip())
                .getBytes(StandardCharsets.US_ASCII));
    assertThat(http.readToEnd()).doesNotContain("200 OK");
    assertThat(put(endpoint, "version=1").status()).isEqualTo(200);
  }

  @Test
  void webSocketHandshakeOnTheEndpointPortIsRefused() throws Exception {
    http.send(RawWebSocket.request("Sec-WebSocket-Protocol: push-notification"));
    assertRefused(http.response(), 404);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\u0016\u0003\u0001\u0000\u00c4", "\r\n\r\n\r\n", "nonsense\r\n\r\n"})
  void bytesThatAreNoHttpHarmNobody(String bytes) throws Exception {
    http.send(bytes);
    http.socket().halfClose();
    assertThat(http.readToEnd()).doesNotContain("200 OK");
    assertThat(put(endpoint, "version=1").status()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(strings = {"nonsense\r\n\r\n", "PUT /update/x\u0001 HTTP/1.1\r\nHost: x\r\n\r\n"})
  void requestThatIsNoHttpIsRefusedOrCutOff(String bytes) throws Exception {
    http.send(bytes);
    String answer = http.readToEnd();
    if (!answer.isEmpty()) {
      assertThat(answer).startsWith("HTTP/1.1 4");
    }
  }

  @Test
  void clientThatEndsItsHalfAfterTheRequestIsAnswered() throws Exception {
    http.send(RawHttp.head("PUT", endpoint.getRawPath(), FORM, "Content-Length: 9") + "version=6");
    http.socket().halfClose();
    assertAccepted(http.response());
    assertThat(http.readToEnd()).isEmpty();
    device.expectUpdate(CHANNEL, 6);
  }

  @Test
  void clientThatEndsWithinTheBodyPublishesNothing() throws Exception {
    http.send(RawHttp.head("PUT", endpoint.getRawPath(), FORM, "Content-Length: 10") + "version=6");
    http.socket().halfClose();
    assertThat(http.readToEnd()).doesNotContain("200 OK");
    device.proveNothingCame();
  }

  /** What has arrived of each would be another update, if it were taken for the whole. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "Content-Length: 9|",
        "Content-Length: 9|version=",
        "Content-Length: 10|version=1",
        "Transfer-Encoding: chunked|",
        "Transfer-Encoding: chunked|8\r\nversion=\r\n",
        "Transfer-Encoding: chunked|9\r\nversion=1\r\n",
        "Transfer-Encoding: chunked|a\r\nversion=1",
      })
  void bodyThatBreaksOffPublishesNothing(String headerAndBody) throws Exception {
    String[] parts = headerAndBody.split("\\|", -1);
    http.send(RawHttp.head("PUT", endpoint.getRawPath(), FORM, parts[0]) + parts[1]);
    http.socket().halfClose();
    assertThat(http.readToEnd()).doesNotContain("200 OK");
    device.proveNothingCame();
  }

  @Test
  void http10IsAnsweredAndClosed() throws Exception {
    http.send("PUT " + endpoint.getRawPath() + " HTTP/1.0\r\nContent-Length: 9\r\n\r\nversion=6");
    assertThat(http.readToEnd()).contains(" 200 OK\r\n").endsWith("\r\n\r\n{}");
    device.expectUpdate(CHANNEL, 6);
  }

  @Test
  void absoluteUrlInTheRequestLine() throws Exception {
    assertAccepted(
        http.exchange("PUT", endpoint.toString(), "version=6", FORM, "Content-Length: 9"));
    device.expectUpdate(CHANNEL, 6);
  }

  @ParameterizedTest
  @ValueSource(strings = {"OPTIONS *", "TRACE /"})
  void requestWithoutAnEndpointHarmsNobody(String start) throws Exception {
    http.send(start + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    assertThat(http.readToEnd()).doesNotContain("200 OK");
    assertThat(put(endpoint, "version=1").status()).isEqualTo(200);
  }

  /** The JDK's server hangs up; Jetty answers, and keeps the connection whatever the head says. */
  @Test
  void tunnelIsNotOpened() throws Exception {
    http.send("CONNECT test:80 HTTP/1.1\r\nHost: test:80\r\n\r\n");
    http.socket().halfClose();
    assertThat(http.readToEnd()).doesNotContain(" 200 ");
    assertThat(put(endpoint, "version=1").status()).isEqualTo(200);
  }

  // Slow and many

  @Test
  void slowRequestIsCutOff() throws Exception {
    try (PushServer impatient = impatientServer().build().start();
        RawHttp slowHead = connect(impatient.endpointPort());
        RawHttp slowBody = connect(impatient.endpointPort())) {
      slowHead.send("PUT /update/x HTTP/1.1\r\nHost: te");
      slowBody.send(RawHttp.head("PUT", "/update/x", "Content-Length: 100") + "versi");
      assertThat(slowHead.readToEnd()).doesNotContain("200 OK");
      assertThat(slowBody.readToEnd()).doesNotContain("200 OK");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void requestThatComesByteByByteAndNeverEndsIsCutOff(boolean inTheHead) throws Exception {
    ScheduledExecutorService drip = Executors.newSingleThreadScheduledExecutor();
    try (PushServer impatient = impatientServer().build().start();
        RawHttp http = connect(impatient.endpointPort())) {
      http.send(
          inTheHead
              ? "PUT /update/x HTTP/1.1\r\nHost: test\r\nX-Slow: "
              : RawHttp.head("PUT", "/update/x", FORM, "Content-Length: 4000"));
      drip.scheduleAtFixedRate(
          () -> http.socket().writeWhilePeerListens(new byte[] {'0'}),
          20,
          20,
          TimeUnit.MILLISECONDS);
      assertThat(http.readToEnd()).doesNotContain("200 OK");
    } finally {
      drip.shutdownNow();
    }
  }

  @Test
  void manySlowRequestsDoNotKeepAnEndpointFromBeingNotified() throws Exception {
    List<RawHttp> slow = new ArrayList<>();
    try {
      for (int i = 0; i < 200; i++) {
        RawHttp http = connect(server.endpointPort());
        slow.add(http);
        http.send(
            i % 2 == 0
                ? "PUT /upd"
                : RawHttp.head("PUT", endpoint.getRawPath(), "Content-Length: 9") + "ver");
      }
      assertThat(put(endpoint, "version=1").status()).isEqualTo(200);
      device.expectUpdate(CHANNEL, 1);
    } finally {
      for (RawHttp http : slow) {
        http.close();
      }
    }
  }

  // A store that takes its time

  @Test
  void answersThatWaitForTheStoreArriveOnEveryConnection() throws Exception {
    ExecutorService later = Executors.newSingleThreadExecutor();
    List<RawHttp> connections = new ArrayList<>();
    try (PushServer slow =
            server().store(new SlowStore(new InMemoryVersionStore(), later)).build().start();
        WireDevice device = WireDevice.fresh(slow.port())) {
      URI there = device.register(CHANNEL);
      String head = RawHttp.head("PUT", there.getRawPath(), FORM, "Content-Length: 9");
      for (int i = 0; i < 20; i++) {
        connections.add(connect(there));
      }
      for (int round = 1; round <= 5; round++) {
        for (RawHttp http : connections) {
          http.send((head + "version=" + round).repeat(3)); // pipelined
        }
        for (RawHttp http : connections) {
          for (int i = 0; i < 3; i++) {
            assertAccepted(http.response());
          }
        }
      }
    } finally {
      for (RawHttp http : connections) {
        http.close();
      }
      later.shutdownNow();
    }
  }

  @Test
  void requestsInProgressAreAnsweredWhenTheServerCloses() throws Exception {
    AtomicBoolean hold = new AtomicBoolean();
    BlockingQueue<Runnable> held = new LinkedBlockingQueue<>();
    SlowStore store =
        new SlowStore(
            new InMemoryVersionStore(),
            step -> {
              if (hold.get()) {
                held.add(step);
              } else {
                step.run();
              }
            });
    try (PushServer closing = server().store(store).build().start();
        RawHttp http = connect(closing.endpointPort())) {
      URI there;
      try (WireDevice device = WireDevice.fresh(closing.port())) {
        there = device.register(CHANNEL);
      }
      hold.set(true);
      http.send(RawHttp.head("PUT", there.getRawPath(), FORM, "Content-Length: 9") + "version=1");
      Runnable advance = held.poll(20, TimeUnit.SECONDS);
      CompletableFuture<Void> closed = closing.closeAsync();
      assertThat(closed).as("waits for the request").failsWithin(Duration.ofMillis(300));
      advance.run();
      RawHttp.Response last = http.response();
      assertAccepted(last);
      assertThat(last.header("Connection")).isEqualTo("close");
      closed.get(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void endpointPortInUseIsReportedByStart() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
      PushServer second = server().endpointPort(taken.getLocalPort()).build();
      assertThatThrownBy(second::start)
          .isInstanceOf(BindException.class)
          .hasMessageContaining("Port " + taken.getLocalPort())
          .hasMessageContaining("for application servers");
    }
  }

  // CORS

  @Test
  void corsIsOffByDefault() throws Exception {
    RawHttp.Response preflight =
        http.exchange(
            "OPTIONS",
            endpoint.getRawPath(),
            "",
            "Origin: https://app.example.org",
            "Access-Control-Request-Method: PUT");
    assertThat(preflight.head().headerLines())
        .noneMatch(line -> line.toLowerCase().startsWith("access-control"));
    assertThat(preflight.header("Allow")).isEqualTo("PUT, OPTIONS");
    RawHttp.Response response =
        http.exchange(
            "PUT",
            endpoint.getRawPath(),
            "version=1",
            "Origin: https://app.example.org",
            "Content-Length: 9");
    assertAccepted(response);
    assertThat(response.head().headerLines())
        .noneMatch(line -> line.toLowerCase().startsWith("access-control"));
  }

  @Test
  void corsLetsTheConfiguredOriginsIn() throws Exception {
    try (PushServer open =
            server().allowedOrigins(Set.of("https://app.example.org")).build().start();
        RawHttp http = connect(open.endpointPort())) {
      RawHttp.Response preflight =
          http.exchange(
              "OPTIONS",
              "/update/x",
              "",
              "Origin: https://app.example.org",
              "Access-Control-Request-Method: PUT");
      assertThat(preflight.status()).isEqualTo(204);
      assertThat(preflight.header("Access-Control-Allow-Origin"))
          .isEqualTo("https://app.example.org");
      assertThat(preflight.header("Access-Control-Allow-Methods")).contains("PUT");
      RawHttp.Response stranger =
          http.exchange("OPTIONS", "/update/x", "", "Origin: https://evil.example.org");
      assertThat(stranger.header("Access-Control-Allow-Origin")).isNull();
    }
  }

  // Tokens

  @Test
  void endpointsOfOneDeviceHaveNothingInCommon() throws Exception {
    int count = 50;
    Set<String> firstHalves = new HashSet<>();
    Set<String> secondHalves = new HashSet<>();
    for (int i = 0; i < count; i++) {
      String token = token(device.register(channel(i)));
      assertThat(token).matches("[A-Za-z0-9_-]+").doesNotContainIgnoringCase(device.uaid());
      firstHalves.add(token.substring(0, token.length() / 2));
      secondHalves.add(token.substring(token.length() / 2));
    }
    assertThat(firstHalves).hasSize(count);
    assertThat(secondHalves).hasSize(count);
  }

  private static String token(URI endpoint) {
    return endpoint.getRawPath().substring(endpoint.getRawPath().lastIndexOf('/') + 1);
  }

  @Test
  void registerGivesTheSameEndpointAgainAlsoAfterARestart(@TempDir Path folder) throws Exception {
    Path keyFile = folder.resolve("keys");
    KeyFile.create(keyFile);
    InMemoryVersionStore store = new InMemoryVersionStore();
    String uaid;
    String first;
    try (PushServer before =
            server().store(store).keys(EndpointKeys.load(keyFile)).build().start();
        WireDevice device = WireDevice.fresh(before.port())) {
      uaid = device.uaid();
      first = token(device.register(CHANNEL));
      assertThat(token(device.register(CHANNEL))).isEqualTo(first);
    }
    try (PushServer after = server().store(store).keys(EndpointKeys.load(keyFile)).build().start();
        WireDevice device = WireDevice.resumed(after.port(), uaid, CHANNEL)) {
      URI endpoint = device.register(CHANNEL);
      assertThat(token(endpoint)).isEqualTo(first);
      assertThat(put(endpoint, "version=1").status()).isEqualTo(200);
      device.expectUpdate(CHANNEL, 1);
    }
  }

  @Test
  void rotatedKeysIssueNewEndpointsAndVerifyTheOldOnes(@TempDir Path folder) throws Exception {
    Path keyFile = folder.resolve("keys");
    KeyFile.create(keyFile);
    EndpointKeys oldKey = EndpointKeys.load(keyFile);
    List<String> oldLines = Files.readAllLines(keyFile);
    Path newFile = folder.resolve("new-keys");
    KeyFile.create(newFile);
    List<String> newLines = Files.readAllLines(newFile);
    Path bothFile = folder.resolve("both-keys");
    Files.write(bothFile, newLines);
    Files.write(bothFile, oldLines, java.nio.file.StandardOpenOption.APPEND);

    InMemoryVersionStore store = new InMemoryVersionStore();
    String uaid;
    String oldPath;
    try (PushServer before = server().store(store).keys(oldKey).build().start();
        WireDevice device = WireDevice.fresh(before.port())) {
      uaid = device.uaid();
      oldPath = device.register(CHANNEL).getRawPath();
    }
    String newPath;
    try (PushServer both = server().store(store).keys(EndpointKeys.load(bothFile)).build().start();
        WireDevice device = WireDevice.resumed(both.port(), uaid, CHANNEL);
        RawHttp http = connect(both.endpointPort())) {
      newPath = device.register(CHANNEL).getRawPath();
      assertThat(newPath).isNotEqualTo(oldPath);
      assertAccepted(http.exchange("PUT", oldPath, "version=1", "Content-Length: 9"));
      device.expectUpdate(CHANNEL, 1);
      assertAccepted(http.exchange("PUT", newPath, "version=2", "Content-Length: 9"));
      device.expectUpdate(CHANNEL, 2);
    }
    try (PushServer after = server().store(store).keys(EndpointKeys.load(newFile)).build().start();
        RawHttp http = connect(after.endpointPort())) {
      assertRefused(http.exchange("PUT", oldPath, "version=3", "Content-Length: 9"), 404);
      assertAccepted(http.exchange("PUT", newPath, "version=3", "Content-Length: 9"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"https://push.example.org/simple", "http://push_server:8081/simple"})
  void endpointsBeginWithTheConfiguredUrl(String url) throws Exception {
    try (PushServer proxied = server().endpointUrl(URI.create(url)).build().start();
        WireDevice device = WireDevice.fresh(proxied.port());
        RawHttp http = connect(proxied.endpointPort())) {
      URI endpoint = device.register(CHANNEL);
      assertThat(endpoint.toString()).startsWith(url + "/update/");
      assertAccepted(http.exchange("PUT", endpoint.getRawPath(), "version=1", "Content-Length: 9"));
      device.expectUpdate(CHANNEL, 1);
    }
  }

  @Test
  void errorBodyIsOneJsonObject() throws Exception {
    RawHttp.Response response = put("version=x");
    assertThat(Json.read(response.body()))
        .isEqualTo(
            json(
                "{'status':400,'error':'" + Json.text(Json.read(response.body()), "error") + "'}"));
  }
}
