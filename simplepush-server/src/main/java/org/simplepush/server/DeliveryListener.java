package org.simplepush.server;

import java.time.Instant;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.Uaid;

/**
 * Hears which versions devices have acknowledged, see {@link
 * PushServer.Builder#deliveryListener(DeliveryListener)}.
 *
 * <p>Calls come one at a time, on one thread of the server that does nothing else. Those for one
 * device come in the order of its acknowledgements. A slow listener delays no device: up to 10,000
 * deliveries wait for it. Further ones are not reported, and the log says so once a minute. What a
 * listener throws is logged, once a minute, and the next delivery is reported.
 *
 * <p>A delivery is reported once at most, by the node that took the acknowledgement, and not before
 * the store has it. It is not reported if the process ends first, or if the store fails, though it
 * may have cleared the version.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface DeliveryListener {
  /**
   * A version was delivered.
   *
   * @param delivered what was delivered to whom
   */
  void onDelivered(Delivered delivered);

  /**
   * A version that was pending until a device acknowledged it. Versions that it has replaced, and
   * those that the device could not decode or did not hand over (codes 101 and 102), are never
   * delivered.
   *
   * @param uaid the user agent
   * @param channelId the channel
   * @param version the version that was pending. The device may have acknowledged a higher one
   * @param code what the device said of it: {@link ClientMessage.Ack#HANDLED}, or another code
   *     whose meaning the protocol does not know
   * @param at when the store had the acknowledgement, by the clock of this machine
   */
  record Delivered(Uaid uaid, ChannelId channelId, long version, int code, Instant at) {}
}
