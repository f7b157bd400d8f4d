package org.simplepush.client;

import java.net.URI;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.ApplicationManifest.Permission;
import org.simplepush.client.DeviceState.Registration;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.ServerMessage;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rules of a user agent (protocol §§2–5, 10, 11), without sockets, threads or clocks. Confined
 * to the loop; user code runs on the callback executor.
 */
final class Device implements Connector.Owner, Inbox.Owner {
  private static final Logger log = LoggerFactory.getLogger(Device.class);

  /** How often a register that met a conflict is tried with another channel (protocol §3). */
  static final int MAX_CONFLICTS = 3;

  /** Starts applications. */
  interface Starter {
    /**
     * Starts an application elsewhere, and then calls {@code launched} on the loop; returns false
     * if this device starts none.
     */
    boolean start(
        String application, ApplicationManifest manifest, Consumer<@Nullable Throwable> launched);
  }

  private final Settings settings;
  private final Loop loop;
  private final Starter starter;
  private final Executor callbacks;
  private final Executor listenerCalls;
  private final ConnectionListener listener;
  private final RandomGenerator random;
  private final Connector connector;
  private final Journal journal;
  private final DeviceState state;

  private final Map<String, Inbox> inboxes = new HashMap<>();

  /** Registers not answered yet, in the order they were asked for. */
  private final Map<ChannelId, PendingRegister> registers = new LinkedHashMap<>();

  /** To be sent when everything changed so far is saved; of each channel the highest version. */
  private final Map<ChannelId, Long> acks = new LinkedHashMap<>();

  private boolean acksQueued;

  /** Set once the device is to be closed: what to do when no handler runs. */
  private @Nullable Runnable whenIdle;

  private boolean wasIdle;

  /** An application wants an endpoint and has not got it. */
  private static final class PendingRegister {
    final String application;
    final CompletableFuture<URI> result;
    Loop.@Nullable Timer timeout;
    int conflicts;
    boolean sent;
    long sentAt;

    PendingRegister(String application, CompletableFuture<URI> result) {
      this.application = application;
      this.result = result;
    }
  }

  Device(
      Settings settings,
      Loop loop,
      Transport transport,
      DeviceStorage storage,
      DeviceState state,
      Starter starter,
      Executor callbacks,
      ConnectionListener listener,
      RandomGenerator random) {
    this.starter = starter;
    this.settings = settings;
    this.loop = loop;
    this.callbacks = callbacks;
    this.listenerCalls = new SerialExecutor(callbacks);
    this.listener = listener;
    this.random = random;
    this.state = state;
    this.journal = new Journal(loop, storage, state::toText, random);
    this.connector = new Connector(settings, loop, transport, random, this);
  }

  // What the applications ask for.

  void start() {
    for (String application : state.toRegisterAnew()) {
      inbox(application).offer(new Inbox.PushRegister());
    }
    connector.start();
  }

  /** From now on the application is told what waits for it. */
  void attach(String application, PushHandler handler) {
    inbox(application).attach(handler);
  }

  /** The application runs no more. */
  void detach(String application) {
    inbox(application).detach();
  }

  void install(String application, ApplicationManifest manifest, CompletableFuture<Void> result) {
    if (refuseIfClosing(result)) {
      return;
    }
    state.manifests().put(application, manifest);
    saveAndComplete(result, "installed, but a restart may lose it");
  }

  void installed(CompletableFuture<Map<String, ApplicationManifest>> result) {
    complete(result, Collections.unmodifiableMap(new LinkedHashMap<>(state.manifests())));
  }

  void uninstall(String application, CompletableFuture<Void> result) {
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
    abortRegisters(application::equals, PushException.aborted("the application was uninstalled"));
    Inbox inbox = inboxes.remove(application);
    if (inbox != null) {
      inbox.stop();
    }
    saveAndComplete(result, "uninstalled, but a restart may bring it back");
  }

  private <T> boolean refuseIfClosing(CompletableFuture<T> result) {
    if (whenIdle != null) {
      fail(result, PushException.closed());
      return true;
    }
    return false;
  }

  /** First here, then at the server; if it cannot be told now, the next hello does (§10). */
  private void drop(ChannelId channelId) {
    state.remove(channelId);
    acks.remove(channelId);
    connector.send(new ClientMessage.Unregister(channelId));
  }

