package org.simplepush.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(10)
class KeepAliveTest {
  private static final Duration MIN = Duration.ofMinutes(1);
  private static final Duration MAX = Duration.ofMinutes(30);

  private final Map<String, KeepAlive.Learned> networks = new LinkedHashMap<>();
  private int changes;
  private final KeepAlive keepAlive = new KeepAlive(MIN, MAX, networks, () -> changes++);

  /** Pings for a while in a network that forgets connections after this silence. */
  private void liveWith(Duration forgetsAfter, int pings) {
    for (int i = 0; i < pings; i++) {
      Duration silence = keepAlive.interval();
      assertThat(silence).isBetween(MIN, MAX);
      if (silence.compareTo(forgetsAfter) < 0) {
        keepAlive.held(silence);
      } else {
        keepAlive.broke(silence);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5, 7, 11, 13, 17, 23, 29})
  void findsWhatANetworkAllows(int minutes) {
    Duration allowed = Duration.ofMinutes(minutes);
    liveWith(allowed, 15);
    assertThat(keepAlive.interval()).isBetween(allowed.multipliedBy(8).dividedBy(10), allowed);
  }

  @Test
  void growsToTheMaximumWhereNothingBreaks() {
    liveWith(Duration.ofDays(1), 6);
    assertThat(keepAlive.interval()).isEqualTo(MAX);
  }

  @Test
  void staysAtTheMinimumWhereEverythingBreaks() {
    liveWith(Duration.ZERO, 10);
    assertThat(keepAlive.interval()).isEqualTo(MIN);
  }

  @Test
  void settledIntervalIsWrittenNoMoreButTriedAgainAfterManyPings() {
    Duration allowed = Duration.ofMinutes(5);
    liveWith(allowed, 15);
    Duration settled = keepAlive.interval();
    int before = changes;
    liveWith(allowed, KeepAlive.HOLDS_TO_FORGET - 10);
    assertThat(changes).isEqualTo(before);
    liveWith(Duration.ofDays(1), KeepAlive.HOLDS_TO_FORGET + 5);
    assertThat(keepAlive.interval()).isGreaterThan(settled).isEqualTo(MAX);
  }

  @Test
  void shrinksWhenANetworkBecomesWorse() {
    liveWith(Duration.ofDays(1), 8);
    liveWith(Duration.ofMinutes(2), 15);
    assertThat(keepAlive.interval()).isLessThan(Duration.ofMinutes(2));
  }

  @Test
  void remembersABoundedNumberOfNetworks() {
    for (int i = 0; i < 2 * KeepAlive.MAX_NETWORKS; i++) {
      keepAlive.network("network " + i);
      keepAlive.held(MIN);
    }
    assertThat(networks).hasSize(KeepAlive.MAX_NETWORKS).doesNotContainKey("network 0");
  }

  @Test
  void fixedIntervalLearnsNothing() {
    KeepAlive fixed = new KeepAlive(MIN, MIN, networks, () -> changes++);
    fixed.held(MIN);
    fixed.broke(MIN);
    assertThat(fixed.interval()).isEqualTo(MIN);
    assertThat(changes).isZero();
    assertThat(networks).isEmpty();
  }
}
