package org.simplepush.examples.emulator;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import javax.net.SocketFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The network of one device: it can break what is open, and be away. Thread-safe. */
final class Network extends SocketFactory {
  private static final Logger log = LoggerFactory.getLogger(Network.class);

  private final SocketFactory sockets = SocketFactory.getDefault();

  // All guarded by this.
  private final List<Socket> open = new ArrayList<>();
  private boolean away;
  private long lastAttempt = System.nanoTime();

  /** Breaks the connections without a word to either side's application. */
  synchronized void cut() {
    for (Socket socket : open) {
      try {
        socket.setSoLinger(true, 0); // a reset instead of an orderly end
        socket.close();
      } catch (IOException e) {
        log.debug("A connection to be broken was broken already", e);
      }
    }
    open.clear();
  }

  synchronized void goAway() {
    away = true;
    cut();
  }

  synchronized void comeBack() {
    away = false;
  }

  /** Returns when the device last began to connect, in nanoseconds of {@link System#nanoTime}. */
  synchronized long lastAttempt() {
    return lastAttempt;
  }

  /** The one that OkHttp calls. */
  @Override
  public synchronized Socket createSocket() throws IOException {
    if (away) {
      throw new IOException("the device is offline");
    }
    open.removeIf(Socket::isClosed);
    Socket socket = sockets.createSocket();
    open.add(socket);
    lastAttempt = System.nanoTime();
    return socket;
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    throw notNeeded();
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress localHost, int localPort)
      throws IOException {
    throw notNeeded();
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    throw notNeeded();
  }

  @Override
  public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort)
      throws IOException {
    throw notNeeded();
  }

  private static IOException notNeeded() {
    return new IOException("Sockets are made unconnected here");
  }
}
