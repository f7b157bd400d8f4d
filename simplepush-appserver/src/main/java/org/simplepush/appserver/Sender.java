package org.simplepush.appserver;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.internal.Backoff;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides what is sent when: collapses per endpoint ({@link Mailbox}), queues per host ({@link
 * Lane}), retries, and gives up at the deadline.
 *
 * <p>Concurrency: one lock guards everything here, including the lanes and mailboxes. It is held
 * for a few map operations, never while a request is begun, a verdict handed over or a timer run:
 * what is decided under the lock is collected as {@link Work} and done after it. Verdicts are
 * handed over on the thread that brings the answer, or on the executor; never on the timers'
 * thread, where a caller that blocks would stop the clock.
 *
 * <p>Every call gets one verdict by its time, whatever fails: a request whose answer does not come
 * is given up by a timer, a call whose request is not sent ends by another, and what one call or
 * request throws, out of memory included, is kept from the others.
 */
final class Sender {
  private static final Logger log = LoggerFactory.getLogger(Sender.class);

  /** What is known about this many hosts that nothing is being sent to is kept. */
  private static final int IDLE_LANES = 1024;

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
  record Settings(
      Duration deadline,
      Duration requestTimeout,
      Backoff backoff,
      Duration maxRetryAfter,
      int maxPerHost,
      int maxConcurrent,
      int maxWaiting) {}

  private static final Answer TIMED_OUT =
      new Answer.Broken(Verdict.Cause.TIMEOUT, "The push server did not answer in time.");

  private static final Answer NOT_SENT =
      new Answer.Broken(Verdict.Cause.INTERNAL, "The request could not be sent; see the log.");

  /** The shortest time that a request has, if its timeout is longer, however many others wait. */
  private static final Duration MIN_PATIENCE = Duration.ofSeconds(1);

  /** Ten times as many calls may wait as endpoints. */
  private static final long CALLS_PER_ENDPOINT = 10;

  /** One request. */
  private static final class Attempt {
    private final Mailbox mailbox;
    private final long version;
    private final long number;
    private final long begun;
    private final boolean atLimit;
    private final boolean onProbation;

    /** The thread that hands it to the transport, while it does. */
    private volatile @Nullable Thread beginner;

    /** The answer, if it came on that thread. */
    private @Nullable Answer early;

    private volatile Transport.@Nullable Exchange exchange;
    private volatile boolean givenUp;

    Attempt(
        Mailbox mailbox,
        long version,
        long number,
        long begun,
        boolean atLimit,
        boolean onProbation) {
      this.mailbox = mailbox;
      this.version = version;
      this.number = number;
      this.begun = begun;
      this.atLimit = atLimit;
      this.onProbation = onProbation;
    }
  }

  /** What to do once the lock is free. */
  private static final class Work {
    private final List<Attempt> attempts = new ArrayList<>();

    private final List<Attempt> givenUp = new ArrayList<>();

    /** Hand verdicts to callers and events to listeners, in this order. */
    private final List<Runnable> calls = new ArrayList<>();

    private boolean finish;
  }

  private final Settings settings;
  private final long requestTimeout;
  private final long provenPatience;
  private final long unprovenPatience;
  private final Transport transport;
  private final Time time;
  private final RandomGenerator random;
  private final Executor executor;
  private final Listeners listeners;
  private final CompletableFuture<Void> finished = new CompletableFuture<>();

  private final Object lock = new Object();

  // All below: guarded by lock.
  /**
   * By the text of the endpoint, which is comparable: strangers could choose endpoints whose hashes
   * collide.
   */
  private final Map<String, Mailbox> mailboxes = new HashMap<>();

  private final Map<Lane.Host, Lane> lanes = new HashMap<>();

  /** Lanes without a mailbox, the longest idle first. */
  private final LinkedHashMap<Lane.Host, Lane> idleLanes = new LinkedHashMap<>();

