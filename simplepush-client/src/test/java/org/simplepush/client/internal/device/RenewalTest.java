package org.simplepush.client.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.simplepush.client.testing.DeviceHarness.ack;
import static org.simplepush.client.testing.DeviceHarness.endpoint;
import static org.simplepush.client.testing.DeviceHarness.push;
import static org.simplepush.client.testing.DeviceHarness.reply;

import java.net.URI;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.client.PushClient;
import org.simplepush.client.PushRegistration;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.DeviceHarness.Recorder;
import org.simplepush.client.testing.FakeServer.FakeConnection;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage.Hello;
import org.simplepush.core.ClientMessage.Register;
import org.simplepush.core.ClientMessage.Unregister;
import org.simplepush.core.Uaid;
import org.simplepush.core.fixtures.LogCapture;

/** Endpoints get a successor after 30 days, and for a day both work. */
@Timeout(10)
class RenewalTest {
  private static final Duration AGE = Duration.ofDays(30);
  private static final Duration OVERLAP = Duration.ofDays(1);

  /** What comes after the wait and its longest spread. */
  private static final Duration BREAK = Deadlines.LOOK.plus(Deadlines.MAX_BREAK);

  private DeviceHarness h = new DeviceHarness().renewing();
  private Recorder calendar = new Recorder().replacing();
  private FakeConnection connection;
  private ChannelId old;
  private ChannelId successor;

  private void begin() {
    connection = h.start().connected();
    h.attach("calendar", calendar);
    old = h.registered(connection, "calendar");
  }

  /** The wait ends: by the wall clock, as if the device had slept. */
  private void pass(Duration wait) {
    h.says(connection, "{}");
    h.loop.setClock(wait.plus(wait.dividedBy(Deadlines.SPREAD)));
    waitFor(BREAK);
  }

  /** Time goes by until the device says something, so that it can be answered in time. */
  private void waitFor(Duration time) {
    long end = h.loop.elapsed() + time.toNanos();
    while (!connection.hasSaid() && h.loop.elapsed() < end) {
      h.advance(Duration.ofSeconds(1));
    }
  }

  private void fulfil() {
    successor = connection.next(Register.class).channelId();
    h.answerRegister(connection, successor, endpoint(successor));
  }

  /** The device dies and starts again; its application is attached anew. */
  private void restart() {
    DeviceHarness next = new DeviceHarness(h.storage).renewing();
    next.loop.setClock(Duration.ofMillis(h.loop.clock() - next.loop.clock()));
    h = next;
    connection = h.start().server.accept();
    h.open(connection);
    assertThat(connection.next(Hello.class).channelIds())
        .containsExactlyElementsOf(h.registrationsStored());
    h.greet(connection, DeviceHarness.UAID);
    calendar = new Recorder().replacing();
    h.attach("calendar", calendar);
  }

  private String replaced() {
    return endpoint(old) + " is now " + endpoint(successor);
  }

  @Test
  void oldEndpointGetsASuccessorAndIsUnregisteredAfterTheOverlap() {
    begin();
    pass(AGE.minusHours(1).minus(AGE.dividedBy(Deadlines.SPREAD)));
    connection.assertNothingSaid();
    pass(AGE.dividedBy(Deadlines.SPREAD).plusHours(1));
    fulfil();
    calendar.assertTold(replaced());
    assertThat(h.registrations("calendar")).hasSize(1);
    connection.assertNothingSaid();
    pass(OVERLAP);
    assertThat(connection.next()).isEqualTo(new Unregister(old));
    assertThat(h.registrations("calendar"))
        .containsExactly(new PushRegistration(endpoint(successor), OptionalLong.empty()));
    assertThat(h.storage.state).doesNotContain(old.text(), "retire");

    old = successor; // and so on
    pass(AGE);
    fulfil();
    calendar.assertTold(replaced());
  }

  @Test
  void offByDefault() {
    h = new DeviceHarness();
    begin();
    pass(AGE.multipliedBy(12));
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    h.connected().assertNothingSaid();
    assertThat(h.storage.state).doesNotContain("renew");
  }

  @Test
  void untilItIsConfirmedVersionsOfBothNameTheOldEndpoint() {
    begin();
    h.notifies(connection, old, 7);
    connection.next();
    calendar.assertTold(push(old, 7));
    pass(AGE);
    calendar.failing = true;
    fulfil();
    calendar.assertTold(replaced());
    calendar.failing = false;
    h.notifies(connection, successor, 8);
    assertThat(connection.next()).isEqualTo(ack(successor, 8));
    h.notifies(connection, old, 9);
    assertThat(connection.next()).isEqualTo(ack(old, 9));
    calendar.assertTold(push(old, 8), push(old, 9));
    assertThat(h.registrations("calendar"))
        .containsExactly(new PushRegistration(endpoint(old), OptionalLong.of(9)));
  }

