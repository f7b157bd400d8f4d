package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/**
 * More and more devices on one server: what each of them costs should stay the same. The same PUTs
 * go to the same active devices in every step.
 */
record Growth(List<Integer> steps, int active, int puts, Duration warmUp, Duration duration)
    implements Mode {
  private static final int ROUNDS = 3;

  @Override
  public Report measure(Server server, int loops)
      throws LoadException, IOException, InterruptedException {
    if (active > steps.get(0)) {
      throw new LoadException(
          "The first step must be " + active + " devices or more: as many are active");
    }
    ServerProbe probe = server.probe();
    try (Load load = new Load(server.target(), loops)) {
      Report report = new Report("growth");
      warmUp(load);
      double heapBefore = probe.liveHeap();
      int connected = 0;
      for (int step : steps) {
        int more = step - connected;
        Mode.Stretch stretch = new Mode.Stretch(probe);
        load.connect(more, 1, 64, Mode.connectLimit(more));
        double connectMillis = stretch.cpuSeconds() * 1e3 / more;
        connected = step;
        load.nextMeter();
        load.startClosed(puts, Long.MAX_VALUE, active);
        load.failures.pass(Duration.ofSeconds(1));
        load.nextMeter();
        Report one = new Report("step");
        Mode.measureRounds(load, probe, duration, ROUNDS, one);
        load.stopPuts(DRAIN);
        long lost = load.awaitDelivered(DRAIN);
        double heap = (probe.liveHeap() - heapBefore) / connected;
        String at = "At" + step;
        String label = String.format(Locale.ROOT, "%,d devices: ", step);
        report
            .add("cpuMicros" + at, label + "per notification", one.value("cpuMicros"), "µs", 1)
            .add("perSecond" + at, label + "rate", one.value("notificationsPerSecond"), "/s", 0)
            .add("connectMillis" + at, label + "per connect", connectMillis, "ms", 3)
            .add("heapBytes" + at, label + "live heap of each", heap, "bytes", 0)
            .close(lost, load.failures);
        if (!report.isGood()) {
          break;
        }
      }
      return report;
    }
  }

  /** So that the first step is not the one in which the JVM compiles. */
  private void warmUp(Load load) throws LoadException, InterruptedException {
    load.connect(active, 1, 64, Mode.connectLimit(active));
    load.startClosed(puts, Long.MAX_VALUE);
    load.failures.pass(warmUp);
    load.stopPuts(DRAIN);
    load.awaitDelivered(DRAIN);
    for (int i = 0; i < 3; i++) {
      load.disconnect();
      load.failures.pass(Duration.ofMillis(500)); // the server notices that they are gone
      load.reconnect(64, Mode.connectLimit(active));
    }
    load.disconnect();
    load.forgetDevices();
    load.failures.pass(Duration.ofMillis(500));
  }
}
