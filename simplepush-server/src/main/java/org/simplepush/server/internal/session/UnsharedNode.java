package org.simplepush.server.internal.session;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.SharedVersionStore.Basis;
import org.simplepush.core.SharedVersionStore.Comparison;
import org.simplepush.core.SharedVersionStore.Greeting;
import org.simplepush.core.SharedVersionStore.Node;
import org.simplepush.core.SharedVersionStore.Registered;
import org.simplepush.core.SharedVersionStore.Removal;
import org.simplepush.core.Uaid;
import org.simplepush.core.VersionStore;
import org.simplepush.core.VersionStore.Resumption;

/**
 * The only node of a store that no other server uses. No node competes for a user agent, so a hello
 * takes effect in full, and the connection has the claim from then on. No step is superseded.
 *
 * <p>Nothing changes the store but this server, so channels need not be counted: the digest is
 * always 0, and no registration adds to it.
 */
final class UnsharedNode implements Node {
  private static final Basis.Seen SEEN = new Basis.Seen("");
  private static final long NO_DIGEST = 0;

  private final VersionStore store;

  UnsharedNode(VersionStore store) {
    this.store = store;
  }

  @Override
  public CompletionStage<Greeting> hello(Uaid uaid, @Nullable List<ChannelId> channelIds) {
    return store.hello(uaid, channelIds).thenApply(UnsharedNode::greeting);
  }

  /** A store that answers nothing has failed; a user agent that was dropped is unknown now. */
  private static @Nullable Greeting greeting(@Nullable Resumption found) {
    if (found == null) {
      return null;
    }
    return new Greeting(
        found instanceof Resumption.Resumed ? found : new VersionStore.Unknown(), SEEN);
  }

  @Override
  public CompletionStage<Comparison> settle(
      Uaid uaid, long connection, Basis.Seen seen, @Nullable List<ChannelId> channelIds) {
    throw new IllegalStateException("In a store of one server the hello settles");
  }

  @Override
  public CompletionStage<Comparison> compare(Uaid uaid, Basis.Claim claim) {
    return store
        .pending(uaid)
        .thenApply(
            pending -> {
              if (pending instanceof VersionStore.Pending.Known known) {
                return new Comparison.Claimed(claim, known.updates(), NO_DIGEST);
              }
              return (VersionStore.Unknown) pending; // null if the store breaks its contract
            });
  }

  @Override
  public CompletionStage<Optional<Registered>> register(
      Uaid uaid, Basis basis, ChannelId channelId, int maxChannels) {
    return store
        .register(uaid, channelId, maxChannels)
        .thenApply(
            registration ->
                registration == null
                    ? null
                    : Optional.of(new Registered(registration, false, basis)));
  }

  @Override
  public CompletionStage<Removal> unregister(Uaid uaid, Basis basis, ChannelId channelId) {
    return store.unregister(uaid, channelId).thenApply(done -> Removal.ABSENT);
  }

  @Override
  public CompletionStage<Boolean> drop(Uaid uaid, Basis basis) {
    return store.drop(uaid).thenApply(done -> true);
  }

  @Override
  public CompletionStage<Void> release(Uaid uaid, long connection) {
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public void close() {}
}
