package org.simplepush.appserver.internal.outbox;

import java.net.URI;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.simplepush.appserver.internal.EndpointText;
import org.simplepush.appserver.internal.Faults;
import org.simplepush.appserver.internal.Time;
import org.simplepush.appserver.internal.Versions;
import org.simplepush.appserver.internal.jdbc.OutboxTable;
import org.simplepush.appserver.internal.jdbc.OutboxTable.Row;
import org.simplepush.appserver.internal.send.Outcome;
import org.simplepush.appserver.internal.send.OutcomeQueue;
import org.simplepush.appserver.internal.send.Publisher;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts versions into the table of an outbox, and sends what is there until it is settled.
 * Thread-safe.
 */
public final class OutboxSender {
  private static final Logger log = LoggerFactory.getLogger(OutboxSender.class);

  /**
   * How it behaves.
   *
   * @param sweepInterval how long after all rows were tried those that failed are tried again
   * @param keep how long after its last change a row may fail and stay
   * @param maxOnTheWay while so many rows are being sent, the table is not read again
   */
  public record Settings(Duration sweepInterval, Duration keep, int maxOnTheWay) {}

  private final OutboxTable table;
  private final Publisher publisher;
  private final InstantSource clock;
  private final OutcomeQueue outcomes;
  private final RowSender rows;
  private final Sweeps sweeps;
  private volatile boolean closed;

  /**
   * Creates a sender, which sends nothing before the first {@link #wake}.
   *
   * @param listener is called with every outcome, one at a time; may throw
   */
  public OutboxSender(
      Settings settings,
      OutboxTable table,
      Publisher publisher,
      BiConsumer<URI, Outcome> listener,
      Time time,
      InstantSource clock) {
    this.table = table;
    this.publisher = publisher;
    this.clock = clock;
    this.outcomes = new OutcomeQueue(listener);
    RowsOnTheWay onTheWay = new RowsOnTheWay();
    this.sweeps =
        new Sweeps(
            table,
            onTheWay,
            settings.sweepInterval(),
            settings.maxOnTheWay(),
            time,
            (items, end) ->
                publisher.fanOut(
                    items, this::sendSwept, Row::endpoint, (endpoint, outcome) -> {}, end));
    this.rows = new RowSender(table, onTheWay, settings.keep(), clock, sweeps::sweepIfWanted);
  }

  private void sendSwept(Row row, Consumer<Outcome> sink) {
    rows.send(
        row,
        publisher::publishFromFanout,
        outcome -> outcomes.deliver(row.endpoint(), outcome, () -> sink.accept(outcome)));
  }

  /**
   * Puts a version into the table and sends it.
   *
   * @param version 0 or more, or {@link Versions#NONE}
   * @param sink gets the outcome of the first round of attempts
   * @throws IllegalStateException if closed
   */
  public void publish(URI endpoint, long version, Consumer<Outcome> sink) {
    throwIfClosed();
    Consumer<Outcome> both =
        outcome -> {
          hand(endpoint, outcome);
          sink.accept(outcome);
        };
    Row row =
        EndpointText.isStorable(endpoint) ? table.put(endpoint, version, clock.millis()) : null;
    try {
      if (row != null) {
        // It fails if too many wait; the next sweep has room for all.
        rows.send(row, publisher::publish, both);
      } else {
        publisher.publish(endpoint, version, both); // is refused
      }
    } catch (IllegalStateException e) { // the notifier was closed: the next process sends it
      log.debug("The notifier was closed before a version in the outbox was sent", e);
      sink.accept(
          new Outcome.Failed(
              Outcome.Cause.CLOSED, 0, "The notifier is closed; it stays in the outbox."));
    }
  }

  /** Hands an outcome to the listener. */
  private void hand(URI endpoint, Outcome outcome) {
    Faults.contain(
        log,
        "A verdict could not be handed to the listener",
        () -> outcomes.deliver(endpoint, outcome, () -> {}));
  }

  /**
   * Puts a version into the table in a transaction of the caller. An endpoint that cannot be stored
   * is refused: the listener is called with that.
   *
   * @throws SQLException if the database failed
   */
  public void enqueue(Connection connection, URI endpoint, long version) throws SQLException {
    if (EndpointText.isStorable(endpoint)) {
      table.put(connection, endpoint, version, clock.millis());
    } else {
      // On another thread, because the listener may use the database that this transaction has
      // locked.
      publisher.execute(
          () -> publisher.publish(endpoint, version, outcome -> hand(endpoint, outcome)));
    }
  }

  /**
   * Sends what is in the table, soon, and what fails again after each interval.
   *
   * @throws IllegalStateException if closed
   */
  public void wake() {
    throwIfClosed();
    sweeps.sweepSoon();
  }

  private void throwIfClosed() {
    if (closed) {
      throw new IllegalStateException("The outbox is closed.");
    }
  }

  /** Begins no sweep any more. What is being sent goes on, and is settled. */
  public void close() {
    closed = true;
    sweeps.close();
  }
}
