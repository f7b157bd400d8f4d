package org.simplepush.server;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Whether all parts of a server that must live do: what a thread does that has ended in silence,
 * nobody does. It asks for the same that devices and application servers ask for.
 *
 * @param webSockets accepts devices and has the loops
 * @param housekeeping what the housekeeper does again and again, so that none of it is ever done
 * @param endpoints where the server's own endpoint port was bound; null if it has none
 * @param tls whether the endpoint port speaks https
 */
record ServerHealth(
    WebSocketServer webSockets,
    List<? extends Future<?>> housekeeping,
    @Nullable InetSocketAddress endpoints,
    boolean tls) {
  private static final long LOOPS_NANOS = TimeUnit.SECONDS.toNanos(3);
  private static final int ENDPOINTS_MILLIS = 2_000;

  /** Answered without being counted as an update that was refused. */
  private static final String REQUEST =
      "OPTIONS " + EndpointHandler.PATH + " HTTP/1.1\r\nHost: health\r\nConnection: close\r\n\r\n";

  /**
   * Blocks for some seconds at most.
   *
   * @throws IOException with a sentence that says what does not work
   */
  void check() throws IOException {
    long deadline = System.nanoTime() + LOOPS_NANOS;
    if (housekeeping.stream().anyMatch(Future::isDone)) {
      throw new IOException("The housekeeper has ended; restart the server");
    }
    if (endpoints != null) {
      checkEndpoints(endpoints);
    }
    webSockets.check(deadline);
  }

  private void checkEndpoints(InetSocketAddress bound) throws IOException {
    InetAddress address =
        bound.getAddress().isAnyLocalAddress()
            ? InetAddress.getLoopbackAddress()
            : bound.getAddress();
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(address, bound.getPort()), ENDPOINTS_MILLIS);
      socket.setSoTimeout(ENDPOINTS_MILLIS);
      if (!isAnswered(socket)) {
        throw new IOException("it closed the connection");
      }
    } catch (IOException e) {
      throw new IOException("The endpoint port is not served: " + e.getMessage(), e);
    }
  }

  /** A port of TLS refuses what is not TLS, in one way or another: that it does so is enough. */
  private boolean isAnswered(Socket socket) throws IOException {
    socket.getOutputStream().write(REQUEST.getBytes(StandardCharsets.US_ASCII));
    try (InputStream in = socket.getInputStream()) {
      return in.read() == 'H' || tls;
    } catch (SocketTimeoutException e) {
      throw new IOException("a request was not answered within 2 s", e);
    } catch (SocketException e) {
      if (tls) {
        return true;
      }
      throw e;
    }
  }
}
