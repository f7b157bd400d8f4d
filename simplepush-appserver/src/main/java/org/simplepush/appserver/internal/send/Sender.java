package org.simplepush.appserver.internal.send;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.CallbackExecutor;
import org.simplepush.appserver.internal.Faults;
import org.simplepush.appserver.internal.Time;
import org.simplepush.appserver.internal.Versions;
import org.simplepush.core.internal.Backoff;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides what is sent when: collapses per endpoint ({@link Mailbox}), queues per host ({@link
 * Lanes}), retries, and gives up at the deadline.
 *
 * <p>Concurrency: one lock guards this and its parts. It is held for a few map operations, never
 * while a request is begun or an outcome handed over: what is decided under the lock is collected
 * as {@link Work}, and {@link Performer} does it when the lock is free. Outcomes are handed over on
 * the thread that brings the answer, or on the executor. Only if that takes no more tasks, they are
 * on the timers' thread, where a caller that blocks stops the clock.
 *
 * <p>Every call gets one outcome in time, whatever fails: a timer gives up a request whose answer
 * does not come, another ends a call whose request is not sent, and what one call or request
 * throws, out of memory included, is kept from the others.
 */
public final class Sender {
  private static final Logger log = LoggerFactory.getLogger(Sender.class);

  /**
   * How it behaves.
   *
   * @param deadline no attempt begins later than this after the call
   * @param requestTimeout an attempt takes no longer
   * @param backoff between two attempts for one version, and of hosts that fail
   * @param maxRetryAfter a push server that asks for a longer wait is asked again after this
   * @param maxPerHost the most requests on the wire to one host
   * @param maxConcurrent the most requests on the wire
   * @param maxWaiting the most endpoints with something to send
   */
  public record Settings(
      Duration deadline,
      Duration requestTimeout,
      Backoff backoff,
      Duration maxRetryAfter,
      int maxPerHost,
      int maxConcurrent,
      int maxWaiting) {}

  static final Answer NOT_SENT =
      new Answer.Broken(Outcome.Cause.INTERNAL, "The request could not be sent; see the log.");

  private static final Answer CLOSED =
      new Answer.Broken(
          Outcome.Cause.CLOSED, "The notifier was closed before there was a verdict.");

  private static final Answer TIMED_OUT =
      new Answer.Broken(Outcome.Cause.TIMEOUT, "The push server did not answer in time.");

  /** Ten times as many calls may wait as endpoints. */
  private static final long CALLS_PER_ENDPOINT = 10;

  private final Settings settings;
  private final Time time;
  private final RetryDelays delays;
  private final Performer performer;
  private final CompletableFuture<Void> finished = new CompletableFuture<>();

  private final Object lock = new Object();

  // All below: guarded by lock.
  private final Lanes lanes;
  private final OnWire onWire;
  private final Waiters waiters;
  private final Mailboxes mailboxes;
  private final Counters counters;

  /** How many attempts there have been. */
  private long attempts;

  /** Fan-outs under way: they may still submit while the sender drains. */
  private int fanouts;

  private boolean closing;
  private boolean closed;

  /**
   * Creates a sender.
   *
   * @param executor calls users back
   */
  public Sender(
      Settings settings,
      Transport transport,
      Time time,
      RandomGenerator random,
      CallbackExecutor executor,
      SenderListener listener) {
    this.settings = settings;
    this.time = time;
    this.delays = new RetryDelays(settings.backoff(), settings.maxRetryAfter(), random);
    this.counters = new Counters(time, listener);
    this.lanes = new Lanes(settings.maxPerHost(), settings.maxWaiting());
    this.onWire =
        new OnWire(
            settings.maxConcurrent(),
            settings.requestTimeout(),
            lanes,
            time,
            this::requestsTookTooLong);
    this.waiters = new Waiters(settings.deadline(), time, listener, this::deadlinePassed);
    this.mailboxes =
        new Mailboxes(settings.deadline(), lanes, waiters, delays, time, this::backOffOver);
    this.performer =
        new Performer(
            transport,
            executor,
            new Performer.Results() {
              @Override
              public void settle(Attempt attempt, Answer answer, Work work) {
                synchronized (lock) {
                  Sender.this.settle(attempt, answer, work);
                }
              }

              @Override
              public void finished() {
                finished.complete(null);
              }
            });
  }

