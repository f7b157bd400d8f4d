package org.simplepush.server.internal.session;

import java.net.InetSocketAddress;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.CloseCode;
import org.simplepush.core.MalformedMessageException;
import org.simplepush.core.ServerMessage;
import org.simplepush.server.internal.Counters;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is said on one connection: one request at a time, until it is closed. The rules, without
 * sockets, threads or clocks.
 *
 * <p>All methods but {@link #number} are called by the loop of the {@link Wire}, one at a time. A
 * request is answered before the next one is looked at: while one waits for the store ({@link
 * #isBusy}), the wire keeps the later ones.
 *
 * <p>Every hello goes to the {@link Greeter}. The first one makes a {@link Session}, which takes
 * all other requests; before it there is none that could.
 */
public final class Conversation {
  private static final Logger log = LoggerFactory.getLogger(Conversation.class);

  /** When to try again to compare with the store, if a request is just waiting for it. */
  private static final long BUSY_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** Any ping is later: even one that had come before the conversation began. */
  private static final long LONG_AGO_NANOS = TimeUnit.HOURS.toNanos(1);

  private final Conversations all;
  private final Wire wire;
  private final long number;

  /** Null until the first hello was looked at. */
  private @Nullable Session session;

  /** Null unless the device is left to sleep when it is quiet. */
  private @Nullable SleepWatch watch;

  /** Whether a request waits for the store. */
  private boolean busy;

  private boolean closed;

  /** When the device is expected to ping, see {@link PingLimit}; long ago if it has not pinged. */
  private long pingExpectedAt;

  private boolean redeliveryStarted;

  Conversation(Conversations all, Wire wire, long number) {
    this.all = all;
    this.wire = wire;
    this.number = number;
    this.pingExpectedAt = wire.now() - LONG_AGO_NANOS;
    wire.startTimer(Wire.Timer.HELLO, settings().helloTimeout().toNanos());
  }

  /** Tells this connection from all others of this server; a later one has a higher number. */
  public long number() {
    return number;
  }

  /** Whether a request waits for the store, so that nothing may be handed over. */
  public boolean isBusy() {
    assert wire.isCurrent();
    return busy;
  }

  /** Whether the device has said hello and was answered. */
  public boolean isGreeted() {
    return session != null && session.isGreeted();
  }

  /**
   * Whether the store has a channel of this user agent, as far as is known without asking it: it
   * may be the last that was unregistered.
   */
  public boolean hasChannels() {
    return session != null && session.hasChannels();
  }

  // What comes from the wire

  /**
   * Takes a text message from the device, unless the conversation {@linkplain #isBusy is busy}.
   *
   * @param arrivedAt when it came, which may be longer ago
   */
  public void onMessage(String text, long arrivedAt) {
    assert wire.isCurrent() && !busy;
    if (closed) {
      return;
    }
    noteTraffic();
    ClientMessage message;
    try {
      message = all.codec.readClientMessage(text);
    } catch (MalformedMessageException e) {
      refuse(e);
      return;
    }
    log.trace("Received {}", message);
    switch (message.type()) {
      case HELLO -> all.greeter.hello(this, (ClientMessage.Hello) message);
      case PING -> ping(arrivedAt);
      case NACK -> counters().nacks.increment();
      case IGNORED -> log.trace("Nothing to do");
      case REGISTER, UNREGISTER, ACK -> {
        if (session != null) {
          request(session, message);
        } else {
          String sentence = "The first message must be hello";
          send(Failures.of(message, ServerMessage.Failure.MALFORMED, sentence));
          close(CloseCode.POLICY_VIOLATION, "the first message must be hello");
        }
      }
    }
  }

  private static void request(Session of, ClientMessage message) {
    if (message instanceof ClientMessage.Register register) {
      of.register(register.channelId());
    } else if (message instanceof ClientMessage.Unregister unregister) {
      of.unregister(unregister.channelId());
    } else if (message instanceof ClientMessage.Ack ack) {
      of.acknowledge(ack);
    }
  }

  private void refuse(MalformedMessageException malformed) {
    switch (malformed.severity()) {
      case NOT_A_MESSAGE -> close(CloseCode.PROTOCOL_ERROR, malformed.getMessage());
      case UNKNOWN_TYPE -> {
        send(malformed.toFailure());
        close(CloseCode.POLICY_VIOLATION, "unknown messageType");
      }
      case BAD_CONTENT -> {
        ServerMessage.Failure error = malformed.toFailure();
        send(error);
        if (session == null && !"hello".equalsIgnoreCase(error.messageType())) {
          close(CloseCode.POLICY_VIOLATION, "the first message must be hello");
        }
      }
      case UNANSWERED -> close(CloseCode.POLICY_VIOLATION, malformed.getMessage());
    }
  }

  private void ping(long arrivedAt) {
    if (!all.pings.allows(pingExpectedAt, arrivedAt)) {
      close(CloseCode.POLICY_VIOLATION, "pings come too often");
      return;
    }
    pingExpectedAt = all.pings.next(pingExpectedAt, arrivedAt);
    send(new ServerMessage.Ping());
    if (!closed && session != null && session.isGreeted()) {
      session.reconcile();
    }
  }

  /** The device has answered a ping with this payload: if it is ours, the device is there. */
  public void onPong(long payload) {
    assert wire.isCurrent() && !busy;
    if (!closed && session != null) {
      all.greeter.pong(this, session, payload);
    }
  }

  /** Sends what is to be sent, as far as the device reads. */
  public void flush() {
    assert wire.isCurrent();
    if (!closed && session != null) {
      session.flush();
    }
  }

  /** A timer that was started has run out. */
  public void onTimer(Wire.Timer timer) {
    assert wire.isCurrent();
    if (closed) {
      return;
    }
    switch (timer) {
      case HELLO -> onHelloTimeout();
      case REDELIVERY -> {
        redeliveryStarted = false;
        if (session != null) {
          session.redeliver();
        }
      }
      case QUIET -> {
        if (watch != null && session != null && !watch.onQuiet(this, session)) {
          watch = null;
        }
      }
      case RECONCILE -> {
        if (busy) {
          wire.startTimer(Wire.Timer.RECONCILE, BUSY_NANOS);
        } else if (session != null) {
          session.reconcileNow();
        }
      }
    }
  }

  private void onHelloTimeout() {
    boolean greeted = isGreeted();
    boolean settling = session != null && session.unsettled() != null;
    if ((!greeted || settling) && busy) {
      // Firefox waits for the answer to a hello without end. If it is closed, it tries again.
      storeFailed("hello", new TimeoutException("It has not answered a hello in time"));
      close(CloseCode.TRY_AGAIN_LATER, "try again later");
    } else if (!greeted) {
      close(CloseCode.POLICY_VIOLATION, "no hello in time");
    } else if (settling) {
      close(CloseCode.GOING_AWAY, "no answer to a ping");
    }
  }

  /** The connection is gone, whichever side ended it. */
  public void onClosed() {
    assert wire.isCurrent();
    if (closed) {
      return;
    }
    closed = true;
    if (session != null) {
      if (watch != null) {
        watch.stayAwake(session.uaid());
      }
      session.end();
    }
    watch = null;
  }

  /**
   * Takes a text message that arrived before the connection was closed, but had to wait. An
   * acknowledgement or an unregister still counts; all else is over.
   */
  public void onLeftOver(String text) {
    assert wire.isCurrent();
    if (!closed || session == null || !session.isGreeted()) {
      return;
    }
    ClientMessage message;
    try {
      message = all.codec.readClientMessage(text);
    } catch (MalformedMessageException e) {
      return; // the device cannot be sent a reply
    }
    if (message instanceof ClientMessage.Ack ack) {
      session.acknowledgeLate(ack);
    } else if (message instanceof ClientMessage.Unregister unregister) {
      session.unregisterLate(unregister.channelId());
    }
  }

  /** Ends the conversation; nothing is taken from the device any more. */
  public void close(CloseCode code, @Nullable String reason) {
    assert wire.isCurrent();
    if (!closed) {
      onClosed();
      wire.close(code, String.valueOf(reason));
    }
  }

  // What the greeter and the session need

  /** Null until the first hello was looked at. */
  public @Nullable Session session() {
    return session;
  }

  /** From now on all requests go to this session. */
  void hand(Session to) {
    session = to;
  }

  /** Whether the requests of this conversation go to that session. */
  boolean isWith(Session one) {
    return !closed && session == one;
  }

  boolean isClosed() {
    return closed;
  }

  Wire wire() {
    return wire;
  }

  ServerSettings settings() {
    return all.settings;
  }

  Counters counters() {
    return all.counters;
  }

  /** Sends a message, if the connection lasts. It may not: the wire ends it if it cannot write. */
  void send(ServerMessage message) {
    assert wire.isCurrent();
    if (!closed) {
      log.trace("Sending {}", message);
      noteTraffic();
      wire.send(message);
    }
  }

  /** Sends a WebSocket ping and a message behind it; the pong must come in time. */
  void ping(long payload, @Nullable ServerMessage behind) {
    if (!closed) {
      log.trace("Sending a ping and {}", behind);
      wire.startTimer(Wire.Timer.HELLO, settings().helloTimeout().toNanos());
      wire.ping(payload, behind);
    }
  }

  private void noteTraffic() {
    if (watch != null) {
      watch.traffic(wire.now());
    }
  }

  /** The device may be left to sleep, and woken there; null if it has to stay connected. */
  void maySleep(Sleepers sleepers, @Nullable InetSocketAddress address) {
    if (watch == null && address != null) {
      watch = new SleepWatch(sleepers, wire.now());
      wire.startTimer(Wire.Timer.QUIET, sleepers.quietNanos());
    }
    if (watch != null) {
      watch.address(address);
    }
  }

  /** Whether the timer of redeliveries runs, which must not be started again then. */
  boolean isRedeliveryStarted() {
    return redeliveryStarted;
  }

  void startRedelivery(long delayNanos) {
    redeliveryStarted = true;
    wire.startTimer(Wire.Timer.REDELIVERY, delayNanos);
  }

  void storeFailed(String step, @Nullable Throwable failure) {
    counters().storeFailures.report(step, failure);
  }

  /** What to do when the store has answered. */
  interface Answer<T> {
    /**
     * Called once.
     *
     * @param result null if there is none, be there a failure or not
     */
    void on(@Nullable T result, @Nullable Throwable failure);
  }

  /**
   * Goes on when the stage completes: immediately if it has, else later on the wire's loop, unless
   * the connection is closed by then.
   */
  <T> void await(CompletionStage<T> stage, Answer<T> answer) {
    CompletableFuture<T> future = stage.toCompletableFuture();
    if (future.isDone()) {
      T result = null;
      Throwable failure = null;
      try {
        result = future.join();
      } catch (CompletionException | CancellationException e) {
        failure = cause(e); // null would look like success
      }
      answer.on(result, failure);
      return;
    }
    busy = true;
    stage.whenComplete(
        (result, failure) ->
            wire.execute(
                () -> {
                  busy = false;
                  if (!closed) {
                    answer.on(result, failure == null ? null : cause(failure));
                  }
                }));
  }

  private static Throwable cause(Throwable failure) {
    Throwable cause = failure.getCause();
    return failure instanceof CompletionException && cause != null ? cause : failure;
  }
}
