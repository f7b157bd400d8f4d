package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.core.CloseCode;
import org.simplepush.core.SharedVersionStore.Basis;
import org.simplepush.core.Uaid;
import org.simplepush.server.WakeUp;
import org.simplepush.server.fixtures.DelayedStore;
import org.simplepush.server.fixtures.SessionFixture;
import org.simplepush.server.fixtures.TestWire;
import org.simplepush.server.fixtures.TwoNodesFixture;

/**
 * Two nodes on one store, without sockets: what one node does reaches devices on the other by a
 * hint, which the test delivers when it likes, or loses.
 */
@Timeout(30)
class SessionNodesTest extends TwoNodesFixture {
  private static final String UAID = SessionFixture.UAID;
  private static final String CHANNEL = SessionFixture.CHANNEL;
  private static final String OTHER_CHANNEL = SessionFixture.OTHER_CHANNEL;
  private static final Uaid OWNER = Uaid.parse(UAID);
  private static final InetSocketAddress ADDRESS = new InetSocketAddress("10.1.2.3", 5000);
  private static final Duration QUIET = Duration.ofSeconds(10);

  /** Longer than the time over which everybody is compared after hints were lost. */
  private static final Duration COMPARED = Duration.ofSeconds(6);

  // An update on another node

  @Test
  void updateOfAnotherNodeIsDelivered() {
    TestWire wire = a.resumes();
    String endpoint = a.register(wire, CHANNEL);
    assertThat(b.put(endpoint, 7)).isEqualTo(200);
    wire.hearsNothing();
    hintsArrive();
    wire.hears(SessionFixture.notification(CHANNEL, 7));
    assertThat(a.counters.snapshot().hintsReceived()).isOne();
  }

  @Test
  void lostHintIsMadeUpForByThePing() {
    TestWire wire = a.resumes();
    b.put(a.register(wire, CHANNEL), 7);
    hints.clear();
    ping(wire);
    wire.hears(SessionFixture.notification(CHANNEL, 7));
  }

  /** Nothing tells that a hint was lost, or with a claim of the store every hint. */
  @Test
  void lostHintIsMadeUpForWithinFiveMinutes() {
    TestWire wire = a.resumes();
    b.put(a.register(wire, CHANNEL), 7);
    hints.clear();
    passes(Duration.ofMinutes(5));
    wire.hears(SessionFixture.notification(CHANNEL, 7));
  }

  @Test
  void updateThatTheStoreDidButFailedToAnswerIsDelivered() {
    TestWire wire = a.resumes();
    String endpoint = a.register(wire, CHANNEL);
    a.store.hold();
    var answer = a.endpoints.handle(SessionFixture.putRequest(endpoint, 7)).toCompletableFuture();
    DelayedStore.Step<?> advance = a.store.next("advance");
    advance.takesEffect();
    advance.fails();
    assertThat(answer.join().status()).isEqualTo(503);
    hintsArrive();
    wire.hears(SessionFixture.notification(CHANNEL, 7));
  }

  @Test
  void hintOfAnUpdateThatWasDeliveredAtOnceIsPassedOver() {
    TestWire wire = a.resumes();
    a.put(a.register(wire, CHANNEL), 7);
    wire.hears(SessionFixture.notification(CHANNEL, 7));
    hintsArrive();
    wire.hearsNothing();
  }

  @Test
  void hintThatComesFirstMakesTheDeliveryAtOncePassedOver() {
    TestWire wire = a.resumes();
    String endpoint = a.register(wire, CHANNEL);
    a.store.hold();
    var answer = a.endpoints.handle(SessionFixture.putRequest(endpoint, 7)).toCompletableFuture();
    DelayedStore.Step<?> advance = a.store.next("advance");
    advance.takesEffect();
    hintsArrive();
    wire.hears(SessionFixture.notification(CHANNEL, 7));
    advance.answers();
    assertThat(answer.join().status()).isEqualTo(200);
    turn();
    wire.hearsNothing();
  }