  /** Lanes that could send, in turn; those whose hosts have yet to prove themselves apart. */
  private final ArrayDeque<Lane> provenLanes = new ArrayDeque<>();

  private final ArrayDeque<Lane> unprovenLanes = new ArrayDeque<>();
  private boolean unprovenTurn;

  /**
   * Who waits, the earliest deadline first: all calls have the same time, so the order of calls is
   * the order of deadlines.
   */
  private final LinkedHashSet<Mailbox.Waiter> waiters = new LinkedHashSet<>();

  private boolean deadlineTimerRuns;

  /**
   * Requests on the wire, the longest first; those to hosts that have yet to prove themselves
   * apart.
   */
  private final LinkedHashSet<Attempt> provenOnWire = new LinkedHashSet<>();

  private final LinkedHashSet<Attempt> unprovenOnWire = new LinkedHashSet<>();

  /** Gives up the longest when it takes too long. */
  private Time.@Nullable Timer wireTimer;

  private long wireTimerDue;

  /** What the mailboxes count against the most that may wait; those of unproven hosts apart. */
  private long waiting;

  private long unprovenWaiting;
  private long attempts;

  /** Fan-outs under way: they may still submit while the sender drains. */
  private int fanouts;

  private boolean closing;
  private boolean closed;

  // What NotifierStatistics says.
  private int hostsPaused;
  private long calls;
  private long collapsed;
  private long requests;
  private long retries;
  private long hostPauses;
  private long requestNanos;
  private final VerdictTally tally = new VerdictTally();

  Sender(
      Settings settings,
      Transport transport,
      Time time,
      RandomGenerator random,
      Executor executor,
      Listeners listeners) {
    this.settings = settings;
    this.requestTimeout = settings.requestTimeout().toNanos();
    this.provenPatience = patience(requestTimeout, 3);
    this.unprovenPatience = patience(requestTimeout, 10);
    this.transport = transport;
    this.time = time;
    this.random = random;
    this.executor = executor;
    this.listeners = listeners;
  }

  /**
   * Takes one version for one endpoint.
   *
   * @param version 0 or more, or {@link Transport#NO_VERSION}
   * @param sink gets the verdict, once; perhaps before this returns
   * @throws IllegalStateException if closed
   */
  void submit(HttpUrl endpoint, long version, Consumer<Verdict> sink) {
    Work work = new Work();
    synchronized (lock) {
      if (closing) {
        throw new IllegalStateException("The notifier is closed.");
      }
      if (isFull(endpoint)) {
        handOverAtOnce(
            sink,
            new Verdict.Failed(
                Verdict.Cause.FULL, 0, "Too many endpoints are waiting in this notifier."),
            work);
      } else {
        accept(endpoint, version, sink, work);
      }
    }
    perform(work);
  }

  /**
   * Whether there is no room for a call. Hosts that have yet to answer, or failed, share half of
   * it: however many endpoints of theirs wait, there is room for the others.
   */
  private boolean isFull(HttpUrl endpoint) {
    long max = settings.maxWaiting();
    if (waiters.size() >= max * CALLS_PER_ENDPOINT) {
      return true;
    }
    if (mailboxes.containsKey(endpoint.toString())) {
      return false;
    }
    int weight = Mailbox.weight(endpoint);
    if (waiting > 0 && waiting + weight > max) {
      return true;
    }
    Lane lane = lanes.get(new Lane.Host(endpoint.host(), endpoint.port()));
    return (lane == null || !lane.proven)
        && unprovenWaiting > 0
        && unprovenWaiting + weight > Math.max(1, max / 2);
  }

  /**
   * Like {@link #submit}, for a fan-out that {@link #fanoutBegins} let in: it bounds its own number
   * and may go on while the sender drains. Closed, the verdict says so.
   */
  void submitFromFanout(HttpUrl endpoint, long version, Consumer<Verdict> sink) {
    Work work = new Work();
    synchronized (lock) {
      if (closed) {
        handOverAtOnce(sink, closedVerdict(0), work);
      } else {
        accept(endpoint, version, sink, work);
      }
    }
    perform(work);
  }

