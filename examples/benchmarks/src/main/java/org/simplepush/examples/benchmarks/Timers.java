package org.simplepush.examples.benchmarks;

import java.time.Duration;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Queue;

/** What a loop does later, to some milliseconds. Confined to the loop, but for closing. */
final class Timers implements AutoCloseable {
  private static final long TICK_NANOS = Duration.ofMillis(5).toNanos();

  private record Timer(long due, Runnable task) {}

  private final Queue<Timer> timers =
      new PriorityQueue<>((one, other) -> Long.signum(one.due - other.due));
  private final Pacer pacer;

  /** Of a loop that has nothing else to do each turn. */
  Timers(LoadLoop loop) {
    pacer = new Pacer(List.of(loop), TICK_NANOS);
    loop.execute(() -> loop.eachTurn(this::runDue));
    pacer.start();
  }

  void after(long millis, Runnable task) {
    timers.add(new Timer(System.nanoTime() + Duration.ofMillis(millis).toNanos(), task));
  }

  private void runDue() {
    long now = System.nanoTime();
    for (Timer next = timers.peek(); next != null && next.due - now <= 0; next = timers.peek()) {
      timers.remove();
      next.task.run();
    }
  }

  @Override
  public void close() {
    pacer.close();
  }
}
