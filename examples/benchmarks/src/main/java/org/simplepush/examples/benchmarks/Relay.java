package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

/**
 * The network in front of one Redis: everybody who wants something from that goes through here.
 * Connections can be cut, stalled, and lost in a black hole, where neither side is ever told.
 */
final class Relay implements AutoCloseable {
  private static final int BACKLOG = 128;

  private final ServerSocket listener;
  private final int target;
  private final List<Wire> wires = new CopyOnWriteArrayList<>();

  /** Those in a black hole: no release finds them. */
  private final List<Wire> lost = new CopyOnWriteArrayList<>();

  private volatile Hold onNew = Hold.NOTHING;

  /** What does not pass. */
  enum Hold {
    NOTHING,
    REQUESTS,
    ANSWERS,
    BOTH;

    boolean holds(boolean answers) {
      return this == BOTH || this == (answers ? ANSWERS : REQUESTS);
    }
  }

  /** Listens on a port, for a server on another; both on the loopback. */
  Relay(int port, int target) throws IOException {
    this.target = target;
    this.listener = new ServerSocket(port, BACKLOG, InetAddress.getLoopbackAddress());
    daemon(this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  /** How many connections there are. */
  int size() {
    return wires.size();
  }

  private static void daemon(Runnable task) {
    Thread thread = new Thread(task, "relay");
    thread.setDaemon(true);
    thread.start();
  }

  /** One connection through the relay. */
  static final class Wire {
    private final Relay relay;
    private final Socket client;
    private final Socket server;
    private Hold hold;
    private volatile boolean fromNode;

    private Wire(Relay relay, Socket client, Hold hold) throws IOException {
      this.relay = relay;
      this.client = client;
      this.hold = hold;
      this.server = new Socket(InetAddress.getLoopbackAddress(), relay.target);
    }

    /** Whether a push server says something here: those begin with HELLO, no part of Redis does. */
    boolean isOfNode() {
      return fromNode;
    }

    private void pump(Socket from, Socket to, boolean answers) {
      byte[] buffer = new byte[16 * 1024];
      try {
        InputStream in = from.getInputStream();
        boolean first = !answers;
        for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
          if (first) {
            first = false;
            fromNode = new String(buffer, 0, read, StandardCharsets.ISO_8859_1).contains("HELLO");
          }
          awaitPassage(answers);
          to.getOutputStream().write(buffer, 0, read);
        }
        // Who ends a connection in a black hole is not heard either.
        awaitPassage(answers);
      } catch (IOException | InterruptedException e) {
        // The end, as below.
      } finally {
        cut();
      }
    }

    private synchronized void awaitPassage(boolean answers) throws InterruptedException {
      while (hold.holds(answers)) {
        wait();
      }
    }

    private synchronized void hold(Hold what) {
      hold = what;
      notifyAll();
    }

    private void cut() {
      relay.wires.remove(this);
      hold(Hold.NOTHING);
      try {
        client.close();
        server.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        pass(listener.accept());
      } catch (IOException e) {
        // Closed, as the condition says, or a client that was gone before it was served.
      }
    }
  }

  private void pass(Socket client) throws IOException {
    Wire wire;
    try {
      client.setTcpNoDelay(true);
      wire = new Wire(this, client, onNew);
      wire.server.setTcpNoDelay(true);
    } catch (IOException e) {
      client.close(); // the server is down: nobody waits for its answer
      return;
    }
    wires.add(wire);
    if (onNew != Hold.NOTHING) {
      wire.hold(onNew); // it began meanwhile
    }
    daemon(() -> wire.pump(wire.client, wire.server, false));
    daemon(() -> wire.pump(wire.server, wire.client, true));
  }

  private List<Wire> select(Predicate<Wire> which) {
    return wires.stream().filter(which).toList();
  }

  /** Ends connections; new ones are welcome. Returns how many. */
  int cut(Predicate<Wire> which) {
    List<Wire> chosen = select(which);
    chosen.forEach(Wire::cut);
    return chosen.size();
  }

  /**
   * Lets something pass no more on connections, which stay open; on later ones too if {@code also}.
   *
   * @return what lets it pass again, on these connections and on later ones
   */
  Runnable stall(Predicate<Wire> which, Hold what, boolean also) {
    List<Wire> chosen = select(which);
    chosen.forEach(wire -> wire.hold(what));
    if (also) {
      onNew = what;
    }
    return () -> {
      onNew = Hold.NOTHING;
      wires.forEach(
          wire -> {
            if (also || chosen.contains(wire)) {
              wire.hold(Hold.NOTHING);
            }
          });
    };
  }

  /** Loses connections: nothing passes there any more, not even their end. Returns how many. */
  int lose(Predicate<Wire> which) {
    List<Wire> chosen = select(which);
    chosen.forEach(wire -> wire.hold(Hold.BOTH));
    wires.removeAll(chosen);
    lost.addAll(chosen);
    return chosen.size();
  }

  @Override
  public void close() throws IOException {
    listener.close();
    wires.forEach(Wire::cut);
    lost.forEach(Wire::cut);
  }
}
