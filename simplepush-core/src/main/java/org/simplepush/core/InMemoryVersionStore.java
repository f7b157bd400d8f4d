package org.simplepush.core;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.VersionStore.Advance.Advanced;
import org.simplepush.core.VersionStore.Resumption.Diverged;
import org.simplepush.core.VersionStore.Resumption.Resumed;
import org.simplepush.core.internal.StoreArguments;

/**
 * A store that lives as long as the process. Devices recover from its loss by the protocol's own
 * means: they get a fresh UAID at their next hello. Every stage is complete when it is returned.
 *
 * @since 0.1
 */
public final class InMemoryVersionStore implements VersionStore {
  private static final Duration MAX_NANOS = Duration.ofNanos(Long.MAX_VALUE);

  private static final CompletionStage<Void> DONE = CompletableFuture.completedStage(null);
  private static final CompletionStage<List<Update>> NOTHING_CLEARED =
      CompletableFuture.completedStage(List.of());
  private static final CompletionStage<Advance> REPEATED =
      CompletableFuture.completedStage(new Advance.Repeated());
  private static final CompletionStage<Advance> STALE =
      CompletableFuture.completedStage(new Advance.Stale());
  private static final CompletionStage<Advance> UNKNOWN_CHANNEL =
      CompletableFuture.completedStage(new Unknown());
  private static final CompletionStage<Resumption> NOTHING_PENDING =
      CompletableFuture.completedStage(new Resumed(List.of()));
  private static final CompletionStage<Resumption> UNKNOWN =
      CompletableFuture.completedStage(new Unknown());
  private static final CompletionStage<Resumption> DIVERGED =
      CompletableFuture.completedStage(new Diverged());

  private final ConcurrentMap<Uaid, UserAgent> userAgents = new ConcurrentHashMap<>();
  private final LongAdder channels = new LongAdder();
  private final LongSupplier nanoTime;
  private volatile boolean closed;

  /** An empty store. */
  public InMemoryVersionStore() {
    this(System::nanoTime);
  }

