package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * Strangers misuse a server in every way known here, all at once, while devices that behave get
 * their updates and its health is asked for.
 */
@Command(
    name = "siege",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Strangers who know no secret against a server with a small heap.",
      "Exits with 1 if an update is lost or the server dies or stops answering; what else should"
          + " hold is printed, and counts with --strict."
    })
final class SiegeCommand implements Callable<Integer> {
  /** Which HTTP server takes the PUTs. */
  enum Front {
    jetty,
    jdk
  }

  private static final Duration GREETING = Duration.ofSeconds(30);
  private static final Duration SETTLE = Duration.ofSeconds(30);
  private static final Duration RECOVERY = Duration.ofSeconds(75);
  private static final Duration NEWCOMER = Duration.ofSeconds(20);
  private static final Duration SECOND = Duration.ofSeconds(1);

  /** So many unanswered questions for its health in a row are the death of a server. */
  private static final int HEALTH_FAILURES = 5;

  // What should hold beside
  private static final double GOAL_P99_MILLIS = 1000;
  private static final long GOAL_LOG_BYTES = 200 * 1024;
  private static final int GOAL_MORE_DESCRIPTORS = 50;

  /** Pools of threads that have grown to their size may stay so for minutes. */
  private static final int GOAL_MORE_THREADS = 50;

  @Mixin private final ProgramOptions programs = new ProgramOptions();

  @Option(
      names = "--store",
      defaultValue = "memory",
      description = "memory or sqlite. Default ${DEFAULT-VALUE}.")
  private Deployment.Store store;

  @Option(names = "--tls", description = "Serve wss and https. Default off.")
  private boolean tls;

  @Option(
      names = "--endpoint-server",
      paramLabel = "jetty|jdk",
      defaultValue = "jetty",
      description = "Which HTTP server takes the PUTs. Default ${DEFAULT-VALUE}.")
  private Front front;

  @Option(
      names = "--seconds",
      paramLabel = "S",
      defaultValue = "60",
      converter = LoadOptions.Seconds.class,
      description = "Seconds that the attacks last. Default ${DEFAULT-VALUE}.")
  private Duration duration;

  @Option(
      names = "--heap",
      paramLabel = "MB",
      defaultValue = "256",
      converter = LoadOptions.Count.class,
      description = "Of the server. Default ${DEFAULT-VALUE}.")
  private int heap;

  @Mixin private final LoadOptions.Devices devices = new LoadOptions.Devices();

  @Option(
      names = "--server-opts",
      paramLabel = "OPTIONS",
      defaultValue = "--limit-loopback",
      description = "More options of the server, in one argument. Default '${DEFAULT-VALUE}'.")
  private String serverOptions;

  @Option(names = "--only", paramLabel = "NAME", description = "Only attacks whose name has this.")
  private @Nullable String only;

  @Option(names = "--strict", description = "All that should hold must. Default off.")
  private boolean strict;

  private final List<String> unmet = new ArrayList<>();

  private SiegeCommand() {}

  @Override
  public Integer call() throws LoadException, IOException, InterruptedException {
    if (store != Deployment.Store.memory && store != Deployment.Store.sqlite) {
      throw new WrongOptionException("--store must be memory or sqlite");
    }
    Path folder = Files.createTempDirectory("simplepush-siege-");
    Path log = folder.resolve("server.log");
    int managementPort = Deployment.freePort(new Random());
    Report report;
    try (ServerProcess server =
        ServerProcess.launch(
            command(folder, managementPort), ProcessBuilder.Redirect.to(log.toFile()))) {
      report = run(server, managementPort, duration, log);
    }
    System.out.print(report.table());
    unmet.forEach(sentence -> System.out.println("  does not hold: " + sentence));
    System.out.println(report.json());
    boolean good = report.isGood() && (unmet.isEmpty() || !strict);
    System.out.println(good ? "The server held out" : "The server did not hold out");
    if (!good || !unmet.isEmpty()) {
      System.err.println("Data and logs are kept in " + folder);
    } else {
      Deployment.delete(folder);
    }
    return good ? 0 : 1;
  }

  private List<String> command(Path folder, int managementPort)
      throws LoadException, IOException, InterruptedException {
    Deployment.Programs runs = programs.programs(List.of("-Xmx" + heap + "m"), null);
    List<String> options = new ArrayList<>();
    options.addAll(List.of("--management-port", "" + managementPort));
    options.addAll(List.of("--redelivery", "5s", "--drain", "1s"));
    options.addAll(List.of("--endpoint-server", front.name()));
    options.addAll(
        List.of(
            "--store",
            store == Deployment.Store.sqlite ? "sqlite:" + folder.resolve("store.db") : "memory"));
    if (tls) {
      String pem = Certificate.make(folder).pem().toString();
      options.addAll(List.of("--tls-cert", pem, "--tls-key", pem));
    }
    options.addAll(ProgramOptions.split(serverOptions));
    return ServerProcess.command(runs.java(), runs.jvmOptions(), runs.jar(), 0, 0, options);
  }

