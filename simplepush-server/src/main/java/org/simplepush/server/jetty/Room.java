package org.simplepush.server.jetty;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.eclipse.jetty.io.EndPoint;
import org.simplepush.server.EndpointServer;

/**
 * What connections and unfinished requests may take. When that is used up, the connections close
 * that have been idle, or in the middle of a request, for the longest: a new application server is
 * always answered.
 */
final class Room {
  /** More would take too many of the files that a process may open. */
  private static final int MAX_CONNECTIONS = 10_000;

  /** So many of the connections close at once, so as not to look for some every time. */
  private static final int PART = 64;

  private final EndpointServer.Limits limits;
  private final Supplier<Collection<EndPoint>> connections;
  private final AtomicBoolean making = new AtomicBoolean();

  Room(EndpointServer.Limits limits, Supplier<Collection<EndPoint>> connections) {
    this.limits = limits;
    this.connections = connections;
  }

  EndpointServer.Limits limits() {
    return limits;
  }

  /** Notes bytes that are held, and makes room if these are too many. */
  void hold(long bytes) {
    limits.hold(bytes);
    if (limits.isFull() || connections.get().size() > MAX_CONNECTIONS) {
      make();
    }
  }

  private record Idle(RequestEndPoint connection, long millis) {}

  /** Closes some connections, whether there is room or not. */
  void make() {
    if (!making.compareAndSet(false, true)) {
      return;
    }
    try {
      List<Idle> longestFirst =
          connections.get().stream()
              .filter(RequestEndPoint.class::isInstance)
              .map(RequestEndPoint.class::cast)
              .filter(RequestEndPoint::isOpen)
              .map(connection -> new Idle(connection, connection.getIdleFor()))
              .sorted(Comparator.comparingLong(Idle::millis).reversed())
              .toList();
      int all = longestFirst.size();
      int least = Math.max(all / PART, all - MAX_CONNECTIONS);
      for (int i = 0; i < all && (i < least || limits.isFull()); i++) {
        limits.shed();
        longestFirst.get(i).connection().close();
      }
    } finally {
      making.set(false);
    }
  }
}
