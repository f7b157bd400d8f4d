package org.simplepush.client.internal.device;

import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;

/** A channel of an application, and what that has handled. Confined to the loop. */
final class Registration {
  final String application;
  final ChannelId channelId;
  final URI endpoint;
  private Handled handled;

  /** What the application uses in place of this one, and has confirmed. */
  @Nullable ChannelId successor;

  /** The last version that was handled; shared by the two channels of a renewal. */
  private static final class Handled {
    @Nullable Long version;
  }

  Registration(String application, ChannelId channelId, URI endpoint, @Nullable Long version) {
    this.application = application;
    this.channelId = channelId;
    this.endpoint = endpoint;
    this.handled = new Handled();
    this.handled.version = version;
  }

  /** This takes the place of another one and goes on with its versions. */
  Registration succeeding(Registration old) {
    old.handled(handled.version);
    handled = old.handled;
    return this;
  }

  /** What another channel has handed over does not count for this one. */
  void startAfresh() {
    handled = new Handled();
  }

  /** Returns the last version that the application has handled; null if there is none. */
  @Nullable Long version() {
    return handled.version;
  }

  /** Whether the application has handled neither this version nor a higher one. */
  boolean isNews(long candidate) {
    Long version = handled.version;
    return version == null || candidate > version;
  }

  /** The application has handled a version. */
  void handled(@Nullable Long newVersion) {
    if (newVersion != null && isNews(newVersion)) {
      handled.version = newVersion;
    }
  }
}
