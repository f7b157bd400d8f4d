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
 * The network in front of one Redis: all its connections pass here. They can be cut, stalled, or
 * lost in a black hole, where neither side notices.
 */
final class Relay implements AutoCloseable {
  private static final int BACKLOG = 128;

  private final ServerSocket listener;
  private final int target;
  private final List<Link> links = new CopyOnWriteArrayList<>();

  /** Connections in a black hole, which are never released. */
  private final List<Link> lost = new CopyOnWriteArrayList<>();

  private volatile Hold onNew = Hold.NOTHING;

  /** Which direction is held back. */
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
    return links.size();
  }

  private static void daemon(Runnable task) {
    Thread thread = new Thread(task, "relay");
    thread.setDaemon(true);
    thread.start();
  }

  /** One connection through the relay. */
  static final class Link {
    private final Relay relay;
    private final Socket client;
    private final Socket server;
    private Hold hold;
    private volatile boolean fromNode;

    private Link(Relay relay, Socket client, Hold hold) throws IOException {
      this.relay = relay;
      this.client = client;
      this.hold = hold;
      this.server = new Socket(InetAddress.getLoopbackAddress(), relay.target);
    }

    /** Whether this is a connection of a push server: only those begin with HELLO. */
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
        // The end of a connection does not pass a black hole either.
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
      relay.links.remove(this);
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
    Link link;
    try {
      client.setTcpNoDelay(true);
      link = new Link(this, client, onNew);
      link.server.setTcpNoDelay(true);
    } catch (IOException e) {
      client.close(); // the server is down
      return;
    }
    links.add(link);
    if (onNew != Hold.NOTHING) {
      link.hold(onNew); // a stall began after the link was made
    }
    daemon(() -> link.pump(link.client, link.server, false));
    daemon(() -> link.pump(link.server, link.client, true));
  }

  private List<Link> select(Predicate<Link> which) {
    return links.stream().filter(which).toList();
  }

  /** Ends connections, and accepts new ones. Returns how many ended. */
  int cut(Predicate<Link> which) {
    List<Link> chosen = select(which);
    chosen.forEach(Link::cut);
    return chosen.size();
  }

  /**
   * Holds back data on connections, which stay open, and on later ones too if {@code also}.
   *
   * @return lets the data pass again, on these connections and on later ones
   */
  Runnable stall(Predicate<Link> which, Hold what, boolean also) {
    List<Link> chosen = select(which);
    chosen.forEach(link -> link.hold(what));
    if (also) {
      onNew = what;
    }
    return () -> {
      onNew = Hold.NOTHING;
      links.forEach(
          link -> {
            if (also || chosen.contains(link)) {
              link.hold(Hold.NOTHING);
            }
          });
    };
  }

  /** Puts connections into a black hole: no data passes, not even their end. Returns how many. */
  int lose(Predicate<Link> which) {
    List<Link> chosen = select(which);
    chosen.forEach(link -> link.hold(Hold.BOTH));
    links.removeAll(chosen);
    lost.addAll(chosen);
    return chosen.size();
  }

  @Override
  public void close() throws IOException {
    listener.close();
    links.forEach(Link::cut);
    lost.forEach(Link::cut);
  }
}
