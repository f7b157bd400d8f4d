package org.simplepush.core.internal;

import java.time.Duration;

/**
 * Checks of what the stores are handed. Every store refuses the same, with the same sentence of an
 * {@link IllegalArgumentException}.
 */
public final class StoreArguments {
  private static final Duration MOST_MILLIS = Duration.ofMillis(Long.MAX_VALUE);

  private StoreArguments() {}

  /** Checks a version; returns it. */
  public static long version(long version) {
    if (version < 0) {
      throw new IllegalArgumentException("A version must be 0 or more, but was " + version);
    }
    return version;
  }

  /** Checks after which time user agents are to expire; returns it. */
  public static Duration notSeenFor(Duration notSeenFor) {
    return Checks.notNegative("notSeenFor", notSeenFor);
  }

  /**
   * Checks after which time user agents are to expire.
   *
   * @return the time in milliseconds, rounded up so that nobody expires too early
   */
  public static long millisNotSeen(Duration notSeenFor) {
    if (notSeenFor(notSeenFor).compareTo(MOST_MILLIS) >= 0) {
      return Long.MAX_VALUE;
    }
    long millis = notSeenFor.toMillis();
    return notSeenFor.equals(Duration.ofMillis(millis)) ? millis : millis + 1;
  }

  /** Checks the text that is to become the key record; returns it. */
  public static String keyRecord(String replacement) {
    if (replacement.isEmpty()) {
      throw new IllegalArgumentException("A key record must not be empty");
    }
    return replacement;
  }
}
