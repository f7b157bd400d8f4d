package org.simplepush.client.internal.device;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.Quote;
import org.simplepush.client.internal.Settings;
import org.simplepush.client.internal.connection.Connector;
import org.simplepush.client.internal.connection.Disconnected;
import org.simplepush.client.internal.connection.KeepAlive;
import org.simplepush.client.internal.connection.Transport;
import org.simplepush.client.internal.device.Deadlines.Deadline;
import org.simplepush.client.internal.device.Deadlines.Renew;
import org.simplepush.client.internal.device.Deadlines.Retire;
import org.simplepush.client.internal.device.Deadlines.Synchronise;
import org.simplepush.client.internal.device.DeviceState.Registration;
import org.simplepush.client.internal.device.DeviceState.Wish;
import org.simplepush.client.internal.run.Loop;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.ServerMessage;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.internal.Backoff;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rules of a user agent (protocol §§2–5, 10, 11), without sockets, threads or clocks. Confined
 * to the loop; user code runs on the callback executor.
 */
public final class Device implements Connector.Owner, Inbox.Owner, Deadlines.Owner {
  private static final Logger log = LoggerFactory.getLogger(Device.class);

  /** How often a register that met a conflict is tried with another channel (protocol §3). */
  static final int MAX_CONFLICTS = 3;

  /** How many updates one message acknowledges: servers take 64 KiB by default. */
  static final int ACKS_IN_A_MESSAGE = 500;

  /** How many acknowledgements wait; a server that demands more has to repeat itself. */
  static final int MAX_ACKS = 8 * ACKS_IN_A_MESSAGE;

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

  /** The breaks between attempts to fulfil a wish. */
  private static final Backoff WISHES = new Backoff(Duration.ofSeconds(5), Duration.ofMinutes(10));

  private final Settings settings;
  private final Loop loop;
  private final Starter starter;
  private final Executor callbacks;
  private final Listener listener;
  private final RandomGenerator random;
  private final Connector connector;
  private final Journal journal;
  private final DeviceState state;
  private final Deadlines deadlines;

  private final Map<String, Inbox> inboxes = new HashMap<>();

  /** Registers not answered yet, in the order they were asked for. */
  private final Map<ChannelId, PendingRegister> registers = new LinkedHashMap<>();

  /** To be sent when everything changed so far is saved; of each channel the highest version. */
  private final Map<ChannelId, Long> acks = new LinkedHashMap<>();

  private boolean acksQueued;

  /** Why there is no connection; null if there is one, or none has failed yet. */
  private @Nullable Disconnected lastFailure;

  /**
   * Channels that are given up, though what is stored may still list them. The server keeps them
   * until it does not: a restart would ask for them, and miss everything if it lacked one (§2).
   */
  private final Set<ChannelId> leaving = new LinkedHashSet<>();

  /** Which of these the last hello listed. */
  private Set<ChannelId> listed = Set.of();

  /** Set once the device is to be closed: what to do when no handler runs. */
  private @Nullable Runnable whenIdle;

  private boolean wasIdle;

  /** An application wants an endpoint and has not got it: now, or whenever that is. */
  private static final class PendingRegister {
    final String application;
    final @Nullable Reply<URI> result;
    final @Nullable Wish wish;
    Loop.@Nullable Timer timeout;
    int conflicts;
    boolean sent;
    long sentAt;

    PendingRegister(String application, Reply<URI> result) {
      this.application = application;
      this.result = result;
      this.wish = null;
    }

