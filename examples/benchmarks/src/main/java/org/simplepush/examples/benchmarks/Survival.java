package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Devices that come and go and senders that PUT, at the nodes of one push server whose processes
 * somebody kills meanwhile. In the end every device must hold what the server promised it.
 */
final class Survival implements AutoCloseable {
  static final int PROBED_DEVICES = 16;
  private static final int MOST_NOTES = 50;
  private static final long SAMPLE_MILLIS = 50;
  private static final Duration POLL = Duration.ofMillis(20);

  /** How long the last answers to PUTs may take. */
  private static final Duration LAST_ANSWERS = Duration.ofSeconds(30);

  /** Where devices connect to a node, and where it takes PUTs. */
  record Node(Target target, InetSocketAddress endpoint) {}

  /**
   * How devices behave, and what is held against the server.
   *
   * @param oneInStays one in so many devices leaves only when it is told to, and is back at once
   * @param patienceMillis how long a device waits until it is connected and registered
   * @param mayForget whether a store may lose what it confirmed when several processes fail at
   *     once: then a fresh UAID is counted and is no failure
   */
  record Manners(int oneInStays, long patienceMillis, boolean mayForget) {
    static final Manners OF_ONE_STORE = new Manners(4, 10_000, false);
    static final Manners OF_A_GROUP = new Manners(2, 3000, true);
  }

  final Ledger ledger = new Ledger(new Failures());
  final LoadLoop loop = new LoadLoop(0, ledger.failures);
  final Timers timers = new Timers(loop);
  final int channelsEach;
  final Manners manners;

  private final List<Node> nodes;
  private final Random random;
  private final List<Wanderer> devices = new ArrayList<>();
  private final List<Publisher> publishers = new ArrayList<>();
  private final List<Probe> probes = new ArrayList<>();
  private final long began = System.nanoTime();
  private final AtomicInteger notes = new AtomicInteger();
  private boolean stopped;

  /** When something was lost that nobody could replay, perhaps. */
  private @Nullable Long lastIncident;

  /**
   * Makes all that takes part.
   *
   * @param seed of every choice made here; when things happen, it does not decide
   */
  Survival(
      List<Node> nodes, long seed, int devices, int channelsEach, int publishers, Manners manners)
      throws IOException {
    this.nodes = nodes;
    this.manners = manners;
    this.random = new Random(seed);
    this.channelsEach = channelsEach;
    int run = random.nextInt();
    for (int i = 0; i < devices; i++) {
      this.devices.add(new Wanderer(this, run, i, channelsEach));
    }
    for (int i = 0; i < publishers; i++) {
      this.publishers.add(new Publisher(this, nodes.get(i % nodes.size())));
    }
    for (Node node : nodes) {
      this.probes.add(new Probe(this, node, Math.min(devices, PROBED_DEVICES)));
    }
  }

  void start() {
    loop.start();
    loop.execute(
        () -> {
          devices.forEach(Wanderer::connect);
          publishers.forEach(Publisher::goOn);
          probes.forEach(Probe::start);
          sample();
        });
  }

  /**
   * Sends nothing more, and waits until every device is there and holds what was promised.
   *
   * @return how many channels do not when {@code limit} is over: updates lost
   */
  int settle(Duration limit) throws LoadException, InterruptedException {
    loop.execute(() -> stopped = true);
    long end = System.nanoTime() + LAST_ANSWERS.toNanos();
    while (!loop.call(() -> publishers.stream().allMatch(Publisher::isParked))) {
      if (System.nanoTime() - end > 0) {
        throw new LoadException("The senders do not come to an end");
      }
      ledger.failures.pass(POLL);
    }
    loop.execute(() -> devices.forEach(Wanderer::calmDown));
    end = System.nanoTime() + limit.toNanos();
    while (true) {
      long missing = loop.call(() -> devices.stream().filter(each -> !each.isThere()).count());
      int behind = loop.call(() -> devices.stream().mapToInt(Wanderer::behind).sum());
      if (missing == 0 && behind == 0) {
        return 0;
      }
      if (System.nanoTime() - end > 0) {
        if (missing > 0) {
          ledger.failures.add(missing + " devices could not connect and register in the end");
        }
        loop.execute(
            () ->
                devices.stream()
                    .filter(each -> each.behind() > 0)
                    .forEach(each -> note("LOST: " + each)));
        return behind;
      }
      ledger.failures.pass(POLL);
    }
  }

  private void sample() {
    long now = System.nanoTime();
    for (Wanderer device : devices) {
      Long since = device.owedSince();
      if (since != null) {
        ledger.deafness.lacks(device, since, now);
      }
    }
    timers.after(SAMPLE_MILLIS, this::sample);
  }

  // For who makes trouble, on any thread

  /**
   * Whether the store works, and every device that stays holds what was confirmed before it began
   * to, and before {@code moment}.
   */
  boolean isWhole(long moment) {
    return loop.call(
        () ->
            ledger.deafness.worksSinceBefore(System.nanoTime())
                && devices.stream().allMatch(device -> isWhole(device, moment)));
  }

  private boolean isWhole(Wanderer device, long moment) {
    Long since = device.owedSince();
    return since == null || (since - moment > 0 && !ledger.deafness.worksSinceBefore(since));
  }

  /** Has some devices prepare for {@link #worstMoment}. */
  void prepare(Node node, int percent) {
    loop.execute(
        () -> {
          for (Wanderer device : devices) {
            if (chance(percent)) {
              device.prepare(node);
            }
          }
        });
  }

  /** Has these devices say something to a node that does not listen now, and go elsewhere. */
  void worstMoment(Node node) {
    loop.execute(() -> devices.forEach(device -> device.worstMoment(node)));
  }

  /** Notes that something may have been lost now that nobody can replay. */
  void incident() {
    long now = System.nanoTime();
    loop.execute(() -> lastIncident = now);
  }

  // For those who take part, on the loop

  /** Whether a user agent of that age may have to start over. */
  boolean mayBeLost(long since) {
    return lastIncident != null && lastIncident - since > 0;
  }

  void probed() {
    if (probes.stream().allMatch(Probe::works)) {
      ledger.deafness.storeWorks(System.nanoTime());
    } else {
      ledger.deafness.storeFails();
    }
  }

  Node otherNode(Node node) {
    Node chosen = anyNode();
    return chosen.equals(node) ? nodes.get((nodes.indexOf(node) + 1) % nodes.size()) : chosen;
  }

  Wanderer device(int number) {
    return devices.get(number);
  }

  Node anyNode() {
    return nodes.get(upTo(nodes.size()));
  }

  Wanderer anyDevice() {
    return devices.get(upTo(devices.size()));
  }

  boolean isStopped() {
    return stopped;
  }

  /** Writes down what should not happen, with the time; on any thread. Not for ever. */
  void note(String what) {
    int count = notes.incrementAndGet();
    if (count <= MOST_NOTES) {
      say(what + (count == MOST_NOTES ? "; no more is written down" : ""));
    }
  }

  /** Writes down what happens, with the time; on any thread. */
  void say(String what) {
    System.err.printf(Locale.ROOT, "%7.2f s  %s%n", (System.nanoTime() - began) / 1e9, what);
  }

  /** Returns a random number from 0 to {@code bound}, which is not reached. */
  int upTo(int bound) {
    return random.nextInt(bound);
  }

  boolean chance(int percent) {
    return upTo(100) < percent;
  }

  @Override
  public void close() {
    timers.close();
    loop.close();
  }
}
