package org.simplepush.examples.emulator;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.HdrHistogram.Histogram;
import org.simplepush.examples.emulator.Outages.Outage;

/** What a run has come to: figures in order, and how the devices came back after outages. */
final class Summary {
  private static final int BARS = 20;
  private static final int BAR_LENGTH = 50;

  private final Map<String, Long> figures = new LinkedHashMap<>();
  private final Map<String, Histogram> latencies = new LinkedHashMap<>();
  private final List<Outage> outages;
  private final Map<String, Long> reasons;
  private final boolean isGood;

  /**
   * @param isGood whether every device was connected, and every application registered and knew its
   *     latest version
   */
  Summary(
      boolean isGood,
      int devices,
      int applications,
      int asleep,
      int behind,
      Statistics statistics,
      Outages outages) {
    this.isGood = isGood;
    this.outages = outages.over();
    this.reasons = statistics.reasons();
    figures.put("devices", (long) devices);
    figures.put("connected", (long) statistics.connected.get());
    figures.put("asleep", (long) asleep);
    figures.put("applications", (long) applications);
    figures.put("registered", (long) statistics.registered.get());
    figures.put("behind", (long) behind);
    figures.put("published", statistics.published.sum());
    figures.put("pushes", statistics.pushes.sum());
    figures.put("learnedBySync", statistics.learnedBySync.sum());
    figures.put("publishFailures", statistics.publishFailures.sum());
    figures.put("endpointsGone", statistics.gone.sum());
    figures.put("pushRegisters", statistics.pushRegisters.sum());
    figures.put("connectionsLost", statistics.connectionsLost.sum());
    figures.put("attemptsFailed", statistics.attemptsFailed.sum());
    figures.put("dropped", statistics.dropped.sum());
    figures.put("slept", statistics.slept.sum());
    figures.put("forgot", statistics.forgot.sum());
    figures.put("failures", statistics.failures.sum());
    latencies.put("hello", statistics.hello);
    latencies.put("register", statistics.register);
    latencies.put("push", statistics.push);
    latencies.put("reconnect", statistics.reconnect);
    Runtime jvm = Runtime.getRuntime();
    figures.put("threads", (long) Thread.activeCount());
    figures.put("heapUsedMiB", (jvm.totalMemory() - jvm.freeMemory()) >> 20);
    figures.put("heapMaxMiB", jvm.maxMemory() >> 20);
    addResident("residentMiB", "VmRSS:");
    addResident("residentPeakMiB", "VmHWM:");
  }

  /** Adds the resident memory, which only Linux reports. */
  private void addResident(String figure, String field) {
    Path status = Path.of("/proc/self/status");
    if (!Files.isReadable(status)) {
      return;
    }
    try {
      for (String line : Files.readAllLines(status)) {
        if (line.startsWith(field)) {
          figures.put(figure, Long.parseLong(line.replaceAll("[^0-9]", "")) >> 10);
        }
      }
    } catch (IOException e) {
      figures.remove(figure); // it is left out, as on other systems
    }
  }

  boolean isGood() {
    return isGood;
  }

  String text() {
    StringBuilder text = new StringBuilder("\n");
    figures.forEach(
        (name, value) -> text.append(String.format(Locale.ROOT, "%-18s %,12d%n", name, value)));
    text.append(
        String.format(
            Locale.ROOT,
            "%n%-10s %10s %9s %9s %9s %9s %9s%n",
            "latency",
            "count",
            "p50 ms",
            "p90 ms",
            "p99 ms",
            "p99.9 ms",
            "max ms"));
    latencies.forEach(
        (name, histogram) -> {
          if (histogram.getTotalCount() > 0) {
            text.append(
                String.format(
                    Locale.ROOT,
                    "%-10s %,10d %9.1f %9.1f %9.1f %9.1f %9.1f%n",
                    name,
                    histogram.getTotalCount(),
                    histogram.getValueAtPercentile(50) / 1e3,
                    histogram.getValueAtPercentile(90) / 1e3,
                    histogram.getValueAtPercentile(99) / 1e3,
                    histogram.getValueAtPercentile(99.9) / 1e3,
                    histogram.getMaxValue() / 1e3));
          }
        });
    if (!outages.isEmpty()) {
      appendOutages(text);
    }
    if (!reasons.isEmpty()) {
      text.append("\nWhy attempts to connect failed\n");
      reasons.forEach(
          (reason, times) -> text.append(String.format(Locale.ROOT, "%,8d × %s%n", times, reason)));
    }
    text.append(
        isGood ? "\nAll is well.\n" : "\nNot well: see connected, registered and behind.\n");
    return text.toString();
  }

