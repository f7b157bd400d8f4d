package org.simplepush.examples.benchmarks;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * PUTs growing versions through one node, one after the other, and goes on whatever happens to that
 * node. Confined to its loop.
 */
abstract class Putter extends Peer {
  final Survival survival;
  private final Survival.Node node;
  private final long patienceMillis;

  private @Nullable RoamingDevice device;
  private @Nullable ChannelAccount channel;
  private long version;
  private int registration;
  private long requests;
  private boolean pausing;

  /** Of a node; gives up on a request that takes longer than that. */
  Putter(Survival survival, Survival.Node node, long patienceMillis) {
    super(survival.loop, null);
    this.survival = survival;
    this.node = node;
    this.patienceMillis = patienceMillis;
  }

  /** Chooses a channel for {@link #put(RoamingDevice, ChannelAccount, byte[], int)}, or pauses. */
  abstract void put();

  /** The request was answered; tells whether the node took the version. */
  abstract void answered(boolean taken);

  /** The connection broke, or there was no answer in time. */
  abstract void failed();

  /** No more requests are to be sent. */
  void stopped() {}

  /** Goes on after a while. */
  final void goOnAfter(long millis) {
    if (!pausing) { // else the connection broke in the pause
      pausing = true;
      survival.timers.after(millis, this::next);
    }
  }

  private void next() {
    pausing = false;
    if (survival.isStopped()) {
      stopped();
      end();
    } else if (isOpen()) {
      put();
    } else {
      open(node.endpoint(), null);
    }
  }

  @Override
  final void connected() {
    put();
  }

  /**
   * Raises a channel of a device by so much.
   *
   * @param head its {@link ChannelAccount#request}
   */
  final void put(RoamingDevice to, ChannelAccount at, byte[] head, int by) {
    device = to;
    channel = at;
    registration = at.registration();
    version = at.publish(by);
    long request = ++requests;
    survival.timers.after(patienceMillis, () -> giveUp(request));
    send(loop.wire.begin().bytes(head).number(version).raw());
  }

  private void giveUp(long request) {
    if (channel != null && request == requests) {
      reset();
      broken("no answer in time");
    }
  }

  @Override
  final void received(ByteBuffer in) throws WireException {
    if (!loop.responses.next(in)) {
      return;
    }
    RoamingDevice to = device;
    ChannelAccount at = channel;
    if (to == null || at == null) {
      throw new WireException("The server sent an answer without a request");
    }
    channel = null;
    if (loop.responses.last) {
      end();
    }
    answered(to.answered(at, registration, version, loop.responses.status));
  }

  @Override
  final void broken(String why) {
    if (channel != null) {
      channel = null;
      survival.statistics.unanswered++;
    }
    failed();
  }
}
