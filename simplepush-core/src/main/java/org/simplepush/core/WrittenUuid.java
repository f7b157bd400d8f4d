package org.simplepush.core;

import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A UUID that remembers how its owner wrote it. Peers look their records up by the string, so it is
 * echoed as written; the server compares by value.
 *
 * <p>Its subclasses are comparable for the sake of hash maps: strangers choose ids, and may choose
 * many of one hash code. A map stays fast then only if it can sort what collides.
 */
abstract sealed class WrittenUuid permits Uaid, ChannelId {
  private static final int SHOWN = 4;
  private static final String ELLIPSIS = "...";

  private final long high;
  private final long low;

  /** Null when written in the usual way (lower case, with dashes), which costs no memory then. */
  private final @Nullable String written;

  WrittenUuid(long high, long low, @Nullable String written) {
    this.high = high;
    this.low = low;
    this.written = written;
  }

  /** Makes an id from its parts; the constructor of a subclass. */
  interface Maker<T extends WrittenUuid> {
    T make(long high, long low, @Nullable String written);
  }

  /** Reads 36 characters with dashes or 32 hex digits, any case; null if it is neither. */
  static <T extends WrittenUuid> @Nullable T parse(String text, Maker<T> maker) {
    boolean dashed = text.length() == 36;
    if (!dashed && text.length() != 32) {
      return null;
    }
    long high = 0;
    long low = 0;
    boolean usual = dashed;
    int digits = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (dashed && (i == 8 || i == 13 || i == 18 || i == 23)) {
        if (c != '-') {
          return null;
        }
        continue;
      }
      int digit = hexDigit(c);
      if (digit < 0) {
        return null;
      }
      usual &= c <= '9' || c >= 'a';
      if (digits++ < 16) {
        high = high << 4 | digit;
      } else {
        low = low << 4 | digit;
      }
    }
    return maker.make(high, low, usual ? null : text);
  }

  /** {@link Character#digit} would also accept digits of other scripts. */
  private static int hexDigit(char c) {
    if (c >= '0' && c <= '9') {
      return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
      return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
  }

  /** {@return the value, however it was written} */
  public final UUID value() {
    return new UUID(high, low);
  }

  /** {@return this id exactly as its owner wrote it} */
  public final String text() {
    return written != null ? written : value().toString();
  }

  /** Whether an equal id is also written the same way; allocates nothing, unlike its text. */
  final boolean isSpelledLike(WrittenUuid equal) {
    return Objects.equals(written, equal.written);
  }

  final int compareValues(WrittenUuid other) {
    int order = Long.compare(high, other.high);
    return order != 0 ? order : Long.compare(low, other.low);
  }

  @Override
  public final boolean equals(@Nullable Object other) {
    return other instanceof WrittenUuid that
        && high == that.high
        && low == that.low
        && getClass() == that.getClass();
  }

  @Override
  public final int hashCode() {
    return Long.hashCode(high * 31 + low);
  }

  /** Shows four characters of either end: an id is a secret. {@link #text()} is the whole. */
  @Override
  public final String toString() {
    return abbreviated(text());
  }

  /** Shows enough of an id to tell it from others in a log, and too little to use it. */
  static String abbreviated(String text) {
    int length = text.length();
    return length <= 2 * SHOWN
        ? ELLIPSIS
        : text.substring(0, SHOWN) + ELLIPSIS + text.substring(length - SHOWN);
  }
}
