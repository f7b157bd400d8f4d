package org.simplepush.examples.emulator;

import java.util.ArrayList;
import java.util.List;

/**
 * Finds the times when at least half of the devices were without connection, such as a restart of
 * the server, and remembers when each came back. Thread-safe.
 */
final class Outages {
  /** Enough for a day of restarts; later ones are not remembered. */
  private static final int MAX_REMEMBERED = 1000;

  /**
   * One outage that is over.
   *
   * @param devices how many had lost their connection
   * @param firstBackMillis from the first loss until a device was back
   * @param allBackMillis from the first loss until all were back
   * @param backMillis when each came back, counted from the first one that did; ascending
   */
  record Outage(int devices, long firstBackMillis, long allBackMillis, List<Long> backMillis) {
    /** Returns how many came back in the busiest second. */
    int busiestSecond() {
      int busiest = 0;
      int from = 0;
      for (int to = 0; to < backMillis.size(); to++) {
        while (backMillis.get(to) - backMillis.get(from) >= 1000) {
          from++;
        }
        busiest = Math.max(busiest, to - from + 1);
      }
      return busiest;
    }
  }

  private final int devices;
  private final List<Outage> over = new ArrayList<>(); // guarded by this
  private final List<Long> back = new ArrayList<>(); // guarded by this
  private long began; // guarded by this
  private int lost; // guarded by this
  private int missing; // guarded by this

  Outages(int devices) {
    this.devices = devices;
  }

  /** A device has lost its connection. */
  synchronized void lost(long now) {
    if (missing == 0) {
      began = now;
      lost = 0;
      back.clear();
    }
    missing++;
    lost++;
  }

  /** A device that had lost its connection is connected again. */
  synchronized void back(long now) {
    back.add(now);
    found(now);
  }

  /** A device that had lost its connection was switched off. */
  synchronized void switchedOff(long now) {
    found(now);
  }

  private void found(long now) {
    missing--;
    boolean isOutage = lost * 2 >= devices && !back.isEmpty();
    if (missing == 0 && isOutage && over.size() < MAX_REMEMBERED) {
      over.add(outage(now));
    }
  }

  private Outage outage(long now) {
    long first = back.get(0);
    List<Long> millis = back.stream().map(time -> (time - first) / 1_000_000).sorted().toList();
    return new Outage(lost, (first - began) / 1_000_000, (now - began) / 1_000_000, millis);
  }

  synchronized List<Outage> over() {
    return List.copyOf(over);
  }
}
