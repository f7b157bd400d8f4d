package org.simplepush.server;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts the steps that the store failed, and tells the operator: of the first, and then at most
 * once a second, because every device runs into an outage. Safe for use by many threads.
 */
final class StoreFailures {
  private static final Logger log = LoggerFactory.getLogger(StoreFailures.class);

  private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final LongAdder count = new LongAdder();
  private final LongSupplier nanoTime;
  private final AtomicLong quietUntil;

  StoreFailures(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.quietUntil = new AtomicLong(nanoTime.getAsLong());
  }

  /** Notes a failure; true if it was told. */
  boolean report(String step, @Nullable Throwable failure) {
    count.increment();
    long now = nanoTime.getAsLong();
    long until = quietUntil.get();
    if (now - until < 0 || !quietUntil.compareAndSet(until, now + QUIET_NANOS)) {
      return false;
    }
    log.warn("The store failed a step of {}, its failure number {}", step, count.sum(), failure);
    return true;
  }

  long sum() {
    return count.sum();
  }
}
