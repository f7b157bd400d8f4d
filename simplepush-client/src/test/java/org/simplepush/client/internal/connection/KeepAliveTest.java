package org.simplepush.client.internal.connection;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.client.internal.connection.KeepAlive.Learned;
import org.simplepush.client.testing.FakeLoop;

@Timeout(10)
class KeepAliveTest {
  private static final Duration MIN = Duration.ofMinutes(1);
  private static final Duration MAX = Duration.ofMinutes(30);

  private final FakeLoop loop = new FakeLoop();
  private final Map<String, Learned> networks = new LinkedHashMap<>();
  private int changes;
  private KeepAlive keepAlive = between(MIN, MAX);

  private KeepAlive between(Duration min, Duration max) {
    return new KeepAlive(loop, min, max, networks, () -> changes++);
  }

  private Duration interval() {
    Duration[] interval = new Duration[1];
    loop.run(() -> interval[0] = keepAlive.interval());
    return interval[0];
  }

  private void held(Duration silence) {
    loop.run(() -> keepAlive.held(silence));
  }

  private void heldTimes(int times, Duration silence) {
    for (int i = 0; i < times; i++) {
      held(silence);
    }
  }

  private void broke(Duration silence) {
    loop.run(() -> keepAlive.broke(silence));
  }

  private void network(String name) {
    loop.run(() -> keepAlive.network(name));
  }

