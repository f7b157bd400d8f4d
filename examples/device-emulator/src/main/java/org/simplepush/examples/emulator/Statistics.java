package org.simplepush.examples.emulator;

import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.ConcurrentHistogram;
import org.HdrHistogram.Histogram;

/** What happened so far. Thread-safe. Latencies are in microseconds. */
final class Statistics {
  private static final int DIGITS = 3;

  /** A server could invent ever new ones. */
  private static final int MAX_REASONS = 20;

  /** From the first byte to the answered hello. */
  final Histogram hello = new ConcurrentHistogram(DIGITS);

  /** From asking on an open connection until the application knows its endpoint. */
  final Histogram register = new ConcurrentHistogram(DIGITS);

  /** From publishing a version until the application was handed it or a newer one. */
  final Histogram push = new ConcurrentHistogram(DIGITS);

  /** From losing a connection to the next answered hello. */
  final Histogram reconnect = new ConcurrentHistogram(DIGITS);

  final AtomicInteger connected = new AtomicInteger();
  final AtomicInteger registered = new AtomicInteger();

  /** Versions that the push server has accepted. */
  final LongAdder published = new LongAdder();

  final LongAdder publishFailures = new LongAdder();
  final LongAdder gone = new LongAdder();
  final LongAdder pushes = new LongAdder();
  final LongAdder learnedBySync = new LongAdder();
  final LongAdder pushRegisters = new LongAdder();
  final LongAdder connectionsLost = new LongAdder();
  final LongAdder attemptsFailed = new LongAdder();
  final LongAdder dropped = new LongAdder();
  final LongAdder slept = new LongAdder();
  final LongAdder forgot = new LongAdder();
  final LongAdder failures = new LongAdder();

  /** Why attempts to connect failed, and how often. */
  private final Map<String, LongAdder> reasons = new ConcurrentHashMap<>();

  /** Counts an attempt to connect that failed; returns true if it is the first for this reason. */
  boolean attemptFailed(String reason) {
    attemptsFailed.increment();
    LongAdder first = new LongAdder();
    boolean isKnown = reasons.containsKey(reason);
    String counted = isKnown || reasons.size() < MAX_REASONS ? reason : "other reasons";
    LongAdder known = reasons.putIfAbsent(counted, first);
    (known == null ? first : known).increment();
    return known == null;
  }

  /** Returns why attempts failed, the most frequent reason first. */
  Map<String, Long> reasons() {
    Map<String, Long> sorted = new LinkedHashMap<>();
    reasons.entrySet().stream()
        .sorted(Comparator.comparingLong(entry -> -entry.getValue().sum()))
        .forEach(entry -> sorted.put(entry.getKey(), entry.getValue().sum()));
    return sorted;
  }

  static long micros(long nanos) {
    return Math.max(0, nanos / 1000);
  }
}
