package org.simplepush.server.internal.node;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.simplepush.core.internal.DaemonThreads;
import org.simplepush.server.internal.FailureLog;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Does again and again what a server must do besides answering, on one thread. */
final class Housekeeper {
  private static final Logger log = LoggerFactory.getLogger(Housekeeper.class);

  private final FailureLog failures;
  private final ScheduledExecutorService executor;
  private final List<Future<?>> duties = new ArrayList<>();

  Housekeeper(String name, FailureLog failures) {
    this.failures = failures;
    String sentence = "The housekeeper's thread has ended"; // made now: that takes memory
    // Without memory the executor may fail between two duties, and forget the next one.
    Thread.UncaughtExceptionHandler end =
        (thread, failure) -> failures.report(log, sentence, failure);
    this.executor =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = DaemonThreads.make(name + "-housekeeper", task);
              thread.setUncaughtExceptionHandler(end);
              return thread;
            });
  }

  /** Starts a duty, which goes on until {@link #stop}, even if it fails. */
  void repeat(Duration interval, Runnable duty) {
    Runnable guarded =
        () -> {
          try {
            duty.run();
          } catch (Throwable e) { // else it would end in silence
            failures.report(log, "The housekeeper failed, and tries again later", e);
          }
        };
    long nanos = interval.toNanos();
    duties.add(executor.scheduleWithFixedDelay(guarded, nanos, nanos, TimeUnit.NANOSECONDS));
  }

  /** Returns all duties; one that is done is never done again. */
  List<Future<?>> duties() {
    return List.copyOf(duties);
  }

  void stop() {
    executor.shutdownNow();
  }
}
