package org.simplepush.server;

import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;

/**
 * A store that several push servers share, each of them a <em>node</em>. Besides keeping versions
 * it remembers on which node a user agent is connected, and gives that node word of what the others
 * do. A server that is handed such a store joins it by itself.
 *
 * <p>The words are hints: they may be lost, doubled or reordered. Nothing breaks, because whoever
 * hears one reads the store or merges by the higher version, and compares with the store after
 * {@link Listener#wordsLost}, at every hello, at every client ping and now and then.
 */
public interface SharedVersionStore extends VersionStore {
  /**
   * What a node is told. Called on threads of the store's choosing, by several at a time, and never
   * within a call that a node or its store was asked by, which may hold a lock; must not block.
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
     * The user agent has connected to another node: its connection here is over.
     *
     * @param uaid the user agent
     * @param connection what {@link Node#claim} was given
     */
    void displaced(Uaid uaid, long connection);

    /**
     * Words may have been lost, and come again now: everybody connected here is to be compared with
     * the store.
     */
    void wordsLost();
  }

  /**
   * The membership of one push server. Safe for use by many threads. Like those of {@link
   * VersionStore}, its methods return at once. What is asked for one user agent, of this node and
   * of the store, takes effect in that order, if it is asked by one thread, or by several each
   * after the other's call has returned; nobody waits for the stages.
   */
  interface Node extends AutoCloseable {
    /**
     * A user agent has connected here: from now on its words come to this node. If it was connected
     * to another node, that one is told.
     *
     * @param uaid the user agent
     * @param connection a number this node gives to no other connection
     * @return completes with null; fails with {@link StoreException}
     */
    CompletionStage<Void> claim(Uaid uaid, long connection);

    /**
     * Makes sure that words for a user agent still come to this node, if no other has claimed it.
     *
     * @param uaid the user agent
     * @param connection what {@link #claim} was given
     * @return whether it is still connected here, as far as the store knows; fails with {@link
     *     StoreException}
     */
    CompletionStage<Boolean> confirm(Uaid uaid, long connection);

    /**
     * The connection has ended: forgets it, unless a newer one was claimed meanwhile.
     *
     * @param uaid the user agent
     * @param connection what {@link #claim} was given
     * @return completes with null; fails with {@link StoreException}
     */
    CompletionStage<Void> release(Uaid uaid, long connection);

    /** Leaves: no more words come. Calling it again is harmless. */
    @Override
    void close();
  }

  /**
   * Enters a push server among the nodes. When it returns, words come.
   *
   * @param notSeenFor after how long a user agent that was not seen is to be dropped; the store may
   *     do so by itself
   * @param listener what to tell the words to
   * @return the membership
   * @throws StoreException if the store cannot be reached
   */
  Node join(Duration notSeenFor, Listener listener);
}
