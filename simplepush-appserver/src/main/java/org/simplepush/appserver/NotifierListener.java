package org.simplepush.appserver;

import java.time.Duration;

/**
 * Is called with what a {@link Notifier} does, for logs and metrics of your own; {@link
 * NotifierMetrics} needs none.
 *
 * <p>Calls come on the threads that send and that call the notifier, several at a time, in no order
 * across endpoints; for one request, {@link #onAttempt} comes before {@link #onVerdict}. They hold
 * up verdicts, so they should be short; no lock is held. What they throw is logged and otherwise
 * ignored. No event holds an endpoint; the name of its host is in some.
 *
 * @since 0.1
 */
public interface NotifierListener {
  /** A request ended, with an answer or without. */
  default void onAttempt(Attempt event) {}

  /**
   * A call got its verdict; of calls that collapsed into one request, each one. One that is {@link
   * Verdict.Accepted#stale stale} may be the sign of an endpoint that a stranger has found.
   */
  default void onVerdict(Delivered event) {}

  /** A host failed even one request at a time, and is left alone for a while. */
  default void onHostPaused(HostPaused event) {}

  /** A host that was left alone serves again. */
  default void onHostRecovered(HostRecovered event) {}

  /**
   * A request that ended.
   *
   * @param host name of the host of the endpoint
   * @param number 1 for the first request for a version, more for retries
   * @param status HTTP status; 0 if there was no complete answer, or no request because the host
   *     has addresses that are not public
   * @param took from the decision to send to the end of the answer
   * @param retried whether the version will be tried again
   */
  record Attempt(String host, int number, int status, Duration took, boolean retried) {}

  /**
   * A verdict handed over.
   *
   * @param took since the call
   */
  record Delivered(Verdict verdict, Duration took) {}

  /**
   * A host left alone.
   *
   * @param host its name
   * @param pause how long nothing is sent to it
   * @param failing how long it has been failing without a success in between
   */
  record HostPaused(String host, Duration pause, Duration failing) {}

  /**
   * A host that serves again.
   *
   * @param host its name
   * @param failed how long it had failed
   */
  record HostRecovered(String host, Duration failed) {}
}
