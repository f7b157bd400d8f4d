package org.simplepush.appserver.internal.outbox;

import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.Consumer;
import org.simplepush.appserver.internal.Faults;
import org.simplepush.appserver.internal.jdbc.OutboxTable;
import org.simplepush.appserver.internal.jdbc.OutboxTable.Row;
import org.simplepush.appserver.internal.send.Outcome;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends rows, and deletes those that are settled: that have an outcome other than a failure, or
 * fail when they are too old. Thread-safe.
 */
final class RowSender {
  private static final Logger log = LoggerFactory.getLogger(RowSender.class);

  /** Publishes a version and calls back once. */
  interface Publish {
    void publish(URI endpoint, long version, Consumer<Outcome> sink);
  }

  private final OutboxTable table;
  private final RowsOnTheWay rows;
  private final Duration keep;
  private final InstantSource clock;
  private final Runnable rowDone;

  /**
   * Creates a sender.
   *
   * @param keep how long after its last change a row may fail and stay
   * @param rowDone runs whenever a row is no longer on its way
   */
  RowSender(
      OutboxTable table, RowsOnTheWay rows, Duration keep, InstantSource clock, Runnable rowDone) {
    this.table = table;
    this.rows = rows;
    this.keep = keep;
    this.clock = clock;
    this.rowDone = rowDone;
  }

  /** Sends a row, and hands its outcome to {@code sink} when the row is settled or stays. */
  void send(Row row, Publish publish, Consumer<Outcome> sink) {
    rows.add(row);
    boolean submitted = false;
    try {
      publish.publish(
          row.endpoint(),
          row.version(),
          outcome -> {
            Outcome settled = settle(row, outcome);
            Faults.contain(log, "The outbox could not go on", () -> done(row));
            sink.accept(settled);
          });
      submitted = true;
    } finally {
      if (!submitted) {
        done(row);
      }
    }
  }

  private void done(Row row) {
    rows.remove(row);
    rowDone.run();
  }

  /**
   * Returns what to call the listener with. Throws nothing: then the row stays, and is sent again.
   */
  private Outcome settle(Row row, Outcome outcome) {
    try {
      if (outcome instanceof Outcome.Failed) {
        // Dropped only after a try, however old it is: a clock that jumps must not lose a version.
        if (clock.millis() - row.changedAt() < keep.toMillis()) {
          return outcome; // stays
        }
        log.warn("A version that could not be sent for {} is dropped", keep);
      }
      boolean deleted = table.delete(row);
      if (!deleted && outcome instanceof Outcome.Accepted) {
        // The row has changed or is gone. So if the endpoint has a higher version, that may be a
        // newer one of ours, which has an outcome of its own.
        return new Outcome.Accepted();
      }
    } catch (RuntimeException | Error e) { // a pool may throw anything
      Faults.warn(log, "A version that was sent stays in the outbox, and will be sent again", e);
    }
    return outcome;
  }
}
