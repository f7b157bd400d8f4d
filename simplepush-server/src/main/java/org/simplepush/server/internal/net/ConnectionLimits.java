package org.simplepush.server.internal.net;

import org.jspecify.annotations.Nullable;
import org.simplepush.server.internal.AddressCounts;
import org.simplepush.server.internal.ClientAddresses;
import org.simplepush.server.internal.Refusal;

/**
 * How many connections devices may have, in all and from one address (protocol §13). Safe for use
 * by many threads.
 *
 * <p>Somewhat more are accepted than may be opened, so that they can be told why they are refused;
 * beyond that they are closed without a word, for an answer costs as much as serving them.
 */
public final class ConnectionLimits {
  private final ClientAddresses addresses;
  private final int max;
  private final int maxPerAddress;
  private final AddressCounts counts = new AddressCounts();

  public ConnectionLimits(ClientAddresses addresses, int max, int maxPerAddress) {
    this.addresses = addresses;
    this.max = max;
    this.maxPerAddress = maxPerAddress;
  }

  ClientAddresses addresses() {
    return addresses;
  }

  /**
   * Counts a connection that was accepted.
   *
   * @param address as {@link ClientAddresses#key} says
   * @return false if so many come from there that this one is not even to be answered
   */
  boolean enter(long address) {
    return counts.add(address) <= withRoomForAnswers(maxPerAddress);
  }

  /** Forgets a connection that {@link #enter} has counted. */
  void leave(long address) {
    counts.remove(address);
  }

  /** Returns how many there may be in total, as far as the embedder has said. */
  int max() {
    return max;
  }

  /** Returns why the address of a connection that was counted may not open it, or null. */
  @Nullable Refusal refusal(long address) {
    return counts.count(address) > maxPerAddress ? Refusal.ADDRESS : null;
  }

  private static int withRoomForAnswers(int limit) {
    return (int) Math.min(Integer.MAX_VALUE, limit + 16L + limit / 16);
  }
}