  private void abortRegisters(Predicate<String> applications, PushException failure) {
    registers
        .values()
        .removeIf(
            register -> {
              boolean aborted = applications.test(register.application);
              if (aborted) {
                cancelTimeout(register);
                fail(register.result, failure);
              }
              return aborted;
            });
  }

  private void saveAndComplete(CompletableFuture<Void> result, String otherwise) {
    journal.changed();
    journal.whenSaved(
        new Journal.Waiter() {
          @Override
          public void saved() {
            callBack(() -> result.complete(null));
          }

          @Override
          public void failed(Exception cause) {
            fail(result, PushException.storage(otherwise, cause));
          }
        });
  }

  void register(String application, CompletableFuture<URI> result) {
    if (refuseIfClosing(result)) {
      return;
    }
    ApplicationManifest manifest = state.manifests().get(application);
    if (manifest != null && !manifest.permissions().contains(Permission.PUSH)) {
      fail(result, PushException.permissionDenied());
      return;
    }
    PendingRegister register = new PendingRegister(application, result);
    register.timeout = loop.schedule(settings.requestTimeout(), () -> registerTimedOut(register));
    ask(ChannelId.random(), register);
  }

  void registrations(String application, CompletableFuture<List<PushRegistration>> result) {
    List<PushRegistration> own = new ArrayList<>();
    for (Registration registration : state.registrations()) {
      if (registration.application.equals(application)) {
        Long version = registration.version();
        own.add(
            new PushRegistration(
                registration.endpoint,
                version == null ? OptionalLong.empty() : OptionalLong.of(version)));
      }
    }
    complete(result, List.copyOf(own));
  }

  void unregister(String application, URI endpoint, CompletableFuture<Void> result) {
    if (refuseIfClosing(result)) {
      return;
    }
    for (Registration registration : state.registrations()) {
      if (registration.application.equals(application) && registration.endpoint.equals(endpoint)) {
        drop(registration.channelId);
        inbox(application).forget(registration.channelId);
        saveAndComplete(result, "unregistered, but a restart may bring the endpoint back");
        return;
      }
    }
    fail(result, PushException.notFound("the application has no such endpoint"));
  }

