package org.simplepush.server.internal.session;

import org.simplepush.core.Update;

/** A session as the registry knows it. Its methods are called from any thread. */
public interface Registered {
  /** Tells its connection from all others of this server; a later one is higher. */
  long number();

  /** A channel of its user agent has reached a version. */
  void published(Update update);

  /** The same, perhaps on the calling thread, which holds no lock. */
  void publishedInline(Update update);

  /** The same user agent has a newer connection, to this server or to another. */
  void takenOver();

  /** Hints or channels may have been lost: compares with the store after a delay. */
  void compareAfter(long delayNanos);
}
