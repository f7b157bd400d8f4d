package org.simplepush.server;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;

/**
 * A TCP connection under the test's full control: every byte in either direction is the test's own.
 * Reads wait no longer than {@link #TIMEOUT} unless told otherwise.
 */
final class RawSocket implements AutoCloseable {
  static final Duration TIMEOUT = Duration.ofSeconds(20);

  private static final int END = -1;

  private final Socket socket;
  private final InputStream in;
  private final OutputStream out;
  private final byte[] buffer = new byte[16 * 1024];
  private int position;
  private int limit;

  private RawSocket(Socket socket) throws IOException {
    this.socket = socket;
    this.in = socket.getInputStream();
    this.out = socket.getOutputStream();
  }

  static RawSocket connect(int port) throws IOException {
    return connect(port, 0);
  }

  /**
   * Connects with a receive buffer of this many bytes, so that a peer soon notices that nobody
   * reads; 0 is the system's default.
   */
  static RawSocket connect(int port, int receiveBuffer) throws IOException {
    Socket socket = new Socket();
    if (receiveBuffer > 0) {
      socket.setReceiveBufferSize(receiveBuffer);
    }
    socket.setTcpNoDelay(true);
    socket.connect(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), port), (int) TIMEOUT.toMillis());
    return new RawSocket(socket);
  }

  /** Connects from this address of this machine, such as 127.0.0.2. */
  static RawSocket connectFrom(String address, int port) throws IOException {
    Socket socket = new Socket();
    socket.setTcpNoDelay(true);
    socket.bind(new InetSocketAddress(address, 0));
    socket.connect(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), port), (int) TIMEOUT.toMillis());
    return new RawSocket(socket);
  }

  /**
   * Connects with TLS.
   *
   * @param version such as {@code TLSv1.3}, or null for what both sides like best
   */
  static RawSocket connectTls(int port, SSLContext context, String version, int receiveBuffer)
      throws IOException {
    SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket();
    if (receiveBuffer > 0) {
      socket.setReceiveBufferSize(receiveBuffer);
    }
    socket.setTcpNoDelay(true);
    socket.connect(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), port), (int) TIMEOUT.toMillis());
    if (version != null) {
      socket.setEnabledProtocols(new String[] {version});
    }
    socket.setSoTimeout((int) TIMEOUT.toMillis());
    socket.startHandshake();
    return new RawSocket(socket);
  }

  /** Connects, sends a proxy's header, and only then begins with TLS. */
  static RawSocket connectTlsBehind(byte[] header, int port, SSLContext context)
      throws IOException {
    Socket plain = new Socket();
    plain.setTcpNoDelay(true);
    plain.connect(
        new InetSocketAddress(InetAddress.getLoopbackAddress(), port), (int) TIMEOUT.toMillis());
    plain.getOutputStream().write(header);
    SSLSocket socket =
        (SSLSocket) context.getSocketFactory().createSocket(plain, "127.0.0.1", port, true);
    socket.setSoTimeout((int) TIMEOUT.toMillis());
    socket.startHandshake();
    return new RawSocket(socket);
  }

  void write(byte[] bytes) throws IOException {
    out.write(bytes);
    out.flush();
  }

  void write(String ascii) throws IOException {
    write(ascii.getBytes(StandardCharsets.ISO_8859_1));
  }

  /** Each byte in a segment of its own, as far as TCP lets us. */
  void writeByteByByte(byte[] bytes) throws IOException {
    for (byte b : bytes) {
      out.write(b);
      out.flush();
    }
  }

  /** Writes until the peer stops us; a peer that hangs up early is no failure. */
  void writeWhilePeerListens(byte[] bytes) {
    try {
      write(bytes);
    } catch (IOException peerIsGone) {
      // The test looks at what the peer answered, not at how far we came.
    }
  }

  /** The next byte, or −1 at the end of the stream, be it orderly or a reset. */
  int read(long deadline) throws IOException, TimeoutException {
    if (position == limit && fill(deadline) == END) {
      return END;
    }
    return buffer[position++] & 0xff;
  }

  byte[] readFully(int length, long deadline) throws IOException, TimeoutException {
    byte[] bytes = new byte[length];
    int done = 0;
    while (done < length) {
      if (position == limit && fill(deadline) == END) {
        throw new IOException("The stream ended after " + done + " of " + length + " bytes");
      }
      int n = Math.min(length - done, limit - position);
      System.arraycopy(buffer, position, bytes, done, n);
      position += n;
      done += n;
    }
    return bytes;
  }

  /** Everything until the peer ends the connection. */
  byte[] readToEnd(long deadline) throws IOException, TimeoutException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (int b = read(deadline); b != END; b = read(deadline)) {
      all.write(b);
    }
    return all.toByteArray();
  }

  byte[] readToEnd() throws IOException, TimeoutException {
    return readToEnd(deadline(TIMEOUT));
  }

  /** A line without its CR LF, or null at the end of the stream. */
  String readLine(long deadline) throws IOException, TimeoutException {
    StringBuilder line = new StringBuilder();
    while (true) {
      int b = read(deadline);
      if (b == END) {
        if (line.length() > 0) {
          throw new IOException("The stream ended within the line: " + line);
        }
        return null;
      }
      if (b == '\n') {
        return line.toString();
      }
      if (b != '\r') {
        line.append((char) b);
      }
    }
  }

  private int fill(long deadline) throws IOException, TimeoutException {
    long left = (deadline - System.nanoTime()) / 1_000_000;
    if (left <= 0) {
      throw new TimeoutException("Nothing arrived in time");
    }
    socket.setSoTimeout((int) left);
    int n;
    try {
      n = in.read(buffer);
    } catch (SocketTimeoutException e) {
      throw new TimeoutException("Nothing arrived in time");
    } catch (SocketException reset) {
      n = END;
    }
    position = 0;
    limit = Math.max(n, 0);
    return n;
  }

  /** Ends our half; we can still read. */
  void halfClose() throws IOException {
    socket.shutdownOutput();
  }

  /** Ends the connection with a reset instead of an orderly end. */
  void reset() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  Socket socket() {
    return socket;
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }

  static long deadline(Duration timeout) {
    return System.nanoTime() + timeout.toNanos();
  }
}