  private void appendOutages(StringBuilder text) {
    text.append("\nOutages: when devices came back\n");
    for (int i = 0; i < outages.size(); i++) {
      Outage outage = outages.get(i);
      text.append(
          String.format(
              Locale.ROOT,
              "%3d. %,d devices; the first back after %.1f s, all after %.1f s;"
                  + " %,d in the busiest second%n",
              i + 1,
              outage.devices(),
              outage.firstBackMillis() / 1e3,
              outage.allBackMillis() / 1e3,
              outage.busiestSecond()));
    }
    long[] all =
        outages.stream()
            .flatMap(outage -> outage.backMillis().stream())
            .mapToLong(Long::longValue)
            .sorted()
            .toArray();
    // The last bar holds the few that took longest, so that the others can be distinguished.
    long nearlyAll = all[(int) ((all.length - 1) * 0.99)];
    long step = (nearlyAll / BARS / 100 + 1) * 100;
    int[] counts = new int[BARS + 1];
    int most = 0;
    for (long millis : all) {
      int bar = (int) Math.min(BARS, millis / step);
      counts[bar]++;
      most = Math.max(most, counts[bar]);
    }
    text.append("\nReconnects of all outages, by seconds since the first device was back\n");
    for (int i = 0; i <= BARS; i++) {
      int length = (int) Math.ceil((double) counts[i] * BAR_LENGTH / most);
      text.append(
          String.format(
              Locale.ROOT,
              "%-6s%6.1f %-" + BAR_LENGTH + "s %,d%n",
              i == BARS ? "after" : "from",
              i * step / 1e3,
              "#".repeat(length),
              counts[i]));
    }
  }

  void write(JsonGenerator json) throws IOException {
    json.writeBooleanField("good", isGood);
    for (Map.Entry<String, Long> figure : figures.entrySet()) {
      json.writeNumberField(figure.getKey(), figure.getValue());
    }
    for (Map.Entry<String, Histogram> latency : latencies.entrySet()) {
      Histogram histogram = latency.getValue();
      json.writeObjectFieldStart(latency.getKey() + "Millis");
      json.writeNumberField("count", histogram.getTotalCount());
      if (histogram.getTotalCount() > 0) {
        json.writeNumberField("p50", histogram.getValueAtPercentile(50) / 1e3);
        json.writeNumberField("p90", histogram.getValueAtPercentile(90) / 1e3);
        json.writeNumberField("p99", histogram.getValueAtPercentile(99) / 1e3);
        json.writeNumberField("p999", histogram.getValueAtPercentile(99.9) / 1e3);
        json.writeNumberField("max", histogram.getMaxValue() / 1e3);
      }
      json.writeEndObject();
    }
    json.writeArrayFieldStart("outages");
    for (Outage outage : outages) {
      json.writeStartObject();
      json.writeNumberField("devices", outage.devices());
      json.writeNumberField("firstBackMillis", outage.firstBackMillis());
      json.writeNumberField("allBackMillis", outage.allBackMillis());
      json.writeNumberField("busiestSecond", outage.busiestSecond());
      json.writeEndObject();
    }
    json.writeEndArray();
    json.writeObjectFieldStart("reasons");
    for (Map.Entry<String, Long> reason : reasons.entrySet()) {
      json.writeNumberField(reason.getKey(), reason.getValue());
    }
    json.writeEndObject();
  }
}
