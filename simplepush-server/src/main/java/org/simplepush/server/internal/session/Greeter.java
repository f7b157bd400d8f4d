package org.simplepush.server.internal.session;

import java.net.InetSocketAddress;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.CloseCode;
import org.simplepush.core.ServerMessage;
import org.simplepush.core.SharedVersionStore.Basis;
import org.simplepush.core.SharedVersionStore.Comparison;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore.Resumption;
import org.simplepush.core.VersionStore.Unknown;
import org.simplepush.server.internal.Refusal;

/**
 * Answers each hello of a server (protocol §2), and so decides which session a conversation has: a
 * fresh UAID means a new one. Keeps nothing of any conversation.
 *
 * <p>If the store is shared, a session is {@link Unsettled} after the hello, until the device has
 * answered a ping: the hello may come late, from a node that was frozen, and the device may have
 * gone on elsewhere. Then nothing may be taken away because of it.
 */
public final class Greeter {
  private final SessionRegistry sessions;
  private final Sleepers sleepers;
  private final Channels channels;
  private final Acknowledgements acknowledgements;

  public Greeter(
      SessionRegistry sessions,
      Sleepers sleepers,
      Channels channels,
      Acknowledgements acknowledgements) {
    this.sessions = sessions;
    this.sleepers = sleepers;
    this.channels = channels;
    this.acknowledgements = acknowledgements;
  }

  SessionRegistry sessions() {
    return sessions;
  }

  Channels channels() {
    return channels;
  }

  Acknowledgements acknowledgements() {
    return acknowledgements;
  }

  long nextNumber() {
    return sessions.nextNumber();
  }

  void hello(Conversation on, ClientMessage.Hello hello) {
    Session session = on.session();
    Uaid said = hello.uaid();
    List<ChannelId> listed = hello.channelIds();
    if (session != null) {
      helloAgain(on, session, hello);
    } else if (said == null) {
      assignFresh(on, hello, null);
    } else if (listed != null && listed.size() > channels.max()) {
      startOver(on, hello, said);
    } else {
      resume(on, hello, said);
    }
  }

  private void helloAgain(Conversation on, Session session, ClientMessage.Hello hello) {
    Uaid said = hello.uaid();
    if (said != null && !said.equals(session.uaid())) {
      String sentence = "This connection already said hello as another user agent";
      on.send(Failures.of(hello, ServerMessage.Failure.UNAVAILABLE, sentence));
      on.close(CloseCode.POLICY_VIOLATION, "hello as another user agent");
      return;
    }
    if (said != null) {
      session.spelled(said);
    }
    // Not compared with the list: a device that repeats its first hello did not give up what it
    // registered in between.
    repeat(on, session, hello);
  }

  /** The second hello on a connection: pending updates are sent again. */
  private void repeat(Conversation on, Session session, ClientMessage.Hello hello) {
    if (session.unsettled() != null) {
      on.await(
          sessions.node().hello(session.uaid(), null),
          (greeting, failure) -> {
            if (greeting == null) {
              failed(on, hello, failure);
            } else if (greeting.resumption() instanceof Resumption.Resumed resumed) {
              greet(on, session, hello, resumed.pending(), false);
            } else {
              assignFresh(on, hello, null);
            }
          });
      return;
    }
    on.await(
        sessions.node().compare(session.uaid(), session.standing().claim()),
        (comparison, failure) -> {
          if (comparison == null) {
            failed(on, hello, failure);
          } else if (comparison instanceof Unknown) {
            assignFresh(on, hello, null);
          } else {
            session.compared(
                comparison,
                (pending, trouble) -> {
                  if (pending == null) {
                    failed(on, hello, trouble);
                  } else {
                    greet(on, session, hello, pending, false);
                  }
                });
          }
        });
  }