  @Test
  void hintAfterTheAckIsPassedOver() {
    TestWire wire = a.resumes();
    a.put(a.register(wire, CHANNEL), 7);
    wire.hears(SessionFixture.notification(CHANNEL, 7));
    wire.says(SessionFixture.ack(CHANNEL, 7));
    hintsArrive();
    wire.hearsNothing();
  }

  @Test
  void hintOfAnOlderVersionIsPassedOver() {
    TestWire wire = a.resumes();
    String endpoint = a.register(wire, CHANNEL);
    b.put(endpoint, 7);
    Runnable older = hints.remove();
    b.put(endpoint, 8);
    hintsArrive();
    wire.hears(SessionFixture.notification(CHANNEL, 8));
    hints.add(older);
    hintsArrive();
    wire.says(SessionFixture.ack(CHANNEL, 8));
    hints.add(older);
    hintsArrive();
    wire.hearsNothing();
  }

  @Test
  void hintAfterTheUnregisterIsPassedOver() {
    TestWire wire = a.resumes();
    b.put(a.register(wire, CHANNEL), 7);
    wire.says(SessionFixture.unregister(CHANNEL));
    wire.hears(SessionFixture.unregistered(CHANNEL));
    hintsArrive();
    wire.hearsNothing();
  }

  /**
   * The endpoint of a channel that is registered again is the same, so its application server may
   * have meant the new registration as well as the old.
   */
  @Test
  void hintFromBeforeTheUnregisterCountsAsAnUpdateOfTheNewRegistration() {
    TestWire wire = a.resumes();
    String endpoint = a.register(wire, CHANNEL);
    b.put(endpoint, 7);
    wire.says(SessionFixture.unregister(CHANNEL));
    wire.hears(SessionFixture.unregistered(CHANNEL));
    assertThat(a.register(wire, CHANNEL)).isEqualTo(endpoint);
    hintsArrive();
    wire.hears(SessionFixture.notification(CHANNEL, 7));
    wire.says(SessionFixture.ack(CHANNEL, 7));
    b.put(endpoint, 8);
    hintsArrive();
    wire.hears(SessionFixture.notification(CHANNEL, 8));
  }

  // Connecting elsewhere

  @Test
  void newestConnectionWinsAcrossNodes() {
    TestWire older = a.resumes();
    String endpoint = a.register(older, CHANNEL);
    TestWire newer = b.resumes(CHANNEL);
    older.isOpen();
    hintsArrive();
    older.isClosed(CloseCode.POLICY_VIOLATION);
    assertThat(a.counters.snapshot().takeovers()).isOne();
    assertThat(a.counters.snapshot().hintsReceived()).isOne();
    a.put(endpoint, 7);
    hintsArrive();
    newer.hears(SessionFixture.notification(CHANNEL, 7));
    assertThat(b.counters.snapshot().takeovers()).isZero();
  }

  @Test
  void lateEndOfTheOldConnectionDoesNotReleaseTheNew() {
    TestWire older = a.resumes();
    String endpoint = a.register(older, CHANNEL);
    TestWire newer = b.resumes(CHANNEL);
    hints.clear();
    older.breaksOff();
    assertThat(shared.isRouted(OWNER)).isTrue();
    a.put(endpoint, 7);
    hintsArrive();
    newer.hears(SessionFixture.notification(CHANNEL, 7));
    newer.breaksOff();
    assertThat(shared.isRouted(OWNER)).isFalse();
  }

  @Test
  void hintThatAnEarlierConnectionIsOverDoesNotCloseALaterOne() {
    a.resumes();
    TestWire middle = b.resumes();
    TestWire last = a.resumes();
    hintsArrive();
    middle.isClosed(CloseCode.POLICY_VIOLATION);
    last.isOpen();
  }

  @Test
  void connectionWhoseEndWasNotToldIsClosedAtItsNextPing() {
    TestWire older = a.resumes();
    TestWire newer = b.resumes();
    hints.clear();
    ping(older);
    older.isClosed(CloseCode.POLICY_VIOLATION);
    ping(newer);
    newer.isOpen();
  }

