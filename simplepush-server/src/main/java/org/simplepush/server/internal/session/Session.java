package org.simplepush.server.internal.session;

import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.CloseCode;
import org.simplepush.core.ServerMessage;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.SharedVersionStore.Basis;
import org.simplepush.core.SharedVersionStore.Comparison;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;
import org.simplepush.server.internal.Refusal;

/**
 * One user agent on one connection, from its hello on (protocol §§3–7): its channels, what is to be
 * delivered to it, and how it compares with the store. It is over when the connection is closed, or
 * when the conversation goes on with another session.
 *
 * <p>All methods but those of {@link Registered} are called by the loop of the wire, one at a time;
 * those come from any thread and go there.
 */
public final class Session implements Registered {
  /** About 20 KiB a message: devices have limits too. */
  private static final int MAX_UPDATES_PER_NOTIFICATION = 256;

  private final Conversation conversation;

  /** Made this session, and has what all sessions of a server share. */
  private final Greeter greeter;

  /** As the device has spelled it last. */
  private Uaid uaid;

  /** Whether the hello was answered, so that notifications may be sent. */
  private boolean greeted;

  /** Whether the store has channels of this user agent, as far as is known. */
  private boolean hasChannels;

  /** Whether it was the live one of its user agent when it ended. */
  private boolean wasLive;

  /** Null but between the hello and the claim, in a shared store. */
  private @Nullable Unsettled unsettled;

  // The parts of a Standing, in fields because there are very many sessions.
  private long epoch;
  private long digest;
  private boolean digestKnown;
  private boolean doubtful;

  private boolean lists;

  /** Null until there is something to deliver, and again when all is long acknowledged. */
  private @Nullable Deliveries deliveries;

  /** Whether the next comparison with the store is to come soon, instead of now and then. */
  private boolean comparesSoon;

  Session(Conversation conversation, Uaid uaid, Greeter greeter) {
    this.conversation = conversation;
    this.uaid = uaid;
    this.greeter = greeter;
  }

  @Override
  public long number() {
    return conversation.number();
  }

  Uaid uaid() {
    return uaid;
  }

  /** The device spells its UAID so from now on. */
  void spelled(Uaid same) {
    uaid = same;
  }

  boolean isGreeted() {
    return greeted;
  }

  boolean hasChannels() {
    return hasChannels;
  }

  void hasSomeChannels() {
    hasChannels = true;
  }

  /** Whether no newer connection has taken its place here. */
  boolean isLive() {
    return sessions().isLive(uaid, this);
  }

  /** How many channels it remembers something of, which is bounded whatever the device does. */
  int remembered() {
    return deliveries == null ? 0 : deliveries.size();
  }

  private Wire wire() {
    return conversation.wire();
  }

  private SessionRegistry sessions() {
    return greeter.sessions();
  }

  private Channels channels() {
    return greeter.channels();
  }

  private boolean isOver() {
    return !conversation.isWith(this);
  }

  /** The hello was answered. */
  void greeted() {
    if (!greeted) {
      greeted = true;
      if (unsettled == null) {
        reconcileLater();
      }
    }
  }

  /** The connection is closed, or goes on with another session. */
  void end() {
    deliveries = null;
    wasLive = sessions().disconnect(uaid, this);
  }

  // Register and unregister (protocol §§3, 4)

  void register(ChannelId channelId) {
    ClientMessage request = new ClientMessage.Register(channelId);
    Refusal refusal = channels().limits().channel(wire().address());
    // With room for none the store creates none, and answers for a channel that is there.
    int maxChannels = refusal == null ? channels().max() : 0;
    if (channels().tokens().isCertain()) {
      register(request, channelId, maxChannels, refusal);
    } else {
      conversation.await(
          channels().tokens().certain(),
          (certain, failure) -> {
            if (failure != null) {
              failed("register", request, failure);
            } else {
              register(request, channelId, maxChannels, refusal);
            }
          });
    }
  }

  private void register(
      ClientMessage request, ChannelId channelId, int maxChannels, @Nullable Refusal refusal) {
    conversation.await(
        sessions().node().register(uaid, basis(), channelId, maxChannels),
        (registered, failure) -> {
          if (registered == null) {
            becameDoubtful();
            failed("register", request, failure);
          } else if (registered.isEmpty() && unsettled != null) {
            Runnable again = () -> register(request, channelId, maxChannels, refusal);
            greeter.lookAgain(conversation, this, unsettled, again);
          } else if (registered.isEmpty()) {
            superseded();
          } else {
            note(channelId, registered.get());
            registered(request, channelId, registered.get().registration(), refusal);
          }
        });
  }

