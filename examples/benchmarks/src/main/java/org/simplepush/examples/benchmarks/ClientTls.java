package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLEngineResult.Status;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * The client's end of TLS on one connection. Trusts everybody: what is measured is on the loopback.
 * Confined to one thread.
 */
final class ClientTls {
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final SSLEngine engine;

  /** Gets the bytes that the server must get. */
  private final Consumer<ByteBuffer> out;

  /** The beginning of a record that is not whole yet. */
  private byte @Nullable [] unread;

  private ByteBuffer records;
  private boolean open;

  /** Begins the handshake when {@link #read} is called, or {@link #begin}. */
  ClientTls(SSLContext context, Consumer<ByteBuffer> out) {
    this.engine = context.createSSLEngine();
    this.out = out;
    engine.setUseClientMode(true);
    this.records = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
  }

  /** Returns what connections of this program are made with. */
  static SSLContext context() throws LoadException {
    X509TrustManager everybody =
        new X509TrustManager() {
          @Override
          public void checkClientTrusted(X509Certificate[] chain, String type) {}

          @Override
          public void checkServerTrusted(X509Certificate[] chain, String type) {}

          @Override
          public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
          }
        };
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {everybody}, new SecureRandom());
      return context;
    } catch (GeneralSecurityException e) {
      throw new LoadException("TLS is not available: " + e.getMessage());
    }
  }

  /** Returns the first record of a handshake. */
  static byte[] clientHello(SSLContext context) throws SSLException {
    SSLEngine engine = context.createSSLEngine();
    engine.setUseClientMode(true);
    ByteBuffer record = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
    engine.wrap(NOTHING, record);
    return Arrays.copyOf(record.array(), record.position());
  }

  /** Sends the first record of the handshake. */
  void begin() throws SSLException {
    engine.beginHandshake();
    handshake();
  }

  /** Whether the handshake is over. */
  boolean isOpen() {
    return open;
  }

  /**
   * Reads what the socket has and decrypts it.
   *
   * @param shared a buffer for records, used by whoever reads at the moment
   * @param plain gets what was decrypted; has room for all that {@code shared} holds
   * @return -1 if the other side ended the connection
   */
  int read(SocketChannel from, ByteBuffer shared, ByteBuffer plain) throws IOException {
    shared.clear();
    byte[] before = unread;
    if (before != null) {
      shared.put(before);
    }
    int length = from.read(shared);
    if (length < 0) {
      return -1;
    }
    shared.flip();
    Status status = Status.OK;
    while (shared.hasRemaining() && status == Status.OK) {
      status = engine.unwrap(shared, plain).getStatus();
      handshake();
    }
    if (status == Status.BUFFER_OVERFLOW) {
      throw new WireException("A message is more than this side reads");
    }
    unread = null;
    if (shared.hasRemaining() && status != Status.CLOSED) {
      byte[] rest = new byte[shared.remaining()];
      shared.get(rest);
      unread = rest;
    }
    return length;
  }

  private void handshake() throws SSLException {
    while (!engine.isInboundDone()) {
      HandshakeStatus status = engine.getHandshakeStatus();
      if (status == HandshakeStatus.NEED_TASK) {
        for (Runnable task = engine.getDelegatedTask();
            task != null;
            task = engine.getDelegatedTask()) {
          task.run();
        }
      } else if (status == HandshakeStatus.NEED_WRAP) {
        wrap(NOTHING);
      } else {
        open |= status == HandshakeStatus.NOT_HANDSHAKING;
        return;
      }
    }
  }

  /** Encrypts a message and passes it on. */
  void write(ByteBuffer message) throws SSLException {
    while (message.hasRemaining()) {
      wrap(message);
    }
  }

  private void wrap(ByteBuffer message) throws SSLException {
    records.clear();
    Status status = engine.wrap(message, records).getStatus();
    if (status == Status.BUFFER_OVERFLOW) {
      records = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
    } else if (status == Status.CLOSED) {
      throw new SSLException("TLS was ended by the other side");
    }
    out.accept(records.flip());
  }
}
