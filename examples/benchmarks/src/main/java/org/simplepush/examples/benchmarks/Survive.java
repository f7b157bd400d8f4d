package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Kills servers while devices come and go, and says whether anything that was promised is lost. */
@Command(
    name = "survive",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "kill -9 for servers, again and again, while devices come and go.",
      "In the end every device must hold the last version that was answered with 200."
    })
final class Survive implements Callable<Integer> {
  private enum Store {
    memory,
    sqlite,
    redis
  }

  /** Not where the system takes ports from for outgoing connections: a killed server's is free. */
  private static final int FIRST_PORT = 20_000;

  private static final int LAST_PORT = 32_000;

  private static final int REDIS_NODES = 3;
  private static final Duration SERVER_LIFE = Duration.ofMillis(2500);
  private static final Duration REDIS_LIFE = Duration.ofSeconds(6);

  @Option(
      names = "--server-jar",
      paramLabel = "PATH",
      required = true,
      description = "standalone-server.jar, for the processes to be killed.")
  private Path serverJar;

  @Option(
      names = "--server-java",
      paramLabel = "PATH",
      description = "Start it with this java. Default the one that runs this program.")
  private @Nullable Path serverJava;

  @Option(
      names = "--store",
      defaultValue = "sqlite",
      description = {
        "sqlite: one server. redis: three, and a Redis that is killed too.",
        "memory: one server that forgets, which must make the run fail. Default ${DEFAULT-VALUE}."
      })
  private Store store;

  @Option(
      names = "--redis-server",
      paramLabel = "PATH",
      description = "Redis or Valkey to start. Default the Redis in this program's jar.")
  private @Nullable Path redisServer;

  @Option(
      names = "--minutes",
      paramLabel = "N",
      defaultValue = "1",
      description = "How long to kill. Default ${DEFAULT-VALUE}.")
  private double minutes;

  @Option(names = "--seed", paramLabel = "N", description = "Of all choices. Default a new one.")
  private @Nullable Long seed;

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

  private Survive() {}

  @Override
  public Integer call() throws LoadException, IOException, InterruptedException {
    check();
    long chosen = seed == null ? ThreadLocalRandom.current().nextInt(1_000_000) : seed;
    Path folder = Files.createTempDirectory("simplepush-survive-");
    System.err.println("--seed " + chosen + ", data in " + folder);
    Report report = run(folder, chosen);
    System.out.print(report.table());
    System.out.println(report.json());
    if (!report.isGood()) {
      System.err.println("Kept data and logs in " + folder);
      return 1;
    }
    delete(folder);
    return 0;
  }

  private void check() throws LoadException {
    if (!Files.isRegularFile(serverJar)) {
      throw new LoadException("--server-jar names " + serverJar + ", which is no file");
    }
    if (minutes <= 0 || minutes > 24 * 60) {
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

  private Report run(Path folder, long chosen)
      throws LoadException, IOException, InterruptedException {
    Random random = new Random(chosen);
    List<Victim> victims = new ArrayList<>();
    try {
      List<StandaloneNode> nodes = start(folder, random, victims);
      List<Survival.Node> cast = new ArrayList<>();
      for (StandaloneNode node : nodes) {
        cast.add(node.node());
      }
      try (Survival survival = new Survival(cast, random.nextLong(), devices, channels, puts)) {
        Failures failures = survival.ledger.failures;
        List<Killer> killers = new ArrayList<>();
        for (Victim victim : victims) {
          boolean server = victim instanceof StandaloneNode;
          killers.add(
              new Killer(
                  victim,
                  server ? SERVER_LIFE : REDIS_LIFE,
                  server && store == Store.redis,
                  random.nextLong(),
                  failures));
        }
        survival.start();
        try {
          killers.forEach(Killer::start);
          failures.pass(Duration.ofMillis((long) (minutes * 60_000)));
        } finally {
          killers.forEach(Killer::close);
        }
        long began = System.nanoTime();
        int lost = survival.settle(Duration.ofSeconds(settle));
        double settled = (System.nanoTime() - began) / 1e9;
        return report(survival.ledger, killers, victims, chosen)
            .add("settledSeconds", "until all held everything, in the end", settled, "s", 2)
            .close(lost, failures);
      }
    } finally {
      for (Victim victim : victims) {
        victim.kill();
      }
    }
  }

  /** Starts Redis, if it is needed, and the servers. */
  private List<StandaloneNode> start(Path folder, Random random, List<Victim> victims)
      throws LoadException, InterruptedException {
    List<String> options = new ArrayList<>(List.of("--redelivery", "5s", "--store"));
    switch (store) {
      case memory -> options.add("memory");
      case sqlite -> options.add("sqlite:" + folder.resolve("store.db"));
      case redis -> {
        int port = freePort(random);
        options.add("redis://127.0.0.1:" + port);
        RedisProcess redis = new RedisProcess(redisServer, folder, port);
        victims.add(redis);
        redis.launch();
        redis.awaitReady();
      }
    }
    options.addAll(List.of("--key-file", folder.resolve("keys").toString()));
    Path java = serverJava;
    if (java == null) {
      java = Path.of(System.getProperty("java.home"), "bin", "java");
    }
    List<StandaloneNode> nodes = new ArrayList<>();
    for (int i = 0; i < (store == Store.redis ? REDIS_NODES : 1); i++) {
      StandaloneNode node =
          new StandaloneNode(
              java, serverJar, freePort(random), freePort(random), options, folder, i);
      victims.add(node);
      nodes.add(node);
      node.launch();
      node.awaitReady(); // the first one makes the keys for the others
    }
    return nodes;
  }

  /** Returns a port that is free now, and that only who asks for it by number will get. */
  private static int freePort(Random random) throws LoadException {
    for (int attempt = 0; attempt < 1000; attempt++) {
      int port = FIRST_PORT + random.nextInt(LAST_PORT - FIRST_PORT);
      if (isFree(port)) {
        return port;
      }
    }
    throw new LoadException("No port from " + FIRST_PORT + " to " + LAST_PORT + " is free");
  }

  private static boolean isFree(int port) {
    try (ServerSocket probe = new ServerSocket()) {
      probe.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private Report report(Ledger ledger, List<Killer> killers, List<Victim> victims, long chosen) {
    int servers = 0;
    int redis = 0;
    int failedStarts = 0;
    for (int i = 0; i < killers.size(); i++) {
      Killer killer = killers.get(i);
      if (victims.get(i) instanceof StandaloneNode) {
        servers += killer.kills();
      } else {
        redis += killer.kills();
      }
      failedStarts += killer.failedStarts();
    }
    Report report =
        new Report("survive")
            .add("seed", "seed", (double) chosen, "", 0)
            .add("minutes", "minutes", minutes, "", 2)
            .add("channels", "channels", (double) devices * channels, "", 0)
            .add("serverKills", "servers killed", servers, "", 0);
    if (store == Store.redis) {
      report
          .add("redisKills", "Redis killed", redis, "", 0)
          .add("failedStarts", "servers that did not start at once", failedStarts, "", 0);
    }
    return ledger.addTo(report);
  }

  private static void delete(Path folder) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
              throws IOException {
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