  private void registered(
      ClientMessage request,
      ChannelId channelId,
      VersionStore.Registration registration,
      @Nullable Refusal refusal) {
    if (registration instanceof VersionStore.Registration.Registered) {
      conversation.counters().registers.increment();
      hasChannels = true;
      if (deliveries != null) {
        deliveries.reopen(channelId, wire().now());
      }
      conversation.send(
          new ServerMessage.Register(channelId, channels().endpoint(uaid, channelId)));
    } else if (registration instanceof VersionStore.Registration.LimitReached) {
      limitReached(request, refusal);
    } else if (registration instanceof VersionStore.Unknown) {
      conversation.send(Failures.of(request, ServerMessage.Failure.FAILED, "Say hello again"));
      stateLost();
    }
  }

  private void limitReached(ClientMessage request, @Nullable Refusal refusal) {
    if (refusal != null) {
      conversation.counters().refusals.count(refusal);
      conversation.send(Failures.refused(request, refusal));
    } else {
      String sentence = "This user agent has as many channels as it may";
      conversation.send(Failures.of(request, ServerMessage.Failure.UNAVAILABLE, sentence));
    }
  }

  void unregister(ChannelId channelId) {
    ClientMessage request = new ClientMessage.Unregister(channelId);
    conversation.await(
        sessions().node().unregister(uaid, basisOfUnregister(), channelId),
        (removal, failure) -> {
          if (removal == null) {
            becameDoubtful();
            failed("unregister", request, failure);
          } else if (removal == SharedVersionStore.Removal.SUPERSEDED) {
            superseded();
          } else {
            note(channelId, removal);
            unregistered(channelId);
          }
        });
  }

  private void unregistered(ChannelId channelId) {
    conversation.counters().unregisters.increment();
    deliveries().retire(channelId, wire().now(), 2 * channels().max());
    startRedelivery();
    conversation.send(new ServerMessage.Unregister(channelId));
  }

  /** An unregister that was read after the connection was closed. */
  void unregisterLate(ChannelId channelId) {
    // A newer connection that has taken its place may have registered the channel again. If this
    // one has not settled, the store knows whether there is a newer one.
    if (wasLive || unsettled != null) {
      report("unregister", sessions().node().unregister(uaid, basisOfUnregister(), channelId));
    }
  }

  private void failed(String step, ClientMessage request, @Nullable Throwable failure) {
    conversation.storeFailed(step, failure);
    conversation.send(Failures.of(request, ServerMessage.Failure.FAILED, "Try again later"));
  }

  private <T> void report(String step, CompletionStage<T> stage) {
    stage.whenComplete(
        (done, failure) -> {
          if (failure != null) {
            conversation.storeFailed(step, failure);
          }
        });
  }

  // What the session stands on, in a shared store

  @Nullable Unsettled unsettled() {
    return unsettled;
  }

  void unsettled(Unsettled since) {
    unsettled = since;
  }

  /** It has the claim now. */
  void settled(Comparison.Claimed claimed, Unsettled settling) {
    unsettled = null;
    stand(new Standing(claimed.claim(), settling.digest(), settling.doubtful, settling.lists));
  }

  Basis basis() {
    return unsettled != null ? unsettled.seen : standing().claim();
  }

  private Basis basisOfUnregister() {
    return unsettled != null ? unsettled.seenBefore : standing().claim();
  }

