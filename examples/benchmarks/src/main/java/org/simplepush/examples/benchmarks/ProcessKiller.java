package org.simplepush.examples.benchmarks;

import java.time.Duration;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Kills one process again and again, at random times, sometimes while it starts. After closing, the
 * process runs.
 */
final class ProcessKiller implements AutoCloseable {
  private static final Duration START_LIMIT = Duration.ofSeconds(60);

  private final KillableProcess process;
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
   * Creates a killer of a process that runs.
   *
   * @param meanLife how long it lives, on average, between the kills
   * @param patient whether a failed start is repeated, because the process needs another one that
   *     may be down
   */
  ProcessKiller(
      KillableProcess process, Duration meanLife, boolean patient, long seed, Failures failures) {
    this.process = process;
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
      // Some lives are short, so that not all devices are back when they end.
      while (!pass(oneIn(5) ? 200 : 2 * meanLife.toMillis())) {
        kill();
        pass(oneIn(3) ? 2000 : 100);
        revive();
      }
    } catch (LoadException e) {
      failures.fatal(String.valueOf(e.getMessage()));
    } catch (InterruptedException e) {
      failures.fatal("A killer was interrupted");
    }
  }

  private void kill() {
    process.kill();
    kills++;
  }

  private void revive() throws LoadException, InterruptedException {
    process.launch();
    while (oneIn(5)) { // kills it while it recovers
      pass(1500);
      kill();
      process.launch();
    }
    long end = System.nanoTime() + START_LIMIT.toNanos();
    while (true) {
      try {
        process.awaitReady();
        return;
      } catch (LoadException e) {
        if (!patient || System.nanoTime() - end > 0) {
          throw e;
        }
        failedStarts++;
        process.kill();
        process.launch();
      }
    }
  }

  private boolean oneIn(int times) {
    return random.nextInt(times) == 0;
  }

  /** Waits for a random time below the bound; returns whether the killing is to end. */
  private boolean pass(long boundMillis) throws InterruptedException {
    return stop.await(random.nextInt((int) boundMillis), TimeUnit.MILLISECONDS);
  }

  /** Ends the killing, and waits until the process runs. */
  @Override
  public void close() {
    stop.countDown();
    Threads.join(thread);
  }
}
