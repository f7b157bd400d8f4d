package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Devices that keep the rules, each with an update a second, and the application server that sends
 * it.
 */
final class HonestClients implements AutoCloseable {
  private static final int SENDERS = 10;
  private static final int DEVICES_AN_ADDRESS = 4;
  private static final Duration POLL = Duration.ofMillis(20);

  final RunStatistics statistics = new RunStatistics(new Failures());
  final LoadLoop loop = new LoadLoop(0, statistics.failures);
  final Timers timers = new Timers(loop);

  /** From the moment a PUT was due to the device holding that version or a newer one. */
  final Histogram delivery = new Histogram(3);

  private final Target target;
  private final List<HonestDevice> devices = new ArrayList<>();
  private final List<HonestSender> senders = new ArrayList<>();
  private final int run = ThreadLocalRandom.current().nextInt();
  private boolean sending;
  private @Nullable String firstSentAway;

  HonestClients(Target target) throws IOException {
    this.target = target;
    loop.start();
  }

  /** Adds a device and connects it. */
  HonestDevice join() {
    return join(false);
  }

  /** Adds one whose endpoint strangers know; nobody else sends it anything. */
  HonestDevice joinForStrangers() {
    return join(true);
  }

  private HonestDevice join(boolean isKnownToStrangers) {
    return loop.call(
        () -> {
          int number = devices.size();
          HonestDevice device =
              new HonestDevice(
                  this,
                  target,
                  Channel.id(run, number, 0),
                  source(1, 1 + number / DEVICES_AN_ADDRESS),
                  isKnownToStrangers);
          devices.add(device);
          device.connect();
          return device;
        });
  }

  private static InetSocketAddress source(int network, int host) {
    try {
      byte[] address = {127, (byte) network, (byte) (host / 200), (byte) (1 + host % 200)};
      return new InetSocketAddress(InetAddress.getByAddress(address), 0);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("Four bytes are an address", e);
    }
  }

  /** Waits until all devices are connected and registered; returns how many are not in the end. */
  int awaitReady(Duration limit) throws LoadException, InterruptedException {
    long end = System.nanoTime() + limit.toNanos();
    while (true) {
      int missing = loop.call(() -> (int) devices.stream().filter(d -> !d.isReady()).count());
      if (missing == 0 || System.nanoTime() - end > 0) {
        return missing;
      }
      statistics.failures.pass(POLL);
    }
  }

  /** Begins to send every device an update a second. */
  void startSending() throws LoadException {
    for (int i = 0; i < SENDERS; i++) {
      senders.add(new HonestSender(this, target, source(2, i)));
    }
    loop.execute(
        () -> {
          sending = true;
          for (int i = 0; i < devices.size(); i++) {
            HonestDevice device = devices.get(i);
            HonestSender sender = senders.get(i % SENDERS);
            timers.after(1000L * i / devices.size(), () -> sendEachSecond(device, sender));
          }
        });
  }

  private void sendEachSecond(HonestDevice device, HonestSender sender) {
    if (sending && !device.isKnownToStrangers) {
      sender.put(device);
      timers.after(1000, () -> sendEachSecond(device, sender));
    }
  }

  /** Forgets the latencies so far. */
  void resetLatencies() {
    loop.execute(
        () -> {
          delivery.reset();
          statistics.delay.reset();
        });
  }

  /** Sends one more update to a device; for one that came later. */
  void sendTo(HonestDevice device) {
    loop.execute(() -> senders.get(0).put(device));
  }

  boolean isBehind(HonestDevice device) {
    return loop.call(device.channel::isBehind);
  }

  int heldUpdates() {
    return loop.call(() -> statistics.updates);
  }

  /**
   * Stops sending, and waits until every device is connected and holds every confirmed version.
   *
   * @return how many do not when {@code limit} is over: updates lost
   */
  int settle(Duration limit) throws LoadException, InterruptedException {
    loop.execute(() -> sending = false);
    long end = System.nanoTime() + limit.toNanos();
    while (true) {
      boolean idle = loop.call(() -> senders.stream().allMatch(HonestSender::isIdle));
      int missing = loop.call(() -> (int) devices.stream().filter(d -> !d.isReady()).count());
      int behind =
          loop.call(() -> (int) devices.stream().filter(d -> d.channel.isBehind()).count());
      if (idle && missing == 0 && behind == 0) {
        return 0;
      }
      if (System.nanoTime() - end > 0) {
        if (missing > 0) {
          statistics.failures.add(
              missing + " devices could not connect in the end: " + firstSentAway);
        }
        return behind;
      }
      statistics.failures.pass(POLL);
    }
  }

  /** Notes that a device lost its connection; on the loop. */
  void sentAway(String why) {
    statistics.sentAway++;
    if (firstSentAway == null) {
      firstSentAway = why;
    }
  }

  /** Returns why the first device lost its connection, empty if none did. */
  String firstSentAway() {
    return loop.call(() -> firstSentAway == null ? "" : firstSentAway);
  }

  List<String> secrets() {
    return loop.call(() -> devices.stream().flatMap(d -> d.secrets().stream()).toList());
  }

  @Override
  public void close() {
    timers.close();
    loop.close();
  }
}
