package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.simplepush.core.ChannelId;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;

/**
 * A store that the nodes of one process share, over one that answers at once. Each word to a node
 * is a task for the bus, which may lose it, run it twice, late, or in another order.
 */
final class SharedMemoryStore implements SharedVersionStore {
  private final VersionStore truth;
  private final Executor bus;
  private final Set<MemoryNode> nodes = ConcurrentHashMap.newKeySet();
  private final AtomicReference<Runnable> beforeNextSettle = new AtomicReference<>(() -> {});

  /** Who has the claim, or had it last. Guarded by this, as is all that a step does. */
  private final Map<Uaid, Route> routes = new HashMap<>();

  /** The channels that the truth has, which does not tell. */
  private final Map<Uaid, Map<ChannelId, ChannelId>> channels = new HashMap<>();

  SharedMemoryStore(VersionStore truth, Executor bus) {
    this.truth = truth;
    this.bus = bus;
  }

  /** Goes on with each claim, so that a later one is above those that were forgotten. */
  private long clock;

  /**
   * The connection that has the claim.
   *
   * @param node null if nobody ever had it
   * @param released whether the connection has ended
   */
  private record Route(MemoryNode node, long connection, long epoch, boolean released) {
    static final Route NONE = new Route(null, 0, 0, true);

    boolean isOf(MemoryNode who, long number) {
      return node == who && connection == number;
    }

    /** What a hello sees: whether the connection has ended does not count. */
    Basis.Seen seen() {
      return new Basis.Seen(epoch == 0 ? "" : node + " " + connection + ":" + epoch);
    }

    Route raised() {
      return new Route(node, connection, epoch + 1, released);
    }
  }

  private Route route(Uaid uaid) {
    return routes.getOrDefault(uaid, Route.NONE);
  }

  private Map<ChannelId, ChannelId> channels(Uaid uaid) {
    return channels.computeIfAbsent(uaid, none -> new LinkedHashMap<>());
  }

  /** The truth answers at once. */
  private static <T> T now(CompletionStage<T> stage) {
    assertThat(stage.toCompletableFuture()).isDone();
    return stage.toCompletableFuture().join();
  }

  private boolean isKnown(Uaid uaid) {
    boolean known = now(truth.pending(uaid)).isPresent();
    if (!known) {
      channels.remove(uaid); // it has expired
    }
    return known;
  }

  private final class MemoryNode implements Node {
    private final Listener listener;

    /** Always the same for the first node that joins, the second and so on. */
    private final String name = "node" + (nodes.size() + 1);

    MemoryNode(Listener listener) {
      this.listener = listener;
    }

    /** Runs a step as one; a failure of the truth is its failure. */
    private <T> CompletionStage<T> step(Supplier<T> effect) {
      synchronized (SharedMemoryStore.this) {
        try {
          return CompletableFuture.completedStage(effect.get());
        } catch (CompletionException e) {
          return CompletableFuture.failedStage(e.getCause());
        }
      }
    }

    private boolean isSuperseded(Uaid uaid, Basis basis) {
      Route route = route(uaid);
      if (basis instanceof Basis.Claim claim) {
        return !route.isOf(this, claim.connection())
            && route.epoch > 0
            && route.epoch >= claim.epoch();
      }
      return !route.seen().equals(basis);
    }

    private Basis.Claim restored(Uaid uaid, Basis.Claim claim) {
      Route route = route(uaid);
      long epoch =
          route.isOf(this, claim.connection())
              ? Math.max(route.epoch, claim.epoch())
              : claim.epoch();
      return new Basis.Claim(claim.connection(), epoch);
    }

    private Basis.Claim restore(Uaid uaid, Basis.Claim claim) {
      Basis.Claim mine = restored(uaid, claim);
      Route before = route(uaid);
      if (!before.isOf(this, mine.connection())) {
        displace(uaid, before);
      }
      routes.put(uaid, new Route(this, mine.connection(), mine.epoch(), false));
      return mine;
    }

    @Override
    public CompletionStage<Greeting> hello(Uaid uaid, List<ChannelId> channelIds) {
      return step(() -> new Greeting(resume(uaid, channelIds), route(uaid).seen()));
    }

    private Resumption resume(Uaid uaid, List<ChannelId> channelIds) {
      if (!isKnown(uaid)) {
        if (channelIds != null && channelIds.isEmpty()) {
          return now(truth.hello(uaid, channelIds));
        }
        return new Resumption.Unknown();
      }
      List<Update> pending = now(truth.pending(uaid)).orElseThrow();
      if (channelIds == null) {
        return new Resumption.Resumed(pending);
      }
      if (!channels(uaid).keySet().containsAll(channelIds)) {
        return new Resumption.Diverged();
      }
      return new Resumption.Resumed(
          channelIds.stream()
              .flatMap(
                  id ->
                      pending.stream()
                          .filter(update -> update.channelId().equals(id))
                          .map(update -> new Update(id, update.version())))
              .toList());
    }

