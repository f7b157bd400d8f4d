package org.simplepush.appserver.internal.send;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;

/**
 * All lanes, and whose turn it is. Hosts that have yet to answer, or that failed, are not proven:
 * they have a queue of their own and share half of what may wait, so that however many of them
 * there are, the others are served.
 *
 * <p>Not thread-safe: guarded by the lock of its {@link Sender}.
 */
final class Lanes {
  /** What is known about this many hosts without endpoints is kept. */
  private static final int IDLE_LANES = 1024;

  private final int maxPerHost;
  private final long maxWaiting;
  private final Map<Lane.Host, Lane> lanes = new HashMap<>();

  /** Lanes without a mailbox, the longest idle first. */
  private final LinkedHashMap<Lane.Host, Lane> idle = new LinkedHashMap<>();

  /** Lanes that could send, in turn. */
  private final ArrayDeque<Lane> proven = new ArrayDeque<>();

  private final ArrayDeque<Lane> unproven = new ArrayDeque<>();
  private boolean unprovenTurn;

  /** What all mailboxes count against the most that may wait. */
  private long waiting;

  /** Of these, what those of hosts count that are not proven. */
  private long unprovenWaiting;

  Lanes(int maxPerHost, int maxWaiting) {
    this.maxPerHost = maxPerHost;
    this.maxWaiting = maxWaiting;
  }

  /** Returns the lane to a host, or null if nothing is known about it. */
  @Nullable Lane find(Lane.Host host) {
    return lanes.get(host);
  }

  /** Returns the lane to the host of an endpoint, for a mailbox to be added. */
  Lane take(HttpUrl endpoint) {
    Lane.Host host = Lane.Host.of(endpoint);
    Lane lane = lanes.get(host);
    if (lane == null) {
      lane = new Lane(host, maxPerHost);
      lanes.put(host, lane);
    } else if (lane.mailboxes == 0) {
      idle.remove(host);
    }
    return lane;
  }

  /** Counts a new mailbox. */
  void add(Mailbox mailbox) {
    mailbox.lane.mailboxes++;
    weigh(mailbox.lane, mailbox.weight);
  }

  /** Forgets a mailbox. */
  void remove(Mailbox mailbox) {
    mailbox.lane.ready.remove(mailbox);
    mailbox.lane.mailboxes--;
    weigh(mailbox.lane, -mailbox.weight);
    idleIfEmpty(mailbox.lane);
  }

  private void weigh(Lane lane, int more) {
    lane.weight += more;
    waiting += more;
    if (!lane.proven) {
      unprovenWaiting += more;
    }
  }

  /** Lets a lane be forgotten some time, if it has no mailbox. */
  void idleIfEmpty(Lane lane) {
    if (lane.mailboxes > 0) {
      return;
    }
    idle.put(lane.host, lane);
    if (idle.size() > IDLE_LANES) {
      Iterator<Lane.Host> eldest = idle.keySet().iterator();
      lanes.remove(eldest.next());
      eldest.remove();
    }
  }

  /** Whether another endpoint may wait. */
  boolean haveRoomFor(HttpUrl endpoint) {
    int weight = Mailbox.weight(endpoint);
    if (waiting > 0 && waiting + weight > maxWaiting) {
      return false;
    }
    Lane lane = lanes.get(Lane.Host.of(endpoint));
    return (lane != null && lane.proven)
        || unprovenWaiting == 0
        || unprovenWaiting + weight <= Math.max(1, maxWaiting / 2);
  }

  /** Puts a mailbox in the queue of its lane. */
  void makeReady(Mailbox mailbox) {
    mailbox.state = Mailbox.State.READY;
    mailbox.lane.ready.add(mailbox);
    queue(mailbox.lane);
  }

  /** Puts a lane in the queue of lanes if it could send. */
  void queue(Lane lane) {
    if (!lane.queued && lane.canSend()) {
      lane.queued = true;
      (lane.proven ? proven : unproven).add(lane);
    }
  }

  /**
   * Takes the next lane out of the queue; it may no longer be able to send. Proven and unproven
   * lanes take turns.
   *
   * @param unprovenMay whether unproven lanes may send
   * @return null if there is none
   */
  @Nullable Lane next(boolean unprovenMay) {
    unprovenTurn = !unprovenTurn;
    Lane lane = unprovenTurn && unprovenMay ? unproven.poll() : proven.poll();
    if (lane == null) {
      lane = unprovenTurn ? proven.poll() : unprovenMay ? unproven.poll() : null;
    }
    if (lane != null) {
      lane.queued = false;
    }
    return lane;
  }

  /** Whether a proven lane could send, if it were its turn. */
  boolean provenWait() {
    return wait(proven);
  }

  /** Whether an unproven lane could send, if it were its turn. */
  boolean unprovenWait() {
    return wait(unproven);
  }

  private static boolean wait(ArrayDeque<Lane> queue) {
    while (!queue.isEmpty() && !queue.element().canSend()) {
      queue.remove().queued = false;
    }
    return !queue.isEmpty();
  }

  /** Notes that a host served a request. The caller queues the lane again. */
  void succeeded(Lane lane, boolean atLimit) {
    if (!lane.proven) {
      unprovenWaiting -= lane.weight;
      if (lane.queued && unproven.remove(lane)) {
        lane.queued = false; // it need not wait behind hosts that do not answer any more
      }
    }
    lane.succeeded(atLimit);
  }

  /** Notes that a host failed to serve a request; returns what {@link Lane#failed} returns. */
  int failed(Lane lane, Answer answer, long attempt, long latest, long now) {
    if (lane.proven) {
      unprovenWaiting += lane.weight;
    }
    return lane.failed(answer, attempt, latest, now);
  }

  /** Whether no mailbox is counted. */
  boolean haveNothingWaiting() {
    return waiting == 0 && unprovenWaiting == 0;
  }
}
