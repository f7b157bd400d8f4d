package org.simplepush.appserver.internal.send;

import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.Time;

/**
 * The requests on the wire, and how long each may take. Those to hosts that are not proven are kept
 * apart, and may be half of all at most, so that however many hosts do not answer, the others keep
 * the other half.
 *
 * <p>While others wait for their turn, requests have less time, so that hosts that hold requests
 * without end hold nobody up for long: the longest are given up, and tried again later.
 *
 * <p>Not thread-safe: guarded by the lock of its {@link Sender}.
 */
final class OnWire {
  /** The shortest time that a request has, if its timeout is longer, however many others wait. */
  private static final Duration MIN_PATIENCE = Duration.ofSeconds(1);

  private final int max;
  private final long requestTimeout;
  private final long provenPatience;
  private final long unprovenPatience;
  private final Lanes lanes;
  private final Time time;
  private final Runnable timerFired;

  /** The longest under way first. */
  private final LinkedHashSet<Attempt> proven = new LinkedHashSet<>();

  private final LinkedHashSet<Attempt> unproven = new LinkedHashSet<>();

  /** Fires when the next request has taken too long. */
  private Time.@Nullable Timer timer;

  private long timerDue;

  /**
   * Creates a wire without requests.
   *
   * @param timerFired takes the lock, calls {@link #timerIsOver} and gives up what is late
   */
  OnWire(int max, Duration requestTimeout, Lanes lanes, Time time, Runnable timerFired) {
    this.max = max;
    this.requestTimeout = requestTimeout.toNanos();
    this.provenPatience = patience(this.requestTimeout, 3);
    this.unprovenPatience = patience(this.requestTimeout, 10);
    this.lanes = lanes;
    this.time = time;
    this.timerFired = timerFired;
  }

  private static long patience(long timeout, int part) {
    return Math.min(timeout, Math.max(timeout / part, MIN_PATIENCE.toNanos()));
  }

  int size() {
    return proven.size() + unproven.size();
  }

  boolean hasRoom() {
    return size() < max;
  }

  boolean hasRoomForUnproven() {
    return unproven.size() < Math.max(1, max / 2);
  }

  void add(Attempt attempt) {
    attempts(attempt).add(attempt);
  }

  /** Returns false if it was not there, because it was given up. */
  boolean remove(Attempt attempt) {
    return attempts(attempt).remove(attempt);
  }

  private Set<Attempt> attempts(Attempt attempt) {
    return attempt.onProbation ? unproven : proven;
  }

  /** Sets the timer to when the next request has taken too long. */
  void setTimer() {
    if (size() == 0) {
      return; // a timer that runs finds nothing to do
    }
    long now = time.nanos();
    long left = Math.min(left(proven, provenLimit(), now), left(unproven, unprovenLimit(), now));
    if (timer != null) {
      if (timerDue - now <= left) {
        return;
      }
      timer.cancel();
      timer = null;
    }
    timerDue = now + left;
    timer = time.after(Duration.ofNanos(Math.max(0, left)), timerFired);
  }

  /** The timer has fired. */
  void timerIsOver() {
    timer = null;
  }

  /** Returns a request that has taken too long, or null. */
  @Nullable Attempt late(long now) {
    if (left(proven, provenLimit(), now) <= 0) {
      return proven.iterator().next();
    }
    if (left(unproven, unprovenLimit(), now) <= 0) {
      return unproven.iterator().next();
    }
    return null;
  }

  /** Returns how long the longest request may still take; much if there is none. */
  private static long left(Set<Attempt> attempts, long limit, long now) {
    return attempts.isEmpty() ? Long.MAX_VALUE : attempts.iterator().next().begun - now + limit;
  }

  private long provenLimit() {
    boolean contended =
        !hasRoom() && (lanes.provenWait() || (hasRoomForUnproven() && lanes.unprovenWait()));
    return contended ? provenPatience : requestTimeout;
  }

  private long unprovenLimit() {
    boolean contended = (!hasRoomForUnproven() || !hasRoom()) && lanes.unprovenWait();
    return contended ? unprovenPatience : requestTimeout;
  }
}
