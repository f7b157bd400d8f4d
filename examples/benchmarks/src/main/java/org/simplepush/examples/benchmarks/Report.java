package org.simplepush.examples.benchmarks;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** The figures of one measurement, in the order they were added. */
final class Report {
  private record Figure(String label, double value, String unit, int decimals) {}

  private static final Pattern STEP = Pattern.compile(".*At(\\d+)");

  final String mode;
  private final Map<String, Figure> figures = new LinkedHashMap<>();
  private long lost;
  private long failures;
  private @Nullable String firstFailure;

  Report(String mode) {
    this.mode = mode;
  }

  /** Adds a figure; {@code key} names it in JSON. One that is not a number was not measured. */
  Report add(String key, String label, double value, String unit, int decimals) {
    if (Double.isFinite(value)) {
      figures.put(key, new Figure(label, value, unit, decimals));
    }
    return this;
  }

  /** Adds median, 99th percentile and maximum of what was measured in nanoseconds. */
  Report addLatency(String key, String label, Histogram nanos) {
    if (nanos.getTotalCount() > 0) {
      add(key + "P50Millis", label + ", median", nanos.getValueAtPercentile(50) / 1e6, "ms", 2);
      add(key + "P99Millis", label + ", p99", nanos.getValueAtPercentile(99) / 1e6, "ms", 2);
      add(key + "P999Millis", label + ", p99.9", nanos.getValueAtPercentile(99.9) / 1e6, "ms", 2);
      add(key + "MaxMillis", label + ", maximum", nanos.getMaxValue() / 1e6, "ms", 2);
    }
    return this;
  }

  /** Adds what must be nothing. */
  Report close(long updatesLost, Failures seen) {
    lost = updatesLost;
    failures = seen.count();
    firstFailure = seen.first();
    return this;
  }

  boolean isGood() {
    return lost == 0 && failures == 0;
  }

  /** Returns a figure as text with its unit, or a dash if it was not measured. */
  String text(String key) {
    Figure figure = figures.get(key);
    return figure == null ? "–" : number(figure) + " " + figure.unit();
  }

  double value(String key) {
    Figure figure = figures.get(key);
    return figure == null ? Double.NaN : figure.value();
  }

  /** Returns the numbers that keys end in after the word At, in order: the steps of a mode. */
  List<Integer> steps() {
    return figures.keySet().stream()
        .map(STEP::matcher)
        .filter(Matcher::matches)
        .map(step -> Integer.valueOf(step.group(1)))
        .distinct()
        .toList();
  }

  private static String number(Figure figure) {
    return String.format(Locale.ROOT, "%,." + figure.decimals() + "f", figure.value());
  }

  String table() {
    StringBuilder table = new StringBuilder(mode).append('\n');
    figures.forEach(
        (key, figure) ->
            table.append(
                String.format(
                    Locale.ROOT,
                    "  %-44s %14s %s%n",
                    figure.label(),
                    number(figure),
                    figure.unit())));
    table.append(String.format(Locale.ROOT, "  %-44s %14d%n", "updates lost", lost));
    table.append(String.format(Locale.ROOT, "  %-44s %14d%n", "failures", failures));
    if (firstFailure != null) {
      table.append("  the first: ").append(firstFailure).append('\n');
    }
    return table.toString();
  }

  String json() {
    StringBuilder json = new StringBuilder("{\"mode\":").append(quote(mode));
    figures.forEach(
        (key, figure) ->
            json.append(',')
                .append(quote(key))
                .append(':')
                .append(String.format(Locale.ROOT, "%.4f", figure.value())));
    json.append(",\"lost\":").append(lost).append(",\"failures\":").append(failures);
    if (firstFailure != null) {
      json.append(",\"firstFailure\":").append(quote(firstFailure));
    }
    return json.append('}').toString();
  }

  private static String quote(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ') {
        quoted.append(String.format("\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}