  /** Hands over a verdict on an endpoint that did not get as far as {@link #submit}. */
  void refuse(Verdict.Refused refusal, Consumer<Verdict> sink) {
    Work work = new Work();
    synchronized (lock) {
      handOverAtOnce(sink, refusal, work);
    }
    perform(work);
  }

  /** Keeps the sender from finishing until {@link #fanoutEnds}; throws if closed. */
  void fanoutBegins() {
    synchronized (lock) {
      if (closing) {
        throw new IllegalStateException("The notifier is closed.");
      }
      fanouts++;
    }
  }

  void fanoutEnds() {
    Work work = new Work();
    synchronized (lock) {
      fanouts--;
      finishIfIdle(work);
    }
    perform(work);
  }

  /** Throws if {@link #close} was called. */
  void checkOpen() {
    synchronized (lock) {
      if (closing) {
        throw new IllegalStateException("The notifier is closed.");
      }
    }
  }

  boolean isClosed() {
    synchronized (lock) {
      return closed;
    }
  }

  /** Guarded by lock. */
  private void accept(HttpUrl endpoint, long version, Consumer<Verdict> sink, Work work) {
    Mailbox mailbox = mailboxes.get(endpoint.toString());
    Mailbox.Job job;
    if (mailbox == null) {
      Lane lane = lane(new Lane.Host(endpoint.host(), endpoint.port()));
      Answer failure = lane.lastFailure;
      if (failure != null && isDown(lane)) {
        handOverAtOnce(sink, failure.lastVerdict(0), work);
        idleIfEmpty(lane);
        return;
      }
      job = new Mailbox.Job(version);
      mailbox = new Mailbox(endpoint, lane, job);
      mailboxes.put(endpoint.toString(), mailbox);
      lane.mailboxes++;
      weigh(lane, mailbox.weight);
      makeReady(mailbox);
    } else {
      boolean waits = mailbox.next != null;
      job = mailbox.jobFor(version);
      if (job != mailbox.next || waits) {
        collapsed++;
      }
    }
    calls++;
    long deadline = time.nanos() + settings.deadline().toNanos();
    Mailbox.Waiter waiter = new Mailbox.Waiter(sink, deadline, mailbox, job);
    job.waiters.add(waiter);
    waiters.add(waiter);
    begin(work);
  }

  private void weigh(Lane lane, int more) {
    lane.weight += more;
    waiting += more;
    if (!lane.proven) {
      unprovenWaiting += more;
    }
  }

  /**
   * Whether the host failed for a whole deadline and is being left alone: waiting as long again
   * would hardly help, and a million endpoints of a dead host must not wait in turn.
   */
  private boolean isDown(Lane lane) {
    return lane.paused && time.nanos() - lane.failingSince >= settings.deadline().toNanos();
  }

  private Lane lane(Lane.Host host) {
    Lane lane = lanes.get(host);
    if (lane == null) {
      lane = new Lane(host, settings.maxPerHost());
      lanes.put(host, lane);
    } else if (lane.mailboxes == 0) {
      idleLanes.remove(host);
    }
    return lane;
  }

  private void idleIfEmpty(Lane lane) {
    if (lane.mailboxes > 0) {
      return;
    }
    idleLanes.put(lane.host, lane);
    if (idleLanes.size() > IDLE_LANES) {
      Iterator<Lane.Host> eldest = idleLanes.keySet().iterator();
      lanes.remove(eldest.next());
      eldest.remove();
    }
  }

  private void makeReady(Mailbox mailbox) {
    mailbox.state = Mailbox.State.READY;
    mailbox.lane.ready.add(mailbox);
    queue(mailbox.lane);
  }

