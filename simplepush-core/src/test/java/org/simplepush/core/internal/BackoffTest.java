package org.simplepush.core.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.time.Duration;
import java.util.Random;
import java.util.random.RandomGenerator;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(20)
class BackoffTest {
  private static final Duration CENTURY = Duration.ofDays(36_500);

  private final Backoff backoff = new Backoff(Duration.ofSeconds(1), Duration.ofSeconds(60));

  /** Draws the highest number it may, and so shows the bound. */
  private static final class Highest implements RandomGenerator {
    @Override
    public long nextLong() {
      throw new AssertionError("an unbounded draw");
    }

    @Override
    public long nextLong(long bound) {
      assertThat(bound).isPositive();
      return bound - 1;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1",
    "2, 2",
    "3, 4",
    "4, 8",
    "5, 16",
    "6, 32",
    "7, 60",
    "8, 60",
    "30, 60",
    "31, 60",
    "32, 60",
    "33, 60",
    "63, 60",
    "64, 60",
    "65, 60",
    "1000, 60",
    "2147483647, 60"
  })
  void boundDoublesUpToTheHighest(int failures, int seconds) {
    assertThat(backoff.delay(failures, new Highest())).isEqualTo(Duration.ofSeconds(seconds));
  }

  @Test
  void boundDoublesAsFarAsACentury() {
    Backoff patient = new Backoff(Duration.ofNanos(1), CENTURY);
    for (int failures = 1; failures <= 62; failures++) {
      Duration doubled = Duration.ofNanos(1L << (failures - 1));
      assertThat(patient.delay(failures, new Highest()))
          .isEqualTo(doubled.compareTo(CENTURY) < 0 ? doubled : CENTURY);
    }
    assertThat(patient.delay(63, new Highest())).isEqualTo(CENTURY);
    assertThat(patient.delay(64, new Highest())).isEqualTo(CENTURY);
    assertThat(new Backoff(CENTURY, CENTURY).delay(1, new Highest())).isEqualTo(CENTURY);
    assertThat(new Backoff(CENTURY, CENTURY).delay(5, new Highest())).isEqualTo(CENTURY);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 10, 1_000})
  void waitsAreDrawnEvenlyFromZeroToTheBound(int failures) {
    Random random = new Random(failures);
    long bound = backoff.delay(failures, new Highest()).toNanos();
    int[] tenths = new int[10];
    int draws = 100_000;
    for (int i = 0; i < draws; i++) {
      long wait = backoff.delay(failures, random).toNanos();
      assertThat(wait >= 0 && wait <= bound).isTrue();
      tenths[(int) Math.min(9, wait / (bound / 10))]++;
    }
    for (int count : tenths) {
      assertThat(count).isCloseTo(draws / 10, within(draws / 100));
    }
  }

  @Test
  void theSmallestWaitIsNone() {
    RandomGenerator lowest = () -> 0;

    assertThat(backoff.delay(1, lowest)).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, Integer.MIN_VALUE})
  void withoutFailureThereIsNothingToWaitFor(int failures) {
    assertThatThrownBy(() -> backoff.delay(failures, new Highest()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("failures must be positive, but was " + failures);
  }

  @Test
  void boundsThatMakeNoSenseAreRefused() {
    Duration second = Duration.ofSeconds(1);
    LongStream.of(0, -1)
        .mapToObj(Duration::ofNanos)
        .forEach(
            first ->
                assertThatThrownBy(() -> new Backoff(first, second))
                    .isInstanceOf(IllegalArgumentException.class));
    assertThatThrownBy(() -> new Backoff(second, second.minusNanos(1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Backoff(second, CENTURY.plusNanos(1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Backoff(second, Duration.ofSeconds(Long.MAX_VALUE)))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
