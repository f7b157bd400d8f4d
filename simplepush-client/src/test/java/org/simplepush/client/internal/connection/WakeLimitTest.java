package org.simplepush.client.internal.connection;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class WakeLimitTest {
  private static final long NOW = Duration.ofHours(5).toNanos();
  private static final Duration WITHIN = Duration.ofSeconds(2);

  private final WakeLimit wakeLimit = new WakeLimit();

  @Test
  void datagramCountsForAWhileAndUntilAHello() {
    assertThat(wakeLimit.isRung(NOW, WITHIN)).isFalse();
    wakeLimit.rung(NOW);
    assertThat(wakeLimit.isRung(NOW, WITHIN)).isTrue();
    assertThat(wakeLimit.isRung(NOW + WITHIN.toNanos(), WITHIN)).isTrue();
    assertThat(wakeLimit.isRung(NOW + WITHIN.toNanos() + 1, WITHIN)).isFalse();
    wakeLimit.greeted();
    assertThat(wakeLimit.isRung(NOW, WITHIN)).isFalse();
  }

  @Test
  void datagramsThatBringNothingHaveToWaitLongerAndLonger() {
    assertThat(wakeLimit.untilPermitted(NOW)).isZero();
    for (int seconds : new int[] {10, 20, 40, 80, 160, 300, 300}) {
      wakeLimit.woken(NOW);
      assertThat(wakeLimit.untilPermitted(NOW)).isEqualTo(Duration.ofSeconds(seconds));
      assertThat(wakeLimit.untilPermitted(NOW + 7)).isEqualTo(Duration.ofSeconds(seconds, -7));
    }
    assertThat(wakeLimit.untilPermitted(NOW + WakeLimit.MAX_BREAK.toNanos() + 1)).isZero();
    wakeLimit.news();
    assertThat(wakeLimit.untilPermitted(NOW)).isZero();
  }
}
