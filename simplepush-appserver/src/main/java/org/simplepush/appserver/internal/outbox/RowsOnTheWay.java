package org.simplepush.appserver.internal.outbox;

import java.util.HashMap;
import java.util.Map;
import org.simplepush.appserver.internal.jdbc.OutboxTable.Row;

/** The rows that are being sent. A row that has changed since is another revision. Thread-safe. */
final class RowsOnTheWay {
  /** How often each revision is being sent. Guarded by this. */
  private final Map<Long, Integer> revisions = new HashMap<>();

  synchronized void add(Row row) {
    revisions.merge(row.revision(), 1, Integer::sum);
  }

  synchronized void remove(Row row) {
    revisions.computeIfPresent(row.revision(), (any, n) -> n == 1 ? null : n - 1);
  }

  synchronized boolean contains(Row row) {
    return revisions.containsKey(row.revision());
  }

  synchronized int size() {
    return revisions.size();
  }
}
