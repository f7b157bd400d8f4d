package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.simplepush.server.fixtures.TestServers.eventually;
import static org.simplepush.server.fixtures.TestServers.server;

import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawSocket;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.WireDevice;

/** The WebSocket handshake of protocol §1, byte for byte. */
@Timeout(60)
@ExtendWith(Hygiene.class)
class HandshakeWireTest {
  private static PushServer server;

  @BeforeAll
  static void startServer() throws Exception {
    server = server().build().start();
  }

  @AfterAll
  static void closeServer() {
    server.close();
  }

  /** Whatever came before, a device is served as ever. */
  private static void assertServes() {
    assertThatCode(
            () -> {
              try (WireDevice device = WireDevice.fresh(server.port())) {
                device.proveNothingCame();
              }
            })
        .doesNotThrowAnyException();
  }

  private static RawHttp.Head handshake(String... headerLines) throws Exception {
    try (RawWebSocket socket = RawWebSocket.open(server.port())) {
      socket.socket().write(RawWebSocket.request(headerLines));
      return socket.response();
    }
  }

  /** The request is answered with this status and the connection ends. */
  private static void assertRefused(String request, int status) throws Exception {
    try (RawWebSocket socket = RawWebSocket.open(server.port())) {
      socket.socket().writeWhilePeerListens(request.getBytes(StandardCharsets.ISO_8859_1));
      RawHttp.Head answer = socket.response();
      assertThat(answer.status()).as("status of %s", answer).isEqualTo(status);
      socket.socket().readToEnd();
    }
    assertServes();
  }

  // The subprotocol

  @Test
  void offeredSubprotocolIsSelected() throws Exception {
    RawHttp.Head answer = handshake("Sec-WebSocket-Protocol: push-notification");
    RawWebSocket.assertAccepted(answer);
    assertThat(answer.headers("Sec-WebSocket-Protocol")).containsExactly("push-notification");
  }

  @Test
  void noSubprotocolIsAcceptedAndNoneIsSelected() throws Exception {
    RawHttp.Head answer = handshake();
    RawWebSocket.assertAccepted(answer);
    assertThat(answer.headers("Sec-WebSocket-Protocol")).isEmpty();
  }

  @Test
  void deviceWithoutSubprotocolIsServed() throws Exception {
    try (RawWebSocket socket = RawWebSocket.open(server.port()).handshake()) {
      socket.send("{}");
      assertThat(socket.nextText()).isEqualTo("{}");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "push-notification, chat",
        "chat,push-notification",
        "chat , v2.push-notification,push-notification",
      })
  void subprotocolIsSelectedAmongOthers(String offered) throws Exception {
    RawHttp.Head answer = handshake("Sec-WebSocket-Protocol: " + offered);
    RawWebSocket.assertAccepted(answer);
    assertThat(answer.headers("Sec-WebSocket-Protocol")).containsExactly("push-notification");
  }

