package org.simplepush.server.sqlite;

import java.time.InstantSource;
import java.util.function.LongSupplier;

/**
 * Milliseconds that mean something after a restart too. While the store is open they pass as the
 * monotonic clock says, so that setting the wall clock expires nobody; from one opening to the next
 * as the wall clock says, but never backwards.
 */
final class StoreClock {
  private final LongSupplier nanoTime;
  private final long openedAtNanos;
  private final long openedAtMillis;

  /**
   * @param latest the latest time that was ever written down
   */
  StoreClock(InstantSource wallClock, LongSupplier nanoTime, long latest) {
    this.nanoTime = nanoTime;
    this.openedAtNanos = nanoTime.getAsLong();
    this.openedAtMillis = Math.max(latest, wallClock.millis());
  }

  long millis() {
    return openedAtMillis + (nanoTime.getAsLong() - openedAtNanos) / 1_000_000;
  }
}