    @Override
    public CompletionStage<Comparison> settle(
        Uaid uaid, long connection, Basis.Seen seen, List<ChannelId> channelIds) {
      beforeNextSettle.getAndSet(() -> {}).run();
      return step(
          () -> {
            Route before = route(uaid);
            if (isSuperseded(uaid, seen)
                || (before.node == this && before.connection > connection)) {
              return new Comparison.Superseded();
            }
            if (!isKnown(uaid)) {
              return new Comparison.Unknown();
            }
            clock += 1_000;
            Route mine = new Route(this, connection, Math.max(before.epoch + 1, clock), false);
            routes.put(uaid, mine);
            if (before.node != this) {
              displace(uaid, before);
            }
            if (channelIds != null) {
              channels(uaid).keySet().retainAll(channelIds);
              channelIds.forEach(id -> channels(uaid).replace(id, id));
              now(truth.hello(uaid, List.copyOf(channels(uaid).values())));
            }
            return claimed(uaid, new Basis.Claim(connection, mine.epoch));
          });
    }

    private Comparison claimed(Uaid uaid, Basis.Claim claim) {
      return new Comparison.Claimed(
          claim, now(truth.pending(uaid)).orElseThrow(), Standing.digest(channels(uaid).keySet()));
    }

    @Override
    public CompletionStage<Comparison> compare(Uaid uaid, Basis.Claim claim) {
      return step(
          () -> {
            if (isSuperseded(uaid, claim)) {
              return new Comparison.Superseded();
            }
            if (!isKnown(uaid)) {
              return new Comparison.Unknown();
            }
            return claimed(uaid, restore(uaid, claim));
          });
    }

    @Override
    public CompletionStage<Optional<Registered>> register(
        Uaid uaid, Basis basis, ChannelId channelId, int maxChannels) {
      return step(
          () -> {
            if (isSuperseded(uaid, basis)) {
              return Optional.empty();
            }
            boolean isNew = !isKnown(uaid) || !channels(uaid).containsKey(channelId);
            Registration registration =
                now(SharedMemoryStore.this.register(uaid, channelId, maxChannels));
            boolean registered = registration == Registration.REGISTERED;
            if (basis instanceof Basis.Claim claim) {
              boolean known = registration != Registration.UNKNOWN_USER_AGENT;
              Basis.Claim mine = known ? restore(uaid, claim) : restored(uaid, claim);
              return Optional.of(new Registered(registration, isNew && registered, mine));
            }
            if (registered) {
              routes.put(uaid, route(uaid).raised());
            }
            return Optional.of(
                new Registered(registration, isNew && registered, route(uaid).seen()));
          });
    }

    @Override
    public CompletionStage<Removal> unregister(Uaid uaid, Basis basis, ChannelId channelId) {
      return step(
          () -> {
            if (isSuperseded(uaid, basis)) {
              return Removal.SUPERSEDED;
            }
            boolean known = isKnown(uaid);
            if (known && basis instanceof Basis.Claim claim) {
              restore(uaid, claim);
            }
            boolean there = known && channels(uaid).containsKey(channelId);
            now(SharedMemoryStore.this.unregister(uaid, channelId));
            return there ? Removal.REMOVED : Removal.ABSENT;
          });
    }

    @Override
    public CompletionStage<Boolean> drop(Uaid uaid, Basis basis) {
      return step(
          () -> {
            if (isSuperseded(uaid, basis)) {
              return false;
            }
            Route before = route(uaid);
            now(SharedMemoryStore.this.drop(uaid));
            if (before.epoch > 0) {
              routes.put(uaid, new Route(null, 0, before.epoch + 1, true));
            }
            if (!(basis instanceof Basis.Claim claim) || !before.isOf(this, claim.connection())) {
              displace(uaid, before);
            }
            return true;
          });
    }

    private void displace(Uaid uaid, Route before) {
      if (!before.released) {
        before.node.tell(one -> one.displaced(uaid, before.connection));
      }
    }

    @Override
    public CompletionStage<Void> release(Uaid uaid, long connection) {
      return step(
          () -> {
            Route route = route(uaid);
            if (route.isOf(this, connection)) {
              routes.put(uaid, new Route(this, connection, route.epoch, true));
            }
            return null;
          });
    }

    /** A word on its way to this node; in vain if the node has left. */
    private void tell(Consumer<Listener> word) {
      bus.execute(
          () -> {
            if (nodes.contains(this)) {
              word.accept(listener);
            }
          });
    }

