package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** The load of one measurement: devices and an application server, on a few loops. */
final class Load implements AutoCloseable {
  /** What the JVM and this program open besides connections. */
  private static final int OTHER_DESCRIPTORS = 100;

  private static final Duration POLL = Duration.ofMillis(5);

  final Failures failures = new Failures();

  private final Target target;
  private final List<LoopLoad> parts = new ArrayList<>();
  private final int run = ThreadLocalRandom.current().nextInt();
  private int deviceCount;
  private List<Puts> puts = List.of();

  Load(Target target, int loops) throws IOException {
    this.target = target;
    for (int i = 0; i < loops; i++) {
      LoadLoop loop = new LoadLoop(i, failures);
      loop.start();
      parts.add(new LoopLoad(loop));
    }
  }

  /**
   * Connects new devices and registers their channels.
   *
   * @param atATime how many do so at the same time
   * @throws LoadException if they did not all come to an end in {@code limit}, or none got ready
   */
  void connect(int devices, int channels, int atATime, Duration limit)
      throws LoadException, InterruptedException {
    checkDescriptors(devices);
    List<CompletableFuture<Void>> launched = new ArrayList<>();
    for (int i = 0; i < parts.size(); i++) {
      LoopLoad part = parts.get(i);
      int share = share(devices, i);
      int first = deviceCount;
      deviceCount += share;
      launched.add(
          part.loop.call(
              () -> {
                List<Device> those = new ArrayList<>();
                for (int d = 0; d < share; d++) {
                  those.add(new Device(part.loop, target, run, first + d, channels, part));
                }
                part.devices.addAll(those);
                return part.launch(those, Math.max(1, atATime / parts.size()));
              }));
    }
    await(launched, limit, "connect and register " + devices + " devices");
    checkAnyReady();
  }

  /** Connects the devices that were disconnected; they keep UAID and channels. */
  void reconnect(int atATime, Duration limit) throws LoadException, InterruptedException {
    List<CompletableFuture<Void>> launched = new ArrayList<>();
    for (LoopLoad part : parts) {
      int share = Math.max(1, atATime / parts.size());
      launched.add(part.loop.call(() -> part.launch(part.devices, share)));
    }
    await(launched, limit, "connect the devices again");
    checkAnyReady();
  }

  private void checkAnyReady() throws LoadException {
    for (LoopLoad part : parts) {
      if (part.loop.call(() -> part.devices.stream().anyMatch(Device::isReady))) {
        return;
      }
    }
    throw new LoadException("No device could connect and register: " + failures.first());
  }

  private static void checkDescriptors(int devices) throws LoadException {
    if (ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.UnixOperatingSystemMXBean system
        && devices + OTHER_DESCRIPTORS > system.getMaxFileDescriptorCount()) {
      throw new LoadException(
          devices
              + " devices need more descriptors than the "
              + system.getMaxFileDescriptorCount()
              + " that this process may open");
    }
  }

  /** Lets the last so many devices of those connected read no more. */
  void hang(int devices) {
    lastOnes(devices, Device::hang);
  }

  /** Lets them read on. */
  void wake(int devices) {
    lastOnes(devices, Device::wake);
  }

  private void lastOnes(int devices, Consumer<Device> action) {
    for (int i = 0; i < parts.size(); i++) {
      LoopLoad part = parts.get(i);
      int share = share(devices, i);
      part.loop.<Boolean>call(
          () -> {
            List<Device> all = part.devices;
            all.subList(all.size() - share, all.size()).forEach(action);
            return true;
          });
    }
  }

  void disconnect() {
    for (LoopLoad part : parts) {
      part.loop.<Boolean>call(
          () -> {
            part.disconnectAll();
            return true;
          });
    }
  }

  /** Forgets the devices there are; connect others then. */
  void forgetDevices() {
    for (LoopLoad part : parts) {
      part.loop.<Boolean>call(
          () -> {
            part.devices.clear();
            return true;
          });
    }
  }

  /** Begins a closed loop that ends by itself after {@code limit} requests, or when stopped. */
  void startClosed(int connections, long limit) throws LoadException {
    startClosed(connections, limit, Integer.MAX_VALUE);
  }

