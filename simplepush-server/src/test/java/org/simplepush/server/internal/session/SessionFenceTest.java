package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.core.ChannelId;
import org.simplepush.core.CloseCode;
import org.simplepush.core.Uaid;
import org.simplepush.server.WakeUp;
import org.simplepush.server.fixtures.DelayedStore;
import org.simplepush.server.fixtures.SessionFixture;
import org.simplepush.server.fixtures.TestWire;
import org.simplepush.server.fixtures.TwoNodesFixture;

/**
 * Steps that come late, because a node was frozen or its way to the store: they take nothing from a
 * device that has gone on elsewhere. And what the store lost itself is noticed.
 */
@Timeout(30)
class SessionFenceTest extends TwoNodesFixture {
  private static final String UAID = SessionFixture.UAID;
  private static final String CHANNEL = SessionFixture.CHANNEL;
  private static final String OTHER_CHANNEL = SessionFixture.OTHER_CHANNEL;
  private static final String THIRD_CHANNEL = SessionFixture.channel(3);
  private static final Uaid OWNER = Uaid.parse(UAID);
  private static final Duration HELLO_TIMEOUT = Duration.ofSeconds(30);

  /** A device that does not answer pings by itself connects and is greeted. */
  private static TestWire greeted(SessionFixture node, String... channelIds) {
    TestWire wire = node.connects();
    wire.answersPings = false;
    wire.says(SessionFixture.hello(UAID, channelIds));
    wire.hears(SessionFixture.greeting(UAID));
    return wire;
  }

  /** The device has this channel, and is connected nowhere. */
  private String away() {
    TestWire wire = a.resumes();
    String endpoint = a.register(wire, CHANNEL);
    wire.breaksOff();
    return endpoint;
  }

  /** The device is on the second node with two channels, and nothing of it was lost. */
  private void goesOn(TestWire wire, String endpoint, String otherEndpoint) {
    hintsArrive();
    wire.isOpen();
    a.put(endpoint, 7);
    hintsArrive();
    wire.hears(SessionFixture.notification(CHANNEL, 7));
    a.put(otherEndpoint, 8);
    hintsArrive();
    wire.hears(SessionFixture.notification(OTHER_CHANNEL, 8));
    ping(wire);
    wire.breaksOff();
    TestWire again = b.connects();
    again.says(SessionFixture.hello(UAID, CHANNEL, OTHER_CHANNEL));
    assertThat(SessionFixture.uaidOf(again)).isEqualTo(UAID);
  }

  // Late steps

  @Test
  void lateHelloTakesNothingAway() {
    String endpoint = away();
    TestWire frozen = a.connects();
    frozen.answersPings = false; // its device has closed it
    a.store.hold();
    frozen.says(SessionFixture.hello(UAID, CHANNEL));
    TestWire wire = b.resumes(CHANNEL);
    String otherEndpoint = b.register(wire, OTHER_CHANNEL);

    a.store.next("hello").answers();
    a.store.holdNoMore();
    turn();

    frozen.hears(SessionFixture.greeting(UAID));
    passes(HELLO_TIMEOUT);
    frozen.isClosed(CloseCode.GOING_AWAY);
    goesOn(wire, endpoint, otherEndpoint);
  }

  @Test
  void lateSettlingOfWhoDidAnswerTakesNothingAway() {
    String endpoint = away();
    TestWire frozen = greeted(a, CHANNEL);
    a.store.hold();
    frozen.answersPing();
    DelayedStore.Step<?> settle = a.store.next("settle");
    TestWire wire = b.resumes(CHANNEL);
    String otherEndpoint = b.register(wire, OTHER_CHANNEL);

    settle.answers();
    a.store.holdNoMore();
    turn();
    passes(HELLO_TIMEOUT);
    frozen.isClosed(CloseCode.GOING_AWAY);
    goesOn(wire, endpoint, otherEndpoint);
  }

  @Test
  void lateSettlingTakesNothingAwayThatWasRegisteredBeforeThePong() {
    String endpoint = away();
    TestWire frozen = greeted(a, CHANNEL);
    a.store.hold();
    frozen.answersPing();
    DelayedStore.Step<?> settle = a.store.next("settle");
    TestWire wire = greeted(b, CHANNEL);
    String otherEndpoint = b.register(wire, OTHER_CHANNEL);

    settle.answers();
    a.store.holdNoMore();
    turn();
    wire.answersPing();
    goesOn(wire, endpoint, otherEndpoint);
  }

