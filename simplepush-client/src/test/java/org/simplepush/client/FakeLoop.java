package org.simplepush.client;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.Queue;

/** A loop whose tasks run when the test says so, and whose clock the test moves. */
final class FakeLoop implements Loop {
  private final Queue<Runnable> tasks = new ArrayDeque<>();
  private final PriorityQueue<FakeTimer> timers =
      new PriorityQueue<>(
          Comparator.comparingLong((FakeTimer timer) -> timer.due)
              .thenComparingLong(timer -> timer.order));
  private long now = Long.MAX_VALUE - 1_000; // so that the clock overflows in every test
  private long order;

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
      timers.remove(this);
    }
  }

  private long elapsed;

  @Override
  public void execute(Runnable task) {
    tasks.add(task);
  }

  @Override
  public Timer schedule(Duration delay, Runnable task) {
    FakeTimer timer = new FakeTimer(elapsed + delay.toNanos(), order++, task);
    timers.add(timer);
    return timer;
  }

  @Override
  public long nanoTime() {
    return now + elapsed;
  }

  private long wallTime = 1_700_000_000_000L;

  @Override
  public long wallTime() {
    return wallTime + elapsed / 1_000_000;
  }

  /** Somebody sets the clock, or the device sleeps and no timer runs. */
  void setClock(Duration forward) {
    wallTime += forward.toMillis();
  }

  /** Runs one task if there is one. */
  boolean runOne() {
    Runnable task = tasks.poll();
    if (task == null) {
      return false;
    }
    task.run();
    return true;
  }

  /** Moves the clock to the next timer, but not beyond {@code end}, and runs it. */
  boolean runTimer(long end) {
    FakeTimer next = timers.peek();
    if (next == null || next.due > end) {
      elapsed = Math.max(elapsed, end);
      return false;
    }
    timers.remove(next);
    elapsed = Math.max(elapsed, next.due);
    next.task.run();
    return true;
  }

  long elapsed() {
    return elapsed;
  }

  int timers() {
    return timers.size();
  }
}
