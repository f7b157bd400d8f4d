package org.simplepush.client.internal.device;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.Settings;
import org.simplepush.client.internal.connection.Connector;
import org.simplepush.client.internal.connection.Disconnected;
import org.simplepush.client.internal.connection.KeepAlive;
import org.simplepush.client.internal.connection.Transport;
import org.simplepush.client.internal.device.Deadlines.Deadline;
import org.simplepush.client.internal.device.Deadlines.Renew;
import org.simplepush.client.internal.device.Deadlines.Retire;
import org.simplepush.client.internal.device.Deadlines.Synchronise;
import org.simplepush.client.internal.run.Loop;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.ServerMessage;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A user agent (protocol §§2–5, 10, 11), without sockets, threads or clocks. Passes what
 * applications ask for, what handlers did and what the server says to the part whose job it is.
 * Confined to the loop; user code runs on the callback executor.
 */
public final class Device implements Connector.Owner, Inbox.Owner, Deadlines.Owner {
  private static final Logger log = LoggerFactory.getLogger(Device.class);

  /** Starts applications. */
  public interface Starter {
    /**
     * Starts an application elsewhere, and then calls {@code launched} on the loop; returns false
     * if this device starts none.
     */
    boolean start(String application, Manifest manifest, Consumer<@Nullable Throwable> launched);
  }

  /** Keeps the state. */
  public interface Storage {
    /** Replaces the state; throws if it may not have been stored. */
    void save(String state) throws IOException;
  }

  /** Hears of the connection. Must not block. */
  public interface Listener {
    /** The server has accepted the hello. */
    void connected();

    /** A connection was lost, or an attempt failed. */
    void disconnected(Disconnected event);

    /** The device waits for a datagram, for at most this long. */
    void sleeping(Duration atMost);
  }

  private final Settings settings;
  private final Loop loop;
  private final Listener listener;
  private final DeviceState state;
  private final StateSaver saver;
  private final Connector connector;
  private final Replies replies;
  private final Inboxes inboxes;
  private final Schedule schedule;
  private final Acks acks;
  private final Channels channels;
  private final Registrar registrar;
  private final Renewals renewals;
  private final Applications applications;

  /** Set once the device is to be closed: what to do when no handler runs. */
  private @Nullable Runnable whenIdle;

  private boolean wasIdle;

  public Device(
      Settings settings,
      Loop loop,
      Transport transport,
      Storage storage,
      DeviceState state,
      Starter starter,
      Executor callbacks,
      Listener listener,
      RandomGenerator random) {
    this.settings = settings;
    this.loop = loop;
    this.listener = listener;
    this.state = state;
    saver = new StateSaver(loop, storage, () -> DeviceStateText.write(state), this::stored, random);
    state.whenChanged(saver::changed);
    KeepAlive keepAlive =
        new KeepAlive(
            loop,
            settings.minPingInterval(),
            settings.maxPingInterval(),
            state.networks(),
            saver::changed);
    connector = new Connector(settings, loop, transport, random, keepAlive, this);
    replies = new Replies(callbacks);
    inboxes = new Inboxes(loop, callbacks, random, this);
    schedule =
        new Schedule(
            settings, state, new Deadlines(state.deadlines(), loop, random, this, saver::changed));
    acks = new Acks(loop, saver, connector);
    channels = new Channels(state, saver, connector, acks, schedule);
    registrar =
        new Registrar(
            settings, loop, random, connector, state, saver, channels, schedule, inboxes, replies);
    renewals = new Renewals(state, schedule, channels, inboxes, registrar);
    applications =
        new Applications(state, schedule, channels, inboxes, registrar, renewals, acks, starter);
  }

  /** Goes on with what is stored, and begins to connect. */
  public void start() {
    loop.assertCurrent();
    applications.start();
    schedule.start();
    connector.start();
  }

  /** A task of the loop threw. */
  public void taskFailed(Throwable failure) {
    connector.taskFailed(failure);
  }

  public void networkChanged(String network) {
    loop.assertCurrent();
    connector.networkChanged(network);
  }

  // What the applications ask for.

  /** From now on the application gets what waits for it. */
  public void attach(String application, Handlers handlers) {
    loop.assertCurrent();
    applications.attach(application, handlers);
  }

  /** The application does not run any more. */
  public void detach(String application) {
    loop.assertCurrent();
    applications.detach(application);
  }

  public void install(String application, Manifest manifest, Reply<Void> reply) {
    loop.assertCurrent();
    if (!refuseIfClosing(reply)) {
      state.install(application, manifest);
      replyWhenSaved(reply, "installed, but a restart may lose it");
    }
  }

  public boolean isInstalled(String application, Manifest manifest) {
    loop.assertCurrent();
    return applications.isInstalled(application, manifest);
  }

  public void installed(Reply<Map<String, Manifest>> reply) {
    loop.assertCurrent();
    replies.complete(reply, Collections.unmodifiableMap(applications.installed()));
  }

