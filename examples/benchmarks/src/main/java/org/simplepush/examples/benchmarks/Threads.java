package org.simplepush.examples.benchmarks;

/** Waiting for threads. */
final class Threads {
  private Threads() {}

  /** Waits until a thread has ended, even if the caller is interrupted while it waits. */
  static void join(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
