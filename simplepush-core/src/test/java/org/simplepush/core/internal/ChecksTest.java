package org.simplepush.core.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class ChecksTest {
  @Test
  void numbersOfTheRangeAreReturned() {
    assertThat(Checks.range("attempts", 1, 1, 20)).isEqualTo(1);
    assertThat(Checks.range("attempts", 20, 1, 20)).isEqualTo(20);
    assertThat(Checks.port("port", 0)).isZero();
    assertThat(Checks.port("port", 65_535)).isEqualTo(65_535);
    assertThat(Checks.peerPort("port", 1)).isEqualTo(1);
    assertThat(Checks.positive("updates", 1)).isEqualTo(1);
    assertThat(Checks.positive("maxChannels", Long.MAX_VALUE)).isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void otherNumbersAreRefusedWithWhatWouldBeRight() {
    refused(() -> Checks.range("attempts", 0, 1, 20), "attempts must be 1 to 20, but was 0");
    refused(() -> Checks.range("attempts", 21, 1, 20), "attempts must be 1 to 20, but was 21");
    refused(() -> Checks.port("port", -1), "port must be 0 to 65535, but was -1");
    refused(() -> Checks.port("port", 65_536), "port must be 0 to 65535, but was 65536");
    refused(() -> Checks.peerPort("port", 0), "port must be 1 to 65535, but was 0");
    refused(() -> Checks.positive("updates", 0), "updates must be positive, but was 0");
    refused(
        () -> Checks.positive("maxChannels", Long.MIN_VALUE),
        "maxChannels must be positive, but was -9223372036854775808");
  }

  @Test
  void durationsOfTheRangeAreReturned() {
    for (Duration value : new Duration[] {Checks.MILLISECOND, Checks.SECOND, Checks.DAY}) {
      assertThat(Checks.range("drain", value, Checks.MILLISECOND, Checks.DAY)).isEqualTo(value);
      assertThat(Checks.zeroOrRange("drain", value, Checks.MILLISECOND, Checks.DAY))
          .isEqualTo(value);
      assertThat(Checks.notNegative("drain", value)).isEqualTo(value);
    }
    assertThat(Checks.zeroOrRange("drain", Duration.ZERO, Checks.SECOND, Checks.DAY))
        .isEqualTo(Duration.ZERO);
    assertThat(Checks.notNegative("drain", Duration.ZERO)).isEqualTo(Duration.ZERO);
  }

  @Test
  void otherDurationsAreRefusedWithWhatWouldBeRight() {
    refused(
        () -> Checks.range("drain", Duration.ofNanos(999_999), Checks.MILLISECOND, Checks.DAY),
        "drain must be 1 ms to 1 day, but was PT0.000999999S");
    refused(
        () -> Checks.range("drain", Checks.DAY.plusNanos(1), Checks.SECOND, Checks.DAY),
        "drain must be 1 s to 1 day, but was PT24H0.000000001S");
    refused(
        () ->
            Checks.zeroOrRange("drain", Duration.ofNanos(-1), Checks.SECOND, Checks.HUNDRED_YEARS),
        "drain must be 0, or 1 s to 36,500 days, but was PT-0.000000001S");
    refused(
        () -> Checks.notNegative("drain", Duration.ofNanos(-1)),
        "drain must be zero or more, but was PT-0.000000001S");
  }

  private static void refused(ThrowingCallable check, String sentence) {
    assertThatIllegalArgumentException().isThrownBy(check).withMessage(sentence);
  }
}
