package org.simplepush.client;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A loop on a scheduler, which may have several threads and serve several loops. */
final class ScheduledLoop implements Loop {
  private static final Logger log = LoggerFactory.getLogger(ScheduledLoop.class);

  private final ScheduledExecutorService scheduler;
  private final SerialExecutor serial;

  ScheduledLoop(ScheduledExecutorService scheduler) {
    this.scheduler = scheduler;
    this.serial = new SerialExecutor(scheduler);
  }

  /** After the scheduler was shut down the device is closed, and nothing is left to be done. */
  @Override
  public void execute(Runnable task) {
    try {
      serial.execute(task);
    } catch (RejectedExecutionException e) {
      log.debug("The device is closed; a late event is dropped");
    }
  }

  @Override
  public Timer schedule(Duration delay, Runnable task) {
    ScheduledTask scheduled = new ScheduledTask(task);
    try {
      scheduled.future =
          scheduler.schedule(() -> execute(scheduled), delay.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      log.debug("The device is closed; a timer is dropped");
    }
    return scheduled;
  }

  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public long wallTime() {
    return System.currentTimeMillis();
  }

  /** Confined to the loop; it may be due and queued already when it is cancelled. */
  private static final class ScheduledTask implements Timer, Runnable {
    private final Runnable task;
    private boolean cancelled;
    private @Nullable Future<?> future;

    ScheduledTask(Runnable task) {
      this.task = task;
    }

    @Override
    public void cancel() {
      cancelled = true;
      if (future != null) {
        future.cancel(false);
      }
    }

    @Override
    public void run() {
      if (!cancelled) {
        task.run();
      }
    }
  }
}
