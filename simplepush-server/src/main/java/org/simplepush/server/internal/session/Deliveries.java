package org.simplepush.server.internal.session;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Update;

/**
 * What one connection has to deliver, has sent, and has heard of: at most one entry a channel, so a
 * device that stops reading or acknowledging costs bounded memory (protocol §5).
 *
 * <p>An entry outlives its acknowledgement by one redelivery interval. Until then a hint of an
 * older version, on its way while the newer one was delivered, is recognised and dropped: versions
 * seen by a device never go back. The same holds for a channel that was unregistered.
 */
final class Deliveries {
  private enum State {
    /** To be sent when the device reads. */
    UNSENT,
    /** Sent, not acknowledged. */
    SENT,
    /** Acknowledged: kept for a while against late hints of older versions. */
    DONE,
    /** Unregistered: kept for a while against late hints of any version. */
    RETIRED
  }

  private static final class Delivery {
    static final long NO_VERSION = -1;

    ChannelId channelId;
    long version = NO_VERSION;
    State state = State.DONE;

    /** Whether it stands among the unsent, be it unsent still or not. */
    boolean queued;

    /** When it came into this state; the map is in this order. */
    long changedAt;

    Delivery(ChannelId channelId) {
      this.channelId = channelId;
    }
  }

  /**
   * In order of time: an entry whose state changes moves to the end. One that is only looked at
   * must not, or a device that pings often would never be sent anything again.
   */
  private final Map<ChannelId, Delivery> byChannel = new LinkedHashMap<>(4);

  /** All that is unsent, in the order it became so; each entry at most once. */
  private final Deque<Delivery> unsent = new ArrayDeque<>(2);

  boolean isEmpty() {
    return byChannel.isEmpty();
  }

  /** How many entries there are: what this costs, in memory. */
  int size() {
    return byChannel.size();
  }

  /** How many entries stand among the unsent, be they unsent still or not. */
  int queued() {
    return unsent.size();
  }

  /** Whether there is something the device has not acknowledged. */
  boolean isOutstanding() {
    return byChannel.values().stream()
        .anyMatch(one -> one.state == State.UNSENT || one.state == State.SENT);
  }

  /**
   * Notes a version to be delivered, unless it or a newer one already was.
   *
   * @param again whether to send it even if it was sent and is only not acknowledged
   */
  void offer(Update update, boolean again, long now) {
    Delivery delivery = findOrAdd(update.channelId(), now);
    boolean newer = update.version() > delivery.version;
    boolean repeat = again && update.version() == delivery.version;
    if (delivery.state != State.RETIRED && (newer || repeat)) {
      delivery.channelId = update.channelId();
      delivery.version = update.version();
      toSend(delivery);
    }
  }

  private void toSend(Delivery delivery) {
    delivery.state = State.UNSENT;
    if (!delivery.queued) {
      delivery.queued = true;
      unsent.add(delivery);
    }
  }

  /** Returns the next updates to send, at most {@code max}, and counts them as sent. */
  List<Update> take(int max, long now) {
    if (unsent.isEmpty()) {
      return List.of();
    }
    List<Update> updates = new ArrayList<>(Math.min(max, unsent.size()));
    while (updates.size() < max && !unsent.isEmpty()) {
      Delivery delivery = unsent.remove();
      delivery.queued = false;
      // Acknowledged or unregistered since it was queued: nothing to send any more.
      if (delivery.state == State.UNSENT) {
        change(delivery, State.SENT, now);
        updates.add(new Update(delivery.channelId, delivery.version));
      }
    }
    return updates;
  }

  /** The device has this version or a newer one. */
  void acknowledge(Update update, long now) {
    Delivery delivery = byChannel.get(update.channelId());
    if (delivery != null
        && (delivery.state == State.UNSENT || delivery.state == State.SENT)
        && delivery.version <= update.version()) {
      change(delivery, State.DONE, now);
    }
  }

  /**
   * The channel was unregistered: nothing more for it, whatever is still on its way.
   *
   * @param limit how many entries there may be; beyond it none is added
   */
  void retire(ChannelId channelId, long now, int limit) {
    if (byChannel.size() < limit || byChannel.containsKey(channelId)) {
      change(findOrAdd(channelId, now), State.RETIRED, now);
    }
  }

  /** The channel is registered: if it was unregistered before, that is over. */
  void reopen(ChannelId channelId, long now) {
    Delivery delivery = byChannel.get(channelId);
    if (delivery != null && delivery.state == State.RETIRED) {
      delivery.version = Delivery.NO_VERSION;
      change(delivery, State.DONE, now);
    }
  }

  /**
   * Makes unsent again what was sent an interval ago and not acknowledged since, and forgets what
   * has been done for as long.
   *
   * @return how many became unsent
   */
  int expire(long now, long interval) {
    int again = 0;
    Iterator<Delivery> eldestFirst = byChannel.values().iterator();
    while (eldestFirst.hasNext()) {
      Delivery delivery = eldestFirst.next();
      if (now - delivery.changedAt < interval) {
        break;
      }
      if (delivery.state == State.SENT) {
        toSend(delivery);
        again++;
      } else if (delivery.state != State.UNSENT && !delivery.queued) {
        eldestFirst.remove();
      }
    }
    return again;
  }

  /** Returns how long until {@link #expire} has something to do; an interval if nothing waits. */
  long nanosUntilDue(long now, long interval) {
    for (Delivery delivery : byChannel.values()) {
      if (!delivery.queued) {
        return Math.max(0, interval - (now - delivery.changedAt));
      }
    }
    return interval;
  }

  private Delivery findOrAdd(ChannelId channelId, long now) {
    Delivery delivery = byChannel.get(channelId);
    if (delivery == null) {
      delivery = new Delivery(channelId);
      delivery.changedAt = now;
      byChannel.put(channelId, delivery);
    }
    return delivery;
  }

  private void change(Delivery delivery, State state, long now) {
    delivery.state = state;
    delivery.changedAt = now;
    if (byChannel.size() > 1) {
      byChannel.remove(delivery.channelId);
      byChannel.put(delivery.channelId, delivery);
    }
  }
}
