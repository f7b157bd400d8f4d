package org.simplepush.examples.benchmarks;

import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Kills one victim again and again, at random times, sometimes while it starts. Closing it leaves
 * the victim up.
 */
final class Killer implements AutoCloseable {
  private static final Duration START_LIMIT = Duration.ofSeconds(60);

  private final Victim victim;
  private final Duration meanLife;
  private final boolean patient;
  private final Random random;
  private final Failures failures;
  private final CountDownLatch stop = new CountDownLatch(1);
  private final Thread thread;

  // Written by the thread, read when it has ended.
  private int kills;
  private int failedStarts;

  /**
   * Of a victim that is up.
   *
   * @param meanLife how long it lives, on average, between the kills
   * @param patient whether a start may fail and is tried again, as the victim needs another one
   */
  Killer(Victim victim, Duration meanLife, boolean patient, long seed, Failures failures) {
    this.victim = victim;
    this.meanLife = meanLife;
    this.patient = patient;
    this.random = new Random(seed);
    this.failures = failures;
    this.thread = new Thread(this::run, "killer");
  }

  void start() {
    thread.start();
  }

  int kills() {
    return kills;
  }

  int failedStarts() {
    return failedStarts;
  }

  private void run() {
    try {
      // Some die young, before all have come back.
      while (!pass(oneIn(5) ? 200 : 2 * meanLife.toMillis())) {
        kill();
        pass(oneIn(3) ? 2000 : 100);
        revive();
      }
    } catch (LoadException e) {
      failures.fatal(String.valueOf(e.getMessage()));
    } catch (InterruptedException e) {
      failures.fatal("A killer was interrupted, which nobody should do");
    }
  }

  private void kill() {
    victim.kill();
    kills++;
  }

  private void revive() throws LoadException, InterruptedException {
    victim.launch();
    while (oneIn(5)) { // while it recovers from the last time
      pass(1500);
      kill();
      victim.launch();
    }
    long end = System.nanoTime() + START_LIMIT.toNanos();
    while (true) {
      try {
        victim.awaitReady();
        return;
      } catch (LoadException e) {
        if (!patient || System.nanoTime() - end > 0) {
          throw e;
        }
        failedStarts++;
        victim.kill();
        victim.launch();
      }
    }
  }

  private boolean oneIn(int times) {
    return random.nextInt(times) == 0;
  }

  /** Lets up to so many milliseconds pass; returns whether there shall be no more kills. */
  private boolean pass(long boundMillis) throws InterruptedException {
    return stop.await(random.nextInt((int) boundMillis), TimeUnit.MILLISECONDS);
  }

  /** Kills no more, and waits until the victim is up. */
  @Override
  public void close() {
    stop.countDown();
    Threads.join(thread);
  }
}
