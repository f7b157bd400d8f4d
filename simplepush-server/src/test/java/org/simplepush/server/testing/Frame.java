package org.simplepush.server.testing;

import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A WebSocket frame (RFC 6455 §5.2), unmasked.
 *
 * @param first the first byte: FIN, reserved bits and opcode
 */
record Frame(int first, byte[] payload) {
  private static final int FIN = 0x80;
  private static final int TEXT = 0x01;
  private static final int FIN_TEXT = FIN | TEXT;
  private static final int FIN_CLOSE = 0x88;

  /** More than any message that is not an attempt on our memory. */
  private static final int MAX_PAYLOAD = 16 << 20;

  static Frame text(String text) {
    return text(text.getBytes(StandardCharsets.UTF_8));
  }

  static Frame close(int code) {
    return new Frame(FIN_CLOSE, ByteBuffer.allocate(2).putShort((short) code).array());
  }

  /** Reads the next frame; returns null if the stream ended before it. */
  static @Nullable Frame read(DataInputStream in) throws IOException {
    int first = in.read();
    if (first < 0) {
      return null;
    }
    int second = in.readUnsignedByte();
    long length = second & 0x7f;
    if (length == 126) {
      length = in.readUnsignedShort();
    } else if (length == 127) {
      length = in.readLong();
    }
    if (length < 0 || length > MAX_PAYLOAD) {
      throw new IOException("A frame announces " + length + " bytes");
    }
    byte[] mask = new byte[4];
    if ((second & 0x80) != 0) {
      in.readFully(mask);
    }
    byte[] payload = new byte[(int) length];
    in.readFully(payload);
    for (int i = 0; i < payload.length; i++) {
      payload[i] ^= mask[i & 3];
    }
    return new Frame(first, payload);
  }

  /** Whether this is a whole text message. */
  boolean isText() {
    return first == FIN_TEXT;
  }

  /** Whether this is a text message of which more comes. */
  boolean beginsText() {
    return first == TEXT;
  }

  /** Whether this is a further part of a message. */
  boolean isContinuation() {
    return (first & 0x0f) == 0;
  }

  boolean isFinal() {
    return (first & FIN) != 0;
  }

  /** Returns a whole text message of these bytes. */
  static Frame text(byte[] text) {
    return new Frame(FIN_TEXT, text);
  }

  public String text() {
    return new String(payload, StandardCharsets.UTF_8);
  }

  boolean isClose() {
    return first == FIN_CLOSE;
  }

  /** The code of a close frame; 1005 if it gives none. */
  public int closeCode() {
    return payload.length < 2 ? 1005 : ByteBuffer.wrap(payload).getShort() & 0xffff;
  }

  /**
   * Returns the frame as it travels.
   *
   * @param masked as devices must; with a mask of zeros, which changes nothing
   */
  byte[] bytes(boolean masked) {
    int maskBit = masked ? 0x80 : 0;
    ByteBuffer bytes = ByteBuffer.allocate(14 + payload.length);
    bytes.put((byte) first);
    if (payload.length < 126) {
      bytes.put((byte) (maskBit | payload.length));
    } else if (payload.length < 1 << 16) {
      bytes.put((byte) (maskBit | 126)).putShort((short) payload.length);
    } else {
      bytes.put((byte) (maskBit | 127)).putLong(payload.length);
    }
    if (masked) {
      bytes.putInt(0);
    }
    bytes.put(payload).flip();
    byte[] result = new byte[bytes.remaining()];
    bytes.get(result);
    return result;
  }
}
