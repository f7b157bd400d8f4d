package org.simplepush.examples.benchmarks;

import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;
import org.simplepush.appserver.Notifier;
import org.simplepush.appserver.NotifierStatistics;
import org.simplepush.appserver.Verdict;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Notifies good push servers, first alone, then among hostile ones. */
@Command(
    name = "siege-notifier",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Has a notifier send to thousands of good push servers, without and with hostile ones.",
      "Each good one must accept, each hostile one get its verdict in time, and nothing may leak."
    })
final class SiegeNotifierCommand implements Callable<Integer> {
  /** How long it may take until everything is served, or gone. */
  private static final Duration LEFT_BEHIND = Duration.ofSeconds(90);

  /** How much later than promised a verdict may be on a machine that is busy with this. */
  private static final Duration SLACK = Duration.ofSeconds(10);

  @Option(names = "--good", defaultValue = "2000", description = "Default ${DEFAULT-VALUE}.")
  private int good;

  @Option(names = "--hostile", defaultValue = "200", description = "Default ${DEFAULT-VALUE}.")
  private int hostile;

  @Option(
      names = "--at-a-time",
      defaultValue = "200",
      description = "Calls for good ones under way. Default ${DEFAULT-VALUE}.")
  private int atATime;

  @Option(
      names = "--hostile-endpoints",
      defaultValue = "8",
      description = "Calls under way for each hostile one. Default ${DEFAULT-VALUE}.")
  private int hostileEndpoints;

  @Option(
      names = "--seconds",
      defaultValue = "8",
      description = "Of the siege; half of it without. Default ${DEFAULT-VALUE}.")
  private int seconds;

  @Option(
      names = "--deadline",
      defaultValue = "4",
      description = "Of the notifier, in seconds. Default ${DEFAULT-VALUE}.")
  private int deadline;

  @Option(
      names = "--request-timeout",
      defaultValue = "3",
      description = "Of the notifier, in seconds. Default ${DEFAULT-VALUE}.")
  private int requestTimeout;

  private final Failures failures = new Failures();

  private SiegeNotifierCommand() {}

  /** Calls that are repeated for host after host. */
  private final class Stream {
    private final Supplier<URI> endpoints;
    private final boolean mustAccept;
    private final Histogram took = new ConcurrentHistogram(3);
    private final AtomicLong late = new AtomicLong();
    private final AtomicInteger underWay = new AtomicInteger();
    private final Set<String> served = ConcurrentHashMap.newKeySet();
    private final Notifier notifier;
    private volatile boolean ends;

    /** How long it went on; of the thread that started it. */
    private double seconds;

    Stream(Notifier notifier, Supplier<URI> endpoints, boolean mustAccept) {
      this.notifier = notifier;
      this.endpoints = endpoints;
      this.mustAccept = mustAccept;
    }

    void start(int calls) {
      for (int n = 0; n < calls; n++) {
        call();
      }
    }

    /**
     * A call, and another when there is a verdict, on another thread, not to nest one in another.
     */
    private void call() {
      URI endpoint = endpoints.get();
      long before = System.nanoTime();
      underWay.incrementAndGet();
      var unused =
          notifier
              .publish(endpoint, Versions.next())
              .thenApply(verdict -> new Heard(verdict, System.nanoTime() - before))
              .thenAcceptAsync(heard -> heard(endpoint, heard.verdict(), heard.nanos()));
    }

    private void heard(URI endpoint, Verdict verdict, long nanos) {
      took.recordValue(nanos);
      if (nanos > promise().toNanos()) {
        late.incrementAndGet();
      }
      if (mustAccept) {
        if (verdict instanceof Verdict.Accepted) {
          served.add(endpoint.getHost());
        } else {
          failures.add("A good push server got the verdict " + verdict);
        }
      }
      if (!ends) {
        call();
      }
      underWay.decrementAndGet();
    }

    /** Ends it; all verdicts must come. */
    void end() throws InterruptedException {
      ends = true;
      long limit = System.nanoTime() + promise().toNanos();
      while (underWay.get() > 0 && System.nanoTime() - limit < 0) {
        Thread.sleep(10);
      }
      if (underWay.get() > 0) {
        failures.add(underWay.get() + " calls never got a verdict");
      }
      if (late.get() > 0) {
        failures.add(late.get() + " verdicts came later than " + promise());
      }
    }
  }

  private record Heard(Verdict verdict, long nanos) {}

  /** Versions that grow. */
  private static final class Versions {
    private static final AtomicLong LAST = new AtomicLong();

    static long next() {
      return LAST.incrementAndGet();
    }
  }

  private Duration promise() {
    return Duration.ofSeconds(deadline + requestTimeout).plus(SLACK);
  }

  private void check() throws WrongOptionException {
    if (good < 1 || good > 60_000 || hostile < 0 || hostile > 60_000) {
      throw new WrongOptionException("--good is 1 to 60000, --hostile 0 to 60000");
    }
    if (seconds < 1 || deadline < 1 || requestTimeout < 1 || atATime < 1 || hostileEndpoints < 1) {
      throw new WrongOptionException("Numbers of seconds and calls are 1 or more");
    }
  }