  /**
   * Hands over nothing more, and once no handler runs and all is saved and acknowledged, closes the
   * connection. {@code done} runs when it is gone.
   */
  void close(Runnable done) {
    if (whenIdle != null) {
      return;
    }
    whenIdle = () -> saveAndDisconnect(done);
    inboxes.values().forEach(Inbox::stop);
    abortRegisters(application -> true, PushException.closed());
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
          public void failed(Exception cause) {
            connector.stop(done);
          }
        });
  }

  // What the handlers answer.

  @Override
  public void handled(Inbox inbox, Inbox.Message message) {
    if (message instanceof Inbox.Push push) {
      Registration registration = state.registration(push.channelId());
      if (registration != null) {
        registration.taken(push.version());
        journal.changed();
        acknowledge(push.channelId(), push.version());
      }
    } else if (!inbox.isWaiting(message)) {
      state.toRegisterAnew().remove(inbox.application());
      journal.changed();
    }
  }

  @Override
  public boolean isWanted(Inbox.Message message) {
    return !(message instanceof Inbox.Push push) || state.registration(push.channelId()) != null;
  }

  @Override
  public boolean launch(Inbox inbox) {
    ApplicationManifest manifest = state.manifests().get(inbox.application());
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
    return new ClientMessage.Hello(state.uaid(), state.channelIds());
  }

  @Override
  public void connected(ServerMessage.Hello hello) {
    Uaid before = state.uaid();
    if (!hello.uaid().equals(before)) {
      state.uaid(hello.uaid());
      if (before != null) {
        startOver();
      }
      journal.changed();
    }
    log.info("Connected to {}", settings.server());
    notifyListener(listener::onConnected);
    registers.forEach(this::send);
  }

  /** The server has lost everything this device had there (protocol §2). */
  private void startOver() {
    log.warn(
        "The push server has forgotten this device; {} registrations are gone",
        state.registrations().size());
    for (Registration registration : state.registrations()) {
      inbox(registration.application).forget(registration.channelId);
    }
    acks.clear();
    for (String application : state.removeAll()) {
      inbox(application).offer(new Inbox.PushRegister());
    }
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
      connector.reconnect("the server changed the UAID without being asked");
    }
  }

  private void notified(ServerMessage.Notification notification) {
    for (Update update : notification.updates()) {
      Registration registration = state.registration(update.channelId());
      if (registration != null && registration.isNews(update.version())) {
        inbox(registration.application)
            .offer(new Inbox.Push(update.channelId(), registration.endpoint, update.version()));
      } else {
        acknowledge(update.channelId(), update.version()); // or it would come again and again
      }
    }
  }

  private void acknowledge(ChannelId channelId, long version) {
    acks.merge(channelId, version, Math::max);
    if (!acksQueued) {
      acksQueued = true;
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
                  public void failed(Exception cause) {
                    acks.clear(); // what is not stored is not acknowledged; it is offered again
                  }
                });
          });
    }
  }

  private void sendAcks() {
    if (acks.isEmpty()) {
      return;
    }
    List<Update> updates = new ArrayList<>(acks.size());
    acks.forEach((channelId, version) -> updates.add(new Update(channelId, version)));
    acks.clear(); // if there is no connection, the server offers them again on the next one
    connector.send(new ClientMessage.Ack(updates));
  }

  @Override
  public void disconnected(ConnectionListener.Disconnected event) {
    acks.clear();
    registers.values().forEach(register -> register.sent = false);
    log.info(
        "Not connected to {}: {}; next attempt in {}",
        settings.server(),
        event.reason(),
        event.retryIn());
    notifyListener(() -> listener.onDisconnected(event));
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
    }
  }

  private void registered(ServerMessage.Register answer) {
    ChannelId channelId = answer.channelId();
    PendingRegister register = registers.remove(channelId);
    if (register == null) {
      if (state.registration(channelId) == null) {
        log.debug("The server registered a channel nobody waits for; it is given back");
        connector.send(new ClientMessage.Unregister(channelId));
      }
      return;
    }
    cancelTimeout(register);
    state.add(new Registration(register.application, channelId, answer.endpoint(), null));
    Inbox inbox = inbox(register.application);
    inbox.hold(channelId); // the application should know the endpoint before it hears of a version
    journal.changed();
    journal.whenSaved(
        new Journal.Waiter() {
          @Override
          public void saved() {
            callBack(
                () -> {
                  register.result.complete(answer.endpoint());
                  loop.execute(() -> inbox.release(channelId));
                });
          }

          @Override
          public void failed(Exception cause) {
            state.remove(channelId);
            inbox.forget(channelId);
            journal.changed();
            connector.send(new ClientMessage.Unregister(channelId));
            fail(
                register.result,
                PushException.storage("the new registration could not be stored", cause));
          }
        });
  }

  private void failed(ServerMessage.Failure failure) {
    if (!"register".equalsIgnoreCase(failure.messageType())) {
      log.debug("The server reports a failure that nothing waits for: {}", failure);
      return;
    }
    ChannelId channelId = channelOf(failure);
    PendingRegister register = channelId == null ? null : registers.get(channelId);
    if (channelId == null || register == null || !register.sent) {
      log.debug("The server refused a channel nobody waits for: {}", failure);
      return;
    }
    registers.remove(channelId);
    if (failure.status() == ServerMessage.Failure.CONFLICT
        && register.conflicts++ < MAX_CONFLICTS) {
      ask(ChannelId.random(), register);
      return;
    }
    cancelTimeout(register);
    fail(register.result, PushException.server(failure.status(), failure.error()));
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
          register.result,
          PushException.network(
              "the push server did not answer within " + settings.requestTimeout()));
      if (connector.lastHeard() - register.sentAt < 0) {
        connector.reconnect("the server did not answer a register in time");
      }
    } else {
      fail(
          register.result,
          PushException.network(
              "there was no connection to the push server for " + settings.requestTimeout()));
    }
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

  private <T> void complete(CompletableFuture<T> result, T value) {
    callBack(() -> result.complete(value));
  }

  private <T> void fail(CompletableFuture<T> result, PushException failure) {
    callBack(() -> result.completeExceptionally(failure));
  }

  /** A future must be completed, even if the user has already shut the executor down. */
  private void callBack(Runnable completion) {
    try {
      callbacks.execute(completion);
    } catch (RejectedExecutionException e) {
      log.debug("The callback executor takes no more; the future completes on another thread");
      completion.run();
    }
  }

  private void notifyListener(Runnable call) {
    try {
      listenerCalls.execute(call);
    } catch (RejectedExecutionException e) {
      log.debug("The callback executor takes no more; the listener is not told");
    }
  }
}
