package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.Uaid;
import org.simplepush.server.WakeUp;
import org.simplepush.server.fixtures.SessionFixture;

/** When datagrams are sent, and to whom; without sockets and passing time. */
@Timeout(30)
class SleepersTest extends SessionFixture {
  private static final Standing FIRST =
      new Standing(new SharedVersionStore.Basis.Claim(1, 1), null, false, true);

  private static final InetSocketAddress ADDRESS = new InetSocketAddress("10.1.2.3", 5000);
  private static final InetSocketAddress OTHER = new InetSocketAddress("10.1.2.3", 5001);

  private final Uaid uaid = Uaid.random();

  @BeforeEach
  void on() {
    wakeUp(WakeUp.inNetworks("10.0.0.0/8").interval(Duration.ofSeconds(5)).attempts(4));
  }

  private void wokenTimes(int times) {
    assertThat(woken).isEqualTo(Collections.nCopies(times, ADDRESS));
  }

  @Test
  void datagramIsRepeatedWithGrowingBreaksUntilAttemptsAreOver() {
    sleepers.add(uaid, ADDRESS, FIRST);
    sleepers.published(uaid);
    wokenTimes(1);
    passes(Duration.ofSeconds(5).minusNanos(1));
    wokenTimes(1);
    passes(Duration.ofNanos(1));
    wokenTimes(2);
    passes(Duration.ofSeconds(10));
    wokenTimes(3);
    passes(Duration.ofSeconds(20));
    wokenTimes(4);
    passes(Duration.ofDays(1));
    wokenTimes(4);
    assertThat(counters.snapshot().wakeUpsSent()).isEqualTo(4);
  }

  @Test
  void nextUpdateBeginsAnew() {
    sleepers.add(uaid, ADDRESS, FIRST);
    sleepers.published(uaid);
    passes(Duration.ofDays(1));
    sleepers.published(uaid);
    wokenTimes(5);
    passes(Duration.ofDays(1));
    wokenTimes(8);
  }

  /** Whoever is next must not suffer from what happened to one. */
  @Test
  void visitAndExpiryGoOnAfterOneThatFails() {
    List<Uaid> all = List.of(uaid, Uaid.random(), Uaid.random());
    all.forEach(one -> sleepers.add(one, ADDRESS, FIRST));
    Set<Uaid> seen = new HashSet<>();
    Sleepers.Visitor failing =
        (one, connection) -> {
          seen.add(one);
          throw new StackOverflowError("for each of them");
        };
    sleepers.visit(1, failing);
    passes(Duration.ofSeconds(1));
    assertThat(seen).containsExactlyInAnyOrderElementsOf(all);
    seen.clear();
    sleepers.expire(Duration.ZERO, failing);
    assertThat(seen).containsExactlyInAnyOrderElementsOf(all);
    assertThat(sleepers.size()).isZero();
  }

  @Test
  void connectingEndsIt() {
    sleepers.add(uaid, ADDRESS, FIRST);
    sleepers.published(uaid);
    sleepers.remove(uaid);
    assertThat(counters.snapshot().sleeping()).isZero();
    sleepers.published(uaid);
    passes(Duration.ofDays(1));
    wokenTimes(1);
  }

  @Test
  void manyUpdatesAreOneDatagramAnInterval() {
    sleepers.add(uaid, ADDRESS, FIRST);
    for (int i = 0; i < 60; i++) {
      sleepers.published(uaid);
      sleepers.published(uaid);
      passes(Duration.ofSeconds(1));
    }
    wokenTimes(12);
  }

  @Test
  void updateDuringALongBreakIsNotKeptWaiting() {
    sleepers.add(uaid, ADDRESS, FIRST);
    sleepers.published(uaid);
    passes(Duration.ofSeconds(21)); // after the third, in the break of 20 s
    wokenTimes(3);
    sleepers.published(uaid);
    wokenTimes(4);
  }

  @Test
  void userAgentsThatClaimOneAddressShareItsPermits() {
    for (int i = 0; i < 100; i++) {
      Uaid one = Uaid.random();
      sleepers.add(one, ADDRESS, FIRST);
      sleepers.published(one);
    }
    wokenTimes(1);
    passes(Duration.ofSeconds(60));
    assertThat(woken).hasSizeLessThanOrEqualTo(13).containsOnly(ADDRESS);
  }

  @Test
  void whoSharesAnAddressWaitsForTheRestOfItsIntervalOnly() {
    Uaid other = Uaid.random();
    sleepers.add(uaid, ADDRESS, FIRST);
    sleepers.add(other, ADDRESS, FIRST);
    sleepers.published(uaid);
    sleepers.remove(uaid); // is awake
    passes(Duration.ofSeconds(2));
    sleepers.published(other);
    passes(Duration.ofSeconds(3).minusNanos(1));
    wokenTimes(1);
    passes(Duration.ofNanos(1));
    wokenTimes(2);
  }

  @Test
  void limitOutlastsSleepingAgain() {
    sleepers.add(uaid, ADDRESS, FIRST);
    sleepers.published(uaid);
    sleepers.remove(uaid);
    sleepers.add(uaid, ADDRESS, FIRST);
    sleepers.published(uaid);
    wokenTimes(1);
    passes(Duration.ofSeconds(5));
    wokenTimes(2);
  }

