package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Locale;

/** The figures of all modes as Markdown, for README.md of this module. */
final class Results {
  private static final String BEGIN = "<!-- results: written by the benchmarks -->\n";
  private static final String END = "<!-- end of results -->\n";

  private Results() {}

  /**
   * Returns the tables.
   *
   * @param reports of every mode that has a row
   */
  static String markdown(List<Report> reports, ServerOptions server) throws IOException {
    Report idle = of(reports, "idle");
    Report throughput = of(reports, "throughput");
    Report open = of(reports, "open");
    Report storm = of(reports, "storm");
    Report hang = of(reports, "hang");
    StringBuilder text = new StringBuilder();
    text.append(LocalDate.now(ZoneOffset.UTC))
        .append(", ")
        .append(machine())
        .append(", shared with the load ");
    text.append("program; ").append(server.description()).append("; medians:\n\n");
    text.append("| what | measured |\n|---|---|\n");
    row(
        text,
        "notifications to 1,000 devices, each acknowledged",
        throughput,
        "notificationsPerSecond");
    row(
        text,
        "server CPU of each: PUT answered, collapsed, sent, acknowledged",
        throughput,
        "cpuMicros");
    row(text, "PUT answered, p99 under that load", throughput, "putP99Millis");
    row(text, "PUT to device, p99, at " + beside(open), open, "deliveryP99Millis");
    row(
        text,
        "PUT to device, p99, under full load, beside 100 devices that do not read",
        hang,
        "deliveryBesideP99Millis");
    row(text, "connects + hellos + registers", storm, "connectsPerSecond");
    row(text, "server CPU of each", storm, "cpuMillis");
    row(
        text,
        "RSS of an idle, registered device, at " + idle.text("devices").strip(),
        idle,
        "rssPerDeviceKilobytes");
    row(text, "live heap of it", idle, "heapPerDeviceBytes");
    row(text, "start of the server", idle, "startMillis");
    text.append('\n');
    steps(
        text,
        "devices connected",
        of(reports, "growth"),
        List.of("cpuMicros", "connectMillis", "heapBytes"),
        List.of("CPU per notification", "CPU per connect", "live heap of each"));
    text.append('\n');
    steps(
        text,
        "channels a device",
        of(reports, "width"),
        List.of("cpuMicros"),
        List.of("CPU per notification"));
    return text.toString();
  }

  private static Report of(List<Report> reports, String mode) {
    return reports.stream().filter(report -> report.mode.equals(mode)).findFirst().orElseThrow();
  }

  private static String beside(Report open) {
    return open.text("rate").strip()
        + " beside "
        + open.text("idleDevices").strip()
        + " idle devices";
  }

  private static void row(StringBuilder text, String what, Report report, String key) {
    text.append("| ").append(what).append(" | ").append(report.text(key).strip()).append(" |\n");
  }

  /** One row a step: a key that ends in At and a number belongs to the step of that number. */
  private static void steps(
      StringBuilder text, String what, Report report, List<String> keys, List<String> titles) {
    text.append("| ").append(what).append(" | ").append(String.join(" | ", titles)).append(" |\n");
    text.append("|---".repeat(keys.size() + 1)).append("|\n");
    for (int step : report.steps()) {
      text.append(String.format(Locale.ROOT, "| %,d |", step));
      for (String key : keys) {
        text.append(' ').append(report.text(key + "At" + step).strip()).append(" |");
      }
      text.append('\n');
    }
  }

  private static String machine() throws IOException {
    int cores = Runtime.getRuntime().availableProcessors();
    return cores == 1 ? "one core" : cores + " cores" + model();
  }

  private static String model() throws IOException {
    Path cpus = Path.of("/proc/cpuinfo");
    if (!Files.isReadable(cpus)) {
      return "";
    }
    try (var lines = Files.lines(cpus)) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .findFirst()
          .map(line -> " of " + line.substring(line.indexOf(':') + 1).strip())
          .orElse("");
    }
  }

  /**
   * Replaces the tables in a file, between its two marks.
   *
   * @throws LoadException if it has no such marks
   */
  static void write(Path file, String tables) throws LoadException, IOException {
    String text = Files.readString(file);
    int begin = text.indexOf(BEGIN);
    int end = text.indexOf(END);
    if (begin < 0 || end < begin) {
      throw new LoadException(
          file
              + " must hold the lines "
              + BEGIN.strip()
              + " and "
              + END.strip()
              + " in this order");
    }
    Files.writeString(
        file, text.substring(0, begin + BEGIN.length()) + tables + text.substring(end));
  }
}
