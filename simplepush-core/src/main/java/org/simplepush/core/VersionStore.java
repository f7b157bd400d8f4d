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
 * <p>If the database fails, the stage fails with {@link StoreException}; the step may or may not
 * have happened. After {@link #close()} every stage fails so.
 *
 * <p>A new store extends the published contract test {@code VersionStoreContract} of this module's
 * test jar.
 */
public interface VersionStore extends AutoCloseable {
  /** What a hello found. */
  sealed interface Resumption {
    /** The user agent is known: these updates are pending, in no particular order. */
    record Resumed(List<Update> pending) implements Resumption {
      /** Copies the list. */
      public Resumed {
        pending = List.copyOf(pending);
      }
    }

    /** No such user agent, though it says or may have channels. */
    record Unknown() implements Resumption {}

    /** The user agent has channels this store does not know; it was dropped in the same step. */
    record Diverged() implements Resumption {}
  }

  /** How a registration ended. */
  enum Registration {
    /** The channel exists now. */
    REGISTERED,
    /** The user agent has as many channels as it may; nothing was changed. */
    LIMIT_REACHED,
    /** The user agent was dropped meanwhile; nothing was changed. */
    UNKNOWN_USER_AGENT
  }

  /** How a publication ended. */
  sealed interface Advance {
    /** The channel has reached this version, which is pending now. */
    record Advanced(Update update) implements Advance {}

    /** The channel had already reached this version or a higher one; nothing was changed. */
    record Stale() implements Advance {}

    /** No such channel or user agent; nothing was changed. */
    record Unknown() implements Advance {}
  }

  /**
   * Resumes a user agent and reconciles its channels with those it lists (protocol §2). Counts as
   * seen. From now on a channel is spelled as the list spells it.
   *
   * <ul>
   *   <li>Known, and it knows every channel listed: resumed; channels not listed are removed.
   *   <li>Known, but some listed channel is not: dropped, {@code Diverged}.
   *   <li>Known, no list: resumed, nothing is compared.
   *   <li>Unknown, and the list is empty: created, resumed with nothing pending.
   *   <li>Unknown otherwise: {@code Unknown}, nothing was changed.
   * </ul>
   *
   * @param channelIds every channel the user agent has, or null if it did not say
   */
  CompletionStage<Resumption> hello(Uaid uaid, @Nullable List<ChannelId> channelIds);

  /**
   * Creates a channel that has reached no version; leaves an existing one as it is, but for its
   * spelling (protocol §3). Counts as seen.
   *
   * @param maxChannels how many channels a user agent may have
   */
  CompletionStage<Registration> register(Uaid uaid, ChannelId channelId, int maxChannels);

  /** Removes a channel with what is pending on it, if there is one (protocol §4). */
  CompletionStage<Void> unregister(Uaid uaid, ChannelId channelId);

  /** Removes a user agent with its channels, if there is one. */
  CompletionStage<Void> drop(Uaid uaid);

  /**
   * Raises a channel to {@code version} and makes it pending. Of any set of concurrent calls the
   * highest version wins, in whatever order they arrive.
   *
   * @param version 0 … 2<sup>63</sup>−1
   */
  CompletionStage<Advance> advance(Uaid uaid, ChannelId channelId, long version);

  /**
   * Raises a channel to {@code atLeast} or to one more than its version, whichever is higher, and
   * makes it pending (protocol §8). A channel at 2<sup>63</sup>−1 cannot rise: that is stale.
   *
   * @param atLeast 0 … 2<sup>63</sup>−1
   */
  CompletionStage<Advance> advanceToNext(Uaid uaid, ChannelId channelId, long atLeast);

  /**
   * Marks channels delivered, each unless something newer than the acknowledged version is pending:
   * a late acknowledgement of 7 must not swallow an undelivered 8. Unknown channels are passed
   * over. Counts as seen.
   */
  CompletionStage<Void> acknowledge(Uaid uaid, List<Update> updates);

  /**
   * Returns what is pending, in no particular order; empty if the user agent is not known. Counts
   * as seen.
   */
  CompletionStage<Optional<List<Update>>> pending(Uaid uaid);

  /**
   * Drops every user agent not seen for this long (protocol §10).
   *
   * @return how many were dropped
   */
  CompletionStage<Integer> expire(Duration notSeenFor);

  /** Releases what the store holds. What was confirmed is kept, if the store keeps anything. */
  @Override
  void close();
}
