package org.simplepush.examples.benchmarks;

/** A sender that PUTs growing versions to any channel. Confined to its loop. */
final class Publisher extends Putter {
  private static final long PATIENCE_MILLIS = 10_000;
  private static final int MEAN_PAUSE_MILLIS = 6;

  private boolean parked;

  Publisher(Survival survival, Survival.Node node) {
    super(survival, node, PATIENCE_MILLIS);
  }

  /** Whether it has sent its last request and knows all that it ever will. */
  boolean isParked() {
    return parked;
  }

  /** Sends the next request after a pause. */
  void goOn() {
    goOnAfter(survival.upTo(2 * MEAN_PAUSE_MILLIS));
  }

  @Override
  void stopped() {
    parked = true;
  }

  @Override
  void put() {
    RoamingDevice to = survival.anyDevice();
    int number = survival.upTo(survival.channelsEach);
    ChannelAccount at = to.channel(number);
    // Every other channel gets no newer version while one is owed: that would hide a loss.
    if (at == null || at.request == null || (number % 2 == 0 && at.isBehind())) {
      goOn();
    } else {
      put(to, at, at.request, survival.chance(10) ? 1 + survival.upTo(10) : 1);
    }
  }

  @Override
  void answered(boolean taken) {
    goOn();
  }

  @Override
  void failed() {
    goOn();
  }
}
