package org.simplepush.core.internal;

import java.time.Duration;
import java.util.Locale;

/**
 * Checks of settings that users hand in. Each returns the value, or throws an {@link
 * IllegalArgumentException} whose sentence names the setting and says what would be right.
 */
public final class Checks {
  public static final Duration MILLISECOND = Duration.ofMillis(1);
  public static final Duration SECOND = Duration.ofSeconds(1);
  public static final Duration DAY = Duration.ofDays(1);

  /** Longer than anybody waits, and short enough to be counted in nanoseconds. */
  public static final Duration HUNDRED_YEARS = Duration.ofDays(36_500);

  private static final int MAX_PORT = 65_535;

  private Checks() {}

  /** Checks a number of {@code least} to {@code most}. */
  public static int range(String name, int value, int least, int most) {
    if (value < least || value > most) {
      throw wrong(name, least + " to " + most, value);
    }
    return value;
  }

  /** Checks a port to bind; 0 stands for any that is free. */
  public static int port(String name, int value) {
    return range(name, value, 0, MAX_PORT);
  }

  /** Checks the port of a peer. */
  public static int peerPort(String name, int value) {
    return range(name, value, 1, MAX_PORT);
  }

  /** Checks a number of 1 or more. */
  public static int positive(String name, int value) {
    positive(name, (long) value);
    return value;
  }

  /** Checks a number of 1 or more. */
  public static long positive(String name, long value) {
    if (value < 1) {
      throw wrong(name, "positive", value);
    }
    return value;
  }

  /** Checks a duration of {@code least} to {@code most}. */
  public static Duration range(String name, Duration value, Duration least, Duration most) {
    if (isOutside(value, least, most)) {
      throw wrong(name, words(least) + " to " + words(most), value);
    }
    return value;
  }

  /** Checks a duration of {@code least} to {@code most}, or zero, which means something else. */
  public static Duration zeroOrRange(String name, Duration value, Duration least, Duration most) {
    if (!value.isZero() && isOutside(value, least, most)) {
      throw wrong(name, "0, or " + words(least) + " to " + words(most), value);
    }
    return value;
  }

  /** Checks a duration of zero or more. */
  public static Duration notNegative(String name, Duration value) {
    if (value.isNegative()) {
      throw wrong(name, "zero or more", value);
    }
    return value;
  }

  private static boolean isOutside(Duration value, Duration least, Duration most) {
    return value.compareTo(least) < 0 || value.compareTo(most) > 0;
  }

  private static IllegalArgumentException wrong(String name, String right, Object value) {
    return new IllegalArgumentException(name + " must be " + right + ", but was " + value);
  }

  /** Bounds are round figures: in the largest unit that shows one whole. */
  private static String words(Duration bound) {
    if (bound.equals(Duration.ofDays(bound.toDays()))) {
      long days = bound.toDays();
      return days == 1 ? "1 day" : String.format(Locale.ROOT, "%,d days", days);
    }
    boolean isWhole = bound.equals(Duration.ofSeconds(bound.toSeconds()));
    return isWhole ? bound.toSeconds() + " s" : bound.toMillis() + " ms";
  }
}
