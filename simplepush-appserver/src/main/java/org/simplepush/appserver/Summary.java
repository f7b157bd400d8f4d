package org.simplepush.appserver;

/**
 * How a {@link Notifier#publishAll publishAll} went: how many endpoints got which verdict.
 *
 * @param accepted how many accepted the version
 * @param stale how many of these said that they have a higher one; see {@link Verdict.Accepted}
 * @param gone how many are gone; forget them
 * @param rejected how many push servers refused it for good
 * @param refused how many endpoints failed a check of the notifier
 * @param failed how many got no answer in time
 * @param complete whether every endpoint was tried; false if the notifier was closed, or the future
 *     cancelled, before the last one
 * @since 0.1
 */
public record Summary(
    long accepted,
    long stale,
    long gone,
    long rejected,
    long refused,
    long failed,
    boolean complete) {
  /** Returns how many endpoints got a verdict. */
  public long total() {
    return accepted + gone + rejected + refused + failed;
  }
}
