package org.simplepush.appserver.internal.send;

import java.time.Duration;

/**
 * Is called with what a {@link Sender} does, outside of its lock, by several threads at a time. It
 * throws nothing. It sees hosts, but no endpoint.
 */
public interface SenderListener {
  /** Whether nobody listens, so that no call need be made. */
  boolean isEmpty();

  /**
   * A request ended.
   *
   * @param number 1 for the first request for a version, more for retries
   * @param status the HTTP status, or 0 if there was none
   */
  void attemptEnded(String host, int number, int status, Duration took, boolean retried);

  /** A call has its outcome. */
  void callEnded(Outcome outcome, Duration took);

  /** A host is left alone for a while. */
  void hostPaused(String host, Duration pause, Duration failing);

  /** A host that was left alone serves again. */
  void hostRecovered(String host, Duration failed);
}
