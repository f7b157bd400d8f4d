package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;

/** More and more channels a device: what a notification costs should stay the same. */
record Width(List<Integer> steps, int devices, int puts, Duration warmUp, Duration duration)
    implements Mode {
  private static final int ROUNDS = 3;

  @Override
  public Report measure(Server server, int loops)
      throws LoadException, IOException, InterruptedException {
    ServerProbe probe = server.probe();
    Report report = new Report("width");
    Duration settle = warmUp;
    for (int step : steps) {
      try (Load load = new Load(server.target(), loops)) {
        load.connect(devices, step, 64, Mode.connectLimit(devices * step));
        load.startClosed(puts, Long.MAX_VALUE);
        load.failures.pass(settle);
        load.nextMeter();
        settle = Duration.ofSeconds(2); // the JVM is warm now
        Report one = new Report("step");
        Mode.measureRounds(load, probe, duration, ROUNDS, one);
        load.stopPuts(DRAIN);
        String at = "At" + step;
        String label = String.format(Locale.ROOT, "%,d channels a device: ", step);
        report
            .add("cpuMicros" + at, label + "per notification", one.value("cpuMicros"), "µs", 1)
            .add("perSecond" + at, label + "rate", one.value("notificationsPerSecond"), "/s", 0)
            .close(load.awaitDelivered(DRAIN), load.failures);
        if (!report.isGood()) {
          break;
        }
      }
    }
    return report;
  }
}
