package org.simplepush.server.internal.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * What a socket did not take yet, in order. A connection has one only while there is something.
 * Confined to its loop.
 */
final class Backlog {
  /** What a buffer takes besides its bytes. */
  static final int BUFFER = 64;

  private final Deque<ByteBuffer> waiting = new ArrayDeque<>(2);
  private int held;

  /** Keeps a copy. */
  void add(ByteBuffer bytes) {
    held += bytes.remaining() + BUFFER;
    waiting.add(copy(bytes));
  }

  /** Returns how much memory it takes, in bytes. */
  int held() {
    return held;
  }

  /** Writes as much as the transport takes; returns whether that was all. */
  boolean writeTo(Transport transport) throws IOException {
    while (!waiting.isEmpty() && transport.unwritten() == 0) {
      ByteBuffer next = waiting.element();
      transport.write(next);
      if (next.hasRemaining()) {
        return false;
      }
      waiting.remove();
      held -= next.capacity() + BUFFER;
    }
    return waiting.isEmpty();
  }

  static ByteBuffer copy(ByteBuffer bytes) {
    return ByteBuffer.allocate(bytes.remaining()).put(bytes).flip();
  }
}