  @Test
  void updateOnTheNodeThatWasLeftReachesBothConnections() {
    TestWire older = a.resumes();
    String endpoint = a.register(older, CHANNEL);
    TestWire newer = b.resumes(CHANNEL);
    hints.clear();
    a.put(endpoint, 7);
    older.hears(SessionFixture.notification(CHANNEL, 7));
    hintsArrive();
    newer.hears(SessionFixture.notification(CHANNEL, 7));
  }

  @Test
  void hintForAUaidThatTheConnectionNoLongerHasDoesNotCloseIt() {
    TestWire wire = a.resumes();
    Session session = wire.session();
    a.drop(UAID);
    wire.says("{'messageType':'hello','uaid':'" + UAID + "'}"); // unknown: assigned a fresh one
    assertThat(SessionFixture.uaidOf(wire)).isNotEqualTo(UAID);
    session.takenOver();
    wire.turn();
    wire.isOpen();
    assertThat(shared.isRouted(OWNER)).isFalse();
  }

  // Claiming

  @Test
  void deviceIsGreetedBeforeItSettles() {
    a.store.hold();
    TestWire wire = a.connects();
    wire.says(SessionFixture.hello(UAID));
    a.store.next("hello").answers();
    wire.turn();
    wire.hears(SessionFixture.greeting(UAID));
    assertThat(shared.isRouted(OWNER)).isFalse();
    a.store.next("settle").answers();
    wire.turn();
    wire.isOpen();
    assertThat(shared.isRouted(OWNER)).isTrue();
  }

  @Test
  void connectionThatCannotSettleIsClosed() {
    a.store.hold();
    TestWire wire = a.connects();
    wire.says(SessionFixture.hello(UAID));
    a.store.next("hello").answers();
    wire.turn();
    wire.hears(SessionFixture.greeting(UAID));
    a.store.next("settle").fails();
    a.store.holdNoMore();
    wire.turn();
    wire.isClosed(CloseCode.TRY_AGAIN_LATER);
    assertThat(shared.isRouted(OWNER)).isFalse();
  }

  @Test
  void claimThatFailedAfterItHappenedIsReleased() {
    a.store.hold();
    TestWire wire = a.connects();
    wire.says(SessionFixture.hello(UAID));
    a.store.next("hello").answers();
    wire.turn();
    DelayedStore.Step<?> settle = a.store.next("settle");
    settle.takesEffect();
    assertThat(shared.isRouted(OWNER)).isTrue();
    settle.fails();
    a.store.holdNoMore();
    wire.turn();
    assertThat(shared.isRouted(OWNER)).isFalse();
  }

  @Test
  void userAgentWithTooManyChannelsIsDroppedAndItsConnectionElsewhereClosed() {
    TestWire older = a.resumes();
    TestWire newer = b.connects();
    newer.says(
        SessionFixture.hello(
            UAID,
            Stream.iterate(0, n -> n + 1)
                .limit(SessionFixture.MAX_CHANNELS + 1)
                .map(SessionFixture::channel)
                .toArray(String[]::new)));
    assertThat(SessionFixture.uaidOf(newer)).isNotEqualTo(UAID);
    hintsArrive();
    older.isClosed(CloseCode.POLICY_VIOLATION);
    newer.isOpen();
  }

  /** Of two connections that settle together, the one that stays is the one that hints come to. */
  @Test
  void storeAndMapAgreeOnTheConnectionThatStays() {
    TestWire first = a.connects();
    TestWire second = a.connects();
    first.answersPings = false;
    first.says(SessionFixture.hello(UAID));
    first.hears(SessionFixture.greeting(UAID));
    first.answersPings = true;
    shared.beforeNextSettle(() -> second.says(SessionFixture.hello(UAID)));
    first.answersPing();
    turn();
    second.hears(SessionFixture.greeting(UAID));
    first.isClosed(CloseCode.POLICY_VIOLATION);
    ping(second);
    second.isOpen();
    b.put(a.register(second, CHANNEL), 7);
    hintsArrive();
    second.hears(SessionFixture.notification(CHANNEL, 7));
  }

