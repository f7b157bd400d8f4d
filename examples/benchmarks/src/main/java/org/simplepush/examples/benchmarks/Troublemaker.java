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
 * Makes trouble for nodes and for the several Redis they share, in rounds. A round is one trouble
 * or a few that overlap; the next begins when all is well again and no device that stays lacks
 * anything. Closing it leaves all up.
 *
 * <p>What the nodes remember replays what a failover lost. So what was confirmed may only be gone
 * for good if a node is killed in the same round in which a server that has data is troubled: see
 * {@link Survival#incident}.
 */
final class Troublemaker implements AutoCloseable {
  /** What there is, in the order of the report. */
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
   * One trouble: it begins, lasts, and ends.
   *
   * @param up waits for what its end started; when all troubles of the round have ended, for one
   *     process may need another
   */
  private record Trouble(Kind kind, String what, long millis, Act begin, Act end, Act up) {
    Trouble(Kind kind, String what, long millis, Act begin, Act end) {
      this(kind, what, millis, begin, end, NOTHING);
    }
  }

  private interface Act {
    void run() throws LoadException, IOException, InterruptedException;
  }

  private static final Act NOTHING = () -> {};

  private final List<StandaloneNode> nodes;
  private final List<Survival.Node> places;
  private final RedisGroup group;
  private final Survival survival;
  private final Random random;
  private final Failures failures;
  private final Map<Kind, Integer> counts = new EnumMap<>(Kind.class);
  private final CountDownLatch stop = new CountDownLatch(1);
  private final Thread thread = new Thread(this::run, "troublemaker");

  // Of the thread, and read when it has ended.
  private int rounds;
  private int unhealed;

  /** Of a round: whether a node was killed. */
  private boolean nodeKilled;

  /** Of a round: whether a server that has data was troubled. */
  private boolean dataInDanger;

  Troublemaker(
      List<StandaloneNode> nodes,
      List<Survival.Node> places,
      RedisGroup group,
      Survival survival,
      long seed) {
    this.nodes = nodes;
    this.places = places;
    this.group = group;
    this.survival = survival;
    this.random = new Random(seed);
    this.failures = survival.ledger.failures;
  }

  void start() {
    thread.start();
  }

  /** Adds what was done; after closing. */
  void addTo(Report report) {
    report.add("rounds", "rounds of trouble", rounds, "", 0);
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
      failures.fatal("No more trouble can be made: " + e.getMessage());
    } catch (InterruptedException e) {
      failures.fatal("The troublemaker was interrupted, which nobody should do");
    }
  }

  private void round() throws LoadException, IOException, InterruptedException {
    rounds++;
    nodeKilled = false;
    dataInDanger = false;
    int choice = random.nextInt(100);
    List<Trouble> active = new ArrayList<>();
    List<Long> ends = new ArrayList<>();
    if (choice < 55) {
      begin(storeTrouble(true), active, ends);
      if (random.nextInt(5) < 2) {
        pass(random.nextInt(2500));
        begin(random.nextBoolean() ? wireTrouble() : nodeHang(), active, ends);
      }
    } else if (choice < 80) {
      begin(random.nextBoolean() ? nodeKill() : nodeHang(), active, ends);
      if (random.nextInt(3) == 0) {
        pass(random.nextInt(2500));
        begin(random.nextBoolean() ? wireTrouble() : nodeKill(), active, ends);
      }
    } else {
      begin(storeTrouble(false), active, ends);
      pass(random.nextInt(3000));
      begin(random.nextInt(3) == 0 ? nodeHang() : nodeKill(), active, ends);
    }
    end(active, ends);
    awaitWhole("round " + rounds);
  }

  private void begin(Trouble trouble, List<Trouble> active, List<Long> ends)
      throws LoadException, IOException, InterruptedException {
    if (stop.getCount() == 0) {
      return;
    }
    say(
        String.format(
            Locale.ROOT,
            "%s%s",
            trouble.what,
            trouble.millis == 0 ? "" : " for " + trouble.millis / 1000.0 + " s"));
    counts.merge(trouble.kind, 1, Integer::sum);
    trouble.begin.run();
    active.add(trouble);
    ends.add(System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(trouble.millis));
  }

  /** Ends all in their order, at once if there shall be no more trouble. */
  private void end(List<Trouble> active, List<Long> ends)
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
    for (Trouble trouble : active) {
      trouble.up.run();
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
      sound = sound || group.isSound();
      whole = whole || survival.isWhole(moment);
    }
    noteIncident(); // what is lost may be found as long as not all is well
    say("well " + (System.nanoTime() - moment) / 1_000_000 + " ms after " + after);
  }

  // What the troubles are

  private Trouble nodeKill() {
    StandaloneNode node = nodes.get(random.nextInt(nodes.size()));
    return new Trouble(
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

  /** A node that starts while the store does not work gives up: it is started again. */
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

  private Trouble nodeHang() {
    int number = random.nextInt(nodes.size());
    StandaloneNode node = nodes.get(number);
    return new Trouble(
        Kind.NODE_HANG,
        name(node) + " hangs",
        300 + random.nextInt(random.nextInt(4) == 0 ? 12_000 : 4000),
        () -> {
          prepare(number);
          node.pause();
          survival.worstMoment(places.get(number));
        },
        node::resume);
  }

  private void prepare(int node) throws InterruptedException {
    survival.prepare(places.get(node), 15);
    pass(150 + random.nextInt(200));
  }

  private Trouble storeTrouble(boolean nodesLive) throws InterruptedException {
    int choice = random.nextInt(100);
    if (choice < 25) {
      return redisKill();
    }
    if (choice < 50) {
      return redisHang();
    }
    if (choice < 65) {
      return new Trouble(Kind.FAILOVER, "A failover is asked for", 1000, this::failOver, NOTHING);
    }
    if (choice < 80 && group.canReshard() && nodesLive) {
      return new Trouble(Kind.RESHARD, "Slots are moved", 0, this::reshard, NOTHING);
    }
    if (choice < 70 && !group.watchers().isEmpty()) {
      return watcherHang();
    }
    return wireTrouble();
  }

  private void failOver() throws IOException {
    danger();
    try {
      say(group.failOver(random));
    } catch (RedisCommand.Refused e) {
      say("refused: " + e.getMessage());
    }
  }

  private void reshard() throws LoadException, IOException, InterruptedException {
    say(group.reshard(random));
  }

  private Trouble redisKill() {
    RedisServer server = anyServer();
    return new Trouble(
        Kind.REDIS_KILL,
        name(server) + " is killed",
        random.nextInt(random.nextBoolean() ? 500 : 8000),
        () -> {
          danger();
          server.process.kill();
        },
        server.process::launch,
        server.process::awaitReady);
  }

  private Trouble redisHang() {
    RedisServer server = anyServer();
    return new Trouble(
        Kind.REDIS_HANG,
        name(server) + " hangs",
        random.nextBoolean() ? 200 + random.nextInt(4000) : 8000 + random.nextInt(8000),
        () -> {
          danger();
          survival.prepare(places.get(0), 5);
          pass(150);
          server.process.pause();
          survival.worstMoment(places.get(0));
        },
        server.process::resume);
  }

  private Trouble watcherHang() {
    RedisProcess watcher = group.watchers().get(random.nextInt(group.watchers().size()));
    return new Trouble(
        Kind.SENTINEL_HANG,
        "A Sentinel hangs",
        1000 + random.nextInt(5000),
        watcher::pause,
        watcher::resume);
  }

  /** Of the network in front of one server: all that goes there, or only what nodes say. */
  private Trouble wireTrouble() {
    RedisServer server = anyServer();
    boolean all = random.nextInt(4) == 0;
    boolean some = random.nextBoolean();
    Predicate<Relay.Wire> which =
        wire -> (all || wire.isOfNode()) && (!some || random.nextBoolean());
    String of =
        (some ? "some connections " : "connections ")
            + (all ? "" : "of nodes ")
            + "to "
            + name(server);
    Act danger = all ? this::danger : NOTHING;
    return switch (random.nextInt(3)) {
      case 0 ->
          new Trouble(
              Kind.CUT,
              of + " are cut",
              0,
              () -> {
                danger.run();
                server.relay.cut(which);
              },
              NOTHING);
      case 1 -> stall(server, all, which, of, danger);
      default ->
          new Trouble(
              Kind.BLACK_HOLE,
              of + " go into a black hole",
              1000,
              () -> {
                danger.run();
                prepare(0);
                server.relay.lose(which);
                survival.worstMoment(places.get(0));
              },
              NOTHING);
    };
  }

  private Trouble stall(
      RedisServer server, boolean all, Predicate<Relay.Wire> which, String of, Act danger) {
    Relay.Hold[] holds = {Relay.Hold.REQUESTS, Relay.Hold.ANSWERS, Relay.Hold.BOTH};
    Relay.Hold hold = holds[random.nextInt(holds.length)];
    boolean also = all && random.nextBoolean();
    Runnable[] release = {() -> {}};
    return new Trouble(
        Kind.STALL,
        of + (also ? " and later ones" : "") + " stall (" + hold + ")",
        200 + random.nextInt(6000),
        () -> {
          danger.run();
          prepare(0);
          release[0] = server.relay.stall(which, hold, also);
          survival.worstMoment(places.get(0));
        },
        () -> release[0].run());
  }

  private void danger() {
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

  /** Lets so many milliseconds pass; returns whether there shall be no more trouble. */
  private boolean pass(long millis) throws InterruptedException {
    return stop.await(millis, TimeUnit.MILLISECONDS);
  }

  /** Makes no more trouble, and waits until all processes are up. */
  @Override
  public void close() {
    stop.countDown();
    Threads.join(thread);
  }
}
