package org.simplepush.server.internal.net;

import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/**
 * One text frame of RFC 6455 as servers send it, unmasked. A message is written into it directly,
 * and its bytes are used again for the next one. Confined to a loop.
 */
public final class TextFrame extends ByteArrayOutputStream {
  private static final byte PING = (byte) 0x89;
  private static final int PING_LENGTH = 2 + Long.BYTES;

  private static final byte FINAL_TEXT = (byte) 0x81;

  /** Space in front of the message for the largest header: its length is known last. */
  private static final int MAX_HEADER = 10;

  /** More than this is not kept for the next message. */
  private static final int MAX_KEPT = 64 * 1024;

  public TextFrame() {
    super(1024);
  }

  /** Begins a new frame; the message is written to what is returned. */
  public OutputStream begin() {
    if (buf.length > MAX_KEPT) {
      buf = new byte[MAX_KEPT];
    }
    count = MAX_HEADER;
    return this;
  }

  /** Returns the frame, valid until the next one begins. */
  public ByteBuffer end() {
    int length = count - MAX_HEADER;
    int headerLength = length < 126 ? 2 : length < 65536 ? 4 : 10;
    ByteBuffer frame = ByteBuffer.wrap(buf, MAX_HEADER - headerLength, headerLength + length);
    frame.mark().put(FINAL_TEXT);
    switch (headerLength) {
      case 2 -> frame.put((byte) length);
      case 4 -> frame.put((byte) 126).putShort((short) length);
      default -> frame.put((byte) 127).putLong(length);
    }
    return frame.reset();
  }

  /** Returns a ping of RFC 6455 that carries a long, and the bytes of a frame behind it. */
  static ByteBuffer pingBefore(long payload, ByteBuffer behind) {
    return ByteBuffer.allocate(PING_LENGTH + behind.remaining())
        .put(PING)
        .put((byte) Long.BYTES)
        .putLong(payload)
        .put(behind)
        .flip();
  }
}
