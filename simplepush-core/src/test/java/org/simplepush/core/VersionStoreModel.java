package org.simplepush.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;

/**
 * The reference that {@link VersionStoreContract} compares stores with: one thread, no cleverness.
 * Answers are texts that show the spelling of ids, which {@code equals} overlooks.
 */
final class VersionStoreModel {
  private static final class Channel {
    String text;
    long version = -1;
    boolean pending;
  }

  private static final class UserAgent {
    final Map<UUID, Channel> channels = new HashMap<>();
    long lastSeen;
  }

  private final Map<UUID, UserAgent> userAgents = new HashMap<>();
  private long now;

  void pass(int minutes) {
    now += minutes;
  }

  /** No list, the right one, one too short, or a random one. */
  List<ChannelId> someList(Uaid uaid, List<UUID> channelIds, Random random) {
    UserAgent userAgent = userAgents.get(uaid.value());
    List<UUID> list = new ArrayList<>(userAgent == null ? List.of() : userAgent.channels.keySet());
    Collections.sort(list); // the map's own order would differ between runs
    switch (random.nextInt(6)) {
      case 0 -> {
        return null;
      }
      case 1 -> {
        if (!list.isEmpty()) {
          list.remove(random.nextInt(list.size()));
        }
      }
      case 2 -> {
        if (random.nextBoolean()) {
          list.add(channelIds.get(random.nextInt(channelIds.size())));
        } else {
          list.clear();
        }
      }
      default -> Collections.shuffle(list, random);
    }
    return list.stream()
        .distinct()
        .map(id -> ChannelId.parse(VersionStoreContract.spelled(id, random.nextInt(4))))
        .toList();
  }

  private UserAgent seen(Uaid uaid) {
    UserAgent userAgent = userAgents.get(uaid.value());
    if (userAgent != null) {
      userAgent.lastSeen = now;
    }
    return userAgent;
  }

  String hello(Uaid uaid, List<ChannelId> list) {
    UserAgent userAgent = seen(uaid);
    if (userAgent == null) {
      if (list == null || !list.isEmpty()) {
        return "Unknown";
      }
      userAgents.put(uaid.value(), new UserAgent());
      seen(uaid);
      return "Resumed []";
    }
    if (list != null) {
      for (ChannelId id : list) {
        if (!userAgent.channels.containsKey(id.value())) {
          userAgents.remove(uaid.value());
          return "Diverged";
        }
        userAgent.channels.get(id.value()).text = id.text();
      }
      userAgent.channels.keySet().retainAll(list.stream().map(ChannelId::value).toList());
    }
    return "Resumed " + pending(userAgent);
  }

  String register(Uaid uaid, ChannelId id, int limit) {
    UserAgent userAgent = seen(uaid);
    if (userAgent == null) {
      return "Unknown";
    }
    Channel channel = userAgent.channels.get(id.value());
    if (channel == null) {
      if (userAgent.channels.size() == limit) {
        return "LimitReached";
      }
      channel = new Channel();
      userAgent.channels.put(id.value(), channel);
    }
    channel.text = id.text();
    return "Registered";
  }

  String unregister(Uaid uaid, ChannelId id) {
    UserAgent userAgent = seen(uaid);
    if (userAgent != null) {
      userAgent.channels.remove(id.value());
    }
    return "null";
  }

  String drop(Uaid uaid) {
    userAgents.remove(uaid.value());
    return "null";
  }

  private Channel channel(Uaid uaid, ChannelId id) {
    UserAgent userAgent = userAgents.get(uaid.value());
    return userAgent == null ? null : userAgent.channels.get(id.value());
  }

  String advance(Uaid uaid, ChannelId id, long version) {
    Channel channel = channel(uaid, id);
    if (channel == null) {
      return "Unknown";
    }
    if (version == channel.version) {
      return "Repeated";
    }
    if (version < channel.version) {
      return "Stale";
    }
    String how = channel.pending ? "Collapsed " : "Advanced ";
    channel.version = version;
    channel.pending = true;
    return how + channel.text + "=" + version;
  }

  String advanceToNext(Uaid uaid, ChannelId id, long atLeast) {
    Channel channel = channel(uaid, id);
    if (channel == null) {
      return "Unknown";
    }
    if (channel.version == Long.MAX_VALUE) {
      return "Stale";
    }
    return advance(uaid, id, Math.max(atLeast, channel.version + 1));
  }

  String acknowledge(Uaid uaid, List<Update> updates) {
    seen(uaid);
    List<String> cleared = new ArrayList<>();
    for (Update update : updates) {
      Channel channel = channel(uaid, update.channelId());
      if (channel != null && channel.pending && update.version() >= channel.version) {
        channel.pending = false;
        cleared.add(channel.text + "=" + channel.version);
      }
    }
    Collections.sort(cleared);
    return "cleared " + cleared;
  }

  String pending(Uaid uaid) {
    UserAgent userAgent = seen(uaid);
    return userAgent == null ? "Unknown" : "Known " + pending(userAgent);
  }

  private static List<String> pending(UserAgent userAgent) {
    return userAgent.channels.values().stream()
        .filter(channel -> channel.pending)
        .map(channel -> channel.text + "=" + channel.version)
        .sorted()
        .toList();
  }

  String expireEmpty(long minutes) {
    int before = userAgents.size();
    userAgents
        .values()
        .removeIf(userAgent -> userAgent.channels.isEmpty() && now - userAgent.lastSeen >= minutes);
    return String.valueOf(before - userAgents.size());
  }

  VersionStore.Size size() {
    return new VersionStore.Size(
        userAgents.size(),
        userAgents.values().stream().mapToLong(each -> each.channels.size()).sum());
  }

  String expire(long minutes) {
    int before = userAgents.size();
    userAgents.values().removeIf(userAgent -> now - userAgent.lastSeen >= minutes);
    return String.valueOf(before - userAgents.size());
  }
}
