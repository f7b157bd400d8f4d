package org.simplepush.server.internal.session;

/**
 * How often a device may ping (protocol §6): once an interval, one burst of two forgiven. It keeps
 * nothing of a device but when one that pings at exactly the allowed rate would ping next.
 */
final class PingLimit {
  private static final int BURST = 2;

  private final long intervalNanos;

  PingLimit(long intervalNanos) {
    this.intervalNanos = intervalNanos;
  }

  /** Whether a ping comes in time. */
  boolean allows(long expectedAt, long now) {
    return expectedAt - now <= (BURST - 1) * intervalNanos;
  }

  /** Counts a ping that was allowed: returns when the next would be expected. */
  long next(long expectedAt, long now) {
    return Math.max(expectedAt - now, 0) + now + intervalNanos;
  }
}