  /** Drops a user agent with too many channels: now, or when it is sure that the device is here. */
  private void startOver(Conversation on, ClientMessage.Hello hello, Uaid tooMany) {
    Session session = meet(on, tooMany);
    if (session == null) {
      return;
    }
    if (sessions.isShared()) {
      on.await(
          sessions.node().hello(tooMany, null),
          (greeting, failure) -> {
            if (greeting == null) {
              failed(on, hello, failure);
            } else {
              assignFresh(on, hello, new Unsettled.Outgrown(tooMany, greeting.seen()));
            }
          });
    } else {
      on.await(
          sessions.node().drop(tooMany, session.basis()),
          (dropped, failure) -> {
            if (dropped == null) {
              failed(on, hello, failure);
            } else {
              assignFresh(on, hello, null);
            }
          });
    }
  }

  private void assignFresh(
      Conversation on, ClientMessage.Hello hello, Unsettled.@Nullable Outgrown outgrown) {
    Refusal refusal = channels.limits().userAgent(on.wire().address());
    if (refusal != null) {
      refuse(on, hello, refusal);
      return;
    }
    Session before = on.session();
    if (before != null) {
      before.end();
    }
    on.counters().uaidsAssigned.increment();
    resume(on, hello, Uaid.random(), List.of(), null, outgrown);
  }

  private void resume(Conversation on, ClientMessage.Hello hello, Uaid wanted) {
    List<ChannelId> listed = hello.channelIds();
    boolean mayCreate = listed != null && listed.isEmpty();
    Refusal refusal = mayCreate ? channels.limits().userAgent(on.wire().address()) : null;
    // Without a list the store creates no user agent, and resumes one that is known.
    resume(on, hello, wanted, refusal == null ? listed : null, refusal, null);
  }

  private void resume(
      Conversation on,
      ClientMessage.Hello hello,
      Uaid wanted,
      @Nullable List<ChannelId> listed,
      @Nullable Refusal refusal,
      Unsettled.@Nullable Outgrown outgrown) {
    // Met before the store is asked: an update published from now on is either in the store's
    // answer or handed to this session, or both.
    Session session = meet(on, wanted);
    if (session == null) {
      return;
    }
    on.await(
        sessions.node().hello(wanted, listed),
        (greeting, failure) -> {
          if (greeting == null) { // also without a failure: no answer is not "nothing is known"
            failed(on, hello, failure);
          } else if (greeting.resumption() instanceof Resumption.Resumed resumed) {
            // An empty list counts even if it was kept from the store, which would create one.
            List<ChannelId> said = refusal == null ? listed : hello.channelIds();
            resumed(on, session, hello, greeting.seen(), said, outgrown, resumed.pending());
          } else if (refusal != null) {
            refuse(on, hello, refusal);
          } else {
            boolean known = greeting.resumption() instanceof Resumption.Diverged;
            assignFresh(on, hello, known ? new Unsettled.Outgrown(wanted, greeting.seen()) : null);
          }
        });
  }

  private void resumed(
      Conversation on,
      Session session,
      ClientMessage.Hello hello,
      Basis.Seen seen,
      @Nullable List<ChannelId> listed,
      Unsettled.@Nullable Outgrown outgrown,
      List<Update> pending) {
    boolean shared = sessions.isShared();
    if (shared) {
      session.unsettled(new Unsettled(seen, hello.channelIds() != null, listed, outgrown));
    }
    greet(on, session, hello, pending, shared);
  }

  /**
   * Makes a session for the user agent; it is the live one, or will be when it has settled. Ends
   * the conversation and returns null if the device has a newer connection here: what came by this
   * one was stuck in the network.
   */
  private @Nullable Session meet(Conversation on, Uaid wanted) {
    Session session = new Session(on, wanted, this);
    on.hand(session);
    if (!sessions.enter(wanted, session)) {
      session.giveWay();
      return null;
    }
    return session;
  }

  private void greet(
      Conversation on,
      Session session,
      ClientMessage.Hello hello,
      List<Update> pending,
      boolean behindPing) {
    on.counters().hellos.increment();
    // A device that lists none but was known, such as Firefox, has some: others do not come back.
    boolean listsNone = hello.channelIds() != null && hello.channelIds().isEmpty();
    if (!pending.isEmpty() || (session.uaid().equals(hello.uaid()) && !listsNone)) {
      session.hasSomeChannels();
    }
    InetSocketAddress wakeUp = sleepers.permitted(hello);
    ServerMessage reply = new ServerMessage.Hello(session.uaid(), wakeUp != null);
    Unsettled unsettled = session.unsettled();
    if (behindPing && unsettled != null) {
      on.ping(unsettled.ping, reply);
    } else {
      on.send(reply);
    }
    if (on.isClosed()) {
      return;
    }
    session.greeted();
    on.maySleep(sleepers, wakeUp);
    session.sendAgain(pending);
  }

