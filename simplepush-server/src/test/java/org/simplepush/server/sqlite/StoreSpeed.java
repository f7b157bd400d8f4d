package org.simplepush.server.sqlite;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.simplepush.core.ChannelId;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.Uaid;
import org.simplepush.core.VersionStore;
import org.simplepush.server.redis.RedisVersionStore;

/**
 * Says how many advances a second each store confirms, with 1, 32 and 256 senders that each wait
 * for their answer before they ask again.
 */
final class StoreSpeed {
  private static final int CHANNELS_EACH = 10;

  private final VersionStore store;
  private final int channels;

  private StoreSpeed(VersionStore store, int channels) {
    this.store = store;
    this.channels = channels;
  }

  /**
   * Arguments: a folder on the disk to be measured, how many channels, seconds per figure, and what
   * to measure: memory, sqlite, or the URI of an empty Redis; by default the first two. With a
   * million channels, {@code -Xmx64m} and only sqlite it shows that the heap does not grow with
   * them.
   */
  public static void main(String[] args) throws Exception {
    int channels = Integer.parseInt(args[1]);
    int seconds = Integer.parseInt(args[2]);
    List<String> all = List.of(args);
    List<String> stores = all.size() > 3 ? all.subList(3, all.size()) : List.of("memory", "sqlite");
    for (String name : stores) {
      switch (name) {
        case "memory" -> report(name, new InMemoryVersionStore(), channels, seconds);
        case "sqlite" -> reportSqlite(Path.of(args[0], "speed.db"), channels, seconds);
        default -> report(name, RedisVersionStore.open(name), channels, seconds);
      }
    }
  }

  private static void report(String name, VersionStore store, int channels, int seconds)
      throws Exception {
    try (store) {
      new StoreSpeed(store, channels).report(name, seconds);
    }
  }

  private static void reportSqlite(Path file, int channels, int seconds) throws Exception {
    report("sqlite", SqliteVersionStore.open(file), channels, seconds);
    System.out.printf("sqlite: file %,d KiB%n", Files.size(file) / 1024);
    long start = System.nanoTime();
    SqliteVersionStore.open(file).close();
    System.out.printf("sqlite: opened again in %.1f ms%n", (System.nanoTime() - start) / 1e6);
  }

  private void report(String name, int seconds) throws Exception {
    long start = System.nanoTime();
    fill();
    System.out.printf(
        "%s: %,d channels made in %.1f s%n", name, channels, (System.nanoTime() - start) / 1e9);
    advancesPerSecond(32, seconds); // warms up
    for (int senders : new int[] {1, 32, 256}) {
      System.out.printf(
          "%s: %3d senders, %,.0f advances/s%n",
          name, senders, advancesPerSecond(senders, seconds));
    }
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    System.out.printf(
        "%s: heap in use %,d KiB%n", name, (runtime.totalMemory() - runtime.freeMemory()) / 1024);
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmRSS")) {
        System.out.println(name + ": " + line);
      }
    }
  }

  private static Uaid uaid(long channel) {
    // Mixed, so that neighbours in the tables are not made or used one after another.
    return Uaid.of(new UUID((channel / CHANNELS_EACH) * 0x9E3779B97F4A7C15L, 1));
  }

  private static ChannelId channel(long channel) {
    return ChannelId.of(new UUID(channel * 0x9E3779B97F4A7C15L, 2));
  }

  private void fill() throws InterruptedException {
    Semaphore underWay = new Semaphore(8_000);
    for (int i = 0; i < channels; i++) {
      if (i % CHANNELS_EACH == 0) {
        await(underWay, store.hello(uaid(i), List.of()));
      }
      await(underWay, store.register(uaid(i), channel(i), CHANNELS_EACH));
    }
    underWay.acquire(8_000);
  }

  private static void await(Semaphore underWay, CompletionStage<?> stage)
      throws InterruptedException {
    underWay.acquire();
    stage.whenComplete((result, failure) -> underWay.release());
  }

  private double advancesPerSecond(int senders, int seconds) throws Exception {
    AtomicLong confirmed = new AtomicLong();
    long end = System.nanoTime() + seconds * 1_000_000_000L;
    List<Thread> threads = new ArrayList<>();
    for (int n = 0; n < senders; n++) {
      int first = n;
      Thread thread = new Thread(() -> confirmed.addAndGet(send(first, senders, end)));
      threads.add(thread);
      thread.start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    return confirmed.get() / (double) seconds;
  }

  private long send(int first, int step, long end) {
    long confirmed = 0;
    for (long n = first; System.nanoTime() - end < 0; n += step) {
      long channel = (n * 7919) % channels;
      VersionStore.Advance advance =
          store.advanceToNext(uaid(channel), channel(channel), 0).toCompletableFuture().join();
      if (!(advance instanceof VersionStore.Advance.Advanced)) {
        throw new IllegalStateException("not advanced: " + advance);
      }
      confirmed++;
    }
    return confirmed;
  }
}
