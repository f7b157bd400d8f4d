package org.simplepush.server;

import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who is connected here. Soft state: the store is the truth. Safe for use by many threads.
 *
 * <p>If several servers share the store, this one is a node of them: whoever connects or sleeps
 * here is claimed in the store, and words of what happens elsewhere are heard here.
 */
final class SessionRegistry implements SharedVersionStore.Listener {
  /**
   * After lost words everybody is compared with the store, over this time or over more: no more
   * than so many in a second.
   */
  private static final long COMPARE_NANOS = TimeUnit.SECONDS.toNanos(5);

  /** What others do to a shared store may be missed without a sign, but not for longer. */
  private static final long SHARED_COMPARE_NANOS = TimeUnit.MINUTES.toNanos(5);

  /** A fraction of what Redis does in a second. */
  static final int DEFAULT_COMPARISONS_PER_SECOND = 5_000;

  private static final Logger log = LoggerFactory.getLogger(SessionRegistry.class);

  private final ConcurrentMap<Uaid, Session> sessions = new ConcurrentHashMap<>();
  private final AtomicLong connections = new AtomicLong();
  private final VersionStore store;
  private final Sleepers sleepers;
  private final Counters counters;

  /** Null before this server has joined, and for ever if it is alone. */
  private volatile SharedVersionStore.@Nullable Node node;

  private volatile Runnable reconnected = () -> {};
  private volatile int comparisonsPerSecond = DEFAULT_COMPARISONS_PER_SECOND;

  SessionRegistry(VersionStore store, Sleepers sleepers, Counters counters) {
    this.store = store;
    this.sleepers = sleepers;
    this.counters = counters;
  }

  /**
   * Becomes a node, if the store is one to share.
   *
   * @throws StoreException if the store cannot be reached
   */
  void join(Duration expiry) {
    join(expiry, DEFAULT_COMPARISONS_PER_SECOND, () -> {});
  }

  /**
   * Becomes a node, if the store is one to share.
   *
   * @param comparisonsPerSecond how many to compare with the store at most when all are to be
   * @param reconnected called when words come again that may have been lost
   * @throws StoreException if the store cannot be reached
   */
  void join(Duration expiry, int comparisonsPerSecond, Runnable reconnected) {
    this.comparisonsPerSecond = comparisonsPerSecond;
    this.reconnected = reconnected;
    if (store instanceof SharedVersionStore shared) {
      node = shared.join(expiry, this);
    }
  }

  /** Hears no more words. */
  void leave() {
    SharedVersionStore.Node leaving = node;
    node = null;
    if (leaving != null) {
      leaving.close();
    }
  }

  /** Returns a number for a connection, which no other has had. */
  long nextNumber() {
    return connections.incrementAndGet();
  }

  // Who comes and goes

  /**
   * Makes {@code session} the live one of its user agent; the newest connection wins.
   *
   * @return what has to succeed before the device may be greeted; null if nothing has to
   */
  @Nullable CompletionStage<Void> connect(Uaid uaid, Session session) {
    SharedVersionStore.Node node = this.node;
    CompletionStage<Void> claimed = null;
    Session displaced;
    if (node == null) {
      displaced = sessions.put(uaid, session);
    } else {
      AtomicReference<@Nullable Session> earlier = new AtomicReference<>();
      AtomicReference<@Nullable CompletionStage<Void>> claim = new AtomicReference<>();
      // Claimed under the map's lock: claims of connections that come together reach the store in
      // the order of the map, so both agree on which is the newest.
      sessions.compute(
          uaid,
          (same, other) -> {
            earlier.set(other);
            claim.set(node.claim(uaid, session.number()));
            return session;
          });
      displaced = earlier.get();
      claimed = claim.get();
    }
    if (displaced != null && displaced != session) {
      displaced.takenOver(uaid);
    }
    sleepers.remove(uaid);
    return claimed;
  }

  /** Forgets {@code session}, unless a newer connection has already taken its place. */
  void disconnect(Uaid uaid, Session session) {
    // Who sleeps keeps its claim: words come to the node that can wake it.
    if (sessions.remove(uaid, session) && !sleepers.isAsleep(uaid, session.number())) {
      release(uaid, session.number());
    }
  }

  private void release(Uaid uaid, long connection) {
    SharedVersionStore.Node node = this.node;
    if (node != null) {
      node.release(uaid, connection).whenComplete((done, failure) -> check("release", failure));
    }
  }

  /** Whether no newer connection has taken its place here. */
  boolean isLive(Uaid uaid, Session session) {
    return sessions.get(uaid) == session;
  }

