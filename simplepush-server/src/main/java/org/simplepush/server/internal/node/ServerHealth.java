package org.simplepush.server.internal.node;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.internal.EndpointTokens;
import org.simplepush.server.internal.net.WebSocketServer;

/**
 * Whether all parts of a server that must live do: what a thread does that has ended in silence,
 * nobody does. It asks for the same that devices and application servers ask for.
 *
 * @param webSockets accepts devices and has the loops
 * @param housekeeping what the housekeeper does again and again, so that none of it is ever done
 * @param endpoints where the server's own endpoint port was bound; null if it has none
 * @param tls whether the endpoint port speaks https
 */
public record ServerHealth(
    WebSocketServer webSockets,
    List<? extends Future<?>> housekeeping,
    @Nullable InetSocketAddress endpoints,
    boolean tls) {
  private static final long LOOPS_NANOS = TimeUnit.SECONDS.toNanos(3);
  private static final int ENDPOINTS_MILLIS = 2_000;

  /** Answered without being counted as an update that was refused. */
  public static final String REQUEST =
      "OPTIONS " + EndpointTokens.PATH + " HTTP/1.1\r\nHost: health\r\nConnection: close\r\n\r\n";

  /**
   * Blocks for some seconds at most.
   *
   * @throws IOException with a sentence that says what does not work
   */
  public void check() throws IOException {
    long deadline = System.nanoTime() + LOOPS_NANOS;
    if (housekeeping.stream().anyMatch(Future::isDone)) {
      throw new IOException("The housekeeper has ended; restart the server");
    }
    webSockets.check(deadline);
    if (endpoints != null) {
      checkEndpoints(endpoints);
    }
  }

  private void checkEndpoints(InetSocketAddress bound) throws IOException {
    InetAddress address =
        bound.getAddress().isAnyLocalAddress()
            ? InetAddress.getLoopbackAddress()
            : bound.getAddress();
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(address, bound.getPort()), ENDPOINTS_MILLIS);
      socket.setSoTimeout(ENDPOINTS_MILLIS);
      if (tls) {
        try (Socket secure = withTls(socket)) {
          ask(secure);
        }
      } else {
        ask(socket);
      }
    } catch (IOException e) {
      throw new IOException("The endpoint port is not served: " + e.getMessage(), e);
    }
  }

  private static void ask(Socket socket) throws IOException {
    try {
      socket.getOutputStream().write(REQUEST.getBytes(StandardCharsets.US_ASCII));
      int first = socket.getInputStream().read();
      if (first != 'H') {
        throw new IOException(first < 0 ? "the connection was closed" : "the answer is not HTTP");
      }
    } catch (SocketTimeoutException e) {
      throw new IOException("a request was not answered within 2 s", e);
    } catch (IOException e) {
      throw new IOException("a request was not answered: " + e.getMessage(), e);
    }
  }

  /** TLS as a client of our own port, whose certificate need not name the address. */
  private static Socket withTls(Socket socket) throws IOException {
    return Client.TLS.createSocket(
        socket, "localhost", socket.getPort(), true /* closes it, too */);
  }

  /** Made when it is needed. Remembers its sessions, so that most handshakes are short. */
  private static final class Client {
    static final SSLSocketFactory TLS = factory();

    private static SSLSocketFactory factory() {
      try {
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new Ourselves()}, null);
        return context.getSocketFactory();
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException("every Java has TLS", e);
      }
    }
  }

  /** Trusts whoever answers: it is told nothing secret. */
  private static final class Ourselves extends X509ExtendedTrustManager {
    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) {}

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) {}

    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }
  }
}
