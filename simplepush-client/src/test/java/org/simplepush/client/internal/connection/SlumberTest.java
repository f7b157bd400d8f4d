package org.simplepush.client.internal.connection;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class SlumberTest {
  private static final long NOW = Duration.ofHours(5).toNanos();
  private static final Duration WITHIN = Duration.ofSeconds(2);

  private final Slumber slumber = new Slumber();

  @Test
  void datagramCountsForAWhileAndUntilAHello() {
    assertThat(slumber.isRung(NOW, WITHIN)).isFalse();
    slumber.rung(NOW);
    assertThat(slumber.isRung(NOW, WITHIN)).isTrue();
    assertThat(slumber.isRung(NOW + WITHIN.toNanos(), WITHIN)).isTrue();
    assertThat(slumber.isRung(NOW + WITHIN.toNanos() + 1, WITHIN)).isFalse();
    slumber.greeted();
    assertThat(slumber.isRung(NOW, WITHIN)).isFalse();
  }

  @Test
  void datagramsThatBringNothingHaveToWaitLongerAndLonger() {
    assertThat(slumber.untilPermitted(NOW)).isZero();
    for (int seconds : new int[] {10, 20, 40, 80, 160, 300, 300}) {
      slumber.woken(NOW);
      assertThat(slumber.untilPermitted(NOW)).isEqualTo(Duration.ofSeconds(seconds));
      assertThat(slumber.untilPermitted(NOW + 7)).isEqualTo(Duration.ofSeconds(seconds, -7));
    }
    assertThat(slumber.untilPermitted(NOW + Slumber.MAX_BREAK.toNanos() + 1)).isZero();
    slumber.news();
    assertThat(slumber.untilPermitted(NOW)).isZero();
  }
}
