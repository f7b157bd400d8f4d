package org.simplepush.examples.benchmarks;

import org.jspecify.annotations.Nullable;

/**
 * The longest time for which a device lacked a version that was confirmed, while the store worked:
 * from the latest of three moments on, until the device holds that version or a newer one. These
 * are: when the version was confirmed; when the store last began to work; and when the fault
 * injector last made the device connect to another node. Confined to a loop.
 *
 * <p>The store works from the moment on at which a round of PUTs, to channels that are spread over
 * all of it, was answered through every node, the rounds having begun after the last PUT of a probe
 * that failed. It works until another fails.
 */
final class Deafness {
  private long worksSince;
  private boolean works;
  private long longest;
  private @Nullable String deafest;

  /** Notes that the store works; {@code now} is a time of {@link System#nanoTime}. */
  void storeWorks(long now) {
    if (!works) {
      works = true;
      worksSince = now;
    }
  }

  void storeFails() {
    works = false;
  }

  /** Whether it has worked since before a time, without a break. */
  boolean worksSinceBefore(long time) {
    return works && worksSince - time < 0;
  }

  /**
   * Notes that a device lacks a confirmed version now.
   *
   * @param who the device, as it is printed
   * @param since when it was confirmed, or the device came here, whichever is later
   */
  void lacks(Object who, long since, long now) {
    if (!works) {
      return;
    }
    long from = since - worksSince > 0 ? since : worksSince;
    if (now - from > longest) {
      longest = now - from;
      deafest = who.toString();
    }
  }

  double longestSeconds() {
    return longest / 1e9;
  }

  /** The device that was deaf the longest, as it is printed; null if none was. */
  @Nullable String deafest() {
    return deafest;
  }
}
