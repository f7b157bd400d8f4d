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

/** Kills servers while devices come and go, and says whether anything that was promised is lost. */
@Command(
    name = "survive",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "kill -9 for servers, again and again, while devices come and go.",
      "In the end every device must hold the last version that was answered with 200.",
      "",
      "With several Redis (redis-sentinel, redis-cluster), also: nodes and Redis are hung, failovers"
          + " asked for, slots moved, and connections between them cut, stalled and lost in a black"
          + " hole, while devices go elsewhere with half of what they said still under way."
          + " Each Redis appends to a file and syncs it before it answers; replicas follow"
          + " asynchronously, and what a failover loses the nodes must replay.",
      "",
      "Longest deafness: the longest time for which a device that stays connected lacked a confirmed"
          + " version while the store worked. It works when PUTs to "
          + Survival.PROBED_DEVICES
          + " user agents were answered through every node since the last that was not.",
      "Needless resets: user agents that had to start over although no node was killed in a round"
          + " in which a Redis with data was troubled too, so that all could be replayed."
    })
final class Survive implements Callable<Integer> {
  /** Of a small JVM that starts fast: it will not get old. */
  private static final List<String> JVM_OPTIONS =
      List.of("-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1");

  private static final int REDIS_NODES = 3;
  private static final double MOST_DEAF_SECONDS = 10;
  private static final Duration SERVER_LIFE = Duration.ofMillis(2500);
  private static final Duration REDIS_LIFE = Duration.ofSeconds(6);

  @Mixin private final ProgramOptions programs = new ProgramOptions();

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

  @Option(names = "--seed", paramLabel = "N", description = "Of all choices. Default a new one.")
  private @Nullable Integer seed;

  @Option(names = "--devices", defaultValue = "200", description = "Default ${DEFAULT-VALUE}.")
  private int devices;

  @Option(
      names = "--channels",
      defaultValue = "5",
      description = "Of each device. Default ${DEFAULT-VALUE}.")
  private int channels;

  @Option(
      names = "--puts",
      defaultValue = "24",
      description = "Connections that PUT. Default ${DEFAULT-VALUE}.")
  private int puts;

  @Option(
      names = "--settle",
      paramLabel = "N",
      defaultValue = "60",
      description = "Seconds for the last updates to arrive. Default ${DEFAULT-VALUE}.")
  private int settle;

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

  private Survive() {}

  @Override
  public Integer call() throws LoadException, IOException, InterruptedException {
    check();
    int chosen = seed == null ? ThreadLocalRandom.current().nextInt(1_000_000) : seed;
    Random random = new Random(chosen);
    Deployment server =
        Deployment.start(
            programs.programs(JVM_OPTIONS),
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
            && report.value("ousted") == 0);
  }

  private void check() throws LoadException {
    if (!(minutes > 0 && minutes <= 24 * 60)) {
      throw new LoadException("--minutes must be more than 0, up to 1440, but was " + minutes);
    }
    if (devices < 1 || devices > 10_000) {
      throw new LoadException("--devices must be 1 to 10000, but was " + devices);
    }
    if (channels < 1 || channels > 500) {
      throw new LoadException("--channels must be 1 to 500, but was " + channels);
    }
    if (puts < 1 || puts > 1000) {
      throw new LoadException("--puts must be 1 to 1000, but was " + puts);
    }
    if (settle < 1 || settle > 3600) {
      throw new LoadException("--settle must be 1 to 3600, but was " + settle);
    }
  }

  private Report run(Deployment server, Random random, int chosen)
      throws LoadException, IOException, InterruptedException {
    List<Survival.Node> nodes = new ArrayList<>();
    for (StandaloneNode node : server.nodes) {
      nodes.add(new Survival.Node(new Target(node.webSocket(), null), node.endpoint()));
    }
    Survival.Manners manners =
        store.isGroup() ? Survival.Manners.OF_A_GROUP : Survival.Manners.OF_ONE_STORE;
    try (Survival survival =
        new Survival(nodes, random.nextLong(), devices, channels, puts, manners)) {
      survival.start();
      Report report =
          new Report("survive")
              .add("seed", "seed", chosen, "", 0)
              .add("minutes", "minutes", minutes, "", 2)
              .add("channels", "channels", (double) devices * channels, "", 0);
      if (server.group == null) {
        killAll(server, survival, random, report);
      } else {
        Troublemaker trouble =
            new Troublemaker(server.nodes, nodes, server.group, survival, random.nextLong());
        trouble.start();
        try {
          survival.ledger.failures.pass(Duration.ofMillis((long) (minutes * 60_000)));
        } finally {
          trouble.close();
        }
        trouble.addTo(report);
      }
      long began = System.nanoTime();
      int lost = survival.settle(Duration.ofSeconds(settle));
      double settled = (System.nanoTime() - began) / 1e9;
      if (survival.ledger.deafness.deafest() != null) {
        System.err.println("The longest deaf: " + survival.ledger.deafness.deafest());
      }
      return survival
          .ledger
          .addTo(report)
          .add("settledSeconds", "until all held everything, in the end", settled, "s", 2)
          .close(lost, survival.ledger.failures);
    }
  }

  private void killAll(Deployment server, Survival survival, Random random, Report report)
      throws LoadException, InterruptedException {
    Failures failures = survival.ledger.failures;
    List<Killer> serverKillers = new ArrayList<>();
    List<Killer> redisKillers = new ArrayList<>();
    RedisProcess redis = server.redis;
    for (StandaloneNode node : server.nodes) {
      serverKillers.add(new Killer(node, SERVER_LIFE, redis != null, random.nextLong(), failures));
    }
    if (redis != null) {
      redisKillers.add(new Killer(redis, REDIS_LIFE, false, random.nextLong(), failures));
    }
    List<Killer> killers = new ArrayList<>(redisKillers);
    killers.addAll(serverKillers);
    killers.forEach(Killer::start);
    try {
      failures.pass(Duration.ofMillis((long) (minutes * 60_000)));
    } finally {
      killers.forEach(Killer::close);
    }
    report.add("serverKills", "servers killed", kills(serverKillers), "", 0);
    if (redis != null) {
      int failed = serverKillers.stream().mapToInt(Killer::failedStarts).sum();
      report
          .add("redisKills", "Redis killed", kills(redisKillers), "", 0)
          .add("failedStarts", "starts of a server that failed", failed, "", 0);
    }
  }

  private static int kills(List<Killer> killers) {
    return killers.stream().mapToInt(Killer::kills).sum();
  }
}