  @Test
  void subprotocolIsSelectedFromRepeatedHeaders() throws Exception {
    RawHttp.Head answer =
        handshake(
            "Sec-WebSocket-Protocol: chat",
            "Sec-WebSocket-Protocol: push-notification",
            "Sec-WebSocket-Protocol: superchat");
    RawWebSocket.assertAccepted(answer);
    assertThat(answer.headers("Sec-WebSocket-Protocol")).containsExactly("push-notification");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "chat",
        "chat, superchat",
        "push-notification2",
        "push notification",
        "Push-Notification"
      })
  void onlyOtherSubprotocolsAreRefused(String offered) throws Exception {
    assertRefused(RawWebSocket.request("Sec-WebSocket-Protocol: " + offered), 400);
  }

  @Test
  void onlyOtherSubprotocolsInRepeatedHeadersAreRefused() throws Exception {
    assertRefused(
        RawWebSocket.request("Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Protocol: superchat"),
        400);
  }

  @Test
  void compressionIsDeclined() throws Exception {
    RawHttp.Head answer = handshake("Sec-WebSocket-Extensions: permessage-deflate");
    RawWebSocket.assertAccepted(answer);
    assertThat(answer.headers("Sec-WebSocket-Extensions")).isEmpty();
  }

  @Test
  void firefoxsHandshakeIsAccepted() throws Exception {
    String request =
        "GET / HTTP/1.1\r\nHost: 127.0.0.1:18999\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\n"
            + "Accept-Language: en-US,en;q=0.9\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n"
            + "Sec-WebSocket-Version: 13\r\nOrigin: ws://127.0.0.1:18999/\r\n"
            + "Sec-WebSocket-Protocol: push-notification\r\n"
            + "Sec-WebSocket-Extensions: permessage-deflate\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            + "Connection: keep-alive, Upgrade\r\nSec-Fetch-Dest: empty\r\n"
            + "Sec-Fetch-Mode: websocket\r\nSec-Fetch-Site: none\r\nPragma: no-cache\r\n"
            + "Cache-Control: no-cache\r\nUpgrade: websocket\r\n\r\n";
    try (RawWebSocket socket = RawWebSocket.open(server.port())) {
      socket.socket().write(request);
      RawWebSocket.assertAccepted(socket.response());
    }
  }

  // How the bytes come

  @Test
  void handshakeAndFirstMessageByteByByte() throws Exception {
    try (RawWebSocket socket = RawWebSocket.open(server.port())) {
      String request = RawWebSocket.request("Sec-WebSocket-Protocol: push-notification");
      socket.socket().writeByteByByte(request.getBytes(StandardCharsets.US_ASCII));
      RawWebSocket.assertAccepted(socket.response());
      socket.sendByteByByte("{}");
      assertThat(socket.nextText()).isEqualTo("{}");
    }
  }

  @Test
  void messagesInTheSegmentOfTheHandshakeAreAnswered() throws Exception {
    try (RawWebSocket socket = RawWebSocket.open(server.port())) {
      byte[] head = RawWebSocket.request().getBytes(StandardCharsets.US_ASCII);
      byte[] ping = socket.maskedText("{}");
      byte[] all = new byte[head.length + 2 * ping.length];
      System.arraycopy(head, 0, all, 0, head.length);
      System.arraycopy(ping, 0, all, head.length, ping.length);
      System.arraycopy(ping, 0, all, head.length + ping.length, ping.length);
      socket.send(all);
      RawWebSocket.assertAccepted(socket.response());
      assertThat(socket.nextText()).isEqualTo("{}");
      assertThat(socket.nextText()).isEqualTo("{}");
    }
  }

  @Test
  void headerNamesAndTokensIgnoreCase() throws Exception {
    String request =
        RawWebSocket.request()
            .replace("Upgrade: websocket", "UPGRADE: WebSocket")
            .replace("Connection: Upgrade", "connection:keep-alive,UPGRADE")
            .replace("Sec-WebSocket-Key", "sec-websocket-key");
    try (RawWebSocket socket = RawWebSocket.open(server.port())) {
      socket.socket().write(request);
      RawWebSocket.assertAccepted(socket.response());
    }
  }

  // What is no handshake

  @Test
  void plainGetIsAnsweredAndClosed() throws Exception {
    assertRefused("GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 426);
  }

  @Test
  void postIsAnsweredAndClosed() throws Exception {
    assertRefused("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nversion=1", 426);
  }

  @Test
  void putToTheWrongPortIsAnsweredAndClosed() throws Exception {
    assertRefused(
        "PUT /update/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\nversion=1", 426);
  }

  @Test
  void otherMethodThanGetIsRefused() throws Exception {
    assertRefused(RawWebSocket.request().replace("GET ", "PUT "), 426);
  }

  @Test
  void http10IsRefused() throws Exception {
    assertRefused(RawWebSocket.request().replace("HTTP/1.1", "HTTP/1.0"), 426);
  }

  @ParameterizedTest
  @CsvSource({
    "Upgrade: websocket,                426",
    "Connection: Upgrade,               426",
    "Sec-WebSocket-Version: 13,         426",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==, 400",
  })
  void missingHeaderIsRefused(String line, int status) throws Exception {
    assertRefused(RawWebSocket.request().replace(line + "\r\n", ""), status);
  }

  @ParameterizedTest
  @ValueSource(strings = {"8", "12", "14", "x", ""})
  void otherVersionIsRefusedAndToldTheRightOne(String version) throws Exception {
    String request = RawWebSocket.request().replace("Version: 13", "Version: " + version);
    try (RawWebSocket socket = RawWebSocket.open(server.port())) {
      socket.socket().write(request);
      RawHttp.Head answer = socket.response();
      assertThat(answer.status()).isEqualTo(426);
      assertThat(answer.header("Sec-WebSocket-Version")).isEqualTo("13");
    }
    assertServes();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "short", "dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ=="})
  void wrongKeyIsRefused(String key) throws Exception {
    assertRefused(RawWebSocket.request().replace("dGhlIHNhbXBsZSBub25jZQ==", key), 400);
  }

  @Test
  void lineWithoutColonIsRefused() throws Exception {
    assertRefused(RawWebSocket.request("no header at all"), 400);
  }

  @Test
  void wordsThatAreNoRequestAreRefused() throws Exception {
    assertRefused("HELLO\r\n\r\n", 400);
  }

  @Test
  void tlsHelloOnThePlainPortIsClosed() throws Exception {
    byte[] clientHello =
        HexFormat.of().parseHex("16030100c4010000c003034f6f0f1d" + "00".repeat(187));
    try (RawSocket socket = RawSocket.connect(server.port())) {
      socket.write(clientHello);
      assertThat(socket.readToEnd()).isEmpty();
    }
    assertServes();
  }

  @ParameterizedTest
  @ValueSource(strings = {"\0", "\r\n\r\n", "{}", "\u00ff\u00ff\u00ff\u00ff", " GET / HTTP/1.1"})
  void otherBytesAreClosed(String bytes) throws Exception {
    try (RawSocket socket = RawSocket.connect(server.port())) {
      socket.write(bytes);
      assertThat(socket.readToEnd()).isEmpty();
    }
    assertServes();
  }

  @Test
  void hugeHeadIsRefused() throws Exception {
    assertRefused(RawWebSocket.request("X-Large: " + "x".repeat(1 << 20)), 431);
  }

  @Test
  void headWithoutEndIsRefused() throws Exception {
    assertRefused("GET /" + "a".repeat(1 << 20), 431);
  }

  @Test
  void manySmallHeadersAreRefused() throws Exception {
    String[] lines =
        IntStream.range(0, 5_000).mapToObj(i -> "X-" + i + ": " + i).toArray(String[]::new);
    assertRefused(RawWebSocket.request(lines), 431);
  }

  @Test
  void peerThatLeavesInTheMiddleOfTheHandshakeHarmsNobody() throws Exception {
    byte[] request = RawWebSocket.request().getBytes(StandardCharsets.US_ASCII);
    for (int length : List.of(0, 1, 17, request.length - 1, request.length, request.length)) {
      RawSocket orderly = RawSocket.connect(server.port());
      orderly.write(java.util.Arrays.copyOf(request, length));
      orderly.close();
      RawSocket abrupt = RawSocket.connect(server.port());
      abrupt.write(java.util.Arrays.copyOf(request, length));
      abrupt.reset();
    }
    assertServes();
    eventually(() -> assertThat(server.statistics().connections()).isZero());
  }
}
