package org.simplepush.examples.benchmarks;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Builds one outgoing message in an array that is used again for the next: raw bytes of HTTP, or
 * the payload of a WebSocket frame. Confined to one thread.
 */
final class Wire {
  static final int TEXT = 1;
  static final int CLOSE = 8;
  static final int PING = 9;
  static final int PONG = 10;

  /** Room before the payload for the longest head of a client's frame up to 64 KiB. */
  private static final int HEAD = 8;

  private static final int MAX_SHORT_PAYLOAD = 125;
  private static final int MAX_PAYLOAD = 0xffff;

  private byte[] bytes = new byte[4096];
  private int end = HEAD;

  Wire begin() {
    end = HEAD;
    return this;
  }

  Wire ascii(String text) {
    int length = text.length();
    reserve(length);
    for (int i = 0; i < length; i++) {
      bytes[end + i] = (byte) text.charAt(i);
    }
    end += length;
    return this;
  }

  Wire bytes(byte[] source) {
    return bytes(source, 0, source.length);
  }

  Wire bytes(byte[] source, int from, int length) {
    reserve(length);
    System.arraycopy(source, from, bytes, end, length);
    end += length;
    return this;
  }

  /** Appends a number that is not negative, in decimal digits. */
  Wire number(long number) {
    reserve(19);
    int digits = 1;
    for (long rest = number / 10; rest > 0; rest /= 10) {
      digits++;
    }
    long rest = number;
    for (int i = end + digits - 1; i >= end; i--) {
      bytes[i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    end += digits;
    return this;
  }

  /** Returns what was built, as it is; valid until the next {@link #begin}. */
  ByteBuffer raw() {
    return ByteBuffer.wrap(bytes, HEAD, end - HEAD);
  }

  /** Returns a copy of what was built. */
  byte[] copy() {
    return Arrays.copyOfRange(bytes, HEAD, end);
  }

  /**
   * Returns what was built as the payload of one masked frame; valid until the next {@link #begin}.
   * The masking key is zero: the server unmasks it like any other, and this side saves the work.
   */
  ByteBuffer frame(int opcode) {
    int length = end - HEAD;
    if (length > MAX_PAYLOAD) {
      throw new IllegalStateException("A message of " + length + " bytes is over 65535");
    }
    int start = length <= MAX_SHORT_PAYLOAD ? HEAD - 6 : HEAD - 8;
    bytes[start] = (byte) (0x80 | opcode);
    if (length <= MAX_SHORT_PAYLOAD) {
      bytes[start + 1] = (byte) (0x80 | length);
    } else {
      bytes[start + 1] = (byte) (0x80 | 126);
      bytes[start + 2] = (byte) (length >> 8);
      bytes[start + 3] = (byte) length;
    }
    Arrays.fill(bytes, HEAD - 4, HEAD, (byte) 0);
    return ByteBuffer.wrap(bytes, start, end - start);
  }

  private void reserve(int more) {
    if (bytes.length - end < more) {
      bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, end + more));
    }
  }

  @Override
  public String toString() {
    return new String(bytes, HEAD, end - HEAD, StandardCharsets.UTF_8);
  }
}
