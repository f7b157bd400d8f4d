package org.simplepush.appserver.internal;

import java.time.Duration;

/**
 * Time that passes steadily, even if the wall clock is changed. Tests have one of their own, and
 * need not wait.
 */
public interface Time {
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
