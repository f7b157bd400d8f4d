package org.simplepush.client.internal.device;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The applications of a device: whether they run, what is installed, and what follows from what
 * their handlers did. Confined to the loop.
 */
final class Applications {
  private static final Logger log = LoggerFactory.getLogger(Applications.class);

  private final DeviceState state;
  private final Schedule schedule;
  private final Channels channels;
  private final Inboxes inboxes;
  private final Registrar registrar;
  private final Renewals renewals;
  private final Acks acks;
  private final Device.Starter starter;

  Applications(
      DeviceState state,
      Schedule schedule,
      Channels channels,
      Inboxes inboxes,
      Registrar registrar,
      Renewals renewals,
      Acks acks,
      Device.Starter starter) {
    this.state = state;
    this.schedule = schedule;
    this.channels = channels;
    this.inboxes = inboxes;
    this.registrar = registrar;
    this.renewals = renewals;
    this.acks = acks;
    this.starter = starter;
  }

  /** The device starts: goes on with what it owes them. */
  void start() {
    for (Owed owed : List.copyOf(state.owed())) {
      if (owed.channelId == null) {
        registrar.ask(owed);
      } else {
        registrar.offer(owed, owed.channelId);
      }
    }
    for (String application : state.applicationsWithLosses()) {
      if (inboxes.of(application).handlers() == null) { // otherwise done when it was attached
        recover(application);
      }
    }
  }

  /** From now on the application gets what waits for it. */
  void attach(String application, Handlers handlers) {
    Inbox inbox = inboxes.of(application);
    if (handlers.replaced() == null) {
      renewals.takeSuccessorsBack(inbox);
    }
    inbox.forget(new Message.PushRegister()); // it depends on the handlers whether it gets that
    inbox.attach(handlers);
    if (state.applicationsWithLosses().contains(application)) {
      recover(application);
    }
  }

  /** The application learns of its lost endpoints: by their successors, or by push-register. */
  void recover(String application) {
    for (Owed owed : state.owed()) {
      if (owed.application.equals(application)) {
        registrar.ask(owed);
      }
    }
    Inbox inbox = inboxes.of(application);
    if (!inbox.takesSuccessors() || state.toRegisterAnew().contains(application)) {
      inbox.offer(new Message.PushRegister());
    }
  }

  /** The application does not run any more. */
  void detach(String application) {
    inboxes.of(application).detach();
  }

  boolean isInstalled(String application, Manifest manifest) {
    return manifest.equals(state.manifests().get(application));
  }

  Map<String, Manifest> installed() {
    return new LinkedHashMap<>(state.manifests());
  }

  boolean mayPush(String application) {
    Manifest manifest = state.manifests().get(application);
    return manifest == null || manifest.mayPush();
  }

  void uninstall(String application) {
    state.uninstall(application);
    for (Registration registration : List.copyOf(state.registrations())) {
      if (registration.application.equals(application)) {
        channels.drop(registration.channelId);
      }
    }
    registrar.abort(
        application::equals, RequestException.aborted("the application was uninstalled"));
    schedule.unwatch(application);
    inboxes.of(application).clear();
  }

  /** Starts an application for a message; returns false if it cannot be started. */
  boolean launch(Inbox inbox) {
    Manifest manifest = state.manifests().get(inbox.application());
    return manifest != null && starter.start(inbox.application(), manifest, inbox::launched);
  }

  /** The handler has returned normally. */
  void handled(Inbox inbox, Message message) {
    switch (message.type()) {
      case PUSH -> {
        handled((Message.Push) message);
        schedule.synchronised(inbox);
      }
      case REGISTERED -> renewals.confirmed(inbox, ((Message.Registered) message).channelId());
      case REPLACED -> {
        renewals.confirmed(inbox, ((Message.Replaced) message).channelId());
        schedule.synchronised(inbox);
      }
      case PUSH_REGISTER -> {
        if (!inbox.isWaiting(message)) { // otherwise more endpoints were lost since
          state.recovered(inbox.application());
          schedule.synchronised(inbox);
        }
      }
      case SYNCHRONISE -> schedule.synchronised(inbox);
    }
  }

  private void handled(Message.Push push) {
    Registration registration = state.registration(push.channelId());
    if (registration != null) {
      state.handled(registration, push.version());
      if (state.registration(push.via()) != null) {
        acks.add(push.via(), push.version());
      }
    }
  }

  /**
   * Warns that a message waits which the application does not handle. It is kept, because the
   * application may be given the handler that it lacks.
   */
  void ignored(Inbox inbox, Message message) {
    String application = inbox.application();
    switch (message.type()) {
      case PUSH_REGISTER ->
          log.warn(
              "The push server has lost endpoints of application {}, and its handler cannot deal"
                  + " with that. Implement EndpointReplacedHandler, then the device gets new ones,"
                  + " or PushRegisterHandler, to register again",
              application);
      case SYNCHRONISE ->
          log.warn(
              "Nothing has woken application {} for long, and its handler cannot deal with that."
                  + " Implement SynchroniseHandler",
              application);
      case REGISTERED -> warnOfNewEndpoint(application, "RegisteredHandler");
      case REPLACED -> warnOfNewEndpoint(application, "EndpointReplacedHandler");
      case PUSH -> throw new AssertionError("every application handles versions");
    }
  }

  private static void warnOfNewEndpoint(String application, String handler) {
    log.warn(
        "A new endpoint waits for application {}, and its handler takes none. Implement {}",
        application,
        handler);
  }

  /** Whether a message whose handler threw still means anything to the application. */
  boolean isWanted(Inbox inbox, Message message) {
    return switch (message.type()) {
      case PUSH -> state.registration(((Message.Push) message).channelId()) != null;
      case REGISTERED -> state.fulfilledBy(((Message.Registered) message).channelId()) != null;
      case REPLACED -> state.fulfilledBy(((Message.Replaced) message).channelId()) != null;
      case PUSH_REGISTER -> state.applicationsWithLosses().contains(inbox.application());
      case SYNCHRONISE -> schedule.isWatched(inbox.application());
    };
  }
}
