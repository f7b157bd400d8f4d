package org.simplepush.server.internal.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.internal.MemoryAccount.Kind;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The socket of a {@link Connection}: writes, keeps what the socket does not take, and charges the
 * account of memory for what is held. A part of the connection's object, because an object of its
 * own would cost every idle connection 40 bytes. Confined to the loop.
 */
abstract class DeviceSocket implements EventLoop.Handler {
  private static final Logger log = LoggerFactory.getLogger(DeviceSocket.class);

  /** Answers that a device does not read pile up to this; then it gets no more, nor is it read. */
  private static final int MAX_BACKLOG = 32 * 1024;

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  final WebSocketServer server;
  final EventLoop loop;
  Transport transport;
  private final SelectionKey key;

  /** What the socket did not take yet; null when there is nothing. */
  private @Nullable Backlog backlog;

  /** What the account of memory was charged with for output and for input. */
  private int chargedBacklog;

  private int chargedInput;
  private boolean outputEnded;

  /** Takes over an accepted socket. On the loop's thread, which calls back later only. */
  DeviceSocket(WebSocketServer server, EventLoop loop, SocketChannel channel, Transport transport)
      throws IOException {
    this.server = server;
    this.loop = loop;
    this.transport = transport;
    this.key = loop.register(channel, SelectionKey.OP_READ, this);
  }

  /** Whether all is over. */
  abstract boolean isClosed();

  /** Whether nothing is to be read now. */
  abstract boolean isPaused();

  /** Returns how much is held of what has come, in bytes. */
  abstract int heldInput();

  final boolean hasUnwritten() {
    return backlog != null || transport.unwritten() > 0;
  }

  /** Whether the device does not read its answers. */
  final boolean isClogged() {
    return backlog != null && backlog.held() > MAX_BACKLOG;
  }

  /** Writes bytes, or keeps a copy of what the socket does not take. */
  final void write(ByteBuffer bytes) {
    assert loop.isCurrent();
    if (outputEnded || isClosed()) {
      return;
    }
    try {
      if (!hasUnwritten()) {
        transport.write(bytes);
      }
    } catch (IOException e) {
      onFailure(e);
      return;
    }
    if (bytes.hasRemaining()) {
      if (backlog == null) {
        backlog = new Backlog();
      }
      backlog.add(bytes);
    }
    if (hasUnwritten()) {
      updateInterest();
    }
  }

  /** Writes what was kept, as far as the socket takes it; returns whether that was all. */
  final boolean writeBacklog() throws IOException {
    if (transport.unwritten() > 0) {
      transport.write(NOTHING);
    }
    if (backlog != null && backlog.writeTo(transport)) {
      backlog = null;
    }
    return !hasUnwritten();
  }

  final void updateInterest() {
    if (isClosed() || !key.isValid()) {
      return;
    }
    loop.setInterest(
        key,
        (isPaused() ? 0 : SelectionKey.OP_READ) | (hasUnwritten() ? SelectionKey.OP_WRITE : 0));
  }

  /** Ends the stream to the device, once. */
  final void endOutput() {
    if (!outputEnded) {
      outputEnded = true;
      try {
        transport.endOutput();
      } catch (IOException e) {
        onFailure(e);
      }
    }
  }

  /** Closes the socket; what was not written is lost. */
  final void closeSocket() {
    backlog = null;
    try {
      loop.close(key);
    } catch (IOException e) {
      log.debug("A socket did not close", e);
    }
  }

  /** What is held for a device that does not read. */
  private int heldBacklog() {
    return (backlog == null ? 0 : backlog.held()) + transport.unwritten();
  }

  /** Charges what is held more than before. Nearly always nothing is held. */
  final void settle() {
    boolean closed = isClosed();
    int moreBacklog = (closed ? 0 : heldBacklog()) - chargedBacklog;
    int moreInput = (closed ? 0 : heldInput()) - chargedInput;
    chargedBacklog += moreBacklog; // first: this connection may be closed to make room
    chargedInput += moreInput;
    if (moreBacklog != 0) {
      server.charge(Kind.BACKLOG, moreBacklog);
    }
    if (moreInput != 0) {
      server.charge(Kind.INPUT, moreInput);
    }
  }

  /** What is charged for this connection, besides the connection itself. */
  final int charged(Kind kind) {
    return kind == Kind.BACKLOG ? chargedBacklog : chargedInput;
  }
}
