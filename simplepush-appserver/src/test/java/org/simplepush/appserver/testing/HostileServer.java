package org.simplepush.appserver.testing;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;
import org.simplepush.core.internal.DaemonThreads;

/** A push server that answers as badly as a test says, any number of connections at a time. */
public final class HostileServer implements AutoCloseable {
  /** What becomes of a connection, which is closed afterwards. */
  public interface Behaviour {
    void meet(Socket socket, OutputStream out) throws IOException;
  }

  private final ServerSocket listener;
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  public final AtomicInteger connections = new AtomicInteger();

  public HostileServer(Behaviour behaviour) throws IOException {
    this(new ServerSocket(0, 500, InetAddress.getLoopbackAddress()), behaviour);
  }

  public HostileServer(ServerSocket listener, Behaviour behaviour) {
    this.listener = listener;
    DaemonThreads.make("hostile-listener", () -> accept(behaviour)).start();
  }

  private void accept(Behaviour behaviour) {
    while (!listener.isClosed()) {
      try {
        Socket socket = listener.accept();
        open.add(socket);
        connections.incrementAndGet();
        DaemonThreads.make("hostile-connection", () -> meet(socket, behaviour)).start();
      } catch (IOException e) {
        if (!listener.isClosed()) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }

  private void meet(Socket socket, Behaviour behaviour) {
    try (socket) {
      behaviour.meet(socket, socket.getOutputStream());
    } catch (IOException e) {
      // The other side has had enough: what most of these end with.
    } finally {
      open.remove(socket);
    }
  }

  /** How many connections are still open here. */
  public int open() {
    return open.size();
  }

  public URI endpoint(int n) {
    return URI.create("http://localhost:" + listener.getLocalPort() + "/update/" + n);
  }

  public int port() {
    return listener.getLocalPort();
  }

  /** Answers each request with what {@code out} is given, and keeps the connection. */
  public static Behaviour answering(Behaviour answer) {
    return (socket, out) -> {
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1));
      while (readRequest(in)) {
        answer.meet(socket, out);
        out.flush();
      }
    };
  }

  public static Behaviour answering(String answer) {
    byte[] bytes = answer.getBytes(StandardCharsets.ISO_8859_1);
    return answering((socket, out) -> out.write(bytes));
  }

  public static final String GOOD = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