  @Test
  void endOfAConnectionReleasesIt() {
    TestWire wire = a.resumes();
    assertThat(shared.isRouted(OWNER)).isTrue();
    wire.breaksOff();
    assertThat(shared.isRouted(OWNER)).isFalse();
  }

  @Test
  void storeThatHasForgottenWhoIsWhereIsToldAtThePing() {
    TestWire wire = a.resumes();
    String endpoint = a.register(wire, CHANNEL);
    shared.forgetRoutes();
    ping(wire);
    b.put(endpoint, 7);
    hintsArrive();
    wire.hears(SessionFixture.notification(CHANNEL, 7));
  }

  @Test
  void serverThatIsAloneAsksForNothingMore() {
    SessionFixture alone = new SessionFixture();
    alone.pingMinInterval(Duration.ZERO);
    alone.store.hold();
    TestWire wire = alone.connects();
    wire.says(SessionFixture.hello(UAID));
    alone.store.next("hello").answers();
    wire.turn();
    wire.hears(SessionFixture.greeting(UAID));
    ping(wire);
    alone.store.next("pending").answers();
    wire.breaksOff();
    alone.store.nothingAsked();
  }

  // A store that is away

  @Test
  void storeThatCannotCompareClosesNothing() {
    TestWire wire = a.registered();
    a.store.hold();
    ping(wire);
    assertThat(a.counters.storeFailures.sum()).isZero();
    a.store.next("compare").fails();
    turn();
    assertThat(a.counters.storeFailures.sum()).isOne();
    wire.isOpen();
    a.store.holdNoMore();
    ping(wire);
    wire.isOpen();
    assertThat(a.counters.storeFailures.sum()).isOne();
  }

  @Test
  void devicesStayConnectedWhileTheStoreIsAwayAndLearnEverythingAfterwards() {
    TestWire wire = a.resumes();
    String endpoint = a.register(wire, CHANNEL);
    a.store.failAtOnce(DelayedStore.away());
    ping(wire);
    passes(Duration.ofHours(1));
    wire.isOpen();
    b.put(endpoint, 7);
    hints.clear();
    a.store.failAtOnce(null);
    a.registry.hintsLost();
    passes(COMPARED);
    wire.hears(SessionFixture.notification(CHANNEL, 7));
  }

  @Test
  void comparisonThatFailedIsMadeAgainSoon() {
    TestWire wire = a.resumes();
    b.put(a.register(wire, CHANNEL), 7);
    hints.clear();
    a.store.failAtOnce(DelayedStore.away());
    a.registry.hintsLost();
    passes(COMPARED);
    wire.hearsNothing();
    a.store.failAtOnce(null);
    passes(Duration.ofSeconds(60));
    wire.hears(SessionFixture.notification(CHANNEL, 7));
  }

  // Lost hints

  @Test
  void afterLostHintsEverybodyIsComparedOneAfterAnother() {
    int devices = 50;
    for (int i = 0; i < devices; i++) {
      a.connects().says(SessionFixture.hello(""));
    }
    a.store.hold();
    a.registry.hintsLost();
    assertThat(a.counters.snapshot().hintsLost()).isOne();
    int asked = 0;
    int mostAtOnce = 0;
    for (int tenths = 0; tenths < 51; tenths++) {
      a.passes(Duration.ofMillis(100));
      int now = a.store.takeAll().size();
      asked += now;
      mostAtOnce = Math.max(mostAtOnce, now);
    }
    assertThat(asked).isEqualTo(devices);
    assertThat(mostAtOnce).isLessThanOrEqualTo(2);
  }

