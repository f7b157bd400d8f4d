package org.simplepush.appserver.internal.send;

import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import okhttp3.HttpUrl;
import org.simplepush.appserver.internal.Faults;
import org.simplepush.appserver.internal.Time;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The endpoints with something to send, and how what is to be sent ends: with an outcome, a retry,
 * its deadline or a fault.
 *
 * <p>Not thread-safe: guarded by the lock of its {@link Sender}.
 */
final class Mailboxes {
  private static final Logger log = LoggerFactory.getLogger(Mailboxes.class);

  private final long deadline;
  private final Lanes lanes;
  private final Waiters waiters;
  private final RetryDelays delays;
  private final Time time;
  private final Consumer<Mailbox> backOffOver;

  /**
   * By the text of the endpoint, which is comparable: strangers could choose endpoints whose hashes
   * collide.
   */
  private final Map<String, Mailbox> all = new HashMap<>();

  private long collapsed;

  /**
   * Creates a set without endpoints.
   *
   * @param backOffOver takes the lock and calls {@link #resume}
   */
  Mailboxes(
      Duration deadline,
      Lanes lanes,
      Waiters waiters,
      RetryDelays delays,
      Time time,
      Consumer<Mailbox> backOffOver) {
    this.deadline = deadline.toNanos();
    this.lanes = lanes;
    this.waiters = waiters;
    this.delays = delays;
    this.time = time;
    this.backOffOver = backOffOver;
  }

  boolean contains(HttpUrl endpoint) {
    return all.containsKey(endpoint.toString());
  }

  int size() {
    return all.size();
  }

  /** Returns how many calls needed no request of their own. */
  long collapsed() {
    return collapsed;
  }

  /** Takes a call. */
  void add(HttpUrl endpoint, long version, Consumer<Outcome> sink, Work work) {
    Mailbox mailbox = all.get(endpoint.toString());
    Mailbox.Job job;
    if (mailbox == null) {
      Lane lane = lanes.take(endpoint);
      Answer failure = lane.lastFailure;
      if (failure != null && isDown(lane)) {
        waiters.handOverInstantly(sink, failure.lastOutcome(0), work);
        lanes.idleIfEmpty(lane);
        return;
      }
      job = new Mailbox.Job(version);
      mailbox = new Mailbox(endpoint, lane, job);
      all.put(endpoint.toString(), mailbox);
      lanes.add(mailbox);
      lanes.makeReady(mailbox);
    } else {
      boolean waits = mailbox.next != null;
      job = mailbox.jobFor(version);
      if (job != mailbox.next || waits) {
        collapsed++;
      }
    }
    waiters.add(sink, mailbox, job);
  }

  /**
   * Whether the host failed for a whole deadline and is being left alone: waiting as long again
   * would hardly help, and a million endpoints of a dead host must not wait one after the other.
   */
  private boolean isDown(Lane lane) {
    return lane.paused && time.nanos() - lane.failingSince >= deadline;
  }

  /** The request on the wire has an outcome. */
  void conclude(Mailbox mailbox, Outcome outcome, Work work) {
    waiters.handOver(mailbox.current, outcome, work);
    Mailbox.Job next = mailbox.next;
    if (next != null && outcome instanceof Outcome.Gone) {
      // Gone is for good: the version that waits would learn nothing else.
      waiters.handOver(next, outcome, work);
      next = null;
    }
    mailbox.next = null;
    if (next == null) {
      remove(mailbox);
    } else {
      mailbox.current = next;
      lanes.makeReady(mailbox);
    }
  }

  /** The request on the wire is tried again after a back-off, for calls with so much time. */
  void retry(Mailbox mailbox, Answer answer, Work work) {
    Mailbox.Job job = mailbox.current;
    job.last = answer;
    if (mailbox.next != null) {
      mailbox.next.replace(job);
      job = mailbox.next;
      mailbox.current = job;
      mailbox.next = null;
    }
    Duration delay = delays.after(answer, job.attempts);
    long nextAttempt = time.nanos() + delay.toNanos();
    Outcome giveUp = answer.lastOutcome(job.attempts);
    for (Iterator<Mailbox.Waiter> each = job.waiters.iterator(); each.hasNext(); ) {
      Mailbox.Waiter waiter = each.next();
      if (waiter.deadline - nextAttempt < 0) {
        waiters.handOver(waiter, giveUp, work);
        each.remove();
      }
    }
    if (job.waiters.isEmpty()) {
      remove(mailbox);
      return;
    }
    mailbox.timer = time.after(delay, () -> backOffOver.accept(mailbox));
    mailbox.state = Mailbox.State.BACKING_OFF;
  }

  /** The back-off is over. */
  void resume(Mailbox mailbox) {
    if (mailbox.state == Mailbox.State.BACKING_OFF) {
      lanes.makeReady(mailbox);
    }
  }

  /** Ends a call at its deadline. */
  void expire(Mailbox.Waiter waiter, Work work) {
    try {
      Mailbox.Job job = waiter.job;
      Mailbox mailbox = waiter.mailbox;
      job.waiters.remove(waiter);
      waiters.handOver(waiter, expired(mailbox, job), work);
      if (job.waiters.isEmpty()) {
        if (job == mailbox.next) {
          mailbox.next = null;
        } else {
          remove(mailbox);
        }
      }
    } catch (RuntimeException | Error e) {
      Faults.report(log, "A call could not be ended at its deadline", e);
      fail(waiter.mailbox, work);
      waiters.handOver(waiter, Sender.NOT_SENT.lastOutcome(waiter.job.attempts), work);
    }
  }

  private static Outcome expired(Mailbox mailbox, Mailbox.Job job) {
    Answer last = job.last != null ? job.last : mailbox.lane.lastFailure;
    return last != null
        ? last.lastOutcome(job.attempts)
        : new Outcome.Failed(
            Outcome.Cause.TIMEOUT, job.attempts, "Its turn did not come before the deadline.");
  }

  /** Ends what waits for an endpoint, after a fault. */
  void fail(Mailbox mailbox, Work work) {
    if (mailbox.state != Mailbox.State.DONE) {
      end(mailbox, Sender.NOT_SENT, work);
    }
  }

  /** Ends everything. */
  void endAll(Answer answer, Work work) {
    for (Mailbox mailbox : List.copyOf(all.values())) {
      Faults.contain(log, "A call could not be ended", () -> end(mailbox, answer, work));
    }
  }

  private void end(Mailbox mailbox, Answer answer, Work work) {
    Mailbox.Job next = mailbox.next;
    remove(mailbox);
    waiters.handOver(mailbox.current, answer.lastOutcome(mailbox.current.attempts), work);
    if (next != null) {
      waiters.handOver(next, answer.lastOutcome(next.attempts), work);
    }
  }

  private void remove(Mailbox mailbox) {
    mailbox.state = Mailbox.State.DONE;
    if (mailbox.timer != null) {
      mailbox.timer.cancel();
      mailbox.timer = null;
    }
    all.remove(mailbox.endpoint.toString());
    lanes.remove(mailbox);
  }
}
