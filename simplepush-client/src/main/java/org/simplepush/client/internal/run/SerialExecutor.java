package org.simplepush.client.internal.run;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.Failures;

/**
 * Runs tasks one at a time and in order on an executor that may have many threads. Whatever a task
 * throws, the next one is run.
 */
public final class SerialExecutor implements Executor {
  private final Executor executor;
  private final Consumer<Throwable> failed;

  /** Guarded by this. Linked, because one that cannot grow for want of memory loses nothing. */
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();

  private boolean draining; // guarded by this; asked for, or under way
  private @Nullable Thread drainer; // guarded by this

  public SerialExecutor(Executor executor) {
    this(executor, failure -> {});
  }

  /**
   * @param failed called after a task threw, as a part of it, with what it threw
   */
  public SerialExecutor(Executor executor, Consumer<Throwable> failed) {
    this.executor = executor;
    this.failed = failed;
  }

  /**
   * If the executor fails otherwise than by rejection, such as for want of memory, the task is run
   * before the next one.
   *
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
    } catch (RuntimeException | Error e) {
      synchronized (this) {
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
      run(task);
    }
  }

  private void run(Runnable task) {
    try {
      task.run();
    } catch (Throwable e) { // whatever it was: nobody else runs the next one
      Failures.log("A task failed; the next one is run", e);
      try {
        failed.accept(e);
      } catch (Throwable again) {
        Failures.log("What follows from a failed task failed, too", again);
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
