package org.simplepush.core;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Where user agents, their channels and the versions these have reached live: the one place where
 * versions collapse. It may never lose what it confirmed.
 *
 * <p>Per channel a store keeps the highest version published and whether it is <em>pending</em>,
 * that is, not yet acknowledged at that version or a higher one (protocol §5).
 *
 * <p>Safe for use by many threads. Each method is one atomic step. Methods return at once: the
 * stage completes when the step is as durable as this store makes it, on a thread of the store's
 * choosing and never while it holds a lock. Steps for one user agent that one thread asks for one
 * after another take effect in that order, whether or not it waited for the stages.
 *
 * <p>A user agent counts as <em>seen</em> whenever it shows itself: by {@link #hello}, {@link
 * #register}, {@link #unregister}, {@link #acknowledge} and {@link #pending}, whatever they find.
 * What application servers publish does not keep it alive.
 *
 * <p>Lists handed in must not change before the stage completes; lists in results are immutable.
 *
 * <p>If the database fails, the stage fails with {@link StoreException}; the step may or may not
 * have happened. After {@link #close()} every stage fails so. A broken argument is refused by the
 * call itself.
 *
 * <p>A new store extends the published contract test {@code VersionStoreContract} of this module's
 * test jar.
 *
 * @since 0.1
 */
public interface VersionStore extends AutoCloseable {
  /**
   * There is no such user agent, or no such channel where a version is published; nothing was
   * changed. This is how each step says so.
   */
  record Unknown()
      implements Resumption, Registration, Advance, Pending, SharedVersionStore.Comparison {}

  /** What a hello found; {@link Unknown} if the user agent says or may have channels. */
  sealed interface Resumption {
    /**
     * The user agent is known.
     *
     * @param pending its pending updates, in no particular order
     */
    record Resumed(List<Update> pending) implements Resumption {
      /**
       * Copies the list.
       *
       * @param pending the pending updates
       */
      public Resumed {
        pending = List.copyOf(pending);
      }
    }

    /** The user agent has channels this store does not know; it was dropped in the same step. */
    record Diverged() implements Resumption {}
  }

  /** How a registration ended; {@link Unknown} if there is no such user agent any more. */
  sealed interface Registration {
    /** The channel exists now. */
    record Registered() implements Registration {}

    /** The user agent has as many channels as it may; nothing was changed. */
    record LimitReached() implements Registration {}
  }

  /** How a publication ended; {@link Unknown} if there is no such channel or user agent. */
  sealed interface Advance {
    /**
     * The channel was raised.
     *
     * @param update the version it has reached, which is pending now
     * @param collapsed whether an older version was pending until now, and is no more
     */
    record Advanced(Update update, boolean collapsed) implements Advance {}

    /** The channel is at exactly this version already; nothing was changed. Retries end so. */
    record Repeated() implements Advance {}

    /** The channel has reached a higher version, or cannot rise any more; nothing was changed. */
    record Stale() implements Advance {}
  }

  /** What is pending for a user agent; {@link Unknown} if there is no such user agent. */
  sealed interface Pending {
    /**
     * The user agent is known.
     *
     * @param updates its pending updates, in no particular order
     */
    record Known(List<Update> updates) implements Pending {
      /**
       * Copies the list.
       *
       * @param updates the pending updates
       */
      public Known {
        updates = List.copyOf(updates);
      }
    }
  }

  /**
   * Resumes a user agent and reconciles its channels with those it lists (protocol §2). From now on
   * a channel is spelled as the list spells it.
   *
   * <ul>
   *   <li>Known, and it knows every channel listed: resumed; channels not listed are removed.
   *   <li>Known, but some listed channel is not: dropped, {@code Diverged}.
   *   <li>Known, no list: resumed, nothing is compared.
   *   <li>Unknown, and the list is empty: created, resumed with nothing pending.
   *   <li>Unknown otherwise: {@link Unknown}.
   * </ul>
   *
   * @param uaid the user agent
   * @param channelIds every channel the user agent has, or null if it did not say
   * @return what was found
   */
  CompletionStage<Resumption> hello(Uaid uaid, @Nullable List<ChannelId> channelIds);

  /**
   * Creates a channel that has reached no version; leaves an existing one as it is, but for its
   * spelling (protocol §3).
   *
   * @param uaid the user agent
   * @param channelId the channel
   * @param maxChannels how many channels a user agent may have
   * @return how it ended
   */
  CompletionStage<Registration> register(Uaid uaid, ChannelId channelId, int maxChannels);

  /**
   * Removes a channel with what is pending on it, if there is one (protocol §4).
   *
   * @param uaid the user agent
   * @param channelId the channel
   * @return completes with null
   */
  CompletionStage<Void> unregister(Uaid uaid, ChannelId channelId);

  /**
   * Removes a user agent with its channels, if there is one.
   *
   * @param uaid the user agent
   * @return completes with null
   */
  CompletionStage<Void> drop(Uaid uaid);

  /**
   * Raises a channel to {@code version} and makes it pending. Of any set of concurrent calls the
   * highest version wins, in whatever order they arrive.
   *
   * @param uaid the user agent
   * @param channelId the channel
   * @param version 0 … 2<sup>63</sup>−1
   * @return how it ended
   * @throws IllegalArgumentException if {@code version} is negative
   */
  CompletionStage<Advance> advance(Uaid uaid, ChannelId channelId, long version);

  /**
   * Raises a channel to {@code atLeast} or to one more than its version, whichever is higher, and
   * makes it pending (protocol §8). A channel at 2<sup>63</sup>−1 cannot rise: that is stale.
   *
   * @param uaid the user agent
   * @param channelId the channel
   * @param atLeast 0 … 2<sup>63</sup>−1
   * @return how it ended
   * @throws IllegalArgumentException if {@code atLeast} is negative
   */
  CompletionStage<Advance> advanceToNext(Uaid uaid, ChannelId channelId, long atLeast);

  /**
   * Clears what is pending on channels, on each unless something newer than the acknowledged
   * version is pending: a late acknowledgement of 7 must not swallow an undelivered 8. Unknown
   * channels are passed over.
   *
   * @param uaid the user agent
   * @param updates the versions it has handled
   * @return what was cleared: the channels on which something was pending and is no more, each
   *     once, with the version that was pending, in no particular order. Empty for an
   *     acknowledgement that is repeated or comes late
   */
  CompletionStage<List<Update>> acknowledge(Uaid uaid, List<Update> updates);

  /**
   * Returns what is pending.
   *
   * @param uaid the user agent
   * @return what is pending
   */
  CompletionStage<Pending> pending(Uaid uaid);

  /**
   * Drops every user agent last seen at least this long ago (protocol §10).
   *
   * @param notSeenFor zero or more; zero drops everybody
   * @return how many were dropped
   * @throws IllegalArgumentException if {@code notSeenFor} is negative
   */
  CompletionStage<Integer> expire(Duration notSeenFor);

  /**
   * Drops every user agent that has no channel and was last seen at least this long ago (protocol
   * §10).
   *
   * @param notSeenFor zero or more; zero drops everybody who has no channel
   * @return how many were dropped
   * @throws IllegalArgumentException if {@code notSeenFor} is negative
   */
  CompletionStage<Integer> expireEmpty(Duration notSeenFor);

  /**
   * How much a store holds.
   *
   * @param userAgents how many user agents
   * @param channels how many channels these have together
   */
  record Size(long userAgents, long channels) {}

  /**
   * Returns how much the store holds now, steps under way left out; empty, by default, if that is
   * not known without looking. Asked before each registration, to bound what strangers may create
   * (protocol §13), so it costs next to nothing.
   *
   * @return the size, if it is known
   */
  default Optional<Size> size() {
    return Optional.empty();
  }

  /**
   * Finds out whether the store works, for the server's health: the stage completes normally if a
   * step that changes something would have succeeded now. Changes nothing that other steps see.
   *
   * <p>By default, asks what is pending for a user agent that does not exist, which is enough where
   * reading fails whenever writing does. A store on a disk writes.
   *
   * @return completes with null
   */
  default CompletionStage<Void> check() {
    return pending(Uaid.random()).thenAccept(nothing -> {});
  }

  /**
   * Releases what the store holds. What was confirmed is kept, if the store keeps anything. Steps
   * under way complete, one way or the other. Calling it again is harmless.
   */
  @Override
  void close();
}
