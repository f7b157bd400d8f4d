package org.simplepush.examples.benchmarks;

import org.HdrHistogram.Histogram;

/** What one loop saw in one stretch of time. Confined to its loop, then handed over whole. */
final class Meter {
  /** PUTs answered with 200. */
  long puts;

  /** Messages that carried updates. */
  long messages;

  /** Updates that raised a channel's version. */
  long updates;

  /** Updates that did not: delivered again, or out of date. */
  long repeated;

  /** Devices that became ready. */
  long ready;

  /** When the last of {@link #updates} came, a time of {@link System#nanoTime}. */
  long lastUpdate = Long.MIN_VALUE;

  /** From sending a PUT, or from when it was due, to its answer, in nanoseconds. */
  final Histogram put = new Histogram(3);

  /** From sending a PUT, or from when it was due, to the update at the device. */
  final Histogram delivery = new Histogram(3);

  /** From opening a connection to the last register reply. */
  final Histogram connect = new Histogram(3);

  Meter() {
    put.setAutoResize(true);
    delivery.setAutoResize(true);
    connect.setAutoResize(true);
  }

  void add(Meter other) {
    puts += other.puts;
    messages += other.messages;
    updates += other.updates;
    repeated += other.repeated;
    ready += other.ready;
    lastUpdate = Math.max(lastUpdate, other.lastUpdate);
    put.add(other.put);
    delivery.add(other.delivery);
    connect.add(other.connect);
  }
}
