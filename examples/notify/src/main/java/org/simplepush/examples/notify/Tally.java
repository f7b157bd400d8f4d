package org.simplepush.examples.notify;

import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import org.simplepush.appserver.Verdict;

/** Counts verdicts. Holds no endpoint. Safe for use by many threads. */
final class Tally {
  /** A line of the table; those of one kind stand together. */
  private record Row(Kind kind, String because) implements Comparable<Row> {
    @Override
    public int compareTo(Row other) {
      int byKind = kind.compareTo(other.kind);
      return byKind != 0 ? byKind : because.compareTo(other.because);
    }
  }

  /** What a verdict is, in the order of the table. */
  enum Kind {
    ACCEPTED,
    GONE,
    REJECTED,
    REFUSED,
    FAILED;

    static Kind of(Verdict verdict) {
      if (verdict instanceof Verdict.Accepted) {
        return ACCEPTED;
      } else if (verdict instanceof Verdict.Gone) {
        return GONE;
      } else if (verdict instanceof Verdict.Rejected) {
        return REJECTED;
      } else if (verdict instanceof Verdict.Refused) {
        return REFUSED;
      }
      return FAILED;
    }

    String word() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }
  }

  private final Map<Row, Long> rows = new TreeMap<>();
  private long done;
  private long accepted;

  synchronized void add(Verdict verdict) {
    Kind kind = Kind.of(verdict);
    add(kind, because(verdict));
    if (kind == Kind.ACCEPTED) {
      accepted++;
    }
  }

  /** A line of the file was no endpoint. */
  synchronized void addUnreadable() {
    add(Kind.REFUSED, "Not a URL.");
  }

  private void add(Kind kind, String because) {
    done++;
    rows.merge(new Row(kind, because), 1L, Long::sum);
  }

  /** Returns how a verdict is called beside its endpoint. */
  static String word(Verdict verdict) {
    return isStale(verdict) ? "stale" : Kind.of(verdict).word();
  }

  private static boolean isStale(Verdict verdict) {
    return verdict instanceof Verdict.Accepted accepted && accepted.stale();
  }

  private static String because(Verdict verdict) {
    if (isStale(verdict)) {
      return "stale: somebody published a higher version; replace the endpoint if that was not you.";
    } else if (verdict instanceof Verdict.Gone gone) {
      return "HTTP " + gone.status() + ": forget the endpoint.";
    } else if (verdict instanceof Verdict.Rejected rejected) {
      return "HTTP " + rejected.status() + ": " + rejected.reason();
    } else if (verdict instanceof Verdict.Refused refused) {
      return refused.reason();
    } else if (verdict instanceof Verdict.Failed failed) {
      return failed.reason();
    }
    return "";
  }

  synchronized long done() {
    return done;
  }

  synchronized long notAccepted() {
    return done - accepted;
  }

  /** Returns the table, a line a kind of verdict and its reason. */
  synchronized String table(Duration took) {
    StringBuilder table = new StringBuilder();
    line(table, "verdict", "endpoints", "because");
    if (accepted == 0) {
      line(table, Kind.ACCEPTED.word(), "0", "");
    }
    rows.forEach((row, count) -> line(table, row.kind().word(), count.toString(), row.because()));
    String seconds = "in %.1f s".formatted(took.toMillis() / 1000.0);
    line(table, "total", String.valueOf(done), seconds);
    return table.toString();
  }

  private static void line(StringBuilder table, String verdict, String count, String because) {
    table
        .append("%-9s %10s  %s".formatted(verdict, count, because).stripTrailing())
        .append(System.lineSeparator());
  }
}
