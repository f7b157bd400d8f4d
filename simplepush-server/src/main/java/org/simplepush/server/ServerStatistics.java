package org.simplepush.server;

import java.util.List;

/**
 * What a {@link PushServer} has done since it was built. All but {@code connections}, {@code
 * sleeping} and {@code memory} only grow. The numbers are read one after another while the server
 * runs, so they may disagree by what happened meanwhile.
 *
 * <p>The server implements this; later versions count more. Immutable.
 *
 * @since 0.1
 */
public interface ServerStatistics {
  /** Returns the number of WebSocket connections open now, those still shaking hands included. */
  long connections();

  /** Returns the number of TCP connections accepted on the WebSocket port. */
  long connectionsOpened();

  /**
   * Returns the number of connections that have ended, for whatever reason; those open now and
   * these are all that were opened.
   */
  long connectionsClosed();

  /**
   * Returns the number of connections turned away: over a limit, not admitted by the {@link
   * Admission}, or not a handshake of this protocol.
   */
  long connectionsRefused();

  /** Returns the number of hellos answered with a UAID. */
  long hellos();

  /** Returns the number of hellos answered with a UAID other than the device sent, or sent none. */
  long uaidsAssigned();

  /** Returns the number of connections closed because their user agent connected anew. */
  long takeovers();

  /** Returns the number of registers answered with 200. */
  long registers();

  /** Returns the number of unregisters answered with 200. */
  long unregisters();

  /**
   * Returns the number of updates published that raised a version: each is acknowledged in the end,
   * or collapses, or goes with its channel.
   */
  long updatesAccepted();

  /**
   * Returns the number of accepted updates that a higher version replaced before a device had
   * acknowledged them.
   */
  long updatesCollapsed();

  /** Returns the number of updates published that were equal to the current version. */
  long updatesRepeated();

  /**
   * Returns the number of updates published that were lower than the current version, or came
   * without a version when the highest was reached.
   */
  long updatesStale();

  /** Returns the number of updates answered with 410. */
  long updatesGone();

  /**
   * Returns the number of requests to endpoints answered with 400, 404, 405, 413, 415, 429 or 500.
   */
  long updatesRefused();

  /** Returns the number of updates sent to devices, repetitions included. */
  long updatesSent();

  /** Returns the number of repetitions because an update was not acknowledged in time. */
  long updatesResent();

  /** Returns the number of acknowledgements of updates, repeated and outdated ones included. */
  long updatesAcknowledged();

  /** Returns the number of nacks received. */
  long nacks();

  /** Returns the number of steps that the store failed. */
  long storeFailures();

  /** Returns the number of user agents dropped because they were not seen. */
  long userAgentsExpired();

  /** Returns the number of devices that sleep now until a datagram wakes them (protocol §9). */
  long sleeping();

  /** Returns the number of datagrams sent to wake devices, repetitions included. */
  long wakeUpsSent();

  /**
   * Returns the number of hints that other nodes, or this one, sent to this node through a shared
   * store.
   */
  long hintsReceived();

  /** Returns how often such hints may have been lost, so that all was compared with the store. */
  long hintsLost();

  /**
   * Returns how often a shared store had lost what it had confirmed, each of its servers and each
   * loss counted once by every node.
   */
  long storeLosses();

  /**
   * Returns the number of versions, channels and user agents that were missing then and that this
   * node has put back.
   */
  long storeRestored();

  /**
   * Returns the number of connections closed because a shared store had a newer one of their user
   * agent, which is what keeps late steps of frozen nodes from doing harm; counted among the
   * takeovers.
   */
  long superseded();

  /**
   * Returns how often a shared store turned out to lack a channel of a device that is connected or
   * sleeps here, or to have one too many; the device was told to say hello again.
   */
  long digestMismatches();

  /**
   * Returns how often a device was compared with a shared store because somebody wanted to publish
   * to a channel that it does not have.
   */
  long goneHints();

  /**
   * Returns the number of hellos and registers refused because too many user agents or channels
   * came from one address, or the store holds as many as it may.
   */
  long registrationsRefused();

  /**
   * Returns what strangers make the server hold, one entry for each kind: see {@link
   * PushServer.Builder#maxMemory}.
   */
  List<MemoryUse> memory();

  /**
   * Memory that strangers make the server hold (protocol §13).
   *
   * @param kind {@code connections}, {@code backlog}, {@code input} or {@code requests}
   * @param used in bytes, now
   * @param limit in bytes
   * @param shed how many connections or requests were refused or closed because of this limit
   */
  public record MemoryUse(String kind, long used, long limit, long shed) {}
}