  @Test
  void lateRegisterIsNotDone() {
    TestWire frozen = a.resumes();
    a.store.hold();
    frozen.says(SessionFixture.register(CHANNEL));
    DelayedStore.Step<?> register = a.store.next("register");
    TestWire wire = b.resumes();

    register.answers();
    a.store.holdNoMore();
    turn();

    frozen.isClosed(CloseCode.POLICY_VIOLATION);
    assertThat(a.counters.snapshot().superseded()).isOne();
    ping(wire);
    wire.isOpen();
    assertThat(b.counters.snapshot().digestMismatches()).isZero();
  }

  @Test
  void lateUnregisterIsNotDone() {
    TestWire frozen = a.resumes();
    String endpoint = a.register(frozen, CHANNEL);
    a.store.hold();
    frozen.says(SessionFixture.unregister(CHANNEL));
    DelayedStore.Step<?> unregister = a.store.next("unregister");
    TestWire wire = b.resumes();
    assertThat(b.register(wire, CHANNEL)).isEqualTo(endpoint);

    unregister.answers();
    a.store.holdNoMore();
    turn();

    frozen.isClosed(CloseCode.POLICY_VIOLATION);
    assertThat(b.put(endpoint, 7)).isEqualTo(200);
    hintsArrive();
    wire.hears(SessionFixture.notification(CHANNEL, 7));
  }

  @Test
  void lateDropIsNotDone() {
    String endpoint = away();
    TestWire frozen = a.connects();
    frozen.answersPings = false;
    frozen.says(
        SessionFixture.hello(UAID, CHANNEL, OTHER_CHANNEL)); // one of which it does not have
    String fresh = SessionFixture.uaidOf(frozen);
    assertThat(fresh).isNotEqualTo(UAID);
    TestWire wire = b.resumes(CHANNEL);

    frozen.answersPing();

    assertThat(a.isKnown(fresh)).isTrue();
    hintsArrive();
    ping(wire);
    assertThat(a.put(endpoint, 7)).isEqualTo(200);
    hintsArrive();
    wire.hears(SessionFixture.notification(CHANNEL, 7));
  }

  @Test
  void divergedUserAgentIsDroppedOnceItsDeviceAnswers() {
    TestWire older = b.resumes();
    b.register(older, CHANNEL);
    TestWire wire = a.connects();
    wire.answersPings = false;
    wire.says(SessionFixture.hello(UAID, CHANNEL, OTHER_CHANNEL));
    assertThat(SessionFixture.uaidOf(wire)).isNotEqualTo(UAID);
    hintsArrive();
    older.isOpen();
    assertThat(a.isKnown(UAID)).isTrue();

    wire.answersPing();

    assertThat(a.isKnown(UAID)).isFalse();
    hintsArrive();
    older.isClosed(CloseCode.POLICY_VIOLATION);
    wire.isOpen();
  }

  @Test
  void connectionThatSettledMeanwhileIsDisplacedByTheNewerAllTheSame() {
    away();
    TestWire earlier = greeted(a, CHANNEL);
    TestWire newer = greeted(b, CHANNEL);
    earlier.answersPing(); // and is given up at once
    newer.answersPing();
    newer.isOpen();
    newer.answersPing(); // asked once more, for somebody else had settled

    hintsArrive();
    earlier.isClosed(CloseCode.POLICY_VIOLATION);
    ping(newer);
    newer.isOpen();
  }

  // Between hello and pong

  @Test
  void deviceThatDoesNotAnswerIsClosedAndNothingWasRemoved() {
    String endpoint = away();
    TestWire older = b.resumes(CHANNEL);
    TestWire dead = greeted(a);

    passes(HELLO_TIMEOUT);

    dead.isClosed(CloseCode.GOING_AWAY);
    hintsArrive();
    older.isOpen();
    assertThat(b.put(endpoint, 7)).isEqualTo(200);
    older.hears(SessionFixture.notification(CHANNEL, 7));
  }

  @Test
  void pongThatWasNotAskedForCountsForNothing() {
    away();
    TestWire wire = greeted(a);
    wire.pongs(wire.pinged + 1);
    ping(wire);
    assertThat(shared.isRouted(OWNER)).isFalse();
  }

  @Test
  void requestsSentBehindTheHelloAreServedBeforeThePong() {
    TestWire wire = a.connects();
    wire.answersPings = false;
    wire.says(SessionFixture.hello(UAID));
    wire.says(SessionFixture.register(CHANNEL));
    wire.says(SessionFixture.register(OTHER_CHANNEL));
    wire.says(SessionFixture.register(THIRD_CHANNEL));
    wire.says(SessionFixture.unregister(THIRD_CHANNEL));
    wire.hears(SessionFixture.greeting(UAID));
    String endpoint = SessionFixture.endpointOf(wire, CHANNEL);
    SessionFixture.endpointOf(wire, OTHER_CHANNEL);
    String third = SessionFixture.endpointOf(wire, THIRD_CHANNEL);
    wire.hears(SessionFixture.unregistered(THIRD_CHANNEL));

    wire.answersPing();

    ping(wire);
    wire.isOpen();
    assertThat(a.counters.snapshot().digestMismatches()).isZero();
    assertThat(b.put(third, 1)).isEqualTo(410);
    assertThat(b.put(endpoint, 7)).isEqualTo(200);
    hintsArrive();
    wire.hears(SessionFixture.notification(CHANNEL, 7));
    wire.says(SessionFixture.ack(CHANNEL, 7));
    wire.breaksOff();
    a.resumes(CHANNEL, OTHER_CHANNEL).isOpen();
  }