  /**
   * Makes sure that words for a connection come here; if a newer one was claimed elsewhere, the
   * session is told. To be asked before what is pending: words that came before are in that answer.
   */
  void confirm(Uaid uaid, Session session) {
    SharedVersionStore.Node node = this.node;
    if (node != null) {
      node.confirm(uaid, session.number())
          .whenComplete(
              (ours, failure) -> {
                // A store that cannot be asked is no reason to close a connection.
                if (check("confirm", failure) && !ours) {
                  session.takenOver(uaid);
                }
              });
    }
  }

  /** Forgets whoever has slept for so long. */
  void expire(Duration age) {
    sleepers.expire(age, this::release);
  }

  // Words

  /**
   * Hands an update to the user agent's session; if there is none, wakes one that sleeps.
   *
   * <p>Either may be outdated, if the device has meanwhile connected to another node: then it gets
   * the update on both connections, or a datagram it does not need. It handles a version once.
   *
   * @param here whether the calling thread, which then holds no lock, may do the session's work
   */
  void deliver(Uaid uaid, Update update, boolean here) {
    Session session = sessions.get(uaid);
    if (session != null) {
      session.published(uaid, update, here);
    } else {
      sleepers.published(uaid);
    }
  }

  @Override
  public void published(Uaid uaid, Update update) {
    counters.wordsHeard.increment();
    deliver(uaid, update, false); // the store may hold locks of its own
  }

  @Override
  public void displaced(Uaid uaid, long connection) {
    counters.wordsHeard.increment();
    Session session = sessions.get(uaid);
    if (session != null && session.number() == connection) {
      session.takenOver(uaid);
    } else {
      sleepers.remove(uaid, connection);
    }
  }

  @Override
  public void wordsLost() {
    counters.wordsLost.increment();
    try {
      reconnected.run();
    } finally {
      compareEverybody();
    }
  }

  /** Has everybody connected or asleep here compared with the store, one after another. */
  void compareEverybody() {
    long pause = nanosToCompareAll() / (sessions.size() + sleepers.size() + 1);
    long delay = 0;
    for (Session session : sessions.values()) {
      try {
        session.wordsLost(delay);
      } catch (Throwable e) { // the others are to be compared all the same
        counters.failures.report(log, "A session could not be compared with the store", e);
      }
      delay += pause;
    }
    sleepers.visit(pause, this::compareSleeper);
  }

  /** How long it takes to compare everybody without flooding the store. */
  private long nanosToCompareAll() {
    long everybody = (long) sessions.size() + sleepers.size();
    return Math.max(COMPARE_NANOS, everybody * TimeUnit.SECONDS.toNanos(1) / comparisonsPerSecond);
  }

  /**
   * When to try again to compare after the store has failed: seconds after it is back, but not all
   * at once. While it is away an attempt costs next to nothing.
   */
  long nanosUntilComparedAgain() {
    long all = nanosToCompareAll();
    return all / 4 + ThreadLocalRandom.current().nextLong(all);
  }

  /**
   * How long after a comparison the next one is due: with a shared store five minutes at most, and
   * not at the same time for all who were compared together.
   *
   * @param longest for a store that nobody else changes
   */
  long nanosBetweenComparisons(Duration longest) {
    long nanos = longest.toNanos();
    if (node == null) {
      return nanos;
    }
    long half = Math.min(nanos, SHARED_COMPARE_NANOS) / 2;
    return half + ThreadLocalRandom.current().nextLong(half);
  }

  /**
   * A device that sleeps cannot ask: asks for it. That counts it as seen, but only now and then,
   * and {@link #expire} forgets it all the same.
   */
  private void compareSleeper(Uaid uaid, long connection) {
    SharedVersionStore.Node node = this.node;
    if (node == null) {
      return;
    }
    node.confirm(uaid, connection)
        .whenComplete(
            (ours, failure) -> {
              if (check("confirm", failure) && !ours) {
                sleepers.remove(uaid, connection);
              }
            });
    store
        .pending(uaid)
        .whenComplete(
            (pending, failure) -> {
              // One the store does not know has to say hello, to learn that.
              if (check("reconcile", failure) && (pending.isEmpty() || !pending.get().isEmpty())) {
                sleepers.published(uaid);
              }
            });
  }

  private boolean check(String step, @Nullable Throwable failure) {
    if (failure != null) {
      counters.storeFailures.report(step, failure);
    }
    return failure == null;
  }
}
