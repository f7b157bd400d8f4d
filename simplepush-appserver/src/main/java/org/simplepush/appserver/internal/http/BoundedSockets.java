package org.simplepush.appserver.internal.http;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.util.Collections;
import java.util.Map;
import java.util.WeakHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.SocketFactory;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Makes sockets that read a bounded number of bytes for each request. A push server has a few bytes
 * to say. More than that may be a head or chunk sizes without an end, interim answers or a flood of
 * HTTP/2 frames. The HTTP engine would keep them, or work on them, until the request times out, and
 * on an idle connection without end. Thread-safe.
 */
public final class BoundedSockets extends SocketFactory {
  /**
   * What is read from a connection without a request of ours in between. The certificates of a TLS
   * handshake, and the longest sensible head and error page, fit.
   */
  public static final int MAX_BYTES = 128 * 1024;

  /** Below which sockets the TLS connections are. */
  private final Map<Socket, Bounded> belowTls = Collections.synchronizedMap(new WeakHashMap<>());

  /** Lets the connection with {@code socket} read as much as one answer may have, from now on. */
  void requestBegins(Socket socket) {
    Bounded bounded = socket instanceof Bounded it ? it : belowTls.get(socket);
    if (bounded != null) { // else made by another factory
      bounded.left.set(MAX_BYTES);
    }
  }

  /** Returns a factory of TLS connections on our sockets. */
  SSLSocketFactory withTls(SSLSocketFactory tls) {
    return new Tls(tls);
  }

  @Override
  public Socket createSocket() {
    return new Bounded();
  }

  @Override
  public Socket createSocket(String host, int port) {
    throw notConnected();
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress local, int localPort) {
    throw notConnected();
  }

  @Override
  public Socket createSocket(InetAddress host, int port) {
    throw notConnected();
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
    throw notConnected();
  }

  private static UnsupportedOperationException notConnected() {
    return new UnsupportedOperationException("The HTTP engine connects its sockets itself.");
  }

  private static final class Bounded extends Socket {
    private final AtomicInteger left = new AtomicInteger(MAX_BYTES);
    private @Nullable InputStream in;

    @Override
    public synchronized InputStream getInputStream() throws IOException {
      if (in == null) {
        in = new BoundedStream(super.getInputStream(), this);
      }
      return in;
    }
  }

  private static final class BoundedStream extends InputStream {
    private final InputStream in;
    private final Bounded socket;

    BoundedStream(InputStream in, Bounded socket) {
      this.in = in;
      this.socket = socket;
    }

    @Override
    public int read() throws IOException {
      checkLeft();
      int read = in.read();
      socket.left.decrementAndGet();
      return read;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      checkLeft();
      int read = in.read(bytes, offset, length);
      socket.left.addAndGet(-Math.max(0, read));
      return read;
    }

    private void checkLeft() throws IOException {
      if (socket.left.get() <= 0) {
        // The engine would first write a goodbye, which waits if the other side does not read.
        socket.close();
        throw new IOException("The push server sent more than " + MAX_BYTES + " bytes.");
      }
    }

    @Override
    public int available() throws IOException {
      return in.available();
    }

    @Override
    public void close() throws IOException {
      in.close();
    }
  }

  private final class Tls extends SSLSocketFactory {
    private final SSLSocketFactory factory;

    Tls(SSLSocketFactory factory) {
      this.factory = factory;
    }

    @Override
    public Socket createSocket(Socket socket, String host, int port, boolean autoClose)
        throws IOException {
      Socket tls = factory.createSocket(socket, host, port, autoClose);
      if (socket instanceof Bounded bounded) {
        belowTls.put(tls, bounded);
      }
      return tls;
    }

    @Override
    public String[] getDefaultCipherSuites() {
      return factory.getDefaultCipherSuites();
    }

    @Override
    public String[] getSupportedCipherSuites() {
      return factory.getSupportedCipherSuites();
    }

    @Override
    public Socket createSocket(String host, int port) {
      throw notConnected();
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress local, int localPort) {
      throw notConnected();
    }

    @Override
    public Socket createSocket(InetAddress host, int port) {
      throw notConnected();
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
      throw notConnected();
    }
  }
}
