package org.simplepush.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(10)
class FrameReaderTest {
  private static final int TEXT_FIRST = 0x01;
  private static final int TEXT_WHOLE = 0x81;
  private static final int CONTINUATION = 0x00;
  private static final int CONTINUATION_LAST = 0x80;
  private static final int PING = 0x89;

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 125, 126, 127, 1000, 65_535, 65_536, 70_000})
  void everyLengthIsRead(int length) throws Exception {
    String text = "x".repeat(length);
    assertThat(readAll(ByteBuffer.wrap(frame(TEXT_WHOLE, text)))).containsExactly("1:" + text);
  }

  @Test
  void anIncompleteFrameStaysInTheBufferWhereverItIsCut() throws Exception {
    byte[] whole = frame(TEXT_WHOLE, "y".repeat(200));
    for (int cut = 0; cut < whole.length; cut++) {
      ByteBuffer in = ByteBuffer.wrap(whole).limit(cut);
      FrameReader reader = new FrameReader();
      assertThat(reader.next(in)).isFalse();
      assertThat(in.position()).isZero();
      in.limit(whole.length);
      assertThat(reader.next(in)).isTrue();
    }
  }

  @Test
  void severalFramesInOneBufferAreSeveralMessages() throws Exception {
    byte[] frames = join(frame(TEXT_WHOLE, "one"), frame(PING, "two"), frame(TEXT_WHOLE, "three"));
    assertThat(readAll(ByteBuffer.wrap(frames))).containsExactly("1:one", "9:two", "1:three");
  }

  @Test
  void fragmentsAreJoinedAndAPingMayComeBetweenThem() throws Exception {
    byte[] frames =
        join(
            frame(TEXT_FIRST, "a"),
            frame(PING, "p"),
            frame(CONTINUATION, "b"),
            frame(CONTINUATION_LAST, "c"),
            frame(TEXT_WHOLE, "d"));
    assertThat(readAll(ByteBuffer.wrap(frames))).containsExactly("9:p", "1:abc", "1:d");
  }

  @Test
  void whatAServerMustNotSendIsRefused() {
    assertRefused(new byte[] {(byte) TEXT_WHOLE, (byte) 0x80, 0, 0, 0, 0}, "masked");
    assertRefused(frame(0xc1, "x"), "reserved bits");
    assertRefused(frame(CONTINUATION_LAST, "x"), "out of turn");
    assertRefused(join(frame(TEXT_FIRST, "x"), frame(TEXT_WHOLE, "y")), "mixed");
    assertRefused(
        new byte[] {(byte) TEXT_WHOLE, 127, 0x7f, 0, 0, 0, 0, 0, 0, 0}, "more than this side");
  }

  private static void assertRefused(byte[] bytes, String why) {
    assertThatThrownBy(() -> readAll(ByteBuffer.wrap(bytes)))
        .isInstanceOf(WireException.class)
        .hasMessageContaining(why);
  }

  private static List<String> readAll(ByteBuffer in) throws WireException {
    FrameReader reader = new FrameReader();
    List<String> messages = new ArrayList<>();
    while (reader.next(in)) {
      String text =
          new String(reader.array, reader.from, reader.to - reader.from, StandardCharsets.US_ASCII);
      messages.add(reader.opcode + ":" + text);
    }
    return messages;
  }

  private static byte[] frame(int first, String text) {
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    int length = text.length();
    frame.write(first);
    if (length <= 125) {
      frame.write(length);
    } else if (length <= 0xffff) {
      frame.write(126);
      frame.writeBytes(ByteBuffer.allocate(2).putShort((short) length).array());
    } else {
      frame.write(127);
      frame.writeBytes(ByteBuffer.allocate(8).putLong(length).array());
    }
    frame.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
    return frame.toByteArray();
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }
}
