package org.simplepush.server;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;

/**
 * A store that answers later, on a thread of its own, as one with a database does. It does not
 * count what it holds.
 */
record SlowStore(VersionStore store, Executor later) implements VersionStore {
  private <T> CompletionStage<T> later(Supplier<CompletionStage<T>> step) {
    return CompletableFuture.supplyAsync(step, later).thenCompose(stage -> stage);
  }

  @Override
  public CompletionStage<Resumption> hello(Uaid uaid, @Nullable List<ChannelId> channelIds) {
    return later(() -> store.hello(uaid, channelIds));
  }

  @Override
  public CompletionStage<Registration> register(Uaid uaid, ChannelId channelId, int maxChannels) {
    return later(() -> store.register(uaid, channelId, maxChannels));
  }

  @Override
  public CompletionStage<Void> unregister(Uaid uaid, ChannelId channelId) {
    return later(() -> store.unregister(uaid, channelId));
  }

  @Override
  public CompletionStage<Void> drop(Uaid uaid) {
    return later(() -> store.drop(uaid));
  }

  @Override
  public CompletionStage<Advance> advance(Uaid uaid, ChannelId channelId, long version) {
    return later(() -> store.advance(uaid, channelId, version));
  }

  @Override
  public CompletionStage<Advance> advanceToNext(Uaid uaid, ChannelId channelId, long atLeast) {
    return later(() -> store.advanceToNext(uaid, channelId, atLeast));
  }

  @Override
  public CompletionStage<Void> acknowledge(Uaid uaid, List<Update> updates) {
    return later(() -> store.acknowledge(uaid, updates));
  }

  @Override
  public CompletionStage<Optional<List<Update>>> pending(Uaid uaid) {
    return later(() -> store.pending(uaid));
  }

  @Override
  public CompletionStage<Integer> expireEmpty(Duration notSeenFor) {
    return later(() -> store.expireEmpty(notSeenFor));
  }

  @Override
  public CompletionStage<Integer> expire(Duration notSeenFor) {
    return later(() -> store.expire(notSeenFor));
  }

  @Override
  public void close() {
    store.close();
  }
}