  private static boolean readRequest(BufferedReader in) throws IOException {
    int length = 0;
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      if (line.isEmpty()) {
        return in.skip(length) == length;
      }
      if (line.regionMatches(true, 0, "Content-Length:", 0, 15)) {
        length = Integer.parseInt(line.substring(15).trim());
      }
    }
    return false;
  }

  /** Reads until the other side closes. */
  public static void awaitClose(Socket socket) throws IOException {
    while (socket.getInputStream().read() >= 0) {
      // whatever it still says
    }
  }

  /** Writes {@code bytes} again and again, until the other side has had enough. */
  private static Behaviour endlessly(String first, String again) {
    byte[] more =
        again.repeat(Math.max(1, 4096 / again.length())).getBytes(StandardCharsets.ISO_8859_1);
    return answering(
        (socket, out) -> {
          out.write(first.getBytes(StandardCharsets.ISO_8859_1));
          while (true) {
            out.write(more);
          }
        });
  }

  /** Writes a byte each {@code millis}. */
  private static Behaviour dripping(String answer, int millis) {
    return answering(
        (socket, out) -> {
          for (byte each : answer.getBytes(StandardCharsets.ISO_8859_1)) {
            out.write(each);
            out.flush();
            socket.setSoTimeout(millis);
            try {
              if (socket.getInputStream().read() < 0) {
                return;
              }
            } catch (SocketTimeoutException e) {
              // the time between two bytes
            }
          }
        });
  }

  private static Behaviour reset(Behaviour before) {
    return (socket, out) -> {
      before.meet(socket, out);
      socket.setSoLinger(true, 0);
    };
  }

  /** Answers that HTTP engines stumble over, each by itself. */
  public static List<String> oddAnswers() {
    String ok = "HTTP/1.1 200 OK\r\n";
    String busy = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: ";
    return List.of(
        ok + "Content-Length: -4\r\n\r\n{}",
        ok + "Content-Length: -1\r\n\r\n{}",
        ok + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        ok + "Content-Length: 9223372036854775807\r\n\r\n{}",
        ok + "Content-Length: 99999999999999999999\r\n\r\n{}",
        ok + "Content-Length: 0x2\r\n\r\n{}",
        ok + "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
        ok + "Transfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\n\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\n2;" + "x".repeat(10_000) + "\r\n{}\r\n0\r\n\r\n",
        ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n",
        ok
            + "Transfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n2\r\n{}\r\n0\r\nbad trailer\r\n\r\n",
        ok + "no colon\r\nContent-Length: 2\r\n\r\n{}",
        ok + ": no name\r\nContent-Length: 2\r\n\r\n{}",
        ok + "\u0000\u0001\u00ff: \u00ff\u0000\r\nContent-Length: 2\r\n\r\n{}",
        ok + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        ok + "Set-Cookie: \u00ff\u00fe=\u00fd\r\nDate: \u00fc\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 -12 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 +12 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 000 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 999 OK\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/3.0 200 OK\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "\r\n\r\n",
        "{}",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n" + GOOD,
        "HTTP/1.1 103 Early Hints\r\nLink: \u00ff\r\n\r\n" + GOOD,
        "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 205 Reset\r\nContent-Length: -2\r\n\r\n{}",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 308 Go\r\nLocation: \u00ff//\\\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\u00ff\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 407 No\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 408 Slow\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 421 Misdirected\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 425 Early\r\nAlt-Svc: h3=\":1\"; ma=99999999999\r\nContent-Length: 0\r\n\r\n",
        busy + "\u00ff\u00e9\r\n\r\n",
        busy + "-1\r\n\r\n",
        busy + "0\r\n\r\n",
        busy + "99999999999999999999999\r\n\r\n",
        busy + "Fri, 31 Dec 9999 23:59:59 GMT\r\nDate: Mon, 01 Jan 0001 00:00:00 GMT\r\n\r\n",
        busy + "Fri, 31 Dec 999999999 23:59:59 GMT\r\n\r\n",
        busy + "Thu, 99 Foo 2030 99:99:99 GMT\r\nDate: 1\r\n\r\n");
  }

  /** Servers that hold a request, or flood it. */
  public static List<Behaviour> endless() {
    String ok = "HTTP/1.1 200 OK\r\n";
    return List.of(
        (socket, out) -> {}, // closes at once
        reset((socket, out) -> {}),
        (socket, out) -> awaitClose(socket),
        endlessly(ok, "X-More: yes\r\n"),
        endlessly(ok + "X-More: ", "x"),
        endlessly("", "HTTP/1.1 100 Continue\r\n\r\n"),
        endlessly("", "HTTP/1.1 103 Early Hints\r\n\r\n"),
        endlessly(ok + "Transfer-Encoding: chunked\r\n\r\n2;", "x"),
        endlessly(ok + "Transfer-Encoding: chunked\r\n\r\n", "0"),
        endlessly(ok + "Transfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"),
        endlessly(ok + "Transfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n"),
        endlessly(ok + "\r\n", "x"),
        endlessly(ok + "Content-Length: 999999999\r\n\r\n", "x"),
        dripping(GOOD, 1000),
        dripping(ok + "Content-Length: 999\r\n\r\n" + " ".repeat(999), 200),
        answering(
            (socket, out) -> {
              out.write((ok + "Content-Length: 10\r\n\r\n{").getBytes(StandardCharsets.US_ASCII));
              socket.setSoLinger(true, 0);
              socket.close();
            }));
  }

  /** Random damage to an answer. */
  public static String mutate(String answer, RandomGenerator random) {
    StringBuilder text = new StringBuilder(answer);
    for (int n = random.nextInt(4); n >= 0 && text.length() > 0; n--) {
      int at = random.nextInt(text.length());
      switch (random.nextInt(5)) {
        case 0 -> text.setCharAt(at, (char) random.nextInt(256));
        case 1 -> text.deleteCharAt(at);
        case 2 -> text.insert(at, (char) random.nextInt(256));
        case 3 -> text.setLength(at);
        default -> text.insert(at, text.substring(random.nextInt(at + 1), at));
      }
    }
    return text.toString();
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Socket socket : open) {
      socket.close();
    }
  }
}