  /**
   * Takes one version for one endpoint.
   *
   * @param version 0 or more, or {@link Versions#NONE}
   * @param sink gets the outcome, once; perhaps before this returns
   * @throws IllegalStateException if closed
   */
  void submit(HttpUrl endpoint, long version, Consumer<Outcome> sink) {
    Work work = new Work();
    synchronized (lock) {
      throwIfClosing();
      if (isFull(endpoint)) {
        waiters.handOverInstantly(
            sink,
            new Outcome.Failed(
                Outcome.Cause.FULL, 0, "Too many endpoints are waiting in this notifier."),
            work);
      } else {
        accept(endpoint, version, sink, work);
      }
    }
    performer.perform(work);
  }

  /** Whether there is no room for a call. */
  private boolean isFull(HttpUrl endpoint) {
    if (waiters.size() >= settings.maxWaiting() * CALLS_PER_ENDPOINT) {
      return true;
    }
    return !mailboxes.contains(endpoint) && !lanes.haveRoomFor(endpoint);
  }

  /**
   * Like {@link #submit}, for a fan-out that {@link #fanoutBegins} let in: it bounds its own number
   * and may go on while the sender drains. When the sender is closed, the outcome says so.
   */
  void submitFromFanout(HttpUrl endpoint, long version, Consumer<Outcome> sink) {
    Work work = new Work();
    synchronized (lock) {
      if (closed) {
        waiters.handOverInstantly(sink, CLOSED.lastOutcome(0), work);
      } else {
        accept(endpoint, version, sink, work);
      }
    }
    performer.perform(work);
  }

  /** Hands over the outcome of an endpoint that failed a check. */
  void refuse(Outcome.Refused refusal, Consumer<Outcome> sink) {
    Work work = new Work();
    synchronized (lock) {
      waiters.handOverInstantly(sink, refusal, work);
    }
    performer.perform(work);
  }

  /**
   * Keeps the sender from finishing until {@link #fanoutEnds}.
   *
   * @throws IllegalStateException if closed
   */
  void fanoutBegins() {
    synchronized (lock) {
      throwIfClosing();
      fanouts++;
    }
  }

  void fanoutEnds() {
    Work work = new Work();
    synchronized (lock) {
      fanouts--;
      finishIfIdle(work);
    }
    performer.perform(work);
  }

  /**
   * Checks that {@link #close} was not called.
   *
   * @throws IllegalStateException if it was
   */
  void checkOpen() {
    synchronized (lock) {
      throwIfClosing();
    }
  }

  private void throwIfClosing() {
    if (closing) {
      throw new IllegalStateException("The notifier is closed.");
    }
  }

  boolean isClosed() {
    synchronized (lock) {
      return closed;
    }
  }

  private void accept(HttpUrl endpoint, long version, Consumer<Outcome> sink, Work work) {
    mailboxes.add(endpoint, version, sink, work);
    begin(work);
  }

  /** Takes what may go on the wire now from the lanes, one after the other. */
  private void begin(Work work) {
    try {
      while (onWire.hasRoom()) {
        Lane lane = lanes.next(onWire.hasRoomForUnproven());
        if (lane == null) {
          break;
        }
        if (lane.canSend()) {
          begin(lane, work);
          lanes.queue(lane);
        }
      }
    } catch (RuntimeException | Error e) { // what is ready ends at its deadline, if not before
      Faults.report(log, "A request could not be begun", e);
    }
    setTimers();
  }

  private void begin(Lane lane, Work work) {
    Mailbox mailbox = lane.takeReady();
    Attempt attempt =
        new Attempt(
            mailbox,
            mailbox.current.version,
            ++attempts,
            time.nanos(),
            lane.onWire + 1 >= lane.limit(),
            !lane.proven);
    work.attempts.add(attempt);
    onWire.add(attempt);
    mailbox.state = Mailbox.State.ON_WIRE;
    mailbox.current.attempts++;
    lane.onWire++;
  }

  private void requestsTookTooLong() {
    Work work = new Work();
    synchronized (lock) {
      onWire.timerIsOver();
      try {
        long now = time.nanos();
        Attempt late = onWire.late(now);
        while (late != null) { // each may make room for others
          late.givenUp = true;
          work.givenUp.add(late);
          settle(late, TIMED_OUT, work);
          late = onWire.late(now);
        }
      } finally {
        setTimers();
      }
    }
    performer.performElsewhere(work);
  }

  /** Takes a request off the wire, once, and decides what its answer means. */
  private void settle(Attempt attempt, Answer answer, Work work) {
    if (!onWire.remove(attempt)) {
      return; // given up
    }
    Mailbox mailbox = attempt.mailbox;
    Lane lane = mailbox.lane;
    lane.onWire--;
    try {
      Outcome outcome = answer.outcome();
      counters.requestEnded(attempt, answer, outcome == null, work);
      Duration pause = learn(lane, attempt, answer, outcome != null, work);
      if (mailbox.state == Mailbox.State.ON_WIRE) { // otherwise it was closed
        if (outcome != null) {
          mailboxes.conclude(mailbox, outcome, work);
        } else {
          mailboxes.retry(mailbox, answer, work);
        }
      }
      if (pause != null) {
        pause(lane, pause, work);
      }
    } catch (RuntimeException | Error e) {
      Faults.report(log, "An answer could not be handled", e);
      mailboxes.fail(mailbox, work);
    }
    lanes.queue(lane);
    begin(work);
    finishIfIdle(work);
  }

