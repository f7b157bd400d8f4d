package org.simplepush.client.internal.device;

import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.Quote;
import org.simplepush.client.internal.Settings;
import org.simplepush.client.internal.connection.Connector;
import org.simplepush.client.internal.connection.Disconnected;
import org.simplepush.client.internal.run.Loop;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.ServerMessage;
import org.simplepush.core.internal.Backoff;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Registers channels, for applications that wait for the endpoint and for what the device owes
 * them. Confined to the loop.
 */
final class Registrar {
  private static final Logger log = LoggerFactory.getLogger(Registrar.class);

  /** How often a register that met a conflict is tried with another channel (protocol §3). */
  static final int MAX_CONFLICTS = 3;

  /** The breaks between attempts to get what is owed. */
  private static final Backoff RETRY = new Backoff(Duration.ofSeconds(5), Duration.ofMinutes(10));

  private final Settings settings;
  private final Loop loop;
  private final RandomGenerator random;
  private final Connector connector;
  private final DeviceState state;
  private final StateSaver saver;
  private final Channels channels;
  private final Schedule schedule;
  private final Inboxes inboxes;
  private final Replies replies;

  /** Registers not answered yet, in the order they were asked for. */
  private final Map<ChannelId, Pending> registers = new LinkedHashMap<>();

  /** Why there is no connection; null if there is one, or none has failed yet. */
  private @Nullable Disconnected lastFailure;

  /** A register that is not answered: an application waits for it, or the device owes it. */
  private static final class Pending {
    final String application;
    final @Nullable Reply<URI> reply;
    final @Nullable Owed owed;
    Loop.@Nullable Timer timeout;
    int conflicts;
    boolean sent;
    long sentAt;

    Pending(String application, Reply<URI> reply) {
      this.application = application;
      this.reply = reply;
      this.owed = null;
    }

    Pending(Owed owed) {
      this.application = owed.application;
      this.reply = null;
      this.owed = owed;
    }

    void cancelTimeout() {
      if (timeout != null) {
        timeout.cancel();
      }
    }
  }

  Registrar(
      Settings settings,
      Loop loop,
      RandomGenerator random,
      Connector connector,
      DeviceState state,
      StateSaver saver,
      Channels channels,
      Schedule schedule,
      Inboxes inboxes,
      Replies replies) {
    this.settings = settings;
    this.loop = loop;
    this.random = random;
    this.connector = connector;
    this.state = state;
    this.saver = saver;
    this.channels = channels;
    this.schedule = schedule;
    this.inboxes = inboxes;
    this.replies = replies;
  }

  /** Registers a channel for an application that waits for it, but not for long. */
  void register(String application, Reply<URI> reply) {
    Pending register = new Pending(application, reply);
    register.timeout = loop.schedule(settings.requestTimeout(), () -> timedOut(register));
    ask(ChannelId.random(), register);
  }

  /**
   * Registers what is owed, unless that is under way, or it is not known whether the application
   * would take it.
   */
  void ask(Owed owed) {
    boolean isOpen = state.owed().contains(owed) && owed.channelId == null;
    boolean isHandled = !owed.isLoss() || inboxes.of(owed.application).takesSuccessors();
    if (isOpen
        && isHandled
        && registers.values().stream().noneMatch(register -> register.owed == owed)) {
      ask(ChannelId.random(), new Pending(owed));
    }
  }

  private void ask(ChannelId channelId, Pending register) {
    register.sent = false;
    registers.put(channelId, register);
    send(channelId, register);
  }

  /** Idempotent, so it may be sent again on each connection until it is answered (protocol §3). */
  private void send(ChannelId channelId, Pending register) {
    if (!register.sent && connector.send(new ClientMessage.Register(channelId))) {
      register.sent = true;
      register.sentAt = loop.nanoTime();
      if (register.owed != null) {
        register.cancelTimeout();
        register.timeout = loop.schedule(settings.requestTimeout(), () -> timedOut(register));
      }
    }
  }

  private void askLater(Owed owed) {
    owed.failures++;
    Duration delay = RETRY.delay(owed.failures, random);
    log.debug("A queued register of {} is tried again in {}", owed.application, delay);
    loop.schedule(delay, () -> ask(owed));
  }

  /** Offers the application the endpoint that it is owed. */
  void offer(Owed owed, ChannelId channelId) {
    Registration registration = state.registration(channelId);
    if (registration != null) {
      Inbox inbox = inboxes.of(owed.application);
      if (owed.versionsSharedWith() == null) {
        inbox.hold(channelId);
      }
      inbox.offer(owed.message(registration));
    }
  }

  /** The connection can be used: sends what waits. */
  void connected() {
    lastFailure = null;
    sendAll();
  }

  /** Sends what waits, which ends sleep. */
  void sendAll() {
    registers.forEach(this::send);
  }

  /** What was sent on the last connection is sent again on the next one. */
  void connectionGone() {
    for (Pending register : registers.values()) {
      register.sent = false;
      if (register.owed != null) {
        register.cancelTimeout(); // it is not the answer that is missing now
      }
    }
  }

