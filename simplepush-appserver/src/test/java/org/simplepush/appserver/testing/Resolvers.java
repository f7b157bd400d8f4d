package org.simplepush.appserver.testing;

import java.util.concurrent.CountDownLatch;

/** What resolvers of names do. */
public final class Resolvers {
  private Resolvers() {}

  /** Hangs, as the resolver of the system does: interrupts do not end it. */
  public static void awaitUninterrupted(CountDownLatch latch) {
    boolean interrupted = false;
    while (true) {
      try {
        latch.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true; // the system's resolver does not end either
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
