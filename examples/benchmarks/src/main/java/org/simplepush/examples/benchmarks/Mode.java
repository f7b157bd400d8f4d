package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.Locale;

/** One way to load a server, with its settings. */
interface Mode {
  /** How long answers may take that must come at last. */
  Duration DRAIN = Duration.ofSeconds(20);

  /** How long connecting may take: at 100 devices a second. */
  static Duration connectLimit(int devices) {
    return Duration.ofSeconds(30).plusMillis(10L * devices);
  }

  /**
   * Measures.
   *
   * @throws LoadException if that is not possible
   */
  Report measure(Server server, int loops) throws LoadException, IOException, InterruptedException;

  private static void check(boolean right, String sentence) throws LoadException {
    if (!right) {
      throw new LoadException(sentence);
    }
  }

  /** CPU time of server and load program, from when it is made. */
  final class Interval {
    private final ServerProbe probe;
    private final long began = System.nanoTime();
    private final double cpu;
    private final double ownCpu = ServerProbe.ownCpuSeconds();

    Interval(ServerProbe probe) {
      this.probe = probe;
      this.cpu = probe.cpuSeconds();
    }

    double seconds() {
      return (System.nanoTime() - began) / 1e9;
    }

    double cpuSeconds() {
      return probe.cpuSeconds() - cpu;
    }

    double ownCpuSeconds() {
      return ServerProbe.ownCpuSeconds() - ownCpu;
    }
  }

  /** Devices connected, registered and silent: what one costs in memory. */
  record Idle(int devices, int channels, int atATime, Duration hold) implements Mode {
    @Override
    public Report measure(Server server, int loops)
        throws LoadException, IOException, InterruptedException {
      try (Load load = new Load(server.target(), loops)) {
        ServerProbe probe = server.probe();
        double rssBefore = probe.rss();
        double heapBefore = probe.liveHeap();
        load.connect(devices, channels, atATime, connectLimit(devices));
        load.failures.pass(Duration.ofSeconds(1)); // what the last replies left behind is cleared
        double rss = probe.rss();
        double heap = probe.liveHeap();
        double rssCollected = probe.rss();
        Interval held = new Interval(probe);
        load.failures.pass(hold);
        double ready = load.nextMeter().ready;
        return new Report("idle")
            .add("devices", "idle devices", ready, "", 0)
            .add("channels", "channels a device", channels, "", 0)
            .add("rssMegabytes", "RSS", rss / (1 << 20), "MB", 1)
            .add(
                "rssPerDeviceKilobytes",
                "RSS per device",
                (rss - rssBefore) / ready / 1024,
                "KB",
                2)
            .add(
                "rssCollectedPerDeviceKilobytes",
                "RSS per device after a garbage collection",
                (rssCollected - rssBefore) / ready / 1024,
                "KB",
                2)
            .add(
                "heapPerDeviceBytes",
                "live heap per device",
                (heap - heapBefore) / ready,
                "bytes",
                0)
            .add(
                "idleCpuPercent",
                "server CPU while idle",
                100 * held.cpuSeconds() / held.seconds(),
                "% of a core",
                2)
            .close(0, load.failures);
      }
    }
  }

  /** A closed loop of PUTs to connected devices: what the server does at most. */
  record Throughput(
      int devices, int channels, int puts, Duration warmUp, Duration duration, int rounds)
      implements Mode {
    @Override
    public Report measure(Server server, int loops)
        throws LoadException, IOException, InterruptedException {
      try (Load load = new Load(server.target(), loops)) {
        load.connect(devices, channels, 64, connectLimit(devices));
        load.startClosed(puts, Long.MAX_VALUE);
        load.failures.pass(warmUp);
        load.nextMeter();
        Report report = new Report("throughput");
        measureRounds(load, server.probe(), duration, rounds, report);
        load.stopPuts(DRAIN);
        return report.close(load.awaitDelivered(DRAIN), load.failures);
      }
    }
  }

