package org.simplepush.examples.benchmarks;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A device with one channel that keeps the rules: it stays connected, comes back a second after it
 * lost its connection, and acknowledges what it gets. Confined to its loop.
 */
final class HonestDevice extends DeviceConnection {
  private static final long BACK_MILLIS = 1000;

  /** How long the server may take to greet it and to register its channel. */
  private static final long PATIENCE_MILLIS = 10_000;

  final ChannelAccount channel;

  /** Whether strangers know its endpoint and may publish to it whatever they like. */
  final boolean isKnownToStrangers;

  private final HonestClients all;
  private final InetSocketAddress from;

  /** When each version, from the first on, was due. */
  private final List<Long> due = new ArrayList<>();

  private long held = Channel.FIRST_VERSION - 1;
  private @Nullable String uaid;
  private @Nullable String endpoint;
  private boolean ready;
  private int connections;

  HonestDevice(
      HonestClients all,
      Target target,
      String channelId,
      InetSocketAddress from,
      boolean isKnownToStrangers) {
    super(all.loop, target);
    this.isKnownToStrangers = isKnownToStrangers;
    this.all = all;
    this.from = from;
    this.channel = new ChannelAccount(channelId, all.statistics);
  }

  void connect() {
    int connection = ++connections;
    connect(from);
    all.timers.after(
        PATIENCE_MILLIS,
        () -> {
          if (connection == connections && !ready) {
            reset();
            lost("The server did not greet it in time");
          }
        });
  }

  boolean isReady() {
    return ready;
  }

  /** What must not be in any log: its UAID and its endpoint's path, as far as they are known. */
  List<String> secrets() {
    List<String> secrets = new ArrayList<>();
    if (uaid != null) {
      secrets.add(uaid);
    }
    if (endpoint != null) {
      secrets.add(endpoint.substring(endpoint.lastIndexOf('/') + 1));
    }
    return secrets;
  }

  /** Returns its endpoint, null before it has one. */
  @Nullable String endpoint() {
    return endpoint;
  }

  /** Takes the next version, due now. */
  long publish() {
    due.add(System.nanoTime());
    return channel.publish(1);
  }

  @Override
  int channelCount() {
    return 1;
  }

  @Override
  byte[] channelId(int number) {
    return channel.id;
  }

  @Override
  void upgraded() {
    sayHello(uaid, endpoint == null ? 0 : 1);
  }

  @Override
  void greeted(MessageScanner reply) throws WireException {
    if (uaid != null && !uaid.equals(reply.uaid)) {
      all.statistics.freshUaids++;
      throw new WireException("The server gave another UAID: it lost its state");
    }
    if (uaid != null) {
      all.statistics.reconnects++;
    }
    uaid = reply.uaid;
    if (endpoint == null) {
      register(0);
    } else {
      ready = true;
    }
  }

  @Override
  void registered(MessageScanner reply) throws WireException {
    String url = reply.pushEndpoint;
    if (url == null) {
      throw new WireException("The server sent a register reply without an endpoint");
    }
    target.learn(url);
    endpoint = url;
    channel.request = loop.wire.begin().ascii(target.putRequest(url)).copy();
    ready = true;
  }

  @Override
  void notified(MessageScanner notification) {
    long now = System.nanoTime();
    for (int i = 0; i < notification.updates && !isKnownToStrangers; i++) {
      long version = notification.versions[i];
      channel.hold(version, now, 0);
      long newest = Math.min(version, Channel.FIRST_VERSION + due.size() - 1);
      for (long each = held + 1; each <= newest; each++) {
        all.delivery.recordValue(now - due.get((int) (each - Channel.FIRST_VERSION)));
      }
      held = Math.max(held, newest);
    }
    send(acknowledgement(notification));
  }

  @Override
  void sentAway(String why) throws WireException {
    throw new WireException(why);
  }

  @Override
  void broken(String why) {
    lost(why);
  }

  private void lost(String why) {
    ready = false;
    connections++; // nobody waits for this one any more
    all.sentAway(why);
    all.timers.after(BACK_MILLIS, this::connect);
  }
}
