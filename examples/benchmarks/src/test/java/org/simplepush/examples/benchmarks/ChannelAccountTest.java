package org.simplepush.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The accounting of {@link Survival}: what it must see, and what it must not complain about. */
@Timeout(10)
class ChannelAccountTest {
  private static final long MILLI = 1_000_000;

  private final RunStatistics statistics = new RunStatistics(new Failures());
  private final ChannelAccount pledge = new ChannelAccount(Channel.id(1, 2, 3), statistics);

  @Test
  void nothingIsOwedForAVersionWithoutAnAnswer() {
    pledge.publish(1);
    assertThat(pledge.isBehind()).isFalse();
  }

  @Test
  void aVersionAnsweredWith200IsOwedUntilItOrANewerOneIsHeld() {
    long first = pledge.publish(1);
    long second = pledge.publish(1);
    pledge.accept(second, 0, 0);
    pledge.accept(first, 0, 0);
    pledge.hold(first, 1, 1);
    assertThat(pledge.isBehind()).isTrue();
    long third = pledge.publish(7);
    pledge.hold(third, 2, 2);
    assertThat(pledge.isBehind()).isFalse();
    assertThat(statistics.accepted).isEqualTo(2);
  }

  @Test
  void anUpdateThatCameBeforeTheAnswerIsNotOwedAnyMore() {
    long version = pledge.publish(1);
    pledge.hold(version, 0, 0);
    pledge.accept(version, 1, 1);
    assertThat(pledge.isBehind()).isFalse();
    assertThat(statistics.delay.getTotalCount()).isZero();
  }

  @Test
  void anOlderUpdateIsRepeatedAndChangesNothing() {
    long first = pledge.publish(1);
    long second = pledge.publish(1);
    pledge.hold(second, 0, 0);
    pledge.hold(first, 0, 0);
    pledge.accept(second, 0, 0);
    assertThat(statistics.repeated).isEqualTo(1);
    assertThat(pledge.isBehind()).isFalse();
  }

  @Test
  void delaysRunFromTheAnswerAndWhileReachableOnlyForThatTime() {
    long first = pledge.publish(1);
    pledge.accept(first, 10 * MILLI, 2 * MILLI);
    long second = pledge.publish(1);
    pledge.accept(second, 40 * MILLI, 2 * MILLI);
    pledge.hold(second, 50 * MILLI, 5 * MILLI);
    assertThat(statistics.delay.getMaxValue()).isCloseTo(40 * MILLI, within());
    assertThat(statistics.delay.getMinValue()).isCloseTo(10 * MILLI, within());
    assertThat(statistics.reachableDelay.getMaxValue()).isCloseTo(3 * MILLI, within());
  }

  private static org.assertj.core.data.Percentage within() {
    return org.assertj.core.data.Percentage.withPercentage(0.2);
  }

  @Test
  void aVersionThatNobodyPublishedIsAFailure() {
    pledge.hold(pledge.publish(1) + 1, 0, 0);
    assertThat(statistics.failures.count()).isEqualTo(1);
  }

  @Test
  void whoSynchronisesHoldsWhateverWasPublished() {
    pledge.accept(pledge.publish(1), 0, 0);
    long newest = pledge.publish(1);
    pledge.synchronise(0, 0);
    pledge.accept(newest, 0, 0);
    assertThat(pledge.isBehind()).isFalse();
  }

  @Test
  void nothingIsOwedForAChannelThatWasGivenUp() {
    pledge.accept(pledge.publish(1), 7, 0);
    assertThat(pledge.owedSince()).isEqualTo(7);
    int before = pledge.registration();
    pledge.forget();
    assertThat(pledge.isBehind()).isFalse();
    assertThat(pledge.owedSince()).isNull();
    assertThat(pledge.registration()).isNotEqualTo(before);
    pledge.accept(pledge.publish(1), 9, 0);
    assertThat(pledge.owedSince()).isEqualTo(9);
  }

  @Test
  void itIsOwedSinceTheOldestVersionThatIsLacking() {
    long first = pledge.publish(1);
    long second = pledge.publish(1);
    pledge.accept(first, 3, 0);
    pledge.accept(second, 5, 0);
    assertThat(pledge.owedSince()).isEqualTo(3);
    pledge.hold(first, 6, 0);
    assertThat(pledge.owedSince()).isEqualTo(5);
    pledge.hold(second, 7, 0);
    assertThat(pledge.owedSince()).isNull();
  }
}
