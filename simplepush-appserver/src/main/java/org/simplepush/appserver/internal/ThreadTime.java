package org.simplepush.appserver.internal;

import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The time of this machine, with one thread for all timers. */
public final class ThreadTime implements Time {
  private static final Logger log = LoggerFactory.getLogger(ThreadTime.class);

  private final ScheduledThreadPoolExecutor thread;

  /** Starts the thread. */
  public ThreadTime(ThreadFactory factory) {
    thread = new ScheduledThreadPoolExecutor(1, factory);
    thread.setRemoveOnCancelPolicy(true);
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    thread.prestartCoreThread(); // later there might be no memory for it
  }

  @Override
  public long nanos() {
    return System.nanoTime();
  }

  @Override
  public Timer after(Duration delay, Runnable task) {
    Future<?> future;
    try {
      future =
          thread.schedule(
              () -> Faults.contain(log, "A timer failed; this is a bug of this library", task),
              delay.toNanos(),
              TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      log.debug("Stopped; nothing is waited for any more", e);
      return () -> {};
    }
    return () -> future.cancel(false);
  }

  /** Forgets all timers and ends the thread. */
  public void stop() {
    thread.shutdownNow();
  }

  /** Returns what ends when the thread has. */
  public ExecutorService thread() {
    return thread;
  }
}
