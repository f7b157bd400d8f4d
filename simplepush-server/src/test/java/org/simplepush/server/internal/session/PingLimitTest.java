package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Protocol §6. */
class PingLimitTest {
  private static final long INTERVAL = 20;

  private final Pings limit = new Pings(INTERVAL);

  @ParameterizedTest
  @ValueSource(longs = {0, 1, Long.MAX_VALUE - 10, Long.MIN_VALUE, -30})
  void burstOfTwoIsForgivenWhateverTheClockSays(long start) {
    assertThat(limit.allows(start)).isTrue();
    assertThat(limit.allows(start)).isTrue();
    assertThat(limit.allows(start)).isFalse();
    assertThat(limit.allows(start + INTERVAL - 1)).isFalse();
    assertThat(limit.allows(start + INTERVAL)).isTrue();
    assertThat(limit.allows(start + INTERVAL)).isFalse();
  }

  @Test
  void refusedPingCostsNothing() {
    limit.allows(0);
    limit.allows(0);
    for (int i = 0; i < 100; i++) {
      assertThat(limit.allows(1)).isFalse();
    }
    assertThat(limit.allows(INTERVAL)).isTrue();
  }

  @Test
  void silenceIsNotSavedUpForALargerBurst() {
    limit.allows(0);
    long later = 100 * INTERVAL;
    assertThat(limit.allows(later)).isTrue();
    assertThat(limit.allows(later)).isTrue();
    assertThat(limit.allows(later)).isFalse();
  }

  @Test
  void exactlyTheIntervalIsAllowedForEver() {
    for (long now = 0; now < 1000 * INTERVAL; now += INTERVAL) {
      assertThat(limit.allows(now)).isTrue();
    }
  }

  @Test
  void zeroAllowsEverything() {
    Pings off = new Pings(0);
    for (int i = 0; i < 100; i++) {
      assertThat(off.allows(7)).isTrue();
    }
  }

  /** What a conversation keeps of its device. */
  private static final class Pings {
    private final PingLimit limit;
    private long expectedAt;
    private boolean pinged;

    Pings(long interval) {
      limit = new PingLimit(interval);
    }

    boolean allows(long now) {
      long expected = pinged ? expectedAt : now;
      if (!limit.allows(expected, now)) {
        return false;
      }
      pinged = true;
      expectedAt = limit.next(expected, now);
      return true;
    }
  }
}
