package org.simplepush.client.internal.device;

import java.time.Duration;
import java.util.Objects;
import org.simplepush.client.internal.Settings;
import org.simplepush.client.internal.device.Deadlines.Renew;
import org.simplepush.client.internal.device.Deadlines.Retire;
import org.simplepush.client.internal.device.Deadlines.Synchronise;
import org.simplepush.core.ChannelId;

/**
 * What the device does after days, as far as its settings ask for it: renew endpoints, end those
 * that were renewed, and have applications synchronise. Confined to the loop.
 */
final class Schedule {
  private final Settings settings;
  private final DeviceState state;
  private final Deadlines deadlines;

  Schedule(Settings settings, DeviceState state, Deadlines deadlines) {
    this.settings = settings;
    this.state = state;
    this.deadlines = deadlines;
  }

  /** Goes on with what is stored, and begins what the settings ask for now. */
  void start() {
    if (settings.synchroniseAfter() == null) {
      state.deadlines().keySet().removeIf(Synchronise.class::isInstance);
    }
    if (settings.renewal() == null) {
      state.deadlines().keySet().removeIf(Renew.class::isInstance);
    }
    deadlines.start();
    for (Registration registration : state.registrations()) {
      watch(registration.application);
      boolean isSettled =
          registration.successor == null
              && state.renewalOf(registration.channelId) == null
              && state.fulfilledBy(registration.channelId) == null;
      if (isSettled && !deadlines.contains(new Renew(registration.channelId))) {
        renewLater(registration.channelId);
      }
    }
  }

  /** Returns how long a wait is by the settings. */
  Duration waitFor(Deadlines.Deadline deadline) {
    Settings.Renewal renewal = settings.renewal();
    return switch (deadline.type()) {
      case SYNCHRONISE -> Objects.requireNonNull(settings.synchroniseAfter());
      // What was begun under another setting ends as it was set.
      case RENEW -> renewal == null ? Settings.LONGEST_WAIT : renewal.age();
      case RETIRE -> renewal == null ? Settings.LONGEST_WAIT : renewal.overlap();
    };
  }

  /** The endpoint of this channel is renewed when it is old. */
  void renewLater(ChannelId channelId) {
    if (settings.renewal() != null) {
      deadlines.set(new Renew(channelId));
    }
  }

  /** The endpoint of this channel is not renewed, unless that is asked for again. */
  void cancelRenewal(ChannelId channelId) {
    deadlines.cancel(new Renew(channelId));
  }

  /** The channel, which has a successor, ends after the overlap. */
  void retireLater(ChannelId channelId) {
    deadlines.set(new Retire(channelId));
  }

  /** Nothing is to happen to this channel. */
  void cancel(ChannelId channelId) {
    deadlines.cancel(new Renew(channelId));
    deadlines.cancel(new Retire(channelId));
  }

  /** From now on the application synchronises when nothing has woken it for long. */
  void watch(String application) {
    if (settings.synchroniseAfter() != null && !isWatched(application)) {
      deadlines.set(new Synchronise(application));
    }
  }

  boolean isWatched(String application) {
    return deadlines.contains(new Synchronise(application));
  }

  /** Starts the wait again: the application was woken, and is as new as its server by now. */
  void synchronised(Inbox inbox) {
    Synchronise deadline = new Synchronise(inbox.application());
    if (deadlines.contains(deadline)) {
      inbox.forget(new Message.Synchronise());
      deadlines.set(deadline);
    }
  }

  /** An application without endpoints has nothing to synchronise. */
  void unwatchIfUnused(Inbox inbox) {
    if (!state.isUsing(inbox.application())) {
      unwatch(inbox.application());
      inbox.forget(new Message.Synchronise());
    }
  }

  void unwatch(String application) {
    deadlines.cancel(new Synchronise(application));
  }

  /** The device may have slept without a timer running. */
  void awake() {
    deadlines.awake();
  }

  void stop() {
    deadlines.stop();
  }
}