  /** Begins the same to no more than so many channels. */
  void startClosed(int connections, long limit, int channelLimit) throws LoadException {
    start(
        connections,
        channelLimit,
        (channels, share, loop) -> new Puts.Closed(channels, share, share(limit, loop)));
  }

  /** Begins to send requests at a fixed rate, to no more than so many channels. */
  void startOpen(int connections, double perSecond, int channelLimit) throws LoadException {
    double period = 1e9 / perSecond;
    long start = System.nanoTime();
    start(
        connections,
        channelLimit,
        (channels, share, loop) ->
            new Puts.Open(channels, share, start + (long) (loop * period), period * parts.size()));
    for (int i = 0; i < parts.size(); i++) {
      Puts.Open open = (Puts.Open) puts.get(i);
      LoadLoop loop = parts.get(i).loop;
      loop.execute(() -> loop.eachTurn(open::tick));
    }
  }

  private interface PutsMaker {
    Puts make(List<Channel> channels, int connections, int loop);
  }

  private void start(int connections, int channelLimit, PutsMaker maker) throws LoadException {
    InetSocketAddress to = target.endpoint();
    List<Puts> started = new ArrayList<>();
    for (int i = 0; i < parts.size(); i++) {
      LoopLoad part = parts.get(i);
      int loop = i;
      int share = Math.max(1, share(connections, i));
      int channelShare = Math.max(1, share(channelLimit, i));
      started.add(
          part.loop.call(
              () -> {
                List<Channel> channels = part.channels();
                List<Channel> some = channels.subList(0, Math.min(channels.size(), channelShare));
                Puts driver = maker.make(some, share, loop);
                part.openPuts(share, target, to, driver);
                return driver;
              }));
    }
    puts = started;
  }

  /** Sends no more requests and waits for the answers of those sent. */
  void stopPuts(Duration limit) throws LoadException, InterruptedException {
    for (int i = 0; i < puts.size(); i++) {
      Puts driver = puts.get(i);
      parts.get(i).loop.execute(driver::stop);
    }
    awaitPuts(limit);
  }

  /** Waits until a closed loop with a limit has come to its end. */
  void awaitPuts(Duration limit) throws LoadException, InterruptedException {
    await(puts.stream().map(Puts::done).toList(), limit, "have every PUT answered");
    for (LoopLoad part : parts) {
      part.loop.execute(part::closePuts);
    }
    puts = List.of();
  }

  /**
   * Waits until each device holds the last version that was answered with 200.
   *
   * @return how many channels still do not when {@code limit} is over: updates lost
   */
  int awaitDelivered(Duration limit) throws LoadException, InterruptedException {
    long end = System.nanoTime() + limit.toNanos();
    while (true) {
      int behind = 0;
      for (LoopLoad part : parts) {
        behind += part.loop.call(part::behind);
      }
      if (behind == 0 || System.nanoTime() - end > 0) {
        return behind;
      }
      failures.pass(POLL);
    }
  }

  /** Begins a new interval of time and returns what all loops saw in the one before. */
  Meter nextMeter() {
    Meter all = new Meter();
    for (LoopLoad part : parts) {
      all.add(part.loop.call(part.loop::nextMeter));
    }
    return all;
  }

  List<LoadLoop> loops() {
    return parts.stream().map(part -> part.loop).toList();
  }

  private int share(int count, int loop) {
    return (int) share((long) count, loop);
  }

  private long share(long count, int loop) {
    return count / parts.size() + (loop < count % parts.size() ? 1 : 0);
  }

  private static void await(List<CompletableFuture<Void>> all, Duration limit, String what)
      throws LoadException, InterruptedException {
    try {
      CompletableFuture.allOf(all.toArray(CompletableFuture<?>[]::new))
          .get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      throw new LoadException("It takes more than " + limit.toSeconds() + " s to " + what);
    } catch (ExecutionException e) {
      throw new LoadException("Cannot " + what + ": " + e.getCause());
    }
  }

  @Override
  public void close() {
    parts.forEach(part -> part.loop.close());
  }
}