  @Test
  void onceItIsConfirmedVersionsOfBothNameTheNewEndpointAndNeverGoBack() {
    begin();
    h.notifies(connection, old, 7);
    connection.next();
    calendar.assertTold(push(old, 7));
    pass(AGE);
    fulfil();
    calendar.assertTold(replaced());
    h.notifies(connection, successor, 7); // the application server repeats what it said to the old
    assertThat(connection.next()).isEqualTo(ack(successor, 7));
    h.notifies(connection, old, 8);
    assertThat(connection.next()).isEqualTo(ack(old, 8));
    h.notifies(connection, successor, 8);
    assertThat(connection.next()).isEqualTo(ack(successor, 8));
    h.notifies(connection, old, 6);
    assertThat(connection.next()).isEqualTo(ack(old, 6));
    calendar.assertTold(push(successor, 8));
    restart();
    h.notifies(connection, old, 8);
    h.notifies(connection, successor, 8);
    calendar.assertToldNothing();
    h.notifies(connection, old, 9);
    calendar.assertTold(push(successor, 9));
  }

  @Test
  void versionThatWaitsIsKnownByTheNewNameAfterTheConfirmation() {
    begin();
    pass(AGE);
    calendar.failing = true;
    fulfil();
    h.notifies(connection, old, 3);
    calendar.assertTold(replaced(), push(old, 3));
    calendar.failing = false;
    h.loop.execute(() -> h.device.detach("calendar"));
    h.advance(Duration.ofSeconds(10));
    h.attach("calendar", calendar);
    assertThat(calendar.told).contains(replaced());
    assertThat(connection.next()).isEqualTo(ack(old, 3));
    assertThat(calendar.told).hasSize(2);
  }

  @Test
  void everyStepSurvivesARestart() {
    begin();
    restart(); // before it is old
    pass(AGE);
    connection.next(Register.class);
    restart(); // asked for
    fulfil();
    calendar.assertTold(replaced());
    restart(); // confirmed
    calendar.assertToldNothing();
    connection.assertNothingSaid();
    pass(OVERLAP);
    assertThat(connection.next()).isEqualTo(new Unregister(old));
    restart(); // done
    connection.assertNothingSaid();
    old = successor;
    pass(AGE);
    fulfil();
    calendar.assertTold(replaced());
  }

  @Test
  void successorThatIsNotConfirmedIsToldAgainAfterARestart() {
    begin();
    pass(AGE);
    calendar.failing = true;
    fulfil();
    calendar.assertTold(replaced());
    restart();
    calendar.assertTold(replaced());
    h.notifies(connection, old, 1);
    calendar.assertTold(push(successor, 1));
  }

  @Test
  void successorsAreAskedForOneAtATime() {
    begin();
    for (int i = 0; i < 5; i++) {
      h.registered(connection, "calendar");
    }
    h.loop.setClock(AGE.multipliedBy(2));
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    connection = h.connected();
    connection.assertNothingSaid();
    for (int i = 0; i < 6; i++) {
      waitFor(Deadlines.MAX_BREAK);
      fulfil();
      connection.assertNothingSaid();
    }
  }

  @Test
  void nothingIsRenewedWithoutAConnection() {
    begin();
    h.ends(connection, 1006);
    h.loop.setClock(AGE.multipliedBy(2));
    h.advance(Duration.ofHours(5));
    assertThat(h.storage.state).doesNotContain("renewed");
  }

  @Test
  void applicationThatCannotReplaceKeepsItsEndpoint() {
    calendar.replaces = false;
    begin();
    try (LogCapture log = new LogCapture()) {
      pass(AGE);
      assertThat(log.lines("is no EndpointReplacedHandler; implement it")).hasSize(1);
    }
    calendar.assertToldNothing();
    connection.assertNothingSaid();
    h.notifies(connection, old, 1);
    calendar.assertTold(push(old, 1));
    assertThat(connection.next()).isEqualTo(ack(old, 1));
    h.detach("calendar");
    h.attach("calendar", calendar.replacing());
    pass(AGE);
    fulfil();
    calendar.assertTold(replaced());
  }

  @Test
  void lossOfEverythingIsToldOnceForBoth() {
    begin();
    pass(AGE);
    fulfil();
    calendar.assertTold(replaced());
    loseState();
    old = successor;
    fulfil();
    calendar.assertTold(replaced());
    connection.assertNothingSaid();
    assertThat(h.registrations("calendar")).hasSize(1);
    assertThat(h.storage.state).doesNotContain(old.text(), "retire", "lost");
  }