  @Test
  void hintsThatKeepGettingLostDoNotPutOffTheComparison() {
    a.resumes();
    TestWire wire = a.connects();
    wire.says(SessionFixture.hello(""));
    String uaid = SessionFixture.uaidOf(wire);
    b.put(a.register(wire, CHANNEL), 7);
    hints.clear();
    for (int i = 0; i < 6; i++) {
      a.registry.hintsLost();
      passes(Duration.ofSeconds(1));
    }
    wire.hears(SessionFixture.notification(CHANNEL, 7));
    assertThat(a.pending(uaid)).hasSize(1);
  }

  @Test
  void hintsLostWhileTheDeviceIsComparedMakeItComparedAgain() {
    TestWire wire = a.resumes();
    String endpoint = a.register(wire, CHANNEL);
    a.registry.hintsLost();
    a.store.hold();
    passes(COMPARED);
    DelayedStore.Step<?> pending = a.store.next("compare");
    pending.takesEffect();
    a.store.holdNoMore();
    b.put(endpoint, 7);
    hints.clear();
    a.registry.hintsLost();
    turn();
    pending.answers();
    turn();
    wire.hearsNothing();
    passes(COMPARED);
    wire.hears(SessionFixture.notification(CHANNEL, 7));
  }

  @Test
  void hintsLostWhileAHelloOrARequestWaitsAreMadeUpFor() {
    a.store.hold();
    TestWire wire = a.connects();
    wire.says(SessionFixture.hello(UAID));
    a.store.next("hello").answers();
    wire.turn();
    DelayedStore.Step<?> settle = a.store.next("settle");
    settle.takesEffect();
    a.store.holdNoMore();
    a.registry.hintsLost();
    passes(COMPARED);
    settle.answers();
    wire.turn();
    wire.hears(SessionFixture.greeting(UAID));
    String endpoint = a.register(wire, CHANNEL);
    b.put(endpoint, 7);
    hints.clear();
    a.store.hold();
    wire.says(SessionFixture.register(OTHER_CHANNEL));
    passes(Duration.ofSeconds(1));
    DelayedStore.Step<?> register = a.store.next("register");
    a.store.holdNoMore();
    register.answers();
    wire.turn();
    SessionFixture.endpointOf(wire, OTHER_CHANNEL);
    passes(Duration.ofSeconds(1));
    wire.hears(SessionFixture.notification(CHANNEL, 7));
  }

  @Test
  void nodeThatHasLeftHearsNothing() {
    TestWire wire = a.resumes();
    b.put(a.register(wire, CHANNEL), 7);
    a.registry.leave();
    a.registry.leave();
    hintsArrive();
    wire.hearsNothing();
  }

  // Sleeping

  /** A device falls asleep on the first node; returns its endpoint. */
  private String sleeper() {
    WakeUp wakeUp = WakeUp.inNetworks("10.0.0.0/8");
    a.wakeUp(wakeUp);
    b.wakeUp(wakeUp);
    TestWire wire = drowsy(a);
    String endpoint = a.register(wire, CHANNEL);
    passes(QUIET);
    wire.isClosed(CloseCode.WAKE_UP);
    return endpoint;
  }

  private static TestWire drowsy(SessionFixture node, String... channelIds) {
    TestWire wire = node.connects();
    wire.says(
        SessionFixture.hello(UAID, channelIds)
            .replace("'uaid'", "'wakeup_hostport':{'ip':'10.1.2.3','port':5000},'uaid'"));
    wire.hears(SessionFixture.greeting(UAID).replace("200", "201"));
    return wire;
  }

  @Test
  void updateOnAnotherNodeWakesTheSleeper() {
    String endpoint = sleeper();
    assertThat(shared.isRouted(OWNER)).isTrue();
    b.put(endpoint, 7);
    assertThat(a.woken).isEmpty();
    hintsArrive();
    assertThat(a.woken).containsExactly(ADDRESS);
    assertThat(b.woken).isEmpty();
    drowsy(b, CHANNEL).hears(SessionFixture.notification(CHANNEL, 7));
  }

