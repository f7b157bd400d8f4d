package org.simplepush.examples.notify;

import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.simplepush.appserver.Verdict;

/** Counts verdicts. Holds no endpoint. Safe for use by many threads. */
final class Tally {
  /** A line of the table; those of one kind stand together. */
  private record Row(Verdict.Type type, String because) implements Comparable<Row> {
    @Override
    public int compareTo(Row other) {
      int byType = type.compareTo(other.type);
      return byType != 0 ? byType : because.compareTo(other.because);
    }
  }

  private final Map<Row, Long> rows = new TreeMap<>();
  private long done;
  private long accepted;

  synchronized void add(Verdict verdict) {
    add(verdict.type(), because(verdict));
    if (verdict.type() == Verdict.Type.ACCEPTED) {
      accepted++;
    }
  }

  /** A line of the file was no endpoint. */
  synchronized void addUnreadable() {
    add(Verdict.Type.REFUSED, "Not a URL.");
  }

  private void add(Verdict.Type type, String because) {
    done++;
    rows.merge(new Row(type, because), 1L, Long::sum);
  }

  /** Returns how a verdict is called beside its endpoint. */
  static String word(Verdict verdict) {
    return isStale(verdict) ? "stale" : word(verdict.type());
  }

  private static boolean isStale(Verdict verdict) {
    return verdict instanceof Verdict.Accepted accepted && accepted.stale();
  }

  private static String word(Verdict.Type type) {
    return type.name().toLowerCase(Locale.ROOT);
  }

  private static String because(Verdict verdict) {
    return switch (verdict.type()) {
      case ACCEPTED ->
          isStale(verdict)
              ? "stale: somebody published a higher version; replace the endpoint if that was not"
                  + " you."
              : "";
      case GONE -> "HTTP " + ((Verdict.Gone) verdict).status() + ": forget the endpoint.";
      case REJECTED -> {
        Verdict.Rejected rejected = (Verdict.Rejected) verdict;
        yield "HTTP " + rejected.status() + ": " + rejected.reason();
      }
      case REFUSED -> ((Verdict.Refused) verdict).reason();
      case FAILED -> ((Verdict.Failed) verdict).reason();
    };
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
      line(table, word(Verdict.Type.ACCEPTED), "0", "");
    }
    rows.forEach((row, count) -> line(table, word(row.type()), count.toString(), row.because()));
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
