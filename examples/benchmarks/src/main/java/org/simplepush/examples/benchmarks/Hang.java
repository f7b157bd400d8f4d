package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.time.Duration;

/** Some devices stop reading and are published to all the same: what that costs the others. */
record Hang(int devices, int hanging, int puts, Duration warmUp, Duration duration)
    implements Mode {
  @Override
  public Report measure(Server server, int loops)
      throws LoadException, IOException, InterruptedException {
    ServerProbe probe = server.probe();
    try (Load load = new Load(server.target(), loops)) {
      int all = devices + hanging;
      load.connect(all, 1, 64, Mode.connectLimit(all));
      load.startClosed(puts, Long.MAX_VALUE);
      load.failures.pass(warmUp);
      load.nextMeter();
      Report report = new Report("hang").add("hanging", "devices that hang", hanging, "", 0);
      measure(load, probe, report, "Before", "all read: ");
      double heap = Mode.heapAtRest(load, probe);
      load.hang(hanging);
      load.startClosed(puts, Long.MAX_VALUE);
      load.failures.pass(warmUp); // what the kernel takes for them fills
      load.nextMeter();
      measure(load, probe, report, "Beside", "some hang: ");
      double held = Mode.heapAtRest(load, probe) - heap;
      report.add("heapPerHanging", "heap for one that hangs", held / hanging, "bytes", 0);
      load.wake(hanging);
      return report.close(load.awaitDelivered(DRAIN), load.failures);
    }
  }

  private void measure(Load load, ServerProbe probe, Report report, String when, String label)
      throws LoadException, InterruptedException {
    Mode.Interval interval = new Mode.Interval(probe);
    load.failures.pass(duration);
    double seconds = interval.seconds();
    double cpu = interval.cpuSeconds();
    Meter meter = load.nextMeter();
    report
        .add("putsPerSecond" + when, label + "PUTs per second", meter.puts / seconds, "/s", 0)
        .add("cpuMicros" + when, label + "server CPU per PUT", cpu * 1e6 / meter.puts, "µs", 1)
        .addLatency("delivery" + when, label + "PUT to device", meter.delivery);
  }
}
