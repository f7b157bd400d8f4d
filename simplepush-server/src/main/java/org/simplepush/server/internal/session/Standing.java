package org.simplepush.server.internal.session;

import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.SharedVersionStore.Basis;
import org.simplepush.core.SharedVersionStore.Comparison;

/**
 * What a settled connection takes for the state of a shared store.
 *
 * @param claim its claim
 * @param digest that of the channels the store should have; null if that is not known, as after a
 *     register whose outcome is not, until the next comparison
 * @param doubtful whether a register or unregister has failed that may yet take effect, so that the
 *     store may come to have any channels
 * @param lists whether the device lists its channels at hello, and so finds out there what was lost
 */
public record Standing(Basis.Claim claim, @Nullable Long digest, boolean doubtful, boolean lists) {
  /** That of the channels listed, each once. */
  public static long digest(Iterable<ChannelId> channelIds) {
    long digest = 0;
    for (ChannelId channelId : channelIds) {
      digest ^= SharedVersionStore.digest(channelId);
    }
    return digest;
  }

  /** What a comparison comes to. */
  enum Verdict {
    /** The connection has the claim, and the store has the channels it should. */
    AGREES,
    /** The connection has the claim, but the store lacks channels or has others. */
    DIFFERS,
    /** A newer connection has the claim. */
    SUPERSEDED,
    /** The store has no such user agent. */
    UNKNOWN
  }

  Verdict judge(Comparison comparison) {
    if (comparison instanceof Comparison.Claimed claimed) {
      return agreesWith(claimed) ? Verdict.AGREES : Verdict.DIFFERS;
    }
    return comparison instanceof Comparison.Superseded ? Verdict.SUPERSEDED : Verdict.UNKNOWN;
  }

  /**
   * If another connection that has not settled has registered channels since, which the epoch
   * shows, the store may have any.
   */
  private boolean agreesWith(Comparison.Claimed store) {
    return digest == null || digest == store.digest() || !claim.equals(store.claim());
  }

  /**
   * What is so after a comparison. As long as it is doubtful which channels the store will have, a
   * device that lists none never has to start over because of them.
   */
  Standing after(Comparison.Claimed store) {
    Long expected = doubtful && !lists ? null : (Long) store.digest();
    return new Standing(store.claim(), expected, doubtful, lists);
  }
}
