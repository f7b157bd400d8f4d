package org.simplepush.core;

import org.jspecify.annotations.Nullable;
import org.simplepush.core.internal.StoreArguments;

/**
 * A channel and the version it has reached.
 *
 * @param channelId spelled as its user agent spells it
 * @param version 0 … 2<sup>63</sup>−1; only compared, never interpreted
 * @since 0.1
 */
public record Update(ChannelId channelId, long version) {
  /**
   * Checks the range of the version.
   *
   * @param channelId the channel
   * @param version 0 … 2<sup>63</sup>−1
   * @throws IllegalArgumentException if {@code version} is negative
   */
  public Update {
    StoreArguments.version(version);
  }

  /**
   * Reads a version as application servers write it: ASCII digits only, no sign, no spaces, no more
   * than 40 of them.
   *
   * @param text the digits
   * @return null if {@code text} is not a number of 0 … 2<sup>63</sup>−1 in plain digits
   */
  public static @Nullable Long parseVersion(CharSequence text) {
    // Leading zeros are plain digits too, but nobody needs more than 40 characters of them.
    if (text.length() == 0 || text.length() > 40) {
      return null;
    }
    long version = 0;
    for (int i = 0; i < text.length(); i++) {
      int digit = text.charAt(i) - '0';
      if (digit < 0 || digit > 9 || version > (Long.MAX_VALUE - digit) / 10) {
        return null;
      }
      version = version * 10 + digit;
    }
    return version;
  }
}
