package org.simplepush.appserver.internal.outbox;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.Time;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs what goes wrong in sweeps, but not the same in full each time. Thread-safe. */
final class SweepLog {
  private static final Logger log = LoggerFactory.getLogger(SweepLog.class);

  /** How long after a line about rows that cannot be read there is no other. */
  private static final Duration SILENCE = Duration.ofHours(1);

  private final Time time;

  // Guarded by this.
  private @Nullable String lastFailure;
  private boolean hasLoggedUnreadable;
  private long loggedUnreadableAt;

  SweepLog(Time time) {
    this.time = time;
  }

  /**
   * A sweep has ended.
   *
   * @param failure why it ended before the last row; null if it did not
   */
  synchronized void ended(@Nullable Throwable failure) {
    if (failure == null) {
      lastFailure = null;
      return;
    }
    String text = failure.toString();
    if (text.equals(lastFailure)) {
      log.warn("The outbox still could not be read; trying again later: {}", failure.getMessage());
    } else {
      log.warn("The outbox could not be read; trying again later", failure);
    }
    lastFailure = text;
  }

  /**
   * Some rows could not be read.
   *
   * @param first why the first could not
   */
  synchronized void unreadable(int rows, @Nullable String first) {
    if (rows == 0
        || (hasLoggedUnreadable && time.nanos() - loggedUnreadableAt < SILENCE.toNanos())) {
      return;
    }
    hasLoggedUnreadable = true;
    loggedUnreadableAt = time.nanos();
    log.warn(
        "{} of the rows of the outbox cannot be read and stay, the others are sent. The first: {}",
        rows,
        first);
  }
}
