package org.simplepush.appserver.internal.send;

import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.CallbackExecutor;
import org.simplepush.appserver.internal.Faults;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does the {@link Work} of a {@link Sender}, without its lock. Each part may throw, and the others
 * are done nevertheless. Thread-safe.
 */
final class Performer {
  private static final Logger log = LoggerFactory.getLogger(Performer.class);

  /** What the sender makes of answers and of the end. */
  interface Results {
    /** A request has its answer; adds to {@code work} what that leads to. */
    void settle(Attempt attempt, Answer answer, Work work);

    /** All is done, and nothing more will come. */
    void finished();
  }

  private final Transport transport;
  private final CallbackExecutor executor;
  private final Results results;

  Performer(Transport transport, CallbackExecutor executor, Results results) {
    this.transport = transport;
    this.executor = executor;
    this.results = results;
  }

  /** Does {@code work} on this thread. */
  void perform(Work work) {
    for (int n = 0; n < work.attempts.size(); n++) { // each may add others
      Attempt attempt = work.attempts.get(n);
      Answer early = put(attempt);
      if (early != null) { // settled in this loop: one call within another would overflow the stack
        results.settle(attempt, early, work);
      }
    }
    for (Attempt attempt : work.givenUp) {
      Transport.Exchange exchange = attempt.exchange;
      if (exchange != null) { // otherwise put cancels it when it has begun
        Faults.contain(log, "A request could not be cancelled", exchange::cancel);
      }
    }
    if (!work.calls.isEmpty()) {
      executor.runInline(work);
    }
    if (work.finish) {
      results.finished();
    }
  }

  /** Begins a request; returns the answer if it came before this returns. */
  private @Nullable Answer put(Attempt attempt) {
    attempt.beginner = Thread.currentThread();
    try {
      Transport.Exchange exchange =
          transport.put(
              attempt.mailbox.endpoint, attempt.version, answer -> answered(attempt, answer));
      attempt.exchange = exchange;
      if (attempt.givenUp) {
        exchange.cancel();
      }
    } catch (RuntimeException | Error e) {
      Faults.report(log, "A request could not be sent", e);
      attempt.early = Sender.NOT_SENT;
    } finally {
      attempt.beginner = null;
    }
    return attempt.early;
  }

  private void answered(Attempt attempt, Answer answer) {
    if (attempt.beginner == Thread.currentThread()) {
      attempt.early = answer;
      return;
    }
    Work work = new Work();
    results.settle(attempt, answer, work);
    perform(work);
  }

  /** Does {@code work} on the executor, for a timer. */
  void performElsewhere(Work work) {
    if (work.isEmpty()) {
      return;
    }
    try {
      executor.execute(() -> perform(work));
    } catch (RuntimeException | Error e) { // shut down, or no memory for a thread
      log.debug("The executor takes no more tasks; handing verdicts over on the timer.", e);
      perform(work);
    }
  }

  /** Makes every request under way answer soon. */
  void cancelAll() {
    Faults.contain(log, "Requests could not be cancelled", transport::cancelAll);
  }
}
