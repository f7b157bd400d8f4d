package org.simplepush.examples.benchmarks;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Thousands of push servers in a process of its own, each at an address of its own on loopback:
 * good ones at 127.1.x.y, hostile ones at 127.2.x.y, of as many kinds as there are. Prints its port
 * and ends when its input does.
 */
final class PushServerCrowd {
  private static final int GOOD = 1;

  /** What a hostile server does with a connection, which is closed afterwards. */
  private interface Kind {
    void meet(Socket socket, InputStream in, OutputStream out) throws IOException;
  }

  private static final String OK = "HTTP/1.1 200 OK\r\n";
  private static final String BUSY_FOR_EVER =
      """
      HTTP/1.1 429 Busy\r
      Retry-After: Fri, 31 Dec 9999 23:59:59 GMT\r
      Content-Length: 0\r
      \r
      """;
  private static final byte[] ACCEPTED = bytes(OK + "Content-Length: 2\r\n\r\n{}");

  private static final List<Kind> KINDS =
      List.of(
          (socket, in, out) -> awaitClose(in),
          (socket, in, out) -> socket.setSoLinger(true, 0),
          (socket, in, out) -> socket.setReuseAddress(true), // closes at once
          answering(OK + "Content-Length: -4\r\n\r\n{}"),
          answering("HTTP/1.1 503 Busy\r\nRetry-After: \u00ff\r\nContent-Length: 0\r\n\r\n"),
          answering(BUSY_FOR_EVER),
          answering("HTTP/1.1 -12 No\r\n\r\n"),
          answering("SSH-2.0-OpenSSH_9.9\r\n"),
          answering(
              "HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"),
          answering("HTTP/1.1 408 Slow\r\nContent-Length: 0\r\n\r\n"),
          endless(OK, "X-More: yes\r\n"),
          endless("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
          endless(OK + "Transfer-Encoding: chunked\r\n\r\n2;", "x"),
          endless(OK + "Content-Length: 999999999\r\n\r\n", "x"),
          PushServerCrowd::halfAnAnswer,
          PushServerCrowd::drip,
          PushServerCrowd::serveOnceThenHold);

  private PushServerCrowd() {}

  static int kinds() {
    return KINDS.size();
  }

  /** Serves until its input ends. */
  public static void main(String[] args) throws IOException {
    try (ServerSocket listener = new ServerSocket()) {
      listener.bind(new InetSocketAddress("0.0.0.0", 0), 4096); // for every 127.x.y.z
      start(() -> accept(listener));
      System.out.println(listener.getLocalPort());
      awaitClose(System.in);
    }
  }

  private static void start(Runnable task) {
    Thread thread = new Thread(null, task, "push-server", 128 * 1024);
    thread.setDaemon(true);
    thread.start();
  }

  private static void accept(ServerSocket listener) {
    while (!listener.isClosed()) {
      try {
        Socket socket = listener.accept();
        start(() -> meet(socket));
      } catch (IOException e) {
        if (!listener.isClosed()) {
          System.err.println("A push server could not accept: " + e);
        }
      }
    }
  }

  private static void meet(Socket accepted) {
    try (Socket socket = accepted) {
      byte[] own = socket.getLocalAddress().getAddress();
      InputStream in = new BufferedInputStream(socket.getInputStream());
      OutputStream out = socket.getOutputStream();
      if (!socket.getInetAddress().isLoopbackAddress()) {
        return;
      }
      socket.setTcpNoDelay(true);
      if (own[1] == GOOD) {
        while (readRequest(in)) {
          out.write(ACCEPTED);
        }
      } else {
        KINDS.get(((own[2] & 255) * 256 + (own[3] & 255)) % KINDS.size()).meet(socket, in, out);
      }
    } catch (IOException e) {
      // The other side has had enough: what a hostile server reckons with.
    }
  }

  private static Kind answering(String answer) {
    byte[] bytes = bytes(answer);
    return (socket, in, out) -> {
      while (readRequest(in)) {
        out.write(bytes);
      }
    };
  }

  private static Kind endless(String first, String again) {
    byte[] more = bytes(again.repeat(Math.max(1, 4096 / again.length())));
    return (socket, in, out) -> {
      if (readRequest(in)) {
        out.write(bytes(first));
        while (!socket.isClosed()) {
          out.write(more);
        }
      }
    };
  }

  private static void halfAnAnswer(Socket socket, InputStream in, OutputStream out)
      throws IOException {
    if (readRequest(in)) {
      out.write(bytes(OK + "Content-Length: 10\r\n\r\n{"));
      awaitClose(in);
    }
  }

  /** A byte each 200 ms. */
  private static void drip(Socket socket, InputStream in, OutputStream out) throws IOException {
    if (!readRequest(in)) {
      return;
    }
    socket.setSoTimeout(200);
    for (byte each : bytes(OK + "X: " + "y".repeat(10_000))) {
      out.write(each);
      try {
        if (in.read() < 0) {
          return;
        }
      } catch (SocketTimeoutException e) {
        // the time between two bytes
      }
    }
  }

  private static void serveOnceThenHold(Socket socket, InputStream in, OutputStream out)
      throws IOException {
    if (readRequest(in)) {
      out.write(ACCEPTED);
      awaitClose(in);
    }
  }

  private static void awaitClose(InputStream in) throws IOException {
    while (in.read() >= 0) {
      // whatever is still said
    }
  }

  /** Reads a request whole; returns false if there is none. */
  private static boolean readRequest(InputStream in) throws IOException {
    int length = 0;
    StringBuilder line = new StringBuilder();
    for (int each = in.read(); each >= 0; each = in.read()) {
      if (each != '\n') {
        line.append((char) each);
        continue;
      }
      String text = line.toString().trim();
      line.setLength(0);
      if (text.isEmpty()) {
        return in.readNBytes(length).length == length;
      }
      if (text.regionMatches(true, 0, "Content-Length:", 0, 15)) {
        length = Integer.parseInt(text.substring(15).trim());
      }
    }
    return false;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