  /**
   * An empty store with its own idea of time.
   *
   * @param nanoTime like {@link System#nanoTime()}: never goes back, and no wall clock
   */
  public InMemoryVersionStore(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** What is known of one user agent; its own monitor guards every field. */
  private static final class UserAgent {
    /** Small at first: most devices have few channels. */
    final Map<ChannelId, Channel> channels = new HashMap<>(2);

    long lastSeen;

    /** Set in the same critical section that takes it out of the map: late comers look again. */
    boolean dropped;

    UserAgent(long now) {
      lastSeen = now;
    }

    List<Update> pending() {
      List<Update> pending = new ArrayList<>();
      for (Channel channel : channels.values()) {
        if (channel.pending) {
          pending.add(new Update(channel.id, channel.version));
        }
      }
      return List.copyOf(pending);
    }

    List<Update> acknowledge(List<Update> updates) {
      if (updates.size() == 1) { // as nearly always: costs no second list
        Update cleared = clear(updates.get(0));
        return cleared == null ? List.of() : List.of(cleared);
      }
      List<Update> cleared = new ArrayList<>();
      for (Update update : updates) {
        Update one = clear(update);
        if (one != null) {
          cleared.add(one);
        }
      }
      return List.copyOf(cleared);
    }

    /** Clears what this acknowledges, and returns it; null if nothing was cleared. */
    private @Nullable Update clear(Update acknowledged) {
      Channel channel = channels.get(acknowledged.channelId());
      if (channel == null || !channel.pending || channel.version > acknowledged.version()) {
        return null;
      }
      channel.pending = false;
      boolean same =
          channel.version == acknowledged.version()
              && channel.id.isSpelledLike(acknowledged.channelId());
      return same ? acknowledged : new Update(channel.id, channel.version);
    }

    /** Takes over how the device spells this channel now. */
    void respell(ChannelId channelId) {
      Channel channel = channels.get(channelId);
      // An id spelled alike is not kept: it would cost the memory of a second one.
      if (channel != null && !channel.id.isSpelledLike(channelId)) {
        channel.id = channelId;
      }
    }
  }

  /** One channel, guarded by its user agent's monitor. */
  private static final class Channel {
    static final long NO_VERSION = -1;

    ChannelId id;
    long version = NO_VERSION;
    boolean pending;

    Channel(ChannelId id) {
      this.id = id;
    }
  }

  /** A step on a user agent that exists. */
  private interface Step<T> {
    @Nullable T on(UserAgent userAgent);
  }

  /** Runs a step under the user agent's monitor; null if there is no such user agent. */
  private <T> @Nullable T with(Uaid uaid, Step<T> step) {
    if (closed) {
      return null;
    }
    while (true) {
      UserAgent userAgent = userAgents.get(uaid);
      if (userAgent == null) {
        return null;
      }
      synchronized (userAgent) {
        if (!userAgent.dropped) {
          return step.on(userAgent);
        }
      }
    }
  }

  private void remove(Uaid uaid, UserAgent userAgent) {
    userAgent.dropped = true;
    channels.add(-userAgent.channels.size());
    userAgents.remove(uaid, userAgent);
  }

  @Override
  public CompletionStage<Resumption> hello(Uaid uaid, @Nullable List<ChannelId> channelIds) {
    while (true) {
      CompletionStage<Resumption> resumed =
          with(uaid, userAgent -> resume(uaid, userAgent, channelIds));
      if (resumed != null) {
        return resumed;
      }
      if (closed) {
        return closedFailure();
      }
      if (channelIds == null || !channelIds.isEmpty()) {
        return UNKNOWN;
      }
      if (userAgents.putIfAbsent(uaid, new UserAgent(nanoTime.getAsLong())) == null) {
        return NOTHING_PENDING;
      }
    }
  }

  private CompletionStage<Resumption> resume(
      Uaid uaid, UserAgent userAgent, @Nullable List<ChannelId> channelIds) {
    userAgent.lastSeen = nanoTime.getAsLong();
    if (channelIds != null) {
      Set<ChannelId> known = userAgent.channels.keySet();
      if (!known.containsAll(channelIds)) {
        remove(uaid, userAgent);
        return DIVERGED;
      }
      int before = known.size();
      known.retainAll(new HashSet<>(channelIds));
      channels.add(known.size() - before);
      channelIds.forEach(userAgent::respell);
    }
    List<Update> pending = userAgent.pending();
    return pending.isEmpty()
        ? NOTHING_PENDING
        : CompletableFuture.completedStage(new Resumed(pending));
  }

  @Override
  public CompletionStage<Registration> register(Uaid uaid, ChannelId channelId, int maxChannels) {
    Registration registration =
        with(uaid, userAgent -> register(userAgent, channelId, maxChannels));
    return closed
        ? closedFailure()
        : CompletableFuture.completedStage(registration == null ? new Unknown() : registration);
  }

  private Registration register(UserAgent userAgent, ChannelId channelId, int maxChannels) {
    userAgent.lastSeen = nanoTime.getAsLong();
    if (userAgent.channels.containsKey(channelId)) {
      userAgent.respell(channelId);
    } else if (userAgent.channels.size() >= maxChannels) {
      return new Registration.LimitReached();
    } else {
      userAgent.channels.put(channelId, new Channel(channelId));
      channels.increment();
    }
    return new Registration.Registered();
  }

  @Override
  public CompletionStage<Void> unregister(Uaid uaid, ChannelId channelId) {
    with(
        uaid,
        userAgent -> {
          userAgent.lastSeen = nanoTime.getAsLong();
          Channel removed = userAgent.channels.remove(channelId);
          if (removed != null) {
            channels.decrement();
          }
          return removed;
        });
    return closed ? closedFailure() : DONE;
  }

  @Override
  public CompletionStage<Void> drop(Uaid uaid) {
    with(
        uaid,
        userAgent -> {
          remove(uaid, userAgent);
          return userAgent;
        });
    return closed ? closedFailure() : DONE;
  }

  @Override
  public CompletionStage<Advance> advance(Uaid uaid, ChannelId channelId, long version) {
    return advance(uaid, channelId, version, false);
  }

  @Override
  public CompletionStage<Advance> advanceToNext(Uaid uaid, ChannelId channelId, long atLeast) {
    return advance(uaid, channelId, atLeast, true);
  }

  private CompletionStage<Advance> advance(
      Uaid uaid, ChannelId channelId, long version, boolean orNext) {
    StoreArguments.version(version);
    CompletionStage<Advance> result =
        with(
            uaid,
            userAgent -> {
              Channel channel = userAgent.channels.get(channelId);
              if (channel == null) {
                return UNKNOWN_CHANNEL;
              }
              long next = version;
              if (next <= channel.version) {
                if (!orNext) {
                  return next == channel.version ? REPEATED : STALE;
                }
                if (channel.version == Long.MAX_VALUE) {
                  return STALE;
                }
                next = channel.version + 1;
              }
              boolean collapsed = channel.pending;
              channel.version = next;
              channel.pending = true;
              return CompletableFuture.completedStage(
                  new Advanced(new Update(channel.id, next), collapsed));
            });
    return closed ? closedFailure() : result == null ? UNKNOWN_CHANNEL : result;
  }

  @Override
  public CompletionStage<List<Update>> acknowledge(Uaid uaid, List<Update> updates) {
    List<Update> cleared =
        with(
            uaid,
            userAgent -> {
              userAgent.lastSeen = nanoTime.getAsLong();
              return userAgent.acknowledge(updates);
            });
    if (closed) {
      return closedFailure();
    }
    return cleared == null || cleared.isEmpty()
        ? NOTHING_CLEARED
        : CompletableFuture.completedStage(cleared);
  }

  @Override
  public CompletionStage<Pending> pending(Uaid uaid) {
    Pending pending =
        with(
            uaid,
            userAgent -> {
              userAgent.lastSeen = nanoTime.getAsLong();
              return new Pending.Known(userAgent.pending());
            });
    return closed
        ? closedFailure()
        : CompletableFuture.completedStage(pending == null ? new Unknown() : pending);
  }

  @Override
  public CompletionStage<Integer> expire(Duration notSeenFor) {
    return expire(notSeenFor, false);
  }

  @Override
  public CompletionStage<Integer> expireEmpty(Duration notSeenFor) {
    return expire(notSeenFor, true);
  }

  private CompletionStage<Integer> expire(Duration notSeenFor, boolean onlyEmpty) {
    StoreArguments.notSeenFor(notSeenFor);
    if (closed) {
      return closedFailure();
    }
    long now = nanoTime.getAsLong();
    long limit = notSeenFor.compareTo(MAX_NANOS) < 0 ? notSeenFor.toNanos() : Long.MAX_VALUE;
    int dropped = 0;
    for (Map.Entry<Uaid, UserAgent> entry : userAgents.entrySet()) {
      UserAgent userAgent = entry.getValue();
      synchronized (userAgent) {
        boolean spared = onlyEmpty && !userAgent.channels.isEmpty();
        if (!userAgent.dropped && !spared && now - userAgent.lastSeen >= limit) {
          remove(entry.getKey(), userAgent);
          dropped++;
        }
      }
    }
    return CompletableFuture.completedStage(dropped);
  }

  @Override
  public Optional<Size> size() {
    return Optional.of(new Size(userAgents.size(), channels.sum()));
  }

  /** Forgets everything. */
  @Override
  public void close() {
    closed = true;
    userAgents.clear();
    channels.reset();
  }

  private static <T> CompletionStage<T> closedFailure() {
    return CompletableFuture.failedStage(new StoreException("The store was closed"));
  }
}
