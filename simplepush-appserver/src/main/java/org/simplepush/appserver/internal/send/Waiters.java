package org.simplepush.appserver.internal.send;

import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.Time;

/**
 * The calls without an outcome, and how each gets it: once, by its deadline.
 *
 * <p>Not thread-safe: guarded by the lock of its {@link Sender}.
 */
final class Waiters {
  private final long deadline;
  private final Time time;
  private final SenderListener listener;
  private final Runnable timerFired;

  /** The earliest deadline first: all calls have the same time, so it is the order of the calls. */
  private final LinkedHashSet<Mailbox.Waiter> all = new LinkedHashSet<>();

  private boolean timerRuns;
  private long calls;
  private final OutcomeTally tally = new OutcomeTally();

  /**
   * Creates a list without calls.
   *
   * @param timerFired takes the lock, calls {@link #timerIsOver} and ends what is due
   */
  Waiters(Duration deadline, Time time, SenderListener listener, Runnable timerFired) {
    this.deadline = deadline.toNanos();
    this.time = time;
    this.listener = listener;
    this.timerFired = timerFired;
  }

  /** Takes a call that waits for the outcome of {@code job}. */
  void add(Consumer<Outcome> sink, Mailbox mailbox, Mailbox.Job job) {
    calls++;
    Mailbox.Waiter waiter = new Mailbox.Waiter(sink, time.nanos() + deadline, mailbox, job);
    job.waiters.add(waiter);
    all.add(waiter);
  }

  int size() {
    return all.size();
  }

  /** Sets one timer for all deadlines, to the earliest. */
  void setTimer() {
    if (timerRuns || all.isEmpty()) {
      return;
    }
    long left = all.iterator().next().deadline - time.nanos();
    time.after(Duration.ofNanos(Math.max(0, left)), timerFired);
    timerRuns = true;
  }

  /** The timer has fired. */
  void timerIsOver() {
    timerRuns = false;
  }

  /** Takes a call out whose deadline has come; returns null if there is none. */
  Mailbox.@Nullable Waiter takeDue(long now) {
    if (all.isEmpty()) {
      return null;
    }
    Mailbox.Waiter waiter = all.iterator().next();
    if (waiter.deadline - now > 0) {
      return null;
    }
    all.remove(waiter);
    return waiter;
  }

  /** Hands the outcome of a job to all calls that wait for it. */
  void handOver(Mailbox.Job job, Outcome outcome, Work work) {
    for (Mailbox.Waiter waiter : job.waiters) {
      handOver(waiter, outcome, work);
    }
  }

  /** Hands an outcome to one call, unless it has one from before a fault. */
  void handOver(Mailbox.Waiter waiter, Outcome outcome, Work work) {
    if (waiter.handedOver) {
      return;
    }
    handOver(waiter.sink, outcome, time.nanos() - (waiter.deadline - deadline), work);
    waiter.handedOver = true;
    all.remove(waiter);
  }

  /** Hands an outcome to a call that need not wait. */
  void handOverInstantly(Consumer<Outcome> sink, Outcome outcome, Work work) {
    calls++;
    handOver(sink, outcome, 0, work);
  }

  private void handOver(Consumer<Outcome> sink, Outcome outcome, long took, Work work) {
    tally.count(outcome);
    if (!listener.isEmpty()) {
      work.calls.add(() -> listener.callEnded(outcome, Duration.ofNanos(took)));
    }
    work.calls.add(() -> sink.accept(outcome));
  }

  long calls() {
    return calls;
  }

  OutcomeTally.Counts outcomes() {
    return tally.counts();
  }
}
