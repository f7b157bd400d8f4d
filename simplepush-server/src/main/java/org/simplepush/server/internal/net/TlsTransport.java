package org.simplepush.server.internal.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import org.jspecify.annotations.Nullable;

/**
 * TLS in front of a connection. The large buffers belong to the loop and are shared by all its
 * connections; a connection keeps only the bytes of half a record, if any.
 */
public final class TlsTransport implements Transport {
  /** What the connections of one loop share. */
  static final class Buffers {
    /** A TLS record is at most about 16.7 KB; this also holds one and the start of the next. */
    static final int SIZE = 40 * 1024;

    final ByteBuffer in = ByteBuffer.allocate(SIZE);
    final ByteBuffer out = ByteBuffer.allocate(SIZE);
  }

  /** What the engine holds from the first bytes until the handshake is over. */
  private static final int HANDSHAKE = 10 * 1024;

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final SocketChannel channel;
  private final SSLEngine engine;
  private final Buffers buffers;

  /** Encrypted bytes that came but do not yet make a record. */
  private @Nullable ByteBuffer undecrypted;

  /** Encrypted bytes that the socket did not take. */
  private @Nullable ByteBuffer unwritten;

  private boolean ended;

  private boolean handshaken;

  public TlsTransport(SocketChannel channel, SSLEngine engine, Buffers buffers) {
    this.channel = channel;
    this.engine = engine;
    this.buffers = buffers;
    engine.setUseClientMode(false);
  }

  /**
   * {@inheritDoc}
   *
   * @param into has room for {@link EventLoop#READ_BUFFER} bytes, which is more than one turn
   *     decrypts
   */
  @Override
  public int read(ByteBuffer into) throws IOException {
    ByteBuffer in = buffers.in.clear();
    if (undecrypted != null) {
      in.put(undecrypted);
      undecrypted = null;
    }
    int read = channel.read(in);
    return decryptAll(in.flip(), into, read < 0);
  }

  /** {@inheritDoc} Only before anything else was read, and not more than half a buffer. */
  @Override
  public int take(ByteBuffer into, int from) throws IOException {
    ByteBuffer in = buffers.in.clear().put(into.duplicate().flip().position(from)).flip();
    return decryptAll(in, into.position(from), false);
  }

  private int decryptAll(ByteBuffer in, ByteBuffer into, boolean isEnd) throws IOException {
    int before = into.position();
    decrypt(in, into);
    if (in.hasRemaining()) {
      undecrypted = copy(in);
    }
    int decrypted = into.position() - before;
    return (decrypted == 0 && (isEnd || engine.isInboundDone())) ? -1 : decrypted;
  }

  private boolean isHandshaking() {
    return !handshaken && engine.getHandshakeStatus() != HandshakeStatus.NOT_HANDSHAKING;
  }

  private void decrypt(ByteBuffer in, ByteBuffer into) throws IOException {
    while (in.hasRemaining() && !engine.isInboundDone()) {
      SSLEngineResult result = engine.unwrap(in, into);
      handshaken = OneHandshake.check(handshaken, engine, result);
      answerHandshake(result.getHandshakeStatus());
      if (result.getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW
          || (result.bytesConsumed() == 0 && result.bytesProduced() == 0 && !engineWaits())) {
        return;
      }
    }
  }

  private boolean engineWaits() {
    return engine.getHandshakeStatus() == HandshakeStatus.NEED_UNWRAP;
  }

  private void answerHandshake(HandshakeStatus reported) throws IOException {
    HandshakeStatus status = reported;
    while (true) {
      switch (status) {
        case NEED_TASK -> {
          for (Runnable task = engine.getDelegatedTask();
              task != null;
              task = engine.getDelegatedTask()) {
            task.run();
          }
        }
        case NEED_WRAP -> {
          if (!encrypt(NOTHING.duplicate())) {
            return;
          }
        }
        default -> {
          return;
        }
      }
      status = engine.getHandshakeStatus();
    }
  }

  /** Wraps one record and writes it; false if the engine had nothing to say. */
  private boolean encrypt(ByteBuffer from) throws IOException {
    ByteBuffer out = buffers.out.clear();
    SSLEngineResult result = engine.wrap(from, out);
    handshaken = OneHandshake.check(handshaken, engine, result);
    out.flip();
    if (!out.hasRemaining()) {
      return false;
    }
    if (unwritten == null) {
      channel.write(out);
      unwritten = out.hasRemaining() ? copy(out) : null;
    } else {
      // Only the handshake and the end can come here: data waits while something is unwritten.
      ByteBuffer joined = ByteBuffer.allocate(unwritten.remaining() + out.remaining());
      unwritten = joined.put(unwritten).put(out).flip();
    }
    return result.getStatus() != SSLEngineResult.Status.CLOSED;
  }

  @Override
  public void write(ByteBuffer from) throws IOException {
    if (unwritten != null) {
      channel.write(unwritten);
      if (unwritten.hasRemaining()) {
        return;
      }
      unwritten = null;
      if (ended) {
        channel.shutdownOutput();
      }
    }
    while (from.hasRemaining() && unwritten == null) {
      if (!encrypt(from)) {
        throw new IOException("TLS has ended");
      }
    }
  }

  @Override
  public int unwritten() {
    return unwritten == null ? 0 : unwritten.capacity();
  }

  @Override
  public int undecoded() {
    return (undecrypted == null ? 0 : undecrypted.capacity()) + (isHandshaking() ? HANDSHAKE : 0);
  }

  @Override
  public void endOutput() throws IOException {
    engine.closeOutbound();
    encrypt(NOTHING.duplicate());
    ended = true;
    if (unwritten == null) {
      channel.shutdownOutput();
    }
  }

  private static ByteBuffer copy(ByteBuffer from) {
    return ByteBuffer.allocate(from.remaining()).put(from).flip();
  }
}
