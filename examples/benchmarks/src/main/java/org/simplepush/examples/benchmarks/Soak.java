package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.time.Duration;

/** Full load for a long time: the heap at the end should be what it was after a minute. */
record Soak(int devices, int puts, Duration settle, Duration duration) implements Mode {
  @Override
  public Report measure(Server server, int loops)
      throws LoadException, IOException, InterruptedException {
    ServerProbe probe = server.probe();
    try (Load load = new Load(server.target(), loops)) {
      load.connect(devices, 1, 64, Mode.connectLimit(devices));
      load.startClosed(puts, Long.MAX_VALUE);
      load.failures.pass(settle);
      double settled = Mode.heapAtRest(load, probe);
      Report report =
          new Report("soak")
              .add("heapAfterSettling", heapAfter(settle), megabytes(settled), "MB", 2)
              .add("rssAfterSettling", "RSS then", megabytes(probe.rss()), "MB", 1);
      load.startClosed(puts, Long.MAX_VALUE);
      load.nextMeter();
      Mode.Interval interval = new Mode.Interval(probe);
      load.failures.pass(duration);
      double seconds = interval.seconds();
      double cpu = interval.cpuSeconds();
      Meter meter = load.nextMeter();
      double atEnd = Mode.heapAtRest(load, probe);
      report
          .add("heapAtEnd", heapAfter(settle.plus(duration)), megabytes(atEnd), "MB", 2)
          .add("rssAtEnd", "RSS then", megabytes(probe.rss()), "MB", 1)
          .add("notificationsPerSecond", "notifications", meter.updates / seconds, "/s", 0)
          .add("cpuMicros", "server CPU per notification", cpu * 1e6 / meter.updates, "µs", 1)
          .addLatency("delivery", "PUT to device", meter.delivery);
      return report.close(load.awaitDelivered(DRAIN), load.failures);
    }
  }

  private static String heapAfter(Duration time) {
    return "live heap after " + time.toSeconds() + " s";
  }

  private static double megabytes(double bytes) {
    return bytes / (1 << 20);
  }
}
