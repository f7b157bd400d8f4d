package org.simplepush.server.internal;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.simplepush.server.ServerStatistics;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The heap that strangers make a server hold (protocol §13): one total, and a share of it for each
 * kind of use, so that one kind cannot take the room of another. What is charged is what objects
 * take, as far as can be told without looking; it is released when they are let go. Safe for use by
 * many threads, without locks; charging allocates nothing.
 */
public final class MemoryAccount {
  /** What memory is held for. */
  public enum Kind {
    /** WebSocket connections: a fixed charge each. */
    CONNECTIONS(8),
    /** Bytes queued for devices that do not read. */
    BACKLOG(3),
    /** Upgrade requests, frames and messages of which only a part has come. */
    INPUT(2),
    /** Connections and requests of application servers. */
    REQUESTS(3);

    /** The parts of all shares are this many. */
    private static final int PARTS = 16;

    private final int parts;

    Kind(int parts) {
      this.parts = parts;
    }
  }

  /**
   * The rest of the heap is for the store, for what is done at the moment, and for the collector,
   * which needs room to work: G1 stalls when more than about three quarters of a heap live.
   */
  private static final double SHARE_OF_HEAP = 3.0 / 8;

  private static final int QUIET_SECONDS = 60;

  private static final Logger log = LoggerFactory.getLogger(MemoryAccount.class);

  private static final Kind[] KINDS = Kind.values();

  private final long[] limits = new long[KINDS.length];
  private final AtomicLong[] used = new AtomicLong[KINDS.length];
  private final LongAdder[] shed = new LongAdder[KINDS.length];
  private final Throttle[] warnings = new Throttle[KINDS.length];

  /** An account of that many bytes in total. */
  public MemoryAccount(long total) {
    for (Kind kind : KINDS) {
      int i = index(kind);
      limits[i] = total / Kind.PARTS * kind.parts;
      used[i] = new AtomicLong();
      shed[i] = new LongAdder();
      warnings[i] = new Throttle(QUIET_SECONDS, System::nanoTime);
    }
  }

  /** Returns the total for a server that is told none: three eighths of the largest heap. */
  public static long defaultTotal() {
    return (long) (Runtime.getRuntime().maxMemory() * SHARE_OF_HEAP);
  }

  /** Charges bytes if they are within the kind's share; else changes nothing and returns false. */
  boolean tryCharge(Kind kind, long bytes) {
    AtomicLong sum = used[index(kind)];
    if (sum.addAndGet(bytes) <= limits[index(kind)]) {
      return true;
    }
    sum.addAndGet(-bytes);
    return false;
  }

  /** Charges bytes that are held already, be they within the kind's share or not. */
  public void charge(Kind kind, long bytes) {
    used[index(kind)].addAndGet(bytes);
  }

  /** Gives back what was charged. */
  public void release(Kind kind, long bytes) {
    used[index(kind)].addAndGet(-bytes);
  }

  /** Whether more is charged than the kind's share. */
  public boolean isOver(Kind kind) {
    return used(kind) > limit(kind);
  }

  /** Returns how many bytes are charged now. */
  public long used(Kind kind) {
    return used[index(kind)].get();
  }

  /** Returns how many bytes may be charged. */
  public long limit(Kind kind) {
    return limits[index(kind)];
  }

  /** Counts something that was refused or closed for want of room, where that is logged. */
  public void countShed(Kind kind) {
    shed[index(kind)].increment();
  }

  /** Notes that something was refused or closed for want of room; once a minute it is logged. */
  public void shed(Kind kind) {
    countShed(kind);
    if (warnings[index(kind)].tryPass()) {
      log.warn(
          "The memory for {} is used up ({} of {} bytes); {} refused or closed so far. Others are"
              + " served. Allow more with maxMemory (--max-memory) and a larger heap, or find out"
              + " who it is",
          nameOf(kind),
          used(kind),
          limit(kind),
          shed[index(kind)].sum());
    }
  }

  /** Returns what is used now, one entry a kind. */
  List<ServerStatistics.MemoryUse> snapshot() {
    return Arrays.stream(KINDS)
        .map(
            kind ->
                new ServerStatistics.MemoryUse(
                    nameOf(kind), used(kind), limit(kind), shed[index(kind)].sum()))
        .toList();
  }

  private static String nameOf(Kind kind) {
    return kind.name().toLowerCase(Locale.ROOT);
  }

  /** An array for each is the least that several kinds can cost. */
  @SuppressWarnings("EnumOrdinal")
  private static int index(Kind kind) {
    return kind.ordinal();
  }
}