  @Test
  void lossBeforeTheConfirmationIsToldOfTheOldEndpoint() {
    begin();
    pass(AGE);
    calendar.failing = true;
    fulfil();
    calendar.assertTold(replaced());
    calendar.failing = false;
    loseState();
    fulfil();
    calendar.assertTold(replaced());
    connection.assertNothingSaid();
    assertThat(h.registrations("calendar")).hasSize(1);
  }

  private void loseState() {
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    connection = h.connected(Uaid.random());
  }

  @Test
  void unregisteringBeforeTheConfirmationGivesBothUp() {
    begin();
    pass(AGE);
    calendar.failing = true;
    fulfil();
    assertThat(h.unregister("calendar", endpoint(old))).isCompleted();
    assertThat(connection.next()).isEqualTo(new Unregister(successor));
    assertThat(connection.next()).isEqualTo(new Unregister(old));
    calendar.assertTold(replaced());
    h.advance(Duration.ofMinutes(10));
    calendar.assertToldNothing();
    assertThat(h.storage.state).doesNotContain("channel", "renew");
  }

  @Test
  void unregisteringTheNewEndpointInTheOverlapGivesBothUp() {
    begin();
    pass(AGE);
    fulfil();
    assertThat(h.unregister("calendar", endpoint(successor))).isCompleted();
    assertThat(connection.next()).isEqualTo(new Unregister(old));
    assertThat(connection.next()).isEqualTo(new Unregister(successor));
    assertThat(h.storage.state).doesNotContain("channel", "retire", "renew");
  }

  @Test
  void unregisteringTheOldEndpointInTheOverlapEndsIt() {
    begin();
    pass(AGE);
    fulfil();
    assertThat(h.unregister("calendar", endpoint(old))).isCompleted();
    assertThat(connection.next()).isEqualTo(new Unregister(old));
    connection.assertNothingSaid();
    h.notifies(connection, successor, 1);
    calendar.assertTold(replaced(), push(successor, 1));
  }

  @Test
  void handlerThatUnregistersTheOldEndpointWhileItTakesTheNewKeepsTheNew() {
    begin();
    pass(AGE);
    connection.events.received(
        "{\"messageType\":\"register\",\"status\":200,\"channelID\":\""
            + (successor = connection.next(Register.class).channelId()).text()
            + "\",\"pushEndpoint\":\""
            + endpoint(successor)
            + "\"}");
    h.settleLoop(); // the handler is busy now
    h.loop.execute(
        () -> h.device.unregister("calendar", endpoint(old), reply(new CompletableFuture<>())));
    h.settleLoop();
    assertThat(connection.next()).isEqualTo(new Unregister(old));
    h.settle();
    calendar.assertTold(replaced());
    h.notifies(connection, successor, 1);
    calendar.assertTold(push(successor, 1));
    connection.next();
    connection.assertNothingSaid();
    assertThat(h.registrations("calendar")).hasSize(1);
  }

  @Test
  void failedRegisterIsTriedAgain() {
    begin();
    pass(AGE);
    ChannelId asked = connection.next(Register.class).channelId();
    h.says(
        connection, "{'messageType':'register','channelID':'" + asked.text() + "','status':503}");
    h.advance(Duration.ofSeconds(5));
    fulfil();
    calendar.assertTold(replaced());
  }

  @Test
  void turnedOffItEndsWhatWasBegun() {
    begin();
    pass(AGE);
    fulfil();
    h = new DeviceHarness(h.storage);
    h.loop.setClock(AGE.multipliedBy(2));
    connection = h.start().connected();
    h.advance(BREAK);
    assertThat(connection.next()).isEqualTo(new Unregister(old));
    connection.assertNothingSaid();
    assertThat(h.storage.state).doesNotContain("renew");
  }

  @Test
  void settingsAreChecked() {
    PushClient.Builder builder = PushClient.builder(URI.create("wss://push.example.org/"));
    assertThatThrownBy(() -> builder.renewEndpoints(OVERLAP, AGE))
        .hasMessage("overlap is shorter than age, but they were PT720H, PT24H");
    assertThatThrownBy(() -> builder.renewEndpoints(Duration.ZERO, AGE))
        .hasMessageContaining("age must be 1 s to 366 days");
    assertThatThrownBy(() -> builder.renewEndpoints(AGE, Duration.ZERO))
        .hasMessageContaining("overlap must be 1 s to 366 days");
  }
}
