package org.simplepush.examples.benchmarks;

import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** What went wrong in one measurement: how often, and the first in words. Safe for many threads. */
final class Failures {
  private final LongAdder count = new LongAdder();
  private final AtomicReference<@Nullable String> first = new AtomicReference<>();
  private final AtomicReference<@Nullable String> worst = new AtomicReference<>();
  private final CountDownLatch fatal = new CountDownLatch(1);

  void add(String sentence) {
    first.compareAndSet(null, sentence);
    count.increment();
  }

  /** Adds one that makes the rest of the measurement pointless: waits end. */
  void fatal(String sentence) {
    add(sentence);
    worst.compareAndSet(null, sentence);
    fatal.countDown();
  }

  long count() {
    return count.sum();
  }

  @Nullable String first() {
    return first.get();
  }

  /**
   * Lets the time pass in which something is measured.
   *
   * @throws LoadException at once if something fatal happens
   */
  void pass(Duration time) throws LoadException, InterruptedException {
    if (fatal.await(time.toNanos(), TimeUnit.NANOSECONDS)) {
      throw new LoadException(String.valueOf(worst.get()));
    }
  }
}