  /** Puts a lane in line if it could send. */
  private void queue(Lane lane) {
    if (!lane.queued && lane.canSend()) {
      lane.queued = true;
      (lane.proven ? provenLanes : unprovenLanes).add(lane);
    }
  }

  /** Takes from the lanes in turn what may go on the wire now. */
  private void begin(Work work) {
    try {
      while (onWire() < settings.maxConcurrent()) {
        Lane lane = nextLane();
        if (lane == null) {
          break;
        }
        lane.queued = false;
        if (lane.canSend()) {
          begin(lane, work);
          queue(lane);
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
    onWire(attempt).add(attempt);
    mailbox.state = Mailbox.State.ON_WIRE;
    mailbox.current.attempts++;
    lane.onWire++;
  }

  private int onWire() {
    return provenOnWire.size() + unprovenOnWire.size();
  }

  private Set<Attempt> onWire(Attempt attempt) {
    return attempt.onProbation ? unprovenOnWire : provenOnWire;
  }

  /**
   * Hosts that have yet to answer, or failed, share half of all requests: however many black holes
   * there are, the others keep the other half.
   */
  private boolean unprovenMay() {
    return unprovenOnWire.size() < Math.max(1, settings.maxConcurrent() / 2);
  }

  private @Nullable Lane nextLane() {
    boolean unprovenMay = unprovenMay();
    unprovenTurn = !unprovenTurn;
    Lane lane = unprovenTurn && unprovenMay ? unprovenLanes.poll() : provenLanes.poll();
    if (lane == null) {
      lane = unprovenTurn ? provenLanes.poll() : unprovenMay ? unprovenLanes.poll() : null;
    }
    return lane;
  }

  /** Sets the timer to when the next request has taken too long. */
  private void watch() {
    if (onWire() == 0) {
      return; // a timer that runs finds nothing to do
    }
    long now = time.nanos();
    long left =
        Math.min(
            left(provenOnWire, provenLimit(), now), left(unprovenOnWire, unprovenLimit(), now));
    if (wireTimer != null) {
      if (wireTimerDue - now <= left) {
        return;
      }
      wireTimer.cancel();
      wireTimer = null;
    }
    wireTimerDue = now + left;
    wireTimer = time.after(Duration.ofNanos(Math.max(0, left)), this::wireTimerFired);
  }

  /** Returns how long the longest request may still take; much if there is none. */
  private static long left(Set<Attempt> onWire, long limit, long now) {
    return onWire.isEmpty() ? Long.MAX_VALUE : onWire.iterator().next().begun - now + limit;
  }

  /**
   * How long a request may take. While others wait for their turn, those on the wire have less, so
   * that hosts that hold requests without end hold nobody up for long: the longest are given up,
   * and tried again later.
   */
  private long provenLimit() {
    boolean contended =
        onWire() >= settings.maxConcurrent()
            && (waits(provenLanes) || (unprovenMay() && waits(unprovenLanes)));
    return contended ? provenPatience : requestTimeout;
  }

  private long unprovenLimit() {
    boolean contended =
        (!unprovenMay() || onWire() >= settings.maxConcurrent()) && waits(unprovenLanes);
    return contended ? unprovenPatience : requestTimeout;
  }

  private static long patience(long timeout, int part) {
    return Math.min(timeout, Math.max(timeout / part, MIN_PATIENCE.toNanos()));
  }

  /** Whether a lane could send, if it were its turn. */
  private static boolean waits(ArrayDeque<Lane> lanes) {
    while (!lanes.isEmpty() && !lanes.element().canSend()) {
      lanes.remove().queued = false;
    }
    return !lanes.isEmpty();
  }

  private void wireTimerFired() {
    Work work = new Work();
    synchronized (lock) {
      wireTimer = null;
      try {
        long now = time.nanos();
        while (giveUpLate(provenOnWire, provenLimit(), now, work)
            || giveUpLate(unprovenOnWire, unprovenLimit(), now, work)) {
          // until none is late; each may make room for others
        }
      } finally {
        setTimers();
      }
    }
    performElsewhere(work);
  }

  private boolean giveUpLate(Set<Attempt> onWire, long limit, long now, Work work) {
    if (left(onWire, limit, now) > 0) {
      return false;
    }
    Attempt late = onWire.iterator().next();
    late.givenUp = true;
    work.givenUp.add(late);
    settle(late, TIMED_OUT, work);
    return true;
  }

  /** Does what was decided. Each part may fail, and the others are done nevertheless. */
  private void perform(Work work) {
    for (int n = 0; n < work.attempts.size(); n++) {
      Attempt attempt = work.attempts.get(n);
      Answer early = put(attempt);
      if (early != null) { // here, and not by answered: one in another, the stack would overflow
        synchronized (lock) {
          settle(attempt, early, work);
        }
      }
    }
    for (Attempt attempt : work.givenUp) {
      Transport.Exchange exchange = attempt.exchange;
      if (exchange != null) { // else it is cancelled when it has begun
        Faults.contain(log, "A request could not be cancelled", exchange::cancel);
      }
    }
    for (Runnable call : work.calls) {
      Faults.contain(log, "A verdict could not be handed over", call);
    }
    if (work.finish) {
      finished.complete(null);
    }
  }

  /** Begins a request; returns the answer if it came at once. */
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
      attempt.early = NOT_SENT;
    } finally {
      attempt.beginner = null;
    }
    return attempt.early;
  }

  /** Like {@link #perform}, from a timer. */
  private void performElsewhere(Work work) {
    if (work.attempts.isEmpty() && work.givenUp.isEmpty() && work.calls.isEmpty() && !work.finish) {
      return;
    }
    try {
      executor.execute(() -> perform(work));
    } catch (RuntimeException | Error e) { // shut down, or no memory for a thread
      log.debug("The executor takes no more tasks; handing verdicts over on the timer.", e);
      perform(work);
    }
  }

  private void answered(Attempt attempt, Answer answer) {
    if (attempt.beginner == Thread.currentThread()) {
      attempt.early = answer;
      return;
    }
    Work work = new Work();
    synchronized (lock) {
      settle(attempt, answer, work);
    }
    perform(work);
  }

  /** Guarded by lock. Takes a request off the wire, once, and decides what its answer means. */
  private void settle(Attempt attempt, Answer answer, Work work) {
    if (!onWire(attempt).remove(attempt)) {
      return; // given up
    }
    Mailbox mailbox = attempt.mailbox;
    Lane lane = mailbox.lane;
    lane.onWire--;
    try {
      Verdict verdict = answer.verdict();
      count(attempt, answer, verdict == null, work);
      Duration pause = learn(lane, attempt, answer, verdict != null, work);
      if (mailbox.state == Mailbox.State.ON_WIRE) { // else closed in the meantime
        if (verdict != null) {
          conclude(mailbox, verdict, work);
        } else {
          retry(mailbox, answer, work);
        }
      }
      if (pause != null) {
        pause(lane, pause, work);
      }
    } catch (RuntimeException | Error e) {
      Faults.report(log, "An answer could not be handled", e);
      fail(mailbox, work);
    }
    queue(lane);
    begin(work);
    finishIfIdle(work);
  }

  /** Ends what waits for an endpoint, after a fault. */
  private void fail(Mailbox mailbox, Work work) {
    if (mailbox.state == Mailbox.State.DONE) {
      return;
    }
    Mailbox.Job next = mailbox.next;
    remove(mailbox);
    handOver(mailbox.current, NOT_SENT.lastVerdict(mailbox.current.attempts), work);
    if (next != null) {
      handOver(next, NOT_SENT.lastVerdict(next.attempts), work);
    }
  }

  private void count(Attempt attempt, Answer answer, boolean retried, Work work) {
    long took = time.nanos() - attempt.begun;
    requests++;
    requestNanos += took;
    int number = attempt.mailbox.current.attempts;
    if (number > 1) {
      retries++;
    }
    if (!listeners.isEmpty()) {
      NotifierListener.Attempt event =
          new NotifierListener.Attempt(
              attempt.mailbox.lane.host.name(),
              number,
              answer instanceof Answer.Status status ? status.code() : 0,
              Duration.ofNanos(took),
              retried);
      work.calls.add(() -> listeners.tell(listener -> listener.onAttempt(event)));
    }
  }

  /** Returns how long to leave the host alone; null if not at all. */
  private @Nullable Duration learn(
      Lane lane, Attempt attempt, Answer answer, boolean served, Work work) {
    if (answer instanceof Answer.Barred) {
      return null; // the host was not asked
    }
    if (served) {
      if (lane.wasPaused() && !listeners.isEmpty()) {
        NotifierListener.HostRecovered event =
            new NotifierListener.HostRecovered(
                lane.host.name(), Duration.ofNanos(time.nanos() - lane.failingSince));
        work.calls.add(() -> listeners.tell(listener -> listener.onHostRecovered(event)));
      }
      if (!lane.proven && lane.queued && unprovenLanes.remove(lane)) {
        lane.queued = false; // not to wait among black holes any longer; the caller queues it anew
      }
      if (!lane.proven) {
        unprovenWaiting -= lane.weight;
      }
      lane.succeeded(attempt.atLimit);
      return null;
    }
    if (lane.proven) {
      unprovenWaiting += lane.weight;
    }
    int pauses = lane.failed(answer, attempt.number, attempts, time.nanos());
    return pauses == 0 ? null : delay(answer, pauses);
  }

  private void pause(Lane lane, Duration duration, Work work) {
    time.after(duration, () -> pauseOver(lane));
    lane.paused = true;
    hostsPaused++;
    hostPauses++;
    if (!listeners.isEmpty()) {
      NotifierListener.HostPaused event =
          new NotifierListener.HostPaused(
              lane.host.name(), duration, Duration.ofNanos(time.nanos() - lane.failingSince));
      work.calls.add(() -> listeners.tell(listener -> listener.onHostPaused(event)));
    }
  }

  private void pauseOver(Lane lane) {
    Work work = new Work();
    synchronized (lock) {
      lane.paused = false;
      hostsPaused--;
      queue(lane);
      begin(work);
    }
    performElsewhere(work);
  }

  private void conclude(Mailbox mailbox, Verdict verdict, Work work) {
    handOver(mailbox.current, verdict, work);
    Mailbox.Job next = mailbox.next;
    if (next != null && verdict instanceof Verdict.Gone) {
      // Gone is for good: the version that waits would learn nothing else.
      handOver(next, verdict, work);
      next = null;
    }
    mailbox.next = null;
    if (next == null) {
      remove(mailbox);
    } else {
      mailbox.current = next;
      makeReady(mailbox);
    }
  }

  private void retry(Mailbox mailbox, Answer answer, Work work) {
    Mailbox.Job job = mailbox.current;
    job.last = answer;
    if (mailbox.next != null) {
      mailbox.next.replace(job);
      job = mailbox.next;
      mailbox.current = job;
      mailbox.next = null;
    }
    Duration delay = delay(answer, job.attempts);
    long nextAttempt = time.nanos() + delay.toNanos();
    Verdict giveUp = answer.lastVerdict(job.attempts);
    for (Iterator<Mailbox.Waiter> each = job.waiters.iterator(); each.hasNext(); ) {
      Mailbox.Waiter waiter = each.next();
      if (waiter.deadline - nextAttempt < 0) {
        handOver(waiter, giveUp, work);
        each.remove();
      }
    }
    if (job.waiters.isEmpty()) {
      remove(mailbox);
      return;
    }
    mailbox.timer = time.after(delay, () -> backOffOver(mailbox));
    mailbox.state = Mailbox.State.BACKING_OFF;
  }

  private void backOffOver(Mailbox mailbox) {
    Work work = new Work();
    synchronized (lock) {
      if (mailbox.state == Mailbox.State.BACKING_OFF) {
        makeReady(mailbox);
        begin(work);
      }
    }
    performElsewhere(work);
  }

  /**
   * The back-off; or what the push server asked for, within reason, plus a little that differs from
   * one retry to the next, so that those who were sent away together do not come back together.
   */
  private Duration delay(Answer answer, int failures) {
    Duration backoff = settings.backoff().delay(failures, random);
    if (answer instanceof Answer.Status status && status.retryAfter() != null) {
      Duration asked = status.retryAfter();
      Duration max = settings.maxRetryAfter();
      Duration spread = settings.backoff().delay(1, random);
      Duration obeyed = (asked.compareTo(max) < 0 ? asked : max).plus(spread);
      return obeyed.compareTo(backoff) > 0 ? obeyed : backoff;
    }
    return backoff;
  }

  private void handOver(Mailbox.Job job, Verdict verdict, Work work) {
    for (Mailbox.Waiter waiter : job.waiters) {
      handOver(waiter, verdict, work);
    }
  }

  private void handOver(Mailbox.Waiter waiter, Verdict verdict, Work work) {
    if (waiter.told) {
      return; // before a fault
    }
    long took = time.nanos() - (waiter.deadline - settings.deadline().toNanos());
    handOver(waiter.sink, verdict, took, work);
    waiter.told = true;
    waiters.remove(waiter);
  }

  private void handOverAtOnce(Consumer<Verdict> sink, Verdict verdict, Work work) {
    calls++;
    handOver(sink, verdict, 0, work);
  }

  private void handOver(Consumer<Verdict> sink, Verdict verdict, long took, Work work) {
    tally.count(verdict);
    if (!listeners.isEmpty()) {
      NotifierListener.Delivered event =
          new NotifierListener.Delivered(verdict, Duration.ofNanos(took));
      work.calls.add(() -> listeners.tell(listener -> listener.onVerdict(event)));
    }
    work.calls.add(() -> sink.accept(verdict));
  }

  private void remove(Mailbox mailbox) {
    mailbox.state = Mailbox.State.DONE;
    if (mailbox.timer != null) {
      mailbox.timer.cancel();
      mailbox.timer = null;
    }
    mailboxes.remove(mailbox.endpoint.toString());
    mailbox.lane.ready.remove(mailbox);
    mailbox.lane.mailboxes--;
    weigh(mailbox.lane, -mailbox.weight);
    idleIfEmpty(mailbox.lane);
  }

  /** One timer for all deadlines, set to the earliest. */
  private void startDeadlineTimer() {
    if (deadlineTimerRuns || waiters.isEmpty()) {
      return;
    }
    long left = waiters.iterator().next().deadline - time.nanos();
    time.after(Duration.ofNanos(Math.max(0, left)), this::deadlinePassed);
    deadlineTimerRuns = true;
  }

  /** Sets the timers; twice if need be, because nothing else may come to set them. */
  private void setTimers() {
    try {
      watch();
      startDeadlineTimer();
    } catch (RuntimeException | Error e) {
      Faults.report(log, "A timer could not be set", e);
      watch();
      startDeadlineTimer();
    }
  }

  private void deadlinePassed() {
    Work work = new Work();
    synchronized (lock) {
      deadlineTimerRuns = false;
      try {
        long now = time.nanos();
        while (!waiters.isEmpty()) {
          Mailbox.Waiter waiter = waiters.iterator().next();
          if (waiter.deadline - now > 0) {
            break;
          }
          waiters.remove(waiter);
          if (!waiter.isOnWire()) { // else the answer decides, soon
            expireOrFail(waiter, work);
          }
        }
        finishIfIdle(work);
      } finally {
        setTimers();
      }
    }
    performElsewhere(work);
  }

  private void expireOrFail(Mailbox.Waiter waiter, Work work) {
    try {
      expire(waiter, work);
    } catch (RuntimeException | Error e) {
      Faults.report(log, "A call could not be ended at its deadline", e);
      fail(waiter.mailbox, work);
      handOver(waiter, NOT_SENT.lastVerdict(waiter.job.attempts), work);
    }
  }

  private void expire(Mailbox.Waiter waiter, Work work) {
    Mailbox.Job job = waiter.job;
    Mailbox mailbox = waiter.mailbox;
    job.waiters.remove(waiter);
    Answer last = job.last != null ? job.last : mailbox.lane.lastFailure;
    handOver(
        waiter,
        last != null
            ? last.lastVerdict(job.attempts)
            : new Verdict.Failed(
                Verdict.Cause.TIMEOUT, job.attempts, "Its turn did not come before the deadline."),
        work);
    if (job.waiters.isEmpty()) {
      if (job == mailbox.next) {
        mailbox.next = null;
      } else {
        remove(mailbox);
      }
    }
  }

  /**
   * Takes nothing more, and lets what was taken come to its end, but not longer than {@code drain}.
   * Returns at once; {@link #finished} completes when the last verdict has been, or is being,
   * handed over.
   */
  void close(Duration drain) {
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
    perform(work);
  }

  /** Completes when {@link #close} is done. */
  CompletableFuture<Void> finished() {
    return finished;
  }

  private void drainOver() {
    Work work = new Work();
    synchronized (lock) {
      closed = true;
      work.finish = true; // a fan-out that hangs in its iterator is not waited for
      for (Mailbox mailbox : List.copyOf(mailboxes.values())) {
        Faults.contain(log, "A call could not be ended", () -> endClosed(mailbox, work));
      }
    }
    Faults.contain(log, "Requests could not be cancelled", transport::cancelAll);
    performElsewhere(work);
  }

  private void endClosed(Mailbox mailbox, Work work) {
    handOver(mailbox.current, closedVerdict(mailbox.current.attempts), work);
    if (mailbox.next != null) {
      handOver(mailbox.next, closedVerdict(mailbox.next.attempts), work);
    }
    remove(mailbox);
  }

  private static Verdict closedVerdict(int attempts) {
    return new Verdict.Failed(
        Verdict.Cause.CLOSED, attempts, "The notifier was closed before there was a verdict.");
  }

  private void finishIfIdle(Work work) {
    if (closing && mailboxes.isEmpty() && fanouts == 0) {
      closed = true;
      work.finish = true;
    }
  }

  NotifierStatistics statistics() {
    synchronized (lock) {
      return new NotifierStatistics(
          mailboxes.size(),
          onWire(),
          hostsPaused,
          calls,
          collapsed,
          requests,
          retries,
          hostPauses,
          tally.accepted,
          tally.stale,
          tally.gone,
          tally.rejected,
          tally.refused,
          tally.failed,
          Duration.ofNanos(requestNanos));
    }
  }

  /** Returns how many requests the host may see at once; for tests. */
  int limitOf(String host, int port) {
    synchronized (lock) {
      Lane lane = lanes.get(new Lane.Host(host, port));
      return lane == null ? 0 : lane.limit();
    }
  }

  /** Returns whether the host is being left alone; for tests. */
  boolean isPaused(String host, int port) {
    synchronized (lock) {
      Lane lane = lanes.get(new Lane.Host(host, port));
      return lane != null && lane.paused;
    }
  }

  /** Returns whether nothing is kept of any call; for tests. */
  boolean isEmpty() {
    synchronized (lock) {
      return mailboxes.isEmpty()
          && waiters.isEmpty()
          && onWire() == 0
          && waiting == 0
          && unprovenWaiting == 0;
    }
  }
}