    PendingRegister(Wish wish) {
      this.application = wish.application;
      this.result = null;
      this.wish = wish;
    }
  }

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
    this.starter = starter;
    this.settings = settings;
    this.loop = loop;
    this.callbacks = callbacks;
    this.listener = listener;
    this.random = random;
    this.state = state;
    this.journal = new Journal(loop, storage, state::toText, this::leave, random);
    this.deadlines = new Deadlines(state.deadlines(), loop, random, this, journal::changed);
    KeepAlive keepAlive =
        new KeepAlive(
            loop,
            settings.minPingInterval(),
            settings.maxPingInterval(),
            state.networks(),
            journal::changed);
    this.connector = new Connector(settings, loop, transport, random, keepAlive, this);
  }

  // What the applications ask for.

  public void start() {
    loop.assertCurrent();
    for (Wish wish : List.copyOf(state.wishes())) {
      ChannelId channelId = wish.channelId;
      if (channelId == null) {
        ask(wish);
      } else {
        tell(wish, channelId);
      }
    }
    for (String application : state.applicationsWithLosses()) {
      if (inbox(application).handlers() == null) { // otherwise it was told when it was attached
        recover(application);
      }
    }
    startDeadlines();
    connector.start();
  }

  private void startDeadlines() {
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
              && state.wishFulfilledBy(registration.channelId) == null;
      if (isSettled && !deadlines.contains(new Renew(registration.channelId))) {
        renewLater(registration.channelId);
      }
    }
  }

  private void renewLater(ChannelId channelId) {
    if (settings.renewal() != null) {
      deadlines.set(new Renew(channelId));
    }
  }

  /** From now on the application is told to synchronise when nothing has woken it for long. */
  private void watch(String application) {
    if (settings.synchroniseAfter() != null && !deadlines.contains(new Synchronise(application))) {
      deadlines.set(new Synchronise(application));
    }
  }

  /** Begins the wait anew: the application was woken, and is as new as its server by now. */
  private void synchronised(Inbox inbox) {
    Synchronise alarm = new Synchronise(inbox.application());
    if (deadlines.contains(alarm)) {
      inbox.forget(new Message.Synchronise());
      deadlines.set(alarm);
    }
  }

  /** An application without endpoints has nothing to synchronise. */
  private void unwatchIfUnused(String application) {
    if (!state.isUsing(application)) {
      deadlines.cancel(new Synchronise(application));
      inbox(application).forget(new Message.Synchronise());
    }
  }

  @Override
  public Duration waitFor(Deadline deadline) {
    Duration wait;
    if (deadline instanceof Synchronise) {
      wait = settings.synchroniseAfter();
    } else if (settings.renewal() == null) {
      wait = Settings.LONGEST_WAIT; // what was begun under another setting ends as it was set
    } else {
      wait = deadline instanceof Renew ? settings.renewal().age() : settings.renewal().overlap();
    }
    return Objects.requireNonNull(wait);
  }

  /** Successors are asked for one at a time, so not while nobody answers. */
  @Override
  public boolean isPossible(Deadline deadline) {
    return !(deadline instanceof Renew renew)
        || (connector.isReachable() && state.retiredFor(renew.channelId()) == null);
  }

  @Override
  public void due(Deadline deadline) {
    if (deadline instanceof Synchronise alarm) {
      inbox(alarm.application()).offer(new Message.Synchronise());
    } else if (deadline instanceof Renew renew) {
      renew(renew.channelId());
    } else if (deadline instanceof Retire retire) {
      drop(retire.channelId());
    }
  }

  private void renew(ChannelId channelId) {
    deadlines.cancel(new Renew(channelId));
    Registration old = state.registration(channelId);
    if (old == null) {
      return;
    }
    if (keepsEndpoints(inbox(old.application))) {
      log.warn(
          "An endpoint of application {} is old and is not replaced: its handler is no"
              + " EndpointReplacedHandler; implement it",
          old.application);
      renewLater(channelId);
      return;
    }
    Wish wish = Wish.renewing(old);
    state.wishes().add(wish);
    journal.changed();
    ask(wish);
  }

  /** The application uses the successor; for a while both go on working. */
  private void retire(Inbox inbox, ChannelId channelId, ChannelId successor) {
    Registration old = state.registration(channelId);
    Registration known = state.registration(successor);
    if (old != null && known != null) {
      old.successor = successor;
      deadlines.set(new Retire(channelId));
      inbox.rename(channelId, successor, known.endpoint);
    }
  }

  private void cancelDeadlines(ChannelId channelId) {
    deadlines.cancel(new Renew(channelId));
    deadlines.cancel(new Retire(channelId));
  }

  /** A task of the loop threw. */
  public void taskFailed(Throwable failure) {
    connector.taskFailed(failure);
  }

  public void networkChanged(String network) {
    loop.assertCurrent();
    connector.networkChanged(network);
  }

  /** From now on the application is told what waits for it. */
  public void attach(String application, Handlers handlers) {
    loop.assertCurrent();
    Inbox inbox = inbox(application);
    if (handlers.replaced() == null) {
      takeSuccessorsBack(inbox);
    }
    inbox.forget(new Message.PushRegister()); // it depends on the handlers whether it gets that
    inbox.attach(handlers);
    if (state.applicationsWithLosses().contains(application)) {
      recover(application);
    }
  }

  /** Whether the device is to get new endpoints for lost ones; not before that is known. */
  private static boolean replacesEndpoints(Inbox inbox) {
    Handlers handlers = inbox.handlers();
    return handlers != null && handlers.replaced() != null;
  }

  /** Whether it is known that the application takes no endpoint in the place of another. */
  private static boolean keepsEndpoints(Inbox inbox) {
    Handlers handlers = inbox.handlers();
    return handlers != null && handlers.replaced() == null;
  }

  /** The application does not take what was registered when it did, or was not known. */
  private void takeSuccessorsBack(Inbox inbox) {
    for (Wish wish : List.copyOf(state.wishes())) {
      if (!wish.application.equals(inbox.application())) {
        continue;
      }
      if (wish.renewed != null && !wish.distrusted) {
        abandon(wish);
        renewLater(wish.renewed);
      } else if (wish.isLoss()) {
        registers
            .values()
            .removeIf(
                register -> {
                  boolean taken = register.wish == wish;
                  if (taken) {
                    cancelTimeout(register);
                  }
                  return taken;
                });
        dropSuccessor(wish);
      }
    }
  }

  /** The application learns of its lost endpoints: by their successors, or by push-register. */
  private void recover(String application) {
    Inbox inbox = inbox(application);
    state
        .wishes()
        .forEach(
            wish -> {
              if (wish.application.equals(application)) {
                ask(wish);
              }
            });
    if (!replacesEndpoints(inbox) || state.toRegisterAnew().contains(application)) {
      inbox.offer(new Message.PushRegister());
    }
  }

  /** The application runs no more. */
  public void detach(String application) {
    loop.assertCurrent();
    inbox(application).detach();
  }

  public void install(String application, Manifest manifest, Reply<Void> result) {
    loop.assertCurrent();
    if (refuseIfClosing(result)) {
      return;
    }
    state.manifests().put(application, manifest);
    saveAndComplete(result, "installed, but a restart may lose it");
  }

  public boolean isInstalled(String application, Manifest manifest) {
    loop.assertCurrent();
    return manifest.equals(state.manifests().get(application));
  }

  public void installed(Reply<Map<String, Manifest>> result) {
    loop.assertCurrent();
    complete(result, Collections.unmodifiableMap(new LinkedHashMap<>(state.manifests())));
  }

  public void uninstall(String application, Reply<Void> result) {
    loop.assertCurrent();
    if (refuseIfClosing(result)) {
      return;
    }
    state.manifests().remove(application);
    state.toRegisterAnew().remove(application);
    for (Registration registration : List.copyOf(state.registrations())) {
      if (registration.application.equals(application)) {
        drop(registration.channelId);
      }
    }
    state.wishes().removeIf(wish -> wish.application.equals(application));
    abortRegisters(
        application::equals, RequestException.aborted("the application was uninstalled"));
    deadlines.cancel(new Synchronise(application));
    inbox(application).clear();
    saveAndComplete(result, "uninstalled, but a restart may bring it back");
  }

  private <T> boolean refuseIfClosing(Reply<T> result) {
    if (whenIdle != null) {
      fail(result, RequestException.closed());
      return true;
    }
    return false;
  }

  /** First here, then on the disk, then at the server (§10). */
  private void drop(ChannelId channelId) {
    state.remove(channelId);
    acks.remove(channelId);
    cancelDeadlines(channelId);
    leaving.add(channelId);
    journal.changed();
  }

  /** What is stored lists none of these any more. Without a connection the next hello tells. */
  private void leave() {
    leaving.forEach(channelId -> connector.send(new ClientMessage.Unregister(channelId)));
    leaving.clear();
  }

  private void abortRegisters(Predicate<String> applications, RequestException failure) {
    registers
        .values()
        .removeIf(
            register -> {
              boolean aborted = applications.test(register.application);
              if (aborted) {
                cancelTimeout(register);
                if (register.result != null) {
                  fail(register.result, failure);
                }
              }
              return aborted;
            });
  }

  private void saveAndComplete(Reply<Void> result, String otherwise) {
    journal.changed();
    journal.whenSaved(completing(result, otherwise));
  }

  private Journal.Waiter completing(Reply<Void> result, String otherwise) {
    return new Journal.Waiter() {
      @Override
      public void saved() {
        callBack(() -> result.completed(null));
      }

      @Override
      public void failed(Throwable cause) {
        fail(result, RequestException.storage(otherwise, cause));
      }
    };
  }

  public void register(String application, Reply<URI> result) {
    loop.assertCurrent();
    if (refuseIfClosing(result)) {
      return;
    }
    if (!mayPush(application)) {
      fail(result, RequestException.permissionDenied());
      return;
    }
    PendingRegister register = new PendingRegister(application, result);
    register.timeout = loop.schedule(settings.requestTimeout(), () -> registerTimedOut(register));
    ask(ChannelId.random(), register);
  }

  public void registerWhenPossible(String application, String tag, Reply<Void> result) {
    loop.assertCurrent();
    if (refuseIfClosing(result)) {
      return;
    }
    if (!mayPush(application)) {
      fail(result, RequestException.permissionDenied());
      return;
    }
    boolean isNew =
        state.wishes().stream()
            .noneMatch(wish -> wish.application.equals(application) && tag.equals(wish.tag));
    if (isNew) {
      Wish wish = Wish.tagged(application, tag);
      state.wishes().add(wish);
      ask(wish);
    }
    saveAndComplete(result, "queued, but a restart may lose it");
  }

  private boolean mayPush(String application) {
    Manifest manifest = state.manifests().get(application);
    return manifest == null || manifest.mayPush();
  }

  public void registrations(String application, Reply<List<KnownEndpoint>> result) {
    loop.assertCurrent();
    List<KnownEndpoint> own = new ArrayList<>();
    for (Registration registration : state.registrations()) {
      if (registration.application.equals(application) && state.isKnown(registration)) {
        own.add(new KnownEndpoint(registration.endpoint, registration.version()));
      }
    }
    complete(result, List.copyOf(own));
  }

  public void unregister(String application, URI endpoint, Reply<Void> result) {
    loop.assertCurrent();
    if (refuseIfClosing(result)) {
      return;
    }
    for (Registration registration : state.registrations()) {
      if (registration.application.equals(application) && registration.endpoint.equals(endpoint)) {
        giveUp(registration);
        unwatchIfUnused(application);
        saveAndComplete(result, "unregistered, but a restart may bring the endpoint back");
        return;
      }
    }
    for (Wish wish : state.wishes()) {
      if (wish.application.equals(application) && endpoint.equals(wish.lost)) {
        if (!isHandled(wish)) { // otherwise it tidies up what is gone already
          abandon(wish);
        }
        unwatchIfUnused(application);
        saveAndComplete(result, "unregistered, but a restart may bring the endpoint back");
        return;
      }
    }
    fail(result, RequestException.notFound("the application has no such endpoint"));
  }

  public void replace(String application, URI endpoint, Reply<Void> result) {
    loop.assertCurrent();
    if (refuseIfClosing(result)) {
      return;
    }
    for (Registration registration : state.registrations()) {
      if (registration.application.equals(application)
          && registration.endpoint.equals(endpoint)
          && state.isKnown(registration)) {
        replace(registration);
        journal.whenSaved(completing(result, "to be replaced, but a restart may forget that"));
        return;
      }
    }
    if (state.isLost(application, endpoint)) { // and so replaced anyway
      journal.whenSaved(completing(result, "the loss is not stored, and a restart hears of it"));
    } else {
      fail(result, RequestException.notFound("the application has no such endpoint"));
    }
  }

  private void replace(Registration old) {
    Wish unconfirmed = state.wishFulfilledBy(old.channelId);
    if (unconfirmed != null) {
      dropSuccessor(unconfirmed);
      ask(unconfirmed);
      return;
    }
    Registration retired = state.retiredFor(old.channelId);
    if (retired != null) {
      drop(retired.channelId); // its versions count for the other one
    }
    deadlines.cancel(new Renew(old.channelId));
    Wish wish = state.renewalOf(old.channelId);
    if (wish == null) {
      wish = Wish.renewing(old);
      state.wishes().add(wish);
    }
    wish.distrusted = true;
    Registration successor = wish.channelId == null ? null : state.registration(wish.channelId);
    if (successor != null) {
      successor.startAfresh();
      inbox(wish.application).hold(successor.channelId);
    }
    journal.changed();
    ask(wish);
  }

  private void giveUp(Registration registration) {
    ChannelId channelId = registration.channelId;
    Inbox inbox = inbox(registration.application);
    Wish renewal = state.renewalOf(channelId);
    if (renewal != null && isHandled(renewal)) {
      tidyUp(inbox, registration, renewal);
      return;
    }
    if (renewal != null) {
      abandon(renewal);
    }
    Wish wish = state.wishFulfilledBy(channelId);
    if (wish != null) {
      forget(wish, channelId, registration.endpoint);
      if (wish.renewed != null) {
        renewLater(wish.renewed); // it does not take this successor, and keeps what it has
      }
    }
    Registration retired = state.retiredFor(channelId);
    if (retired != null) {
      drop(retired.channelId);
    }
    drop(channelId);
    inbox.forget(channelId);
  }

  /** Whether the application is just being told of the new endpoint. */
  private boolean isHandled(Wish wish) {
    Registration successor = wish.channelId == null ? null : state.registration(wish.channelId);
    return successor != null
        && inbox(wish.application)
            .isHandling(message(wish, successor.channelId, successor.endpoint));
  }

  /** While it takes the new endpoint, the application ends the overlap by itself. */
  private void tidyUp(Inbox inbox, Registration old, Wish renewal) {
    Registration successor =
        Objects.requireNonNull(state.registration(Objects.requireNonNull(renewal.channelId)));
    inbox.hold(successor.channelId);
    if (renewal.distrusted) {
      inbox.forget(old.channelId);
    } else {
      inbox.rename(old.channelId, successor.channelId, successor.endpoint);
    }
    Wish rest = Wish.replacing(renewal.application, old.endpoint);
    rest.channelId = successor.channelId;
    state.wishes().remove(renewal);
    state.wishes().add(rest);
    drop(old.channelId);
  }

  /** The application is not interested in a lost endpoint, and so not in a successor either. */
  private void abandon(Wish wish) {
    dropSuccessor(wish);
    journal.changed();
    state.wishes().remove(wish); // what is asked for it already is given back when answered
    if (!state.applicationsWithLosses().contains(wish.application)) {
      inbox(wish.application).forget(new Message.PushRegister());
    }
  }

  /** The channel that fulfils this, if there is one, is given back; the application knows none. */
  private void dropSuccessor(Wish wish) {
    ChannelId channelId = wish.channelId;
    Registration successor = channelId == null ? null : state.registration(channelId);
    if (successor != null) {
      Inbox inbox = inbox(wish.application);
      inbox.forget(message(wish, successor.channelId, successor.endpoint));
      inbox.forget(successor.channelId);
      drop(successor.channelId);
    }
    wish.channelId = null;
  }

  private void forget(Wish wish, ChannelId channelId, URI endpoint) {
    state.wishes().remove(wish);
    inbox(wish.application).forget(message(wish, channelId, endpoint));
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
    inboxes.values().forEach(Inbox::stop);
    deadlines.stop();
    abortRegisters(application -> true, RequestException.closed());
    loop.schedule(settings.requestTimeout(), this::runWhenIdle); // a handler may never return
    idle();
  }

  private void saveAndDisconnect(Runnable done) {
    journal.whenSaved(
        new Journal.Waiter() {
          @Override
          public void saved() {
            sendAcks();
            connector.stop(done);
          }

          @Override
          public void failed(Throwable cause) {
            connector.stop(done);
          }
        });
  }

  // What the handlers answer.

  @Override
  public void handled(Inbox inbox, Message message) {
    if (message instanceof Message.Push push) {
      Registration registration = state.registration(push.channelId());
      if (registration != null) {
        registration.taken(push.version());
        journal.changed();
        if (state.registration(push.via()) != null) {
          acknowledge(push.via(), push.version());
        }
      }
      synchronised(inbox);
    } else if (message instanceof Message.Registered registered) {
      taken(inbox, registered.channelId());
    } else if (message instanceof Message.Replaced replaced) {
      taken(inbox, replaced.channelId());
      synchronised(inbox);
    } else if (message instanceof Message.Synchronise) {
      synchronised(inbox);
    } else if (!inbox.isWaiting(message)) {
      state.recovered(inbox.application());
      journal.changed();
      synchronised(inbox);
    }
  }

  /** The application knows the endpoint now, unless it was lost again meanwhile. */
  private void taken(Inbox inbox, ChannelId channelId) {
    Wish wish = state.wishFulfilledBy(channelId);
    if (wish != null) {
      state.wishes().remove(wish);
      journal.changed();
      if (wish.renewed != null && wish.distrusted) {
        inbox.forget(wish.renewed);
        drop(wish.renewed);
      } else if (wish.renewed != null) {
        retire(inbox, wish.renewed, channelId);
      }
      renewLater(channelId);
      inbox.release(channelId);
    }
  }

  /** Nothing is struck off: the application may be given the handler that it lacks. */
  @Override
  public void ignored(Inbox inbox, Message message) {
    String application = inbox.application();
    if (message instanceof Message.PushRegister) {
      log.warn(
          "The push server has lost endpoints of application {}, and its handler cannot deal with"
              + " that. Implement EndpointReplacedHandler, then the device gets new ones, or"
              + " PushRegisterHandler, to register again",
          application);
    } else if (message instanceof Message.Synchronise) {
      log.warn(
          "Nothing has woken application {} for long, and its handler cannot deal with that."
              + " Implement SynchroniseHandler",
          application);
    } else {
      log.warn(
          "A new endpoint waits for application {}, and its handler takes none. Implement {}",
          application,
          message instanceof Message.Registered ? "RegisteredHandler" : "EndpointReplacedHandler");
    }
  }

  @Override
  public boolean isWanted(Inbox inbox, Message message) {
    if (message instanceof Message.Push push) {
      return state.registration(push.channelId()) != null;
    }
    if (message instanceof Message.Registered registered) {
      return state.wishFulfilledBy(registered.channelId()) != null;
    }
    if (message instanceof Message.Replaced replaced) {
      return state.wishFulfilledBy(replaced.channelId()) != null;
    }
    if (message instanceof Message.Synchronise) {
      return deadlines.contains(new Synchronise(inbox.application()));
    }
    return state.applicationsWithLosses().contains(inbox.application());
  }

  @Override
  public boolean launch(Inbox inbox) {
    Manifest manifest = state.manifests().get(inbox.application());
    return manifest != null && starter.start(inbox.application(), manifest, inbox::launched);
  }

  @Override
  public void idle() {
    if (inboxes.values().stream().noneMatch(Inbox::isBusy)) {
      runWhenIdle();
    }
  }

  private void runWhenIdle() {
    if (whenIdle != null && !wasIdle) {
      wasIdle = true;
      whenIdle.run();
    }
  }

  // What the server says.

  @Override
  public ClientMessage.Hello hello() {
    List<ChannelId> channelIds = new ArrayList<>(state.channelIds());
    channelIds.addAll(leaving);
    listed = Set.copyOf(leaving);
    return new ClientMessage.Hello(state.uaid(), List.copyOf(channelIds));
  }

  @Override
  public boolean connected(ServerMessage.Hello hello) {
    Uaid before = state.uaid();
    boolean isForgotten = before != null && !hello.uaid().equals(before);
    if (!hello.uaid().equals(before)) {
      state.uaid(hello.uaid());
      if (isForgotten) {
        startOver();
      }
      journal.changed();
    }
    lastFailure = null;
    log.info("Connected to {}", settings.server());
    listener.connected();
    tellWhatLeftMeanwhile();
    registers.forEach(this::send);
    deadlines.awake(); // the connection may have been lost to a sleep of the device
    return !isForgotten;
  }

  /** What the hello listed may be stored as given up by the time it is answered. */
  private void tellWhatLeftMeanwhile() {
    for (ChannelId channelId : listed) {
      if (!leaving.contains(channelId)) {
        connector.send(new ClientMessage.Unregister(channelId));
      }
    }
    listed = Set.of();
  }

  /** Of two channels that an application knows as one, one is left. */
  private void forgetRenewals() {
    for (Registration registration : List.copyOf(state.registrations())) {
      if (registration.successor != null) {
        state.remove(registration.channelId);
        cancelDeadlines(registration.channelId);
      }
    }
    for (Wish wish : List.copyOf(state.wishes())) {
      if (wish.renewed != null) {
        ChannelId channelId = wish.channelId;
        Registration successor = channelId == null ? null : state.registration(channelId);
        if (successor != null) {
          inbox(wish.application).forget(message(wish, successor.channelId, successor.endpoint));
          state.remove(successor.channelId);
        }
        state.wishes().remove(wish); // what is asked for already is given back when answered
      }
    }
  }

  /** The server has lost everything this device had there (protocol §2). */
  private void startOver() {
    forgetRenewals();
    log.warn(
        "The push server has forgotten this device; {} registrations are gone",
        state.registrations().size());
    acks.clear();
    leaving.clear();
    listed = Set.of();
    for (Registration registration : List.copyOf(state.registrations())) {
      ChannelId channelId = registration.channelId;
      inbox(registration.application).forget(channelId);
      cancelDeadlines(channelId);
      Wish wish = state.wishFulfilledBy(channelId);
      if (wish != null) { // the application does not know this endpoint, and never will
        inbox(wish.application).forget(message(wish, channelId, registration.endpoint));
        wish.channelId = null;
      } else {
        state.wishes().add(Wish.replacing(registration.application, registration.endpoint));
      }
      state.remove(channelId);
    }
    List.copyOf(state.wishes()).forEach(this::ask);
    state.applicationsWithLosses().forEach(this::recover);
  }

  @Override
  public void received(ServerMessage message) {
    switch (message.type()) {
      case HELLO -> greetedAgain((ServerMessage.Hello) message);
      case REGISTER -> registered((ServerMessage.Register) message);
      case NOTIFICATION -> notified((ServerMessage.Notification) message);
      case FAILURE -> failed((ServerMessage.Failure) message);
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
        inbox(registration.application)
            .offer(
                new Message.Push(
                    known.channelId, known.endpoint, update.version(), update.channelId()));
      } else {
        acknowledge(update.channelId(), update.version()); // or it would come again and again
      }
    }
  }

  private void acknowledge(ChannelId channelId, long version) {
    if (acks.size() >= MAX_ACKS && !acks.containsKey(channelId)) {
      return; // it is sent again, and acknowledged then
    }
    acks.merge(channelId, version, Math::max);
    if (!acksQueued) {
      loop.execute(
          () -> {
            acksQueued = false;
            journal.whenSaved(
                new Journal.Waiter() {
                  @Override
                  public void saved() {
                    sendAcks();
                  }

                  @Override
                  public void failed(Throwable cause) {
                    acks.clear(); // what is not stored is not acknowledged; it is offered again
                  }
                });
          });
      acksQueued = true;
    }
  }

  private void sendAcks() {
    if (acks.isEmpty()) {
      return;
    }
    List<Update> updates = new ArrayList<>(acks.size());
    acks.forEach((channelId, version) -> updates.add(new Update(channelId, version)));
    acks.clear(); // if there is no connection, the server offers them again on the next one
    for (int from = 0; from < updates.size(); from += ACKS_IN_A_MESSAGE) {
      int to = Math.min(updates.size(), from + ACKS_IN_A_MESSAGE);
      connector.send(new ClientMessage.Ack(updates.subList(from, to)));
    }
  }

  @Override
  public void asleep(Duration atMost) {
    connectionGone();
    log.info("Asleep until {} sends a datagram, or for {}", settings.server(), atMost);
    listener.sleeping(atMost);
    registers.forEach(this::send); // asked for when the server was closing: ends sleep
  }

  private void connectionGone() {
    acks.clear();
    for (PendingRegister register : registers.values()) {
      register.sent = false;
      if (register.wish != null) {
        cancelTimeout(register); // it is not the answer that is missing now
      }
    }
  }

  @Override
  public void disconnected(Disconnected event) {
    connectionGone();
    lastFailure = event;
    log.info(
        "Not connected to {}: {}; next attempt in {}",
        settings.server(),
        event.reason(),
        event.retryIn());
    listener.disconnected(event);
  }

  // Register.

  private void ask(ChannelId channelId, PendingRegister register) {
    register.sent = false;
    registers.put(channelId, register);
    send(channelId, register);
  }

  /** Idempotent, so it may be asked again on each connection until it is answered (protocol §3). */
  private void send(ChannelId channelId, PendingRegister register) {
    if (!register.sent && connector.send(new ClientMessage.Register(channelId))) {
      register.sent = true;
      register.sentAt = loop.nanoTime();
      if (register.wish != null) {
        cancelTimeout(register);
        register.timeout =
            loop.schedule(settings.requestTimeout(), () -> registerTimedOut(register));
      }
    }
  }

  /** Unless it is asked for already, or it is not known that the application would take it. */
  private void ask(Wish wish) {
    boolean isOpen = state.wishes().contains(wish) && wish.channelId == null;
    boolean isTaken = !wish.isLoss() || replacesEndpoints(inbox(wish.application));
    if (isOpen && isTaken && registers.values().stream().noneMatch(asked -> asked.wish == wish)) {
      ask(ChannelId.random(), new PendingRegister(wish));
    }
  }

  private void askLater(Wish wish) {
    wish.failures++;
    Duration delay = WISHES.delay(wish.failures, random);
    log.debug("A queued register of {} is tried again in {}", wish.application, delay);
    loop.schedule(delay, () -> ask(wish));
  }

  private void tell(Wish wish, ChannelId channelId) {
    Registration registration = state.registration(channelId);
    if (registration != null) {
      Inbox inbox = inbox(wish.application);
      if (wish.renewed == null || wish.distrusted) {
        inbox.hold(channelId);
      }
      inbox.offer(message(wish, channelId, registration.endpoint));
    }
  }

  private static Message message(Wish wish, ChannelId channelId, URI endpoint) {
    if (wish.lost != null) {
      return new Message.Replaced(channelId, wish.lost, endpoint);
    }
    return new Message.Registered(channelId, Objects.requireNonNull(wish.tag), endpoint);
  }

  private void registered(ServerMessage.Register answer) {
    ChannelId channelId = answer.channelId();
    PendingRegister register = registers.remove(channelId);
    Wish wish = register == null ? null : register.wish;
    if (register == null || (wish != null && !state.wishes().contains(wish))) {
      if (register != null) {
        cancelTimeout(register);
      }
      if (state.registration(channelId) == null) {
        log.debug("The server registered a channel nobody waits for; it is given back");
        connector.send(new ClientMessage.Unregister(channelId));
      }
      return;
    }
    cancelTimeout(register);
    try {
      settings.checkEndpoint(answer.endpoint());
    } catch (IllegalArgumentException e) {
      connector.send(new ClientMessage.Unregister(channelId));
      fail(register, RequestException.badEndpoint(String.valueOf(e.getMessage())));
      return;
    }
    Registration registration =
        new Registration(register.application, channelId, answer.endpoint(), null);
    Registration renewed =
        wish == null || wish.renewed == null || wish.distrusted
            ? null
            : state.registration(wish.renewed);
    state.add(renewed == null ? registration : registration.succeeding(renewed));
    if (wish == null) {
      renewLater(channelId);
    } else {
      wish.channelId = channelId;
    }
    watch(register.application);
    Inbox inbox = inbox(register.application);
    if (renewed == null) {
      inbox.hold(channelId); // the application should know it before it hears of a version
    }
    journal.changed();
    journal.whenSaved(
        new Journal.Waiter() {
          @Override
          public void saved() {
            if (wish != null) {
              // Unless the application gave it up, or the server lost it, in the meantime.
              if (state.wishFulfilledBy(channelId) == wish) {
                tell(wish, channelId);
              }
            } else if (register.result != null) {
              Reply<URI> result = register.result;
              if (isGivenUp(registration)) {
                fail(result, RequestException.aborted("the endpoint was given up meanwhile"));
                return;
              }
              callBack(
                  () -> {
                    result.completed(answer.endpoint());
                    loop.execute(() -> inbox.release(channelId));
                  });
            }
          }

          @Override
          public void failed(Throwable cause) {
            if (state.registration(channelId) == registration) {
              drop(channelId);
              inbox.forget(channelId);
            }
            if (wish != null) {
              wish.channelId = null;
            }
            fail(
                register,
                RequestException.storage("the new registration could not be stored", cause));
          }
        });
  }

  /** Whether nobody wants the endpoint any more; one that the server lost is replaced. */
  private boolean isGivenUp(Registration registration) {
    return state.registration(registration.channelId) != registration
        && !state.isLost(registration.application, registration.endpoint);
  }

  /** A register has failed. What was queued is tried again. */
  private void fail(PendingRegister register, RequestException failure) {
    if (register.wish != null) {
      askLater(register.wish);
    } else if (register.result != null) {
      fail(register.result, failure);
    }
  }

  private void failed(ServerMessage.Failure failure) {
    if (!"register".equalsIgnoreCase(failure.messageType())) {
      log.debug("The server reports a failure that nothing waits for: {}", shown(failure));
      return;
    }
    ChannelId channelId = channelOf(failure);
    PendingRegister register = channelId == null ? null : registers.get(channelId);
    if (channelId == null || register == null || !register.sent) {
      log.debug("The server refused a channel nobody waits for: {}", shown(failure));
      return;
    }
    registers.remove(channelId);
    if (failure.status() == ServerMessage.Failure.CONFLICT
        && register.conflicts++ < MAX_CONFLICTS) {
      ask(ChannelId.random(), register);
      return;
    }
    cancelTimeout(register);
    fail(register, RequestException.server(failure.status(), Quote.of(failure.error())));
  }

  private static String shown(ServerMessage.Failure failure) {
    return failure.status() + ": " + Quote.of(failure.error());
  }

  /** A failure that names no channel answers the oldest request: answers come in order. */
  private @Nullable ChannelId channelOf(ServerMessage.Failure failure) {
    String text = failure.channelId();
    if (text != null) {
      try {
        return ChannelId.parse(text);
      } catch (IllegalArgumentException e) {
        log.debug("The server names a channel that is none", e);
        return null;
      }
    }
    for (Map.Entry<ChannelId, PendingRegister> entry : registers.entrySet()) {
      if (entry.getValue().sent) {
        return entry.getKey();
      }
    }
    return null;
  }

  private void registerTimedOut(PendingRegister register) {
    boolean connected = connector.isOpen();
    boolean sent = register.sent;
    registers
        .entrySet()
        .removeIf(
            entry -> {
              if (entry.getValue() == register && sent) {
                // Should the server have it after all; if it is not told, the next hello tells it.
                connector.send(new ClientMessage.Unregister(entry.getKey()));
              }
              return entry.getValue() == register;
            });
    if (connected && sent) {
      fail(
          register,
          RequestException.network(
              "the push server did not answer within " + settings.requestTimeout(), null));
      if (connector.lastHeard() - register.sentAt < 0) {
        connector.reconnect("the server did not answer a register in time");
      }
    } else {
      fail(register, noConnection());
    }
  }

  private RequestException noConnection() {
    String sentence = "there was no connection to the push server for " + settings.requestTimeout();
    Disconnected last = lastFailure;
    return last == null
        ? RequestException.network(sentence, null)
        : RequestException.network(sentence + ": " + last.reason(), last.cause());
  }

  private static void cancelTimeout(PendingRegister register) {
    if (register.timeout != null) {
      register.timeout.cancel();
    }
  }

  // Callbacks.

  private Inbox inbox(String application) {
    return inboxes.computeIfAbsent(application, id -> new Inbox(id, loop, callbacks, random, this));
  }

  private <T> void complete(Reply<T> result, T value) {
    callBack(() -> result.completed(value));
  }

  private <T> void fail(Reply<T> result, RequestException failure) {
    callBack(() -> result.failed(failure));
  }

  /** A future must be completed, even if the user has already shut the executor down. */
  private void callBack(Runnable completion) {
    try {
      callbacks.execute(completion);
    } catch (RuntimeException | Error e) {
      log.debug("The callback executor takes no more; the future completes on another thread", e);
      completion.run();
    }
  }
}
