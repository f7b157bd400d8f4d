package org.simplepush.server.internal.net;

import java.util.Arrays;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.internal.session.Wire;

/**
 * The timers of a connection: those of its session, and its own. They share one timer of the loop,
 * which is set for the first of them. Confined to that loop.
 */
final class Alarms implements Runnable {
  private static final Wire.Timer[] SESSION = Wire.Timer.values();

  /** The connection's own timer, behind those of the session. */
  private static final int OWN = SESSION.length;

  private static final long NEVER = Long.MIN_VALUE;

  private final Connection connection;

  /** When each runs out, {@link #NEVER} if it was not started. */
  private final long[] dueAt = new long[OWN + 1];

  private EventLoop.@Nullable Timer set;

  Alarms(Connection connection) {
    this.connection = connection;
    Arrays.fill(dueAt, NEVER);
  }

  /** Returns a little less, by chance, so that what came together does not act together. */
  static long spread(long nanos) {
    return nanos - ThreadLocalRandom.current().nextLong(nanos / 10 + 1);
  }

  /** Starts a timer of the session, also one that runs: then it runs out later. */
  void start(Wire.Timer timer, long delayNanos) {
    start(index(timer), delayNanos);
  }

  /** Starts the connection's own timer. */
  void startOwn(long delayNanos) {
    start(OWN, delayNanos);
  }

  /** Stops the connection's own timer. */
  void stopOwn() {
    dueAt[OWN] = NEVER;
  }

  /** Stops all. */
  void cancel() {
    if (set != null) {
      connection.loop.cancel(set);
    }
  }

  private void start(int timer, long delayNanos) {
    if (connection.isClosed()) {
      return; // the loop would keep this connection alive until then
    }
    long due = System.nanoTime() + delayNanos;
    dueAt[timer] = due;
    if (set == null || due - set.dueAt() < 0) {
      set(delayNanos);
    }
  }

  private void set(long delayNanos) {
    EventLoop.Timer before = set;
    set = connection.loop.schedule(Math.max(0, delayNanos), this);
    if (before != null) {
      connection.loop.cancel(before);
    }
  }

  /** The loop's timer has run out. */
  @Override
  public void run() {
    connection.run(this::ring);
  }

  private void ring() {
    set = null;
    for (Wire.Timer timer : SESSION) {
      if (isDue(index(timer))) {
        connection.onTimer(timer);
      }
    }
    if (isDue(OWN)) {
      connection.onOwnTimer();
    }
    if (!connection.isClosed()) {
      setForTheNext();
    }
  }

  private void setForTheNext() {
    long next = NEVER;
    for (long due : dueAt) {
      if (due != NEVER && (next == NEVER || due - next < 0)) {
        next = due;
      }
    }
    if (next != NEVER) {
      set(next - System.nanoTime());
    }
  }

  /** Tells whether a timer has run out; if so it is over. */
  private boolean isDue(int timer) {
    if (dueAt[timer] == NEVER || dueAt[timer] - System.nanoTime() > 0) {
      return false;
    }
    dueAt[timer] = NEVER;
    return true;
  }

  /** An array of times is the least that several timers a connection can cost. */
  @SuppressWarnings("EnumOrdinal")
  private static int index(Wire.Timer timer) {
    return timer.ordinal();
  }
}
