package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** One connection to the server, driven by its loop. */
abstract class Peer {
  /** In bytes; the kernel takes what it needs at least. */
  private static final int SMALL_BUFFER = 4096;

  final LoadLoop loop;

  private @Nullable SocketChannel channel;
  private @Nullable SelectionKey key;

  /** The beginning of a message that is not whole yet. */
  private byte @Nullable [] unread;

  private @Nullable ByteBuffer unsent;

  Peer(LoadLoop loop) {
    this.loop = loop;
  }

  /** Called when the connection is open. */
  abstract void connected();

  /** Takes whole messages out of the buffer and leaves an incomplete one. */
  abstract void received(ByteBuffer in) throws IOException;

  /** Called once when the connection ended without {@link #end}. */
  abstract void broken(String why);

  /** Opens the connection, from a source address if one is given. */
  final void open(InetSocketAddress to, @Nullable InetSocketAddress from) {
    try {
      SocketChannel opened = SocketChannel.open();
      channel = opened;
      opened.configureBlocking(false);
      opened.setOption(StandardSocketOptions.TCP_NODELAY, true);
      if (from != null) {
        opened.bind(from);
      }
      boolean done = opened.connect(to);
      key = opened.register(loop.selector, done ? 0 : SelectionKey.OP_CONNECT, this);
      if (done) {
        finish(key);
      }
    } catch (IOException e) {
      fail("The connection cannot be opened: " + e.getMessage());
    }
  }

  final boolean isOpen() {
    return channel != null;
  }

  final void ready(SelectionKey ready) {
    SocketChannel open = channel;
    if (open == null) {
      return;
    }
    try {
      if (ready.isConnectable()) {
        open.finishConnect();
        finish(ready);
        return;
      }
      if (ready.isWritable()) {
        flush(open, ready);
      }
      if (ready.isReadable()) {
        read(open);
      }
    } catch (IOException e) {
      fail(e.getMessage() == null ? e.toString() : e.getMessage());
    }
  }

  private void finish(SelectionKey opened) {
    opened.interestOps(SelectionKey.OP_READ);
    connected();
  }

  private void read(SocketChannel open) throws IOException {
    ByteBuffer in = loop.in.clear();
    byte[] before = unread;
    if (before != null) {
      in.put(before);
    }
    int length = open.read(in);
    if (length < 0) {
      fail("The server closed the connection");
      return;
    }
    in.flip();
    received(in);
    if (channel == null || !in.hasRemaining()) {
      unread = null;
    } else if (in.remaining() == in.capacity()) {
      throw new WireException("A message is more than this side reads");
    } else {
      int from = in.arrayOffset() + in.position();
      unread = Arrays.copyOfRange(in.array(), from, from + in.remaining());
    }
  }

  /** Sends, or keeps a copy of what the socket does not take now. */
  final void send(ByteBuffer message) {
    SocketChannel open = channel;
    SelectionKey itsKey = key;
    if (open == null || itsKey == null) {
      return;
    }
    try {
      ByteBuffer before = unsent;
      if (before == null) {
        open.write(message);
      }
      if (!message.hasRemaining()) {
        return;
      }
      int earlier = before == null ? 0 : before.remaining();
      ByteBuffer all = ByteBuffer.allocate(earlier + message.remaining());
      if (before != null) {
        all.put(before);
      }
      unsent = all.put(message).flip();
      itsKey.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
    } catch (IOException e) {
      fail(String.valueOf(e.getMessage()));
    }
  }

  private void flush(SocketChannel open, SelectionKey itsKey) throws IOException {
    ByteBuffer rest = unsent;
    if (rest != null) {
      open.write(rest);
      if (rest.hasRemaining()) {
        return;
      }
      unsent = null;
    }
    itsKey.interestOps(SelectionKey.OP_READ);
  }

  /** Reads no more, and lets the kernel keep little: the other side is soon stuck. */
  final void stopReading() {
    SocketChannel open = channel;
    SelectionKey itsKey = key;
    if (open == null || itsKey == null) {
      return;
    }
    try {
      open.setOption(StandardSocketOptions.SO_RCVBUF, SMALL_BUFFER);
      itsKey.interestOps(0);
    } catch (IOException e) {
      fail(String.valueOf(e.getMessage()));
    }
  }

  final void readOn() {
    SelectionKey itsKey = key;
    if (itsKey != null) {
      itsKey.interestOps(SelectionKey.OP_READ);
    }
  }

  /** Ends the connection on purpose. */
  final void end() {
    SocketChannel open = channel;
    channel = null;
    key = null;
    unread = null;
    unsent = null;
    if (open != null) {
      try {
        open.close();
      } catch (IOException e) {
        loop.failures.add("A connection cannot be closed: " + e.getMessage());
      }
    }
  }

  /** Ends the connection at once and without a trace in the kernel. */
  final void reset() {
    SocketChannel open = channel;
    if (open != null && open.isConnected()) {
      try {
        open.setOption(StandardSocketOptions.SO_LINGER, 0);
      } catch (IOException e) {
        loop.failures.add("A connection cannot be reset: " + e.getMessage());
      }
    }
    end();
  }

  private void fail(String why) {
    end();
    broken(why);
  }
}
