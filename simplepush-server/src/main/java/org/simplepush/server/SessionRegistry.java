package org.simplepush.server;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;

/** Who is connected here. Soft state: the store is the truth. Safe for use by many threads. */
final class SessionRegistry {
  private final ConcurrentMap<Uaid, Session> sessions = new ConcurrentHashMap<>();
  private final Sleepers sleepers;

  SessionRegistry(Sleepers sleepers) {
    this.sleepers = sleepers;
  }

  /** Makes {@code session} the live one of its user agent; the newest connection wins. */
  void connect(Uaid uaid, Session session) {
    Session displaced = sessions.put(uaid, session);
    if (displaced != null && displaced != session) {
      displaced.takenOver();
    }
    sleepers.remove(uaid);
  }

  /** Forgets {@code session}, unless a newer connection has already taken its place. */
  void disconnect(Uaid uaid, Session session) {
    sessions.remove(uaid, session);
  }

  /** Whether no newer connection has taken its place. */
  boolean isLive(Uaid uaid, Session session) {
    return sessions.get(uaid) == session;
  }

  /** Hands an update to the user agent's session; if there is none, wakes one that sleeps. */
  void deliver(Uaid uaid, Update update) {
    Session session = sessions.get(uaid);
    if (session != null) {
      session.published(uaid, update);
    } else {
      sleepers.published(uaid);
    }
  }
}
