package org.simplepush.server.internal;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Counts who is refused, and tells the operator of limits that are reached: once a minute each.
 * Safe for use by many threads.
 */
public final class Refusals {
  private static final Logger log = LoggerFactory.getLogger(Refusals.class);

  private static final int QUIET_SECONDS = 60;

  /** Complete from the start, and so safe to be read by many threads. */
  private final Map<Refusal, Entry> entries = new EnumMap<>(Refusal.class);

  private record Entry(LongAdder count, Throttle throttle) {}

  public Refusals(LongSupplier nanoTime) {
    for (Refusal refusal : Refusal.values()) {
      entries.put(refusal, new Entry(new LongAdder(), new Throttle(QUIET_SECONDS, nanoTime)));
    }
  }

  @SuppressWarnings("NullAway") // there is one of each
  private Entry entry(Refusal refusal) {
    return entries.get(refusal);
  }

  /** Notes one; returns whether it was logged. */
  public boolean count(Refusal refusal) {
    Entry entry = entry(refusal);
    entry.count().increment();
    @Nullable String warning = refusal.warning();
    if (warning == null || !entry.throttle().tryPass()) {
      return false;
    }
    log.warn("{}; {} refused so far", warning, entry.count().sum());
    return true;
  }

  /** Returns how many were refused for this reason. */
  public long sum(Refusal refusal) {
    return entry(refusal).count().sum();
  }

  /** Returns how many were refused for any reason. */
  public long sum(Refusal.Kind kind) {
    long sum = 0;
    for (Map.Entry<Refusal, Entry> each : entries.entrySet()) {
      if (each.getKey().kind() == kind) {
        sum += each.getValue().count().sum();
      }
    }
    return sum;
  }
}
