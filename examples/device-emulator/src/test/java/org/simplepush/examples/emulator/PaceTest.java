package org.simplepush.examples.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PaceTest {
  private static long millis(long millis) {
    return TimeUnit.MILLISECONDS.toNanos(millis);
  }

  @Test
  void fractionsAddUp() {
    Pace pace = new Pace(0.5, 0);
    assertThat(pace.due(millis(1500))).isZero();
    assertThat(pace.due(millis(2100))).isEqualTo(1);
    assertThat(pace.due(millis(3900))).isZero();
    assertThat(pace.due(millis(4100))).isEqualTo(1);
  }

  @Test
  void whatWasMissedForLongIsDropped() {
    Pace pace = new Pace(10, 0);
    assertThat(pace.due(millis(60_000))).isEqualTo(10);
  }

  @Test
  void zeroIsNever() {
    assertThat(new Pace(0, 0).due(Long.MAX_VALUE)).isZero();
  }
}
