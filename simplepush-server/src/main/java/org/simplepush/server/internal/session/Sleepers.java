package org.simplepush.server.internal.session;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.Uaid;
import org.simplepush.server.internal.Counters;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which user agents sleep, and when to send whom a datagram (protocol §9). Soft state: what is lost
 * with it a device finds out at its next hello. Safe for use by many threads.
 *
 * <p>A user agent enters before its session leaves the registry, and leaves when it is connected
 * again. So a publisher finds the session, or else the sleeper.
 */
public final class Sleepers {
  /** What sends and keeps time. */
  public interface Waker {
    /** Sends one small datagram, or loses it; never waits. */
    void send(InetSocketAddress to);

    /** Runs a task later. */
    void schedule(long delayNanos, Runnable task);
  }

  /** A user agent that sleeps, or is about to. */
  static final class Sleeper {
    private final InetSocketAddress address;

    /** Of the connection it had. */
    private volatile Standing standing;

    private final long since;

    /** Whether it is being woken: a task for the next datagram is scheduled. Guarded by this. */
    private boolean waking;

    /** Datagrams sent since it is being woken. Guarded by this. */
    private int sent;

    private Sleeper(InetSocketAddress address, Standing standing, long since) {
      this.address = address;
      this.standing = standing;
      this.since = since;
    }

    Standing standing() {
      return standing;
    }

    void standing(Standing changed) {
      standing = changed;
    }

    /** The {@linkplain Registered#number number} of the connection it had. */
    long connection() {
      return standing.claim().connection();
    }
  }

  private static final Logger log = LoggerFactory.getLogger(Sleepers.class);

  private final @Nullable WakeUpSettings settings;
  private final Waker waker;
  private final LongSupplier nanoTime;
  private final Counters counters;
  private final ConcurrentMap<Uaid, Sleeper> sleepers = new ConcurrentHashMap<>();

  /**
   * When each address was last sent to, if less than an interval ago; the eldest first. By address,
   * so that a thousand user agents that claim the same one do not share a thousand permits. Guarded
   * by itself.
   */
  private final Map<InetSocketAddress, Long> lastSent = new LinkedHashMap<>();

  /**
   * @param settings null if no device may sleep
   */
  public Sleepers(
      @Nullable WakeUpSettings settings, Waker waker, LongSupplier nanoTime, Counters counters) {
    this.settings = settings;
    this.waker = waker;
    this.nanoTime = nanoTime;
    this.counters = counters;
  }

  private WakeUpSettings settings() {
    if (settings == null) {
      throw new IllegalStateException("no device may sleep");
    }
    return settings;
  }

  /** Returns where the device can be woken, or null if it has to stay connected. */
  @Nullable InetSocketAddress permitted(ClientMessage.Hello hello) {
    return settings == null || isFull() ? null : settings.permitted(hello);
  }

  private boolean isFull() {
    return sleepers.size() >= settings().maxSleeping();
  }

  long quietNanos() {
    return settings().quietTime().toNanos();
  }

  /**
   * A user agent falls asleep; returns null if it may not, because too many do already.
   *
   * @param standing of the connection it had
   */
  @Nullable Sleeper add(Uaid uaid, InetSocketAddress address, Standing standing) {
    if (isFull()) {
      return null;
    }
    Sleeper sleeper = new Sleeper(address, standing, nanoTime.getAsLong());
    if (sleepers.put(uaid, sleeper) == null) {
      counters.sleeping.increment();
    }
    return sleeper;
  }

  /** A user agent has connected: it is no longer to be woken. */
  void remove(Uaid uaid) {
    if (sleepers.remove(uaid) != null) {
      counters.sleeping.decrement();
    }
  }

  /** A user agent does not fall asleep after all; another sleeper of the same UAID stays. */
  void remove(Uaid uaid, Sleeper sleeper) {
    if (sleepers.remove(uaid, sleeper)) {
      counters.sleeping.decrement();
    }
  }

  /** The user agent has connected elsewhere since it had this connection. */
  void remove(Uaid uaid, long connection) {
    Sleeper sleeper = sleepers.get(uaid);
    if (sleeper != null && sleeper.connection() == connection) {
      remove(uaid, sleeper);
    }
  }