  /** Pings for a while in a network that forgets connections after this silence. */
  private void liveWith(Duration forgetsAfter, int pings) {
    for (int i = 0; i < pings; i++) {
      Duration silence = interval();
      assertThat(silence).isBetween(MIN, MAX);
      if (silence.compareTo(forgetsAfter) < 0) {
        held(silence);
      } else {
        broke(silence);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 5, 7, 11, 13, 17, 23, 29})
  void findsWhatANetworkAllows(int minutes) {
    Duration allowed = Duration.ofMinutes(minutes);
    liveWith(allowed, 15);
    assertThat(interval()).isBetween(allowed.multipliedBy(8).dividedBy(10), allowed);
  }

  @Test
  void growsToTheMaximumWhereNothingBreaks() {
    for (int minutes : new int[] {1, 2, 4, 8, 16, 30, 30}) {
      assertThat(interval()).isEqualTo(Duration.ofMinutes(minutes));
      held(interval());
    }
  }

  @Test
  void staysAtTheMinimumWhereEverythingBreaks() {
    liveWith(Duration.ZERO, 10);
    assertThat(interval()).isEqualTo(MIN);
  }

  /** In seconds: what is stored, and the interval between 60 s and 1,800 s that follows. */
  @ParameterizedTest
  @CsvSource({
    "240, 480, 360",
    "480, 542, 511", // the gap is more than an eighth
    "480, 540, 480", // it is an eighth: settled
    "480, 500, 480",
    "60, 60, 60",
    "1200, 3000, 1800", // the middle is above the maximum
    "20, 40, 60", // and here below the minimum
    "20, 600, 330", // learned under a lower minimum: the minimum is taken for what holds
    "3600, 7200, 1800", // learned under a higher maximum
  })
  void halvesTheGapUntilItIsSmall(int holds, int breaks, int interval) {
    networks.put("", new Learned(Duration.ofSeconds(holds), Duration.ofSeconds(breaks)));
    assertThat(interval()).isEqualTo(Duration.ofSeconds(interval));
  }

  @Test
  void silenceStoredUnderALowerMinimumCountsAsTheMinimum() {
    networks.put("", new Learned(Duration.ofSeconds(20), KeepAlive.NEVER));
    assertThat(interval()).isEqualTo(MIN.multipliedBy(2));
  }

  @Test
  void settledNetworkIsNotProbedWithLongerSilences() {
    networks.put("", new Learned(Duration.ofSeconds(480), Duration.ofSeconds(500)));
    heldTimes(KeepAlive.HOLDS_TO_FORGET - 1, Duration.ofSeconds(480));
    held(Duration.ofSeconds(479)); // a ping for another reason says nothing
    assertThat(interval()).isEqualTo(Duration.ofSeconds(480));
    assertThat(changes).as("writes").isZero();
  }

  @Test
  void settledNetworkIsTriedAgainAfterManyPings() {
    networks.put("", new Learned(Duration.ofSeconds(480), Duration.ofSeconds(500)));
    heldTimes(KeepAlive.HOLDS_TO_FORGET - 1, Duration.ofSeconds(480));
    network(""); // the same
    held(Duration.ofSeconds(480));
    assertThat(networks).containsEntry("", new Learned(Duration.ofSeconds(480), KeepAlive.NEVER));
    assertThat(changes).isEqualTo(1);
    assertThat(interval()).isEqualTo(Duration.ofSeconds(960));
    broke(Duration.ofSeconds(500));
    heldTimes(KeepAlive.HOLDS_TO_FORGET - 1, Duration.ofSeconds(480));
    assertThat(interval()).as("counted from the start").isEqualTo(Duration.ofSeconds(480));
  }

  @Test
  void anotherNetworkStartsTheCountOfAnsweredPings() {
    networks.put("", new Learned(Duration.ofSeconds(480), Duration.ofSeconds(500)));
    heldTimes(KeepAlive.HOLDS_TO_FORGET - 1, Duration.ofSeconds(480));
    network("elsewhere");
    network("");
    heldTimes(KeepAlive.HOLDS_TO_FORGET - 1, Duration.ofSeconds(480));
    assertThat(interval()).isEqualTo(Duration.ofSeconds(480));
    held(Duration.ofSeconds(480));
    assertThat(interval()).isEqualTo(Duration.ofSeconds(960));
  }

  @Test
  void brokenSilenceStartsTheCountOfAnsweredPings() {
    networks.put("", new Learned(Duration.ofSeconds(480), Duration.ofSeconds(500)));
    heldTimes(KeepAlive.HOLDS_TO_FORGET - 1, Duration.ofSeconds(480));
    broke(Duration.ofSeconds(490));
    held(Duration.ofSeconds(480));
    assertThat(interval()).isEqualTo(Duration.ofSeconds(480));
  }

  @Test
  void answeredPingAfterALongerSilenceIsLearned() {
    networks.put("", new Learned(Duration.ofSeconds(240), Duration.ofSeconds(480)));
    held(Duration.ofSeconds(240));
    assertThat(changes).as("nothing new").isZero();
    held(Duration.ofSeconds(360));
    assertThat(networks)
        .containsEntry("", new Learned(Duration.ofSeconds(360), Duration.ofSeconds(480)));
    held(Duration.ofHours(1)); // the timer came late: the device slept
    assertThat(networks).containsEntry("", new Learned(MAX, Duration.ofSeconds(480)));
    assertThat(changes).isEqualTo(2);
  }

  @Test
  void shorterSilenceInAnUnknownNetworkTeachesNothing() {
    held(MIN.minusNanos(1));
    assertThat(networks).isEmpty();
    held(MIN);
    assertThat(networks).containsEntry("", new Learned(MIN, KeepAlive.NEVER));
  }

  /** In seconds: what held, what broke, and what is taken to hold then. */
  @ParameterizedTest
  @CsvSource({"240, 241, 240", "240, 240, 60", "240, 120, 60"})
  void whatHeldCountsOnlyBelowWhatBroke(int held, int broke, int holds) {
    networks.put("", new Learned(Duration.ofSeconds(held), KeepAlive.NEVER));
    broke(Duration.ofSeconds(broke));
    assertThat(networks)
        .containsEntry("", new Learned(Duration.ofSeconds(holds), Duration.ofSeconds(broke)));
    assertThat(changes).isEqualTo(1);
  }

  @Test
  void shrinksWhenANetworkBecomesWorse() {
    liveWith(Duration.ofDays(1), 8);
    liveWith(Duration.ofMinutes(2), 15);
    assertThat(interval()).isLessThan(Duration.ofMinutes(2));
  }

  @Test
  void remembersABoundedNumberOfNetworksAndForgetsTheOldest() {
    for (int i = 0; i < KeepAlive.MAX_NETWORKS; i++) {
      network("network " + i);
      held(MIN);
    }
    assertThat(networks).hasSize(KeepAlive.MAX_NETWORKS);
    network("network 0");
    held(MIN.multipliedBy(2)); // seen again: the youngest now
    network("one more");
    held(MIN);
    assertThat(networks)
        .hasSize(KeepAlive.MAX_NETWORKS)
        .containsKeys("network 0", "network 2", "one more")
        .doesNotContainKey("network 1");
  }

  @Test
  void fixedIntervalLearnsNothing() {
    keepAlive = between(MIN, MIN);
    held(MIN);
    broke(MIN);
    assertThat(interval()).isEqualTo(MIN);
    assertThat(changes).isZero();
    assertThat(networks).isEmpty();
  }
}
