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
  @Override
  public Report measure(Server server, int loops)
      throws LoadException, IOException, InterruptedException {
    if (active > steps.get(0)) {
      throw new WrongOptionException(
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
        Mode.Interval interval = new Mode.Interval(probe);
        load.connect(more, 1, 64, Mode.connectLimit(more));
        double connectMillis = interval.cpuSeconds() * 1e3 / more;
        connected = step;
        load.nextMeter();
        load.startClosed(puts, Long.MAX_VALUE, active);
        load.failures.pass(Duration.ofSeconds(1));
        load.nextMeter();
        Mode.measureStep(load, probe, duration, step, "devices", report);
        double heap = (Mode.heapAtRest(load, probe) - heapBefore) / connected;
        String label = String.format(Locale.ROOT, "%,d devices: ", step);
        report
            .add("connectMillisAt" + step, label + "per connect", connectMillis, "ms", 3)
            .add("heapBytesAt" + step, label + "live heap of each", heap, "bytes", 0)
            .close(load.awaitDelivered(DRAIN), load.failures);
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
