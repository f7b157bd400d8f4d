package org.simplepush.core;

import java.net.URI;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a push server may say. Immutable; what a user agent may say is {@link ClientMessage}.
 *
 * @since 0.1
 */
public sealed interface ServerMessage {
  /** The kinds of messages, for an exhaustive {@code switch}. */
  enum Type {
    /** {@link Hello}. */
    HELLO,
    /** {@link Redirect}. */
    REDIRECT,
    /** {@link Register}. */
    REGISTER,
    /** {@link Unregister}. */
    UNREGISTER,
    /** {@link Notification}. */
    NOTIFICATION,
    /** {@link Ping}. */
    PING,
    /** {@link Failure}. */
    FAILURE
  }

  /** {@return which of the records this is} */
  Type type();

  /**
   * Accepts a hello (protocol §2). A UAID other than the device sent means that everything it had
   * here is gone.
   *
   * @param uaid the identity of the device from now on
   * @param wakeUp whether the server will close with {@link CloseCode#WAKE_UP} when quiet and wake
   *     the device by UDP (status 201, protocol §9)
   */
  record Hello(Uaid uaid, boolean wakeUp) implements ServerMessage {
    /**
     * A hello of status 200.
     *
     * @param uaid the identity of the device from now on
     */
    public Hello(Uaid uaid) {
      this(uaid, false);
    }

    @Override
    public Type type() {
      return Type.HELLO;
    }
  }

  /**
   * Answers a hello with status 307: connect there instead (protocol §2).
   *
   * @param target the WebSocket URL of another push server
   */
  record Redirect(URI target) implements ServerMessage {
    @Override
    public Type type() {
      return Type.REDIRECT;
    }
  }

  /**
   * A channel has this endpoint now (protocol §3).
   *
   * @param channelId as the device wrote it
   * @param endpoint a secret
   */
  record Register(ChannelId channelId, URI endpoint) implements ServerMessage {
    @Override
    public Type type() {
      return Type.REGISTER;
    }

    /** Leaves the endpoint out. */
    @Override
    public String toString() {
      return "Register[channelId=" + channelId + "]";
    }
  }

  /**
   * A channel is no more (protocol §4).
   *
   * @param channelId as the device wrote it
   */
  record Unregister(ChannelId channelId) implements ServerMessage {
    @Override
    public Type type() {
      return Type.UNREGISTER;
    }
  }

  /**
   * Channels have reached these versions (protocol §5).
   *
   * @param updates at most one for each channel
   */
  record Notification(List<Update> updates) implements ServerMessage {
    /**
     * Copies the list.
     *
     * @param updates what was published
     */
    public Notification {
      updates = List.copyOf(updates);
    }

    @Override
    public Type type() {
      return Type.NOTIFICATION;
    }
  }

  /** A sign of life: <code>{}</code> (protocol §6). */
  record Ping() implements ServerMessage {
    @Override
    public Type type() {
      return Type.PING;
    }
  }

  /**
   * A request failed; nothing was changed (protocol §7). Also a hello answered with 429 and a
   * register answered with 409.
   *
   * @param messageType of the request, as sent, but no more than its first 64 characters; null if
   *     it had none
   * @param channelId of the request, likewise, be it valid or not; null if it had none
   * @param status 401, 409, 429, 500 or 503; a device should expect others
   * @param error a short sentence
   */
  record Failure(@Nullable String messageType, @Nullable String channelId, int status, String error)
      implements ServerMessage {
    /** The request was malformed, or came before hello. */
    public static final int MALFORMED = 401;

    /** The channel id belongs to somebody else; other servers send it, this one never does. */
    public static final int CONFLICT = 409;

    /** Too many; come back later. */
    public static final int TOO_MANY = 429;

    /** The server failed. */
    public static final int FAILED = 500;

    /** The server cannot do it now, or a limit is reached. */
    public static final int UNAVAILABLE = 503;

    @Override
    public Type type() {
      return Type.FAILURE;
    }

    /** Abbreviates the channel id. */
    @Override
    public String toString() {
      String id = channelId == null ? "none" : WrittenUuid.abbreviated(channelId);
      return "Failure[messageType=%s, channelId=%s, status=%d, error=%s]"
          .formatted(messageType, id, status, error);
    }
  }
}
