package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Kills servers while devices connect and disconnect, and reports whether a confirmed version was
 * lost.
 */
@Command(
    name = "survive",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Kills servers with kill -9, again and again, while devices connect and disconnect.",
      "In the end every device must hold the last version that was answered with 200.",
      "",
      "With several Redis (redis-sentinel, redis-cluster), nodes and Redis also hang, failovers are"
          + " asked for, slots are moved, and connections between them are cut, stalled, and lost in"
          + " a black hole. At these moments devices send something and go to another node."
          + " Each Redis appends to a file and syncs it before it answers. Replicas follow"
          + " asynchronously, so nodes must apply again what a failover loses.",
      "",
      "Longest deafness: the longest time for which a connected device lacked a confirmed"
          + " version while the store worked. It works when PUTs to "
          + Survival.PROBED_DEVICES
          + " user agents were answered through every node, after the last PUT that was not.",
      "Needless resets: user agents that had to start over although no node was killed in a round"
          + " in which a Redis with data failed too, so that nothing was lost for good. A round ends"
          + " when every node has restored what was lost."
    })
final class SurviveCommand implements Callable<Integer> {
  /** A small JVM that starts fast, because it does not live long. */
  private static final List<String> JVM_OPTIONS =
      List.of("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");

  private static final int REDIS_NODES = 3;
  private static final double MOST_DEAF_SECONDS = 10;
  private static final Duration SERVER_LIFE = Duration.ofMillis(2500);
  private static final Duration REDIS_LIFE = Duration.ofSeconds(6);

  @Mixin private final ProgramOptions programs = new ProgramOptions();
  @Mixin private final RedisOptions redis = new RedisOptions();

  @Option(
      names = "--store",
      defaultValue = "sqlite",
      description = {
        "sqlite: one server. redis: three, and a Redis that is killed too.",
        "redis-sentinel: three, a master and two replicas, and three Sentinels.",
        "redis-cluster: three, and three masters with a replica each.",
        "memory: one server that forgets, which must make the run fail. Default ${DEFAULT-VALUE}."
      })
  private Deployment.Store store;

  @Option(
      names = "--minutes",
      paramLabel = "N",
      defaultValue = "1",
      description = "How long to kill. Default ${DEFAULT-VALUE}.")
  private double minutes;

  @Option(
      names = "--seed",
      paramLabel = "N",
      description = "Seed of all random choices. Default a new one.")
  private @Nullable Integer seed;

  @Mixin private final LoadOptions.Devices devices = new LoadOptions.Devices();
  @Mixin private final LoadOptions.Channels channels = new LoadOptions.Channels();
  @Mixin private final LoadOptions.Puts puts = new LoadOptions.Puts();

  @Option(
      names = "--settle",
      paramLabel = "S",
      defaultValue = "60",
      converter = LoadOptions.Seconds.class,
      description = "Seconds for the last updates to arrive. Default ${DEFAULT-VALUE}.")
  private Duration settle;

  @Option(
      names = "--min-replicas",
      defaultValue = "0",
      description = {
        "min-replicas-to-write of each Redis. 0: a master confirms alone, and a failover may lose",
        "what the nodes must replay. Default ${DEFAULT-VALUE}."
      })
  private int minReplicas;

  @Option(
      names = "--redis-parameters",
      paramLabel = "NAME=VALUE",
      defaultValue = "",
      description = "Put at the end of the URI of several Redis, as its query. Default none.")
  private String redisParameters;

  @Option(
      names = "--strict",
      description = {
        "Needless resets, newest connections of a device closed as taken over, and a device deaf",
        "for more than 10 s fail the run too.",
        "Default off: only what is lost, or does not come to an end."
      })
  private boolean strict;

  private SurviveCommand() {}

  @Override
  public Integer call() throws LoadException, IOException, InterruptedException {
    check();
    int chosen = seed == null ? ThreadLocalRandom.current().nextInt(1_000_000) : seed;
    Random random = new Random(chosen);
    Deployment server =
        Deployment.start(
            programs.programs(JVM_OPTIONS, redis.server),
            store,
            new Deployment.RedisChoice(minReplicas, redisParameters),
            store == Deployment.Store.redis || store.isGroup() ? REDIS_NODES : 1,
            List.of("--redelivery", "5s"),
            random);
    System.err.println("--seed " + chosen + ", data and logs in " + server.folder);
    Report report;
    try (server) {
      report = run(server, random, chosen);
    }
    System.out.print(report.table());
    System.out.println(report.json());
    if (!report.isGood() || !isWithinLimits(report)) {
      System.err.println("Data and logs are kept in " + server.folder);
      return 1;
    }
    server.delete();
    return 0;
  }