  @Override
  public Integer call() throws LoadException, IOException, InterruptedException {
    check();
    Process crowd =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                PushServerCrowd.class.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    Report report;
    try (BufferedReader output = crowd.inputReader()) {
      report = besiege(Integer.parseInt(output.readLine()));
    } finally {
      crowd.destroy();
    }
    System.out.print(report.table());
    System.out.println(report.json());
    return report.isGood() ? 0 : 1;
  }

  private static String host(int kind, int n) {
    return "127." + kind + "." + n / 256 + "." + n % 256;
  }

  private static URI endpoint(int kind, int n, int port, int number) {
    // One in eight hostile servers is asked for TLS, which it does not speak.
    String scheme = kind == 2 && n % 8 == 7 ? "https" : "http";
    return URI.create(scheme + "://" + host(kind, n) + ":" + port + "/update/" + number);
  }

  private static Supplier<URI> inTurn(int kind, int hosts, int port, int endpoints) {
    AtomicInteger next = new AtomicInteger();
    return () -> {
      int n = next.getAndUpdate(before -> (before + 1) % (hosts * endpoints));
      return endpoint(kind, n % hosts, port, n / hosts);
    };
  }

  private Notifier notifier() {
    Notifier.Builder builder =
        Notifier.builder()
            .deadline(Duration.ofSeconds(deadline))
            .requestTimeout(Duration.ofSeconds(requestTimeout));
    for (int n = 0; n < good; n++) {
      builder.permitHost(host(1, n));
    }
    for (int n = 0; n < hostile; n++) {
      builder.permitHost(host(2, n));
    }
    return builder.build();
  }

  private Report besiege(int port) throws LoadException, InterruptedException {
    ServerProbe probe = new ServerProbe(ProcessHandle.current().pid());
    Report report = new Report("siege-notifier");
    Duration alone = Duration.ofMillis(500L * seconds);
    try (Notifier warmUp = notifier()) { // the JVM compiles, and pools of threads are made
      run(warmUp, port, alone, false);
    }
    double heapBefore = heap();
    double threadsBefore = threads();
    double descriptorsBefore = probe.descriptors();
    try (Notifier quiet = notifier()) {
      Stream served = run(quiet, port, alone, false);
      add(report, "alone", "without hostile ones", served);
    }
    Notifier besieged = notifier();
    Duration siege = Duration.ofSeconds(seconds);
    Stream bad =
        new Stream(besieged, inTurn(2, Math.max(1, hostile), port, hostileEndpoints), false);
    if (hostile > 0) {
      bad.start(hostile * hostileEndpoints); // first: they are before the others in every line
    }
    Stream served = run(besieged, port, siege, true);
    double threads = threads();
    double descriptors = probe.descriptors();
    bad.end();
    add(report, "besieged", "among hostile ones", served);
    report
        .add(
            "hostileVerdicts", "verdicts on hostile ones", (double) bad.took.getTotalCount(), "", 0)
        .addLatency("hostile", "their verdicts", bad.took)
        .add("threads", "threads under siege", threads, "", 0)
        .add("descriptors", "descriptors under siege", descriptors, "", 0);
    NotifierStatistics after = besieged.statistics();
    if (after.waiting() > 0 || after.onWire() > 0) {
      failures.add("Something still waits in the notifier: " + after);
    }
    besieged.close();
    awaitNothingLeft(probe, threadsBefore, descriptorsBefore);
    report
        .add("threadsMore", "threads left behind", threads() - threadsBefore, "", 0)
        .add(
            "descriptorsMore",
            "descriptors left behind",
            probe.descriptors() - descriptorsBefore,
            "",
            0)
        .add("heapMore", "heap left behind", (heap() - heapBefore) / (1 << 20), "MB", 1);
    return report.close(0, failures);
  }

  private Stream run(Notifier notifier, int port, Duration time, boolean all)
      throws LoadException, InterruptedException {
    Stream stream = new Stream(notifier, inTurn(1, good, port, 4), true);
    long began = System.nanoTime();
    stream.start(atATime);
    failures.pass(time);
    long limit = System.nanoTime() + LEFT_BEHIND.toNanos();
    while (all && stream.served.size() < good) { // on a machine that is busy with other things
      if (System.nanoTime() - limit > 0) {
        failures.add("Only " + stream.served.size() + " of " + good + " hosts were served");
        break;
      }
      failures.pass(Duration.ofMillis(100));
    }
    stream.seconds = (System.nanoTime() - began) / 1e9;
    stream.end();
    return stream;
  }

  private static void add(Report report, String key, String what, Stream stream) {
    report
        .add(
            key + "PerSecond",
            "accepted per second " + what,
            stream.took.getTotalCount() / stream.seconds,
            "/s",
            0)
        .addLatency(key, "verdicts " + what, stream.took);
  }

  private static double threads() {
    return ManagementFactory.getThreadMXBean().getThreadCount();
  }

  private static double heap() {
    MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
    memory.gc();
    return memory.getHeapMemoryUsage().getUsed();
  }

  /** Idle threads of the HTTP engine live for a minute. */
  private void awaitNothingLeft(ServerProbe probe, double threads, double descriptors)
      throws InterruptedException {
    long limit = System.nanoTime() + LEFT_BEHIND.toNanos();
    while (threads() > threads + 8 || probe.descriptors() > descriptors + 8) {
      if (System.nanoTime() - limit > 0) {
        failures.add("Threads or descriptors are left behind");
        return;
      }
      Thread.sleep(100);
    }
  }
}