    @Override
    public void close() {
      nodes.remove(this);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  @Override
  public Node join(Duration notSeenFor, Listener listener) {
    MemoryNode node = new MemoryNode(listener);
    nodes.add(node);
    return node;
  }

  /** How many nodes have joined and not left. */
  int nodes() {
    return nodes.size();
  }

  /** As a bus does that was broken. */
  void wordsLost() {
    nodes.forEach(node -> node.listener.wordsLost());
  }

  /** Whether words for a user agent go to any node. */
  synchronized boolean isRouted(Uaid uaid) {
    return !route(uaid).released;
  }

  /** The next settling is late: this happens first. */
  void beforeNextSettle(Runnable happens) {
    beforeNextSettle.set(happens);
  }

  /** As a database does that restarts without what it need not keep. */
  synchronized void forgetRoutes() {
    routes.clear();
  }

  /** What is known of who is connected, to be put back later: as a failover does. */
  synchronized Runnable rememberRoutes() {
    Map<Uaid, Route> before = Map.copyOf(routes);
    return () -> {
      synchronized (this) {
        routes.clear();
        routes.putAll(before);
      }
    };
  }

  /** Its clock goes on from that of another, as it does in a store that was rolled back. */
  void continueClockOf(SharedMemoryStore before) {
    clock = before.clock;
  }

  /** A channel is lost, as in a failover: nobody is told. */
  synchronized void lose(Uaid uaid, ChannelId channelId) {
    now(unregister(uaid, channelId));
  }

  private Advance word(Uaid uaid, Advance result) {
    Route route = route(uaid);
    if (!route.released) {
      if (result instanceof Advance.Advanced advanced) {
        route.node.tell(listener -> listener.published(uaid, advanced.update()));
      } else if (result instanceof Advance.Unknown) {
        route.node.tell(listener -> listener.gone(uaid));
      }
    }
    return result;
  }

  @Override
  public synchronized CompletionStage<Advance> advance(
      Uaid uaid, ChannelId channelId, long version) {
    return truth.advance(uaid, channelId, version).thenApply(result -> word(uaid, result));
  }

  @Override
  public synchronized CompletionStage<Advance> advanceToNext(
      Uaid uaid, ChannelId channelId, long atLeast) {
    return truth.advanceToNext(uaid, channelId, atLeast).thenApply(result -> word(uaid, result));
  }

  @Override
  public synchronized CompletionStage<Resumption> hello(Uaid uaid, List<ChannelId> channelIds) {
    return truth
        .hello(uaid, channelIds)
        .thenApply(
            found -> {
              if (!(found instanceof Resumption.Resumed)) {
                channels.remove(uaid);
              } else if (channelIds != null) {
                channels(uaid).keySet().retainAll(channelIds);
              }
              return found;
            });
  }

  @Override
  public synchronized CompletionStage<Registration> register(
      Uaid uaid, ChannelId channelId, int maxChannels) {
    return truth
        .register(uaid, channelId, maxChannels)
        .thenApply(
            result -> {
              if (result == Registration.REGISTERED) {
                channels(uaid).put(channelId, channelId);
              }
              return result;
            });
  }

  @Override
  public synchronized CompletionStage<Void> unregister(Uaid uaid, ChannelId channelId) {
    channels(uaid).remove(channelId);
    return truth.unregister(uaid, channelId);
  }

  @Override
  public synchronized CompletionStage<Void> drop(Uaid uaid) {
    channels.remove(uaid);
    return truth.drop(uaid);
  }

  @Override
  public CompletionStage<Void> acknowledge(Uaid uaid, List<Update> updates) {
    return truth.acknowledge(uaid, updates);
  }

  @Override
  public CompletionStage<Optional<List<Update>>> pending(Uaid uaid) {
    return truth.pending(uaid);
  }

  @Override
  public CompletionStage<Integer> expireEmpty(Duration notSeenFor) {
    return truth.expireEmpty(notSeenFor);
  }

  @Override
  public Optional<Size> size() {
    return truth.size();
  }

  @Override
  public CompletionStage<Integer> expire(Duration notSeenFor) {
    return truth.expire(notSeenFor);
  }

  /** Asks the truth, and sends a word to itself. */
  @Override
  public CompletionStage<Void> check() {
    CompletableFuture<Void> heard = new CompletableFuture<>();
    bus.execute(() -> heard.complete(null));
    return truth
        .check()
        .thenCombine(heard.orTimeout(5, TimeUnit.SECONDS), (works, word) -> word)
        .handle(
            (done, failure) -> {
              if (failure != null) {
                throw new StoreException("The store or its bus does not work", failure);
              }
              return done;
            });
  }

  @Override
  public void close() {
    truth.close();
  }

  /** All it knows but the versions that are not pending. */
  @Override
  public synchronized String toString() {
    StringBuilder text = new StringBuilder().append(clock);
    channels.forEach(
        (uaid, all) ->
            text.append(route(uaid)).append(all.keySet()).append(now(truth.pending(uaid))));
    return text.toString();
  }
}
