package org.simplepush.appserver.internal.outbox;

import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.Faults;
import org.simplepush.appserver.internal.Time;
import org.simplepush.appserver.internal.jdbc.OutboxTable;
import org.simplepush.appserver.internal.jdbc.OutboxTable.Row;
import org.simplepush.appserver.internal.send.Fanout;
import org.simplepush.appserver.internal.send.OutcomeTally;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends every row that is not on its way, again and again: a sweep is a fan-out of the rows, page
 * by page, in bounded memory.
 *
 * <p>One sweep reads at a time, because it may have read past rows that are new. A sweep that has
 * read all rows and waits for outcomes, perhaps for minutes, holds up no other. Thread-safe.
 */
final class Sweeps {
  private static final Logger log = LoggerFactory.getLogger(Sweeps.class);

  /** Begins a fan-out of rows; throws IllegalStateException if the notifier is closed. */
  interface FanOut {
    void begin(Iterator<Row> rows, Fanout.End end);
  }

  private final OutboxTable table;
  private final RowsOnTheWay onTheWay;
  private final Duration interval;

  /** While this many rows are on their way, no sweep begins; it bounds memory. */
  private final int maxOnTheWay;

  private final Time time;
  private final FanOut fanOut;
  private final SweepLog sweepLog;

  // Guarded by this.
  private Time.@Nullable Timer next;

  /** The sweep that reads the table. */
  private @Nullable Rows reading;

  /** How many sweeps read, or wait for outcomes. */
  private int running;

  /** The table may hold what no sweep has read. */
  private boolean wanted;

  private boolean closed;

  Sweeps(
      OutboxTable table,
      RowsOnTheWay onTheWay,
      Duration interval,
      int maxOnTheWay,
      Time time,
      FanOut fanOut) {
    this.table = table;
    this.onTheWay = onTheWay;
    this.interval = interval;
    this.maxOnTheWay = maxOnTheWay;
    this.time = time;
    this.fanOut = fanOut;
    this.sweepLog = new SweepLog(time);
  }

  /** Has all rows sent that are in the table now, soon. */
  void sweepSoon() {
    synchronized (this) {
      wanted = true;
    }
    sweepIfWanted();
  }

  /** Begins a sweep that is wanted, if it may begin now. */
  void sweepIfWanted() {
    Rows rows;
    synchronized (this) {
      if (!wanted || reading != null || onTheWay.size() >= maxOnTheWay || closed) {
        return;
      }
      wanted = false;
      rows = new Rows();
      reading = rows;
      running++;
      cancelNext();
    }
    try {
      fanOut.begin(rows, new SweepEnd(rows));
    } catch (IllegalStateException e) {
      log.debug("The notifier is closed; the outbox rests", e);
    } catch (RuntimeException | Error e) { // such as no memory for a thread
      ended(rows, e);
    }
  }

  private synchronized void cancelNext() {
    if (next != null) {
      next.cancel();
      next = null;
    }
  }

  private final class SweepEnd implements Fanout.End {
    private final Rows rows;

    SweepEnd(Rows rows) {
      this.rows = rows;
    }

    @Override
    public boolean isKnown() {
      return false;
    }

    @Override
    public void ended(OutcomeTally.Counts outcomes, boolean complete) {
      Sweeps.this.ended(rows, null);
    }

    @Override
    public void failed(Throwable failure) {
      Sweeps.this.ended(rows, failure);
    }
  }

  /** Whatever this throws must not keep the next sweep from coming. */
  private void ended(Rows rows, @Nullable Throwable failure) {
    synchronized (this) {
      running--;
      if (running == 0 && !closed) {
        next = time.after(interval, this::sweepSoon);
      }
    }
    Faults.contain(
        log,
        "The outbox could not log how a sweep went",
        () -> {
          sweepLog.ended(failure);
          sweepLog.unreadable(rows.unreadable, rows.firstUnreadable);
        });
    hasRead(rows); // if it was cut short
  }

  /** All rows were read: what was put in since is for another sweep. */
  private void hasRead(Rows rows) {
    synchronized (this) {
      if (reading == rows) {
        reading = null;
      }
    }
    sweepIfWanted();
  }

  /** Begins no sweep any more. */
  synchronized void close() {
    closed = true;
    cancelNext();
  }

  /** The rows that are not on their way, looked up page by page. Of one thread at a time. */
  private final class Rows implements Iterator<Row> {
    private @Nullable String after = "";
    private int unreadable;
    private @Nullable String firstUnreadable;
    private Iterator<Row> page = List.<Row>of().iterator();

    @Override
    public boolean hasNext() {
      while (!page.hasNext() && after != null) {
        OutboxTable.Page read = table.page(after);
        after = read.last();
        unreadable += read.unreadable();
        if (firstUnreadable == null) {
          firstUnreadable = read.firstUnreadable();
        }
        page = read.rows().stream().filter(row -> !onTheWay.contains(row)).toList().iterator();
      }
      if (!page.hasNext()) {
        hasRead(this);
      }
      return page.hasNext();
    }

    @Override
    public Row next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return page.next();
    }
  }
}
