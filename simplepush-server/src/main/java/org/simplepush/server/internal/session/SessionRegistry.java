package org.simplepush.server.internal.session;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.SharedVersionStore.Comparison;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;
import org.simplepush.server.internal.Counters;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which user agents are connected here. Soft state: the store is the truth. Safe for use by many
 * threads.
 *
 * <p>If several servers share the store, this one is a node: a user agent that has settled or
 * sleeps here has the claim in the store, and hints of what happens elsewhere arrive here.
 */
public final class SessionRegistry implements SharedVersionStore.Listener {
  /**
   * After lost hints all user agents are compared with the store, within this time or a longer one
   * if there are too many of them.
   */
  private static final long COMPARE_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** A hint may be lost without a sign. Its effect is found after this time at the latest. */
  private static final long SHARED_COMPARE_NANOS = TimeUnit.MINUTES.toNanos(5);

  /** A fraction of what Redis does in a second. */
  public static final int DEFAULT_COMPARISONS_PER_SECOND = 5_000;

  private static final Logger log = LoggerFactory.getLogger(SessionRegistry.class);

  /** A user agent is compared because of {@link #gone} at most once in this time. */
  private static final long COMPARE_AGAIN_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final ConcurrentMap<Uaid, Registered> sessions = new ConcurrentHashMap<>();

  /** The sessions that have asked the store to settle: nearly always one, and for a moment. */
  private final ConcurrentMap<Uaid, List<Registered>> settling = new ConcurrentHashMap<>();

  /** When a user agent was last compared because of {@link #gone}; for a minute or two. */
  private final ConcurrentMap<Uaid, Long> compared = new ConcurrentHashMap<>();

  private volatile long forgotten;
  private final AtomicLong connections = new AtomicLong();
  private final VersionStore store;
  private final Sleepers sleepers;
  private final LongSupplier nanoTime;
  private final Counters counters;

  /** The only one of the store, unless this server has joined others. */
  private volatile SharedVersionStore.Node node;

  /** Whether other nodes compete for the user agents. */
  private volatile boolean shared;

  private volatile Runnable reconnected = () -> {};
  private volatile int comparisonsPerSecond = DEFAULT_COMPARISONS_PER_SECOND;

  public SessionRegistry(
      VersionStore store, Sleepers sleepers, LongSupplier nanoTime, Counters counters) {
    this.store = store;
    this.node = new UnsharedNode(store);
    this.sleepers = sleepers;
    this.nanoTime = nanoTime;
    this.forgotten = nanoTime.getAsLong();
    this.counters = counters;
  }

  /**
   * Becomes a node, if the store is one to share.
   *
   * @throws StoreException if the store cannot be reached
   */
  public void join(Duration expiry) {
    join(expiry, DEFAULT_COMPARISONS_PER_SECOND, () -> {});
  }

  /**
   * Becomes a node, if the store is one to share.
   *
   * @param comparisonsPerSecond how many to compare with the store at most when all are to be
   * @param reconnected called when hints come again that may have been lost
   * @throws StoreException if the store cannot be reached
   */
  public void join(Duration expiry, int comparisonsPerSecond, Runnable reconnected) {
    this.comparisonsPerSecond = comparisonsPerSecond;
    this.reconnected = reconnected;
    if (store instanceof SharedVersionStore several) {
      node = several.join(expiry, this);
      shared = true;
    }
  }

  /** No more hints come. What was asked of the store before is still answered. */
  public void leave() {
    node.close();
  }

  /** Asks the store on behalf of this server. */
  SharedVersionStore.Node node() {
    return node;
  }

  /** Whether a connection has to settle before it has the claim: other nodes may have it. */
  boolean isShared() {
    return shared;
  }

  /** Returns a number for a connection, which no other has had; a later one is higher. */
  long nextNumber() {
    return connections.incrementAndGet();
  }

  // User agents connect and leave

  /**
   * A user agent says hello: the session becomes the live one now, or when it has settled.
   *
   * @return false if the user agent has a newer connection here, so that this hello was stuck in
   *     the network
   */
  boolean enter(Uaid uaid, Registered session) {
    return shared ? isNewest(uaid, session) : connect(uaid, session);
  }

  /**
   * Makes {@code session} the live one of its user agent, and ends the one that was; unless that is
   * on a newer connection, for then this one says what was stuck in the network.
   *
   * @return whether it is the live one
   */
  boolean connect(Uaid uaid, Registered session) {
    Registered before = sessions.putIfAbsent(uaid, session);
    while (before != null && before != session) {
      if (before.number() > session.number()) {
        return false;
      }
      if (sessions.replace(uaid, before, session)) {
        before.takenOver();
        break;
      }
      before = sessions.putIfAbsent(uaid, session);
    }
    sleepers.remove(uaid);
    return true;
  }

