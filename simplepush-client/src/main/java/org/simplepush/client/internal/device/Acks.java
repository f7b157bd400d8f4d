package org.simplepush.client.internal.device;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.simplepush.client.internal.connection.Connector;
import org.simplepush.client.internal.run.Loop;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.Update;

/**
 * The acknowledgements to be sent when all changes so far are stored; of each channel the highest
 * version. Confined to the loop.
 */
final class Acks implements StateSaver.Waiter {
  /** How many updates one message acknowledges: servers take 64 KiB by default. */
  static final int IN_A_MESSAGE = 500;

  /** How many acknowledgements wait; a server that demands more has to repeat itself. */
  static final int MAX = 8 * IN_A_MESSAGE;

  private final Loop loop;
  private final StateSaver saver;
  private final Connector connector;
  private final Map<ChannelId, Long> versions = new LinkedHashMap<>();
  private boolean queued;

  Acks(Loop loop, StateSaver saver, Connector connector) {
    this.loop = loop;
    this.saver = saver;
    this.connector = connector;
  }

  /** Acknowledges a version when all changes so far are stored. */
  void add(ChannelId channelId, long version) {
    if (versions.size() >= MAX && !versions.containsKey(channelId)) {
      return; // the server sends it again, and it is acknowledged then
    }
    versions.merge(channelId, version, Math::max);
    if (!queued) {
      loop.execute(this::sendWhenSaved);
      queued = true;
    }
  }

  private void sendWhenSaved() {
    queued = false;
    saver.whenSaved(this);
  }

  @Override
  public void saved() {
    send();
  }

  /** What is not stored is not acknowledged; the server offers it again. */
  @Override
  public void failed(Throwable cause) {
    versions.clear();
  }

  /** Sends them; the caller knows that all changes are stored. */
  void send() {
    if (versions.isEmpty()) {
      return;
    }
    List<Update> updates = new ArrayList<>(versions.size());
    versions.forEach((channelId, version) -> updates.add(new Update(channelId, version)));
    versions.clear(); // if there is no connection, the server offers them again on the next one
    for (int from = 0; from < updates.size(); from += IN_A_MESSAGE) {
      int to = Math.min(updates.size(), from + IN_A_MESSAGE);
      connector.send(new ClientMessage.Ack(updates.subList(from, to)));
    }
  }

  void forget(ChannelId channelId) {
    versions.remove(channelId);
  }

  void clear() {
    versions.clear();
  }
}
