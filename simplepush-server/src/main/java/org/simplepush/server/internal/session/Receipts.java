package org.simplepush.server.internal.session;

import java.util.List;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;

/** Hears what acknowledgements have cleared in the store. Must not block. */
public interface Receipts {
  /**
   * The store has an acknowledgement.
   *
   * @param cleared what was pending until now
   */
  void acknowledged(Uaid uaid, ClientMessage.Ack ack, List<Update> cleared);
}
