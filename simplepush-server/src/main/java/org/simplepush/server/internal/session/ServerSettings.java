package org.simplepush.server.internal.session;

import java.time.Duration;

/** The intervals and limits of a server; each is explained at its setter in the builder. */
public record ServerSettings(
    Duration helloTimeout,
    Duration pingMinInterval,
    Duration redeliveryInterval,
    Duration probeInterval,
    Duration expiry,
    int maxChannelsPerUserAgent,
    int maxMessageLength) {

  /** A user agent without a channel is not worth keeping for long (protocol §10). */
  private static final Duration EMPTY_EXPIRY = Duration.ofHours(1);

  /** In time for a connected device to be seen before that, even if the store fails once. */
  private static final Duration LONGEST_RECONCILE_INTERVAL = Duration.ofMinutes(40);

  /** After how long a user agent that has no channel and was not seen is dropped. */
  public Duration emptyExpiry() {
    return shorter(expiry, EMPTY_EXPIRY);
  }

  /** How often a session compares with the store, which also keeps its user agent from expiring. */
  public Duration reconcileInterval() {
    return shorter(shorter(expiry.dividedBy(3), probeInterval), LONGEST_RECONCILE_INTERVAL);
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }
}
