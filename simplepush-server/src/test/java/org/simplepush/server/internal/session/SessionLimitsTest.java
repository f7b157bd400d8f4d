package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.core.CloseCode;
import org.simplepush.server.fixtures.SessionFixture;
import org.simplepush.server.fixtures.TestWire;
import org.simplepush.server.internal.Refusal;
import org.simplepush.server.internal.Refusals;

/** Protocol §13: what strangers may create. */
@Timeout(10)
class SessionLimitsTest extends SessionFixture {
  private static final long HERE = 7;
  private static final long ELSEWHERE = 8;

  private static final String TOO_MANY = "Too many come from this address; try again in a minute";
  private static final String FULL = "This server has as many as it may; try again later";

  private static final String HELLO_WITHOUT_LIST = "{'messageType':'hello','use_webpush':true}";

  @BeforeEach
  void limitNothing() {
    limits(CreationLimits.UNLIMITED, Integer.MAX_VALUE, Integer.MAX_VALUE);
  }

  private TestWire connects(long address) {
    TestWire wire = connects();
    wire.address = address;
    return wire;
  }

  private TestWire fresh(long address) {
    TestWire wire = connects(address);
    wire.says(hello(""));
    uaidOf(wire);
    return wire;
  }

  private static String refusedHello(int status, String sentence) {
    return "{'messageType':'hello','status':" + status + ",'error':'" + sentence + "'}";
  }

  private static String refusedRegister(String channelId, int status, String sentence) {
    return "{'messageType':'register','channelID':'"
        + channelId
        + "','status':"
        + status
        + ",'error':'"
        + sentence
        + "'}";
  }

  // A minute

  @Test
  void channelsOfAnAddressAreSoManyAMinute() {
    limits(CreationLimits.UNLIMITED, 100, 2);
    TestWire wire = fresh(HERE);
    TestWire neighbour = fresh(HERE);
    String endpoint = register(wire, channel(1));
    register(neighbour, channel(2));
    wire.says(register(channel(3)));
    wire.hears(refusedRegister(channel(3), 429, TOO_MANY));
    wire.isOpen();
    assertThat(register(wire, channel(1))).as("one that is there").isEqualTo(endpoint);
    register(fresh(ELSEWHERE), channel(3));
    passes(Duration.ofMinutes(1));
    register(wire, channel(3));
    assertThat(counters.refusals.sum(Refusal.CHANNEL_RATE)).isEqualTo(1);
  }

  @Test
  void userAgentsOfAnAddressAreSoManyAMinute() {
    limits(CreationLimits.UNLIMITED, 2, 100);
    fresh(HERE);
    fresh(HERE);
    TestWire wire = connects(HERE);
    wire.says(hello(""));
    wire.hears(refusedHello(429, TOO_MANY));
    wire.isClosed(CloseCode.TRY_AGAIN_LATER);
    TestWire ofItsOwn = connects(HERE);
    ofItsOwn.says(hello(UAID));
    ofItsOwn.hears(refusedHello(429, TOO_MANY));
    ofItsOwn.isClosed(CloseCode.TRY_AGAIN_LATER);
    assertThat(isKnown(UAID)).isFalse();
    fresh(ELSEWHERE);
    passes(Duration.ofMinutes(1));
    fresh(HERE);
    assertThat(counters.refusals.sum(Refusal.Kind.REGISTRATION)).isEqualTo(2);
  }

  /** A Firefox that gets a hello reply without a UAID stays away for good. */
  @Test
  void helloWithoutListIsNotAnswered() {
    limits(CreationLimits.UNLIMITED, 1, 100);
    fresh(HERE);
    TestWire wire = connects(HERE);
    wire.says(HELLO_WITHOUT_LIST);
    wire.isClosed(CloseCode.TRY_AGAIN_LATER);
  }

