package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import javax.net.ssl.SSLContext;
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
  private boolean reading = true;

  /** What TLS begins with, null for a connection without. */
  private final @Nullable SSLContext tlsContext;

  private @Nullable ClientTls tls;

  Peer(LoadLoop loop, @Nullable SSLContext tlsContext) {
    this.loop = loop;
    this.tlsContext = tlsContext;
  }

  /** Called when the connection is open; with TLS, when its handshake is over. */
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

  private void finish(SelectionKey opened) throws IOException {
    reading = true;
    opened.interestOps(SelectionKey.OP_READ);
    if (tlsContext == null) {
      connected();
    } else {
      ClientTls begun = new ClientTls(tlsContext, this::sendRaw);
      tls = begun;
      begun.begin();
    }
  }

  private void read(SocketChannel open) throws IOException {
    ByteBuffer in = loop.in.clear();
    byte[] before = unread;
    if (before != null) {
      in.put(before);
    }
    ClientTls itsTls = tls;
    boolean shaken = itsTls == null || itsTls.isOpen();
    int length = itsTls == null ? open.read(in) : itsTls.read(open, loop.records, in);
    if (length < 0) {
      fail("The server closed the connection");
      return;
    }
    in.flip();
    if (itsTls != null && !shaken) {
      if (!itsTls.isOpen()) {
        return;
      }
      connected();
    }
    if (channel == null) {
      return;
    }
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
    ClientTls itsTls = tls;
    if (itsTls == null) {
      sendRaw(message);
      return;
    }
    try {
      itsTls.write(message);
    } catch (IOException e) {
      fail(String.valueOf(e.getMessage()));
    }
  }

  private void sendRaw(ByteBuffer message) {
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
      itsKey.interestOps(readInterest() | SelectionKey.OP_WRITE);
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
    itsKey.interestOps(readInterest());
  }

  private int readInterest() {
    return reading ? SelectionKey.OP_READ : 0;
  }

  /** How many bytes wait because the socket does not take them. */
  final int unsentBytes() {
    ByteBuffer rest = unsent;
    return rest == null ? 0 : rest.remaining();
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
      reading = false;
      itsKey.interestOps(unsent == null ? 0 : SelectionKey.OP_WRITE);
    } catch (IOException e) {
      fail(String.valueOf(e.getMessage()));
    }
  }

  final void readOn() {
    SelectionKey itsKey = key;
    if (itsKey != null) {
      reading = true;
      itsKey.interestOps(SelectionKey.OP_READ | (unsent == null ? 0 : SelectionKey.OP_WRITE));
    }
  }

  /** Ends the connection on purpose. */
  final void end() {
    SocketChannel open = channel;
    channel = null;
    key = null;
    unread = null;
    unsent = null;
    tls = null;
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
