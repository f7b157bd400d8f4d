package org.simplepush.server.internal.session;

/** How often a device may ping (protocol §6): once an interval, one burst of two forgiven. */
final class PingLimit {
  private static final int BURST = 2;

  private final long intervalNanos;

  /** When a device that pings at exactly the allowed rate would ping next. */
  private long expectedAt;

  private boolean pinged;

  PingLimit(long intervalNanos) {
    this.intervalNanos = intervalNanos;
  }

  /** Counts a ping; false if it came too early. */
  boolean allows(long now) {
    if (!pinged || now - expectedAt > 0) {
      pinged = true;
      expectedAt = now;
    }
    if (expectedAt - now > (BURST - 1) * intervalNanos) {
      return false;
    }
    expectedAt += intervalNanos;
    return true;
  }
}
