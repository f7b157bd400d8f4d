package org.simplepush.core;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * A store that several push servers share, each of them a <em>node</em>. Besides keeping versions
 * it remembers on which node a user agent is connected, and sends that node <em>hints</em> of what
 * the others do. A server that is handed such a store joins it without further settings.
 *
 * <p>Hints may be lost, doubled or reordered. That does no harm: a node that receives one reads the
 * store or merges by the higher version, and it compares its connections with the store after
 * {@link Listener#hintsLost}, at every hello, at every client ping and at intervals.
 *
 * <p><strong>Late steps.</strong> A node may freeze, or its connection to the store stall, while
 * the device goes on elsewhere; then steps of an old connection arrive after those of a newer one.
 * So a hello takes nothing away. Only when the device has answered a ping that was sent with the
 * reply, its connection {@linkplain Node#settle settles}: it becomes the <em>claim</em>, and the
 * channels that the device does not list go. Each claim has a higher <em>epoch</em> than the one
 * before it. A step says what it is {@linkplain Basis based on}, and is not done if the store has a
 * newer claim: it is <em>superseded</em>. An older claim in the store, or none, means that the
 * store has lost the newer one: the step restores that, and the node of the older claim is sent
 * {@link Listener#displaced}. That may be a connection that has settled since the loss; its device
 * connects again and settles again.
 *
 * @since 0.1
 */
public interface SharedVersionStore extends VersionStore {
  /**
   * Receives the hints for a node. Called on threads of the store's choosing, by several at a time.
   * Never called from within a call to the store or a node, whose caller may hold a lock. Must not
   * block.
   */
  interface Listener {
    /**
     * A channel of a user agent that is connected here, or was last, was raised, by this node or
     * another.
     *
     * @param uaid the user agent
     * @param update the version the channel has reached
     */
    void published(Uaid uaid, Update update);

    /**
     * The user agent has another connection, or was dropped: this connection of it is over.
     *
     * @param uaid the user agent
     * @param connection what {@link Node#settle} was given
     */
    void displaced(Uaid uaid, long connection);

    /**
     * A version was published to a user agent that is connected here, but the store has no such
     * channel, or not even the user agent. Either the channel was unregistered, or the store has
     * lost it: the node compares to find out.
     *
     * @param uaid the user agent
     */
    void gone(Uaid uaid);

    /**
     * Hints may have been lost, and arrive again now: the node has to compare all its connections
     * with the store.
     */
    void hintsLost();

    /**
     * The store had lost what it had confirmed, and has put back what this node was confirmed. That
     * hints may have been lost is said apart. Default: does nothing.
     *
     * @param missing how many versions, channels and user agents were not there; 0 if other nodes,
     *     or nobody, had to put something back
     */
    default void restored(int missing) {}
  }

  /** What a step of a connection is based on. The step is superseded if that is no longer so. */
  sealed interface Basis {
    /**
     * The connection has not settled: it knows what its hello saw.
     *
     * @param route who had the claim then; only its store knows how to read it
     */
    record Seen(String route) implements Basis {}

    /**
     * The connection has settled.
     *
     * @param connection the connection that has the claim, by the number its node gave it
     * @param epoch of the claims of one user agent a later one has a higher epoch
     */
    record Claim(long connection, long epoch) implements Basis {}
  }

  /**
   * What a hello found.
   *
   * @param resumption as of {@link VersionStore#hello}, except that nothing was taken away; what is
   *     pending on channels that were not listed is left out
   * @param seen what the next steps are based on
   */
  record Greeting(Resumption resumption, Basis.Seen seen) {}

  /**
   * How the store and a connection compare; {@link VersionStore.Unknown} if there is no such user
   * agent any more.
   */
  sealed interface Comparison permits Comparison.Claimed, Comparison.Superseded, Unknown {
    /**
     * The connection has the claim now.
     *
     * @param claim the claim. Its epoch is higher than it was if a connection that has not settled
     *     has registered channels since
     * @param pending what is pending
     * @param digest the {@link SharedVersionStore#digest} of all channels, combined by exclusive or
     */
    record Claimed(Basis.Claim claim, List<Update> pending, long digest) implements Comparison {}

    /** A newer connection has the claim; nothing was changed. */
    record Superseded() implements Comparison {}
  }

  /**
   * How a registration ended.
   *
   * @param registration as of {@link VersionStore#register}
   * @param added whether there was no such channel before
   * @param basis what the next steps are based on
   */
  record Registered(Registration registration, boolean added, Basis basis) {}

  /** How an unregistration ended. */
  enum Removal {
    /** The channel was removed. */
    REMOVED,
    /** There was no such channel. */
    ABSENT,
    /** A newer connection has the claim; nothing was changed. */
    SUPERSEDED
  }

  /**
   * Returns 64 bits of a channel ID's SHA-1: the first of those of its 16 bytes. A few channels
   * more or less change the exclusive or of many of these.
   *
   * @param channelId the channel
   * @return its digest, which does not depend on its spelling
   */
  static long digest(ChannelId channelId) {
    UUID id = channelId.value();
    ByteBuffer bytes = ByteBuffer.allocate(16);
    bytes.putLong(id.getMostSignificantBits()).putLong(id.getLeastSignificantBits()).flip();
    try {
      MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
      sha1.update(bytes);
      return ByteBuffer.wrap(sha1.digest()).getLong();
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java has SHA-1", e);
    }
  }

  /**
   * The membership of one push server. Safe for use by many threads. Like those of {@link
   * VersionStore}, its methods return at once, each is one atomic step, and each stage fails with
   * {@link StoreException} if the database does. What is asked for one user agent, of this node and
   * of the store, takes effect in that order, if it is asked by one thread, or by several each
   * after the other's call has returned; nobody waits for the stages.
   */
  interface Node extends AutoCloseable {
    /**
     * Finds out about a user agent that says hello, as {@link VersionStore#hello} does, but takes
     * nothing away: nobody is dropped, no channel is removed, and the claim stays where it is.
     *
     * @param uaid the user agent
     * @param channelIds every channel the user agent has, or null if it did not say
     * @return what was found
     */
    CompletionStage<Greeting> hello(Uaid uaid, @Nullable List<ChannelId> channelIds);

    /**
     * The device has shown that it is there. Unless another connection has settled or registered
     * since the hello, this claims it for this connection, so that its hints come to this node. The
     * node of the connection that had the claim is sent {@link Listener#displaced}, if it is
     * another. Channels that are not listed are removed; the others are spelled as the list spells
     * them.
     *
     * @param uaid the user agent
     * @param connection a number this node gives to no other connection; of two connections to this
     *     node the newer has the higher one
     * @param seen what the hello has seen, or the last register since
     * @param channelIds the channels listed, with those registered since the hello and without
     *     those unregistered; null if the hello had no list
     * @return whether it has the claim now
     */
    CompletionStage<Comparison> settle(
        Uaid uaid, long connection, Basis.Seen seen, @Nullable List<ChannelId> channelIds);

    /**
     * Compares a settled connection with the store: makes sure that hints still come to this node,
     * unless a newer connection has the claim, and reads what is pending, which counts as seen.
     *
     * @param uaid the user agent
     * @param claim what {@link #settle} has returned, or the last step since
     * @return how it is
     */
    CompletionStage<Comparison> compare(Uaid uaid, Basis.Claim claim);

    /**
     * Registers a channel as {@link VersionStore#register} does. If the connection has not settled,
     * others that have not are superseded from now on, or they might remove the channel.
     *
     * @param uaid the user agent
     * @param basis what this is based on
     * @param channelId the channel
     * @param maxChannels how many channels a user agent may have
     * @return how it ended; empty if it was superseded
     */
    CompletionStage<Optional<Registered>> register(
        Uaid uaid, Basis basis, ChannelId channelId, int maxChannels);

    /**
     * Removes a channel as {@link VersionStore#unregister} does.
     *
     * @param uaid the user agent
     * @param basis what this is based on
     * @param channelId the channel
     * @return how it ended
     */
    CompletionStage<Removal> unregister(Uaid uaid, Basis basis, ChannelId channelId);

    /**
     * Removes a user agent with its channels. The node of another connection that has the claim is
     * sent {@link Listener#displaced}. Based on a claim, this is done only if the store has exactly
     * that claim: a higher epoch says that there are channels which the connection does not know.
     *
     * @param uaid the user agent
     * @param basis what this is based on
     * @return false if nothing was done, because it was superseded or the epoch is another
     */
    CompletionStage<Boolean> drop(Uaid uaid, Basis basis);

    /**
     * The connection has ended: no more hints for it, if it has the claim. That it had it is not
     * forgotten, so that late steps of older ones stay superseded.
     *
     * @param uaid the user agent
     * @param connection what {@link #settle} was given
     * @return completes with null
     */
    CompletionStage<Void> release(Uaid uaid, long connection);

    /** Leaves: no more hints come. Calling it again is harmless. */
    @Override
    void close();
  }

  /**
   * Makes a push server one of the nodes. When this returns, hints come.
   *
   * @param notSeenFor after how long a user agent that was not seen is to be dropped; the store may
   *     do so itself
   * @param listener receives the hints
   * @return the membership
   * @throws StoreException if the store cannot be reached
   */
  Node join(Duration notSeenFor, Listener listener);
}
