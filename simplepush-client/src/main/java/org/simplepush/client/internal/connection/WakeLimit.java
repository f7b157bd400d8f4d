package org.simplepush.client.internal.connection;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * When a sleeping device may be woken by a datagram (protocol §9). Anybody can send one, so after
 * each that brought no news the next has to wait longer. Confined to the loop.
 */
final class WakeLimit {
  /** The break after the first datagram that brought no news; it doubles with each. */
  static final Duration FIRST_BREAK = Duration.ofSeconds(10);

  static final Duration MAX_BREAK = Duration.ofMinutes(5);

  /** Datagrams in a row that woke the device for nothing, the last one perhaps not. */
  private int fruitless;

  private long lastWoken;

  /** When the last datagram came, if it did not wake the device. */
  private @Nullable Long rung;

  /** A datagram has come. */
  void rung(long now) {
    rung = now;
  }

  /** Whether a datagram came at most so long ago that has not been followed by a hello. */
  boolean isRung(long now, Duration within) {
    return rung != null && now - rung <= within.toNanos();
  }

  /** The server has accepted a hello: what datagrams so far were about it says now. */
  void greeted() {
    rung = null;
  }

  /** Returns how long a datagram that came now would have to wait. */
  Duration untilPermitted(long now) {
    if (fruitless == 0) {
      return Duration.ZERO;
    }
    Duration pause = FIRST_BREAK.multipliedBy(1L << Math.min(fruitless - 1, 10));
    Duration left =
        (pause.compareTo(MAX_BREAK) < 0 ? pause : MAX_BREAK).minusNanos(now - lastWoken);
    return left.isNegative() ? Duration.ZERO : left;
  }

  /** A datagram wakes the device. */
  void woken(long now) {
    fruitless++;
    lastWoken = now;
  }

  /** The server had something to say. */
  void news() {
    fruitless = 0;
  }
}
