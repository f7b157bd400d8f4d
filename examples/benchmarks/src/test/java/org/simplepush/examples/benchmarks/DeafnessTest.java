package org.simplepush.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** From when to when a device counts as deaf. */
class DeafnessTest {
  private static final long SECOND = 1_000_000_000;

  private final Deafness deafness = new Deafness();

  @Test
  void aDeviceIsDeafFromTheConfirmationOnWhileTheStoreWorks() {
    deafness.storeWorks(0);
    deafness.lacks("first", 10 * SECOND, 13 * SECOND);
    deafness.lacks("second", 12 * SECOND, 13 * SECOND);
    assertThat(deafness.longestSeconds()).isEqualTo(3);
    assertThat(deafness.deafest()).isEqualTo("first");
  }

  @Test
  void theTimeBeforeTheStoreWorksAgainDoesNotCount() {
    deafness.storeWorks(0);
    deafness.storeFails();
    deafness.lacks("device", 10 * SECOND, 60 * SECOND);
    assertThat(deafness.longestSeconds()).isZero();
    deafness.storeWorks(61 * SECOND);
    deafness.storeWorks(62 * SECOND); // it still does
    deafness.lacks("device", 10 * SECOND, 65 * SECOND);
    assertThat(deafness.longestSeconds()).isEqualTo(4);
  }

  @Test
  void aDeviceThatLacksNothingIsNotDeaf() {
    deafness.storeWorks(0);
    assertThat(deafness.longestSeconds()).isZero();
    assertThat(deafness.deafest()).isNull();
  }

  @Test
  void whetherItWorkedSinceBeforeATimeIsKnown() {
    assertThat(deafness.worksSinceBefore(SECOND)).isFalse();
    deafness.storeWorks(5 * SECOND);
    assertThat(deafness.worksSinceBefore(5 * SECOND)).isFalse();
    assertThat(deafness.worksSinceBefore(6 * SECOND)).isTrue();
    deafness.storeFails();
    assertThat(deafness.worksSinceBefore(6 * SECOND)).isFalse();
  }
}