  private boolean isWithinLimits(Report report) {
    return !strict
        || (report.value("longestDeafness") <= MOST_DEAF_SECONDS
            && report.value("needlessResets") == 0
            && report.value("wronglyTakenOver") == 0);
  }

  /** A run is to end, and one loop carries all devices. */
  private void check() throws WrongOptionException {
    if (!(minutes > 0 && minutes <= 24 * 60)) {
      throw new WrongOptionException(
          "--minutes must be more than 0, up to 1440, but was " + minutes);
    }
    checkRange("--devices", devices.count, 1, 10_000);
    checkRange("--channels", channels.count, 1, 500);
    checkRange("--puts", puts.connections, 1, 1000);
    checkRange("--settle", settle.toSeconds(), 1, 3600);
  }

  private static void checkRange(String option, long number, int least, int most)
      throws WrongOptionException {
    if (number < least || number > most) {
      throw new WrongOptionException(
          "%s must be a number from %,d to %,d, but was '%d'"
              .formatted(option, least, most, number));
    }
  }

  private Report run(Deployment server, Random random, int chosen)
      throws LoadException, IOException, InterruptedException {
    List<Survival.Node> nodes = new ArrayList<>();
    for (StandaloneNode node : server.nodes) {
      nodes.add(new Survival.Node(new Target(node.webSocket(), null), node.endpoint()));
    }
    Survival.Behaviour behaviour =
        store.isGroup() ? Survival.Behaviour.OF_A_GROUP : Survival.Behaviour.OF_ONE_STORE;
    try (Survival survival =
        new Survival(
            nodes, random.nextLong(), devices.count, channels.count, puts.connections, behaviour)) {
      survival.start();
      Report report =
          new Report("survive")
              .add("seed", "seed", chosen, "", 0)
              .add("minutes", "minutes", minutes, "", 2)
              .add("channels", "channels", (double) devices.count * channels.count, "", 0);
      if (server.group == null) {
        killAll(server, survival, random, report);
      } else {
        FaultInjector faults =
            new FaultInjector(server.nodes, nodes, server.group, survival, random.nextLong());
        faults.start();
        try {
          survival.statistics.failures.pass(Duration.ofMillis((long) (minutes * 60_000)));
        } finally {
          faults.close();
        }
        faults.addTo(report);
      }
      long began = System.nanoTime();
      int lost = survival.settle(settle);
      double settled = (System.nanoTime() - began) / 1e9;
      if (survival.statistics.deafness.deafest() != null) {
        System.err.println("The longest deaf: " + survival.statistics.deafness.deafest());
      }
      return survival
          .statistics
          .addTo(report)
          .add("settledSeconds", "until all held everything, in the end", settled, "s", 2)
          .close(lost, survival.statistics.failures);
    }
  }

  private void killAll(Deployment server, Survival survival, Random random, Report report)
      throws LoadException, InterruptedException {
    Failures failures = survival.statistics.failures;
    List<ProcessKiller> serverKillers = new ArrayList<>();
    List<ProcessKiller> redisKillers = new ArrayList<>();
    RedisProcess redis = server.redis;
    for (StandaloneNode node : server.nodes) {
      serverKillers.add(
          new ProcessKiller(node, SERVER_LIFE, redis != null, random.nextLong(), failures));
    }
    if (redis != null) {
      redisKillers.add(new ProcessKiller(redis, REDIS_LIFE, false, random.nextLong(), failures));
    }
    List<ProcessKiller> killers = new ArrayList<>(redisKillers);
    killers.addAll(serverKillers);
    killers.forEach(ProcessKiller::start);
    try {
      failures.pass(Duration.ofMillis((long) (minutes * 60_000)));
    } finally {
      killers.forEach(ProcessKiller::close);
    }
    report.add("serverKills", "servers killed", kills(serverKillers), "", 0);
    if (redis != null) {
      int failed = serverKillers.stream().mapToInt(ProcessKiller::failedStarts).sum();
      report
          .add("redisKills", "Redis killed", kills(redisKillers), "", 0)
          .add("failedStarts", "starts of a server that failed", failed, "", 0);
    }
  }

  private static int kills(List<ProcessKiller> killers) {
    return killers.stream().mapToInt(ProcessKiller::kills).sum();
  }
}
