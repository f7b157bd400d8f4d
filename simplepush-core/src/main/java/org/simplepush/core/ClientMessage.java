package org.simplepush.core;

import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.internal.Checks;

/**
 * What a user agent may say. Immutable; what the server may say is {@link ServerMessage}.
 *
 * @since 0.1
 */
public sealed interface ClientMessage {
  /** The kinds of messages, for an exhaustive {@code switch}. */
  enum Type {
    /** {@link Hello}. */
    HELLO,
    /** {@link Register}. */
    REGISTER,
    /** {@link Unregister}. */
    UNREGISTER,
    /** {@link Ack}. */
    ACK,
    /** {@link Nack}. */
    NACK,
    /** {@link Ping}. */
    PING,
    /** {@link Ignored}. */
    IGNORED
  }

  /** {@return which of the records this is} */
  Type type();

  /**
   * The first message of a connection (protocol §2).
   *
   * @param uaid the identity to resume, or null to be given a new one
   * @param channelIds every channel the device has, or null if it does not say
   * @param wakeUp where the device listens for UDP wake-ups, or null
   * @param mobileNetwork the mobile network it is in, or null
   */
  record Hello(
      @Nullable Uaid uaid,
      @Nullable List<ChannelId> channelIds,
      @Nullable WakeUpAddress wakeUp,
      @Nullable MobileNetwork mobileNetwork)
      implements ClientMessage {
    /**
     * Copies the list.
     *
     * @param uaid the identity, or null
     * @param channelIds the channels, or null
     * @param wakeUp the address, or null
     * @param mobileNetwork the network, or null
     */
    public Hello {
      channelIds = channelIds == null ? null : List.copyOf(channelIds);
    }

    /**
     * A hello without UDP wake-up.
     *
     * @param uaid the identity to resume, or null to be given a new one
     * @param channelIds every channel the device has, or null if it does not say
     */
    public Hello(@Nullable Uaid uaid, @Nullable List<ChannelId> channelIds) {
      this(uaid, channelIds, null, null);
    }

    @Override
    public Type type() {
      return Type.HELLO;
    }
  }

  /**
   * Where a device listens for UDP wake-ups (protocol §9); what it claims, not checked.
   *
   * @param ip the address as text
   * @param port 1 … 65535
   */
  record WakeUpAddress(String ip, int port) {
    /**
     * Checks the port.
     *
     * @param ip the address as text
     * @param port 1 … 65535
     * @throws IllegalArgumentException if {@code port} is out of range
     */
    public WakeUpAddress {
      Checks.peerPort("port", port);
    }
  }

  /**
   * The mobile network a device is in (protocol §2).
   *
   * @param mcc mobile country code
   * @param mnc mobile network code
   */
  record MobileNetwork(String mcc, String mnc) {}

  /**
   * Asks for the endpoint of a channel (protocol §3).
   *
   * @param channelId chosen by the device
   */
  record Register(ChannelId channelId) implements ClientMessage {
    @Override
    public Type type() {
      return Type.REGISTER;
    }
  }

  /**
   * Gives a channel up (protocol §4).
   *
   * @param channelId one of the device's, or of nobody
   */
  record Unregister(ChannelId channelId) implements ClientMessage {
    @Override
    public Type type() {
      return Type.UNREGISTER;
    }
  }

  /**
   * Says that the device is done with these versions; there is no answer (protocol §5).
   *
   * @param updates what it is done with; may hold stale versions and unknown channels
   * @param codes how each of them ended, in the order of the updates; empty if all were {@link
   *     #HANDLED}
   */
  record Ack(List<Update> updates, List<Integer> codes) implements ClientMessage {
    /** An application has the version. An update without a code means the same. */
    public static final int HANDLED = 100;

    /** The device could not decode what it was sent. No application has it. */
    public static final int NOT_DECODABLE = 101;

    /** No application was given the version, for example because it has a newer one. */
    public static final int NOT_DELIVERED = 102;

    /**
     * Copies the lists.
     *
     * @param updates what the device is done with
     * @param codes how each of them ended; empty if all were handled
     * @throws IllegalArgumentException if there are codes, but not one for each update
     */
    public Ack {
      updates = List.copyOf(updates);
      if (!codes.isEmpty() && codes.size() != updates.size()) {
        throw new IllegalArgumentException(
            "An ack must have a code for each of its "
                + updates.size()
                + " updates or none, but has "
                + codes.size());
      }
      codes = isHandled(codes) ? List.of() : List.copyOf(codes);
    }

    private static boolean isHandled(List<Integer> codes) {
      for (int code : codes) {
        if (code != HANDLED) {
          return false;
        }
      }
      return true;
    }

    /**
     * An acknowledgement of what was handled.
     *
     * @param updates what was handled
     */
    public Ack(List<Update> updates) {
      this(updates, List.of());
    }

    /**
     * Returns how an update ended.
     *
     * @param index its place among the updates
     * @return {@link #HANDLED}, {@link #NOT_DECODABLE}, {@link #NOT_DELIVERED} or what else the
     *     device said
     * @throws IndexOutOfBoundsException if there is no such update
     */
    public int code(int index) {
      Objects.checkIndex(index, updates.size());
      return codes.isEmpty() ? HANDLED : codes.get(index);
    }

    /**
     * Tells whether a code says that an application has the version.
     *
     * @param code one of an acknowledgement
     * @return false for {@link #NOT_DECODABLE} and {@link #NOT_DELIVERED}
     */
    public static boolean isDelivered(int code) {
      return code != NOT_DECODABLE && code != NOT_DELIVERED;
    }

    @Override
    public Type type() {
      return Type.ACK;
    }
  }

  /** An application failed to handle a version; counted, drops nothing (protocol §5). */
  record Nack() implements ClientMessage {
    @Override
    public Type type() {
      return Type.NACK;
    }
  }

  /** Asks for a sign of life: <code>{}</code> (protocol §6). */
  record Ping() implements ClientMessage {
    @Override
    public Type type() {
      return Type.PING;
    }
  }

  /**
   * A message of other dialects that asks for nothing here (protocol §6).
   *
   * @param messageType {@code purge} or {@code broadcast_subscribe}
   */
  record Ignored(String messageType) implements ClientMessage {
    @Override
    public Type type() {
      return Type.IGNORED;
    }
  }
}