  private Report run(ServerProcess server, int managementPort, Duration duration, Path log)
      throws LoadException, IOException, InterruptedException {
    ServerProcess.Ready ready = server.awaitReady();
    Target target = new Target(ready.webSocket(), null);
    InetSocketAddress management =
        new InetSocketAddress(InetAddress.getLoopbackAddress(), managementPort);
    ServerProbe probe = new ServerProbe(server.pid());
    try (HonestClients honest = new HonestClients(target)) {
      Failures failures = honest.statistics.failures;
      HonestDevice ofStrangers = honest.joinForStrangers();
      for (int i = 0; i < devices.count; i++) {
        honest.join();
      }
      if (honest.awaitReady(GREETING) > 0) {
        throw new LoadException("The devices cannot connect: " + honest.firstSentAway());
      }
      HealthWatch health = new HealthWatch(honest.loop, honest.timers, management);
      honest.loop.execute(health::ask);
      honest.startSending();
      failures.pass(Duration.ofSeconds(4)); // the JVM compiles
      double heapBefore = probe.liveHeap();
      double descriptorsBefore = probe.descriptors();
      double threadsBefore = probe.threads();
      double rssBefore = probe.rss();
      honest.resetLatencies();

      String path = URI.create(String.valueOf(ofStrangers.endpoint())).getRawPath();
      Peaks peaks = new Peaks(probe);
      List<Attack> attacks;
      try (LoadLoop loop = new LoadLoop(1, failures);
          Timers timers = new Timers(loop)) {
        loop.start();
        SiegeTarget attacked =
            new SiegeTarget(
                loop, timers, target, address(ready.endpoint()), management, path, target.tls);
        attacks = attacks(attacked);
        loop.execute(() -> attacks.forEach(Attack::start));
        long end = System.nanoTime() + duration.toNanos();
        while (System.nanoTime() - end < 0) {
          failures.pass(SECOND);
          peaks.look();
          if (!server.isAlive()) {
            failures.add("The server died");
            break;
          }
        }
        loop.<Boolean>call(
            () -> {
              attacks.forEach(Attack::stop);
              return true;
            });
      }
      Report report = new Report("siege");
      long lost = 0;
      if (server.isAlive()) {
        failures.pass(Duration.ofSeconds(2));
        lost = honest.settle(SETTLE);
        newcomer(honest, failures);
        afterwards(probe, failures, heapBefore, descriptorsBefore, threadsBefore, report);
      } else {
        lost = devices.count;
      }
      honest.loop.<Boolean>call(
          () -> {
            health.stop();
            return true;
          });
      if (health.mostFailuresInARow >= HEALTH_FAILURES) {
        failures.add(
            "The server's health was not known " + health.mostFailuresInARow + " times in a row");
      }
      table(attacks);
      figures(honest, health, peaks, report, rssBefore);
      if (!server.stop()) { // which ends the devices' connections
        failures.add("The server did not stop with exit code 0 when told to");
      }
      readLog(log, honest.secrets(), report);
      return report.close(lost, failures);
    }
  }

