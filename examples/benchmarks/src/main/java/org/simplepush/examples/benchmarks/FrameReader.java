package org.simplepush.examples.benchmarks;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Takes a server's WebSocket frames out of a buffer (RFC 6455, section 5.2), one whole message at a
 * time. What it found stays in the buffer's array and is valid until the buffer changes; only a
 * message in several frames is copied together. One per connection, confined to one thread.
 */
final class FrameReader {
  private static final int CONTINUATION = 0;
  private static final int FIRST_CONTROL = 8;

  /** The message found last. */
  int opcode;

  byte[] array = {};
  int from;
  int to;

  /** The frames so far of a message in several, null between messages. */
  private byte @Nullable [] fragments;

  private int fragmentsOpcode;

  /**
   * Moves past the next whole message.
   *
   * @param in a buffer with an array
   * @return whether there was one; if not, an incomplete frame stays in the buffer
   * @throws WireException if this is no frame of a server
   */
  boolean next(ByteBuffer in) throws WireException {
    while (true) {
      int start = in.position();
      int available = in.remaining();
      if (available < 2) {
        return false;
      }
      int first = in.get(start) & 0xff;
      int second = in.get(start + 1) & 0xff;
      if ((first & 0x70) != 0) {
        throw new WireException("A frame has reserved bits set, but no extension was agreed");
      }
      if ((second & 0x80) != 0) {
        throw new WireException("A frame of the server is masked");
      }
      int head = 2;
      long length = second;
      if (second == 126) {
        head = 4;
      } else if (second == 127) {
        head = 10;
      }
      if (available < head) {
        return false;
      }
      if (second == 126) {
        length = in.getShort(start + 2) & 0xffff;
      } else if (second == 127) {
        length = in.getLong(start + 2);
      }
      if (length < 0 || length > in.capacity() - head) {
        throw new WireException("A frame of " + length + " bytes is more than this side reads");
      }
      if (available < head + length) {
        return false;
      }
      in.position(start + head + (int) length);
      boolean last = (first & 0x80) != 0;
      if (take(in, first & 0x0f, last, start + head, (int) length)) {
        return true;
      }
    }
  }

  private boolean take(ByteBuffer in, int frameOpcode, boolean last, int at, int length)
      throws WireException {
    boolean control = frameOpcode >= FIRST_CONTROL;
    if (control || (last && frameOpcode != CONTINUATION)) {
      if (control ? !last : fragments != null) {
        throw new WireException("Frames of two messages are mixed");
      }
      opcode = frameOpcode;
      array = in.array();
      from = in.arrayOffset() + at;
      to = from + length;
      return true;
    }
    byte[] before = fragments;
    if ((frameOpcode == CONTINUATION) == (before == null)) {
      throw new WireException("A message in several frames begins or goes on out of turn");
    }
    byte[] joined;
    if (before == null) {
      fragmentsOpcode = frameOpcode;
      joined = new byte[length];
      in.get(at, joined);
    } else {
      if (before.length + length > in.capacity()) {
        throw new WireException("A message in several frames is more than this side reads");
      }
      joined = Arrays.copyOf(before, before.length + length);
      in.get(at, joined, before.length, length);
    }
    fragments = last ? null : joined;
    opcode = fragmentsOpcode;
    array = joined;
    from = 0;
    to = joined.length;
    return last;
  }
}