  Standing standing() {
    Basis.Claim claim = new Basis.Claim(number(), epoch);
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
      if (registered.registration() instanceof VersionStore.Registration.Registered) {
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
    conversation.counters().superseded.increment();
    giveWay();
  }

  // Acknowledgements and what the store says (protocol §§5, 6)

  void acknowledge(ClientMessage.Ack ack) {
    long now = wire().now();
    for (Update update : ack.updates()) {
      if (deliveries != null) {
        deliveries.acknowledge(update, now);
      }
    }
    conversation.await(
        greeter.acknowledgements().store(uaid, ack),
        (cleared, failure) -> {
          if (failure != null) {
            // Still pending in the store: offered again at the next hello or reconciliation.
            conversation.storeFailed("ack", failure);
          }
        });
  }

  /** An acknowledgement that was read after the connection was closed. */
  void acknowledgeLate(ClientMessage.Ack ack) {
    report("ack", greeter.acknowledgements().store(uaid, ack));
  }

  /** Merges what the store says is pending, which also counts the device as seen. */
  void reconcile() {
    if (unsettled != null) {
      return; // it will be compared when it settles
    }
    compare(
        (pending, failure) -> {
          if (pending == null) {
            conversation.storeFailed("reconcile", failure);
            reconcileIn(sessions().nanosUntilComparedAgain());
          } else {
            reconcile(pending);
            reconcileLater();
          }
        });
  }

  /** Asks the store what is pending; if that ends the session, the answer is not wanted. */
  void compare(Conversation.Answer<List<Update>> answer) {
    conversation.await(
        sessions().node().compare(uaid, standing().claim()),
        (comparison, failure) -> {
          if (comparison == null) {
            answer.on(null, failure);
          } else {
            compared(comparison, answer);
          }
        });
  }

  void compared(Comparison comparison, Conversation.Answer<List<Update>> answer) {
    switch (standing().judge(comparison)) {
      case AGREES -> {
        Comparison.Claimed claimed = (Comparison.Claimed) comparison;
        stand(standing().after(claimed));
        answer.on(claimed.pending(), null);
      }
      case DIFFERS -> channelsLost(answer);
      case SUPERSEDED -> superseded();
      case UNKNOWN -> stateLost();
    }
  }

  /** A device that lists its channels finds out at its hello. Another must start over. */
  private void channelsLost(Conversation.Answer<List<Update>> answer) {
    conversation.counters().digestMismatches.increment();
    if (lists) {
      stateLost();
      return;
    }
    conversation.await(
        sessions().node().drop(uaid, standing().claim()),
        (dropped, failure) -> {
          if (dropped == null) {
            answer.on(null, failure); // the next comparison tries again
          } else if (dropped) {
            stateLost();
          } else {
            compare(answer); // a newer connection has the claim, or channels have come since
          }
        });
  }

  void reconcile(List<Update> pending) {
    for (Update update : pending) {
      deliveries().offer(update, false, wire().now());
    }
    flush();
  }

  /** The protocol reports lost state only in the reply to a hello: makes the device say one. */
  void stateLost() {
    conversation.close(CloseCode.GOING_AWAY, "say hello again");
  }

  @Override
  public void compareAfter(long delayNanos) {
    wire()
        .execute(
            () -> {
              if (!isOver()) {
                reconcileIn(delayNanos);
                comparesSoon = true; // and is not put off, however often hints are lost
              }
            });
  }

  private void reconcileIn(long delayNanos) {
    if (!isOver() && !comparesSoon) {
      wire().startTimer(Wire.Timer.RECONCILE, delayNanos);
    }
  }

  /** Compares with the store again after the usual time. */
  void reconcileLater() {
    reconcileIn(sessions().nanosBetweenComparisons(conversation.settings().reconcileInterval()));
  }

  /** The time has come to compare with the store. */
  void reconcileNow() {
    comparesSoon = false;
    reconcile();
  }

  // Delivery (protocol §5)

  @Override
  public void published(Update update) {
    wire().execute(() -> deliver(update));
  }

  @Override
  public void publishedInline(Update update) {
    wire().executeInline(() -> deliver(update));
  }

  private void deliver(Update update) {
    assert wire().isCurrent();
    if (isOver()) {
      sessions().publishedLate(uaid);
    } else {
      deliveries().offer(update, false, wire().now());
      wire().flushSoon();
    }
  }

  @Override
  public void takenOver() {
    wire()
        .execute(
            () -> {
              if (isOver()) {
                sessions().takenOverLate(uaid, number());
              } else {
                giveWay();
              }
            });
  }

  /** Ends the conversation: the user agent has a newer connection. */
  void giveWay() {
    conversation.counters().takeovers.increment();
    conversation.close(CloseCode.POLICY_VIOLATION, "this user agent has connected anew");
  }

  /** Sends what is pending, even if it was sent before. */
  void sendAgain(List<Update> pending) {
    for (Update update : pending) {
      deliveries().offer(update, true, wire().now());
    }
    flush();
  }

  /** Sends what is to be sent, as far as the device reads. */
  void flush() {
    if (isOver() || !greeted || deliveries == null) {
      return;
    }
    while (deliveries != null && wire().isWritable()) {
      List<Update> updates = deliveries.take(MAX_UPDATES_PER_NOTIFICATION, wire().now());
      if (updates.isEmpty()) {
        break;
      }
      conversation.counters().updatesSent.add(updates.size());
      conversation.send(new ServerMessage.Notification(updates));
    }
    startRedelivery();
  }

  private void startRedelivery() {
    if (!conversation.isRedeliveryStarted() && deliveries != null && !deliveries.isEmpty()) {
      conversation.startRedelivery(deliveries.nanosUntilDue(wire().now(), redeliveryNanos()));
    }
  }

  /** The eldest delivery may need to be sent again, or may be forgotten. */
  void redeliver() {
    if (deliveries == null) {
      return;
    }
    int again = deliveries.expire(wire().now(), redeliveryNanos());
    conversation.counters().updatesResent.add(again);
    flush();
    if (deliveries != null && deliveries.isEmpty()) {
      deliveries = null;
    }
  }

  private long redeliveryNanos() {
    return conversation.settings().redeliveryInterval().toNanos();
  }

  private Deliveries deliveries() {
    assert wire().isCurrent();
    if (deliveries == null) {
      deliveries = new Deliveries();
    }
    return deliveries;
  }

  /** Whether there is something to do for the device before it may sleep. */
  boolean isOutstanding() {
    return unsettled != null
        || wire().isAsked()
        || (deliveries != null && deliveries.isOutstanding())
        || !wire().isWritable();
  }
}
