package org.simplepush.server.internal;

import java.util.concurrent.ThreadLocalRandom;

/**
 * How many of something each address has now. Only addresses that have any take room, 24 to 96
 * bytes each, so it is bounded by what is counted. Safe for use by many threads.
 */
public final class AddressCounts {
  private static final int SMALLEST = 16;

  /** So that nobody can choose addresses that fall on one place. */
  private final long seed = ThreadLocalRandom.current().nextLong();

  // A hash table with linear probing: no object an address. A count of 0 marks a free place.
  private long[] addresses = new long[SMALLEST];
  private int[] counts = new int[SMALLEST];
  private int size;

  /**
   * Counts one more.
   *
   * @param address as {@link ClientAddresses#key} says
   * @return how many the address has now; 0 if it is exempt
   */
  public synchronized int add(long address) {
    if (address == ClientAddresses.EXEMPT) {
      return 0;
    }
    int place = find(address);
    if (counts[place] == 0) {
      size++;
      if (2 * size > counts.length) {
        resize(2 * counts.length);
        place = find(address);
      }
      addresses[place] = address;
    }
    return ++counts[place];
  }

  /** Counts one less of those that {@link #add} has counted. */
  public synchronized void remove(long address) {
    if (address == ClientAddresses.EXEMPT) {
      return;
    }
    int place = find(address);
    if (counts[place] == 0) {
      throw new IllegalStateException("This address has none");
    }
    if (--counts[place] == 0) {
      size--;
      close(place);
      if (8 * size < counts.length && counts.length > SMALLEST) {
        resize(counts.length / 2);
      }
    }
  }

  /** Returns how many an address has now. */
  public synchronized int count(long address) {
    return counts[find(address)];
  }

  /** Returns how many addresses have any. */
  synchronized int size() {
    return size;
  }

  /** Returns where an address is, or where it would go. */
  private int find(long address) {
    int place = home(address);
    while (counts[place] != 0 && addresses[place] != address) {
      place = (place + 1) & (counts.length - 1);
    }
    return place;
  }

  private int home(long address) {
    long mixed = (address ^ seed) * 0x9e37_79b9_7f4a_7c15L;
    mixed = (mixed ^ (mixed >>> 32)) * 0xd6e8_feb8_6659_fd93L;
    return (int) (mixed >>> 33) & (counts.length - 1);
  }

  /** Moves up those that have probed past a place that is free now. */
  private void close(int freed) {
    int free = freed;
    int mask = counts.length - 1;
    for (int place = (free + 1) & mask; counts[place] != 0; place = (place + 1) & mask) {
      int probed = (place - home(addresses[place])) & mask;
      if (probed >= ((place - free) & mask)) {
        addresses[free] = addresses[place];
        counts[free] = counts[place];
        counts[place] = 0;
        free = place;
      }
    }
  }

  private void resize(int capacity) {
    long[] oldAddresses = addresses;
    int[] oldCounts = counts;
    addresses = new long[capacity];
    counts = new int[capacity];
    for (int i = 0; i < oldCounts.length; i++) {
      if (oldCounts[i] != 0) {
        int place = find(oldAddresses[i]);
        addresses[place] = oldAddresses[i];
        counts[place] = oldCounts[i];
      }
    }
  }
}
