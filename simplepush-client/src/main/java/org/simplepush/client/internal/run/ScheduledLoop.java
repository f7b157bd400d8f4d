package org.simplepush.client.internal.run;

import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A loop on a scheduler, which may have several threads and serve several loops. If that is shut
 * down, nothing runs any more until the loop is to end: then a thread of its own does the rest.
 */
public final class ScheduledLoop implements Loop {
  private static final Logger log = LoggerFactory.getLogger(ScheduledLoop.class);

  private final ScheduledExecutorService given;
  private final Supplier<ScheduledExecutorService> substitutes;
  private final SerialExecutor serial;

  // Guarded by this.
  private @Nullable ScheduledExecutorService substitute;
  private boolean ending;
  private boolean ended;

  /**
   * A loop on {@code scheduler}.
   *
   * @param substitutes makes what runs the rest if {@code scheduler} was shut down
   * @param failed called in the loop after a task threw, with what it threw
   */
  public ScheduledLoop(
      ScheduledExecutorService scheduler,
      Supplier<ScheduledExecutorService> substitutes,
      Consumer<Throwable> failed) {
    this.given = scheduler;
    this.substitutes = substitutes;
    this.serial = new SerialExecutor(task -> scheduler().execute(task), failed);
  }

  private synchronized ScheduledExecutorService scheduler() {
    if (substitute == null && ending && !ended && given.isShutdown()) {
      log.warn("The scheduler was shut down before the device was closed");
      substitute = substitutes.get();
    }
    return substitute == null ? given : substitute;
  }

  /** Whether the scheduler was shut down, so that nothing runs any more. */
  public boolean isShutDown() {
    return given.isShutdown();
  }

  @Override
  public boolean isCurrent() {
    return serial.isCurrent();
  }

  /** From now on tasks run even if the scheduler is shut down, so that the device can close. */
  public synchronized void ending() {
    ending = true;
  }

  /** Nothing is left to be done. */
  public synchronized void ended() {
    ended = true;
    if (substitute != null) {
      substitute.shutdown();
    }
  }

  @Override
  public void execute(Runnable task) {
    if (!tryExecute(task)) {
      log.debug("The device is closed, or its scheduler shut down; a late event is dropped");
    }
  }

  /** Returns false if the task will not run. */
  public boolean tryExecute(Runnable task) {
    try {
      serial.execute(task);
      if (given.isShutdown()) {
        serial.wake(); // it may have thrown away what it had taken
      }
      return true;
    } catch (RejectedExecutionException e) {
      return false;
    }
  }

  @Override
  public Timer schedule(Duration delay, Runnable task) {
    assertCurrent();
    ScheduledTask scheduled = new ScheduledTask(task);
    try {
      scheduled.future =
          scheduler().schedule(() -> execute(scheduled), delay.toNanos(), TimeUnit.NANOSECONDS);
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
  private final class ScheduledTask implements Timer, Runnable {
    private final Runnable task;
    private boolean cancelled;
    private @Nullable Future<?> future;

    ScheduledTask(Runnable task) {
      this.task = task;
    }

    @Override
    public void cancel() {
      assertCurrent();
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
