package org.simplepush.appserver;

import java.net.URI;

/**
 * Is called with each verdict of a {@link Notifier#publishAll publishAll}, or of an {@link Outbox},
 * as it comes.
 *
 * <p>Calls come one at a time, in any order, each after the one before has returned, on threads of
 * the notifier or on one that publishes. That holds for each {@code publishAll} and each outbox: a
 * listener of several may be called by several at a time. Of a {@code publishAll}, the last call
 * returns before the future completes. While a call blocks, verdicts wait, and a {@code publishAll}
 * or a sweep of an outbox stops sending when enough of them do. What it throws is logged and
 * otherwise ignored. It may close the notifier and the outbox.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface VerdictListener {
  /**
   * An endpoint got its verdict.
   *
   * @param endpoint as it was handed in; a secret
   */
  void onVerdict(URI endpoint, Verdict verdict);
}
