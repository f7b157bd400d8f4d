package org.simplepush.server;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;

/** Who is connected here. Soft state: the store is the truth. Safe for use by many threads. */
final class SessionRegistry {
  private final ConcurrentMap<Uaid, Session> sessions = new ConcurrentHashMap<>();

  /** Makes {@code session} the live one of its user agent; the newest connection wins. */
  void connect(Uaid uaid, Session session) {
    Session displaced = sessions.put(uaid, session);
    if (displaced != null && displaced != session) {
      displaced.takenOver();
    }
  }

  /** Forgets {@code session}, unless a newer connection has already taken its place. */
  void disconnect(Uaid uaid, Session session) {
    sessions.remove(uaid, session);
  }

  /** Hands an update to the user agent's session, if it is connected. */
  void deliver(Uaid uaid, Update update) {
    Session session = sessions.get(uaid);
    if (session != null) {
      session.published(uaid, update);
    }
  }
}
