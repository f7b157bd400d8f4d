package org.simplepush.client.internal.device;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives endpoints successors: those that are old, and those that an application does not trust any
 * more. Knows what else ends when one of the two ends. Confined to the loop.
 */
final class Renewals {
  private static final Logger log = LoggerFactory.getLogger(Renewals.class);

  private final DeviceState state;
  private final Schedule schedule;
  private final Channels channels;
  private final Inboxes inboxes;
  private final Registrar registrar;

  Renewals(
      DeviceState state,
      Schedule schedule,
      Channels channels,
      Inboxes inboxes,
      Registrar registrar) {
    this.state = state;
    this.schedule = schedule;
    this.channels = channels;
    this.inboxes = inboxes;
    this.registrar = registrar;
  }

  /** The endpoint of this channel is as old as it may become. */
  void renew(ChannelId channelId) {
    schedule.cancelRenewal(channelId);
    Registration old = state.registration(channelId);
    if (old == null) {
      return;
    }
    if (inboxes.of(old.application).refusesSuccessors()) {
      log.warn(
          "An endpoint of application {} is old and is not replaced: its handler is no"
              + " EndpointReplacedHandler; implement it",
          old.application);
      schedule.renewLater(channelId);
      return;
    }
    Owed renewal = new Owed.Renewal(old);
    state.owe(renewal);
    registrar.ask(renewal);
  }

  /** The application does not trust this endpoint any more. */
  void replace(Registration old) {
    Owed unconfirmed = state.fulfilledBy(old.channelId);
    if (unconfirmed != null) {
      dropSuccessor(unconfirmed);
      registrar.ask(unconfirmed);
      return;
    }
    Registration retired = state.retiredFor(old.channelId);
    if (retired != null) {
      channels.drop(retired.channelId); // its versions count for the other one
    }
    schedule.cancelRenewal(old.channelId);
    Owed.Renewal renewal = state.renewalOf(old.channelId);
    if (renewal == null) {
      renewal = new Owed.Renewal(old);
      state.owe(renewal);
    }
    state.distrust(renewal);
    Registration successor = state.fulfilling(renewal);
    if (successor != null) {
      successor.startAfresh();
      inboxes.of(renewal.application).hold(successor.channelId);
    }
    registrar.ask(renewal);
  }

  /** The application has handled the endpoint of this channel, unless it was lost again since. */
  void confirmed(Inbox inbox, ChannelId channelId) {
    Owed owed = state.fulfilledBy(channelId);
    if (owed == null) {
      return;
    }
    state.settle(owed);
    if (owed instanceof Owed.Renewal renewal) {
      if (renewal.distrusted) {
        inbox.forget(renewal.renewed);
        channels.drop(renewal.renewed);
      } else {
        retire(inbox, renewal.renewed, channelId);
      }
    }
    schedule.renewLater(channelId);
    inbox.release(channelId);
  }

  /** The application uses the successor; during the overlap both go on working. */
  private void retire(Inbox inbox, ChannelId channelId, ChannelId successor) {
    Registration old = state.registration(channelId);
    Registration known = state.registration(successor);
    if (old != null && known != null) {
      state.retire(old, successor);
      schedule.retireLater(channelId);
      inbox.rename(channelId, successor, known.endpoint);
    }
  }

  /** The application gives an endpoint up, and with it what took its place or is to. */
  void giveUp(Registration registration) {
    ChannelId channelId = registration.channelId;
    Inbox inbox = inboxes.of(registration.application);
    Owed.Renewal renewal = state.renewalOf(channelId);
    Registration successor = renewal == null ? null : beingHandled(renewal);
    if (renewal != null && successor != null) {
      tidyUp(inbox, registration, renewal, successor);
      return;
    }
    if (renewal != null) {
      abandon(renewal);
    }
    Owed owed = state.fulfilledBy(channelId);
    if (owed != null) {
      state.settle(owed);
      inbox.forget(owed.message(registration));
      if (owed instanceof Owed.Renewal refused) {
        schedule.renewLater(refused.renewed); // the application keeps what it has
      }
    }
    Registration retired = state.retiredFor(channelId);
    if (retired != null) {
      channels.drop(retired.channelId);
    }
    channels.drop(channelId);
    inbox.forget(channelId);
  }

  /** Whether the application's handler runs with the new endpoint. */
  boolean isBeingHandled(Owed owed) {
    return beingHandled(owed) != null;
  }

  private @Nullable Registration beingHandled(Owed owed) {
    Registration successor = state.fulfilling(owed);
    return successor != null && inboxes.of(owed.application).isHandling(owed.message(successor))
        ? successor
        : null;
  }

  /** While it handles the new endpoint, the application ends the overlap itself. */
  private void tidyUp(Inbox inbox, Registration old, Owed.Renewal renewal, Registration successor) {
    inbox.hold(successor.channelId);
    if (renewal.distrusted) {
      inbox.forget(old.channelId);
    } else {
      inbox.rename(old.channelId, successor.channelId, successor.endpoint);
    }
    state.settle(renewal);
    state.owe(new Owed.Replacement(renewal.application, old.endpoint, successor.channelId));
    channels.drop(old.channelId);
  }

  /** The application is not interested in a lost endpoint, and so not in a successor either. */
  void abandon(Owed owed) {
    dropSuccessor(owed);
    state.settle(owed); // what is asked for it already is given back when answered
    if (!state.applicationsWithLosses().contains(owed.application)) {
      inboxes.of(owed.application).forget(new Message.PushRegister());
    }
  }

  /** The channel that fulfils this, if there is one, is given back; the application knows none. */
  private void dropSuccessor(Owed owed) {
    Registration successor = state.fulfilling(owed);
    if (successor != null) {
      Inbox inbox = inboxes.of(owed.application);
      inbox.forget(owed.message(successor));
      inbox.forget(successor.channelId);
      channels.drop(successor.channelId);
    }
    state.fulfil(owed, null);
  }

  /** The application does not take what was registered when it did, or was not known. */
  void takeSuccessorsBack(Inbox inbox) {
    for (Owed owed : List.copyOf(state.owed())) {
      if (owed.application.equals(inbox.application())) {
        takeBack(owed);
      }
    }
  }

  private void takeBack(Owed owed) {
    switch (owed.type()) {
      case QUEUED -> {}
      case REPLACEMENT -> {
        registrar.cancel(owed);
        dropSuccessor(owed);
      }
      case RENEWAL -> {
        Owed.Renewal renewal = (Owed.Renewal) owed;
        if (!renewal.distrusted) {
          abandon(renewal);
          schedule.renewLater(renewal.renewed);
        }
      }
    }
  }

  /** The server has lost all channels: of two that an application knows as one, one is left. */
  void lost() {
    for (Registration registration : List.copyOf(state.registrations())) {
      if (registration.successor != null) {
        state.remove(registration.channelId);
        schedule.cancel(registration.channelId);
      }
    }
    for (Owed owed : List.copyOf(state.owed())) {
      if (owed instanceof Owed.Renewal renewal) {
        Registration successor = state.fulfilling(renewal);
        if (successor != null) {
          inboxes.of(renewal.application).forget(renewal.message(successor));
          state.remove(successor.channelId);
        }
        state.settle(renewal); // what is asked for already is given back when answered
      }
    }
  }
}
