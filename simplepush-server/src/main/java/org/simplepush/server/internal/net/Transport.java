package org.simplepush.server.internal.net;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

/** Bytes in, bytes out, never blocking: TCP as it is, or with TLS on top. Confined to one loop. */
public interface Transport {
  /**
   * Reads what is there.
   *
   * @return how many bytes were read, -1 at the end of the stream
   */
  int read(ByteBuffer into) throws IOException;

  /**
   * Like {@link #read}, for bytes that somebody else has read from the socket: those that stand in
   * {@code into} behind {@code from} are replaced by what they mean.
   *
   * @return how many bytes stand there now, -1 at the end of the stream
   */
  int take(ByteBuffer into, int from) throws IOException;

  /**
   * Writes what the peer takes now; what is left in {@code from} is to be written again when the
   * socket is writable.
   */
  void write(ByteBuffer from) throws IOException;

  /**
   * Returns how many bytes taken by {@link #write} wait here for the socket to become writable. If
   * there are some, {@link #write} with an empty buffer tries again.
   */
  int unwritten();

  /** Returns what is held for bytes that wait for more, without which they cannot be read. */
  int undecoded();

  /** Ends our side of the stream; the peer may still send. */
  void endOutput() throws IOException;

  /** TCP as it is. */
  record Plain(SocketChannel channel) implements Transport {
    @Override
    public int read(ByteBuffer into) throws IOException {
      return channel.read(into);
    }

    @Override
    public int take(ByteBuffer into, int from) {
      return into.position() - from;
    }

    @Override
    public void write(ByteBuffer from) throws IOException {
      channel.write(from);
    }

    @Override
    public int unwritten() {
      return 0;
    }

    @Override
    public int undecoded() {
      return 0;
    }

    @Override
    public void endOutput() throws IOException {
      channel.shutdownOutput();
    }
  }
}
