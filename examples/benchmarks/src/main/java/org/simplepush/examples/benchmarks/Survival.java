package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * Devices that come and go and senders that PUT, at the nodes of one push server whose processes
 * somebody kills meanwhile. In the end every device must hold what the server promised it.
 */
final class Survival implements AutoCloseable {
  private static final Duration POLL = Duration.ofMillis(20);

  /** How long the last answers to PUTs may take. */
  private static final Duration LAST_ANSWERS = Duration.ofSeconds(30);

  /** Where devices connect to a node, and where it takes PUTs. */
  record Node(Target target, InetSocketAddress endpoint) {}

  final Ledger ledger = new Ledger(new Failures());
  final LoadLoop loop = new LoadLoop(0, ledger.failures);
  final Timers timers = new Timers(loop);
  final int channelsEach;

  private final List<Node> nodes;
  private final Random random;
  private final List<Wanderer> devices = new ArrayList<>();
  private final List<Publisher> publishers = new ArrayList<>();
  private boolean stopped;

  /**
   * Makes all that takes part.
   *
   * @param seed of every choice made here; when things happen, it does not decide
   */
  Survival(List<Node> nodes, long seed, int devices, int channelsEach, int publishers)
      throws IOException {
    this.nodes = nodes;
    this.random = new Random(seed);
    this.channelsEach = channelsEach;
    int run = random.nextInt();
    for (int i = 0; i < devices; i++) {
      this.devices.add(new Wanderer(this, run, i, channelsEach));
    }
    for (int i = 0; i < publishers; i++) {
      this.publishers.add(new Publisher(this, nodes.get(i % nodes.size())));
    }
  }

  void start() {
    loop.start();
    loop.execute(
        () -> {
          devices.forEach(Wanderer::connect);
          publishers.forEach(Publisher::goOn);
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
        return behind;
      }
      ledger.failures.pass(POLL);
    }
  }

  // For those who take part, on the loop

  Node anyNode() {
    return nodes.get(upTo(nodes.size()));
  }

  Wanderer anyDevice() {
    return devices.get(upTo(devices.size()));
  }

  boolean isStopped() {
    return stopped;
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
