package org.simplepush.core.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import org.junit.jupiter.api.Test;

class StoreArgumentsTest {
  @Test
  void timesAreRoundedUpToMilliseconds() {
    assertThat(StoreArguments.millisNotSeen(Duration.ZERO)).isZero();
    assertThat(StoreArguments.millisNotSeen(Duration.ofNanos(1))).isEqualTo(1);
    assertThat(StoreArguments.millisNotSeen(Duration.ofMillis(7))).isEqualTo(7);
    assertThat(StoreArguments.millisNotSeen(Duration.ofMillis(7).plusNanos(1))).isEqualTo(8);
  }

  @Test
  void timesLongerThanMillisecondsCanCountAreTheLongest() {
    assertThat(StoreArguments.millisNotSeen(Duration.ofMillis(Long.MAX_VALUE)))
        .isEqualTo(Long.MAX_VALUE);
    assertThat(StoreArguments.millisNotSeen(Duration.ofSeconds(Long.MAX_VALUE)))
        .isEqualTo(Long.MAX_VALUE);
  }

  @Test
  void negativeTimesAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StoreArguments.millisNotSeen(Duration.ofNanos(-1)))
        .withMessage("notSeenFor must be zero or more, but was PT-0.000000001S");
  }
}