  public void uninstall(String application, Reply<Void> reply) {
    loop.assertCurrent();
    if (!refuseIfClosing(reply)) {
      applications.uninstall(application);
      replyWhenSaved(reply, "uninstalled, but a restart may bring it back");
    }
  }

  public void register(String application, Reply<URI> reply) {
    loop.assertCurrent();
    if (!refuseIfClosing(reply) && !refuseIfNotPermitted(application, reply)) {
      registrar.register(application, reply);
    }
  }

  public void registerWhenPossible(String application, String tag, Reply<Void> reply) {
    loop.assertCurrent();
    if (refuseIfClosing(reply) || refuseIfNotPermitted(application, reply)) {
      return;
    }
    boolean isNew =
        state.owed().stream()
            .noneMatch(
                owed ->
                    owed instanceof Owed.Queued queued
                        && queued.application.equals(application)
                        && queued.tag.equals(tag));
    if (isNew) {
      Owed queued = new Owed.Queued(application, tag, null);
      state.owe(queued);
      registrar.ask(queued);
    }
    replyWhenSaved(reply, "queued, but a restart may lose it");
  }

  public void registrations(String application, Reply<List<KnownEndpoint>> reply) {
    loop.assertCurrent();
    List<KnownEndpoint> own = new ArrayList<>();
    for (Registration registration : state.registrations()) {
      if (registration.application.equals(application) && state.isKnown(registration)) {
        own.add(new KnownEndpoint(registration.endpoint, registration.version()));
      }
    }
    replies.complete(reply, List.copyOf(own));
  }

  public void unregister(String application, URI endpoint, Reply<Void> reply) {
    loop.assertCurrent();
    if (refuseIfClosing(reply)) {
      return;
    }
    if (giveUp(application, endpoint)) {
      schedule.unwatchIfUnused(inboxes.of(application));
      replyWhenSaved(reply, "unregistered, but a restart may bring the endpoint back");
    } else {
      replies.fail(reply, noSuchEndpoint());
    }
  }

  /** Returns false if the application has no such endpoint and has lost none. */
  private boolean giveUp(String application, URI endpoint) {
    for (Registration registration : state.registrations()) {
      if (registration.application.equals(application) && registration.endpoint.equals(endpoint)) {
        renewals.giveUp(registration);
        return true;
      }
    }
    for (Owed owed : state.owed()) {
      if (owed.application.equals(application) && owed.isInPlaceOf(endpoint)) {
        if (!renewals.isBeingHandled(owed)) { // otherwise it tidies up what is gone already
          renewals.abandon(owed);
        }
        return true;
      }
    }
    return false;
  }

  public void replace(String application, URI endpoint, Reply<Void> reply) {
    loop.assertCurrent();
    if (refuseIfClosing(reply)) {
      return;
    }
    for (Registration registration : state.registrations()) {
      if (registration.application.equals(application)
          && registration.endpoint.equals(endpoint)
          && state.isKnown(registration)) {
        renewals.replace(registration);
        saver.whenSaved(replies.whenSaved(reply, "to be replaced, but a restart may forget that"));
        return;
      }
    }
    if (state.isLost(application, endpoint)) { // and so replaced anyway
      saver.whenSaved(
          replies.whenSaved(reply, "the loss is not stored, and a restart hears of it"));
    } else {
      replies.fail(reply, noSuchEndpoint());
    }
  }

  private static RequestException noSuchEndpoint() {
    return RequestException.notFound("the application has no such endpoint");
  }

  private <T> boolean refuseIfClosing(Reply<T> reply) {
    if (whenIdle != null) {
      replies.fail(reply, RequestException.closed());
      return true;
    }
    return false;
  }

  private <T> boolean refuseIfNotPermitted(String application, Reply<T> reply) {
    if (!applications.mayPush(application)) {
      replies.fail(reply, RequestException.permissionDenied());
      return true;
    }
    return false;
  }

  private void replyWhenSaved(Reply<Void> reply, String otherwise) {
    saver.changed(); // even if nothing has: the storage has to confirm it
    saver.whenSaved(replies.whenSaved(reply, otherwise));
  }

  /**
   * Hands over nothing more, and once no handler runs and all is saved and acknowledged, closes the
   * connection. {@code done} runs when it is gone.
   */
  public void close(Runnable done) {
    loop.assertCurrent();
    if (whenIdle != null) {
      return;
    }
    whenIdle = () -> saveAndDisconnect(done);
    inboxes.stop();
    schedule.stop();
    registrar.abort(application -> true, RequestException.closed());
    loop.schedule(settings.requestTimeout(), this::runWhenIdle); // a handler may never return
    idle();
  }

  private void saveAndDisconnect(Runnable done) {
    saver.whenSaved(
        new StateSaver.Waiter() {
          @Override
          public void saved() {
            acks.send();
            connector.stop(done);
          }

          @Override
          public void failed(Throwable cause) {
            connector.stop(done);
          }
        });
  }

  /** All changes are stored. */
  private void stored() {
    channels.stored();
  }

