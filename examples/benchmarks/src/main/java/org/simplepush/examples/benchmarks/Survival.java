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
 * Devices that connect and disconnect, and senders that PUT, at the nodes of one push server whose
 * processes are killed during the run. In the end every device must hold the versions that the
 * server confirmed.
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
   * How devices behave, and what counts as a failure of the server.
   *
   * @param oneInStays one in so many devices does not disconnect at random
   * @param patienceMillis how long a device waits until it is connected and registered
   * @param mayForget whether a store may lose what it confirmed when several processes fail at
   *     once: then a fresh UAID is counted and is no failure
   */
  record Behaviour(int oneInStays, long patienceMillis, boolean mayForget) {
    static final Behaviour OF_ONE_STORE = new Behaviour(4, 10_000, false);
    static final Behaviour OF_A_GROUP = new Behaviour(2, 3000, true);
  }

  final RunStatistics statistics = new RunStatistics(new Failures());
  final LoadLoop loop = new LoadLoop(0, statistics.failures);
  final Timers timers = new Timers(loop);
  final int channelsEach;
  final Behaviour behaviour;

  private final List<Node> nodes;
  private final Random random;
  private final List<RoamingDevice> devices = new ArrayList<>();
  private final List<Publisher> publishers = new ArrayList<>();
  private final List<Probe> probes = new ArrayList<>();
  private final long began = System.nanoTime();
  private final AtomicInteger notes = new AtomicInteger();
  private boolean stopped;

  /** When a step may have been lost that no node can apply again. */
  private @Nullable Long lastIncident;

  /**
   * Creates the devices and senders.
   *
   * @param seed of every random choice; it does not decide when things happen
   */
  Survival(
      List<Node> nodes,
      long seed,
      int devices,
      int channelsEach,
      int publishers,
      Behaviour behaviour)
      throws IOException {
    this.nodes = nodes;
    this.behaviour = behaviour;
    this.random = new Random(seed);
    this.channelsEach = channelsEach;
    int run = random.nextInt();
    for (int i = 0; i < devices; i++) {
      this.devices.add(new RoamingDevice(this, run, i, channelsEach));
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
          devices.forEach(RoamingDevice::connect);
          publishers.forEach(Publisher::goOn);
          probes.forEach(Probe::start);
          sample();
        });
  }

  /**
   * Stops the senders, and waits until every device is connected and holds every confirmed version.
   *
   * @return how many channels lack one when {@code limit} is over: updates lost
   */
  int settle(Duration limit) throws LoadException, InterruptedException {
    loop.execute(() -> stopped = true);
    long end = System.nanoTime() + LAST_ANSWERS.toNanos();
    while (!loop.call(() -> publishers.stream().allMatch(Publisher::isParked))) {
      if (System.nanoTime() - end > 0) {
        throw new LoadException("The senders do not come to an end");
      }
      statistics.failures.pass(POLL);
    }
    loop.execute(() -> devices.forEach(RoamingDevice::settle));
    end = System.nanoTime() + limit.toNanos();
    while (true) {
      long missing = loop.call(() -> devices.stream().filter(each -> !each.isConnected()).count());
      int behind = loop.call(() -> devices.stream().mapToInt(RoamingDevice::behind).sum());
      if (missing == 0 && behind == 0) {
        return 0;
      }
      if (System.nanoTime() - end > 0) {
        if (missing > 0) {
          statistics.failures.add(missing + " devices could not connect and register in the end");
        }
        loop.execute(
            () ->
                devices.stream()
                    .filter(each -> each.behind() > 0)
                    .forEach(each -> note("LOST: " + each)));
        return behind;
      }
      statistics.failures.pass(POLL);
    }
  }

  private void sample() {
    long now = System.nanoTime();
    for (RoamingDevice device : devices) {
      Long since = device.owedSince();
      if (since != null) {
        statistics.deafness.lacks(device, since, now);
      }
    }
    timers.after(SAMPLE_MILLIS, this::sample);
  }

  // For the fault injector, on any thread

  /**
   * Whether the store works, and every device that stays holds what was confirmed before it began
   * to, and before {@code moment}.
   */
  boolean isWhole(long moment) {
    return loop.call(
        () ->
            statistics.deafness.worksSinceBefore(System.nanoTime())
                && devices.stream().allMatch(device -> isWhole(device, moment)));
  }

  private boolean isWhole(RoamingDevice device, long moment) {
    Long since = device.owedSince();
    return since == null || (since - moment > 0 && !statistics.deafness.worksSinceBefore(since));
  }

  /** Makes a share of the devices prepare for {@link #sendAndMove}. */
  void prepareToMove(Node node, int percent) {
    loop.execute(
        () -> {
          for (RoamingDevice device : devices) {
            if (chance(percent)) {
              device.prepareToMove(node);
            }
          }
        });
  }

  /**
   * Makes the prepared devices send to a node that does not respond now, and connect to another.
   */
  void sendAndMove(Node node) {
    loop.execute(() -> devices.forEach(device -> device.sendAndMove(node)));
  }

  /** Notes that a step may be lost now that no node can apply again. */
  void incident() {
    long now = System.nanoTime();
    loop.execute(() -> lastIncident = now);
  }

  // For devices and senders, on the loop

  /** Whether a user agent of that age may have to start over. */
  boolean mayBeLost(long since) {
    return lastIncident != null && lastIncident - since > 0;
  }

  void probed() {
    if (probes.stream().allMatch(Probe::works)) {
      statistics.deafness.storeWorks(System.nanoTime());
    } else {
      statistics.deafness.storeFails();
    }
  }

  Node otherNode(Node node) {
    Node chosen = anyNode();
    return chosen.equals(node) ? nodes.get((nodes.indexOf(node) + 1) % nodes.size()) : chosen;
  }

  RoamingDevice device(int number) {
    return devices.get(number);
  }

  Node anyNode() {
    return nodes.get(upTo(nodes.size()));
  }

  RoamingDevice anyDevice() {
    return devices.get(upTo(devices.size()));
  }

  boolean isStopped() {
    return stopped;
  }

  /** Prints what should not happen, with the time, up to a limit; on any thread. */
  void note(String what) {
    int count = notes.incrementAndGet();
    if (count <= MOST_NOTES) {
      say(what + (count == MOST_NOTES ? "; no more is printed" : ""));
    }
  }

  /** Prints what happens, with the time; on any thread. */
  void say(String what) {
    System.err.printf(Locale.ROOT, "%7.2f s  %s%n", (System.nanoTime() - began) / 1e9, what);
  }

  /** Returns a random number from 0 to {@code bound} - 1. */
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
