package org.simplepush.server.internal.http;

import java.net.InetSocketAddress;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Decides which connections of the JDK's HTTP server stay open after an answer.
 *
 * <p>That server lets nobody at its idle connections. When it has as many as it may, it closes the
 * one that was answered last, without having said so, and the next request on it is lost. So it is
 * never let get there: an answer that is one too many here says that it is the last one. Whoever
 * was refused what they asked for gets no more than half of the places, so strangers who know no
 * endpoint cannot take the others.
 *
 * <p>A connection that its client closes is only forgotten when the server would have closed it.
 * Safe for use by many threads; no method blocks.
 */
final class KeptConnections {
  private final int most;
  private final long idleNanos;

  /** Since when each is idle, by its client; the longest idle ones first. */
  private final Map<InetSocketAddress, Long> idleSince = new LinkedHashMap<>();

  /**
   * Begins without any.
   *
   * @param most how many may be idle
   * @param idleNanos after how long the server itself has closed an idle one
   */
  KeptConnections(int most, long idleNanos) {
    this.most = most;
    this.idleNanos = idleNanos;
  }

  /**
   * An answer is about to be sent. Returns whether its connection stays open, which is idle then.
   *
   * @param accepted whether the client got what it asked for
   * @param now by {@link System#nanoTime()}
   */
  synchronized boolean keep(InetSocketAddress client, boolean accepted, long now) {
    forgetClosed(now);
    if (idleSince.size() >= (accepted ? most : most / 2)) {
      return false;
    }
    idleSince.put(client, now);
    return true;
  }

  private void forgetClosed(long now) {
    Iterator<Long> since = idleSince.values().iterator();
    while (since.hasNext() && now - since.next() >= idleNanos) {
      since.remove();
    }
  }

  /** A connection is not idle: it has a request, or it has ended. */
  synchronized void forget(InetSocketAddress client) {
    idleSince.remove(client);
  }
}
