package org.simplepush.server.internal.session;

import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.CloseCode;
import org.simplepush.core.MalformedMessageException;
import org.simplepush.core.MessageCodec;
import org.simplepush.core.ServerMessage;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.SharedVersionStore.Basis;
import org.simplepush.core.SharedVersionStore.Comparison;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;
import org.simplepush.core.VersionStore.Resumption;
import org.simplepush.server.internal.Counters;
import org.simplepush.server.internal.EndpointTokens;
import org.simplepush.server.internal.Refusal;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One user agent's conversation (protocol §§2–7): the rules, without sockets, threads or clocks.
 *
 * <p>All methods but {@link #published}, {@link #publishedInline}, {@link #takenOver}, {@link
 * #compareAfter} and {@link #number} are called by the loop of the session's {@link Wire}, one at a
 * time; those come from any thread and go there. A request is answered before the next one is
 * looked at: while one waits for the store ({@link #isBusy}), the wire keeps the later ones.
 *
 * <p>If the store is shared, a connection is {@link Unsettled} after the hello, until the device
 * has answered a ping: the hello may come late, from a node that was frozen, and the device may
 * have gone on elsewhere. Then nothing may be taken away because of it.
 */
public final class Session {
  /**
   * What all sessions of a server share.
   *
   * @param receipts null if nobody hears what was acknowledged
   */
  public record Context(
      ServerSettings settings,
      VersionStore store,
      SessionRegistry sessions,
      Sleepers sleepers,
      EndpointTokens tokens,
      URI endpointBase,
      MessageCodec codec,
      CreationLimits limits,
      Counters counters,
      @Nullable Receipts receipts) {}

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

  /** Whether it was the live one of its user agent when it was closed. */
  private boolean wasLive;

  /** Null but between the hello and the claim, in a shared store. */
  private @Nullable Unsettled unsettled;

  // What it stands on after that, see Standing: in fields, for there are very many sessions.
  private long epoch;
  private long digest;
  private boolean digestKnown;
  private boolean doubtful;

  private boolean lists;

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

  public Session(Context context, Wire wire) {
    this.context = context;
    this.wire = wire;
    this.pings = new PingLimit(context.settings().pingMinInterval().toNanos());
    this.number = context.sessions().nextNumber();
    wire.startTimer(Wire.Timer.HELLO, context.settings().helloTimeout().toNanos());
  }

  /** Tells this connection from all others of this server. */
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
    return greeted;
  }

  /**
   * Whether the store has a channel of this user agent, as far as is known without asking it: it
   * may be the last that was unregistered.
   */
  public boolean hasChannels() {
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
  public void onMessage(String text, long arrivedAt) {
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
      case ACK -> acknowledge((ClientMessage.Ack) message);
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
      repeat(hello, hello.uaid() != null ? hello.uaid() : uaid);
    } else if (hello.uaid() == null) {
      assignFresh(hello, null);
    } else if (hello.channelIds() != null
        && hello.channelIds().size() > context.settings().maxChannelsPerUserAgent()) {
      startOver(hello, hello.uaid());
    } else {
      resume(hello, hello.uaid(), hello.channelIds());
    }
  }

  /** Drops a user agent with too many channels. */
  private void startOver(ClientMessage.Hello hello, Uaid tooMany) {
    if (!connect(tooMany)) {
      return;
    }
    SharedVersionStore.Node node = node();
    if (node == null) {
      await(
          context.store().drop(tooMany),
          (done, failure) -> {
            if (failure != null) {
              helloFailed(hello, failure);
            } else {
              assignFresh(hello, null);
            }
          });
    } else {
      await(
          node.hello(tooMany, null),
          (greeting, failure) -> {
            if (greeting == null) {
              helloFailed(hello, failure);
            } else {
              assignFresh(hello, new Unsettled.Outgrown(tooMany, greeting.seen()));
            }
          });
    }
  }

  private void assignFresh(ClientMessage.Hello hello, Unsettled.@Nullable Outgrown outgrown) {
    Refusal refusal = context.limits().userAgent(wire.address());
    if (refusal != null) {
      refuse(hello, refusal);
      return;
    }
    if (uaid != null) {
      context.sessions().disconnect(uaid, this);
    }
    deliveries = null;
    unsettled = null;
    hasChannels = false;
    context.counters().uaidsAssigned.increment();
    resume(hello, Uaid.random(), List.of(), null, outgrown);
  }

  private void resume(
      ClientMessage.Hello hello, Uaid wanted, @Nullable List<ChannelId> channelIds) {
    boolean mayCreate = channelIds != null && channelIds.isEmpty();
    Refusal refusal = mayCreate ? context.limits().userAgent(wire.address()) : null;
    // Without a list the store creates nobody, and resumes whoever is known.
    resume(hello, wanted, refusal == null ? channelIds : null, refusal, null);
  }

  private void resume(
      ClientMessage.Hello hello,
      Uaid wanted,
      @Nullable List<ChannelId> channelIds,
      @Nullable Refusal refusal,
      Unsettled.@Nullable Outgrown outgrown) {
    // Connected before the store is asked: an update published from now on is either in the store's
    // answer or handed to this session, or both.
    if (!connect(wanted)) {
      return;
    }
    SharedVersionStore.Node node = node();
    if (node == null) {
      await(
          context.store().hello(wanted, channelIds),
          (resumption, failure) -> {
            if (resumption == null) { // also without a failure: no answer is not "nothing is known"
              helloFailed(hello, failure);
            } else if (resumption instanceof Resumption.Resumed resumed) {
              greet(hello, wanted, resumed.pending(), false);
            } else if (refusal != null) {
              refuse(hello, refusal);
            } else {
              assignFresh(hello, null);
            }
          });
      return;
    }
    await(
        node.hello(wanted, channelIds),
        (greeting, failure) -> {
          if (greeting == null) {
            helloFailed(hello, failure);
          } else if (greeting.resumption() instanceof Resumption.Resumed resumed) {
            // An empty list counts even if the store was not shown it, lest it create somebody.
            List<ChannelId> listed = refusal == null ? channelIds : hello.channelIds();
            boolean lists = hello.channelIds() != null;
            unsettled = new Unsettled(greeting.seen(), lists, listed, outgrown);
            greet(hello, wanted, resumed.pending(), true);
          } else if (refusal != null) {
            refuse(hello, refusal);
          } else {
            boolean known = greeting.resumption() instanceof Resumption.Diverged;
            assignFresh(hello, known ? new Unsettled.Outgrown(wanted, greeting.seen()) : null);
          }
        });
  }

  /** The second hello on a connection: pending updates are sent again. */
  private void repeat(ClientMessage.Hello hello, Uaid same) {
    SharedVersionStore.Node node = node();
    if (node == null) {
      resume(hello, same, null);
    } else if (unsettled == null) {
      uaid = same; // perhaps spelled anew
      await(
          node.compare(same, standing().claim()),
          (comparison, failure) -> {
            if (comparison == null) {
              helloFailed(hello, failure);
            } else if (comparison instanceof Comparison.Unknown) {
              assignFresh(hello, null);
            } else {
              compared(
                  node,
                  comparison,
                  (pending, trouble) -> {
                    if (pending == null) {
                      helloFailed(hello, trouble);
                    } else {
                      greet(hello, same, pending, false);
                    }
                  });
            }
          });
    } else {
      uaid = same;
      await(
          node.hello(same, null),
          (greeting, failure) -> {
            if (greeting == null) {
              helloFailed(hello, failure);
            } else if (greeting.resumption() instanceof Resumption.Resumed resumed) {
              greet(hello, same, resumed.pending(), false);
            } else {
              assignFresh(hello, null);
            }
          });
    }
  }

  private SharedVersionStore.@Nullable Node node() {
    return context.sessions().node();
  }

  /**
   * The session is that of this user agent; it is the live one already, or will be when it has
   * settled. Ends it and returns false if it must not: the device has a newer connection here, and
   * what came by this one was stuck in the network.
   */
  private boolean connect(Uaid wanted) {
    boolean already = wanted.equals(uaid);
    uaid = wanted; // perhaps spelled anew
    if (already) {
      return true; // a newer connection may have taken over, which must not be undone
    }
    boolean newest =
        node() == null
            ? context.sessions().connect(wanted, this)
            : context.sessions().isNewest(wanted, this);
    if (!newest) {
      takenOver();
    }
    return newest;
  }

  private void greet(
      ClientMessage.Hello hello, Uaid wanted, List<Update> pending, boolean behindPing) {
    context.counters().hellos.increment();
    // A device that lists none but was known, such as Firefox, has some: others do not come back.
    boolean listsNone = hello.channelIds() != null && hello.channelIds().isEmpty();
    hasChannels |= !pending.isEmpty() || (wanted.equals(hello.uaid()) && !listsNone);
    InetSocketAddress wakeUp = context.sleepers().permitted(hello);
    ServerMessage reply = new ServerMessage.Hello(wanted, wakeUp != null);
    if (behindPing) {
      ping(reply);
    } else {
      send(reply);
    }
    if (closed) {
      return;
    }
    if (!greeted) {
      greeted = true;
      if (unsettled == null) {
        reconcileIn(reconcileNanos());
      }
    }
    mayDoze(wakeUp);
    for (Update update : pending) {
      deliveries().offer(update, true, wire.now());
    }
    flush();
  }

  /** Finds out whether the device is there. */
  private void ping(@Nullable ServerMessage behind) {
    if (!closed && unsettled != null) {
      log.trace("Sending a ping and {}", behind);
      wire.startTimer(Wire.Timer.HELLO, context.settings().helloTimeout().toNanos());
      wire.ping(unsettled.ping, behind);
    }
  }

  /**
   * Somebody else has settled or registered since the hello: perhaps this device, which has gone
   * elsewhere, perhaps an older connection of it that was stuck. Only what it answers now tells.
   */
  private void lookAgain(SharedVersionStore.Node node, Unsettled outdated, Runnable then) {
    await(
        node.hello(known(), outdated.list()),
        (greeting, failure) -> {
          if (greeting == null) {
            helloFailed(failure);
          } else if (greeting.resumption() instanceof Resumption.Resumed) {
            outdated.seen = greeting.seen();
            outdated.ping = ThreadLocalRandom.current().nextLong();
            ping(null);
            then.run();
          } else {
            stateLost();
          }
        });
  }

  /** The device has answered a ping with this payload: if it is ours, somebody is there. */
  public void onPong(long payload) {
    assert wire.isCurrent() && !busy;
    SharedVersionStore.Node node = node();
    if (closed || node == null || unsettled == null || payload != unsettled.ping) {
      return;
    }
    Unsettled settling = unsettled;
    Uaid owner = known();
    if (!context.sessions().isNewest(owner, this)) {
      takenOver();
      return;
    }
    // Before the store is asked: what is published afterwards is handed to this session too.
    context.sessions().settles(owner, this);
    await(
        node.settle(owner, number, settling.seen, settling.list()),
        (comparison, failure) -> {
          if (comparison == null) {
            helloFailed(failure);
          } else {
            settled(node, owner, settling, comparison);
          }
        });
  }

  private void settled(
      SharedVersionStore.Node node, Uaid owner, Unsettled settling, Comparison comparison) {
    if (comparison instanceof Comparison.Claimed claimed) {
      if (!context.sessions().connect(owner, this)) {
        takenOver();
        return;
      }
      context.sessions().settlesNoMore(owner, this);
      unsettled = null;
      Long expected = settling.digest();
      stand(new Standing(claimed.claim(), expected, settling.doubtful, settling.lists));
      dropOutgrown(node, settling.outgrown);
    } else {
      context.sessions().settlesNoMore(owner, this);
      if (comparison instanceof Comparison.Superseded) {
        lookAgain(node, settling, () -> {});
        return;
      }
    }
    compared(
        node,
        comparison,
        (pending, failure) -> {
          if (pending == null) {
            helloFailed(failure);
          } else {
            reconcile(pending);
            reconcileIn(reconcileNanos());
          }
        });
  }

  private void dropOutgrown(SharedVersionStore.Node node, Unsettled.@Nullable Outgrown outgrown) {
    if (outgrown != null) {
      node.drop(outgrown.uaid(), outgrown.seen()).whenComplete(reported("drop"));
    }
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

  /** After the device was greeted. */
  private void helloFailed(@Nullable Throwable failure) {
    storeFailed("hello", failure);
    close(CloseCode.TRY_AGAIN_LATER, "try again later");
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
    if (context.tokens().isCertain()) {
      register(owner, request, channelId, maxChannels, refusal);
    } else {
      await(
          context.tokens().certain(),
          (certain, failure) -> {
            if (failure != null) {
              registerFailed(request, failure);
            } else {
              register(owner, request, channelId, maxChannels, refusal);
            }
          });
    }
  }

  private void register(
      Uaid owner,
      ClientMessage request,
      ChannelId channelId,
      int maxChannels,
      @Nullable Refusal refusal) {
    SharedVersionStore.Node node = node();
    if (node == null) {
      await(
          context.store().register(owner, channelId, maxChannels),
          (registration, failure) -> {
            if (registration == null) {
              registerFailed(request, failure);
            } else {
              registered(owner, request, channelId, registration, refusal);
            }
          });
      return;
    }
    await(
        node.register(owner, basis(), channelId, maxChannels),
        (registered, failure) -> {
          if (registered == null) {
            becameDoubtful();
            registerFailed(request, failure);
          } else if (registered.isEmpty() && unsettled != null) {
            Runnable again = () -> register(owner, request, channelId, maxChannels, refusal);
            lookAgain(node, unsettled, again);
          } else if (registered.isEmpty()) {
            superseded();
          } else {
            note(channelId, registered.get());
            registered(owner, request, channelId, registered.get().registration(), refusal);
          }
        });
  }

  private void registerFailed(ClientMessage request, @Nullable Throwable failure) {
    storeFailed("register", failure);
    send(failure(request, ServerMessage.Failure.FAILED, "Try again later"));
  }

  private void registered(
      Uaid owner,
      ClientMessage request,
      ChannelId channelId,
      VersionStore.Registration registration,
      @Nullable Refusal refusal) {
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
  }

  private URI endpoint(Uaid owner, ChannelId channelId) {
    return URI.create(
        context.endpointBase() + EndpointTokens.PATH + context.tokens().seal(owner, channelId));
  }

  private void unregister(ChannelId channelId) {
    ClientMessage request = new ClientMessage.Unregister(channelId);
    SharedVersionStore.Node node = node();
    if (node == null) {
      await(
          context.store().unregister(known(), channelId),
          (done, failure) -> {
            if (failure != null) {
              unregisterFailed(request, failure);
            } else {
              unregistered(channelId);
            }
          });
      return;
    }
    await(
        node.unregister(known(), basisOfUnregister(), channelId),
        (removal, failure) -> {
          if (removal == null) {
            becameDoubtful();
            unregisterFailed(request, failure);
          } else if (removal == SharedVersionStore.Removal.SUPERSEDED) {
            superseded();
          } else {
            note(channelId, removal);
            unregistered(channelId);
          }
        });
  }

  private void unregisterFailed(ClientMessage request, @Nullable Throwable failure) {
    storeFailed("unregister", failure);
    send(failure(request, ServerMessage.Failure.FAILED, "Try again later"));
  }

  private void unregistered(ChannelId channelId) {
    context.counters().unregisters.increment();
    int limit = 2 * context.settings().maxChannelsPerUserAgent();
    deliveries().retire(channelId, wire.now(), limit);
    startRedelivery();
    send(new ServerMessage.Unregister(channelId));
  }

  // What the session stands on, in a shared store

  private Basis basis() {
    return unsettled != null ? unsettled.seen : standing().claim();
  }

  private Basis basisOfUnregister() {
    return unsettled != null ? unsettled.seenBefore : standing().claim();
  }

  private Standing standing() {
    Basis.Claim claim = new Basis.Claim(number, epoch);
    return new Standing(claim, digestKnown ? digest : null, doubtful, lists);
  }

  private void stand(Standing standing) {
    epoch = standing.claim().epoch();
    digestKnown = standing.digest() != null;
    digest = standing.digest() != null ? standing.digest() : 0;
    doubtful = standing.doubtful();
    lists = standing.lists();
  }

  private void note(ChannelId channelId, SharedVersionStore.Registered registered) {
    if (unsettled != null) {
      Basis.Seen before = unsettled.seen;
      unsettled.seen = (Basis.Seen) registered.basis();
      if (unsettled.seenBefore.equals(before)) {
        unsettled.seenBefore = unsettled.seen;
      }
      if (registered.registration() == VersionStore.Registration.REGISTERED) {
        unsettled.add(channelId);
      }
      return;
    }
    Basis.Claim claim = (Basis.Claim) registered.basis();
    digestKnown &= claim.epoch() == epoch; // else others have registered, too
    epoch = claim.epoch();
    if (registered.added()) {
      digest ^= SharedVersionStore.digest(channelId);
    }
  }

  private void note(ChannelId channelId, SharedVersionStore.Removal removal) {
    if (unsettled != null) {
      unsettled.remove(channelId);
    } else if (removal == SharedVersionStore.Removal.REMOVED) {
      digest ^= SharedVersionStore.digest(channelId);
    }
  }

  /** A step has failed that may have happened. */
  private void becameDoubtful() {
    if (unsettled != null) {
      unsettled.doubtful = true;
    }
    digestKnown = false;
    doubtful = true;
  }

  /** The store has a newer claim: whatever this device says comes late. */
  private void superseded() {
    context.counters().superseded.increment();
    takenOver();
  }

  // Ack, ping and what the store says (protocol §§5, 6)

  private void acknowledge(ClientMessage.Ack ack) {
    long now = wire.now();
    for (Update update : ack.updates()) {
      if (deliveries != null) {
        deliveries.acknowledge(update, now);
      }
    }
    await(
        store(known(), ack),
        (cleared, failure) -> {
          if (failure != null) {
            // Still pending in the store: offered again at the next hello or reconciliation.
            storeFailed("ack", failure);
          }
        });
  }

  /** Even if the connection has ended when the store has it, it was acknowledged. */
  private CompletionStage<List<Update>> store(Uaid device, ClientMessage.Ack ack) {
    context.counters().updatesAcknowledged.add(ack.updates().size());
    CompletionStage<List<Update>> stored = context.store().acknowledge(device, ack.updates());
    Receipts receipts = context.receipts();
    return receipts == null
        ? stored
        : stored.whenComplete(
            (cleared, failure) -> {
              if (cleared != null) {
                receipts.acknowledged(device, ack, cleared);
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
    if (unsettled != null) {
      return; // it will be compared when it settles
    }
    compare(
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

  /** Asks the store what is pending; if that ends the session, the answer is not wanted. */
  private void compare(Answer<List<Update>> answer) {
    SharedVersionStore.Node node = node();
    if (node == null) {
      await(
          context.store().pending(known()),
          (pending, failure) -> {
            if (pending == null) {
              answer.on(null, failure);
            } else if (pending.isEmpty()) {
              stateLost();
            } else {
              answer.on(pending.get(), null);
            }
          });
      return;
    }
    await(
        node.compare(known(), standing().claim()),
        (comparison, failure) -> {
          if (comparison == null) {
            answer.on(null, failure);
          } else {
            compared(node, comparison, answer);
          }
        });
  }

  private void compared(
      SharedVersionStore.Node node, Comparison comparison, Answer<List<Update>> answer) {
    switch (standing().judge(comparison)) {
      case AGREES -> {
        Comparison.Claimed claimed = (Comparison.Claimed) comparison;
        stand(standing().after(claimed));
        answer.on(claimed.pending(), null);
      }
      case DIFFERS -> channelsLost(node, answer);
      case SUPERSEDED -> superseded();
      case UNKNOWN -> stateLost();
    }
  }

  /** A device that lists its channels finds out at its hello. Another must start over. */
  private void channelsLost(SharedVersionStore.Node node, Answer<List<Update>> answer) {
    context.counters().digestMismatches.increment();
    if (lists) {
      stateLost();
      return;
    }
    await(
        node.drop(known(), standing().claim()),
        (dropped, failure) -> {
          if (dropped == null) {
            answer.on(null, failure); // the next comparison tries again
          } else if (dropped) {
            stateLost();
          } else {
            compare(answer); // somebody is newer, or channels have come since
          }
        });
  }

  private void reconcile(List<Update> pending) {
    for (Update update : pending) {
      deliveries().offer(update, false, wire.now());
    }
    flush();
  }

  /** Only a hello can tell the device: make it say one. */
  private void stateLost() {
    close(CloseCode.GOING_AWAY, "say hello again");
  }

  /** Hints or channels may have been lost: compares with the store then. From any thread. */
  void compareAfter(long delayNanos) {
    wire.execute(
        () -> {
          reconcileIn(delayNanos);
          comparesSoon = true; // and is not put off, however often hints are lost
        });
  }

  private void reconcileIn(long delayNanos) {
    if (!closed && !comparesSoon) {
      wire.startTimer(Wire.Timer.RECONCILE, delayNanos);
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
   */
  void published(Uaid owner, Update update) {
    wire.execute(() -> deliver(owner, update));
  }

  /** The same, perhaps on the calling thread. From any thread that holds no lock. */
  void publishedInline(Uaid owner, Update update) {
    wire.executeInline(() -> deliver(owner, update));
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
            takenOver();
          }
        });
  }

  private void takenOver() {
    context.counters().takeovers.increment();
    close(CloseCode.POLICY_VIOLATION, "this user agent has connected anew");
  }

  /** Sends what is to be sent, as far as the device reads. */
  public void flush() {
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
      wire.startTimer(
          Wire.Timer.REDELIVERY, deliveries.nanosUntilDue(wire.now(), redeliveryNanos()));
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
  public void onTimer(Wire.Timer timer) {
    assert wire.isCurrent();
    if (closed) {
      return;
    }
    switch (timer) {
      case HELLO -> {
        boolean waits = !greeted || unsettled != null;
        if (waits && busy) {
          // Firefox waits for the answer to a hello for ever; closed, it tries again.
          storeFailed("hello", new TimeoutException("It has not answered a hello in time"));
          close(CloseCode.TRY_AGAIN_LATER, "try again later");
        } else if (!greeted) {
          close(CloseCode.POLICY_VIOLATION, "no hello in time");
        } else if (unsettled != null) {
          close(CloseCode.GOING_AWAY, "no answer to a ping");
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
          wire.startTimer(Wire.Timer.RECONCILE, BUSY_NANOS);
        } else {
          comparesSoon = false;
          reconcile();
        }
      }
    }
  }

  /** The connection is gone, whoever ended it. */
  public void onClosed() {
    assert wire.isCurrent();
    if (closed) {
      return;
    }
    closed = true;
    deliveries = null;
    stayAwake();
    doze = null;
    if (uaid != null) {
      wasLive = context.sessions().disconnect(uaid, this);
    }
  }

  /**
   * Takes a text message that had come before the connection was closed, but had to wait. What the
   * device has handled and what it has given up is noted; all else is over.
   */
  public void onLeftOver(String text) {
    assert wire.isCurrent();
    if (!closed || uaid == null || !greeted) {
      return;
    }
    ClientMessage message;
    try {
      message = context.codec().readClientMessage(text);
    } catch (MalformedMessageException e) {
      return; // nobody to tell
    }
    if (message instanceof ClientMessage.Ack ack) {
      store(uaid, ack).whenComplete(reported("ack"));
    } else if (message instanceof ClientMessage.Unregister unregister) {
      SharedVersionStore.Node node = node();
      if (node != null) {
        node.unregister(uaid, basisOfUnregister(), unregister.channelId())
            .whenComplete(reported("unregister"));
      } else if (wasLive) { // else a newer connection may have registered it again
        context
            .store()
            .unregister(uaid, unregister.channelId())
            .whenComplete(reported("unregister"));
      }
    }
  }

  private <T> BiConsumer<@Nullable T, @Nullable Throwable> reported(String step) {
    return (done, failure) -> {
      if (failure != null) {
        storeFailed(step, failure);
      }
    };
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
  public void close(CloseCode code, @Nullable String reason) {
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
      wire.startTimer(Wire.Timer.QUIET, context.sleepers().quietNanos());
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
      wire.startTimer(Wire.Timer.QUIET, left);
    } else if (busy || isOutstanding() || !fallAsleep(known(), address)) {
      wire.startTimer(Wire.Timer.QUIET, quietNanos);
    }
  }

  /** Whether there is something to do for the device before it may sleep. */
  private boolean isOutstanding() {
    return unsettled != null
        || wire.isAsked()
        || (deliveries != null && deliveries.isOutstanding())
        || !wire.isWritable();
  }

  /**
   * Enters the device among the sleepers, and then asks the store: a version is in its answer, or
   * handed to this session, or its publisher finds the sleeper. Returns false if the device may not
   * sleep now.
   */
  private boolean fallAsleep(Uaid owner, InetSocketAddress address) {
    Sleepers.Sleeper sleeper = context.sleepers().add(owner, address, standing());
    if (sleeper == null || doze == null) {
      return false;
    }
    doze.sleeper = sleeper;
    if (!context.sessions().isLive(owner, this)) {
      stayAwake();
      return false;
    }
    compare(
        (pending, failure) -> {
          if (pending == null) {
            storeFailed("falling asleep", failure);
          } else {
            reconcile(pending);
          }
          if (doze == null) {
            return; // closed while it was sent something
          }
          if (pending == null || isOutstanding()) {
            stayAwake();
            wire.startTimer(Wire.Timer.QUIET, context.sleepers().quietNanos());
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
