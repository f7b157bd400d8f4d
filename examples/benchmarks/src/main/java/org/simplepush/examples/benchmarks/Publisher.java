package org.simplepush.examples.benchmarks;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A sender that PUTs growing versions to any channel, through one node, and goes on whatever
 * happens to that. Confined to its loop.
 */
final class Publisher extends Peer {
  private static final long PATIENCE_MILLIS = 10_000;
  private static final int MEAN_PAUSE_MILLIS = 6;

  private final Survival cast;
  private final Survival.Node node;
  private @Nullable Wanderer device;
  private @Nullable Pledge channel;
  private long version;
  private int registration;
  private long requests;
  private boolean pausing;
  private boolean parked;

  Publisher(Survival cast, Survival.Node node) {
    super(cast.loop, null);
    this.cast = cast;
    this.node = node;
  }

  /** Whether it has sent its last request and knows all that it ever will. */
  boolean isParked() {
    return parked;
  }

  /** Sends the next request after a pause. */
  void goOn() {
    if (!pausing) { // else the connection broke in the pause
      pausing = true;
      cast.timers.after(cast.upTo(2 * MEAN_PAUSE_MILLIS), this::next);
    }
  }

  private void next() {
    pausing = false;
    if (cast.isStopped()) {
      parked = true;
      end();
    } else if (isOpen()) {
      put();
    } else {
      open(node.endpoint(), null);
    }
  }

  @Override
  void connected() {
    put();
  }

  private void put() {
    Wanderer to = cast.anyDevice();
    int number = cast.upTo(cast.channelsEach);
    Pledge at = to.channel(number);
    // Every other channel gets no newer version while one is owed: that would hide a loss.
    if (at == null || at.request == null || (number % 2 == 0 && at.isBehind())) {
      goOn();
      return;
    }
    device = to;
    channel = at;
    registration = at.registration();
    version = at.publish(cast.chance(10) ? 1 + cast.upTo(10) : 1);
    long request = ++requests;
    cast.timers.after(PATIENCE_MILLIS, () -> giveUp(request));
    send(loop.wire.begin().bytes(at.request).number(version).raw());
  }

  private void giveUp(long request) {
    if (channel != null && request == requests) {
      reset();
      broken("no answer in time");
    }
  }

  @Override
  void received(ByteBuffer in) throws WireException {
    if (!loop.responses.next(in)) {
      return;
    }
    Wanderer to = device;
    Pledge at = channel;
    if (to == null || at == null) {
      throw new WireException("The server sent an answer without a request");
    }
    channel = null;
    to.answered(at, registration, version, loop.responses.status);
    if (loop.responses.last) {
      end();
    }
    goOn();
  }

  @Override
  void broken(String why) {
    if (channel != null) {
      channel = null;
      cast.ledger.unanswered++;
    }
    goOn();
  }
}
