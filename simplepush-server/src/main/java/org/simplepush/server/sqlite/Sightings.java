package org.simplepush.server.sqlite;

import java.util.HashMap;
import java.util.Map;
import org.simplepush.core.Uaid;

/**
 * When user agents were seen since that was last written down. A device that is busy shows itself
 * many times a second, and nobody waits for this to be durable: so it is collected here and written
 * with some later commit, once a user agent. Also, who is to be gone because of not being seen.
 * Used by the writer only; outlives a database that is opened anew.
 */
final class Sightings {
  /** So many are worth a write; they take about half a megabyte. */
  private static final int MANY = 4096;

  /** What a crash may make the store forget. */
  static final long MAX_AGE_MILLIS = 60_000;

  /** After a write that failed, perhaps because the disk is full. */
  private static final long RETRY_MILLIS = 1_000;

  private Map<Uaid, Long> unwritten = new HashMap<>();

  /** Settled by the transaction under way, be it written or dropped, so perhaps in vain. */
  private Map<Uaid, Long> settled = new HashMap<>();

  private long lastAttempt;

  /** See {@link #condemn}. */
  private long expiredUpTo;

  private boolean expiring;

  /** Whether the transaction under way has carried it out, so perhaps in vain. */
  private boolean carriedOut;

  /** Whether the last attempt to write failed, so that the next comes soon. */
  private boolean failed;

  void add(Uaid uaid, long now) {
    if (unwritten.isEmpty() && settled.isEmpty()) {
      lastAttempt = Math.max(lastAttempt, now); // the eldest one's age counts from here
    }
    unwritten.put(uaid, now);
  }

  /** Returns when the user agent was seen, if later than {@code stored}, else that. */
  long latest(Uaid uaid, long stored) {
    Long seen = unwritten.get(uaid);
    return seen == null ? stored : Math.max(seen, stored);
  }

  /**
   * Whoever was last seen at this time or before it is to be gone, and is treated so although the
   * tables may still hold them.
   */
  void condemn(long upTo) {
    expiredUpTo = expiring ? Math.max(expiredUpTo, upTo) : upTo;
    expiring = true;
  }

  /** The tables hold nobody who is to be gone. */
  void carriedOut() {
    carriedOut = expiring;
    expiring = false;
  }

  boolean isExpiring() {
    return expiring;
  }

  long expiredUpTo() {
    return expiredUpTo;
  }

  void forget(Uaid uaid) {
    Long seen = unwritten.remove(uaid);
    if (seen != null) {
      settled.put(uaid, seen);
    }
  }

  boolean isEmpty() {
    return unwritten.isEmpty();
  }

  boolean isDue(long now) {
    long age = now - lastAttempt;
    return !unwritten.isEmpty()
        && (age >= MAX_AGE_MILLIS || ((failed || unwritten.size() >= MANY) && age >= RETRY_MILLIS));
  }

  /** Returns all, to be written in the transaction under way. */
  Map<Uaid, Long> take(long now) {
    lastAttempt = now;
    Map<Uaid, Long> taken = unwritten;
    settled.putAll(taken);
    unwritten = new HashMap<>();
    return taken;
  }

  void committed() {
    failed &= !unwritten.isEmpty();
    end();
  }

  /** Nothing of what the transaction settled has happened. */
  void rolledBack() {
    failed |= !settled.isEmpty();
    settled.forEach((uaid, seen) -> unwritten.merge(uaid, seen, Math::max));
    expiring |= carriedOut;
    end();
  }

  private void end() {
    settled = new HashMap<>();
    carriedOut = false;
  }
}
