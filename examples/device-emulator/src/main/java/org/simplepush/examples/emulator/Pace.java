package org.simplepush.examples.emulator;

/** Computes how many events of a steady rate are due. Confined to one thread. */
final class Pace {
  private final double perNano;
  private final double burst;
  private double credit;
  private long last;

  /**
   * Begins now.
   *
   * @param perSecond 0 or more
   */
  Pace(double perSecond, long now) {
    perNano = perSecond / 1e9;
    burst = Math.max(1, perSecond);
    last = now;
  }

  /** Returns how many are due since the last call; what was missed for over a second is dropped. */
  int due(long now) {
    credit = Math.min(burst, credit + (now - last) * perNano);
    last = now;
    int whole = (int) credit;
    credit -= whole;
    return whole;
  }
}
