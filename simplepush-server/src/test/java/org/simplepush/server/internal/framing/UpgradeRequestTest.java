package org.simplepush.server.internal.framing;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** RFC 6455 §4.2.1 and protocol §1. */
class UpgradeRequestTest {
  private static final String GOOD =
      "GET / HTTP/1.1\r\n"
          + "Host: push.example.org\r\n"
          + "Upgrade: websocket\r\n"
          + "Connection: Upgrade\r\n"
          + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
          + "Sec-WebSocket-Version: 13\r\n"
          + "Sec-WebSocket-Protocol: push-notification\r\n"
          + "\r\n";

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static String refusal(String head) {
    return new UpgradeRequest(bytes(head), head.length()).refusal();
  }

  private static String refusalWith(String what, String instead) {
    assertThat(GOOD).contains(what);
    return refusal(GOOD.replace(what, instead));
  }

  @Test
  void completeRequestIsAccepted() {
    assertThat(refusal(GOOD)).isNull();
  }

  @Test
  void whatFollowsTheHeadIsNotLookedAt() {
    byte[] more = bytes(GOOD + "x:\r\n\r\n: no name");
    assertThat(new UpgradeRequest(more, GOOD.length()).refusal()).isNull();
  }

  /** With the key and its answer from RFC 6455 §1.3. */
  @Test
  void acceptanceProvesThatTheRequestWasUnderstood() {
    assertThat(new UpgradeRequest(bytes(GOOD), GOOD.length()).acceptance())
        .isEqualTo(
            "HTTP/1.1 101 Switching Protocols\r\n"
                + "Upgrade: websocket\r\n"
                + "Connection: Upgrade\r\n"
                + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
                + "Sec-WebSocket-Protocol: push-notification\r\n"
                + "Server: SimplePush\r\n\r\n");
  }

