package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * Injects faults into nodes and the several Redis they share, in rounds. A round is one fault or a
 * few that overlap. The next round begins when everything works again, no device that stays
 * connected lacks a version, and each node has applied again what a failover lost, see {@link
 * Restoration}. After closing, all processes run.
 *
 * <p>So a confirmed step can only be lost for good if a node is killed in the same round in which a
 * server that has data fails, or a replica takes its place although nobody asked for that: see
 * {@link Survival#incident}.
 */
final class FaultInjector implements AutoCloseable {
  /** The kinds of faults, in the order of the report. */
  enum Kind {
    NODE_KILL("nodeKills", "nodes killed"),
    NODE_HANG("nodeHangs", "nodes hung"),
    REDIS_KILL("redisKills", "Redis servers killed"),
    REDIS_HANG("redisHangs", "Redis servers hung"),
    SENTINEL_HANG("sentinelHangs", "Sentinels hung"),
    FAILOVER("failovers", "failovers asked for"),
    RESHARD("reshards", "slots moved, times"),
    CUT("cuts", "connections to Redis cut, times"),
    STALL("stalls", "connections to Redis stalled, times"),
    BLACK_HOLE("blackHoles", "connections to Redis lost in a black hole, times");

    final String key;
    final String label;

    Kind(String key, String label) {
      this.key = key;
      this.label = label;
    }
  }

  private static final Duration WHOLE_LIMIT = Duration.ofSeconds(90);
  private static final int POLL_MILLIS = 50;

  /**
   * One fault: it begins, lasts, and ends.
   *
   * @param up waits for the process that its end has started; called when all faults of the round
   *     have ended, because one process may need another
   */
  private record Fault(Kind kind, String what, long millis, Act begin, Act end, Act up) {
    Fault(Kind kind, String what, long millis, Act begin, Act end) {
      this(kind, what, millis, begin, end, NOTHING);
    }
  }

  private interface Act {
    void run() throws LoadException, IOException, InterruptedException;
  }

  private static final Act NOTHING = () -> {};

  private final List<StandaloneNode> nodes;
  private final List<Survival.Node> addresses;
  private final RedisGroup group;
  private final Survival survival;
  private final Random random;
  private final Failures failures;
  private final Map<Kind, Integer> counts = new EnumMap<>(Kind.class);
  private final CountDownLatch stop = new CountDownLatch(1);
  private final Thread thread = new Thread(this::run, "fault injector");

  // Written by the thread, read when it has ended.
  private int rounds;
  private int unhealed;

  /** Whether a node was killed in this round. */
  private boolean nodeKilled;

  /** Whether a server that has data failed in this round. */
  private boolean dataInDanger;

  /** Those at the begin of this round. */
  private List<RedisServer> masters = List.of();

  FaultInjector(
      List<StandaloneNode> nodes,
      List<Survival.Node> addresses,
      RedisGroup group,
      Survival survival,
      long seed) {
    this.nodes = nodes;
    this.addresses = addresses;
    this.group = group;
    this.survival = survival;
    this.random = new Random(seed);
    this.failures = survival.statistics.failures;
  }

  void start() {
    thread.start();
  }

  /** Adds what was done. Call it after closing. */
  void addTo(Report report) {
    report.add("rounds", "rounds of fault", rounds, "", 0);
    for (Kind kind : Kind.values()) {
      Integer count = counts.get(kind);
      if (count != null) {
        report.add(kind.key, kind.label, count, "", 0);
      }
    }
    report.add("unhealed", "rounds after which all was not well in 90 s", unhealed, "", 0);
  }

  private void run() {
    try {
      awaitWhole("the start");
      while (!pass(500 + random.nextInt(1000))) {
        round();
      }
    } catch (LoadException | IOException e) {
      failures.fatal("No more faults can be injected: " + e.getMessage());
    } catch (InterruptedException e) {
      failures.fatal("The fault injector was interrupted");
    }
  }

  private void round() throws LoadException, IOException, InterruptedException {
    rounds++;
    nodeKilled = false;
    dataInDanger = false;
    masters = group.masters();
    int choice = random.nextInt(100);
    List<Fault> active = new ArrayList<>();
    List<Long> ends = new ArrayList<>();
    if (choice < 55) {
      begin(storeFault(true), active, ends);
      if (random.nextInt(5) < 2) {
        pass(random.nextInt(2500));
        begin(random.nextBoolean() ? networkFault() : nodeHang(), active, ends);
      }
    } else if (choice < 80) {
      begin(random.nextBoolean() ? nodeKill() : nodeHang(), active, ends);
      if (random.nextInt(3) == 0) {
        pass(random.nextInt(2500));
        begin(random.nextBoolean() ? networkFault() : nodeKill(), active, ends);
      }
    } else {
      begin(storeFault(false), active, ends);
      pass(random.nextInt(3000));
      begin(random.nextInt(3) == 0 ? nodeHang() : nodeKill(), active, ends);
    }
    end(active, ends);
    awaitWhole("round " + rounds);
  }

  private void begin(Fault fault, List<Fault> active, List<Long> ends)
      throws LoadException, IOException, InterruptedException {
    if (stop.getCount() == 0) {
      return;
    }
    say(
        String.format(
            Locale.ROOT,
            "%s%s",
            fault.what,
            fault.millis == 0 ? "" : " for " + fault.millis / 1000.0 + " s"));
    counts.merge(fault.kind, 1, Integer::sum);
    fault.begin.run();
    active.add(fault);
    ends.add(System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(fault.millis));
  }

  /** Ends the faults in their order, or without waiting if the run is over. */
  private void end(List<Fault> active, List<Long> ends)
      throws LoadException, IOException, InterruptedException {
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < active.size(); i++) {
      order.add(i);
    }
    order.sort(Comparator.comparingLong(ends::get));
    for (int i : order) {
      pass(TimeUnit.NANOSECONDS.toMillis(ends.get(i) - System.nanoTime()));
      active.get(i).end.run();
    }
    for (Fault fault : active) {
      fault.up.run();
    }
  }

  private void awaitWhole(String after) throws InterruptedException {
    long moment = System.nanoTime();
    long limit = moment + WHOLE_LIMIT.toNanos();
    boolean sound = false;
    boolean whole = false;
    while (!(sound && whole)) {
      if (System.nanoTime() - limit > 0) {
        unhealed++;
        say("NOT WELL 90 s after " + after + ": " + (sound ? "devices lack something" : "Redis"));
        break;
      }
      if (pass(POLL_MILLIS)) {
        break;
      }
      if (!sound) {
        sound = group.isSound();
        noteFailover();
      }
      whole = whole || survival.isWhole(moment);
    }
    say("well " + (System.nanoTime() - moment) / 1_000_000 + " ms after " + after);
    awaitRestored(after, limit);
    noteIncident(); // a loss may show until then
  }

  /** A machine that is too busy is enough for one that nobody asked for. */
  private void noteFailover() {
    List<RedisServer> now = group.masters();
    if (!now.isEmpty() && !masters.isEmpty() && !now.equals(masters)) {
      endangerData();
    }
  }

  private void awaitRestored(String after, long limit) throws InterruptedException {
    Restoration restoration = new Restoration(group, nodes.size());
    while (!pass(POLL_MILLIS) && !restoration.isOver()) {
      if (System.nanoTime() - limit > 0) {
        unhealed++;
        say("NOT WELL 90 s after " + after + ": a node does not tick on each master");
        return;
      }
    }
  }

  // The faults

  private Fault nodeKill() {
    StandaloneNode node = nodes.get(random.nextInt(nodes.size()));
    return new Fault(
        Kind.NODE_KILL,
        name(node) + " is killed",
        100 + random.nextInt(3000),
        () -> {
          nodeKilled = true;
          noteIncident();
          node.kill();
        },
        () -> {
          node.kill(); // it may have been chosen twice
          node.launch();
        },
        () -> awaitReady(node));
  }

  /** Starts a node again if it gave up because the store did not work. */
  private void awaitReady(StandaloneNode node) throws LoadException, InterruptedException {
    long limit = System.nanoTime() + WHOLE_LIMIT.toNanos();
    while (true) {
      try {
        node.awaitReady();
        return;
      } catch (LoadException e) {
        if (System.nanoTime() - limit > 0) {
          throw e;
        }
        node.kill();
        node.launch();
      }
    }
  }

  private Fault nodeHang() {
    int number = random.nextInt(nodes.size());
    StandaloneNode node = nodes.get(number);
    return new Fault(
        Kind.NODE_HANG,
        name(node) + " hangs",
        300 + random.nextInt(random.nextInt(4) == 0 ? 12_000 : 4000),
        () -> {
          prepareToMove(number);
          node.pause();
          survival.sendAndMove(addresses.get(number));
        },
        node::resume);
  }

  private void prepareToMove(int node) throws InterruptedException {
    survival.prepareToMove(addresses.get(node), 15);
    pass(150 + random.nextInt(200));
  }

  private Fault storeFault(boolean nodesLive) throws InterruptedException {
    int choice = random.nextInt(100);
    if (choice < 25) {
      return redisKill();
    }
    if (choice < 50) {
      return redisHang();
    }
    if (choice < 65) {
      return new Fault(Kind.FAILOVER, "A failover is asked for", 1000, this::failOver, NOTHING);
    }
    if (choice < 80 && group.canReshard() && nodesLive) {
      return new Fault(Kind.RESHARD, "Slots are moved", 0, this::reshard, NOTHING);
    }
    if (choice < 70 && !group.watchers().isEmpty()) {
      return watcherHang();
    }
    return networkFault();
  }

  private void failOver() throws IOException {
    endangerData();
    try {
      say(group.failOver(random));
    } catch (RedisCommand.Refused e) {
      say("refused: " + e.getMessage());
    }
  }

  private void reshard() throws LoadException, IOException, InterruptedException {
    say(group.reshard(random));
  }

  private Fault redisKill() {
    RedisServer server = anyServer();
    return new Fault(
        Kind.REDIS_KILL,
        name(server) + " is killed",
        random.nextInt(random.nextBoolean() ? 500 : 8000),
        () -> {
          endangerData();
          server.process.kill();
        },
        server.process::launch,
        server.process::awaitReady);
  }

  private Fault redisHang() {
    RedisServer server = anyServer();
    return new Fault(
        Kind.REDIS_HANG,
        name(server) + " hangs",
        random.nextBoolean() ? 200 + random.nextInt(4000) : 8000 + random.nextInt(8000),
        () -> {
          endangerData();
          survival.prepareToMove(addresses.get(0), 5);
          pass(150);
          server.process.pause();
          survival.sendAndMove(addresses.get(0));
        },
        server.process::resume);
  }

  private Fault watcherHang() {
    RedisProcess watcher = group.watchers().get(random.nextInt(group.watchers().size()));
    return new Fault(
        Kind.SENTINEL_HANG,
        "A Sentinel hangs",
        1000 + random.nextInt(5000),
        watcher::pause,
        watcher::resume);
  }

  /** A fault of the network in front of one server, for all connections or only those of nodes. */
  private Fault networkFault() {
    RedisServer server = anyServer();
    boolean all = random.nextInt(4) == 0;
    boolean some = random.nextBoolean();
    Predicate<Relay.Link> which =
        link -> (all || link.isOfNode()) && (!some || random.nextBoolean());
    String of =
        (some ? "some connections " : "connections ")
            + (all ? "" : "of nodes ")
            + "to "
            + name(server);
    Act endangerData = all ? this::endangerData : NOTHING;
    return switch (random.nextInt(3)) {
      case 0 ->
          new Fault(
              Kind.CUT,
              of + " are cut",
              0,
              () -> {
                endangerData.run();
                server.relay.cut(which);
              },
              NOTHING);
      case 1 -> stall(server, all, which, of, endangerData);
      default ->
          new Fault(
              Kind.BLACK_HOLE,
              of + " go into a black hole",
              1000,
              () -> {
                endangerData.run();
                prepareToMove(0);
                server.relay.lose(which);
                survival.sendAndMove(addresses.get(0));
              },
              NOTHING);
    };
  }

  private Fault stall(
      RedisServer server, boolean all, Predicate<Relay.Link> which, String of, Act endangerData) {
    Relay.Hold[] holds = {Relay.Hold.REQUESTS, Relay.Hold.ANSWERS, Relay.Hold.BOTH};
    Relay.Hold hold = holds[random.nextInt(holds.length)];
    boolean also = all && random.nextBoolean();
    Runnable[] release = {() -> {}};
    return new Fault(
        Kind.STALL,
        of + (also ? " and later ones" : "") + " stall (" + hold + ")",
        200 + random.nextInt(6000),
        () -> {
          endangerData.run();
          prepareToMove(0);
          release[0] = server.relay.stall(which, hold, also);
          survival.sendAndMove(addresses.get(0));
        },
        () -> release[0].run());
  }

  private void endangerData() {
    dataInDanger = true;
    noteIncident();
  }

  private void noteIncident() {
    if (nodeKilled && dataInDanger) {
      survival.incident();
    }
  }

  private RedisServer anyServer() {
    List<RedisServer> masters = group.masters();
    List<RedisServer> from =
        random.nextInt(10) < 6 && !masters.isEmpty() ? masters : group.servers();
    return from.get(random.nextInt(from.size()));
  }

  private String name(RedisServer server) {
    return server + (group.masters().contains(server) ? " (master)" : " (replica)");
  }

  private String name(StandaloneNode node) {
    return "node " + nodes.indexOf(node);
  }

  private void say(String what) {
    survival.say(what);
  }

  /** Waits; returns whether the run is over. */
  private boolean pass(long millis) throws InterruptedException {
    return stop.await(millis, TimeUnit.MILLISECONDS);
  }

  /** Ends the injection, and waits until all processes run. */
  @Override
  public void close() {
    stop.countDown();
    Threads.join(thread);
  }
}
