package org.simplepush.appserver.internal.send;

import java.util.LinkedHashSet;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;

/**
 * The queue to one host, and what is known about how much the host can take.
 *
 * <p>How many requests may be on the wire follows the rule of TCP's congestion control (additive
 * increase, multiplicative decrease): one more per window of successes while the limit is what
 * holds requests back; half after a failure, once per window, because the requests that were on the
 * wire together fail together. A host that fails even one request at a time is left alone for a
 * back-off that doubles. So a host that refuses everything sees about twice the limit it had
 * earned, and from then on one request per back-off.
 *
 * <p>Not thread-safe: guarded by the lock of its {@link Sender}.
 */
final class Lane {
  static final double INITIAL_LIMIT = 8;

  /** Names a lane. Comparable, because strangers could choose names whose hashes collide. */
  record Host(String name, int port) implements Comparable<Host> {
    static Host of(HttpUrl endpoint) {
      return new Host(endpoint.host(), endpoint.port());
    }

    @Override
    public int compareTo(Host other) {
      int byName = name.compareTo(other.name);
      return byName != 0 ? byName : Integer.compare(port, other.port);
    }
  }

  final Host host;

  /** Endpoints with something to send now, longest waiting first. */
  final LinkedHashSet<Mailbox> ready = new LinkedHashSet<>();

  /** Endpoints that have a job, whether ready, backing off or on the wire. */
  int mailboxes;

  /** What these count against the most that may wait. */
  int weight;

  int onWire;

  /** Whether this lane is in the queue of lanes that could send. */
  boolean queued;

  /** While true, nothing is sent. */
  boolean paused;

  /** The host has answered since it last failed; until then its share of the sender is limited. */
  boolean proven;

  /** The latest failure since a success, null if none; {@link #failingSince} is of the first. */
  @Nullable Answer lastFailure;

  long failingSince;

  private final double maxLimit;
  private double limit;
  private int pauses;

  /** Failures of attempts up to this number are part of a failure that was counted. */
  private long countedUpTo;

  Lane(Host host, int maxLimit) {
    this.host = host;
    this.maxLimit = maxLimit;
    this.limit = Math.min(INITIAL_LIMIT, maxLimit);
  }

  /** Returns how many requests may be on the wire together; at least 1. */
  int limit() {
    return (int) limit;
  }

  boolean canSend() {
    return !paused && !ready.isEmpty() && onWire < limit();
  }

  /** Whether the host was left alone since it last succeeded. */
  boolean wasPaused() {
    return pauses > 0;
  }

  Mailbox takeReady() {
    var first = ready.iterator();
    Mailbox mailbox = first.next();
    first.remove();
    return mailbox;
  }

  /**
   * Notes that the host served a request.
   *
   * @param atLimit whether the limit held other requests back when this one began
   */
  void succeeded(boolean atLimit) {
    proven = true;
    pauses = 0;
    lastFailure = null;
    if (atLimit) {
      limit = Math.min(maxLimit, limit + 1 / limit);
    }
  }

  /**
   * Notes that the host failed to serve a request.
   *
   * @param attempt the number of the failed attempt
   * @param latest the number of the latest attempt of all
   * @return 0, or how many pauses in a row there have been with the one that is due now
   */
  int failed(Answer answer, long attempt, long latest, long now) {
    proven = false;
    if (lastFailure == null) {
      failingSince = now;
    }
    lastFailure = answer;
    if (attempt <= countedUpTo) {
      return 0;
    }
    countedUpTo = latest;
    if (limit() > 1) {
      limit = Math.max(1, limit / 2);
      return 0;
    }
    return ++pauses;
  }
}
