package org.simplepush.appserver;

import java.time.Duration;

/** Time that passes; a seam, so that tests need not wait for it. Unmoved by clock changes. */
interface Time {
  /** Returns a count of nanoseconds that only differences of mean anything. */
  long nanos();

  /** Runs {@code task} once, not before {@code delay} is over. The task must not block. */
  Timer after(Duration delay, Runnable task);

  /** A task that waits for its time. */
  interface Timer {
    /** Forgets the task, unless it has begun. */
    void cancel();
  }
}
