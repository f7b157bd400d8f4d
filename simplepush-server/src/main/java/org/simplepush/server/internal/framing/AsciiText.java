package org.simplepush.server.internal.framing;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The usual message: text in one masked frame that has come completely, and all of it ASCII. It is
 * decoded in place, which spares what the engine would allocate for it: several times its length.
 */
final class AsciiText {
  /** The first byte of a frame that is a whole text message. */
  private static final byte FINAL_TEXT = (byte) 0x81;

  /** The bit beside the length in the second byte of a frame, as a signed byte. */
  private static final int MASKED = -128;

  private AsciiText() {}

  /**
   * Takes a message off the buffer, at whose position a frame begins; null if it is not of that
   * kind, with the buffer as it was.
   *
   * @param buffer on an array without offset
   */
  @SuppressWarnings("ByteBufferBackingArray") // the caller sees to it
  static @Nullable String next(ByteBuffer buffer, int maxLength) {
    int start = buffer.position();
    if (buffer.remaining() < 4 || buffer.get(start) != FINAL_TEXT) {
      return null;
    }
    int shortLength = buffer.get(start + 1) - MASKED;
    boolean extended = shortLength == 126;
    int length = extended ? buffer.getShort(start + 2) & 0xffff : shortLength;
    int from = start + (extended ? 4 : 2) + 4;
    int to = from + length;
    // More than 126 would be a length of 8 bytes, or a frame that is not masked.
    if (shortLength > 126 || length > maxLength || to > buffer.limit()) {
      return null;
    }
    int mask = buffer.getInt(from - 4);
    if (!unmask(buffer, from, to, mask)) {
      unmask(buffer, from, to, mask); // masks it again
      return null;
    }
    buffer.position(to);
    return new String(buffer.array(), from, length, StandardCharsets.ISO_8859_1);
  }

  /** Returns whether all that comes out is ASCII. */
  private static boolean unmask(ByteBuffer buffer, int from, int to, int mask) {
    long wideMask = ((long) mask << 32) | (mask & 0xffffffffL);
    long seen = 0;
    int at = from;
    for (; at + 8 <= to; at += 8) {
      long unmasked = buffer.getLong(at) ^ wideMask;
      buffer.putLong(at, unmasked);
      seen |= unmasked;
    }
    for (int shift = 24; at < to; at++, shift -= 8) {
      byte unmasked = (byte) (buffer.get(at) ^ (mask >> (shift & 31)));
      buffer.put(at, unmasked);
      seen |= unmasked;
    }
    return (seen & 0x8080808080808080L) == 0;
  }
}
