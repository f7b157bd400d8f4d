package org.simplepush.server;

import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.CloseCode;
import org.simplepush.core.MalformedMessageException;
import org.simplepush.core.MessageCodec;
import org.simplepush.core.ServerMessage;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;
import org.simplepush.core.VersionStore.Resumption;
import org.simplepush.server.internal.ClientAddresses;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One user agent's conversation (protocol §§2–7): the rules, without sockets, threads or clocks.
 *
 * <p>All methods but {@link #published}, {@link #takenOver}, {@link #wordsLost} and {@link #number}
 * are called by the loop of the session's {@link Wire}, one at a time; those come from any thread
 * and go there. A request is answered before the next one is looked at: while one waits for the
 * store ({@link #isBusy}), the wire keeps the later ones.
 */
final class Session {
  /** What a session needs of the connection it speaks over. */
  interface Wire extends Executor {
    /** Calls a task as its loop would, one at a time, soon. From any thread. */
    @Override
    void execute(Runnable task);

    /**
     * Like {@link #execute}, but on the calling thread if nothing else is done for this loop just
     * now. From any thread that holds no lock.
     */
    void executeHere(Runnable task);

    /** Sends a message, or queues it behind what is not yet written. */
    void send(ServerMessage message);

    /** Whether a message sent now would leave at once, as far as is known. */
    boolean isWritable();

    /** Whether the device has sent something that was not handed over yet. */
    boolean isAsked();

    /** Sends what is queued, then the reason, then ends the connection. */
    void close(CloseCode code, String reason);

    /**
     * Calls {@link Session#onTimer} once, not before {@code delayNanos} have passed. A timer that
     * runs already is started anew.
     */
    void startTimer(Timer timer, long delayNanos);

    /** Calls {@link Session#flush} once the wire has handed over all that came at the same time. */
    void flushSoon();

    /** Nanoseconds since some fixed point. */
    long now();

    /** Whether the calling thread may touch the session now. From any thread. */
    boolean isCurrent();

    /** What limits per address count the device under, see {@link ClientAddresses#key}. */
    long address();
  }

  /** What a session waits for. */
  enum Timer {
    /** The device said no hello in time, or the store has not answered it. */
    HELLO,
    /** The eldest delivery may need to be sent again, or may be forgotten. */
    REDELIVERY,
    /** Time to compare with the store and to be counted as seen. */
    RECONCILE,
    /** The device may have been quiet for long enough to be left to sleep. */
    QUIET
  }

  /** What all sessions of a server share. */
  record Context(
      ServerSettings settings,
      VersionStore store,
      SessionRegistry sessions,
      Sleepers sleepers,
      EndpointTokens tokens,
      URI endpointBase,
      MessageCodec codec,
      CreationLimits limits,
      Counters counters) {}

  private static final Logger log = LoggerFactory.getLogger(Session.class);

  /** About 20 KiB a message: devices have limits too. */
  private static final int MAX_UPDATES_PER_NOTIFICATION = 256;

  /** When to try again to compare with the store, if a request is just waiting for it. */
  private static final long BUSY_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Context context;
  private final Wire wire;
  private final PingLimit pings;
  private final long number;

  /** Null until the first hello was looked at. */
  private @Nullable Uaid uaid;

  /** Whether the hello was answered, so that notifications may be sent. */
  private boolean greeted;

  /** Whether the store has channels of this user agent, as far as is known. */
  private boolean hasChannels;

  private boolean closed;

  /** Whether a request waits for the store. */
  private boolean busy;

  /** Null until there is something to deliver, and again when all is long acknowledged. */
  private @Nullable Deliveries deliveries;

  private boolean redeliveryStarted;

  /** Whether the next comparison with the store is to come soon, instead of now and then. */
  private boolean comparesSoon;

  /** Null unless the device is left to sleep when it is quiet. */
  private @Nullable Doze doze;

  /** What a session knows whose device may sleep. */
  private static final class Doze {
    /** Null if the device has changed its mind. */
    @Nullable InetSocketAddress address;

    /** When something was last said by either side. */
    long lastTraffic;

    /** The device as long as it is on the point of falling asleep. */
    Sleepers.@Nullable Sleeper sleeper;
  }

  Session(Context context, Wire wire) {
    this.context = context;
    this.wire = wire;
    this.pings = new PingLimit(context.settings().pingMinInterval().toNanos());
    this.number = context.sessions().nextNumber();
    wire.startTimer(Timer.HELLO, context.settings().helloTimeout().toNanos());
  }

  /** Tells this connection from all others of this server. */
  long number() {
    return number;
  }

  /** Whether a request waits for the store, so that nothing may be handed over. */
  boolean isBusy() {
    assert wire.isCurrent();
    return busy;
  }

  /** Whether the device has said hello and was answered. */
  boolean isGreeted() {
    return greeted;
  }

  /**
   * Whether the store has a channel of this user agent, as far as is known without asking it: it
   * may be the last that was unregistered.
   */
  boolean hasChannels() {
    return hasChannels;
  }

  /** How many channels it remembers something of, which is bounded whatever the device does. */
  int remembered() {
    return deliveries == null ? 0 : deliveries.size();
  }

  /**
   * Takes a text message from the device, unless the session {@linkplain #isBusy is busy}.
   *
   * @param arrivedAt when it came, which may be longer ago
   */
  void onMessage(String text, long arrivedAt) {
    assert wire.isCurrent() && !busy;
    if (closed) {
      return;
    }
    if (doze != null) {
      doze.lastTraffic = wire.now();
    }
    ClientMessage message;
    try {
      message = context.codec().readClientMessage(text);
    } catch (MalformedMessageException e) {
      refuse(e);
      return;
    }
    log.trace("Received {}", message);
    if (uaid == null && !mayComeBeforeHello(message.type())) {
      send(malformed(message, "The first message must be hello"));
      close(CloseCode.POLICY_VIOLATION, "the first message must be hello");
      return;
    }
    switch (message.type()) {
      case HELLO -> hello((ClientMessage.Hello) message);
      case REGISTER -> register(((ClientMessage.Register) message).channelId());
      case UNREGISTER -> unregister(((ClientMessage.Unregister) message).channelId());
      case ACK -> acknowledge(((ClientMessage.Ack) message).updates());
      case NACK -> context.counters().nacks.increment();
      case PING -> ping(arrivedAt);
      case IGNORED -> log.trace("Nothing to do");
    }
  }

  private static boolean mayComeBeforeHello(ClientMessage.Type type) {
    return switch (type) {
      case HELLO, PING, NACK, IGNORED -> true;
      case REGISTER, UNREGISTER, ACK -> false;
    };
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
        if (uaid == null && !"hello".equalsIgnoreCase(error.messageType())) {
          close(CloseCode.POLICY_VIOLATION, "the first message must be hello");
        }
      }
      case UNANSWERED -> close(CloseCode.POLICY_VIOLATION, malformed.getMessage());
    }
  }

  private static ServerMessage.Failure malformed(ClientMessage message, String sentence) {
    return failure(message, ServerMessage.Failure.MALFORMED, sentence);
  }

  private static ServerMessage.Failure failure(ClientMessage message, int status, String sentence) {
    String channelId =
        message instanceof ClientMessage.Register register
            ? register.channelId().text()
            : message instanceof ClientMessage.Unregister unregister
                ? unregister.channelId().text()
                : null;
    String type = message.type().name().toLowerCase(Locale.ROOT);
    return new ServerMessage.Failure(type, channelId, status, sentence);
  }

  // Hello (protocol §2)

  private void hello(ClientMessage.Hello hello) {
    if (uaid != null) {
      if (hello.uaid() != null && !hello.uaid().equals(uaid)) {
        String sentence = "This connection already said hello as another user agent";
        send(failure(hello, ServerMessage.Failure.UNAVAILABLE, sentence));
        close(CloseCode.POLICY_VIOLATION, "hello as another user agent");
        return;
      }
      // Not compared with the list: a device that repeats its first hello did not give up what it
      // registered in between.
      resume(hello, hello.uaid() != null ? hello.uaid() : uaid, null);
    } else if (hello.uaid() == null) {
      assignFresh(hello);
    } else if (hello.channelIds() != null
        && hello.channelIds().size() > context.settings().maxChannelsPerUserAgent()) {
      Uaid tooMany = hello.uaid();
      CompletionStage<Void> claimed = connect(tooMany);
      await(
          both(claimed, context.store().drop(tooMany)),
          (done, failure) -> {
            if (failure != null) {
              helloFailed(hello, failure);
            } else {
              assignFresh(hello);
            }
          });
    } else {
      resume(hello, hello.uaid(), hello.channelIds());
    }
  }

  private void assignFresh(ClientMessage.Hello hello) {
    Refusal refusal = context.limits().userAgent(wire.address());
    if (refusal != null) {
      refuse(hello, refusal);
      return;
    }
    if (uaid != null) {
      context.sessions().disconnect(uaid, this);
    }
    deliveries = null;
    hasChannels = false;
    context.counters().uaidsAssigned.increment();
    resume(hello, Uaid.random(), List.of(), null);
  }

  private void resume(
      ClientMessage.Hello hello, Uaid wanted, @Nullable List<ChannelId> channelIds) {
    boolean mayCreate = channelIds != null && channelIds.isEmpty();
    Refusal refusal = mayCreate ? context.limits().userAgent(wire.address()) : null;
    // Without a list the store creates nobody, and resumes whoever is known.
    resume(hello, wanted, refusal == null ? channelIds : null, refusal);
  }

  private void resume(
      ClientMessage.Hello hello,
      Uaid wanted,
      @Nullable List<ChannelId> channelIds,
      @Nullable Refusal refusal) {
    // Connected before the store is asked: an update published from now on is either in the store's
    // answer or handed to this session, or both. Without a claim it might be handed to another
    // node.
    CompletionStage<Void> claimed = connect(wanted);
    await(
        both(claimed, context.store().hello(wanted, channelIds)),
        (resumption, failure) -> {
          if (resumption == null) { // also without a failure: no answer is not "nothing is known"
            helloFailed(hello, failure);
          } else if (resumption instanceof Resumption.Resumed resumed) {
            greet(hello, wanted, resumed.pending());
          } else if (refusal != null) {
            refuse(hello, refusal);
          } else {
            assignFresh(hello);
          }
        });
  }

  private @Nullable CompletionStage<Void> connect(Uaid wanted) {
    boolean already = wanted.equals(uaid);
    uaid = wanted; // perhaps spelled anew
    if (already) {
      return null; // a newer connection may have taken over, which must not be undone
    }
    return context.sessions().connect(wanted, this);
  }

  /** Both were asked for at once; the first is null if there was nothing to ask. */
  private static <T> CompletionStage<T> both(
      @Nullable CompletionStage<Void> claimed, CompletionStage<T> step) {
    return claimed == null ? step : claimed.thenCombine(step, (nothing, result) -> result);
  }

  private void greet(ClientMessage.Hello hello, Uaid wanted, List<Update> pending) {
    context.counters().hellos.increment();
    // A device that lists none but was known, such as Firefox, has some: others do not come back.
    boolean listsNone = hello.channelIds() != null && hello.channelIds().isEmpty();
    hasChannels |= !pending.isEmpty() || (wanted.equals(hello.uaid()) && !listsNone);
    InetSocketAddress wakeUp = context.sleepers().permitted(hello);
    send(new ServerMessage.Hello(wanted, wakeUp != null));
    if (closed) {
      return;
    }
    if (!greeted) {
      greeted = true;
      reconcileIn(reconcileNanos());
    }
    mayDoze(wakeUp);
    for (Update update : pending) {
      deliveries().offer(update, true, wire.now());
    }
    flush();
  }

  private void refuse(ClientMessage.Hello hello, Refusal refusal) {
    context.counters().refusals.count(refusal);
    endUnanswered(hello, status(refusal), sentence(refusal));
  }

  private static int status(Refusal refusal) {
    return refusal == Refusal.STORE_FULL
        ? ServerMessage.Failure.UNAVAILABLE
        : ServerMessage.Failure.TOO_MANY;
  }

  private static String sentence(Refusal refusal) {
    return refusal == Refusal.STORE_FULL
        ? "This server has as many as it may; try again later"
        : "Too many come from this address; try again in a minute";
  }

  private void helloFailed(ClientMessage.Hello hello, @Nullable Throwable failure) {
    storeFailed("hello", failure);
    endUnanswered(hello, ServerMessage.Failure.UNAVAILABLE, "Try again later");
  }

  private void endUnanswered(ClientMessage.Hello hello, int status, String sentence) {
    // Only Firefox lists no channels. It takes an answer without a UAID for the end and never
    // connects again, but does so in seconds if it gets none.
    if (hello.channelIds() != null) {
      send(failure(hello, status, sentence));
    }
    close(CloseCode.TRY_AGAIN_LATER, "try again later");
  }

  // Register and unregister (protocol §§3, 4)

  private void register(ChannelId channelId) {
    Uaid owner = known();
    ClientMessage request = new ClientMessage.Register(channelId);
    Refusal refusal = context.limits().channel(wire.address());
    // With room for none the store creates none, and answers for a channel that is there.
    int maxChannels = refusal == null ? context.settings().maxChannelsPerUserAgent() : 0;
    await(
        context.tokens().whenCertain(() -> context.store().register(owner, channelId, maxChannels)),
        (registration, failure) -> {
          if (registration == null) {
            storeFailed("register", failure);
            send(failure(request, ServerMessage.Failure.FAILED, "Try again later"));
            return;
          }
          switch (registration) {
            case REGISTERED -> {
              context.counters().registers.increment();
              hasChannels = true;
              if (deliveries != null) {
                deliveries.reopen(channelId, wire.now());
              }
              send(new ServerMessage.Register(channelId, endpoint(owner, channelId)));
            }
            case LIMIT_REACHED -> {
              if (refusal != null) {
                context.counters().refusals.count(refusal);
                send(failure(request, status(refusal), sentence(refusal)));
              } else {
                String sentence = "This user agent has as many channels as it may";
                send(failure(request, ServerMessage.Failure.UNAVAILABLE, sentence));
              }
            }
            case UNKNOWN_USER_AGENT -> {
              send(failure(request, ServerMessage.Failure.FAILED, "Say hello again"));
              stateLost();
            }
          }
        });
  }

  private URI endpoint(Uaid owner, ChannelId channelId) {
    return URI.create(
        context.endpointBase() + EndpointHandler.PATH + context.tokens().seal(owner, channelId));
  }

  private void unregister(ChannelId channelId) {
    ClientMessage request = new ClientMessage.Unregister(channelId);
    await(
        context.store().unregister(known(), channelId),
        (done, failure) -> {
          if (failure != null) {
            storeFailed("unregister", failure);
            send(failure(request, ServerMessage.Failure.FAILED, "Try again later"));
            return;
          }
          context.counters().unregisters.increment();
          int limit = 2 * context.settings().maxChannelsPerUserAgent();
          deliveries().retire(channelId, wire.now(), limit);
          startRedelivery();
          send(new ServerMessage.Unregister(channelId));
        });
  }

  // Ack, ping and what the store says (protocol §§5, 6)

  private void acknowledge(List<Update> updates) {
    long now = wire.now();
    for (Update update : updates) {
      if (deliveries != null) {
        deliveries.acknowledge(update, now);
      }
    }
    context.counters().updatesAcknowledged.add(updates.size());
    await(
        context.store().acknowledge(known(), updates),
        (done, failure) -> {
          if (failure != null) {
            // Still pending in the store: offered again at the next hello or reconciliation.
            storeFailed("ack", failure);
          }
        });
  }

  private void ping(long arrivedAt) {
    if (!pings.allows(arrivedAt)) {
      close(CloseCode.POLICY_VIOLATION, "pings come too often");
      return;
    }
    send(new ServerMessage.Ping());
    if (greeted && !closed) {
      reconcile();
    }
  }

  /** Merges what the store says is pending, which also counts the device as seen. */
  private void reconcile() {
    await(
        askPending(),
        (pending, failure) -> {
          if (pending == null) {
            storeFailed("reconcile", failure);
            reconcileIn(context.sessions().nanosUntilComparedAgain());
          } else {
            reconcile(pending);
            reconcileIn(reconcileNanos());
          }
        });
  }

  private CompletionStage<Optional<List<Update>>> askPending() {
    context.sessions().confirm(known(), this);
    return context.store().pending(known());
  }

  private void reconcile(Optional<List<Update>> pending) {
    if (pending.isEmpty()) {
      stateLost();
      return;
    }
    for (Update update : pending.get()) {
      deliveries().offer(update, false, wire.now());
    }
    flush();
  }

  /** Only a hello can tell the device: make it say one. */
  private void stateLost() {
    close(CloseCode.GOING_AWAY, "say hello again");
  }

  /** Words may have been lost: compares with the store after this delay. From any thread. */
  void wordsLost(long delayNanos) {
    wire.execute(
        () -> {
          reconcileIn(delayNanos);
          comparesSoon = true; // and is not put off, however often words are lost
        });
  }

  private void reconcileIn(long delayNanos) {
    if (!closed && !comparesSoon) {
      wire.startTimer(Timer.RECONCILE, delayNanos);
    }
  }

  private long reconcileNanos() {
    return context.sessions().nanosBetweenComparisons(context.settings().reconcileInterval());
  }

  private void storeFailed(String step, @Nullable Throwable failure) {
    context.counters().storeFailures.report(step, failure);
  }

  // Delivery (protocol §5)

  /**
   * A channel of this user agent has reached a version. From any thread, and perhaps so late that
   * the session has been given another UAID: the version would then belong to a channel of the same
   * name with other versions.
   *
   * @param here whether the calling thread, which then holds no lock, may deliver it itself
   */
  void published(Uaid owner, Update update, boolean here) {
    Runnable delivery = () -> deliver(owner, update);
    if (here) {
      wire.executeHere(delivery);
    } else {
      wire.execute(delivery);
    }
  }

  private void deliver(Uaid owner, Update update) {
    assert wire.isCurrent();
    if (closed) {
      context.sleepers().published(owner); // it fell asleep while this was on its way
    } else if (owner.equals(uaid)) {
      deliveries().offer(update, false, wire.now());
      wire.flushSoon();
    }
  }

  /** The same user agent has connected anew, here or elsewhere. From any thread. */
  void takenOver(Uaid owner) {
    wire.execute(
        () -> {
          if (closed) {
            context.sleepers().remove(owner, number); // it fell asleep meanwhile
          } else if (owner.equals(uaid)) {
            context.counters().takeovers.increment();
            close(CloseCode.POLICY_VIOLATION, "this user agent has connected anew");
          }
        });
  }

  /** Sends what is to be sent, as far as the device reads. */
  void flush() {
    assert wire.isCurrent();
    if (closed || !greeted || deliveries == null) {
      return;
    }
    while (deliveries != null && wire.isWritable()) {
      List<Update> updates = deliveries.take(MAX_UPDATES_PER_NOTIFICATION, wire.now());
      if (updates.isEmpty()) {
        break;
      }
      context.counters().updatesSent.add(updates.size());
      send(new ServerMessage.Notification(updates));
    }
    startRedelivery();
  }

  private void startRedelivery() {
    if (!redeliveryStarted && deliveries != null && !deliveries.isEmpty()) {
      redeliveryStarted = true;
      wire.startTimer(Timer.REDELIVERY, deliveries.nanosUntilDue(wire.now(), redeliveryNanos()));
    }
  }

  private long redeliveryNanos() {
    return context.settings().redeliveryInterval().toNanos();
  }

  private Deliveries deliveries() {
    assert wire.isCurrent();
    if (deliveries == null) {
      deliveries = new Deliveries();
    }
    return deliveries;
  }

  /** A timer that was started has run out. */
  void onTimer(Timer timer) {
    assert wire.isCurrent();
    if (closed) {
      return;
    }
    switch (timer) {
      case HELLO -> {
        if (!greeted && busy) {
          // Firefox waits for the answer to a hello for ever; closed, it tries again.
          storeFailed("hello", new TimeoutException("It has not answered a hello in time"));
          close(CloseCode.TRY_AGAIN_LATER, "try again later");
        } else if (!greeted) {
          close(CloseCode.POLICY_VIOLATION, "no hello in time");
        }
      }
      case REDELIVERY -> {
        redeliveryStarted = false;
        if (deliveries != null) {
          int again = deliveries.expire(wire.now(), redeliveryNanos());
          context.counters().updatesResent.add(again);
          flush();
          if (deliveries != null && deliveries.isEmpty()) {
            deliveries = null;
          }
        }
      }
      case QUIET -> perhapsFallAsleep();
      case RECONCILE -> {
        if (busy) {
          wire.startTimer(Timer.RECONCILE, BUSY_NANOS);
        } else {
          comparesSoon = false;
          reconcile();
        }
      }
    }
  }

  /** The connection is gone, whoever ended it. */
  void onClosed() {
    assert wire.isCurrent();
    closed = true;
    deliveries = null;
    stayAwake();
    doze = null;
    if (uaid != null) {
      context.sessions().disconnect(uaid, this);
    }
  }

  /** Sends a message, if the connection lasts. It may not: the wire ends it if it cannot write. */
  private void send(ServerMessage message) {
    assert wire.isCurrent();
    if (!closed) {
      log.trace("Sending {}", message);
      if (doze != null) {
        doze.lastTraffic = wire.now();
      }
      wire.send(message);
    }
  }

  /** Ends the conversation; nothing is taken from the device any more. */
  void close(CloseCode code, @Nullable String reason) {
    assert wire.isCurrent();
    if (!closed) {
      onClosed();
      wire.close(code, String.valueOf(reason));
    }
  }

  private Uaid known() {
    if (uaid == null) {
      throw new IllegalStateException("there was no hello");
    }
    return uaid;
  }

  // Leaving the device to sleep (protocol §9)

  private void mayDoze(@Nullable InetSocketAddress address) {
    if (doze != null) {
      doze.address = address;
    } else if (address != null) {
      doze = new Doze();
      doze.address = address;
      doze.lastTraffic = wire.now();
      wire.startTimer(Timer.QUIET, context.sleepers().quietNanos());
    }
  }

  private void perhapsFallAsleep() {
    InetSocketAddress address = doze == null ? null : doze.address;
    if (doze == null || address == null) {
      doze = null;
      return;
    }
    long quietNanos = context.sleepers().quietNanos();
    long left = quietNanos - (wire.now() - doze.lastTraffic);
    if (left > 0) {
      wire.startTimer(Timer.QUIET, left);
    } else if (busy || isOutstanding() || !fallAsleep(known(), address)) {
      wire.startTimer(Timer.QUIET, quietNanos);
    }
  }

  /** Whether there is something to do for the device before it may sleep. */
  private boolean isOutstanding() {
    return wire.isAsked()
        || (deliveries != null && deliveries.isOutstanding())
        || !wire.isWritable();
  }

  /**
   * Enters the device among the sleepers, and then asks the store: a version is in its answer, or
   * handed to this session, or its publisher finds the sleeper. Returns false if the device may not
   * sleep now.
   */
  private boolean fallAsleep(Uaid owner, InetSocketAddress address) {
    Sleepers.Sleeper sleeper = context.sleepers().add(owner, address, number);
    if (sleeper == null || doze == null) {
      return false;
    }
    doze.sleeper = sleeper;
    if (!context.sessions().isLive(owner, this)) {
      stayAwake();
      return false;
    }
    await(
        askPending(),
        (pending, failure) -> {
          if (pending == null) {
            storeFailed("falling asleep", failure);
          } else {
            reconcile(pending);
          }
          if (doze == null) {
            return; // closed, because the store knows nothing of it any more
          }
          if (pending == null || isOutstanding()) {
            stayAwake();
            wire.startTimer(Timer.QUIET, context.sleepers().quietNanos());
          } else {
            doze = null;
            close(CloseCode.WAKE_UP, "wait for a datagram");
          }
        });
    return true;
  }

  private void stayAwake() {
    if (doze != null && doze.sleeper != null) {
      context.sleepers().remove(known(), doze.sleeper);
      doze.sleeper = null;
    }
  }

  // Waiting for the store

  private interface Answer<T> {
    void on(@Nullable T result, @Nullable Throwable failure);
  }

  /** Goes on when the stage completes: at once if it has, else later on the wire's loop. */
  private <T> void await(CompletionStage<T> stage, Answer<T> answer) {
    CompletableFuture<T> future = stage.toCompletableFuture();
    if (future.isDone()) {
      T result = null;
      Throwable failure = null;
      try {
        result = future.join();
      } catch (CompletionException | CancellationException e) {
        failure = e.getCause() != null ? e.getCause() : e; // null would look like success
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
                    answer.on(result, failure);
                  }
                }));
  }
}