  @Test
  void whoeverIsKnownGoesOnHoweverManyStrangersCome() {
    String endpoint = register(resumes(), CHANNEL);
    String empty = "00000000-0000-4000-8000-00000000000e";
    TestWire before = connects();
    before.says(hello(empty));
    before.hears(greeting(empty));
    limits(CreationLimits.UNLIMITED, 1, 1);
    fresh(HERE);
    put(endpoint, 7);

    TestWire wire = connects(HERE);
    wire.says(hello(UAID, CHANNEL));
    wire.hears(greeting(UAID));
    wire.hears(notification(CHANNEL, 7));
    TestWire without = connects(HERE);
    without.says(hello(empty));
    without.hears(greeting(empty));
  }

  @Test
  void whoeverLostStateAndIsRefusedIsToldWhenItComesAgain() {
    register(resumes(), CHANNEL);
    limits(CreationLimits.UNLIMITED, 1, 100);
    fresh(HERE);
    TestWire wire = connects(HERE);
    wire.says(hello(UAID, CHANNEL, OTHER_CHANNEL)); // the latter is not known here
    wire.hears(refusedHello(429, TOO_MANY));
    wire.isClosed(CloseCode.TRY_AGAIN_LATER);
    passes(Duration.ofMinutes(1));
    TestWire again = connects(HERE);
    again.says(hello(UAID, CHANNEL, OTHER_CHANNEL));
    assertThat(uaidOf(again)).isNotEqualTo(UAID);
  }

  @Test
  void whoeverIsExemptIsNotCounted() {
    limits(CreationLimits.UNLIMITED, 1, 1);
    for (int i = 0; i < 5; i++) {
      TestWire wire = connects();
      wire.says(hello(""));
      uaidOf(wire);
      register(wire, channel(1));
      register(wire, channel(2));
    }
  }

  // In total

  @Test
  void channelsOfAStoreAreSoManyUntilOneIsUnregistered() {
    limits(2, 100, 100);
    TestWire wire = resumes();
    register(wire, channel(1));
    String endpoint = register(wire, channel(2));
    TestWire other = fresh(ELSEWHERE);
    other.says(register(channel(3)));
    other.hears(refusedRegister(channel(3), 503, FULL));
    other.isOpen();
    assertThat(register(wire, channel(2))).isEqualTo(endpoint);
    assertThat(put(endpoint, 7)).isEqualTo(200);
    wire.hears(notification(channel(2), 7));
    wire.says(unregister(channel(1)));
    wire.hears(unregistered(channel(1)));
    register(other, channel(3));
    assertThat(counters.refusals.sum(Refusal.STORE_FULL)).isEqualTo(1);
  }

  @Test
  void userAgentsOfAStoreAreSoManyToo() {
    limits(2, 100, 100);
    resumes();
    fresh(ELSEWHERE);
    TestWire wire = connects();
    wire.says(hello(""));
    wire.hears(refusedHello(503, FULL));
    wire.isClosed(CloseCode.TRY_AGAIN_LATER);
    TestWire known = connects();
    known.says(hello(UAID));
    known.hears(greeting(UAID));
    drop(UAID);
    fresh(HERE);
  }

  @Test
  void limitOfAUserAgentIsStillToldAsSuch() {
    TestWire wire = resumes();
    for (int i = 0; i < MAX_CHANNELS; i++) {
      register(wire, channel(i));
    }
    wire.says(register(channel(MAX_CHANNELS)));
    wire.hears(
        refusedRegister(
            channel(MAX_CHANNELS), 503, "This user agent has as many channels as it may"));
  }

  @Test
  void everyKindOfLimitIsLoggedOnceAMinute() {
    long[] nanos = {5};
    Refusals refusals = new Refusals(() -> nanos[0]);
    assertThat(refusals.count(Refusal.STORE_FULL)).isTrue();
    assertThat(refusals.count(Refusal.STORE_FULL)).isFalse();
    assertThat(refusals.count(Refusal.ADDRESS)).isTrue();
    assertThat(refusals.count(Refusal.HANDSHAKE)).as("any scanner's doing").isFalse();
    nanos[0] += Duration.ofMinutes(1).toNanos();
    assertThat(refusals.count(Refusal.STORE_FULL)).isTrue();
    assertThat(refusals.sum(Refusal.Kind.REGISTRATION)).isEqualTo(3);
    assertThat(refusals.sum(Refusal.Kind.CONNECTION)).isEqualTo(2);
  }
}