  /** Measures some stretches of a load that goes on, and adds the medians. */
  static void measureRounds(
      Load load, ServerProbe probe, Duration duration, int rounds, Report report)
      throws LoadException, InterruptedException {
    double[] rate = new double[rounds];
    double[] cpu = new double[rounds];
    double[] cores = new double[rounds];
    double[] ownCpu = new double[rounds];
    Meter all = new Meter();
    for (int i = 0; i < rounds; i++) {
      Interval interval = new Interval(probe);
      load.failures.pass(duration);
      double seconds = interval.seconds();
      double cpuSeconds = interval.cpuSeconds();
      double ownCpuSeconds = interval.ownCpuSeconds();
      Meter meter = load.nextMeter();
      check(meter.updates > 0, "Nothing reached a device in " + duration.toMillis() + " ms");
      rate[i] = meter.updates / seconds;
      cpu[i] = cpuSeconds * 1e6 / meter.updates;
      cores[i] = cpuSeconds / seconds;
      ownCpu[i] = ownCpuSeconds * 1e6 / meter.updates;
      all.add(meter);
    }
    report
        .add("notificationsPerSecond", "notifications per second", median(rate), "/s", 0)
        .add("slowestRound", "the slowest round", min(rate), "/s", 0)
        .add("cpuMicros", "server CPU per notification", median(cpu), "µs", 1)
        .add("cores", "server CPU", median(cores), "cores", 2)
        .add("loadCpuMicros", "load program's CPU per notification", median(ownCpu), "µs", 1)
        .add("updatesPerMessage", "updates per message", ratio(all.updates, all.messages), "", 3)
        .addLatency("put", "PUT", all.put)
        .addLatency("delivery", "PUT to device", all.delivery)
        .add("rssMegabytes", "RSS", probe.rss() / (1 << 20), "MB", 1);
  }

  /** How many rounds each step of a curve has. */
  int ROUNDS_OF_A_STEP = 3;

  /** Measures a load that goes on, as one step of a curve, and adds what a notification costs. */
  static void measureStep(
      Load load, ServerProbe probe, Duration duration, int step, String what, Report report)
      throws LoadException, InterruptedException {
    Report one = new Report("step");
    measureRounds(load, probe, duration, ROUNDS_OF_A_STEP, one);
    String label = String.format(Locale.ROOT, "%,d %s: ", step, what);
    report
        .add("cpuMicrosAt" + step, label + "per notification", one.value("cpuMicros"), "µs", 1)
        .add("perSecondAt" + step, label + "rate", one.value("notificationsPerSecond"), "/s", 0);
  }

  /** Ends the PUTs, and weighs: under load, what a collection cannot know yet counts as live. */
  static double heapAtRest(Load load, ServerProbe probe)
      throws LoadException, InterruptedException {
    load.stopPuts(DRAIN);
    return probe.liveHeap();
  }

  /** PUTs at a fixed rate while other devices are idle: how long an update takes. */
  record Open(
      double rate, int devices, int idle, int puts, Duration warmUp, Duration duration, int rounds)
      implements Mode {
    @Override
    public Report measure(Server server, int loops)
        throws LoadException, IOException, InterruptedException {
      try (Load load = new Load(server.target(), loops)) {
        load.connect(devices + idle, 1, 64, connectLimit(devices + idle));
        // At full speed, so that the JVM compiles what it measures later at a lower rate.
        load.startClosed(puts, Long.MAX_VALUE, devices);
        load.failures.pass(warmUp);
        load.stopPuts(DRAIN);
        load.startOpen(puts, rate, devices);
        try (Pacer pacer = new Pacer(load.loops(), (long) (1e9 / rate))) {
          pacer.start();
          load.failures.pass(Duration.ofSeconds(1));
          load.nextMeter();
          Report report =
              new Report("open")
                  .add("rate", "PUTs due per second", rate, "/s", 0)
                  .add("idleDevices", "idle devices", idle, "", 0);
          measureRounds(load, server.probe(), duration, rounds, report);
          load.stopPuts(DRAIN);
          return report.close(load.awaitDelivered(DRAIN), load.failures);
        }
      }
    }
  }

  /** Devices that are away while versions are published, and come back. */
  record Offline(int devices, int channels, int versions, int puts) implements Mode {
    @Override
    public Report measure(Server server, int loops)
        throws LoadException, IOException, InterruptedException {
      try (Load load = new Load(server.target(), loops)) {
        ServerProbe probe = server.probe();
        load.connect(devices, channels, 64, connectLimit(devices));
        load.disconnect();
        load.failures.pass(Duration.ofMillis(500)); // the server notices that they are gone
        load.nextMeter();
        long published = (long) devices * channels * versions;
        Interval away = new Interval(probe);
        load.startClosed(puts, published);
        load.awaitPuts(Duration.ofSeconds(30 + published / 500));
        double awaySeconds = away.seconds();
        double awayCpu = away.cpuSeconds();
        Meter meter = load.nextMeter();
        Report report =
            new Report("offline")
                .add(
                    "putsPerSecond",
                    "PUTs per second, devices away",
                    meter.puts / awaySeconds,
                    "/s",
                    0)
                .add("putCpuMicros", "server CPU per PUT", awayCpu * 1e6 / meter.puts, "µs", 1)
                .addLatency("put", "PUT", meter.put);
        long began = System.nanoTime();
        Interval back = new Interval(probe);
        load.reconnect(64, connectLimit(devices));
        long lost = load.awaitDelivered(DRAIN);
        double backCpu = back.cpuSeconds();
        meter = load.nextMeter();
        double seconds = (meter.lastUpdate - began) / 1e9;
        long expected = (long) devices * channels;
        if (meter.updates + meter.repeated > expected) {
          load.failures.add(
              "Versions did not collapse: "
                  + (meter.updates + meter.repeated)
                  + " updates came for "
                  + expected
                  + " channels");
        }
        return report
            .add("reconnectsPerSecond", "devices drained per second", devices / seconds, "/s", 0)
            .add("drainedPerSecond", "updates drained per second", meter.updates / seconds, "/s", 0)
            .add("reconnectCpuMicros", "server CPU per device", backCpu * 1e6 / devices, "µs", 0)
            .add(
                "updatesPerMessage",
                "updates per message",
                ratio(meter.updates, meter.messages),
                "",
                2)
            .add("collapsed", "versions per update", ratio(published, meter.updates), "", 2)
            .addLatency("connect", "connect to hello reply", meter.connect)
            .close(lost, load.failures);
      }
    }
  }

