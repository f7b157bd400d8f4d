package org.simplepush.client.internal.device;

import java.net.URI;
import org.simplepush.core.ChannelId;

/** A message for an application. */
sealed interface Message {
  /** The kinds of messages. */
  enum Type {
    PUSH,
    REGISTERED,
    REPLACED,
    PUSH_REGISTER,
    SYNCHRONISE
  }

  /** Returns the kind. */
  Type type();

  /** Returns what two messages have in common if the newer one replaces the older one. */
  Object key();

  /**
   * A channel has a new version.
   *
   * @param channelId the channel that the application knows
   * @param via the channel the version came on: another one if the two count as one
   */
  record Push(ChannelId channelId, URI endpoint, long version, ChannelId via) implements Message {
    @Override
    public Type type() {
      return Type.PUSH;
    }

    @Override
    public Object key() {
      return channelId;
    }

    /** Leaves the endpoint out. */
    @Override
    public String toString() {
      return "Push[channelId=" + channelId + ", version=" + version + "]";
    }
  }

  /** A queued register has got its endpoint. */
  record Registered(ChannelId channelId, String tag, URI endpoint) implements Message {
    @Override
    public Type type() {
      return Type.REGISTERED;
    }

    @Override
    public Object key() {
      return "registered " + tag;
    }

    /** Leaves the endpoint out. */
    @Override
    public String toString() {
      return "Registered[channelId=" + channelId + "]";
    }
  }

  /** An endpoint that is lost, old or not trusted has a successor. */
  record Replaced(ChannelId channelId, URI lost, URI endpoint) implements Message {
    @Override
    public Type type() {
      return Type.REPLACED;
    }

    @Override
    public Object key() {
      return lost;
    }

    /** Leaves the endpoints out. */
    @Override
    public String toString() {
      return "Replaced[channelId=" + channelId + "]";
    }
  }

  /** The endpoints are lost. */
  record PushRegister() implements Message {
    @Override
    public Type type() {
      return Type.PUSH_REGISTER;
    }

    @Override
    public Object key() {
      return PushRegister.class;
    }
  }

  /** Nothing has woken the application for long. */
  record Synchronise() implements Message {
    @Override
    public Type type() {
      return Type.SYNCHRONISE;
    }

    @Override
    public Object key() {
      return Synchronise.class;
    }
  }
}
