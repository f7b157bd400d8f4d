package org.simplepush.server.redis;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A wire to Redis, or any other server, that can be cut, or go silent without being cut. */
public final class TcpProxy implements AutoCloseable {
  private final ServerSocket listener;
  private final int target;
  private final List<Wire> wires = new CopyOnWriteArrayList<>();
  private final AtomicInteger storesConnected = new AtomicInteger();
  private volatile boolean mute;

  /** Null unless the server dies when it is asked whether it is there. */
  private volatile @Nullable AtomicBoolean dead;

  private volatile boolean refusing;

  public TcpProxy(int target) throws IOException {
    this.target = target;
    listener = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    daemon(this::accept);
  }

  private static void daemon(Runnable task) {
    Thread thread = new Thread(task, "tcp-proxy");
    thread.setDaemon(true);
    thread.start();
  }

  /** One connection through the proxy. */
  public final class Wire {
    private final Socket client;
    private final Socket server;
    private boolean answersHeld;
    private boolean requestsHeld;
    private volatile boolean subscribed;
    private volatile boolean scripted;
    private volatile boolean replicating;
    private final @Nullable AtomicBoolean diesOfPing = dead;

    private Wire(Socket client) throws IOException {
      this.client = client;
      this.server = new Socket(InetAddress.getLoopbackAddress(), target);
    }

    private void pump(Socket from, Socket to, boolean answers) {
      byte[] buffer = new byte[65_536];
      try {
        InputStream in = from.getInputStream();
        int read;
        while ((read = in.read(buffer)) >= 0) {
          String text = new String(buffer, 0, read, StandardCharsets.ISO_8859_1);
          if (text.contains("SUBSCRIBE")) {
            subscribed = true;
          }
          if (text.contains("PSYNC")) {
            replicating = true;
          }
          if (diesOfPing != null && text.contains("PING") && !diesOfPing.getAndSet(true)) {
            refusing = true;
            return;
          }
          if (!answers && !scripted && text.contains("SCRIPT")) {
            scripted = true;
            storesConnected.incrementAndGet();
          }
          synchronized (this) {
            while (answers ? answersHeld : requestsHeld) {
              wait();
            }
          }
          to.getOutputStream().write(buffer, 0, read);
        }
      } catch (IOException | InterruptedException e) {
        // The end, as below.
      } finally {
        cut();
      }
    }

    private synchronized void hold(boolean requests, boolean answers) {
      requestsHeld = requests;
      answersHeld = answers;
      notifyAll();
    }

    private void cut() {
      wires.remove(this);
      try {
        client.close();
        server.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      hold(false, false);
    }

    boolean isBus() {
      return subscribed;
    }

    boolean isReplication() {
      return replicating;
    }
  }

  private void accept() {
    try {
      while (true) {
        Socket client = listener.accept();
        if (refusing) {
          client.close();
          continue;
        }
        Wire wire;
        try {
          wire = new Wire(client);
        } catch (IOException e) {
          client.close();
          continue;
        }
        wires.add(wire);
        if (mute) {
          wire.hold(true, true);
        }
        daemon(() -> wire.pump(wire.client, wire.server, false));
        daemon(() -> wire.pump(wire.server, wire.client, true));
      }
    } catch (IOException e) {
      // Closed.
    }
  }

  /** For stores that wait as long for an answer as a busy machine may need. */
  String uri() {
    return uri("20s");
  }

  String uri(String timeout) {
    return "redis://127.0.0.1:" + port() + "?timeout=" + timeout;
  }

  public int port() {
    return listener.getLocalPort();
  }

  /**
   * A new connection is cut by the first PING, and none is made any more.
   *
   * @param dead whether that has happened, to one of those that share it
   */
  void dieOfPing(AtomicBoolean dead) {
    this.dead = dead;
  }

  /** Ends the connections there are; new ones are welcome. */
  public void cut() {
    cut(wire -> true);
  }

  /** The same for some of them. */
  void cut(Predicate<Wire> which) {
    wires.stream().filter(which).forEach(Wire::cut);
  }

  /** From now on nothing passes on the connections there are; new ones are well. */
  void silence(Predicate<Wire> which) {
    hold(which, true, true);
  }

  /** The same on all. */
  public void silence() {
    silence(wire -> true);
  }

  /** The same on the connection by which hints come. */
  public void silenceHints() {
    silence(Wire::isBus);
  }

  /** From now on nothing passes, on new connections neither. */
  void silenceAll() {
    mute = true;
    silence(wire -> true);
  }

  /** Holds requests, or answers, or both on some of the connections there are. */
  void hold(Predicate<Wire> which, boolean requests, boolean answers) {
    wires.stream().filter(which).forEach(wire -> wire.hold(requests, answers));
  }

  /** How often a store has made a connection for its steps. */
  int storesConnected() {
    return storesConnected.get();
  }

  /** What is asked does not arrive; it will when all is released. */
  public void holdRequests() {
    hold(wire -> true, true, false);
  }

  /** What is asked arrives; the answers do not. */
  void holdAnswers() {
    hold(wire -> true, false, true);
  }

  /** Everything passes again, late. */
  public void release() {
    hold(wire -> true, false, false);
  }

  @Override
  public void close() throws IOException {
    listener.close();
    cut();
  }
}
