package org.simplepush.client.testing;

import java.time.Duration;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.simplepush.client.internal.run.Loop;

/**
 * A loop whose tasks run when the test says so, and whose clock the test moves. Like the real one
 * it takes tasks from anywhere, and nothing else from outside of a task, even on the same thread.
 */
public final class FakeLoop implements Loop {
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final PriorityQueue<FakeTimer> timers =
      new PriorityQueue<>(
          Comparator.comparingLong((FakeTimer timer) -> timer.due)
              .thenComparingLong(timer -> timer.order));
  private final long start = Long.MAX_VALUE - 1_000; // so that the clock overflows in every test
  private long elapsed;
  private long wallTime = 1_700_000_000_000L;
  private long order;

  /** The thread that runs a task, if one does. */
  private volatile Thread runner;

  private final class FakeTimer implements Timer {
    final long due;
    final long order;
    final Runnable task;

    FakeTimer(long due, long order, Runnable task) {
      this.due = due;
      this.order = order;
      this.task = task;
    }

    @Override
    public void cancel() {
      assertCurrent();
      timers.remove(this);
    }
  }

  @Override
  public boolean isCurrent() {
    return runner == Thread.currentThread();
  }

  @Override
  public void execute(Runnable task) {
    tasks.add(task);
  }

  @Override
  public Timer schedule(Duration delay, Runnable task) {
    assertCurrent();
    FakeTimer timer = new FakeTimer(elapsed + delay.toNanos(), order++, task);
    timers.add(timer);
    return timer;
  }

  @Override
  public long nanoTime() {
    assertCurrent();
    return start + elapsed;
  }

  @Override
  public long wallTime() {
    assertCurrent();
    return clock();
  }

  /** Returns what {@link #wallTime()} says to tasks. */
  public long clock() {
    return wallTime + elapsed / 1_000_000;
  }

  /** Somebody sets the clock, or the device sleeps and no timer runs. */
  public void setClock(Duration forward) {
    wallTime += forward.toMillis();
  }

  /** Runs one task if there is one. */
  public boolean runOne() {
    Runnable task = tasks.poll();
    if (task == null) {
      return false;
    }
    run(task);
    return true;
  }

  /** Moves the clock to the next timer, but not beyond {@code end}, and runs it. */
  public boolean runTimer(long end) {
    FakeTimer next = timers.peek();
    if (next == null || next.due > end) {
      elapsed = Math.max(elapsed, end);
      return false;
    }
    timers.remove(next);
    elapsed = Math.max(elapsed, next.due);
    run(next.task);
    return true;
  }

  /** Runs this as a task, before those that wait. */
  public void run(Runnable task) {
    runner = Thread.currentThread();
    try {
      task.run();
    } finally {
      runner = null;
    }
  }

  public long elapsed() {
    return elapsed;
  }

  /** How many tasks wait to be run. */
  public int tasks() {
    return tasks.size();
  }

  public int timers() {
    return timers.size();
  }
}
