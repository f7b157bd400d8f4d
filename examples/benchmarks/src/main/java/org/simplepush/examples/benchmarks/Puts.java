package org.simplepush.examples.benchmarks;

import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;

/**
 * Decides when the application server's connections of one loop PUT to which channel; channels take
 * turns. Confined to the loop.
 */
abstract class Puts implements PutConnection.Driver {
  private final List<Channel> channels;
  private int turn;
  private int busy;
  private boolean stopped;
  private final CompletableFuture<Void> done = new CompletableFuture<>();

  Puts(List<Channel> channels, int connections) {
    this.channels = channels;
    this.busy = connections;
  }

  /** Completes when no request is under way and no other will be sent. */
  final CompletableFuture<Void> done() {
    return done;
  }

  /** Sends no more requests. */
  void stop() {
    stopped = true;
  }

  final boolean isStopped() {
    return stopped;
  }

  final void put(PutConnection connection, long due) {
    Channel next = channels.get(turn);
    turn = turn + 1 == channels.size() ? 0 : turn + 1;
    connection.put(next, due);
  }

  final void park() {
    if (--busy == 0) {
      done.complete(null);
    }
  }

  /** Each connection sends its next request when the last was answered. */
  static final class Closed extends Puts {
    private long left;

    /** Sends so many requests in all. */
    Closed(List<Channel> channels, int connections, long limit) {
      super(channels, connections);
      this.left = limit;
    }

    @Override
    public void idle(PutConnection connection) {
      if (isStopped() || left == 0) {
        park();
        return;
      }
      left--;
      put(connection, System.nanoTime());
    }
  }

  /**
   * Requests are due at a fixed rate, whatever the server does. One that finds no free connection
   * is sent later, and its wait counts.
   */
  static final class Open extends Puts {
    private final Queue<PutConnection> free = new ArrayDeque<>();
    private final long start;
    private final double period;
    private long sent;

    /** Request i is due at start + i × period, both in nanoseconds. */
    Open(List<Channel> channels, int connections, long start, double period) {
      super(channels, connections);
      this.start = start;
      this.period = period;
    }

    private long due() {
      return start + (long) (sent * period);
    }

    @Override
    public void idle(PutConnection connection) {
      if (isStopped()) {
        park();
      } else if (due() - System.nanoTime() <= 0) {
        send(connection);
      } else {
        free.add(connection);
      }
    }

    /** Sends what is due by now. */
    void tick() {
      while (!isStopped() && !free.isEmpty() && due() - System.nanoTime() <= 0) {
        send(free.remove());
      }
    }

    private void send(PutConnection connection) {
      long due = due();
      sent++;
      put(connection, due);
    }

    @Override
    void stop() {
      super.stop();
      for (int i = free.size(); i > 0; i--) {
        park();
      }
    }
  }
}
