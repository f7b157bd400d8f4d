package org.simplepush.server.internal;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * Lets the first caller through, and then one per interval: for log lines that every request could
 * cause. Safe for use by many threads.
 */
public final class Throttle {
  private final long intervalNanos;
  private final LongSupplier nanoTime;
  private final AtomicLong closedUntil;

  /** Lets one caller per that many seconds through, by a clock like {@link System#nanoTime}. */
  public Throttle(int seconds, LongSupplier nanoTime) {
    this.intervalNanos = TimeUnit.SECONDS.toNanos(seconds);
    this.nanoTime = nanoTime;
    this.closedUntil = new AtomicLong(nanoTime.getAsLong());
  }

  /** Returns whether this caller may pass. */
  public boolean tryPass() {
    long now = nanoTime.getAsLong();
    long until = closedUntil.get();
    return now - until >= 0 && closedUntil.compareAndSet(until, now + intervalNanos);
  }
}
