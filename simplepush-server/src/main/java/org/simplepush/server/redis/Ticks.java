package org.simplepush.server.redis;

import static java.util.concurrent.TimeUnit.MINUTES;
import static java.util.concurrent.TimeUnit.SECONDS;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The ticks of all nodes on one server of Redis, as this node has seen them: numbers that each node
 * counts up there. A server loses writes from the end only. So what a node had confirmed before it
 * sent a tick is safe if that tick is still there, and a tick that is lower than it was, or gone,
 * says that writes were lost. Used by one thread at a time; times are of {@link System#nanoTime()}.
 */
final class Ticks {
  /** What a node that leaves writes instead of a number. */
  static final String LEFT = "left";

  /** How long entries of the log are kept. */
  static final long KEEP_NANOS = SECONDS.toNanos(30);

  /** Whoever has not ticked for so long before a loss has confirmed nothing since. */
  private static final long ALIVE_NANOS = SECONDS.toNanos(3);

  /** Ticks that have not changed for so long are removed, an hour later than they may be missed. */
  private static final long MISSED_NANOS = MINUTES.toNanos(10);

  private static final long OLD_NANOS = MINUTES.toNanos(70);

  /**
   * A tick that was sent after the log had grown.
   *
   * @param end the end of the log at that time: what is before it is safe if the tick is
   */
  private record Sent(long number, long end, long at) {}

  /** The last that was seen of another node. */
  private static final class Peer {
    String value;
    long changedAt;

    Peer(String value, long changedAt) {
      this.value = value;
      this.changedAt = changedAt;
    }
  }

  /**
   * Another node whose replay is waited for.
   *
   * @param found what it had written when the loss was found; null if nothing
   * @param lost whether it had written more than that before
   */
  private record Awaited(@Nullable String found, boolean lost) {}

  private final String node;
  private final ReplayLog log;
  private final ArrayDeque<Sent> sent = new ArrayDeque<>();
  private final Map<String, Peer> peers = new HashMap<>();
  private final Map<String, Awaited> awaited = new HashMap<>();
  private long number;
  private long written;
  private long inOrderAt;

  Ticks(String node, ReplayLog log, long now) {
    this.node = node;
    this.log = log;
    sent.add(new Sent(0, 0, now));
    inOrderAt = now;
  }

  /** The highest tick that this node knows to be there. */
  long written() {
    return written;
  }

  /** The number of a tick that is sent now. */
  long send(long now) {
    number++;
    if (sent.getLast().end() != log.end()) {
      sent.add(new Sent(number, log.end(), now));
    }
    return number;
  }

  /** The tick was written, as everything before it. */
  void written(long tick) {
    written = Math.max(written, tick);
  }

  /** Whether any node has lost a tick since this one last looked. */
  boolean anyLost(Map<String, String> found, long now) {
    if (number(found.get(node)) < written) {
      return true;
    }
    for (Map.Entry<String, Peer> each : peers.entrySet()) {
      if (lost(each.getValue(), found.get(each.getKey()), now)) {
        return true;
      }
    }
    return false;
  }

  private static boolean lost(Peer peer, @Nullable String found, long now) {
    if (peer.value.equals(found)) {
      return false;
    }
    if (found == null && now - peer.changedAt > MISSED_NANOS) {
      return false;
    }
    return peer.value.equals(LEFT) || (!LEFT.equals(found) && number(found) < number(peer.value));
  }

  /** Zero if there is none. */
  private static long number(@Nullable String tick) {
    return tick == null || tick.equals(LEFT) ? 0 : Long.parseLong(tick);
  }

  /**
   * Up to where the log is safe, by the last tick that was found.
   *
   * @return a position that may be before the start of the log
   */
  long safeUntil(Map<String, String> found) {
    long last = number(found.get(node));
    long end = -1;
    for (Sent each : sent) {
      if (each.number() > last) {
        break;
      }
      end = each.end();
    }
    return end;
  }

  /** Takes what was found for what is there: from now on others are waited for. */
  void adopt(Map<String, String> found, long now) {
    for (Map.Entry<String, Peer> each : peers.entrySet()) {
      Peer peer = each.getValue();
      String value = found.get(each.getKey());
      boolean lost = lost(peer, value, now);
      boolean alive = !peer.value.equals(LEFT) && inOrderAt - peer.changedAt < ALIVE_NANOS;
      if (lost || (alive && !LEFT.equals(value))) {
        Awaited before = awaited.get(each.getKey());
        awaited.put(each.getKey(), new Awaited(value, lost || (before != null && before.lost())));
      }
    }
    long last = number(found.get(node));
    written = Math.min(written, last);
    sent.removeIf(each -> each.number() > last && each.number() > 0);
    see(found, now);
  }

  /** Notes what is there. */
  void see(Map<String, String> found, long now) {
    peers.keySet().retainAll(found.keySet());
    found.forEach(
        (name, value) -> {
          Peer peer = peers.get(name);
          if (name.equals(node)) {
            return;
          }
          if (peer == null) {
            peers.put(name, new Peer(value, now));
          } else if (!peer.value.equals(value)) {
            peer.value = value;
            peer.changedAt = now;
          }
        });
    awaited
        .entrySet()
        .removeIf(
            each -> {
              String value = found.get(each.getKey());
              return value != null && !value.equals(each.getValue().found());
            });
  }

  /** Whether every other node has ticked since the loss, or left. */
  boolean allBack() {
    return awaited.isEmpty();
  }

  /**
   * Gives up waiting for the others.
   *
   * @return whether one of them had confirmed what is lost
   */
  boolean giveUp() {
    boolean lost = awaited.values().stream().anyMatch(Awaited::lost);
    awaited.clear();
    return lost;
  }

  /** All is as it should be: old entries of the log are not needed any more. */
  void inOrder(long now) {
    inOrderAt = now;
    long old = -1;
    for (Sent each : sent) {
      if (now - each.at() < KEEP_NANOS) {
        break;
      }
      old = each.end();
    }
    log.forgetBefore(old);
    while (sent.size() > 1 && second().end() <= log.start()) {
      sent.removeFirst();
    }
  }

  private Sent second() {
    return sent.stream().skip(1).findFirst().orElseThrow();
  }

  /** The names of nodes that have long been gone. */
  List<String> outdated(long now) {
    List<String> names = new ArrayList<>();
    peers.forEach(
        (name, peer) -> {
          if (now - peer.changedAt > OLD_NANOS) {
            names.add(name);
          }
        });
    return names;
  }
}
