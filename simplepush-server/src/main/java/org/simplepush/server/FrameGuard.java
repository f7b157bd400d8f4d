package org.simplepush.server;

import org.jspecify.annotations.Nullable;
import org.simplepush.core.CloseCode;

/**
 * Walks over the frames of RFC 6455 that come in, before the WebSocket engine sees them, and stops
 * at the first one that the engine would accept wrongly or pay too much for: it allocates what a
 * header announces, takes unmasked frames, and lets fragments of one message pile up.
 */
final class FrameGuard {
  /** Each fragment costs the engine an object, however short it is. */
  private static final int MAX_FRAGMENTS = 1024;

  private static final int MAX_CONTROL_LENGTH = 125;

  private final int maxMessageLength;

  /** Bytes of the current frame that are still to come; the frame's header has been read. */
  private long payloadLeft;

  /** The header of the current frame, as far as it has come. */
  private final byte[] header = new byte[14];

  private int headerLength;

  /** Of the data message that is under way. */
  private long messageLength;

  private int fragments;
  private @Nullable CloseCode violation;

  FrameGuard(int maxMessageLength) {
    this.maxMessageLength = maxMessageLength;
  }

  /** Returns why the connection must be closed, or null while all is well. */
  @Nullable CloseCode violation() {
    return violation;
  }

  /**
   * Walks over the bytes from {@code from} to {@code to}.
   *
   * @return where the engine must stop: {@code to}, or where the offending header began
   */
  int check(byte[] bytes, int from, int to) {
    if (violation != null) {
      return from;
    }
    int at = from;
    int headerStart = from;
    while (at < to) {
      if (payloadLeft > 0) {
        int skip = (int) Math.min(payloadLeft, to - at);
        payloadLeft -= skip;
        at += skip;
        headerStart = at;
        continue;
      }
      header[headerLength++] = bytes[at++];
      if (headerLength >= 2 && headerLength == fullHeaderLength()) {
        violation = enter();
        if (violation != null) {
          return headerStart;
        }
        headerLength = 0;
        headerStart = at;
      } else if (headerLength == 2 && (header[1] & 0x80) == 0) {
        violation = CloseCode.PROTOCOL_ERROR; // clients mask
        return headerStart;
      }
    }
    return to;
  }

  private int fullHeaderLength() {
    int length = header[1] & 0x7f;
    return 2 + (length == 127 ? 8 : length == 126 ? 2 : 0) + 4;
  }

  /** Judges a complete header, of a masked frame, and starts to skip its payload. */
  private @Nullable CloseCode enter() {
    boolean fin = (header[0] & 0x80) != 0;
    boolean reserved = (header[0] & 0x70) != 0;
    int opcode = header[0] & 0x0f;
    long length = length();
    if (reserved) {
      return CloseCode.PROTOCOL_ERROR;
    }
    if (length < 0) {
      return CloseCode.TOO_BIG;
    }
    payloadLeft = length;
    if (opcode >= 0x8) {
      boolean known = opcode <= 0xa;
      return known && fin && length <= MAX_CONTROL_LENGTH ? null : CloseCode.PROTOCOL_ERROR;
    }
    boolean continues = opcode == 0;
    boolean underWay = fragments > 0;
    if (opcode > 2 || continues != underWay) {
      return CloseCode.PROTOCOL_ERROR;
    }
    fragments++;
    // No overflow: what is added is refused before it is large.
    messageLength = Math.min(length, maxMessageLength + 1L) + messageLength;
    if (messageLength > maxMessageLength || fragments > MAX_FRAGMENTS) {
      return CloseCode.TOO_BIG;
    }
    if (fin) {
      fragments = 0;
      messageLength = 0;
    }
    return null;
  }

  /** Negative if the top bit of a 64-bit length is set, which RFC 6455 forbids. */
  private long length() {
    int shortLength = header[1] & 0x7f;
    int bytes = shortLength == 127 ? 8 : shortLength == 126 ? 2 : 0;
    if (bytes == 0) {
      return shortLength;
    }
    long length = 0;
    for (int i = 0; i < bytes; i++) {
      length = (length << 8) | (header[2 + i] & 0xff);
    }
    return length;
  }
}