  /** Returns how long to leave the host alone; null if not at all. */
  private @Nullable Duration learn(
      Lane lane, Attempt attempt, Answer answer, boolean served, Work work) {
    if (answer instanceof Answer.Barred) {
      return null; // the host was not asked
    }
    if (served) {
      if (lane.wasPaused()) {
        counters.hostRecovered(lane, work);
      }
      lanes.succeeded(lane, attempt.atLimit);
      return null;
    }
    int pauses = lanes.failed(lane, answer, attempt.number, attempts, time.nanos());
    return pauses == 0 ? null : delays.after(answer, pauses);
  }

  private void pause(Lane lane, Duration duration, Work work) {
    time.after(duration, () -> pauseOver(lane));
    lane.paused = true;
    counters.hostPaused(lane, duration, work);
  }

  private void pauseOver(Lane lane) {
    Work work = new Work();
    synchronized (lock) {
      lane.paused = false;
      counters.hostPauseIsOver();
      lanes.queue(lane);
      begin(work);
    }
    performer.performElsewhere(work);
  }

  private void backOffOver(Mailbox mailbox) {
    Work work = new Work();
    synchronized (lock) {
      mailboxes.resume(mailbox);
      begin(work);
    }
    performer.performElsewhere(work);
  }

  /** Sets the timers; twice if need be, because nothing else may come to set them. */
  private void setTimers() {
    try {
      onWire.setTimer();
      waiters.setTimer();
    } catch (RuntimeException | Error e) {
      Faults.report(log, "A timer could not be set", e);
      onWire.setTimer();
      waiters.setTimer();
    }
  }

  private void deadlinePassed() {
    Work work = new Work();
    synchronized (lock) {
      waiters.timerIsOver();
      try {
        long now = time.nanos();
        Mailbox.Waiter due = waiters.takeDue(now);
        while (due != null) {
          if (!due.isOnWire()) { // otherwise the answer decides, soon
            mailboxes.expire(due, work);
          }
          due = waiters.takeDue(now);
        }
        finishIfIdle(work);
      } finally {
        setTimers();
      }
    }
    performer.performElsewhere(work);
  }

  /**
   * Takes no more calls, and lets those under way end, but not longer than {@code drain}. Returns
   * without waiting; {@link #finished} completes when the last outcome has been, or is being,
   * handed over.
   */
  public void close(Duration drain) {
    Work work = new Work();
    boolean first;
    synchronized (lock) {
      first = !closing;
      closing = true;
      finishIfIdle(work);
    }
    if (first && !work.finish) {
      time.after(drain, this::drainOver);
    }
    performer.perform(work);
  }

  /** Completes when {@link #close} is done. */
  public CompletableFuture<Void> finished() {
    return finished;
  }

  private void drainOver() {
    Work work = new Work();
    synchronized (lock) {
      closed = true;
      work.finish = true; // a fan-out that hangs in its iterator is not waited for
      mailboxes.endAll(CLOSED, work);
    }
    performer.cancelAll();
    performer.performElsewhere(work);
  }

  private void finishIfIdle(Work work) {
    if (closing && mailboxes.size() == 0 && fanouts == 0) {
      closed = true;
      work.finish = true;
    }
  }

  /** Returns what was done so far, and what is being done. */
  public SenderStatistics statistics() {
    synchronized (lock) {
      return counters.statistics(mailboxes, onWire, waiters);
    }
  }

  /** Returns how many requests the host may see together; for tests. */
  int limitOf(String host, int port) {
    synchronized (lock) {
      Lane lane = lanes.find(new Lane.Host(host, port));
      return lane == null ? 0 : lane.limit();
    }
  }

  /** Returns whether the host is being left alone; for tests. */
  public boolean isPaused(String host, int port) {
    synchronized (lock) {
      Lane lane = lanes.find(new Lane.Host(host, port));
      return lane != null && lane.paused;
    }
  }

  /** Returns whether nothing is kept of any call; for tests. */
  public boolean isEmpty() {
    synchronized (lock) {
      return mailboxes.size() == 0
          && waiters.size() == 0
          && onWire.size() == 0
          && lanes.haveNothingWaiting();
    }
  }
}
