package org.simplepush.examples.benchmarks;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * What a push server promised for one channel by answering PUTs with 200, and what its device
 * holds. Confined to a loop.
 */
final class Pledge {
  /** As the device writes it, in ASCII; see {@link Channel#id}. */
  final byte[] id;

  /** A PUT to its endpoint up to the digits of the version; null while it has none. */
  byte @Nullable [] request;

  private final Ledger ledger;

  /** Raised whenever its device gives the channel up. */
  private int registration;

  private long published = Channel.FIRST_VERSION - 1;
  private long accepted = -1;
  private long held = -1;

  /** Answered with 200, newer than what the device holds; the newest last. */
  private final Deque<Due> due = new ArrayDeque<>();

  private record Due(long version, long at, long reachable) {}

  Pledge(String id, Ledger ledger) {
    this.id = id.getBytes(StandardCharsets.US_ASCII);
    this.ledger = ledger;
  }

  /** Names the registration there is now: who sends a PUT remembers it until the answer comes. */
  int registration() {
    return registration;
  }

  /** Notes that its device gives the channel up: nothing is owed, until it is registered again. */
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
    ledger.accepted++;
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
      ledger.failures.add("A device was told version " + version + ", which nobody published");
    }
    if (version <= held) {
      ledger.repeated++;
      return;
    }
    ledger.updates++;
    raise(version, now, reachable);
  }

  /** Notes that the application asked its server itself, as it must when the state was lost. */
  void synchronise(long now, long reachable) {
    raise(Math.max(held, published), now, reachable);
  }

  private void raise(long version, long now, long reachable) {
    held = version;
    for (Due next = due.peek(); next != null && next.version() <= version; next = due.peek()) {
      ledger.delay.recordValue(Math.max(0, now - next.at()));
      ledger.reachableDelay.recordValue(Math.max(0, reachable - next.reachable()));
      due.remove();
    }
  }

  /** Returns when the oldest version was confirmed that the device lacks, or null if it has all. */
  @Nullable Long owedSince() {
    Due oldest = due.peek();
    return oldest == null ? null : oldest.at();
  }

  /** Whether the device holds less than was promised to it. */
  boolean isBehind() {
    return held < accepted;
  }

  @Override
  public String toString() {
    return "published " + published + ", accepted " + accepted + ", held " + held;
  }
}