  /** Whether a user agent sleeps, or is about to, since it had this connection. */
  boolean isAsleep(Uaid uaid, long connection) {
    Sleeper sleeper = sleepers.get(uaid);
    return sleeper != null && sleeper.connection() == connection;
  }

  @Nullable Sleeper get(Uaid uaid) {
    return sleepers.get(uaid);
  }

  int size() {
    return sleepers.size();
  }

  /** What is to be done about a user agent that sleeps. */
  interface Visitor {
    void visit(Uaid uaid, Sleeper sleeper);
  }

  /** Visits all that sleep, the first immediately and each other a pause later. */
  void visit(long pauseNanos, Visitor visitor) {
    visitNext(sleepers.entrySet().iterator(), pauseNanos, visitor);
  }

  private void visitNext(
      Iterator<Map.Entry<Uaid, Sleeper>> rest, long pauseNanos, Visitor visitor) {
    if (rest.hasNext()) {
      Map.Entry<Uaid, Sleeper> next = rest.next();
      visit(next.getKey(), next.getValue(), visitor);
      waker.schedule(pauseNanos, () -> visitNext(rest, pauseNanos, visitor));
    }
  }

  /** Shows one of them after a while, if it is still asleep then. */
  void visitLater(long nanos, Uaid uaid, Sleeper sleeper, Visitor visitor) {
    waker.schedule(
        nanos,
        () -> {
          if (sleepers.get(uaid) == sleeper) {
            visit(uaid, sleeper, visitor);
          }
        });
  }

  /** Whatever happens to that one, the others are next. */
  private void visit(Uaid uaid, Sleeper sleeper, Visitor visitor) {
    try {
      visitor.visit(uaid, sleeper);
    } catch (Throwable e) {
      counters.failures.report(log, "A sleeping device could not be looked after", e);
    }
  }

  /** Forgets those that have slept for that long, and visits each. */
  void expire(Duration age, Visitor forgotten) {
    long now = nanoTime.getAsLong();
    sleepers.forEach(
        (uaid, sleeper) -> {
          if (now - sleeper.since >= age.toNanos()) {
            remove(uaid, sleeper);
            visit(uaid, sleeper, forgotten);
          }
        });
  }

  /** There is news for a user agent that is not connected: wakes it if it sleeps. */
  void published(Uaid uaid) {
    Sleeper sleeper = sleepers.get(uaid);
    if (sleeper == null) {
      return;
    }
    synchronized (sleeper) {
      if (sleeper.waking) {
        // Perhaps it can be reached by now: no need to wait for a break that has grown long.
        if (nanosUntilPermitted(sleeper.address) == 0) {
          send(sleeper.address);
        }
        return;
      }
      sleeper.waking = true;
      sleeper.sent = 0;
    }
    wake(uaid, sleeper);
  }

  private void wake(Uaid uaid, Sleeper sleeper) {
    synchronized (sleeper) {
      if (sleepers.get(uaid) != sleeper) {
        return;
      }
      long wait = nanosUntilPermitted(sleeper.address);
      if (wait == 0) {
        send(sleeper.address);
        sleeper.sent++;
        if (sleeper.sent >= settings().attempts()) {
          sleeper.waking = false;
          return;
        }
        wait = breakAfter(sleeper.sent);
      }
      waker.schedule(wait, () -> wake(uaid, sleeper));
    }
  }

  /** Doubles with each datagram. */
  private long breakAfter(int sent) {
    long interval = settings().interval().toNanos();
    return interval << Math.min(sent - 1, Long.numberOfLeadingZeros(interval) - 1);
  }

  private void send(InetSocketAddress address) {
    counters.wakeUpsSent.increment();
    waker.send(address);
  }

  /** Returns 0 if a datagram may be sent, which is then counted, or how long to wait. */
  private long nanosUntilPermitted(InetSocketAddress address) {
    long now = nanoTime.getAsLong();
    long interval = settings().interval().toNanos();
    synchronized (lastSent) {
      Iterator<Long> eldestFirst = lastSent.values().iterator();
      while (eldestFirst.hasNext() && now - eldestFirst.next() >= interval) {
        eldestFirst.remove();
      }
      Long last = lastSent.putIfAbsent(address, now);
      return last == null ? 0 : interval - (now - last);
    }
  }
}