  /** Whether the user agent has no connection here that is newer than this one. */
  boolean isNewest(Uaid uaid, Registered session) {
    Registered live = sessions.get(uaid);
    return live == null || live.number() <= session.number();
  }

  /**
   * The session is about to settle: from now on hints for its user agent are handed to it too. If
   * it does, {@link #connect} is next.
   */
  void settles(Uaid uaid, Registered session) {
    settling.merge(
        uaid,
        List.of(session),
        (some, more) -> Stream.concat(some.stream(), more.stream()).toList());
  }

  /** The session has settled, or cannot; returns whether it was about to. */
  boolean settlesNoMore(Uaid uaid, Registered session) {
    boolean[] found = new boolean[1];
    settling.computeIfPresent(
        uaid,
        (same, all) -> {
          List<Registered> others = all.stream().filter(one -> one != session).toList();
          found[0] = others.size() < all.size();
          return others.isEmpty() ? null : others;
        });
    return found[0];
  }

  /**
   * Forgets {@code session}, unless a newer connection has already taken its place.
   *
   * @return whether it was the live one
   */
  boolean disconnect(Uaid uaid, Registered session) {
    boolean wasSettling = settlesNoMore(uaid, session);
    boolean wasLive = sessions.remove(uaid, session);
    // A sleeping device keeps its claim: its hints must arrive at the node that can wake it.
    if ((wasLive || wasSettling) && !sleepers.isAsleep(uaid, session.number())) {
      release(uaid, session.number());
    }
    return wasLive;
  }

  private void release(Uaid uaid, long connection) {
    node.release(uaid, connection).whenComplete((done, failure) -> check("release", failure));
  }

  /** An update has met a session that has ended: its device may have fallen asleep since. */
  void publishedLate(Uaid uaid) {
    sleepers.published(uaid);
  }

  /** A connection was taken over that has ended: its device may have fallen asleep since. */
  void takenOverLate(Uaid uaid, long connection) {
    sleepers.remove(uaid, connection);
  }

  /** Whether no newer connection has taken its place here. */
  public boolean isLive(Uaid uaid, Registered session) {
    return sessions.get(uaid) == session;
  }

  /** Forgets the devices that have slept for that long. */
  public void expire(Duration age) {
    sleepers.expire(age, (uaid, sleeper) -> release(uaid, sleeper.connection()));
  }

  // Hints

  /**
   * Hands an update to the user agent's session; if there is none, wakes one that sleeps.
   *
   * <p>Either may be outdated, if the device has since connected to another node: then it gets the
   * update on both connections, or a datagram it does not need. It handles a version once.
   */
  public void deliver(Uaid uaid, Update update) {
    Registered session = sessions.get(uaid);
    if (session != null) {
      session.published(update);
    }
    deliverElsewhere(uaid, update, session);
  }

  /** The same, perhaps on the calling thread, which holds no lock. */
  public void deliverInline(Uaid uaid, Update update) {
    Registered session = sessions.get(uaid);
    if (session != null) {
      session.publishedInline(update);
    }
    deliverElsewhere(uaid, update, session);
  }

  private void deliverElsewhere(Uaid uaid, Update update, @Nullable Registered live) {
    if (live == null) {
      sleepers.published(uaid);
    }
    List<Registered> about = settling.get(uaid);
    if (about != null) {
      about.forEach(one -> one.published(update));
    }
  }

  @Override
  public void published(Uaid uaid, Update update) {
    counters.hintsReceived.increment();
    deliver(uaid, update); // the store may hold locks of its own
  }

  @Override
  public void displaced(Uaid uaid, long connection) {
    counters.hintsReceived.increment();
    Registered session = sessions.get(uaid);
    if (session != null && session.number() == connection) {
      session.takenOver();
    } else {
      sleepers.remove(uaid, connection);
    }
    settling.getOrDefault(uaid, List.of()).stream()
        .filter(one -> one.number() == connection)
        .forEach(one -> one.takenOver());
  }

  @Override
  public void gone(Uaid uaid) {
    counters.hintsReceived.increment();
    if (!mayCompareAgain(uaid)) {
      return;
    }
    counters.goneHints.increment();
    Registered session = sessions.get(uaid);
    Sleepers.Sleeper sleeper = sleepers.get(uaid);
    if (session != null) {
      session.compareAfter(0);
    } else if (sleeper != null) {
      compareSleeper(uaid, sleeper);
    }
  }

