package org.simplepush.server;

import java.time.Duration;

/** The intervals and limits of a server; each is explained at its setter in the builder. */
record ServerSettings(
    Duration helloTimeout,
    Duration pingMinInterval,
    Duration redeliveryInterval,
    Duration probeInterval,
    Duration expiry,
    int maxChannelsPerUserAgent,
    int maxMessageLength,
    int maxConnections) {

  /** How often a session compares with the store, which also keeps its user agent from expiring. */
  Duration reconcileInterval() {
    Duration third = expiry.dividedBy(3);
    return third.compareTo(probeInterval) < 0 ? third : probeInterval;
  }
}
