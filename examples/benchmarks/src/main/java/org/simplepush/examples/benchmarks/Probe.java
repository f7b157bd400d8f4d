package org.simplepush.examples.benchmarks;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Asks one node, again and again, whether the store works: a PUT to the first channel of each of
 * some devices, one after the other. Their user agents are spread over all of a store. Confined to
 * its loop.
 */
final class Probe extends Peer {
  private static final long PATIENCE_MILLIS = 2000;
  private static final int PAUSE_MILLIS = 250;

  private final Survival cast;
  private final Survival.Node node;
  private final int channels;

  /** The channel whose turn it is. */
  private int next;

  /** How many PUTs of this round were answered. */
  private int answers;

  private @Nullable Wanderer device;
  private @Nullable Pledge channel;
  private long version;
  private int registration;
  private long requests;
  private boolean works;
  private boolean pausing;

  /** Of a node; so many devices are asked for. */
  Probe(Survival cast, Survival.Node node, int channels) {
    super(cast.loop, null);
    this.cast = cast;
    this.node = node;
    this.channels = channels;
  }

  /** Whether a whole round of PUTs was answered, and none has failed since. */
  boolean works() {
    return works;
  }

  void start() {
    goOnAfter(PAUSE_MILLIS);
  }

  private void goOnAfter(long millis) {
    if (!pausing) { // else the connection broke in the pause
      pausing = true;
      cast.timers.after(millis, this::goOn);
    }
  }

  private void goOn() {
    pausing = false;
    if (cast.isStopped()) {
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
    Wanderer to = cast.device(next);
    Pledge at = to.channel(0);
    if (at == null || at.request == null) {
      goToNext(); // it is registering: that tells nothing about the store
      return;
    }
    device = to;
    channel = at;
    registration = at.registration();
    version = at.publish(1);
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
    if (loop.responses.last) {
      end();
    }
    if (to.answered(at, registration, version, loop.responses.status)) {
      answers++;
      goToNext();
    } else {
      failed();
    }
  }

  private void goToNext() {
    next = (next + 1) % channels;
    if (next == 0) {
      works = answers > 0;
      answers = 0;
      cast.probed();
      goOnAfter(PAUSE_MILLIS);
    } else {
      goOnAfter(0); // not from here: the calls would nest
    }
  }

  @Override
  void broken(String why) {
    if (channel != null) {
      channel = null;
      cast.ledger.unanswered++;
    }
    failed();
  }

  private void failed() {
    next = 0;
    answers = 0;
    works = false;
    cast.probed();
    goOnAfter(PAUSE_MILLIS);
  }
}
