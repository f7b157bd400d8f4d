package org.simplepush.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.examples.benchmarks.MessageScanner.Type;

@Timeout(10)
class MessageScannerTest {
  private final MessageScanner scanner = new MessageScanner();

  @Test
  void helloIsRead() throws Exception {
    scan("{\"messageType\":\"hello\",\"uaid\":\"u\",\"status\":200}");
    assertThat(scanner.type).isEqualTo(Type.HELLO);
    assertThat(scanner.uaid).isEqualTo("u");
    assertThat(scanner.status).isEqualTo(200);
  }

  @Test
  void registerIsReadInAnyOrderWithSpacesEscapesAndUnknownFields() throws Exception {
    scan(
        " { \"pushEndpoint\" : \"http:\\/\\/h\\u002fx\", \"extra\":{\"a\":[1,{}],\"b\":null},"
            + " \"channelID\":\""
            + Channel.id(-1, 123_456, 300)
            + "\", \"status\" : \"200\", \"messageType\":\"REGISTER\" } ");
    assertThat(scanner.type).isEqualTo(Type.REGISTER);
    assertThat(scanner.pushEndpoint).isEqualTo("http://h/x");
    assertThat(scanner.channel).isEqualTo(300);
    assertThat(scanner.status).isEqualTo(200);
  }

  @Test
  void everyUpdateOfANotificationIsRead() throws Exception {
    StringBuilder text = new StringBuilder("{\"messageType\":\"notification\",\"updates\":[");
    for (int i = 0; i < 100; i++) {
      String id = Channel.id(7, 1, i);
      text.append(i == 0 ? "" : ",");
      text.append("{\"version\":").append(i * 10L).append(",\"channelID\":\"").append(id);
      text.append("\",\"data\":null}");
    }
    scan(text + "]}");
    assertThat(scanner.type).isEqualTo(Type.NOTIFICATION);
    assertThat(scanner.updates).isEqualTo(100);
    assertThat(scanner.channels[99]).isEqualTo(99);
    assertThat(scanner.versions[99]).isEqualTo(990);
  }

  @Test
  void anEmptyObjectIsAPing() throws Exception {
    scan("{}");
    assertThat(scanner.type).isEqualTo(Type.OTHER);
    assertThat(scanner.status).isZero();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "[]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":}",
        "{\"a\":\"x",
        "{\"status\":\"x\"}",
        "{\"status\":-1}",
        "{\"updates\":[{\"version\":99999999999999999999}]}"
      })
  void whatIsNoMessageIsRefused(String text) {
    assertThatThrownBy(() -> scan(text)).isInstanceOf(WireException.class);
  }

  @Test
  void deepNestingIsRefused() {
    assertThatThrownBy(() -> scan("{\"a\":" + "[".repeat(10_000)))
        .isInstanceOf(WireException.class)
        .hasMessageContaining("nested");
  }

  private void scan(String text) throws WireException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    scanner.scan(bytes, 0, bytes.length);
  }
}
