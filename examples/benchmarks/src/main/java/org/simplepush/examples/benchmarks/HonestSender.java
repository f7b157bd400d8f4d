package org.simplepush.examples.benchmarks;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/**
 * An application server's keep-alive connection that PUTs what is due, one request after the other,
 * and connects again when the server ends it. Confined to its loop.
 */
final class HonestSender extends Peer {
  private static final long PATIENCE_MILLIS = 10_000;
  private static final long BACK_MILLIS = 200;

  private final HonestClients all;
  private final InetSocketAddress from;
  private final InetSocketAddress to;
  private final Queue<HonestDevice> waiting = new ArrayDeque<>();
  private @Nullable HonestDevice device;
  private long version;
  private int requests;
  private boolean opening;
  private boolean connected;

  HonestSender(HonestClients all, Target target, InetSocketAddress from) throws LoadException {
    super(all.loop, target.endpointTls());
    this.all = all;
    this.from = from;
    this.to = target.endpoint();
  }

  /** PUTs the next version of a device's channel, as soon as its turn comes. */
  void put(HonestDevice next) {
    if (!waiting.contains(next)) { // else the version sent then is new enough
      waiting.add(next);
    }
    goOn();
  }

  boolean isIdle() {
    return device == null && waiting.isEmpty();
  }

  private void goOn() {
    if (device != null || waiting.isEmpty() || opening) {
      return;
    }
    if (!connected) {
      opening = true;
      int request = ++requests;
      open(to, from);
      all.timers.after(PATIENCE_MILLIS, () -> giveUp(request));
      return;
    }
    HonestDevice next = waiting.remove();
    byte[] request = next.channel.request;
    if (request == null) {
      goOn();
      return;
    }
    device = next;
    version = next.publish();
    int number = ++requests;
    all.timers.after(PATIENCE_MILLIS, () -> giveUp(number));
    send(loop.wire.begin().bytes(request).number(version).raw());
  }

  private void giveUp(int request) {
    if (request == requests && (device != null || opening)) {
      reset();
      broken("no answer in time");
    }
  }

  @Override
  void connected() {
    opening = false;
    connected = true;
    goOn();
  }

  @Override
  void received(ByteBuffer in) throws WireException {
    if (!loop.responses.next(in)) {
      return;
    }
    HonestDevice answered = device;
    if (answered == null) {
      throw new WireException("The server sent an answer without a request");
    }
    device = null;
    int status = loop.responses.status;
    if (status == 200) {
      answered.channel.accept(version, System.nanoTime(), 0);
    } else if (status == 429 || status >= 500) {
      all.statistics.refused++;
    } else {
      all.statistics.denied++;
      all.statistics.failures.add("A PUT to a registered channel was answered with " + status);
    }
    if (loop.responses.last) {
      end();
      connected = false;
    }
    goOn();
  }

  @Override
  void broken(String why) {
    connected = false;
    opening = false;
    if (device != null) {
      device = null;
      all.statistics.unanswered++;
    }
    all.timers.after(BACK_MILLIS, this::goOn);
  }
}
