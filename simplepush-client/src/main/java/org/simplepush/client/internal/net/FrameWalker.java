package org.simplepush.client.internal.net;

import java.io.IOException;

/**
 * Finds the frames in one direction of a WebSocket (RFC 6455, 5.2), however the bytes are cut into
 * pieces. Keeps no payload. Not safe for use by many threads.
 */
final class FrameWalker {
  static final int CONTINUATION = 0x0;
  static final int PING = 0x9;
  static final int PONG = 0xa;

  /** Opcodes from here on are those of control frames. */
  static final int FIRST_CONTROL = 0x8;

  private static final int SHORT_LENGTH = 126;
  private static final int LONG_LENGTH = 127;

  /** Hears of each frame. */
  interface Listener {
    /**
     * The header of a frame has been read; its payload follows.
     *
     * @param opcode 0 to 15
     * @param length of the payload in bytes; negative if it is 2^63 or more
     * @throws IOException if the peer goes too far
     */
    void frame(int opcode, long length) throws IOException;
  }

  private final Listener listener;

  /** How many bytes of the current header have been read. */
  private int position;

  private int opcode;
  private int lengthBytes;
  private int maskBytes;
  private long length;

  /** How many bytes are left of the current payload; as unsigned number. */
  private long payload;

  FrameWalker(Listener listener) {
    this.listener = listener;
  }

  /** Goes on with the bytes from {@code from} to before {@code to}. */
  void walk(byte[] bytes, int from, int to) throws IOException {
    int at = from;
    while (at < to) {
      if (payload == 0) {
        header(bytes[at++] & 0xff);
      } else {
        int rest = to - at;
        int skipped = Long.compareUnsigned(payload, rest) < 0 ? (int) payload : rest;
        payload -= skipped;
        at += skipped;
      }
    }
  }

  private void header(int next) throws IOException {
    if (position == 0) {
      opcode = next & 0x0f;
    } else if (position == 1) {
      int code = next & 0x7f;
      lengthBytes = code == LONG_LENGTH ? 8 : code == SHORT_LENGTH ? 2 : 0;
      maskBytes = (next & 0x80) == 0 ? 0 : 4;
      length = lengthBytes == 0 ? code : 0;
    } else if (position < 2 + lengthBytes) {
      length = length << 8 | next;
    }
    position++;
    if (position >= 2 && position == 2 + lengthBytes + maskBytes) {
      position = 0;
      payload = length;
      listener.frame(opcode, length);
    }
  }
}
