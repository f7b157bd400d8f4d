package org.simplepush.server.internal.session;

import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.VersionStore;
import org.simplepush.core.VersionStore.Size;
import org.simplepush.server.internal.AddressRate;
import org.simplepush.server.internal.Refusal;

/**
 * How many user agents and channels strangers may create (protocol §13): of each so many a minute
 * from one address, and so many in the store. Safe for use by many threads.
 */
public final class CreationLimits {
  /** No limit in total. */
  public static final long UNLIMITED = Long.MAX_VALUE;

  private final VersionStore store;
  private final long max;
  private final AddressRate userAgents;
  private final AddressRate channels;

  /**
   * Limits what comes into being in a store.
   *
   * @param store which must know its size, unless {@code max} is {@link #UNLIMITED}
   * @param max how many user agents there may be, and how many channels
   * @param userAgentsPerMinute from one address
   * @param channelsPerMinute from one address
   */
  public CreationLimits(
      VersionStore store,
      long max,
      int userAgentsPerMinute,
      int channelsPerMinute,
      LongSupplier nanoTime) {
    this.store = store;
    this.max = max;
    this.userAgents = new AddressRate(userAgentsPerMinute, nanoTime);
    this.channels = new AddressRate(channelsPerMinute, nanoTime);
  }

  /** Whether the store holds as many user agents as it may. */
  public boolean isFullOfUserAgents() {
    Optional<Size> size = store.size();
    return size.isPresent() && size.get().userAgents() >= max;
  }

  /** Returns why this address may not create a user agent now, or null: then one counts. */
  @Nullable Refusal userAgent(long address) {
    if (isFullOfUserAgents()) {
      return Refusal.STORE_FULL;
    }
    return userAgents.tryAcquire(address) ? null : Refusal.USER_AGENT_RATE;
  }

  /** Returns why this address may not create a channel now, or null: then one counts. */
  @Nullable Refusal channel(long address) {
    Optional<Size> size = store.size();
    if (size.isPresent() && size.get().channels() >= max) {
      return Refusal.STORE_FULL;
    }
    return channels.tryAcquire(address) ? null : Refusal.CHANNEL_RATE;
  }
}
