package org.simplepush.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(10)
class WireTest {
  private final Wire wire = new Wire();

  @Test
  void aShortFrameIsMaskedWithAZeroKey() {
    ByteBuffer frame = wire.begin().ascii("{}").frame(Wire.TEXT);
    assertThat(bytes(frame)).containsExactly(0x81, 0x82, 0, 0, 0, 0, '{', '}');
  }

  @ParameterizedTest
  @ValueSource(ints = {126, 5000, 65_535})
  void aLongFrameHasItsLengthInTwoBytes(int length) {
    byte[] frame = bytes(wire.begin().ascii("x".repeat(length)).frame(Wire.TEXT));
    assertThat(frame).hasSize(length + 8).startsWith(0x81, 0xfe, length >> 8, length & 0xff);
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 7, 10, 999, 1_000_000_000, Long.MAX_VALUE})
  void numbersAreWrittenInDigits(long number) {
    ByteBuffer raw = wire.begin().ascii("n=").number(number).raw();
    assertThat(new String(bytes(raw), StandardCharsets.US_ASCII)).isEqualTo("n=" + number);
  }

  @Test
  void nothingOfTheMessageBeforeIsLeft() {
    wire.begin().ascii("before").frame(Wire.TEXT);
    assertThat(bytes(wire.begin().ascii("now").raw())).containsExactly('n', 'o', 'w');
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);
    return bytes;
  }
}