  @Test
  void anotherPortIsAnotherDevice() {
    Uaid other = Uaid.random();
    sleepers.add(uaid, ADDRESS, FIRST);
    sleepers.add(other, OTHER, FIRST);
    sleepers.published(uaid);
    sleepers.published(other);
    assertThat(woken).containsExactly(ADDRESS, OTHER);
  }

  @Test
  void whoFallsAsleepAnewIsWokenAtTheNewAddressOnly() {
    sleepers.add(uaid, ADDRESS, FIRST);
    sleepers.published(uaid);
    sleepers.add(uaid, OTHER, FIRST);
    sleepers.published(uaid);
    passes(Duration.ofDays(1));
    assertThat(woken).containsExactly(ADDRESS, OTHER, OTHER, OTHER, OTHER);
    assertThat(counters.snapshot().sleeping()).isOne();
  }

  @Test
  void lateRemovalLeavesTheNewSleeperAlone() {
    Sleepers.Sleeper first = sleepers.add(uaid, ADDRESS, FIRST);
    sleepers.add(uaid, OTHER, FIRST);
    sleepers.remove(uaid, first);
    sleepers.published(uaid);
    assertThat(woken).containsExactly(OTHER);
  }

  @Test
  void noMoreSleepThanMay() {
    wakeUp(WakeUp.inNetworks("10.0.0.0/8").maxSleeping(1));
    ClientMessage.Hello hello = asking("10.1.2.3", null);
    assertThat(sleepers.permitted(hello)).isEqualTo(ADDRESS);
    assertThat(sleepers.add(uaid, ADDRESS, FIRST)).isNotNull();
    assertThat(sleepers.permitted(hello)).isNull();
    assertThat(sleepers.add(Uaid.random(), OTHER, FIRST)).isNull();
    sleepers.remove(uaid);
    assertThat(sleepers.permitted(hello)).isEqualTo(ADDRESS);
  }

  @Test
  void whoSleepsForTooLongIsForgotten() {
    sleepers.add(uaid, ADDRESS, FIRST);
    passes(Duration.ofDays(7).minusNanos(1));
    sleepers.expire(Duration.ofDays(7), (gone, connection) -> {});
    assertThat(counters.snapshot().sleeping()).isOne();
    passes(Duration.ofNanos(1));
    sleepers.expire(Duration.ofDays(7), (gone, connection) -> {});
    assertThat(counters.snapshot().sleeping()).isZero();
    sleepers.published(uaid);
    wokenTimes(0);
  }

  @Test
  void longestBreaksDoNotOverflow() {
    wakeUp(WakeUp.inNetworks("10.0.0.0/8").interval(Duration.ofDays(1)).attempts(20));
    sleepers.add(uaid, ADDRESS, FIRST);
    sleepers.published(uaid);
    passes(Duration.ofDays(1023));
    wokenTimes(11);
  }

  private static ClientMessage.Hello asking(String ip, ClientMessage.MobileNetwork network) {
    return new ClientMessage.Hello(
        null, List.of(), new ClientMessage.WakeUpAddress(ip, 5000), network);
  }

  @ParameterizedTest
  @CsvSource({
    "10.1.2.3, 214, 07, true",
    "10.1.2.3, 310, 410, true",
    "10.1.2.3, 214, 7, false",
    "10.1.2.3, 214, 08, false",
    "10.1.2.3, , , false",
    "11.1.2.3, 214, 07, false",
    "example.org, 214, 07, false",
  })
  void mobileNetworkNarrowsAndNeverWidens(String ip, String mcc, String mnc, boolean expected) {
    wakeUp(WakeUp.inNetworks("10.0.0.0/8").mobileNetworks("214-07", "310-410"));
    ClientMessage.MobileNetwork network =
        mcc == null ? null : new ClientMessage.MobileNetwork(mcc, mnc);
    assertThat(sleepers.permitted(asking(ip, network)) != null).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8, 10.1.0.0/16",
    "10.1.0.0/16, 10.0.0.0/8",
    "10.0.0.0/8, 10.0.0.0/8",
    "10.0.0.0/8, ::ffff:10.0.0.0/104",
  })
  void overlappingNetworksAreAMistake(String one, String two) {
    assertThatThrownBy(() -> WakeUp.inNetworks(one, two))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("overlap");
  }

  @Test
  void settingsOutOfRangeAreRefused() {
    WakeUp ok = WakeUp.inNetworks("10.0.0.0/8", "2001:db8::/32");
    assertThatThrownBy(WakeUp::inNetworks).hasMessageContaining("10.0.0.0/8");
    assertThatThrownBy(() -> ok.attempts(0)).hasMessageContaining("1 to 20");
    assertThatThrownBy(() -> ok.attempts(21)).hasMessageContaining("1 to 20");
    assertThatThrownBy(() -> ok.quietTime(Duration.ZERO)).hasMessageContaining("quietTime");
    assertThatThrownBy(() -> ok.interval(Duration.ofDays(2))).hasMessageContaining("interval");
    assertThatThrownBy(() -> ok.maxSleeping(0)).hasMessageContaining("maxSleeping");
    assertThatThrownBy(() -> ok.mobileNetworks("21407")).hasMessageContaining("214-07");
    assertThatThrownBy(ok::mobileNetworks).hasMessageContaining("214-07");
  }
}
