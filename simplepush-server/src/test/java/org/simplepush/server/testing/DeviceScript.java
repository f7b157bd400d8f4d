package org.simplepush.server.testing;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ClientMessage;

/** What devices shall be told instead of the truth. Safe for use by many threads. */
final class DeviceScript {
  /** The answer that stands for none. */
  static final int IGNORE = 0;

  private final Map<ClientMessage.Type, Deque<Integer>> next =
      new EnumMap<>(ClientMessage.Type.class);
  private int handshakeStatus;

  synchronized void answerNext(ClientMessage.Type type, int status) {
    next.computeIfAbsent(type, any -> new ArrayDeque<>()).add(status);
  }

  /** Returns the status to answer a message with, or null if nothing special is wanted. */
  synchronized @Nullable Integer nextStatus(ClientMessage.Type type) {
    Deque<Integer> scripted = next.get(type);
    return scripted == null ? null : scripted.poll();
  }

  /** Zero: handshakes are accepted. */
  synchronized void answerHandshakes(int status) {
    handshakeStatus = status;
  }

  synchronized int handshakeStatus() {
    return handshakeStatus;
  }

  synchronized void reset() {
    next.clear();
    handshakeStatus = 0;
  }
}
