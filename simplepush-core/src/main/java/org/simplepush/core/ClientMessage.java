package org.simplepush.core;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.internal.Checks;

/** What a user agent may say. Immutable; what the server may say is {@link ServerMessage}. */
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
   * Confirms that the device has handled these versions; there is no answer (protocol §5).
   *
   * @param updates what was handled; may hold stale versions and unknown channels
   */
  record Ack(List<Update> updates) implements ClientMessage {
    /**
     * Copies the list.
     *
     * @param updates what was handled
     */
    public Ack {
      updates = List.copyOf(updates);
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