  @Test
  void sleeperThatConnectsElsewhereIsNotWokenAnyMore() {
    String endpoint = sleeper();
    TestWire wire = drowsy(b, CHANNEL);
    hintsArrive();
    assertThat(a.counters.snapshot().sleeping()).isZero();
    a.put(endpoint, 7);
    assertThat(a.woken).isEmpty();
    hintsArrive();
    wire.hears(SessionFixture.notification(CHANNEL, 7));
  }

  @Test
  void hintThatAnEarlierConnectionIsOverDoesNotForgetWhoSleepsNow() {
    sleeper();
    TestWire elsewhere = drowsy(b, CHANNEL);
    Runnable displaced = hints.remove(); // of the sleeper
    TestWire again = drowsy(a, CHANNEL);
    passes(QUIET);
    again.isClosed(CloseCode.WAKE_UP);
    displaced.run();
    assertThat(a.counters.snapshot().sleeping()).isOne();
    hintsArrive();
    assertThat(elsewhere.isClosed()).isTrue();
  }

  @Test
  void connectionThatIsOverWhenItFallsAsleepLeavesNoSleeper() {
    sleeper();
    TestWire again = drowsy(a, CHANNEL);
    drowsy(b, CHANNEL);
    hints.forEach(Runnable::run); // what follows waits for the loop, which has to run timers first
    a.passes(QUIET);
    again.isClosed(CloseCode.POLICY_VIOLATION);
    assertThat(a.counters.snapshot().sleeping()).isZero();
  }

  @Test
  void sleeperThatIsForgottenIsReleased() {
    sleeper();
    a.passes(Duration.ofDays(7));
    a.registry.expire(Duration.ofDays(7));
    assertThat(a.counters.snapshot().sleeping()).isZero();
    assertThat(shared.isRouted(OWNER)).isFalse();
  }

  @Test
  void afterLostHintsASleeperWithNewsIsWoken() {
    String endpoint = sleeper();
    b.put(endpoint, 7);
    hints.clear();
    shared.forgetRoutes();
    a.registry.hintsLost();
    passes(COMPARED);
    assertThat(a.woken).isNotEmpty().containsOnly(ADDRESS);
    assertThat(shared.isRouted(OWNER)).isTrue();
  }

  @Test
  void afterLostHintsASleeperWithoutNewsIsLeftToSleep() {
    sleeper();
    a.registry.hintsLost();
    passes(COMPARED);
    assertThat(a.woken).isEmpty();
    assertThat(a.counters.snapshot().sleeping()).isOne();
  }

  @Test
  void afterLostHintsASleeperTheStoreDoesNotKnowIsWokenToLearnIt() {
    sleeper();
    a.drop(UAID);
    a.registry.hintsLost();
    passes(COMPARED);
    assertThat(a.woken).isNotEmpty();
  }

  @Test
  void afterLostHintsASleeperThatIsConnectedElsewhereIsForgotten() {
    sleeper();
    drowsy(b, CHANNEL);
    hints.clear();
    a.registry.hintsLost();
    passes(COMPARED);
    assertThat(a.counters.snapshot().sleeping()).isZero();
    assertThat(a.woken).isEmpty();
  }

  @Test
  void sleepersAreComparedOneAfterAnother() {
    a.wakeUp(WakeUp.inNetworks("10.0.0.0/8"));
    for (int i = 0; i < 50; i++) {
      Basis.Claim claim = new Basis.Claim(i, 1);
      a.sleepers.add(Uaid.random(), ADDRESS, new Standing(claim, null, false, true));
    }
    a.store.hold();
    a.registry.hintsLost();
    int asked = a.store.takeAll().size();
    assertThat(asked).isOne();
    a.passes(Duration.ofSeconds(1));
    int inASecond = a.store.takeAll().size();
    assertThat(inASecond).isBetween(9, 11);
    a.passes(Duration.ofSeconds(4));
    asked += inASecond + a.store.takeAll().size();
    assertThat(asked).isEqualTo(50);
  }
}
