package org.simplepush.client;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Runs tasks one at a time and in order on an executor that may have many threads. */
final class SerialExecutor implements Executor {
  private static final Logger log = LoggerFactory.getLogger(SerialExecutor.class);

  private final Executor executor;
  private final Queue<Runnable> tasks = new ArrayDeque<>(); // guarded by this
  private boolean draining; // guarded by this; asked for, or under way
  private @Nullable Thread drainer; // guarded by this

  SerialExecutor(Executor executor) {
    this.executor = executor;
  }

  /**
   * @throws RejectedExecutionException if the executor takes no more; the task will not run
   */
  @Override
  public void execute(Runnable task) {
    synchronized (this) {
      tasks.add(task);
      if (draining) {
        return;
      }
      draining = true;
    }
    try {
      executor.execute(this::drain);
    } catch (RejectedExecutionException e) {
      synchronized (this) {
        tasks.remove(task);
        draining = false;
      }
      throw e;
    }
  }

  /**
   * Asks the executor once more, which may be another one by now or have thrown away what it took.
   *
   * @throws RejectedExecutionException if the executor takes no more
   */
  void wake() {
    synchronized (this) {
      if (tasks.isEmpty() || drainer != null) {
        return;
      }
      draining = true;
    }
    executor.execute(this::drain);
  }

  /** Whether the current thread is running a task of this. */
  synchronized boolean isCurrent() {
    return drainer == Thread.currentThread();
  }

  private void drain() {
    synchronized (this) {
      if (drainer != null) {
        return; // asked twice
      }
      drainer = Thread.currentThread();
    }
    for (Runnable task = next(); task != null; task = next()) {
      try {
        task.run();
      } catch (RuntimeException | Error e) {
        log.error("A task failed; the next one is run", e);
      }
    }
  }

  private synchronized @Nullable Runnable next() {
    Runnable task = tasks.poll();
    if (task == null) {
      draining = false;
      drainer = null;
    }
    return task;
  }
}
