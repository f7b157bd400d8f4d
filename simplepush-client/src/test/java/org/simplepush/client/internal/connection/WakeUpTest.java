package org.simplepush.client.internal.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.client.testing.DeviceHarness.UAID;
import static org.simplepush.client.testing.DeviceHarness.endpoint;

import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.client.internal.connection.Transport.Doorbell;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.FakeServer.FakeConnection;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.ClientMessage.Hello;
import org.simplepush.core.ClientMessage.MobileNetwork;
import org.simplepush.core.ClientMessage.Ping;
import org.simplepush.core.ClientMessage.Register;
import org.simplepush.core.ClientMessage.WakeUpAddress;

/** Sleeping until a datagram comes (protocol §9), without sockets and passing time. */
@Timeout(10)
class WakeUpTest {
  private static final WakeUpAddress ADDRESS = new WakeUpAddress("10.1.2.3", 5000);
  private static final MobileNetwork NETWORK = new MobileNetwork("214", "07");
  private static final Doorbell DOORBELL = new Doorbell(ADDRESS, NETWORK, Duration.ofMinutes(30));

  /** A tenth less, as the harness draws. */
  private static final Duration LONGEST_SLEEP = Duration.ofMinutes(27);

  private final DeviceHarness h = new DeviceHarness();

  @BeforeEach
  void listens() {
    h.server.doorbell = DOORBELL;
  }

  private FakeConnection greeted(int status) {
    FakeConnection connection = h.server.accept();
    h.open(connection);
    Hello hello = connection.next(Hello.class);
    assertThat(hello.wakeUp()).isEqualTo(h.server.doorbell.address());
    assertThat(hello.mobileNetwork()).isEqualTo(NETWORK);
    h.says(
        connection, "{'messageType':'hello','uaid':'" + UAID.text() + "','status':" + status + "}");
    return connection;
  }

  private void asleep() {
    h.start();
    h.ends(greeted(201), 4774);
    h.server.assertNobodyConnects();
  }

  private void datagram() {
    h.server.rung.run();
    h.settle();
  }

  @Test
  void datagramWakesADeviceThatWasClosedWith4774() {
    asleep();
    assertThat(h.sleeps).containsExactly(LONGEST_SLEEP);
    assertThat(h.disconnects).isEmpty();
    datagram();
    greeted(201);
    assertThat(h.connects).isEqualTo(2);
  }

  @Test
  void withoutADatagramItConnectsInTheEnd() {
    asleep();
    h.advance(LONGEST_SLEEP.minusNanos(1));
    h.server.assertNobodyConnects();
    h.advance(Duration.ofNanos(1));
    h.ends(greeted(201), 4774);
    h.server.assertNobodyConnects();
  }

  @Test
  void serverThatAnswers200DoesNotPutItToSleep() {
    h.start();
    FakeConnection connection = greeted(200);
    assertThat(h.server.rung).as("listening").isNull();
    h.ends(connection, 4774);
    h.advance(Duration.ofSeconds(1));
    greeted(200);
  }

  @Test
  void serverThatAnswers201UnaskedDoesNotPutItToSleep() {
    h.server.doorbell = null;
    h.start();
    FakeConnection connection = h.server.accept();
    h.open(connection);
    assertThat(connection.next(Hello.class).wakeUp()).isNull();
    h.says(connection, "{'messageType':'hello','uaid':'" + UAID.text() + "','status':201}");
    h.ends(connection, 4774);
    assertThat(h.sleeps).isEmpty();
    h.advance(Duration.ofSeconds(1));
    h.connected();
  }

  @Test
  void otherWaysToEndAreNotSleep() {
    h.start();
    h.ends(greeted(201), 1001);
    assertThat(h.sleeps).isEmpty();
    h.advance(Duration.ofSeconds(1));
    greeted(201);
  }

  @Test
  void closed4774BeforeTheHelloIsAnsweredIsNotSleep() {
    h.start();
    FakeConnection connection = h.server.accept();
    h.open(connection);
    h.ends(connection, 4774);
    assertThat(h.sleeps).isEmpty();
    assertThat(h.disconnects).hasSize(1);
  }

  @Test
  void registerEndsSleepAtOnce() {
    asleep();
    CompletableFuture<URI> result = h.register("calendar");
    FakeConnection connection = greeted(201);
    ChannelId channelId = connection.next(Register.class).channelId();
    h.answerRegister(connection, channelId, endpoint(channelId));
    assertThat(result).isCompletedWithValue(endpoint(channelId));
  }

  @Test
  void unregisterEndsSleepAtOnce() {
    h.start();
    FakeConnection connection = greeted(201);
    ChannelId channelId = h.registered(connection, "calendar");
    h.ends(connection, 4774);
    h.unregister("calendar", endpoint(channelId));
    FakeConnection next = h.server.accept();
    h.open(next);
    assertThat(next.next(Hello.class).channelIds()).isEmpty(); // which tells the server
  }

  @Test
  void registerThatMetTheCloseIsAskedAgain() {
    h.start();
    FakeConnection connection = greeted(201);
    CompletableFuture<URI> result = h.register("calendar");
    ChannelId channelId = connection.next(Register.class).channelId();
    h.ends(connection, 4774);
    FakeConnection next = greeted(201);
    assertThat(next.next(Register.class).channelId()).isEqualTo(channelId);
    h.answerRegister(next, channelId, endpoint(channelId));
    assertThat(result).isCompletedWithValue(endpoint(channelId));
  }

