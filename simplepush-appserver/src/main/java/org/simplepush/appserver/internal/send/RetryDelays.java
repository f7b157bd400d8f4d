package org.simplepush.appserver.internal.send;

import java.time.Duration;
import java.util.random.RandomGenerator;
import org.simplepush.core.internal.Backoff;

/**
 * How long to wait after a failure.
 *
 * @param maxRetryAfter a push server that asks for a longer wait is asked again after this
 */
record RetryDelays(Backoff backoff, Duration maxRetryAfter, RandomGenerator random) {
  /**
   * Returns the back-off, or what the push server asked for plus a little if that is longer. The
   * little differs from one retry to the next, so that requests that were sent away together do not
   * come back together.
   */
  Duration after(Answer answer, int failures) {
    Duration backOff = backoff.delay(failures, random);
    if (answer instanceof Answer.Status status && status.retryAfter() != null) {
      Duration asked = status.retryAfter();
      Duration spread = backoff.delay(1, random);
      Duration obeyed = (asked.compareTo(maxRetryAfter) < 0 ? asked : maxRetryAfter).plus(spread);
      return obeyed.compareTo(backOff) > 0 ? obeyed : backOff;
    }
    return backOff;
  }
}
