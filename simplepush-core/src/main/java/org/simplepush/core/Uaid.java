package org.simplepush.core;

import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Identifies a user agent. A secret between the device and its push server. Compared by value,
 * echoed as written (protocol §1). Immutable.
 *
 * @since 0.1
 */
public final class Uaid extends WrittenUuid implements Comparable<Uaid> {
  private Uaid(long high, long low, @Nullable String written) {
    super(high, low, written);
  }

  /** {@return an unguessable new UAID} */
  public static Uaid random() {
    return of(UUID.randomUUID());
  }

  /**
   * Returns the UAID with this value, written in lower case with dashes.
   *
   * @param value any UUID
   * @return the UAID
   */
  public static Uaid of(UUID value) {
    return new Uaid(value.getMostSignificantBits(), value.getLeastSignificantBits(), null);
  }

  /**
   * Reads a UAID of 36 characters with dashes or of 32 hex digits, in any case.
   *
   * @param text what the user agent wrote
   * @return the UAID, which remembers how it was written
   * @throws IllegalArgumentException if {@code text} is neither
   */
  public static Uaid parse(String text) {
    Uaid uaid = parseOrNull(text);
    if (uaid == null) {
      throw new IllegalArgumentException("A UAID is a UUID of 36 characters or 32 hex digits");
    }
    return uaid;
  }

  /** Compares values, consistently with {@code equals}; the order means nothing. */
  @Override
  public int compareTo(Uaid other) {
    return compareValues(other);
  }

  static @Nullable Uaid parseOrNull(String text) {
    return WrittenUuid.parse(text, Uaid::new);
  }
}
