package org.simplepush.server.internal.framing;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.CloseCode;

/**
 * Walks over the frames of RFC 6455 that come in, before the WebSocket engine sees them, and stops
 * at the first one that the engine would accept wrongly or pay too much for: it allocates what a
 * header announces, takes unmasked frames, and lets fragments of one message pile up.
 */
public final class FrameGuard {
  /** Each fragment costs the engine an object, however short it is. */
  private static final int MAX_FRAGMENTS = 1024;

  private static final int MAX_CONTROL_LENGTH = 125;

  /** What an engine takes, in bytes of heap. */
  private static final int ENGINE = 1024;

  /** What it takes for a fragment, besides its payload. */
  private static final int FRAGMENT = 160;

  private final int maxMessageLength;

  /** Bytes of the current frame that are still to come; the frame's header has been read. */
  private int payloadLeft;

  /** The header of the current frame, as far as it has come. */
  private final byte[] header = new byte[14];

  private int headerLength;

  /** Of the data message that is under way, as far as headers have announced it. */
  private int messageLength;

  private int fragments;
  private @Nullable CloseCode violation;

  public FrameGuard(int maxMessageLength) {
    this.maxMessageLength = maxMessageLength;
  }

  /** Returns why the connection must be closed, or null while all is well. */
  public @Nullable CloseCode violation() {
    return violation;
  }

  /** Whether nothing is under way of which only a part has come. */
  public boolean isBetweenMessages() {
    return headerLength == 0 && payloadLeft == 0 && fragments == 0;
  }

  /** How many bytes of heap the engine takes for what is under way: as many as are announced. */
  public int held() {
    return isBetweenMessages() ? 0 : ENGINE + fragments * FRAGMENT + messageLength;
  }

  /**
   * Takes the next message off the buffer if it is of the usual kind: see {@link AsciiText}. Null
   * if the next is anything else, which is left to the engine with the buffer as it was.
   *
   * @param buffer on an array without offset
   */
  public @Nullable String nextText(ByteBuffer buffer) {
    return isBetweenMessages() && violation == null
        ? AsciiText.next(buffer, maxMessageLength)
        : null;
  }

  /**
   * Walks over the bytes from {@code from} to {@code to}, but no further than one frame.
   *
   * @return where the engine must stop: behind the frame, {@code to} if that comes first, or where
   *     the offending header began
   */
  public int check(byte[] bytes, int from, int to) {
    if (violation != null) {
      return from;
    }
    int at = from;
    while (at < to && payloadLeft == 0) {
      header[headerLength++] = bytes[at++];
      if (headerLength >= 2 && headerLength == fullHeaderLength()) {
        violation = enter();
        if (violation != null) {
          return from;
        }
        headerLength = 0;
        if (payloadLeft == 0) {
          endFrame();
          return at;
        }
      } else if (headerLength == 2 && (header[1] & 0x80) == 0) {
        violation = CloseCode.PROTOCOL_ERROR; // clients mask
        return from;
      }
    }
    int skip = Math.min(payloadLeft, to - at);
    payloadLeft -= skip;
    if (payloadLeft == 0) {
      endFrame();
    }
    return at + skip;
  }

  private void endFrame() {
    if (fragments == 0) {
      messageLength = 0;
    }
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
    if (opcode >= 0x8) {
      if (opcode > 0xa || !fin || length > MAX_CONTROL_LENGTH) {
        return CloseCode.PROTOCOL_ERROR;
      }
      payloadLeft = (int) length;
      return null;
    }
    boolean continues = opcode == 0;
    boolean underWay = fragments > 0;
    if (opcode > 2 || continues != underWay) {
      return CloseCode.PROTOCOL_ERROR;
    }
    if (length > maxMessageLength - messageLength || fragments == MAX_FRAGMENTS) {
      return CloseCode.TOO_BIG;
    }
    fragments++;
    messageLength += (int) length;
    payloadLeft = (int) length;
    if (fin) {
      fragments = 0;
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
