package org.simplepush.server.internal;

import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.LongSupplier;

/**
 * At most so many a minute from each address. Takes 128 KB however many addresses come: an address
 * falls on one of 16,384 places by chance, and shares what may be done there with whoever falls on
 * the same. Safe for use by many threads.
 */
public final class AddressRate {
  private static final int PLACES = 1 << 14;
  private static final long MINUTE = TimeUnit.MINUTES.toNanos(1);
  private static final long COUNT = 0xffff_ffffL;

  /** So that nobody can choose addresses that fall on the place of another. */
  private final long seed = ThreadLocalRandom.current().nextLong();

  private final int permits;
  private final LongSupplier nanoTime;
  private final long start;

  /** Of each place the minute of its last use, in the upper half, and the uses in that minute. */
  private final AtomicLongArray places = new AtomicLongArray(PLACES);

  /**
   * Lets so many pass.
   *
   * @param permits how many a minute
   * @param nanoTime a clock like {@link System#nanoTime}
   */
  public AddressRate(int permits, LongSupplier nanoTime) {
    this.permits = permits;
    this.nanoTime = nanoTime;
    this.start = nanoTime.getAsLong();
  }

  /**
   * Returns whether one more may pass, which then counts.
   *
   * @param address as {@link ClientAddresses#key} says
   */
  public boolean tryAcquire(long address) {
    if (address == ClientAddresses.EXEMPT) {
      return true;
    }
    long minute = (nanoTime.getAsLong() - start) / MINUTE;
    int place = place(address);
    while (true) {
      long before = places.get(place);
      long used = before >>> 32 == minute ? before & COUNT : 0;
      if (used >= permits) {
        return false;
      }
      if (places.compareAndSet(place, before, (minute << 32) | (used + 1))) {
        return true;
      }
    }
  }

  private int place(long address) {
    long mixed = (address ^ seed) * 0x9e37_79b9_7f4a_7c15L;
    mixed = (mixed ^ (mixed >>> 32)) * 0xd6e8_feb8_6659_fd93L;
    return (int) (mixed >>> 33) & (PLACES - 1);
  }
}
