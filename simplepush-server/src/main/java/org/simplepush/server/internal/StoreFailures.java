package org.simplepush.server.internal;

import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts the steps that the store failed, and tells the operator: of the first, and then at most
 * once a second, because every device runs into an outage. Safe for use by many threads.
 */
public final class StoreFailures {
  private static final Logger log = LoggerFactory.getLogger(StoreFailures.class);

  private static final int QUIET_SECONDS = 1;

  private final LongAdder count = new LongAdder();
  private final Throttle throttle;

  StoreFailures(LongSupplier nanoTime) {
    throttle = new Throttle(QUIET_SECONDS, nanoTime);
  }

  /** Notes a failure; true if it was told. */
  public boolean report(String step, @Nullable Throwable failure) {
    count.increment();
    if (!throttle.tryPass()) {
      return false;
    }
    log.warn("The store failed a step of {}, its failure number {}", step, count.sum(), failure);
    return true;
  }

  public long sum() {
    return count.sum();
  }
}
