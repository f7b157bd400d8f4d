package org.simplepush.server;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.simplepush.core.ChannelId;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;

/**
 * A store that the nodes of one process share. Each word to a node is a task for the bus, which may
 * lose it, run it twice, late, or in another order.
 */
final class SharedMemoryStore implements SharedVersionStore {
  private final VersionStore truth;
  private final Executor bus;
  private final ConcurrentMap<Uaid, Route> routes = new ConcurrentHashMap<>();
  private final Set<MemoryNode> nodes = ConcurrentHashMap.newKeySet();
  private final AtomicReference<Runnable> beforeNextClaim = new AtomicReference<>(() -> {});

  SharedMemoryStore(VersionStore truth, Executor bus) {
    this.truth = truth;
    this.bus = bus;
  }

  private record Route(MemoryNode node, long connection) {}

  private final class MemoryNode implements Node {
    private final Listener listener;

    MemoryNode(Listener listener) {
      this.listener = listener;
    }

    @Override
    public CompletionStage<Void> claim(Uaid uaid, long connection) {
      beforeNextClaim.getAndSet(() -> {}).run();
      Route earlier = routes.put(uaid, new Route(this, connection));
      if (earlier != null && earlier.node != this) {
        earlier.node.tell(listener -> listener.displaced(uaid, earlier.connection));
      }
      return CompletableFuture.completedStage(null);
    }

    @Override
    public CompletionStage<Boolean> confirm(Uaid uaid, long connection) {
      Route mine = new Route(this, connection);
      Route now = routes.putIfAbsent(uaid, mine);
      return CompletableFuture.completedStage(now == null || now.equals(mine));
    }

    @Override
    public CompletionStage<Void> release(Uaid uaid, long connection) {
      routes.remove(uaid, new Route(this, connection));
      return CompletableFuture.completedStage(null);
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
  boolean isRouted(Uaid uaid) {
    return routes.containsKey(uaid);
  }

  /** The next claim is late: this happens first. */
  void beforeNextClaim(Runnable happens) {
    beforeNextClaim.set(happens);
  }

  /** As a database does that restarts without what it need not keep. */
  void forgetRoutes() {
    routes.clear();
  }

  private Advance word(Uaid uaid, Advance result) {
    Route route = routes.get(uaid);
    if (route != null && result instanceof Advance.Advanced advanced) {
      route.node.tell(listener -> listener.published(uaid, advanced.update()));
    }
    return result;
  }

  @Override
  public CompletionStage<Advance> advance(Uaid uaid, ChannelId channelId, long version) {
    return truth.advance(uaid, channelId, version).thenApply(result -> word(uaid, result));
  }

  @Override
  public CompletionStage<Advance> advanceToNext(Uaid uaid, ChannelId channelId, long atLeast) {
    return truth.advanceToNext(uaid, channelId, atLeast).thenApply(result -> word(uaid, result));
  }

  @Override
  public CompletionStage<Resumption> hello(Uaid uaid, List<ChannelId> channelIds) {
    return truth.hello(uaid, channelIds);
  }

  @Override
  public CompletionStage<Registration> register(Uaid uaid, ChannelId channelId, int maxChannels) {
    return truth.register(uaid, channelId, maxChannels);
  }

  @Override
  public CompletionStage<Void> unregister(Uaid uaid, ChannelId channelId) {
    return truth.unregister(uaid, channelId);
  }

  @Override
  public CompletionStage<Void> drop(Uaid uaid) {
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
}
