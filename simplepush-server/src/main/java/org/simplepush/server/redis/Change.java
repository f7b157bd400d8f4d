package org.simplepush.server.redis;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;

/** What was done to a user agent, advances apart, and has to be done again if it was lost. */
sealed interface Change {
  /** It was made, unless it was there already. */
  record Created() implements Change {}

  /**
   * It has a channel.
   *
   * @param route where it was connected after that, as {@link Script} writes it; empty if unknown
   */
  record Registered(ChannelId channelId, String route) implements Change {}

  /** It has a channel no longer. */
  record Unregistered(ChannelId channelId, String route) implements Change {}

  /** It is connected. */
  record Settled(String route) implements Change {}

  /** A connection has ended; the route is without an epoch. */
  record Released(String route) implements Change {}

  /** It was dropped. */
  record Dropped() implements Change {}

  /**
   * What all changes to a user agent come to. Of a channel only the last counts: to remove it and
   * make it again would lose its version.
   */
  final class Sum implements Change {
    private boolean created;
    private String route = "";
    private boolean released;

    /** Null for a channel that it has no longer. */
    private final Map<UUID, @Nullable ChannelId> channels = new LinkedHashMap<>();

    void add(Change change) {
      if (change instanceof Created) {
        created = true;
      } else if (change instanceof Registered registered) {
        channels.put(registered.channelId().value(), registered.channelId());
        connected(registered.route());
      } else if (change instanceof Unregistered unregistered) {
        channels.put(unregistered.channelId().value(), null);
        connected(unregistered.route());
      } else if (change instanceof Settled settled) {
        connected(settled.route());
      } else if (change instanceof Released ended) {
        released |= route.startsWith(ended.route() + ":");
      } else if (change instanceof Dropped) {
        created = false;
        channels.clear();
      } else if (change instanceof Sum sum) {
        created |= sum.created;
        channels.putAll(sum.channels);
        connected(sum.route);
        released |= sum.released;
      }
    }

    private void connected(String newer) {
      if (!newer.isEmpty() && !newer.equals(route)) {
        route = newer;
        released = false;
      }
    }

    /** The arguments of {@link Script#REDO} after the lease and the offset. */
    List<byte[]> arguments() {
      List<byte[]> arguments = new ArrayList<>();
      arguments.add(Ids.ascii(created ? "1" : "0"));
      arguments.add(Ids.ascii(route));
      arguments.add(Ids.ascii(released ? "- " : ""));
      channels.forEach(
          (id, channelId) -> {
            arguments.add(Ids.bytes(ChannelId.of(id)));
            arguments.add(channelId == null ? Ids.ascii("-") : Ids.spelling(channelId));
          });
      return arguments;
    }
  }
}
