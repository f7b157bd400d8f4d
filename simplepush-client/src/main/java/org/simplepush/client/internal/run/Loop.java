package org.simplepush.client.internal.run;

import java.time.Duration;
import java.util.concurrent.Executor;

/**
 * Runs what touches the state of a device, one task at a time and in order; and its clock. Any
 * thread may hand in a task, everything else is for the tasks themselves.
 */
public interface Loop extends Executor {
  /** Whether the current thread is running a task of this loop. */
  boolean isCurrent();

  /**
   * Fails, where assertions are enabled, unless the caller is a task of this loop. What is confined
   * to the loop begins with it.
   */
  default void assertCurrent() {
    assert isCurrent() : "only a task of the loop may do this";
  }

  /** Runs a task after a delay, unless it is cancelled before. */
  Timer schedule(Duration delay, Runnable task);

  /** Returns a time in nanoseconds that only grows and means nothing by itself. */
  long nanoTime();

  /**
   * Returns the milliseconds since 1970 by a clock that may be set forward and back. For what must
   * outlive the process only.
   */
  long wallTime();

  /** A task to come. */
  interface Timer {
    /** Called on the loop, this makes sure that the task does not run any more. */
    void cancel();
  }
}
