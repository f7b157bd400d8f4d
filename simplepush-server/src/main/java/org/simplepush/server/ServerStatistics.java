package org.simplepush.server;

import java.util.List;

/**
 * What a {@link PushServer} has done since it was built. All but {@code connections}, {@code
 * sleeping} and {@code memory} only grow. The numbers are read one after another while the server
 * runs, so they may disagree by what happened meanwhile.
 *
 * @param connections WebSocket connections open now, those still shaking hands included
 * @param connectionsOpened TCP connections accepted on the WebSocket port
 * @param connectionsClosed connections that have ended, for whatever reason; those open now and
 *     these are all that were opened
 * @param connectionsRefused connections turned away: over a limit, not admitted by the {@link
 *     Admission}, or not a handshake of this protocol
 * @param hellos hellos answered with a UAID
 * @param uaidsAssigned hellos answered with a UAID other than the device sent, or sent none
 * @param takeovers connections closed because their user agent connected anew
 * @param registers registers answered with 200
 * @param unregisters unregisters answered with 200
 * @param updatesAccepted updates published that raised a version: each is acknowledged in the end,
 *     or collapses, or goes with its channel
 * @param updatesCollapsed accepted updates that a higher version replaced before a device had
 *     acknowledged them
 * @param updatesRepeated updates published that were equal to the current version
 * @param updatesStale updates published that were lower than the current version, or came without a
 *     version when the highest was reached
 * @param updatesGone updates answered with 410
 * @param updatesRefused requests to endpoints answered with 400, 404, 405, 413, 415, 429 or 500
 * @param updatesSent updates sent to devices, repetitions included
 * @param updatesResent repetitions because an update was not acknowledged in time
 * @param updatesAcknowledged acknowledgements of updates, repeated and outdated ones included
 * @param nacks nacks received
 * @param storeFailures steps that the store failed
 * @param userAgentsExpired user agents dropped because they were not seen
 * @param sleeping devices that sleep now until a datagram wakes them (protocol §9)
 * @param wakeUpsSent datagrams sent to wake devices, repetitions included
 * @param wordsHeard words that other nodes, or this one, sent to this node through a shared store
 * @param wordsLost how often such words may have been lost, so that all was compared with the store
 * @param superseded connections closed because a shared store had a newer one of their user agent,
 *     which is what keeps late steps of frozen nodes from doing harm; counted among the takeovers
 * @param digestMismatches how often a shared store turned out to lack a channel of a device that is
 *     connected or sleeps here, or to have one too many; the device was told to say hello again
 * @param goneHints how often a device was compared with a shared store because somebody wanted to
 *     publish to a channel that it does not have
 * @param registrationsRefused hellos and registers refused because too many user agents or channels
 *     came from one address, or the store holds as many as it may
 * @param memory what strangers make the server hold, one entry for each kind: see {@link
 *     PushServer.Builder#maxMemory}
 */
public record ServerStatistics(
    long connections,
    long connectionsOpened,
    long connectionsClosed,
    long connectionsRefused,
    long hellos,
    long uaidsAssigned,
    long takeovers,
    long registers,
    long unregisters,
    long updatesAccepted,
    long updatesCollapsed,
    long updatesRepeated,
    long updatesStale,
    long updatesGone,
    long updatesRefused,
    long updatesSent,
    long updatesResent,
    long updatesAcknowledged,
    long nacks,
    long storeFailures,
    long userAgentsExpired,
    long sleeping,
    long wakeUpsSent,
    long wordsHeard,
    long wordsLost,
    long superseded,
    long digestMismatches,
    long goneHints,
    long registrationsRefused,
    List<MemoryUse> memory) {
  /** Copies the list. */
  public ServerStatistics {
    memory = List.copyOf(memory);
  }

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
