package org.simplepush.client.internal.net;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * What a server may make the WebSocket engine hold: it gathers a whole message before it hands it
 * over, and queues an answer to every ping. One object serves both directions of a connection.
 */
final class FrameLimits {
  /** More than any server that means well; each fragment costs time and may be empty. */
  static final int MAX_FRAGMENTS = 1024;

  /** A server that means well waits for the answer to each. */
  static final int MAX_UNANSWERED_PINGS = 64;

  private final int maxMessageLength;
  private final AtomicInteger unansweredPings = new AtomicInteger();

  // Of the message that is being received; only the reading thread touches them.
  private long messageLength;
  private int fragments;

  /**
   * @param maxMessageLength in bytes
   */
  FrameLimits(int maxMessageLength) {
    this.maxMessageLength = maxMessageLength;
  }

  /** The server has begun to send a frame. */
  void received(int opcode, long length) throws UnacceptableException {
    if (opcode == FrameWalker.PING) {
      if (unansweredPings.incrementAndGet() > MAX_UNANSWERED_PINGS) {
        throw new UnacceptableException(
            "the server sent more than "
                + MAX_UNANSWERED_PINGS
                + " pings and did not read the answers");
      }
    }
    if (opcode >= FrameWalker.FIRST_CONTROL) {
      return; // the engine refuses those of more than 125 bytes
    }
    if (opcode != FrameWalker.CONTINUATION) {
      messageLength = 0;
      fragments = 0;
    }
    fragments++;
    if (fragments > MAX_FRAGMENTS) {
      throw new UnacceptableException(
          "the server sent a message in more than " + MAX_FRAGMENTS + " fragments");
    }
    if (length < 0 || length > maxMessageLength - messageLength) {
      throw new UnacceptableException(
          "the server sent a message of more than " + maxMessageLength + " bytes");
    }
    messageLength += length;
  }

  /** So many frames that answer pings were written. */
  void answered(int pings) {
    unansweredPings.addAndGet(-pings);
  }
}
