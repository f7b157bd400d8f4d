package org.simplepush.appserver.testing;

import java.time.Duration;
import java.util.Comparator;
import java.util.PriorityQueue;
import org.simplepush.appserver.internal.Time;

/** Time that passes when the test says so, on the test's thread. */
public final class FakeTime implements Time {
  private record Due(long at, long order, Runnable task) {}

  private final PriorityQueue<Due> due =
      new PriorityQueue<>(Comparator.comparingLong(Due::at).thenComparingLong(Due::order));
  private long now = Long.MAX_VALUE - 1_000_000_000L; // overflows soon, as nanoTime may
  private long elapsed;
  private long order;

  @Override
  public synchronized long nanos() {
    return now;
  }

  @Override
  public synchronized Timer after(Duration delay, Runnable task) {
    Due entry = new Due(elapsed + delay.toNanos(), order++, task);
    due.add(entry);
    return () -> {
      synchronized (this) {
        due.remove(entry);
      }
    };
  }

  /** Lets {@code duration} pass, running what falls due on the way. */
  public void advance(Duration duration) {
    long end = elapsed + duration.toNanos();
    while (true) {
      Due next;
      synchronized (this) {
        next = due.peek();
        if (next == null || next.at() > end) {
          now += end - elapsed;
          elapsed = end;
          return;
        }
        due.poll();
        now += next.at() - elapsed;
        elapsed = next.at();
      }
      next.task().run();
    }
  }

  public synchronized int timers() {
    return due.size();
  }

  public synchronized boolean isAfterStart(Duration duration) {
    return elapsed >= duration.toNanos();
  }
}
