package org.simplepush.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(10)
class ResponseReaderTest {
  private static final String UPGRADE =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: abc=\r\n\r\n";

  private final ResponseReader reader = new ResponseReader();

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\ncontent-type: a/b\r\nCONTENT-LENGTH:2\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        UPGRADE
      })
  void aWholeAnswerIsReadWhereverItIsCut(String answer) throws Exception {
    ByteBuffer in = ByteBuffer.wrap((answer + "HTTP/1.1 404 Not").getBytes(StandardCharsets.UTF_8));
    for (int cut = 0; cut < answer.length(); cut++) {
      in.position(0).limit(cut);
      assertThat(reader.next(in)).isFalse();
      assertThat(in.position()).isZero();
    }
    in.limit(in.capacity());
    assertThat(reader.next(in)).isTrue();
    assertThat(reader.status).isEqualTo(Integer.parseInt(answer.substring(9, 12)));
    assertThat(in.position()).isEqualTo(answer.length());
    assertThat(reader.next(in)).isFalse();
  }

  @Test
  void theLastAnswerOfAConnectionIsKnown() throws Exception {
    read("HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    assertThat(reader.last).isTrue();
    read("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assertThat(reader.last).isFalse();
  }

  @Test
  void anUpgradeNeedsTheRightAccept() throws Exception {
    read(UPGRADE);
    reader.checkUpgrade("abc=");
    assertThatThrownBy(() -> reader.checkUpgrade("xyz="))
        .isInstanceOf(WireException.class)
        .hasMessageContaining("Sec-WebSocket-Accept");
  }

  @Test
  void whatIsNoAnswerIsRefused() {
    assertThatThrownBy(() -> read("SSH-2.0-OpenSSH_9.2 and more\r\n\r\n"))
        .isInstanceOf(WireException.class);
    assertThatThrownBy(() -> read("HTTP/1.1 200 OK\r\n\r\n")).hasMessageContaining("how long");
  }

  private void read(String answer) throws WireException {
    assertThat(reader.next(ByteBuffer.wrap(answer.getBytes(StandardCharsets.UTF_8)))).isTrue();
  }
}
