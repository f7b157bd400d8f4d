package org.simplepush.examples.benchmarks;

import java.util.List;
import java.util.concurrent.locks.LockSupport;

/**
 * Wakes the loops whenever a request is due. A selector's own timeout is in milliseconds, too
 * coarse for thousands of requests a second.
 */
final class Pacer implements AutoCloseable {
  private final List<LoadLoop> loops;
  private final long period;
  private final Thread thread = new Thread(this::run, "load-pacer");
  private volatile boolean closed;

  Pacer(List<LoadLoop> loops, long periodNanos) {
    this.loops = loops;
    this.period = periodNanos;
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  private void run() {
    long next = System.nanoTime();
    while (!closed) {
      next += period;
      for (long left = next - System.nanoTime(); left > 0; left = next - System.nanoTime()) {
        LockSupport.parkNanos(left);
      }
      for (LoadLoop loop : loops) {
        loop.selector.wakeup();
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
