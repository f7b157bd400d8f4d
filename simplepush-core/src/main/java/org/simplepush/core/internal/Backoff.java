package org.simplepush.core.internal;

import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Exponential back-off with full jitter: each wait is drawn evenly from zero to a bound that
 * doubles, so that peers which failed together do not come back together.
 *
 * @param first the bound of the first wait; positive
 * @param max what the bound never exceeds; at least {@code first}, at most 100 years
 */
public record Backoff(Duration first, Duration max) {
  /**
   * Checks the bounds.
   *
   * @param first the bound of the first wait
   * @param max the highest bound
   * @throws IllegalArgumentException if {@code first} is not positive or above {@code max}, or
   *     {@code max} above 100 years
   */
  public Backoff {
    if (first.isNegative() || first.isZero() || max.compareTo(first) < 0) {
      throw new IllegalArgumentException(
          "The first bound must be positive and not above the last, but they were "
              + first
              + " and "
              + max);
    }
    if (max.compareTo(Checks.HUNDRED_YEARS) > 0) {
      throw new IllegalArgumentException("Nobody waits longer than 100 years, but max was " + max);
    }
  }

  /**
   * Returns how long to wait before a retry.
   *
   * @param failures how many attempts failed in a row, 1 or more
   * @param random where the jitter comes from
   * @return zero up to the bound
   * @throws IllegalArgumentException if {@code failures} is not positive
   */
  public Duration delay(int failures, RandomGenerator random) {
    Checks.positive("failures", failures);
    long bound = max.toNanos();
    int doublings = failures - 1;
    // As long as no bit is shifted into the sign; beyond that it is far above max anyway.
    if (doublings < Long.numberOfLeadingZeros(first.toNanos())) {
      bound = Math.min(bound, first.toNanos() << doublings);
    }
    return Duration.ofNanos(random.nextLong(bound + 1));
  }
}