  @Test
  void changedNetworkEndsSleepAtOnce() {
    asleep();
    h.loop.execute(() -> h.device.networkChanged("home"));
    h.settle();
    greeted(201);
  }

  @Test
  void datagramThatOvertakesTheCloseCounts() {
    h.start();
    FakeConnection connection = greeted(201);
    datagram();
    h.ends(connection, 4774);
    greeted(201);
  }

  @Test
  void datagramLongBeforeTheCloseDoesNot() {
    h.start();
    FakeConnection connection = greeted(201);
    datagram();
    h.advance(Duration.ofSeconds(3));
    h.ends(connection, 4774);
    h.server.assertNobodyConnects();
  }

  /** The server believes it sleeps: perhaps its close frame was lost with the connection. */
  @Test
  void datagramMakesAnOpenConnectionShowThatItIsAlive() {
    h.start();
    FakeConnection connection = greeted(201);
    h.advance(Duration.ofSeconds(1));
    datagram();
    connection.next(Ping.class);
    h.advance(DeviceHarness.TIMEOUT);
    assertThat(connection.aborted).isTrue();
  }

  @Test
  void forgedDatagramsWakeLessAndLessOften() {
    asleep();
    long woken = h.loop.elapsed();
    datagram();
    for (long seconds : new long[] {10, 20, 40, 80, 160, 300, 300}) {
      h.ends(greeted(201), 4774);
      datagram();
      datagram();
      h.server.assertNobodyConnects();
      h.advance(Duration.ofNanos(woken - h.loop.elapsed()).plusSeconds(seconds).minusNanos(1));
      h.server.assertNobodyConnects();
      h.advance(Duration.ofNanos(1));
      woken = h.loop.elapsed();
    }
    greeted(201);
  }

  @Test
  void wakeUpThatHasToWaitEndsTheTimeOfSleep() {
    asleep();
    datagram();
    h.ends(greeted(201), 4774); // woken for nothing
    datagram();
    h.advance(WakeLimit.FIRST_BREAK);
    FakeConnection connection = greeted(201);
    h.advance(LONGEST_SLEEP);
    h.server.assertNobodyConnects();
    assertThat(connection.aborted).isFalse();
  }

  @Test
  void moreDatagramsDoNotPutOffAWakeUpThatHasToWait() {
    asleep();
    datagram();
    h.ends(greeted(201), 4774);
    for (int i = 0; i < 10; i++) {
      datagram();
      h.advance(Duration.ofSeconds(1));
    }
    greeted(201);
  }

  @Test
  void networkChangeEndsAWakeUpThatHasToWait() {
    asleep();
    datagram();
    h.ends(greeted(201), 4774);
    datagram();
    h.loop.execute(() -> h.device.networkChanged("home"));
    h.settle();
    greeted(201);
    h.advance(WakeLimit.MAX_BREAK);
    h.server.assertNobodyConnects();
  }

  @Test
  void floodOfDatagramsIsOneTaskOfTheLoop() {
    asleep();
    for (int i = 0; i < 1_000; i++) {
      h.server.rung.run();
    }
    assertThat(h.loop.tasks()).isEqualTo(1);
    h.settle();
    h.ends(greeted(201), 4774);
    h.server.rung.run();
    assertThat(h.loop.tasks()).as("the next one is heard").isEqualTo(1);
  }

  @Test
  void datagramIsNothingToADeviceThatIsNotToldOfIt() {
    h.start();
    FakeConnection connection = h.server.accept();
    h.open(connection);
    connection.next(Hello.class);
    datagram(); // before the answer
    connection.assertNothingSaid();
    Runnable late = h.server.rung;
    h.says(connection, "{'messageType':'hello','uaid':'" + UAID.text() + "','status':200}");
    late.run();
    h.settle();
    connection.assertNothingSaid();
  }

  @Test
  void newsEndsTheSuspicion() {
    h.start();
    FakeConnection connection = greeted(201);
    ChannelId channelId = h.registered(connection, "calendar");
    h.attach("calendar", new DeviceHarness.Recorder());
    h.ends(connection, 4774);
    for (long version = 1; version <= 3; version++) {
      datagram();
      FakeConnection next = greeted(201);
      h.notifies(next, channelId, version);
      assertThat(next.next(ClientMessage.Ack.class))
          .isEqualTo(DeviceHarness.ack(channelId, version));
      h.ends(next, 4774);
    }
    h.server.assertNobodyConnects();
  }

  @Test
  void deviceThatMovedTellsItsNewAddressInsteadOfSleeping() {
    h.start();
    FakeConnection connection = greeted(201);
    h.server.doorbell = new Doorbell(new WakeUpAddress("10.9.9.9", 5000), NETWORK, LONGEST_SLEEP);
    h.ends(connection, 4774);
    h.ends(greeted(201), 4774);
    h.server.assertNobodyConnects();
  }

  @Test
  void closingADeviceThatSleepsEndsItAtOnce() {
    asleep();
    CompletableFuture<Void> done = new CompletableFuture<>();
    h.loop.execute(() -> h.device.close(() -> done.complete(null)));
    h.settle();
    assertThat(done).isDone();
    assertThat(h.server.rung).as("listening").isNull();
    h.advance(Duration.ofHours(1));
    h.server.assertNobodyConnects();
  }
}
