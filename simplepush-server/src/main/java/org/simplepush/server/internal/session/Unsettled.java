package org.simplepush.server.internal.session;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.SharedVersionStore.Basis;
import org.simplepush.core.Uaid;

/** What a session knows whose device has not shown yet that it is there. */
final class Unsettled {
  /** What the ping carries. Only the device can return it; another sender would have to guess. */
  long ping = ThreadLocalRandom.current().nextLong();

  Basis.Seen seen;

  /**
   * What an unregister is based on: it may be older than what was seen when it was looked again,
   * and the device may have gone elsewhere in between.
   */
  Basis.Seen seenBefore;

  /** Whether the hello had a list. */
  final boolean lists;

  /** What was listed and what was registered since; null if the store has what it has. */
  final @Nullable Map<ChannelId, ChannelId> channelIds;

  /** Whether a register or unregister has failed, which may have happened or may yet do so. */
  boolean doubtful;

  final @Nullable Outgrown outgrown;

  Unsettled(
      Basis.Seen seen,
      boolean lists,
      @Nullable List<ChannelId> channelIds,
      @Nullable Outgrown outgrown) {
    this.seen = seen;
    this.seenBefore = seen;
    this.lists = lists;
    this.outgrown = outgrown;
    this.channelIds = channelIds == null ? null : new LinkedHashMap<>();
    if (channelIds != null) {
      channelIds.forEach(this::add);
    }
  }

  void add(ChannelId channelId) {
    if (channelIds != null) {
      channelIds.put(channelId, channelId); // spelled as it was last
    }
  }

  void remove(ChannelId channelId) {
    if (channelIds != null) {
      channelIds.remove(channelId);
    }
  }

  @Nullable List<ChannelId> list() {
    return channelIds == null ? null : List.copyOf(channelIds.values());
  }

  @Nullable Long digest() {
    return channelIds == null || doubtful ? null : Standing.digest(channelIds.keySet());
  }

  /** The user agent a device was before it was given a fresh UAID. */
  record Outgrown(Uaid uaid, Basis.Seen seen) {}
}