  @Test
  void subprotocolNobodyOfferedIsNotSelected() {
    String none = GOOD.replace("Sec-WebSocket-Protocol: push-notification", "X: y");
    assertThat(new UpgradeRequest(bytes(none), none.length()).acceptance())
        .startsWith("HTTP/1.1 101 ")
        .doesNotContain("Protocol:");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Upgrade: websocket|upgrade:WebSocket",
        "Upgrade: websocket|UPGRADE: h2c, websocket",
        "Connection: Upgrade|connection: keep-alive, upgrade",
        "Connection: Upgrade|Connection: keep-alive\\r\\nConnection: Upgrade",
        "Connection: Upgrade|Connection: Upgrade\\r\\nConnection: keep-alive",
        "Upgrade: websocket|Upgrade: websocket\\r\\nUpgrade: h2c",
        "Sec-WebSocket-Protocol: push-notification|sec-websocket-protocol: a, push-notification ,b",
        "Sec-WebSocket-Protocol: push-notification"
            + "|Sec-WebSocket-Protocol: a\\r\\nSec-WebSocket-Protocol: push-notification",
        "Sec-WebSocket-Protocol: push-notification"
            + "|Sec-WebSocket-Protocol: push-notification\\r\\nSec-WebSocket-Protocol: a",
        "Sec-WebSocket-Protocol: push-notification|X: y",
        "GET / |GET /any/path?x=y ",
      })
  void acceptedVariants(String what, String instead) {
    assertThat(refusalWith(what, instead.replace("\\r\\n", "\r\n"))).isNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "GET / HTTP/1.1|POST / HTTP/1.1|426",
        "GET / HTTP/1.1|get / HTTP/1.1|426",
        "GET / HTTP/1.1|GET / HTTP/1.0|426",
        "GET / HTTP/1.1|GET / HTTP/2|400",
        "GET / HTTP/1.1|GET /|400",
        "GET / HTTP/1.1|GET / x HTTP/1.1|400",
        "Upgrade: websocket|X: y|426",
        "Upgrade: websocket|Upgrade: websockets|426",
        "Upgrade: websocket|Up: websocket|426",
        "Upgrade: websocket|Upgrade2: websocket|426",
        "Upgrade: websocket|X-Upgrade: websocket|426",
        "Connection: Upgrade|Connect: Upgrade|426",
        "Connection: Upgrade|XConnection: Upgrade|426",
        "Sec-WebSocket-Version: 13|Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Version: 13|426",
        "Sec-WebSocket-Key:|Sec-WebSocket-Key: x\\r\\nSec-WebSocket-Key:|400",
        "Connection: Upgrade|X: y|426",
        "Connection: Upgrade|Connection: close|426",
        "Sec-WebSocket-Version: 13|X: y|426",
        "Sec-WebSocket-Version: 13|Sec-WebSocket-Version: 8|426",
        "Sec-WebSocket-Version: 13|Sec-WebSocket-Version: 13, 8|426",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==|X: y|400",
        "dGhlIHNhbXBsZSBub25jZQ==|dGhlIHNhbXBsZSBub25jZQ|400",
        "dGhlIHNhbXBsZSBub25jZQ==|dGhlIHNhbXBsZSBub25jZSBi|400",
        "dGhlIHNhbXBsZSBub25jZQ==|!!!!!!!!!!!!!!!!!!!!!!==|400",
        "Sec-WebSocket-Protocol: push-notification|Sec-WebSocket-Protocol: chat|400",
        "Sec-WebSocket-Protocol: push-notification|Sec-WebSocket-Protocol: PUSH-NOTIFICATION|400",
        "Sec-WebSocket-Protocol: push-notification|Sec-WebSocket-Protocol: push-notification2|400",
        "Sec-WebSocket-Protocol: push-notification|Sec-WebSocket-Protocol:|400",
        "Host: push.example.org|no colon|400",
        "Host: push.example.org|: no name|400",
      })
  void refusedVariants(String what, String instead, String status) {
    String refusal = refusalWith(what, instead.replace("\\r\\n", "\r\n"));
    assertThat(refusal).startsWith("HTTP/1.1 " + status + " ").contains("close\r\n");
    String[] parts = refusal.split("\r\n\r\n", 2);
    assertThat(parts[0]).contains("Content-Length: " + parts[1].length());
    if (status.equals("426")) { // as RFC 9110 §15.5.22 wants it
      assertThat(parts[0]).contains("\r\nUpgrade: websocket");
    }
  }

  @Test
  void otherVersionIsToldWhichIsSpoken() {
    assertThat(refusalWith("Version: 13", "Version: 8"))
        .contains("\r\nSec-WebSocket-Version: 13\r\n");
  }

  @Test
  void endOfHeadIsFoundWhereverItIsSplit() {
    byte[] bytes = bytes(GOOD + "more");
    for (int split = 0; split <= bytes.length; split++) {
      int end = UpgradeRequest.endOfHead(bytes, 0, split);
      if (end < 0) {
        end = UpgradeRequest.endOfHead(bytes, split, bytes.length);
      }
      assertThat(end).isEqualTo(GOOD.length());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "\r",
        "\r\n\r",
        "GET / HTTP/1.1\r\nHost: x\r\n",
        "a\n\nb",
        // Each with one byte of the end wrong.
        "a\n\n\r\n",
        "a\r\r\r\n",
        "a\r\n\n\n",
        "a\r\n\r\r",
        "a \n\r\n",
        "a\r \r\n",
        "a\r\n \n",
        "a\r\n\r ",
      })
  void incompleteHeadHasNoEnd(String text) {
    assertThat(UpgradeRequest.endOfHead(bytes(text), 0, text.length())).isEqualTo(-1);
  }

  @Test
  void shortestEndIsFound() {
    assertThat(UpgradeRequest.endOfHead(bytes("\r\n\r\n"), 0, 4)).isEqualTo(4);
    assertThat(UpgradeRequest.endOfHead(bytes("x\r\n\r\n\r\n"), 0, 7)).isEqualTo(5);
  }

  @Test
  void tlsAndOtherBinaryCannotBegin() {
    assertThat(UpgradeRequest.mayBegin((byte) 'G')).isTrue();
    assertThat(UpgradeRequest.mayBegin((byte) 'A')).isTrue();
    assertThat(UpgradeRequest.mayBegin((byte) 'Z')).isTrue();
    assertThat(UpgradeRequest.mayBegin((byte) ('A' - 1))).isFalse();
    assertThat(UpgradeRequest.mayBegin((byte) ('Z' + 1))).isFalse();
    assertThat(UpgradeRequest.mayBegin((byte) 0x16)).isFalse();
    assertThat(UpgradeRequest.mayBegin((byte) 0)).isFalse();
    assertThat(UpgradeRequest.mayBegin((byte) 'g')).isFalse();
    assertThat(UpgradeRequest.mayBegin((byte) -1)).isFalse();
  }
}
