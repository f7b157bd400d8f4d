package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** More and more channels a device: what a notification costs should stay the same. */
record Width(List<Integer> steps, int devices, int puts, Duration warmUp, Duration duration)
    implements Mode {
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
        Mode.measureStep(load, probe, duration, step, "channels a device", report);
        load.stopPuts(DRAIN);
        report.close(load.awaitDelivered(DRAIN), load.failures);
        if (!report.isGood()) {
          break;
        }
      }
    }
    return report;
  }
}
