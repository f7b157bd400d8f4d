package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.CloseCode;
import org.simplepush.server.fixtures.SessionFixture;
import org.simplepush.server.fixtures.TestWire;

/** Protocol §§6, 10: pings, what else asks for nothing, and lifetimes. */
@Timeout(10)
class SessionPingTest extends SessionFixture {
  private static final Duration MIN = Duration.ofSeconds(20);

  @ParameterizedTest
  @ValueSource(strings = {"{}", " { } ", "{'messageType':'ping'}", "{'messageType':'PING'}"})
  void pingIsAnsweredInAnyState(String ping) {
    TestWire wire = connects();
    wire.says(ping);
    wire.hears("{}");
    wire.says(hello(UAID));
    wire.hears(greeting(UAID));
    wire.says(ping);
    wire.hears("{}");
    wire.isOpen();
  }

  @Test
  void burstOfTwoIsForgivenAndTheThirdClosedWith1008() {
    TestWire wire = resumes();
    wire.says("{}");
    wire.hears("{}");
    wire.says("{}");
    wire.hears("{}");
    wire.says("{}");
    wire.isClosed(CloseCode.POLICY_VIOLATION);
  }

  @Test
  void pingsBeforeHelloCountToo() {
    TestWire wire = connects();
    wire.says("{}");
    wire.says("{'messageType':'ping'}");
    wire.heardAll();
    wire.says(hello(UAID));
    wire.hears(greeting(UAID));
    wire.says("{}");
    wire.isClosed(CloseCode.POLICY_VIOLATION);
  }

  @Test
  void pingsAtTheMinimumIntervalGoOnForEver() {
    TestWire wire = resumes();
    for (int i = 0; i < 1000; i++) {
      wire.says("{}");
      wire.hears("{}");
      passes(MIN);
    }
    wire.isOpen();
  }

  @Test
  void pingsALittleMoreOftenAreClosedInTheEnd() {
    TestWire wire = resumes();
    int pings = 0;
    while (pings < 100) {
      wire.says("{}");
      if (wire.heardAll().isEmpty()) {
        break;
      }
      pings++;
      passes(MIN.minusSeconds(1));
    }
    wire.isClosed(CloseCode.POLICY_VIOLATION);
    assertThat(pings).isEqualTo(21); // each a second early: a whole interval early after 20
  }

  @Test
  void zeroTurnsTheCheckOff() {
    pingMinInterval(Duration.ZERO);
    TestWire wire = resumes();
    for (int i = 0; i < 100; i++) {
      wire.says("{}");
      wire.hears("{}");
    }
    wire.isOpen();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'messageType':'purge'}",
        "{'messageType':'nack','version':'7','code':301}",
        "{'messageType':'broadcast_subscribe','broadcasts':{'a':'b'}}",
        "{'messageType':'Broadcast_Subscribe','broadcasts':{}}"
      })
  void whatAsksForNothingIsIgnoredBeforeAndAfterHello(String message) {
    TestWire wire = connects();
    wire.says(message);
    wire.hearsNothing();
    wire.says(hello(UAID));
    wire.hears(greeting(UAID));
    for (int i = 0; i < 5; i++) {
      wire.says(message);
    }
    wire.hearsNothing();
    wire.isOpen();
  }

  @Test
  void pingBringsWhatArrivedInTheStoreOnly() {
    TestWire wire = registered();
    raise(CHANNEL, 7); // by another node, whose hint was lost
    wire.hearsNothing();
    wire.says("{}");
    wire.hears("{}");
    wire.hears(notification(CHANNEL, 7));
    wire.hearsNothing();
  }

  @Test
  void pingBeforeHelloDoesNotAskTheStore() {
    TestWire wire = connects();
    store.hold();
    wire.says("{}");
    wire.hears("{}");
    store.nothingAsked();
  }

  @Test
  void pingDoesNotRepeatWhatWasSent() {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    wire.says("{}");
    wire.hears("{}");
    wire.hearsNothing();
  }

  @Test
  void pingOfADroppedUserAgentIsAnsweredAndClosedWith1001() {
    TestWire wire = registered();
    drop(UAID);
    wire.says("{}");
    wire.hears("{}");
    wire.isClosed(CloseCode.GOING_AWAY);
    TestWire again = connects();
    again.says(hello(UAID, CHANNEL));
    assertThat(uaidOf(again)).isNotEqualTo(UAID);
  }

  @Test
  void silentDeviceIsComparedWithTheStoreNowAndThen() {
    TestWire wire = registered();
    raise(CHANNEL, 7);
    passes(Duration.ofMinutes(35));
    wire.hears(notification(CHANNEL, 7));
    wire.says(ack(CHANNEL, 7));
    raise(CHANNEL, 8);
    passes(Duration.ofMinutes(35));
    wire.hears(notification(CHANNEL, 8));
  }

  @Test
  void silentDeviceThatWasDroppedIsClosedWith1001() {
    TestWire wire = registered();
    drop(UAID);
    passes(Duration.ofMinutes(35));
    wire.isClosed(CloseCode.GOING_AWAY);
    assertThat(wire.isTimerRunning(Wire.Timer.RECONCILE)).isFalse();
  }

  @Test
  void connectedDeviceIsNeverExpired() {
    TestWire wire = registered();
    passes(Duration.ofDays(30));
    assertThat(expire(Duration.ofDays(7))).isZero();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
  }

  @Test
  void userAgentNotSeenFor7DaysIsDroppedItsEndpointsGoneAndItsHelloGetsAFreshUaid() {
    TestWire wire = resumes();
    String endpoint = register(wire, CHANNEL);
    wire.breaksOff();
    passes(Duration.ofDays(7).minusNanos(1));
    assertThat(expire(Duration.ofDays(7))).isZero();
    passes(Duration.ofNanos(1));
    assertThat(expire(Duration.ofDays(7))).isOne();
    assertThat(put(endpoint, 7)).isEqualTo(410);
    TestWire again = connects();
    again.says(hello(UAID, CHANNEL));
    assertThat(uaidOf(again)).isNotEqualTo(UAID);
  }

  @Test
  void pendingUpdatesAreKeptAsLongAsTheUserAgentIs() {
    TestWire wire = resumes();
    String endpoint = register(wire, CHANNEL);
    wire.breaksOff();
    put(endpoint, 7);
    passes(Duration.ofDays(6));
    expire(Duration.ofDays(7));
    TestWire again = resumes(CHANNEL);
    again.hears(notification(CHANNEL, 7));
    again.breaksOff();
    passes(Duration.ofDays(6));
    expire(Duration.ofDays(7));
    resumes(CHANNEL).hears(notification(CHANNEL, 7));
  }

  @Test
  void publishingDoesNotKeepAUserAgentAlive() {
    TestWire wire = resumes();
    String endpoint = register(wire, CHANNEL);
    wire.breaksOff();
    passes(Duration.ofDays(6));
    assertThat(put(endpoint, 7)).isEqualTo(200);
    passes(Duration.ofDays(1));
    assertThat(expire(Duration.ofDays(7))).isOne();
  }
}
