package org.simplepush.client.internal.device;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.simplepush.client.internal.connection.Connector;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage;

/**
 * Gives channels up: first here, then in the storage, then at the server (protocol §10).
 *
 * <p>Until the storage lists a channel no more, hellos list it: a device that restarted would ask
 * for it, and a server that lacked it would take all channels for lost (protocol §2). Confined to
 * the loop.
 */
final class Channels {
  private final DeviceState state;
  private final StateSaver saver;
  private final Connector connector;
  private final Acks acks;
  private final Schedule schedule;

  /** Channels that are given up, though what is stored may still list them. */
  private final Set<ChannelId> leaving = new LinkedHashSet<>();

  /** Which of these the last hello listed. */
  private Set<ChannelId> listed = Set.of();

  Channels(DeviceState state, StateSaver saver, Connector connector, Acks acks, Schedule schedule) {
    this.state = state;
    this.saver = saver;
    this.connector = connector;
    this.acks = acks;
    this.schedule = schedule;
  }

  /** Gives a channel up. */
  void drop(ChannelId channelId) {
    state.remove(channelId);
    acks.forget(channelId);
    schedule.cancel(channelId);
    leaving.add(channelId);
    saver.changed();
  }

  /**
   * All changes are stored, so no restart asks for the channels that were given up: the server is
   * to drop them. Without a connection, the next hello says the same by not listing them.
   */
  void stored() {
    leaving.forEach(channelId -> connector.send(new ClientMessage.Unregister(channelId)));
    leaving.clear();
  }

  /** Returns what a hello lists. */
  List<ChannelId> forHello() {
    List<ChannelId> channelIds = new ArrayList<>(state.channelIds());
    channelIds.addAll(leaving);
    listed = Set.copyOf(leaving);
    return List.copyOf(channelIds);
  }

  /** The hello was answered. What it listed may have been stored as given up since. */
  void greeted() {
    for (ChannelId channelId : listed) {
      if (!leaving.contains(channelId)) {
        connector.send(new ClientMessage.Unregister(channelId));
      }
    }
    listed = Set.of();
  }

  /** The server has lost all channels. */
  void lost() {
    leaving.clear();
    listed = Set.of();
  }
}