  private static InetSocketAddress address(URI uri) {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), uri.getPort());
  }

  private List<Attack> attacks(SiegeTarget attacked) throws LoadException {
    List<Attack> attacks = new ArrayList<>();
    for (Attack.Plan plan : Attackers.plans(tls)) {
      if (only == null || plan.name().contains(only)) {
        attacks.add(new Attack(plan, attacks.size(), attacked));
      }
    }
    if (attacks.isEmpty()) {
      throw new WrongOptionException("No attack has '" + only + "' in its name");
    }
    return attacks;
  }

  /** What a server uses at most. */
  private static final class Peaks {
    private final ServerProbe probe;
    private double rss;
    private double descriptors;
    private double threads;

    Peaks(ServerProbe probe) {
      this.probe = probe;
    }

    void look() {
      rss = Math.max(rss, probe.rss());
      descriptors = Math.max(descriptors, probe.descriptors());
      threads = Math.max(threads, probe.threads());
    }
  }

  private static void newcomer(HonestClients honest, Failures failures)
      throws LoadException, InterruptedException {
    int before = honest.heldUpdates();
    HonestDevice late = honest.join();
    if (honest.awaitReady(NEWCOMER) > 0) {
      failures.add("The server takes no new device after the attack: " + honest.firstSentAway());
      return;
    }
    honest.sendTo(late);
    long end = System.nanoTime() + NEWCOMER.toNanos();
    while (honest.heldUpdates() == before || honest.isBehind(late)) {
      if (System.nanoTime() - end > 0) {
        failures.add("A new device does not get its update after the attack");
        return;
      }
      failures.pass(Duration.ofMillis(20));
    }
  }

  private void afterwards(
      ServerProbe probe,
      Failures failures,
      double heapBefore,
      double descriptors,
      double threads,
      Report report)
      throws LoadException, InterruptedException {
    long began = System.nanoTime();
    boolean isBack = false;
    while (!isBack && System.nanoTime() - began < RECOVERY.toNanos()) {
      failures.pass(Duration.ofMillis(200));
      isBack =
          probe.descriptors() <= descriptors + GOAL_MORE_DESCRIPTORS
              && probe.threads() <= threads + GOAL_MORE_THREADS;
    }
    double heapAfter = probe.liveHeap();
    report
        .add("heapBefore", "live heap before", megabytes(heapBefore), "MB", 1)
        .add("heapAfter", "live heap after", megabytes(heapAfter), "MB", 1)
        .add("descriptorsBefore", "descriptors before", descriptors, "", 0)
        .add("descriptorsAfter", "descriptors after", probe.descriptors(), "", 0)
        .add("threadsBefore", "threads before", threads, "", 0)
        .add("threadsAfter", "threads after", probe.threads(), "", 0)
        .add("backSeconds", "until they were back", (System.nanoTime() - began) / 1e9, "s", 1);
    if (!isBack) {
      unmet.add("descriptors and threads are back after " + RECOVERY.toSeconds() + " s");
    }
    if (megabytes(heapAfter - heapBefore) > heap / 4.0) {
      unmet.add("no more than a quarter of the heap is kept after the attack");
    }
  }

  private void figures(
      HonestClients honest, HealthWatch health, Peaks peaks, Report report, double rssBefore) {
    RunStatistics statistics = honest.statistics;
    report
        .add("descriptorsAtMost", "descriptors at most", peaks.descriptors, "", 0)
        .add("threadsAtMost", "threads at most", peaks.threads, "", 0)
        .add("rssBefore", "RSS before", megabytes(rssBefore), "MB", 0)
        .add("rssAtMost", "RSS at most", megabytes(peaks.rss), "MB", 0)
        .add("puts", "PUTs answered with 200", statistics.accepted, "", 0)
        .add("putsRefused", "PUTs refused, to come later", statistics.refused, "", 0)
        .add("putsUnanswered", "PUTs without an answer", statistics.unanswered, "", 0)
        .add("sentAway", "connections that devices lost", statistics.sentAway, "", 0)
        .add("freshUaids", "fresh UAIDs (must be 0)", statistics.freshUaids, "", 0)
        .add("updates", "updates", statistics.updates, "", 0)
        .addLatency("delivery", "PUT due to device", honest.delivery)
        .addLatency("health", "health", health.times())
        .add("healthFailures", "health not known", health.failures, "", 0)
        .add("healthFailuresInARow", "of these in a row", health.mostFailuresInARow, "", 0);
    if (!(report.value("deliveryP99Millis") < GOAL_P99_MILLIS)) {
      unmet.add("the 99th percentile from PUT to device is below a second");
    }
    if (statistics.sentAway > 0) {
      unmet.add("no device that behaves loses its connection; one did: " + honest.firstSentAway());
    }
    if (statistics.freshUaids > 0) {
      statistics.failures.add("The server gave devices that it knew another UAID");
    }
  }

  private static void table(List<Attack> attacks) {
    System.out.printf(
        Locale.ROOT,
        "%-34s %9s %9s %9s %9s %9s%n",
        "attack",
        "attempts",
        "at once",
        "refused",
        "ended",
        "answers");
    for (Attack attack : attacks) {
      System.out.printf(
          Locale.ROOT,
          "%-34s %9d %9d %9d %9d %9d%n",
          attack.plan.name(),
          attack.attempts,
          attack.mostAtOnce,
          attack.refused,
          attack.ended,
          attack.answers);
    }
  }

  private void readLog(Path log, List<String> secrets, Report report) throws IOException {
    String text = Files.readString(log, StandardCharsets.ISO_8859_1);
    report.add("logBytes", "log", text.length() / 1024.0, "KB", 1);
    if (text.length() > GOAL_LOG_BYTES) {
      unmet.add("the log is no more than " + GOAL_LOG_BYTES / 1024 + " KB");
    }
    if (secrets.stream().anyMatch(text::contains)) {
      unmet.add("the log holds no UAID and no endpoint");
    }
  }

  private static double megabytes(double bytes) {
    return bytes / (1 << 20);
  }
}