  /** The device has answered a ping: if it is that of this session, the device is there. */
  void pong(Conversation on, Session session, long payload) {
    Unsettled settling = session.unsettled();
    if (settling == null || payload != settling.ping) {
      return;
    }
    Uaid owner = session.uaid();
    if (!sessions.isNewest(owner, session)) {
      session.giveWay();
      return;
    }
    // Before the store is asked: what is published afterwards is handed to this session too.
    sessions.settles(owner, session);
    on.await(
        sessions.node().settle(owner, on.number(), settling.seen, settling.list()),
        (comparison, failure) -> {
          if (comparison == null) {
            failed(on, failure);
          } else {
            settled(on, session, settling, comparison);
          }
        });
  }

  private void settled(
      Conversation on, Session session, Unsettled settling, Comparison comparison) {
    Uaid owner = session.uaid();
    if (comparison instanceof Comparison.Claimed claimed) {
      if (!sessions.connect(owner, session)) {
        session.giveWay();
        return;
      }
      sessions.settlesNoMore(owner, session);
      session.settled(claimed, settling);
      drop(on, settling.outgrown);
    } else {
      sessions.settlesNoMore(owner, session);
      if (comparison instanceof Comparison.Superseded) {
        lookAgain(on, session, settling, () -> {});
        return;
      }
    }
    session.compared(
        comparison,
        (pending, failure) -> {
          if (pending == null) {
            failed(on, failure);
          } else {
            session.reconcile(pending);
            session.reconcileLater();
          }
        });
  }

  private void drop(Conversation on, Unsettled.@Nullable Outgrown outgrown) {
    if (outgrown != null) {
      sessions
          .node()
          .drop(outgrown.uaid(), outgrown.seen())
          .whenComplete(
              (dropped, failure) -> {
                if (failure != null) {
                  on.storeFailed("drop", failure);
                }
              });
    }
  }

  /**
   * Another connection has settled or registered since the hello: perhaps the device has gone
   * elsewhere, perhaps an older connection of it was stuck. Only a pong to a new ping decides that.
   */
  void lookAgain(Conversation on, Session session, Unsettled outdated, Runnable then) {
    on.await(
        sessions.node().hello(session.uaid(), outdated.list()),
        (greeting, failure) -> {
          if (greeting == null) {
            failed(on, failure);
          } else if (greeting.resumption() instanceof Resumption.Resumed) {
            outdated.seen = greeting.seen();
            outdated.ping = ThreadLocalRandom.current().nextLong();
            on.ping(outdated.ping, null);
            then.run();
          } else {
            session.stateLost();
          }
        });
  }

  private void refuse(Conversation on, ClientMessage.Hello hello, Refusal refusal) {
    on.counters().refusals.count(refusal);
    endUnanswered(on, hello, Failures.refused(hello, refusal));
  }

  private void failed(Conversation on, ClientMessage.Hello hello, @Nullable Throwable failure) {
    on.storeFailed("hello", failure);
    String sentence = "Try again later";
    endUnanswered(on, hello, Failures.of(hello, ServerMessage.Failure.UNAVAILABLE, sentence));
  }

  /** After the device was greeted. */
  private void failed(Conversation on, @Nullable Throwable failure) {
    on.storeFailed("hello", failure);
    on.close(CloseCode.TRY_AGAIN_LATER, "try again later");
  }

  private void endUnanswered(Conversation on, ClientMessage.Hello hello, ServerMessage answer) {
    // Only Firefox lists no channels. It takes an answer without a UAID for the end and never
    // connects again, but does so in seconds if it gets none.
    if (hello.channelIds() != null) {
      on.send(answer);
    }
    on.close(CloseCode.TRY_AGAIN_LATER, "try again later");
  }
}