  @Test
  void channelNotListedIsRemovedAtThePong() {
    String endpoint = away();
    TestWire wire = greeted(a);
    assertThat(b.put(endpoint, 1)).isEqualTo(200);
    wire.answersPing();
    assertThat(b.put(endpoint, 2)).isEqualTo(410);
    wire.hearsNothing();
  }

  @Test
  void channelNotListedButRegisteredAgainIsKept() {
    String endpoint = away();
    TestWire wire = greeted(a);
    assertThat(a.register(wire, CHANNEL)).isEqualTo(endpoint);
    wire.answersPing();
    assertThat(b.put(endpoint, 1)).isEqualTo(200);
  }

  @Test
  void updatePublishedBetweenHelloAndPongIsDeliveredByTheAnswer() {
    String endpoint = away();
    TestWire wire = greeted(a, CHANNEL);
    b.put(endpoint, 7);
    hintsArrive();
    wire.hearsNothing();
    wire.answersPing();
    wire.hears(SessionFixture.notification(CHANNEL, 7));
  }

  @Test
  void updatePublishedWhileTheStoreSettlesIsDelivered() {
    String endpoint = away();
    TestWire wire = greeted(a, CHANNEL);
    a.store.hold();
    wire.answersPing();
    DelayedStore.Step<?> settle = a.store.next("settle");
    settle.takesEffect();
    b.put(endpoint, 7);
    hintsArrive();
    wire.hears(SessionFixture.notification(CHANNEL, 7));
    settle.answers();
    a.store.holdNoMore();
    turn();
    wire.hearsNothing();
    wire.isOpen();
  }

  @Test
  void olderConnectionOfTheSameNodeIsDisplacedAtThePong() {
    TestWire older = a.resumes();
    TestWire newer = greeted(a);
    turn();
    older.isOpen();
    newer.answersPing();
    turn();
    older.isClosed(CloseCode.POLICY_VIOLATION);
    ping(newer);
    newer.isOpen();
  }

  @Test
  void helloStuckInTheNetworkDoesNotDisplaceANewerConnection() {
    TestWire stuck = a.connects();
    TestWire newer = a.resumes();
    String endpoint = a.register(newer, CHANNEL);
    stuck.says(SessionFixture.hello(UAID));
    stuck.isClosed(CloseCode.POLICY_VIOLATION);
    turn();
    newer.isOpen();
    assertThat(a.put(endpoint, 7)).isEqualTo(200);
  }

  @Test
  void secondHelloNeitherComparesNorSettlesAnew() {
    TestWire wire = greeted(a);
    String endpoint = a.register(wire, CHANNEL);
    wire.says(SessionFixture.hello(UAID));
    wire.hears(SessionFixture.greeting(UAID));
    wire.answersPing();
    assertThat(b.put(endpoint, 7)).isEqualTo(200);
    hintsArrive();
    wire.hears(SessionFixture.notification(CHANNEL, 7));

    wire.says(SessionFixture.hello(UAID));

    wire.hears(SessionFixture.greeting(UAID));
    wire.hears(SessionFixture.notification(CHANNEL, 7));
    assertThat(b.put(endpoint, 8)).isEqualTo(200);
  }

  @Test
  void registerWhoseOutcomeIsNotKnownIsNotTakenForLoss() {
    TestWire wire = a.resumes();
    a.store.hold();
    wire.says(SessionFixture.register(CHANNEL));
    DelayedStore.Step<?> register = a.store.next("register");
    register.takesEffect();
    register.fails();
    a.store.holdNoMore();
    turn();
    assertThat(wire.heard()).contains("\"status\":500");
    ping(wire);
    wire.isOpen();
    shared.lose(OWNER, ChannelId.parse(CHANNEL));
    wire.says("{}");
    wire.hears("{}");
    wire.isClosed(CloseCode.GOING_AWAY);
  }

  // What the store has lost

