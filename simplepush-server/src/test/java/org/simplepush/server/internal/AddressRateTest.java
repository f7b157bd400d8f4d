package org.simplepush.server.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** So many a minute, in a table that does not grow. */
@Timeout(30)
class AddressRateTest {
  private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 5); // which overflows soon
  private final AddressRate rate = new AddressRate(3, nanos::get);

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  private long passedOf(int attempts, long address) {
    return IntStream.range(0, attempts).filter(i -> rate.tryAcquire(address)).count();
  }

  @Test
  void eachMinuteHasSoMany() {
    assertThat(passedOf(9, 1)).isEqualTo(3);
    pass(Duration.ofSeconds(59));
    assertThat(passedOf(9, 1)).isZero();
    pass(Duration.ofSeconds(1));
    assertThat(passedOf(9, 1)).isEqualTo(3);
    pass(Duration.ofDays(1));
    assertThat(passedOf(9, 1)).isEqualTo(3);
  }

  /** Some share a place, but not many. */
  @Test
  void addressesHardlyHinderEachOther() {
    long passed = LongStream.rangeClosed(1, 1_000).map(address -> passedOf(3, address)).sum();
    assertThat(passed).isBetween(2_500L, 3_000L);
  }

  @Test
  void manyThreadsTogetherGetNoMore() {
    long passed = IntStream.range(0, 10_000).parallel().filter(i -> rate.tryAcquire(4711)).count();
    assertThat(passed).isEqualTo(3);
  }

  @Test
  void whoeverIsExemptAlwaysPasses() {
    assertThat(passedOf(9, ClientAddresses.EXEMPT)).isEqualTo(9);
  }
}
