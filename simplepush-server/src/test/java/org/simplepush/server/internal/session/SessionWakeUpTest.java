package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.CloseCode;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.server.WakeUp;
import org.simplepush.server.fixtures.DelayedStore;
import org.simplepush.server.fixtures.Json;
import org.simplepush.server.fixtures.SessionFixture;
import org.simplepush.server.fixtures.TestWire;

/** Protocol §9: who is left to sleep, when, and what wakes them. */
@Timeout(10)
class SessionWakeUpTest extends SessionFixture {
  private static final Duration QUIET = Duration.ofSeconds(10);
  private static final String AT = "'wakeup_hostport':{'ip':'10.1.2.3','port':5000}";
  private static final InetSocketAddress ADDRESS = new InetSocketAddress("10.1.2.3", 5000);

  @BeforeEach
  void on() {
    wakeUp(WakeUp.inNetworks("10.0.0.0/8"));
  }

  private static String hello(String more) {
    return "{'messageType':'hello','uaid':'" + UAID + "'," + more + ",'channelIDs':[]}";
  }

  private static String greeting201() {
    return greeting(UAID).replace("200", "201");
  }

  /** A device that may sleep connects as {@link #UAID} and registers {@link #CHANNEL}. */
  private TestWire drowsy() {
    TestWire wire = connects();
    wire.says(hello(AT));
    wire.hears(greeting201());
    register(wire, CHANNEL);
    return wire;
  }

  private TestWire back() {
    TestWire wire = connects();
    wire.says(hello(AT).replace("[]", "['" + CHANNEL + "']"));
    wire.hears(greeting201());
    return wire;
  }

  @Test
  void quietDeviceIsClosedWith4774AndWokenByTheNextUpdate() {
    TestWire wire = drowsy();
    passes(QUIET.minusNanos(1));
    wire.isOpen();
    passes(Duration.ofNanos(1));
    wire.isClosed(CloseCode.WAKE_UP);
    assertThat(counters.snapshot().sleeping()).isOne();
    publish(CHANNEL, 7);
    assertThat(woken).containsExactly(ADDRESS);
    TestWire back = back();
    back.hears(notification(CHANNEL, 7));
    assertThat(counters.snapshot().sleeping()).isZero();
    publish(CHANNEL, 8);
    back.hears(notification(CHANNEL, 8));
    passes(Duration.ofHours(1));
    assertThat(woken).hasSize(1);
  }

