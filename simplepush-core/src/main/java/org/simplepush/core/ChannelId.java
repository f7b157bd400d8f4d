package org.simplepush.core;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Names one flow of versions to one application, within its user agent. Chosen by the user agent,
 * never shown to the application. Compared by value, echoed as written (protocol §1). Immutable.
 *
 * @since 0.1
 */
public final class ChannelId extends WrittenUuid implements Comparable<ChannelId> {
  private ChannelId(long high, long low, @Nullable String written) {
    super(high, low, written);
  }

  /** {@return a new channel id} */
  public static ChannelId random() {
    return of(UUID.randomUUID());
  }

  /**
   * Returns the channel id with this value, written in lower case with dashes.
   *
   * @param value any UUID
   * @return the channel id
   */
  public static ChannelId of(UUID value) {
    return new ChannelId(value.getMostSignificantBits(), value.getLeastSignificantBits(), null);
  }

  /**
   * Reads a channel id of 36 characters with dashes or of 32 hex digits, in any case.
   *
   * @param text what the user agent wrote
   * @return the channel id, which remembers how it was written
   * @throws IllegalArgumentException if {@code text} is neither
   */
  public static ChannelId parse(String text) {
    ChannelId channelId = parseOrNull(text);
    if (channelId == null) {
      throw new IllegalArgumentException(
          "A channel id is a UUID of 36 characters or 32 hex digits");
    }
    return channelId;
  }

  /** Compares values, consistently with {@code equals}; the order means nothing. */
  @Override
  public int compareTo(ChannelId other) {
    return compareValues(other);
  }

  static @Nullable ChannelId parseOrNull(String text) {
    return WrittenUuid.parse(text, ChannelId::new);
  }
}
