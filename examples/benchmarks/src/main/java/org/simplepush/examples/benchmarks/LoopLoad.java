package org.simplepush.examples.benchmarks;

import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;

/** The devices and the application server's connections of one loop. Confined to it. */
final class LoopLoad implements Device.Owner {
  final LoadLoop loop;
  final List<Device> devices = new ArrayList<>();

  private final Queue<Device> waiting = new ArrayDeque<>();
  private int connecting;
  private int concurrency;
  private CompletableFuture<Void> launched = new CompletableFuture<>();
  private List<PutConnection> putConnections = List.of();

  LoopLoad(LoadLoop loop) {
    this.loop = loop;
  }

  /**
   * Connects devices, {@code atATime} of them at once; completes when each is ready or has failed.
   */
  CompletableFuture<Void> launch(List<Device> those, int atATime) {
    waiting.addAll(those);
    concurrency = atATime;
    launched = new CompletableFuture<>();
    launchMore();
    return launched;
  }

  private void launchMore() {
    while (connecting < concurrency && !waiting.isEmpty()) {
      connecting++;
      waiting.remove().connect();
    }
    if (connecting == 0) {
      launched.complete(null);
    }
  }

  @Override
  public void ready(Device device) {
    connecting--;
    launchMore();
  }

  @Override
  public void lost(Device device, String why) {
    loop.failures.add("A device failed: " + why);
    if (!device.isReady()) {
      connecting--;
      // Not from here: a server that refuses at once would nest these calls without end.
      loop.execute(this::launchMore);
    }
  }

  void disconnectAll() {
    for (Device device : devices) {
      if (device.isReady()) {
        device.disconnect();
      }
    }
  }

  List<Channel> channels() {
    List<Channel> all = new ArrayList<>();
    for (Device device : devices) {
      all.addAll(List.of(device.channels));
    }
    return all;
  }

  /** Returns how many channels lack the last version answered with 200. */
  int behind() {
    int count = 0;
    for (Device device : devices) {
      for (Channel channel : device.channels) {
        if (channel.isBehind()) {
          count++;
        }
      }
    }
    return count;
  }

  void openPuts(int count, Target target, InetSocketAddress to, Puts driver) {
    List<PutConnection> opened = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      opened.add(new PutConnection(loop, target, to, driver));
    }
    putConnections = opened;
    opened.forEach(PutConnection::connect);
  }

  void closePuts() {
    loop.eachTurn(() -> {});
    putConnections.forEach(PutConnection::end);
    putConnections = List.of();
  }
}