  @Test
  void putWakes() {
    TestWire wire = connects();
    wire.says(hello(AT));
    wire.hears(greeting201());
    String endpoint = register(wire, CHANNEL);
    passes(QUIET);
    wire.isClosed(CloseCode.WAKE_UP);
    assertThat(put(endpoint, 7)).isEqualTo(200);
    assertThat(woken).containsExactly(ADDRESS);
    assertThat(put(endpoint, 7)).isEqualTo(200); // nothing new
    passes(Duration.ofSeconds(4));
    assertThat(woken).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'broadcasts':{}",
        "'wakeup_hostport':null",
        "'wakeup_hostport':{'ip':'11.1.2.3','port':5000}",
        "'wakeup_hostport':{'ip':'10.example.org','port':5000}",
        "'wakeup_hostport':{'ip':'localhost','port':5000}",
        "'wakeup_hostport':{'ip':'','port':5000}",
        "'wakeup_hostport':{'ip':'10.255.255.255','port':5000}",
        "'wakeup_hostport':{'ip':'255.255.255.255','port':5000}",
        "'wakeup_hostport':{'ip':'224.0.0.1','port':5000}",
        "'wakeup_hostport':{'ip':'::1','port':5000}",
        "'wakeup_hostport':{'ip':'127.0.0.1','port':5000}",
        "'wakeup_hostport':{'ip':'10.1.2.3','port':0}",
        "'wakeup_hostport':{'ip':'10.1.2.3'}",
      })
  void deviceThatMayNotSleepIsGreetedWith200AndKeepsItsConnection(String more) {
    TestWire wire = connects();
    wire.says(hello(more));
    wire.hears(greeting(UAID));
    String endpoint = register(wire, CHANNEL);
    passes(Duration.ofHours(1));
    wire.isOpen();
    wire.breaksOff();
    put(endpoint, 7);
    passes(Duration.ofHours(1));
    assertThat(woken).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'mcc':214,'mnc':7}",
        "{'mcc':'214','mnc':7}",
        "{'mcc':214,'mnc':'07'}",
        "{'mcc':'214','mnc':'07'}"
      })
  void mobileNetworkInNumbersIsTheSameNetwork(String network) {
    wakeUp(WakeUp.inNetworks("10.0.0.0/8").mobileNetworks("214-07"));
    TestWire wire = connects();
    wire.says(hello(AT.replace("5000", "'5000'") + ",'mobilenetwork':" + network));
    wire.hears(greeting201());
  }

  @Test
  void deviceWhoseRequestWaitsForTheStoreIsNotLeftToSleep() {
    TestWire wire = drowsy();
    store.hold();
    wire.says(register(OTHER_CHANNEL));
    passes(QUIET.multipliedBy(2));
    wire.isOpen();
    store.next("register").answers();
    wire.turn();
    endpointOf(wire, OTHER_CHANNEL);
    store.holdNoMore();
    passes(QUIET);
    wire.isClosed(CloseCode.WAKE_UP);
  }

  @Test
  void nobodySleepsUnlessItIsTurnedOn() {
    wakeUp(null);
    TestWire wire = connects();
    wire.says(hello(AT));
    wire.hears(greeting(UAID));
    passes(Duration.ofHours(1));
    wire.isOpen();
  }

  @Test
  void whatEitherSideSaysKeepsTheDeviceAwake() {
    TestWire wire = drowsy();
    passes(Duration.ofSeconds(8));
    wire.says("{}");
    wire.hears("{}");
    passes(Duration.ofSeconds(8));
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    wire.says(ack(CHANNEL, 7));
    passes(Duration.ofSeconds(9));
    wire.isOpen();
    passes(Duration.ofSeconds(1));
    wire.isClosed(CloseCode.WAKE_UP);
    assertThat(pending()).isEmpty();
  }

  @Test
  void deviceThatOwesAnAckStaysConnected() {
    TestWire wire = drowsy();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    passes(Duration.ofSeconds(61));
    wire.hears(notification(CHANNEL, 7)); // sent again, on the same connection
    wire.says(ack(CHANNEL, 7));
    passes(Duration.ofSeconds(20));
    wire.isClosed(CloseCode.WAKE_UP);
  }

  @Test
  void deviceThatDoesNotReadStaysConnected() {
    TestWire wire = drowsy();
    wire.writable = false;
    passes(Duration.ofMinutes(5));
    wire.isOpen();
    wire.becomesWritable();
    passes(QUIET);
    wire.isClosed(CloseCode.WAKE_UP);
  }

  @Test
  void whatOnlyTheStoreKnowsIsDeliveredBeforeTheDeviceSleeps() {
    TestWire wire = drowsy();
    raise(CHANNEL, 7); // the hint of it was lost
    passes(QUIET);
    wire.hears(notification(CHANNEL, 7));
    wire.isOpen();
    assertThat(counters.snapshot().sleeping()).isZero();
    wire.says(ack(CHANNEL, 7));
    passes(QUIET.multipliedBy(2));
    wire.isClosed(CloseCode.WAKE_UP);
  }

  @Test
  void hintThatMeetsTheClosedSessionWakesTheSleeper() {
    TestWire wire = drowsy();
    passes(QUIET);
    wire.isClosed(CloseCode.WAKE_UP);
    Update update = raise(CHANNEL, 7);
    wire.session().published(update); // looked up before the session left
    wire.turn();
    assertThat(woken).containsExactly(ADDRESS);
  }

  @Test
  void updateWhileTheStoreIsAskedKeepsTheDeviceAwake() {
    TestWire wire = drowsy();
    store.hold();
    passes(QUIET);
    wire.isOpen();
    publish(CHANNEL, 7);
    store.next("pending").answers();
    wire.turn();
    wire.hears(notification(CHANNEL, 7));
    wire.isOpen();
    assertThat(woken).isEmpty();
    assertThat(counters.snapshot().sleeping()).isZero();
  }

  @Test
  void requestWhileTheStoreIsAskedIsAnswered() {
    TestWire wire = drowsy();
    store.hold();
    passes(QUIET);
    wire.says(register(OTHER_CHANNEL));
    store.holdNoMore();
    store.next("pending").answers();
    wire.turn();
    endpointOf(wire, OTHER_CHANNEL);
    wire.isOpen();
    assertThat(counters.snapshot().sleeping()).isZero();
    passes(QUIET);
    wire.isClosed(CloseCode.WAKE_UP);
  }

  @Test
  void connectionThatWasTakenOverDoesNotFallAsleep() {
    TestWire older = drowsy();
    passes(QUIET.minusNanos(1));
    TestWire newer = connects();
    newer.says(hello("'x':0").replace("[]", "['" + CHANNEL + "']"));
    newer.hears(greeting(UAID));
    passes(Duration.ofNanos(1)); // before the older one's loop has heard of it
    older.isClosed(CloseCode.POLICY_VIOLATION);
    assertThat(counters.snapshot().sleeping()).isZero();
    publish(CHANNEL, 7);
    newer.hears(notification(CHANNEL, 7));
    assertThat(woken).isEmpty();
  }

  @Test
  void deviceThatConnectsAnewWhileTheStoreIsAskedIsAwake() {
    TestWire older = drowsy();
    store.hold();
    passes(QUIET);
    TestWire newer = connects();
    newer.says(hello(AT).replace("[]", "['" + CHANNEL + "']"));
    store.next("pending").answers();
    older.turn();
    older.isClosed(CloseCode.POLICY_VIOLATION);
    store.holdNoMore();
    store.next("hello").answers();
    newer.turn();
    newer.hears(greeting201());
    assertThat(counters.snapshot().sleeping()).isZero();
    publish(CHANNEL, 7);
    newer.hears(notification(CHANNEL, 7));
    assertThat(woken).isEmpty();
  }

  @Test
  void connectionThatBreaksIsNotSleep() {
    TestWire wire = drowsy();
    wire.breaksOff();
    publish(CHANNEL, 7);
    assertThat(woken).isEmpty();
    assertThat(counters.snapshot().sleeping()).isZero();
  }

  @Test
  void droppedUserAgentIsToldToSayHelloInsteadOfSleeping() {
    TestWire wire = drowsy();
    drop(UAID);
    passes(QUIET);
    wire.isClosed(CloseCode.GOING_AWAY);
    assertThat(counters.snapshot().sleeping()).isZero();
  }

  @Test
  void storeThatFailsKeepsTheDeviceAwake() {
    TestWire wire = drowsy();
    store.failAtOnce(DelayedStore.away());
    passes(QUIET);
    wire.isOpen();
    assertThat(counters.snapshot().sleeping()).isZero();
    assertThat(counters.storeFailures.sum()).isOne();
    store.failAtOnce(null);
    passes(QUIET);
    wire.isClosed(CloseCode.WAKE_UP);
  }

  @Test
  void secondHelloMayChangeTheAddressOrTheMind() {
    TestWire wire = drowsy();
    wire.says(hello("'broadcasts':{}"));
    wire.hears(greeting(UAID));
    passes(Duration.ofHours(1));
    wire.isOpen();
    wire.says(hello(AT));
    wire.hears(greeting201());
    wire.says(hello(AT.replace("5000", "6000")));
    wire.hears(greeting201());
    passes(QUIET);
    wire.isClosed(CloseCode.WAKE_UP);
    publish(CHANNEL, 7);
    assertThat(woken).containsExactly(new InetSocketAddress("10.1.2.3", 6000));
  }

  @Test
  void tooManySleepersStayConnected() {
    wakeUp(WakeUp.inNetworks("10.0.0.0/8").maxSleeping(1));
    TestWire wire = drowsy();
    Uaid other = Uaid.random();
    sleepers.add(
        other, ADDRESS, new Standing(new SharedVersionStore.Basis.Claim(1, 0), null, false, true));
    passes(Duration.ofMinutes(5));
    wire.isOpen();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    wire.says(ack(CHANNEL, 7));
    sleepers.remove(other);
    passes(QUIET.multipliedBy(2));
    wire.isClosed(CloseCode.WAKE_UP); // as soon as there is room
  }

  @Test
  void freshDeviceMaySleepToo() {
    TestWire wire = connects();
    wire.says("{'messageType':'hello'," + AT + ",'channelIDs':[]}");
    String uaid = Json.text(Json.read(wire.heard()), "uaid");
    String endpoint = register(wire, CHANNEL);
    passes(QUIET);
    wire.isClosed(CloseCode.WAKE_UP);
    put(endpoint, 7);
    assertThat(woken).containsExactly(ADDRESS);
    assertThat(pending(uaid)).hasSize(1);
  }
}
