package org.simplepush.core;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

class InMemoryVersionStoreTest extends VersionStoreContract {
  /** Starts just before the overflow of {@link System#nanoTime()}, which a store must survive. */
  private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 1_000);

  @Override
  protected VersionStore newStore() {
    return new InMemoryVersionStore(nanos::get);
  }

  @Override
  protected void advanceTime(Duration duration) {
    nanos.addAndGet(duration.toNanos());
  }
}
