package org.simplepush.examples.benchmarks;

/**
 * Asks one node, again and again, whether the store works: a PUT to the first channel of each of
 * some devices, one after the other. Their user agents are spread over all of a store. Confined to
 * its loop.
 */
final class Probe extends Putter {
  private static final long PATIENCE_MILLIS = 2000;
  private static final int PAUSE_MILLIS = 250;

  private final int channels;

  /** The channel whose turn it is. */
  private int next;

  /** How many PUTs of this round were answered. */
  private int answers;

  private boolean works;

  /** Of a node; so many devices are asked for. */
  Probe(Survival survival, Survival.Node node, int channels) {
    super(survival, node, PATIENCE_MILLIS);
    this.channels = channels;
  }

  /** Whether a whole round of PUTs was answered, and none has failed since. */
  boolean works() {
    return works;
  }

  void start() {
    goOnAfter(PAUSE_MILLIS);
  }

  @Override
  void put() {
    RoamingDevice to = survival.device(next);
    ChannelAccount at = to.channel(0);
    if (at == null || at.request == null) {
      goToNext(); // it is registering: that tells nothing about the store
    } else {
      put(to, at, at.request, 1);
    }
  }

  @Override
  void answered(boolean taken) {
    if (taken) {
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
      survival.probed();
      goOnAfter(PAUSE_MILLIS);
    } else {
      goOnAfter(0); // not from here: the calls would nest
    }
  }

  @Override
  void failed() {
    next = 0;
    answers = 0;
    works = false;
    survival.probed();
    goOnAfter(PAUSE_MILLIS);
  }
}