  @Test
  void lostChannelIsNoticedAtThePing() {
    TestWire wire = a.resumes();
    a.register(wire, CHANNEL);
    a.register(wire, OTHER_CHANNEL);
    ping(wire);
    shared.lose(OWNER, ChannelId.parse(OTHER_CHANNEL));

    ping(wire);

    wire.isClosed(CloseCode.GOING_AWAY);
    assertThat(a.counters.snapshot().digestMismatches()).isOne();
    TestWire again = a.connects();
    again.says(SessionFixture.hello(UAID, CHANNEL, OTHER_CHANNEL));
    assertThat(SessionFixture.uaidOf(again)).isNotEqualTo(UAID);
  }

  @Test
  void lostChannelOfADeviceWithoutAListMakesItStartOver() {
    TestWire wire = a.connects();
    wire.says("{'messageType':'hello'}");
    String uaid = SessionFixture.uaidOf(wire);
    a.register(wire, CHANNEL);
    wire.breaksOff();
    wire = a.connects();
    wire.says("{'messageType':'hello','uaid':'" + uaid + "'}");
    wire.hears(SessionFixture.greeting(uaid));
    shared.lose(Uaid.parse(uaid), ChannelId.parse(CHANNEL));

    ping(wire);

    wire.isClosed(CloseCode.GOING_AWAY);
    assertThat(a.isKnown(uaid)).isFalse();
    wire = a.connects();
    wire.says("{'messageType':'hello','uaid':'" + uaid + "'}");
    assertThat(SessionFixture.uaidOf(wire)).isNotEqualTo(uaid);
  }

  @Test
  void publishingToALostChannelMakesTheDeviceStartOver() {
    TestWire wire = a.resumes();
    String endpoint = a.register(wire, CHANNEL);
    shared.lose(OWNER, ChannelId.parse(CHANNEL));
    assertThat(b.put(endpoint, 7)).isEqualTo(410);
    wire.isOpen();
    hintsArrive();
    passes(Duration.ofSeconds(1));
    wire.isClosed(CloseCode.GOING_AWAY);
    assertThat(a.counters.snapshot().goneHints()).isOne();
  }

  @Test
  void publishingToALostUserAgentMakesTheDeviceStartOver() {
    TestWire wire = a.resumes();
    String endpoint = a.register(wire, CHANNEL);
    a.drop(UAID);
    assertThat(b.put(endpoint, 7)).isEqualTo(410);
    hintsArrive();
    passes(Duration.ofSeconds(1));
    wire.isClosed(CloseCode.GOING_AWAY);
  }

  @Test
  void whoPublishesToAChannelThatIsGoneHasADeviceComparedOnceAMinute() {
    TestWire wire = a.resumes();
    String endpoint = a.register(wire, CHANNEL);
    wire.says(SessionFixture.unregister(CHANNEL));
    wire.hears(SessionFixture.unregistered(CHANNEL));
    for (int i = 0; i < 12; i++) {
      assertThat(b.put(endpoint, 7)).isEqualTo(410);
      hintsArrive();
      passes(Duration.ofSeconds(10));
    }
    wire.isOpen();
    assertThat(a.counters.snapshot().goneHints()).isEqualTo(2);
  }

  @Test
  void claimThatWasRolledBackIsRestoredAndNobodyIsClosed() {
    a.resumes().breaksOff();
    Runnable rollBack = shared.rememberRoutes();
    TestWire wire = b.resumes();
    String endpoint = b.register(wire, CHANNEL);
    hintsArrive();

    rollBack.run();
    a.put(endpoint, 7);
    hintsArrive();
    wire.hearsNothing();
    ping(wire);

    wire.hears(SessionFixture.notification(CHANNEL, 7));
    wire.says(SessionFixture.ack(CHANNEL, 7));
    a.put(endpoint, 8);
    hintsArrive();
    wire.hears(SessionFixture.notification(CHANNEL, 8));
    wire.isOpen();
  }

  @Test
  void lostChannelOfASleeperWakesIt() {
    WakeUp wakeUp = WakeUp.inNetworks("10.0.0.0/8");
    a.wakeUp(wakeUp);
    TestWire wire = a.connects();
    wire.says(
        SessionFixture.hello(UAID)
            .replace("'uaid'", "'wakeup_hostport':{'ip':'10.1.2.3','port':5000},'uaid'"));
    wire.hears(SessionFixture.greeting(UAID).replace("200", "201"));
    String endpoint = a.register(wire, CHANNEL);
    passes(Duration.ofSeconds(10));
    assertThat(wire.isAsleep()).isTrue();
    shared.lose(OWNER, ChannelId.parse(CHANNEL));

    assertThat(b.put(endpoint, 7)).isEqualTo(410);
    hintsArrive();

    assertThat(a.woken).isNotEmpty();
  }
}
