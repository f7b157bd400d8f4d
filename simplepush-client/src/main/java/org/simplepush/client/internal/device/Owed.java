package org.simplepush.client.internal.device;

import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;

/**
 * An endpoint that the device owes an application. It is registered as soon as that is possible,
 * and owed until the application has handled it. Confined to the loop.
 */
abstract sealed class Owed {
  final String application;

  /** The channel registered for it, which the application does not know yet; null if none is. */
  @Nullable ChannelId channelId;

  /** How many registers for it have failed since the start; not stored. */
  int failures;

  private Owed(String application, @Nullable ChannelId channelId) {
    this.application = application;
    this.channelId = channelId;
  }

  /** The kinds. */
  enum Type {
    QUEUED,
    REPLACEMENT,
    RENEWAL
  }

  /** Returns the kind. */
  abstract Type type();

  /** Returns what hands the endpoint of its channel to the application. */
  abstract Message message(Registration fulfilling);

  /** Whether the application is to use it in the place of this endpoint. */
  boolean isInPlaceOf(URI endpoint) {
    return false;
  }

  /** Whether the server has lost the endpoint that this takes the place of. */
  boolean isLoss() {
    return false;
  }

  /**
   * Returns the channel whose versions count as those of the new one; null if the new one begins at
   * any version.
   */
  @Nullable ChannelId versionsSharedWith() {
    return null;
  }

  /** The application asked for it under a tag. */
  static final class Queued extends Owed {
    final String tag;

    Queued(String application, String tag, @Nullable ChannelId channelId) {
      super(application, channelId);
      this.tag = tag;
    }

    @Override
    Type type() {
      return Type.QUEUED;
    }

    @Override
    Message message(Registration fulfilling) {
      return new Message.Registered(fulfilling.channelId, tag, fulfilling.endpoint);
    }
  }

  /** It takes the place of an endpoint that the server has lost. */
  static final class Replacement extends Owed {
    final URI lost;

    Replacement(String application, URI lost, @Nullable ChannelId channelId) {
      super(application, channelId);
      this.lost = lost;
    }

    @Override
    Type type() {
      return Type.REPLACEMENT;
    }

    @Override
    Message message(Registration fulfilling) {
      return new Message.Replaced(fulfilling.channelId, lost, fulfilling.endpoint);
    }

    @Override
    boolean isInPlaceOf(URI endpoint) {
      return endpoint.equals(lost);
    }

    @Override
    boolean isLoss() {
      return true;
    }
  }

  /** It takes the place of an endpoint that works, but is old or no longer trusted. */
  static final class Renewal extends Owed {
    final ChannelId renewed;
    private final URI old;

    /**
     * Whether the old endpoint is of no use any more: what came for it means nothing for the new
     * one, and it ends when the application has handled that.
     */
    boolean distrusted;

    Renewal(Registration old) {
      super(old.application, null);
      this.renewed = old.channelId;
      this.old = old.endpoint;
    }

    @Override
    Type type() {
      return Type.RENEWAL;
    }

    @Override
    Message message(Registration fulfilling) {
      return new Message.Replaced(fulfilling.channelId, old, fulfilling.endpoint);
    }

    @Override
    boolean isInPlaceOf(URI endpoint) {
      return endpoint.equals(old);
    }

    @Override
    @Nullable ChannelId versionsSharedWith() {
      return distrusted ? null : renewed;
    }
  }
}