  /** A connection was lost, or an attempt failed. */
  void disconnected(Disconnected event) {
    connectionGone();
    lastFailure = event;
  }

  /** Fails the registers of these applications. */
  void abort(Predicate<String> applications, RequestException failure) {
    registers
        .values()
        .removeIf(
            register -> {
              boolean aborted = applications.test(register.application);
              if (aborted) {
                register.cancelTimeout();
                if (register.reply != null) {
                  replies.fail(register.reply, failure);
                }
              }
              return aborted;
            });
  }

  /** What was asked for to fulfil this is given back when it is answered. */
  void cancel(Owed owed) {
    registers
        .values()
        .removeIf(
            register -> {
              boolean cancelled = register.owed == owed;
              if (cancelled) {
                register.cancelTimeout();
              }
              return cancelled;
            });
  }

  /** The server has registered a channel. */
  void registered(ServerMessage.Register answer) {
    ChannelId channelId = answer.channelId();
    Pending register = registers.remove(channelId);
    Owed owed = register == null ? null : register.owed;
    if (register == null || (owed != null && !state.owed().contains(owed))) {
      if (register != null) {
        register.cancelTimeout();
      }
      if (state.registration(channelId) == null) {
        log.debug("The server registered a channel nobody waits for; it is given back");
        connector.send(new ClientMessage.Unregister(channelId));
      }
      return;
    }
    register.cancelTimeout();
    try {
      settings.checkEndpoint(answer.endpoint());
    } catch (IllegalArgumentException e) {
      connector.send(new ClientMessage.Unregister(channelId));
      fail(register, RequestException.badEndpoint(String.valueOf(e.getMessage())));
      return;
    }
    Registration registration =
        new Registration(register.application, channelId, answer.endpoint(), null);
    ChannelId shared = owed == null ? null : owed.versionsSharedWith();
    Registration renewed = shared == null ? null : state.registration(shared);
    state.add(renewed == null ? registration : registration.succeeding(renewed));
    if (owed == null) {
      schedule.renewLater(channelId);
    } else {
      state.fulfil(owed, channelId);
    }
    schedule.watch(register.application);
    if (renewed == null) {
      // The application should know the endpoint before it gets a version of it.
      inboxes.of(register.application).hold(channelId);
    }
    saver.changed();
    saver.whenSaved(
        new StateSaver.Waiter() {
          @Override
          public void saved() {
            handOver(register, registration);
          }

          @Override
          public void failed(Throwable cause) {
            takeBack(register, registration, cause);
          }
        });
  }

  /** The registration is stored. */
  private void handOver(Pending register, Registration registration) {
    ChannelId channelId = registration.channelId;
    if (register.owed != null) {
      // Unless the application has given it up since, or the server has lost it.
      if (state.fulfilledBy(channelId) == register.owed) {
        offer(register.owed, channelId);
      }
    } else if (register.reply != null) {
      Reply<URI> reply = register.reply;
      if (isGivenUp(registration)) {
        replies.fail(reply, RequestException.aborted("the endpoint was given up meanwhile"));
        return;
      }
      Inbox inbox = inboxes.of(registration.application);
      replies.run(
          () -> {
            reply.completed(registration.endpoint);
            loop.execute(() -> inbox.release(channelId));
          });
    }
  }

  /** Whether nobody wants the endpoint any more; one that the server lost is replaced. */
  private boolean isGivenUp(Registration registration) {
    return state.registration(registration.channelId) != registration
        && !state.isLost(registration.application, registration.endpoint);
  }

  /** The registration could not be stored, so the application must not use it. */
  private void takeBack(Pending register, Registration registration, Throwable cause) {
    ChannelId channelId = registration.channelId;
    if (state.registration(channelId) == registration) {
      channels.drop(channelId);
      inboxes.of(registration.application).forget(channelId);
    }
    if (register.owed != null) {
      state.fulfil(register.owed, null);
    }
    fail(register, RequestException.storage("the new registration could not be stored", cause));
  }

  /** A register has failed. What the device owes is tried again. */
  private void fail(Pending register, RequestException failure) {
    if (register.owed != null) {
      askLater(register.owed);
    } else if (register.reply != null) {
      replies.fail(register.reply, failure);
    }
  }

  /** The server has refused something. */
  void failed(ServerMessage.Failure failure) {
    if (!"register".equalsIgnoreCase(failure.messageType())) {
      log.debug("The server reports a failure that nothing waits for: {}", shown(failure));
      return;
    }
    ChannelId channelId = channelOf(failure);
    Pending register = channelId == null ? null : registers.get(channelId);
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
    register.cancelTimeout();
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
    for (Map.Entry<ChannelId, Pending> entry : registers.entrySet()) {
      if (entry.getValue().sent) {
        return entry.getKey();
      }
    }
    return null;
  }

  private void timedOut(Pending register) {
    boolean connected = connector.isOpen();
    boolean sent = register.sent;
    registers
        .entrySet()
        .removeIf(
            entry -> {
              if (entry.getValue() == register && sent) {
                // The server may have registered it. If this does not arrive, the next hello says
                // the same by not listing the channel.
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
}