  /** Many channels on one device, and one version to many devices. */
  record FanOut(int channels, int devices, int puts, Duration warmUp, Duration duration, int rounds)
      implements Mode {
    @Override
    public Report measure(Server server, int loops)
        throws LoadException, IOException, InterruptedException {
      Report report = new Report("fan-out");
      ServerProbe probe = server.probe();
      long lost;
      try (Load load = new Load(server.target(), 1)) {
        load.connect(1, channels, 1, connectLimit(channels));
        load.startClosed(Math.min(puts, channels), Long.MAX_VALUE);
        load.failures.pass(warmUp);
        load.nextMeter();
        report.add("channels", "channels on one device", channels, "", 0);
        measureRounds(load, probe, duration, rounds, report);
        load.stopPuts(DRAIN);
        lost = load.awaitDelivered(DRAIN);
        report.close(lost, load.failures);
        if (!report.isGood()) {
          return report;
        }
      }
      try (Load load = new Load(server.target(), loops)) {
        load.connect(devices, 1, 64, connectLimit(devices));
        double[] millis = new double[rounds * 4];
        for (int i = 0; i < millis.length; i++) {
          load.nextMeter();
          long began = System.nanoTime();
          load.startClosed(puts, devices);
          load.awaitPuts(connectLimit(devices));
          lost = load.awaitDelivered(DRAIN);
          millis[i] = (load.nextMeter().lastUpdate - began) / 1e6;
        }
        double median = median(millis);
        return report
            .add("devices", "one version to so many devices", devices, "", 0)
            .add("allMillis", "first PUT to the last device", median, "ms", 1)
            .add("allPerSecond", "devices told per second", devices * 1e3 / median, "/s", 0)
            .close(lost, load.failures);
      }
    }
  }

  /** Devices that all come at once: connect, say hello, register. */
  record Storm(int devices, int channels, int atATime, int warmUpRounds, int rounds)
      implements Mode {
    @Override
    public Report measure(Server server, int loops)
        throws LoadException, IOException, InterruptedException {
      try (Load load = new Load(server.target(), loops)) {
        ServerProbe probe = server.probe();
        double[] rate = new double[rounds];
        double[] cpu = new double[rounds];
        double[] ownCpu = new double[rounds];
        double first = 0;
        Meter all = new Meter();
        for (int i = -warmUpRounds; i < rounds; i++) {
          Interval interval = new Interval(probe);
          load.connect(devices, channels, atATime, connectLimit(devices));
          double seconds = interval.seconds();
          double cpuSeconds = interval.cpuSeconds();
          double ownCpuSeconds = interval.ownCpuSeconds();
          Meter meter = load.nextMeter();
          if (i == -warmUpRounds) {
            first = meter.ready / seconds;
          }
          if (i >= 0) {
            rate[i] = meter.ready / seconds;
            cpu[i] = cpuSeconds * 1e3 / meter.ready;
            ownCpu[i] = ownCpuSeconds * 1e3 / meter.ready;
            all.add(meter);
          }
          load.disconnect();
          load.forgetDevices();
          load.failures.pass(Duration.ofMillis(500)); // the server notices that they are gone
        }
        return new Report("storm")
            .add("devices", "devices a round", devices, "", 0)
            .add("atATime", "connecting at a time", atATime, "", 0)
            .add("connectsPerSecond", "connects+hellos+registers", median(rate), "/s", 0)
            .add("firstRound", "the first round, cold", first, "/s", 0)
            .add("cpuMillis", "server CPU each", median(cpu), "ms", 3)
            .add("loadCpuMillis", "load program's CPU each", median(ownCpu), "ms", 3)
            .addLatency("connect", "connect to register reply", all.connect)
            .close(0, load.failures);
      }
    }
  }

  private static double ratio(long part, long whole) {
    return whole == 0 ? Double.NaN : (double) part / whole;
  }

  static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  private static double min(double[] values) {
    return Arrays.stream(values).min().orElse(Double.NaN);
  }
}
