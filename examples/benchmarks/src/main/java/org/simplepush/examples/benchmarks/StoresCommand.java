package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Puts the same load on servers with different stores, and shows them side by side. */
@Command(
    name = "stores",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "The same load on memory, SQLite, Redis, and Redis with two nodes.",
      "Of two nodes, devices are connected to one and PUTs go to the other."
    })
final class StoresCommand implements Callable<Integer> {
  private record Arrangement(String name, Deployment.Store store, int nodes) {}

  private static final List<Arrangement> ARRANGEMENTS =
      List.of(
          new Arrangement("memory, one node", Deployment.Store.memory, 1),
          new Arrangement("SQLite, one node", Deployment.Store.sqlite, 1),
          new Arrangement("Redis, one node", Deployment.Store.redis, 1),
          new Arrangement("Redis, two nodes", Deployment.Store.redis, 2));

  @Mixin private final ProgramOptions programs = new ProgramOptions();

  @Mixin private final RedisOptions redis = new RedisOptions();
  @Mixin private final LoadOptions.Devices devices = new LoadOptions.Devices();
  @Mixin private final LoadOptions.Rate rate = new LoadOptions.Rate();
  @Mixin private final LoadOptions.Puts puts = new LoadOptions.Puts();
  @Mixin private final LoadOptions.Times times = new LoadOptions.Times();

  private StoresCommand() {}

  @Override
  public Integer call() throws LoadException, IOException, InterruptedException {
    Mode throughput =
        new Mode.Throughput(devices.count, 1, puts.connections, times.warmUp, times.duration, 1);
    Duration warmUp = Duration.ofSeconds(1); // the throughput has warmed it up
    Mode latency =
        new Mode.Open(
            rate.perSecond, devices.count, 0, puts.connections, warmUp, times.duration, 1);
    Random random = new Random();
    List<String> json = new ArrayList<>();
    boolean good = true;
    StringBuilder table = new StringBuilder();
    table.append("| store | notifications | PUT, median | p99 | PUT to device, median | p99 |\n");
    table.append("|---|---|---|---|---|---|\n");
    for (Arrangement arrangement : ARRANGEMENTS) {
      Deployment server =
          Deployment.start(
              programs.programs(List.of(), redis.server),
              arrangement.store,
              arrangement.nodes,
              List.of(),
              random);
      try (server) {
        System.err.println(arrangement.name);
        Report most = measure(throughput, server.nodes);
        Report fixed = measure(latency, server.nodes);
        good &= most.isGood() && fixed.isGood();
        json.add(
            "{\"store\":\"%s\",\"throughput\":%s,\"open\":%s}"
                .formatted(arrangement.name, most.json(), fixed.json()));
        table.append(
            String.format(
                Locale.ROOT,
                "| %s | %s | %s | %s | %s | %s |%n",
                arrangement.name,
                most.text("notificationsPerSecond"),
                fixed.text("putP50Millis"),
                fixed.text("putP99Millis"),
                fixed.text("deliveryP50Millis"),
                fixed.text("deliveryP99Millis")));
      }
      server.delete();
    }
    System.out.print(table);
    System.out.printf(
        Locale.ROOT, "Notifications at most; latencies at %,d PUTs a second.%n", rate.perSecond);
    System.out.println(json.stream().collect(Collectors.joining(",", "[", "]")));
    return good ? 0 : 1;
  }

  private static Report measure(Mode mode, List<StandaloneNode> nodes)
      throws LoadException, IOException, InterruptedException {
    StandaloneNode first = nodes.get(0);
    StandaloneNode last = nodes.get(nodes.size() - 1);
    Target target = new Target(first.webSocket(), last.endpointUrl());
    ServerProbe probe = nodes.size() == 1 ? first.probe() : new ServerProbe(0);
    Report report = mode.measure(new Server(target, probe), 1);
    System.err.print(report.table());
    return report;
  }
}