  /** An application that uses an endpoint that is gone must not keep the store comparing. */
  private boolean mayCompareAgain(Uaid uaid) {
    long now = nanoTime.getAsLong();
    boolean[] may = new boolean[1];
    compared.compute(
        uaid,
        (same, before) -> {
          may[0] = before == null || now - before >= COMPARE_AGAIN_NANOS;
          return may[0] ? (Long) now : before;
        });
    if (now - forgotten >= COMPARE_AGAIN_NANOS) {
      forgotten = now;
      compared.values().removeIf(then -> now - then >= COMPARE_AGAIN_NANOS);
    }
    return may[0];
  }

  @Override
  public void hintsLost() {
    counters.hintsLost.increment();
    try {
      reconnected.run();
    } finally {
      compareAll();
    }
  }

  @Override
  public void restored(int missing) {
    counters.storeLosses.increment();
    counters.storeRestored.add(missing);
  }

  /** Compares all that are connected or sleep here with the store, one after another. */
  public void compareAll() {
    long pause = nanosToCompareAll() / (sessions.size() + sleepers.size() + 1);
    long delay = 0;
    for (Registered session : sessions.values()) {
      compareAfter(delay, session);
      delay += pause;
    }
    // A session that is about to settle may have the claim already.
    settling.values().forEach(some -> some.forEach(session -> compareAfter(0, session)));
    sleepers.visit(pause, this::compareSleeper);
  }

  /** How long it takes to compare all without flooding the store. */
  private long nanosToCompareAll() {
    long all = (long) sessions.size() + sleepers.size();
    return Math.max(COMPARE_NANOS, all * TimeUnit.SECONDS.toNanos(1) / comparisonsPerSecond);
  }

  /**
   * When to try again to compare after the store has failed: seconds after it is back, but not all
   * together. While it is away an attempt costs next to nothing.
   */
  long nanosUntilComparedAgain() {
    long all = nanosToCompareAll();
    return all / 4 + ThreadLocalRandom.current().nextLong(all);
  }

  /**
   * How long after a comparison the next one is due: with a shared store five minutes at most, and
   * not at the same time for all who were compared together.
   *
   * @param longest for a store of one server
   */
  long nanosBetweenComparisons(Duration longest) {
    long nanos = longest.toNanos();
    if (!shared) {
      return nanos;
    }
    long half = Math.min(nanos, SHARED_COMPARE_NANOS) / 2;
    return half + ThreadLocalRandom.current().nextLong(half);
  }

  private void compareAfter(long delay, Registered session) {
    try {
      session.compareAfter(delay);
    } catch (Throwable e) { // the others are to be compared all the same
      counters.failures.report(log, "A session could not be compared with the store", e);
    }
  }

  /**
   * Compares a sleeping device, which cannot ping. That counts it as seen, but only now and then,
   * and {@link #expire} forgets it all the same.
   */
  private void compareSleeper(Uaid uaid, Sleepers.Sleeper sleeper) {
    SharedVersionStore.Node node = this.node;
    node.compare(uaid, sleeper.standing().claim())
        .whenComplete(
            (comparison, failure) -> {
              if (check("reconcile", failure)) {
                compared(node, uaid, sleeper, comparison);
              } else {
                sleepers.visitLater(nanosUntilComparedAgain(), uaid, sleeper, this::compareSleeper);
              }
            });
  }

  private void compared(
      SharedVersionStore.Node node, Uaid uaid, Sleepers.Sleeper sleeper, Comparison comparison) {
    Standing standing = sleeper.standing();
    switch (standing.judge(comparison)) {
      case AGREES -> {
        Comparison.Claimed claimed = (Comparison.Claimed) comparison;
        sleeper.standing(standing.after(claimed));
        if (!claimed.pending().isEmpty()) {
          sleepers.published(uaid);
        }
      }
      case DIFFERS -> {
        counters.digestMismatches.increment();
        if (!standing.lists()) {
          node.drop(uaid, standing.claim()).whenComplete((done, failure) -> check("drop", failure));
        }
        sleepers.published(uaid);
      }
      case SUPERSEDED -> sleepers.remove(uaid, sleeper);
      case UNKNOWN -> sleepers.published(uaid); // only a hello can report lost state
    }
  }

  private boolean check(String step, @Nullable Throwable failure) {
    if (failure != null) {
      counters.storeFailures.report(step, failure);
    }
    return failure == null;
  }
}
