package org.simplepush.server.internal.framing;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.CloseCode;

/** RFC 6455 §5, as far as the engine does not check it or pays too much. */
@Timeout(20)
class FrameGuardTest {
  private static final int MAX = 1000;
  private static final int FIN = 0x80;
  private static final int TEXT = 1;
  private static final int MASKED = 0x80;

  /** A masked frame with a payload of this length, and as many bytes of it. */
  private static byte[] frame(int first, long length, int present) {
    ByteArrayOutputStream frame = new ByteArrayOutputStream();
    frame.write(first);
    if (length >= 0 && length < 126) {
      frame.write(MASKED | (int) length);
    } else {
      int bytes = length >= 0 && length < 65536 ? 2 : 8;
      frame.write(MASKED | (bytes == 2 ? 126 : 127));
      for (int i = bytes - 1; i >= 0; i--) {
        frame.write((int) (length >>> (8 * i)));
      }
    }
    frame.writeBytes(new byte[] {1, 2, 3, 4});
    byte[] payload = new byte[present];
    Arrays.fill(payload, (byte) 0xff); // would be a violation if taken for a header
    frame.writeBytes(payload);
    return frame.toByteArray();
  }

  private static byte[] frame(int first, int length) {
    return frame(first, length, length);
  }

  private static byte[] join(byte[]... frames) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] frame : frames) {
      all.writeBytes(frame);
    }
    return all.toByteArray();
  }

  private static byte[] bytes(int... values) {
    byte[] bytes = new byte[values.length];
    for (int i = 0; i < values.length; i++) {
      bytes[i] = (byte) values[i];
    }
    return bytes;
  }

  static Stream<Arguments> allowed() {
    return Stream.of(
        Arguments.of("empty text", frame(FIN | TEXT, 0)),
        Arguments.of("short text", frame(FIN | TEXT, 125)),
        Arguments.of("text with a length of 16 bits", frame(FIN | TEXT, 126)),
        Arguments.of("text of the largest length", frame(FIN | TEXT, MAX)),
        Arguments.of("binary, which is refused as a message", frame(FIN | 2, 3)),
        Arguments.of("close", frame(FIN | 8, 2)),
        Arguments.of("largest ping", frame(FIN | 9, 125)),
        Arguments.of("pong", frame(FIN | 10, 0)),
        Arguments.of("two fragments", join(frame(TEXT, 5), frame(FIN, 5))),
        Arguments.of(
            "a ping between fragments", join(frame(TEXT, 5), frame(FIN | 9, 3), frame(FIN, 5))),
        Arguments.of(
            "fragments up to the largest length", join(frame(TEXT, MAX / 2), frame(FIN, MAX / 2))),
        Arguments.of(
            "two messages of the largest length",
            join(frame(FIN | TEXT, MAX), frame(FIN | TEXT, MAX))));
  }

  static Stream<Arguments> violations() {
    CloseCode protocol = CloseCode.PROTOCOL_ERROR;
    CloseCode tooBig = CloseCode.TOO_BIG;
    return Stream.of(
        Arguments.of("unmasked", bytes(FIN | TEXT, 5), protocol),
        Arguments.of("unmasked ping", bytes(FIN | 9, 0), protocol),
        Arguments.of("reserved bit 1", frame(FIN | 0x40 | TEXT, 0), protocol),
        Arguments.of("reserved bit 2", frame(FIN | 0x20 | TEXT, 0), protocol),
        Arguments.of("reserved bit 3", frame(FIN | 0x10 | TEXT, 0), protocol),
        Arguments.of("unknown data frame", frame(FIN | 3, 0), protocol),
        Arguments.of("last unknown data frame", frame(FIN | 7, 0), protocol),
        Arguments.of("unknown control frame", frame(FIN | 11, 0), protocol),
        Arguments.of("last unknown control frame", frame(FIN | 15, 0), protocol),
        Arguments.of("ping in fragments", frame(9, 0), protocol),
        Arguments.of("close in fragments", frame(8, 0), protocol),
        Arguments.of("ping of 126 bytes", frame(FIN | 9, 126, 0), protocol),
        Arguments.of("continuation of nothing", frame(FIN, 0), protocol),
        Arguments.of("text over the limit", frame(FIN | TEXT, MAX + 1, 0), tooBig),
        Arguments.of("first fragment over the limit", frame(TEXT, MAX + 1, 0), tooBig),
        Arguments.of("a length of 2^40", frame(FIN | TEXT, 1L << 40, 0), tooBig),
        Arguments.of("a length of 2^63-1", frame(FIN | TEXT, Long.MAX_VALUE, 0), tooBig),
        Arguments.of("a length of 2^63", frame(FIN | TEXT, Long.MIN_VALUE, 0), tooBig),
        Arguments.of("a length of 2^64-1", frame(FIN | TEXT, -1, 0), tooBig));
  }

  /** Walks over all frames; returns how far it came. */
  private static int check(FrameGuard guard, byte[] bytes, int from, int to) {
    int at = from;
    while (at < to && guard.violation() == null) {
      at = guard.check(bytes, at, to);
    }
    return at;
  }

  /** Feeds the bytes in parts; returns how many the engine would have been given. */
  private static int feed(FrameGuard guard, byte[] bytes, int... ends) {
    int from = 0;
    for (int end : ends) {
      int safe = check(guard, bytes, from, end);
      if (guard.violation() != null) {
        return safe;
      }
      assertThat(safe).isEqualTo(end);
      from = end;
    }
    return from;
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("allowed")
  void allowedFramesPassWhereverTheyAreSplit(String name, byte[] bytes) {
    byte[] twice = join(bytes, bytes);
    for (int split = 0; split <= twice.length; split++) {
      FrameGuard guard = new FrameGuard(MAX);
      assertThat(feed(guard, twice, split, twice.length)).isEqualTo(twice.length);
      assertThat(guard.violation()).isNull();
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("violations")
  void violationIsFoundWhereverItIsSplitAndNothingOfItIsReadAfterwards(
      String name, byte[] bad, CloseCode expected) {
    byte[] good = join(frame(FIN | TEXT, 3), frame(FIN | 9, 0));
    byte[] bytes = join(good, bad, frame(FIN | TEXT, 3));
    for (int split = 0; split <= bytes.length; split++) {
      FrameGuard guard = new FrameGuard(MAX);
      int safe = feed(guard, bytes, split, bytes.length);
      assertThat(guard.violation()).isEqualTo(expected);
      // What had been passed on before the violation was known cannot be taken back.
      int headerBefore = Math.max(good.length, Math.min(split, good.length + bad.length - 1));
      assertThat(safe).isIn(good.length, headerBefore);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("violations")
  void violationIsFoundByteByByte(String name, byte[] bad, CloseCode expected) {
    FrameGuard guard = new FrameGuard(MAX);
    for (int i = 0; i < bad.length && guard.violation() == null; i++) {
      check(guard, bad, i, i + 1);
    }
    assertThat(guard.violation()).isEqualTo(expected);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("violations")
  void nothingPassesAfterAViolation(String name, byte[] bad, CloseCode expected) {
    FrameGuard guard = new FrameGuard(MAX);
    check(guard, bad, 0, bad.length);
    byte[] more = frame(FIN | TEXT, 100);
    for (int i = 0; i < 3; i++) {
      assertThat(guard.check(more, 0, more.length)).isZero();
      assertThat(guard.violation()).isEqualTo(expected);
    }
  }

  @Test
  void fragmentsTogetherMayNotExceedTheLimit() {
    FrameGuard guard = new FrameGuard(MAX);
    byte[] fine = join(frame(TEXT, MAX - 1), frame(0, 1), frame(FIN | 9, 125));
    assertThat(check(guard, fine, 0, fine.length)).isEqualTo(fine.length);
    byte[] over = frame(FIN, 1);
    assertThat(check(guard, over, 0, over.length)).isZero();
    assertThat(guard.violation()).isEqualTo(CloseCode.TOO_BIG);
  }

  @Test
  void newMessageWithinAnotherIsAViolation() {
    FrameGuard guard = new FrameGuard(MAX);
    byte[] bytes = join(frame(TEXT, 5), frame(FIN | TEXT, 5));
    assertThat(check(guard, bytes, 0, bytes.length)).isEqualTo(frame(TEXT, 5).length);
    assertThat(guard.violation()).isEqualTo(CloseCode.PROTOCOL_ERROR);
  }

  @Test
  void emptyFragmentsWithoutEndAreTooBig() {
    FrameGuard guard = new FrameGuard(MAX);
    byte[] first = frame(TEXT, 0);
    check(guard, first, 0, first.length);
    byte[] next = frame(0, 0);
    int fragments = 1;
    while (guard.violation() == null) {
      check(guard, next, 0, next.length);
      fragments++;
    }
    assertThat(guard.violation()).isEqualTo(CloseCode.TOO_BIG);
    assertThat(fragments).isEqualTo(1025);
  }

  @Test
  void tellsWhatTheEngineHoldsOfWhatIsUnderWay() {
    FrameGuard guard = new FrameGuard(MAX);
    byte[] half = frame(FIN | TEXT, 900, 10);
    assertThat(guard.held()).isZero();
    check(guard, half, 0, 1);
    assertThat(guard.held()).as("with half a header").isPositive();
    check(guard, half, 1, half.length);
    assertThat(guard.held()).as("as much as is announced").isGreaterThan(900);
    check(guard, new byte[890], 0, 890);
    assertThat(guard.held()).as("after its end").isZero();

    byte[] fragment = frame(TEXT, 400);
    check(guard, fragment, 0, fragment.length);
    byte[] ping = frame(FIN | 9, 5);
    check(guard, ping, 0, ping.length);
    assertThat(guard.held()).as("between fragments").isGreaterThan(400);
    byte[] last = frame(FIN, 400);
    check(guard, last, 0, last.length);
    assertThat(guard.held()).as("after the last").isZero();
  }

  @Test
  void goesNoFurtherThanOneFrame() {
    FrameGuard guard = new FrameGuard(MAX);
    byte[] bytes = join(frame(FIN | TEXT, 3), frame(FIN | 9, 0), frame(FIN | TEXT, 1));
    int first = frame(FIN | TEXT, 3).length;
    assertThat(guard.check(bytes, 0, bytes.length)).isEqualTo(first);
    assertThat(guard.check(bytes, first, bytes.length)).isEqualTo(first + frame(FIN | 9, 0).length);
  }

  @Test
  void lengthsAddUpAnewForEachMessage() {
    FrameGuard guard = new FrameGuard(MAX);
    byte[] message = join(frame(TEXT, MAX / 2), frame(FIN, MAX / 2));
    for (int i = 0; i < 10; i++) {
      assertThat(check(guard, message, 0, message.length)).isEqualTo(message.length);
    }
    assertThat(guard.violation()).isNull();
  }

  /** The rules once more, over a whole stream and without regard to cost. */
  private static CloseCode reference(byte[] bytes) {
    int at = 0;
    long message = 0;
    int fragments = 0;
    while (at + 2 <= bytes.length) {
      int first = bytes[at] & 0xff;
      int second = bytes[at + 1] & 0xff;
      if (second < 128) {
        return CloseCode.PROTOCOL_ERROR;
      }
      int size = second == 255 ? 8 : second == 254 ? 2 : 0;
      int header = 2 + size + 4;
      if (at + header > bytes.length) {
        return null;
      }
      java.math.BigInteger length = java.math.BigInteger.valueOf(second & 0x7f);
      if (size > 0) {
        length = new java.math.BigInteger(1, Arrays.copyOfRange(bytes, at + 2, at + 2 + size));
      }
      int opcode = first & 15;
      if ((first & 0x70) != 0) {
        return CloseCode.PROTOCOL_ERROR;
      }
      if (length.bitLength() > 63) {
        return CloseCode.TOO_BIG;
      }
      boolean fin = first >= 128;
      if (opcode >= 8) {
        if (opcode > 10 || !fin || length.longValueExact() > 125) {
          return CloseCode.PROTOCOL_ERROR;
        }
      } else {
        if (opcode > 2 || (opcode == 0) != (fragments > 0)) {
          return CloseCode.PROTOCOL_ERROR;
        }
        fragments++;
        if (length.longValueExact() > MAX - message || fragments > 1024) {
          return CloseCode.TOO_BIG;
        }
        message += length.longValueExact();
        if (fin) {
          message = 0;
          fragments = 0;
        }
      }
      at += header + (int) Math.min(length.longValueExact(), bytes.length);
    }
    return null;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void agreesWithAPlainReferenceOnRandomFrames(long seed) {
    Random random = new Random(seed);
    for (int round = 0; round < 3000; round++) {
      ByteArrayOutputStream stream = new ByteArrayOutputStream();
      boolean inMessage = false;
      int frames = random.nextInt(12);
      for (int i = 0; i < frames; i++) {
        boolean fin = random.nextBoolean();
        int opcode = inMessage ? 0 : 1 + random.nextInt(2);
        if (random.nextInt(4) == 0) {
          opcode = 8 + random.nextInt(3);
          fin = true;
        } else {
          inMessage = !fin;
        }
        byte[] frame = frame((fin ? FIN : 0) | opcode, random.nextInt(opcode >= 8 ? 126 : 300));
        if (random.nextInt(10) == 0) {
          frame[random.nextInt(2)] ^= (byte) (1 << random.nextInt(8));
        }
        stream.writeBytes(frame);
      }
      byte[] bytes = stream.toByteArray();
      FrameGuard guard = new FrameGuard(MAX);
      int at = 0;
      while (at < bytes.length && guard.violation() == null) {
        int to = Math.min(bytes.length, at + 1 + random.nextInt(200));
        check(guard, bytes, at, to);
        at = to;
      }
      assertThat(guard.violation()).isEqualTo(reference(bytes));
    }
  }

  // Messages that the engine need not see

  private static byte[] text(String text, int mask) {
    byte[] frame = frame(FIN | TEXT, text.getBytes(StandardCharsets.UTF_8).length);
    byte[] payload = text.getBytes(StandardCharsets.UTF_8);
    int from = frame.length - payload.length;
    ByteBuffer.wrap(frame).putInt(from - 4, mask);
    for (int i = 0; i < payload.length; i++) {
      frame[from + i] = (byte) (payload[i] ^ frame[from - 4 + i % 4]);
    }
    return frame;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, -1, 0x01020304, 0x80000000, 0x00ff7f80})
  void textIsUnmaskedWhateverItsLengthAndPlace(int mask) {
    for (int length = 0; length <= 300; length++) {
      String first = "abcdefg".substring(0, length % 8);
      String second = "0123456789".repeat(31).substring(0, length);
      ByteBuffer buffer = ByteBuffer.wrap(join(text(first, mask), text(second, ~mask)));
      FrameGuard guard = new FrameGuard(MAX);
      assertThat(guard.nextText(buffer)).isEqualTo(first);
      assertThat(guard.nextText(buffer)).isEqualTo(second);
      assertThat(guard.nextText(buffer)).isNull();
      assertThat(buffer.hasRemaining()).isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {125, 126, 127, MAX - 1, MAX})
  void textOfEveryLengthUpToTheLimitIsTaken(int length) {
    String text = "x".repeat(length);
    assertThat(new FrameGuard(MAX).nextText(ByteBuffer.wrap(text(text, 7)))).isEqualTo(text);
  }

  @Test
  void nothingPassesAfterAViolation() {
    FrameGuard guard = new FrameGuard(MAX);
    byte[] bytes = join(frame(FIN | 3, 0), frame(FIN | TEXT, 5));
    assertThat(check(guard, bytes, 0, bytes.length)).isZero();
    assertThat(check(guard, bytes, 6, bytes.length)).isEqualTo(6);
    assertThat(guard.violation()).isEqualTo(CloseCode.PROTOCOL_ERROR);
  }

  static Stream<Arguments> leftToTheEngine() {
    return Stream.of(
        Arguments.of("beyond ASCII", text("0123456789é0", 0x01020304)),
        Arguments.of("beyond ASCII at the beginning", text("é123456789", 0x01020304)),
        Arguments.of("beyond ASCII in the middle", text("0é23456789".repeat(4), 0x80000000)),
        Arguments.of("beyond ASCII at the end", text("0123456789é", 0x01020304)),
        Arguments.of("not there completely", Arrays.copyOf(text("0123456789", 7), 15)),
        Arguments.of("not more than a byte of it", bytes(FIN | TEXT)),
        Arguments.of("over the limit", text("x".repeat(MAX + 1), 7)),
        Arguments.of("length of 64 bits", join(bytes(FIN | TEXT, 255), new byte[20])),
        Arguments.of("not masked", join(bytes(FIN | TEXT, 0), new byte[200])),
        Arguments.of("not masked, 126 bytes", join(bytes(FIN | TEXT, 126, 0, 126), new byte[200])),
        Arguments.of("ping", frame(FIN | 9, 5)),
        Arguments.of("binary", frame(FIN | 2, 5)),
        Arguments.of("reserved bit", frame(FIN | 0x40 | TEXT, 5)),
        Arguments.of("fragment", frame(TEXT, 5)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("leftToTheEngine")
  void whatIsNotAWholeTextOfAsciiIsLeftAsItWas(String name, byte[] bytes) {
    byte[] before = bytes.clone();
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    assertThat(new FrameGuard(MAX).nextText(buffer)).isNull();
    assertThat(buffer.position()).isZero();
    assertThat(bytes).isEqualTo(before);
  }

  static Stream<Arguments> begun() {
    return Stream.of(
        Arguments.of("header", bytes(FIN | TEXT)),
        Arguments.of("frame", Arrays.copyOf(text("0123456789", 7), 15)),
        Arguments.of("fragments", frame(TEXT, 5)),
        Arguments.of("fragments and a ping", join(frame(TEXT, 5), frame(FIN | 9, 5))),
        Arguments.of("violation", frame(FIN | 3, 0)));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("begun")
  void nothingIsTakenFromTheMiddleOfSomething(String name, byte[] bytes) {
    FrameGuard guard = new FrameGuard(MAX);
    check(guard, bytes, 0, bytes.length);
    assertThat(guard.nextText(ByteBuffer.wrap(text("0123456789", 7)))).isNull();
  }
}