  // What the inboxes report.

  @Override
  public void handled(Inbox inbox, Message message) {
    applications.handled(inbox, message);
  }

  @Override
  public void ignored(Inbox inbox, Message message) {
    applications.ignored(inbox, message);
  }

  @Override
  public boolean isWanted(Inbox inbox, Message message) {
    return applications.isWanted(inbox, message);
  }

  @Override
  public boolean launch(Inbox inbox) {
    return applications.launch(inbox);
  }

  @Override
  public void idle() {
    if (!inboxes.isBusy()) {
      runWhenIdle();
    }
  }

  private void runWhenIdle() {
    if (whenIdle != null && !wasIdle) {
      wasIdle = true;
      whenIdle.run();
    }
  }

  // What the deadlines ask and report.

  @Override
  public Duration waitFor(Deadline deadline) {
    return schedule.waitFor(deadline);
  }

  /** Successors are asked for one at a time, so not while nobody answers. */
  @Override
  public boolean isPossible(Deadline deadline) {
    return !(deadline instanceof Renew renew)
        || (connector.isReachable() && state.retiredFor(renew.channelId()) == null);
  }

  @Override
  public void due(Deadline deadline) {
    switch (deadline.type()) {
      case SYNCHRONISE ->
          inboxes.of(((Synchronise) deadline).application()).offer(new Message.Synchronise());
      case RENEW -> renewals.renew(((Renew) deadline).channelId());
      case RETIRE -> channels.drop(((Retire) deadline).channelId());
    }
  }

  // What the connection reports.

  @Override
  public ClientMessage.Hello hello() {
    return new ClientMessage.Hello(state.uaid(), channels.forHello());
  }

  @Override
  public boolean connected(ServerMessage.Hello hello) {
    Uaid before = state.uaid();
    boolean isForgotten = before != null && !hello.uaid().equals(before);
    if (!hello.uaid().equals(before)) {
      state.uaid(hello.uaid());
    }
    if (isForgotten) {
      startOver();
    }
    log.info("Connected to {}", settings.server());
    listener.connected();
    channels.greeted();
    registrar.connected();
    schedule.awake(); // the connection may have been lost to a sleep of the device
    return !isForgotten;
  }

  /** The server has lost everything this device had there (protocol §2). */
  private void startOver() {
    renewals.lost();
    log.warn(
        "The push server has forgotten this device; {} registrations are gone",
        state.registrations().size());
    acks.clear();
    channels.lost();
    for (Registration registration : List.copyOf(state.registrations())) {
      lost(registration);
    }
    List.copyOf(state.owed()).forEach(registrar::ask);
    state.applicationsWithLosses().forEach(applications::recover);
  }

  private void lost(Registration registration) {
    Inbox inbox = inboxes.of(registration.application);
    inbox.forget(registration.channelId);
    schedule.cancel(registration.channelId);
    Owed owed = state.fulfilledBy(registration.channelId);
    if (owed != null) { // the application does not know this endpoint, and never will
      inbox.forget(owed.message(registration));
      state.fulfil(owed, null);
    } else {
      state.owe(new Owed.Replacement(registration.application, registration.endpoint, null));
    }
    state.remove(registration.channelId);
  }

  @Override
  public void received(ServerMessage message) {
    switch (message.type()) {
      case HELLO -> greetedAgain((ServerMessage.Hello) message);
      case REGISTER -> registrar.registered((ServerMessage.Register) message);
      case NOTIFICATION -> notified((ServerMessage.Notification) message);
      case FAILURE -> registrar.failed((ServerMessage.Failure) message);
      case UNREGISTER, PING, REDIRECT -> {} // nothing waits for it
    }
  }

  private void greetedAgain(ServerMessage.Hello hello) {
    if (!hello.uaid().equals(state.uaid())) {
      connector.giveUp("the server changed the UAID without being asked");
    }
  }

  private void notified(ServerMessage.Notification notification) {
    for (Update update : notification.updates()) {
      Registration registration = state.registration(update.channelId());
      if (registration != null && registration.isNews(update.version())) {
        Registration known = state.knownAs(registration);
        inboxes
            .of(registration.application)
            .offer(
                new Message.Push(
                    known.channelId, known.endpoint, update.version(), update.channelId()));
      } else {
        acks.add(update.channelId(), update.version()); // or it would come again and again
      }
    }
  }

  @Override
  public void sleeping(Duration atMost) {
    registrar.connectionGone();
    acks.clear();
    log.info("Sleeping until {} sends a datagram, or for {}", settings.server(), atMost);
    listener.sleeping(atMost);
    registrar.sendAll(); // asked for while the server closed: ends sleep
  }

  @Override
  public void disconnected(Disconnected event) {
    registrar.disconnected(event);
    acks.clear();
    log.info(
        "Not connected to {}: {}; next attempt in {}",
        settings.server(),
        event.reason(),
        event.retryIn());
    listener.disconnected(event);
  }
}
