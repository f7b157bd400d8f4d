package org.simplepush.examples.benchmarks;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * The versions of one channel: which one the push server has confirmed by answering a PUT with 200,
 * and which one its device holds. Confined to a loop.
 */
final class ChannelAccount {
  /** As the device writes it, in ASCII; see {@link Channel#id}. */
  final byte[] id;

  /** A PUT to its endpoint up to the digits of the version; null while it has none. */
  byte @Nullable [] request;

  private final RunStatistics statistics;

  /** Raised whenever its device gives the channel up. */
  private int registration;

  private long published = Channel.FIRST_VERSION - 1;
  private long accepted = -1;
  private long held = -1;

  /** Versions answered with 200 that the device lacks, oldest first. */
  private final Deque<Due> due = new ArrayDeque<>();

  private record Due(long version, long at, long reachable) {}

  ChannelAccount(String id, RunStatistics statistics) {
    this.id = id.getBytes(StandardCharsets.US_ASCII);
    this.statistics = statistics;
  }

  /**
   * Returns the number of the registration; a sender compares it when the answer to its PUT
   * arrives.
   */
  int registration() {
    return registration;
  }

  /**
   * Notes that its device gives the channel up: no version is owed until it is registered again.
   */
  void forget() {
    registration++;
    request = null;
    accepted = -1;
    due.clear();
  }

  /** Takes the version of the next PUT, {@code step} above the last. */
  long publish(int step) {
    published += step;
    return published;
  }

  /**
   * Notes that the server answered the PUT of a version with 200: from now on it owes the device
   * this or a newer one.
   *
   * @param now a time of {@link System#nanoTime}
   * @param reachable how long the device has been reachable in all, in nanoseconds
   */
  void accept(long version, long now, long reachable) {
    statistics.accepted++;
    if (version > accepted) {
      accepted = version;
      if (version > held) {
        due.add(new Due(version, now, reachable));
      }
    }
  }

  /** Notes that the device holds a version; {@code now} and {@code reachable} as above. */
  void hold(long version, long now, long reachable) {
    if (version > published) {
      statistics.failures.add(
          "A device was sent version " + version + ", which was never published");
    }
    if (version <= held) {
      statistics.repeated++;
      return;
    }
    statistics.updates++;
    raise(version, now, reachable);
  }

  /**
   * Notes that the application asked its server for the newest version, as it must when the state
   * was lost.
   */
  void synchronise(long now, long reachable) {
    raise(Math.max(held, published), now, reachable);
  }

  private void raise(long version, long now, long reachable) {
    held = version;
    for (Due next = due.peek(); next != null && next.version() <= version; next = due.peek()) {
      statistics.delay.recordValue(Math.max(0, now - next.at()));
      statistics.reachableDelay.recordValue(Math.max(0, reachable - next.reachable()));
      due.remove();
    }
  }

  /** Returns when the oldest version was confirmed that the device lacks, or null if it has all. */
  @Nullable Long owedSince() {
    Due oldest = due.peek();
    return oldest == null ? null : oldest.at();
  }

  /** Whether the device lacks a confirmed version. */
  boolean isBehind() {
    return held < accepted;
  }

  @Override
  public String toString() {
    return "published " + published + ", accepted " + accepted + ", held " + held;
  }
}
