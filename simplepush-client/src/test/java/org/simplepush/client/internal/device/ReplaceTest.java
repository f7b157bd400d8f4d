package org.simplepush.client.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.client.testing.DeviceHarness.ack;
import static org.simplepush.client.testing.DeviceHarness.endpoint;
import static org.simplepush.client.testing.DeviceHarness.failure;
import static org.simplepush.client.testing.DeviceHarness.push;
import static org.simplepush.client.testing.DeviceHarness.reply;

import java.net.URI;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.client.PushException;
import org.simplepush.client.PushRegistration;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.DeviceHarness.Recorder;
import org.simplepush.client.testing.FakeServer.FakeConnection;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage.Register;
import org.simplepush.core.ClientMessage.Unregister;
import org.simplepush.core.Uaid;
import org.simplepush.core.fixtures.LogCapture;

/** An endpoint that is not trusted any more gets a successor that counts afresh (protocol §12). */
@Timeout(10)
class ReplaceTest {
  private static final Duration AGE = Duration.ofDays(30);

  private DeviceHarness h = new DeviceHarness();
  private Recorder calendar = new Recorder().replacing();
  private FakeConnection connection;
  private ChannelId old;
  private ChannelId successor;

  /** The calendar has an endpoint, and somebody has published the highest version to it. */
  private void begin() {
    connection = h.start().connected();
    h.attach("calendar", calendar);
    old = h.registered(connection, "calendar");
    h.notifies(connection, old, Long.MAX_VALUE);
    calendar.assertTold(push(old, Long.MAX_VALUE));
    assertThat(connection.next()).isEqualTo(ack(old, Long.MAX_VALUE));
  }

  private void replace() {
    assertThat(h.replace("calendar", endpoint(old))).isCompleted();
  }

  private void fulfil() {
    successor = connection.next(Register.class).channelId();
    h.answerRegister(connection, successor, endpoint(successor));
  }

  private String replaced() {
    return endpoint(old) + " is now " + endpoint(successor);
  }

  private void restart() {
    h = new DeviceHarness(h.storage);
    connection = h.start().connected();
    calendar = new Recorder().replacing();
    h.attach("calendar", calendar);
  }

  @Test
  void successorCountsAfreshAndTheOldEndpointEndsOnceTheApplicationHasIt() {
    begin();
    replace();
    calendar.failing = true;
    fulfil();
    calendar.assertTold(replaced());
    connection.assertNothingSaid();
    assertThat(h.registrations("calendar"))
        .containsExactly(new PushRegistration(endpoint(old), OptionalLong.of(Long.MAX_VALUE)));
    h.notifies(connection, successor, 1); // not before the application knows the endpoint
    calendar.assertToldNothing();

    calendar.failing = false;
    h.advance(Duration.ofSeconds(2));
    calendar.assertTold(replaced(), push(successor, 1));
    assertThat(connection.next()).isEqualTo(new Unregister(old));
    assertThat(connection.next()).isEqualTo(ack(successor, 1));
    h.notifies(connection, successor, 2);
    calendar.assertTold(push(successor, 2));
    assertThat(h.registrations("calendar"))
        .containsExactly(new PushRegistration(endpoint(successor), OptionalLong.of(2)));
    assertThat(h.storage.state).doesNotContain("replaced", old.text());
  }

  @Test
  void everyStepSurvivesARestart() {
    begin();
    replace();
    connection.next(Register.class);
    restart(); // asked for
    calendar.failing = true;
    fulfil();
    calendar.assertTold(replaced());
    restart(); // answered, but not confirmed
    calendar.assertTold(replaced());
    assertThat(connection.next()).isEqualTo(new Unregister(old));
    h.notifies(connection, successor, 0);
    calendar.assertTold(push(successor, 0));
    connection.next();
    restart(); // done
    connection.assertNothingSaid();
    calendar.assertToldNothing();
  }

  @Test
  void oldEndpointIsUnregisteredOnlyOnceItIsStoredThatTheApplicationConfirmed() {
    begin();
    replace();
    h.storage.broken = false;
    successor = connection.next(Register.class).channelId();
    connection.events.received(
        "{\"messageType\":\"register\",\"status\":200,\"channelID\":\""
            + successor.text()
            + "\",\"pushEndpoint\":\""
            + endpoint(successor)
            + "\"}");
    h.settleLoop(); // the handler is about to run
    h.storage.broken = true;
    h.settle();
    calendar.assertTold(replaced());
    connection.assertNothingSaid();
    restart();
    calendar.assertTold(replaced());
    assertThat(h.registrationsStored()).contains(old);
  }

  @Test
  void untilThenTheOldEndpointWorks() {
    connection = h.start().connected();
    h.attach("calendar", calendar);
    old = h.registered(connection, "calendar");
    replace();
    h.notifies(connection, old, 7);
    calendar.assertTold(push(old, 7));
    connection.next(Register.class);
    assertThat(connection.next()).isEqualTo(ack(old, 7));
  }

  @Test
  void versionThatWaitsForTheOldEndpointIsNoneOfTheNewOne() {
    connection = h.start().connected();
    h.attach("calendar", calendar);
    old = h.registered(connection, "calendar");
    h.loop.execute(() -> h.device.detach("calendar"));
    h.notifies(connection, old, Long.MAX_VALUE);
    replace();
    fulfil();
    Handlers takes = calendar.handlers();
    h.attach(
        "calendar",
        new Handlers(
            (endpoint, version) -> {
              throw new Exception("not yet");
            },
            takes.replaced(),
            null,
            null,
            null));
    calendar.assertTold(replaced());
    h.detach("calendar");
    h.attach("calendar", calendar);
    h.advance(Duration.ofMinutes(10));
    calendar.assertToldNothing();
    h.notifies(connection, successor, 1);
    calendar.assertTold(push(successor, 1));
  }

  @Test
  void secondRequestChangesNothing() {
    begin();
    replace();
    connection.next(Register.class);
    replace();
    connection.assertNothingSaid();
    h.answerRegister(connection, successor = ChannelId.random(), endpoint(successor));
    assertThat(connection.next()).isEqualTo(new Unregister(successor)); // nobody asked for that one
  }

  @Test
  void onlyOwnEndpointsInUseAreReplaced() {
    begin();
    assertNotFound(h.replace("mail", endpoint(old)));
    assertNotFound(h.replace("calendar", endpoint(ChannelId.random())));
    replace();
    fulfil();
    assertNotFound(h.replace("calendar", endpoint(old)));
    connection.next(Unregister.class);
    connection.assertNothingSaid();
  }

  private static void assertNotFound(CompletableFuture<Void> result) {
    assertThat(failure(result).kind()).isEqualTo(PushException.Kind.NOT_FOUND_ERROR);
  }

  @Test
  void lostEndpointIsReplacedAnyway() {
    begin();
    loseState();
    replace();
    fulfil();
    connection.assertNothingSaid();
    calendar.assertTold(replaced());
  }

  private void loseState() {
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    connection = h.connected(Uaid.random());
  }

  @Test
  void lossBeforeTheConfirmationIsOneOfTheOldEndpoint() {
    begin();
    replace();
    calendar.failing = true;
    fulfil();
    calendar.told.clear();
    calendar.failing = false;
    loseState();
    fulfil();
    calendar.assertTold(replaced());
    connection.assertNothingSaid();
    h.notifies(connection, successor, 1);
    calendar.assertTold(push(successor, 1));
    assertThat(h.registrations("calendar")).hasSize(1);
  }

  /** Time goes by until the device says something. */
  private void pass(Duration wait) {
    h.says(connection, "{}");
    h.loop.setClock(wait.plus(wait.dividedBy(Deadlines.SPREAD)));
    for (int i = 0; i < 20 * 60 && !connection.hasSaid(); i++) {
      h.advance(Duration.ofSeconds(1));
    }
  }

  @Test
  void renewalThatIsOnTheWayBecomesAReplacement() {
    h.renewing();
    begin();
    pass(AGE);
    replace();
    fulfil();
    connection.next(Unregister.class);
    calendar.assertTold(replaced());
    connection.assertNothingSaid();
    h.notifies(connection, successor, 1);
    calendar.assertTold(push(successor, 1));
  }

  @Test
  void renewalThatIsNotConfirmedBecomesAReplacement() {
    h.renewing();
    begin();
    pass(AGE);
    calendar.failing = true;
    fulfil();
    calendar.assertTold(replaced());
    replace();
    connection.assertNothingSaid();
    h.notifies(connection, successor, 1);
    calendar.assertToldNothing();
    calendar.failing = false;
    h.advance(Duration.ofMinutes(1));
    calendar.assertTold(replaced(), push(successor, 1));
    assertThat(connection.next()).isEqualTo(new Unregister(old));
  }

  @Test
  void replacingARenewedEndpointEndsTheOverlap() {
    h.renewing();
    begin();
    pass(AGE);
    fulfil();
    calendar.assertTold(replaced());
    ChannelId oldest = old;
    old = successor;
    replace();
    connection.next(Register.class);
    assertThat(connection.next()).isEqualTo(new Unregister(oldest));
  }

  @Test
  void endpointThatIsNotConfirmedIsExchanged() {
    connection = h.start().connected();
    calendar.failing = true;
    h.attach("calendar", calendar);
    assertThat(h.registerWhenPossible("calendar", "work")).isCompleted();
    fulfil();
    calendar.assertTold("work is " + endpoint(successor));
    old = successor;
    replace();
    calendar.failing = false;
    fulfil();
    calendar.assertTold("work is " + endpoint(successor));
    assertThat(connection.next()).isEqualTo(new Unregister(old));
    h.advance(Duration.ofMinutes(10));
    calendar.assertToldNothing();
    assertThat(h.registrations("calendar"))
        .extracting(PushRegistration::endpoint)
        .containsExactly(endpoint(successor));
  }

  @Test
  void unregisteringTheOldEndpointGivesBothUp() {
    begin();
    replace();
    calendar.failing = true;
    fulfil();
    assertThat(h.unregister("calendar", endpoint(old))).isCompleted();
    assertThat(connection.next()).isEqualTo(new Unregister(successor));
    assertThat(connection.next()).isEqualTo(new Unregister(old));
    assertThat(h.storage.state).doesNotContain("channel", "replaced");
  }

  @Test
  void handlerThatUnregistersTheOldEndpointKeepsTheNew() {
    begin();
    replace();
    h.attach(
        "calendar",
        new Handlers(
            calendar.handlers().push(),
            (was, endpoint) ->
                h.loop.execute(
                    () -> h.device.unregister("calendar", was, reply(new CompletableFuture<>()))),
            null,
            null,
            null));
    fulfil();
    assertThat(connection.next()).isEqualTo(new Unregister(old));
    connection.assertNothingSaid();
    h.notifies(connection, successor, 1);
    calendar.assertTold(push(successor, 1));
    assertThat(h.storage.state).doesNotContain("replaced", "lost");
  }

  @Test
  void requestOfAnApplicationThatCannotTakeItWaits() {
    begin();
    replace();
    h.detach("calendar");
    calendar.replaces = false;
    h.attach("calendar", calendar);
    try (LogCapture log = new LogCapture()) {
      fulfil();
      assertThat(log.lines("Implement EndpointReplacedHandler")).hasSize(1);
    }
    connection.assertNothingSaid();
    assertThat(h.storage.state).contains("replaced");
    h.detach("calendar");
    h.attach("calendar", calendar.replacing());
    calendar.assertTold(replaced());
    assertThat(connection.next()).isEqualTo(new Unregister(old));
  }

  @Test
  void refusedRegisterIsTriedAgain() {
    begin();
    replace();
    ChannelId asked = connection.next(Register.class).channelId();
    h.says(
        connection, "{'messageType':'register','channelID':'" + asked.text() + "','status':503}");
    h.advance(Duration.ofSeconds(5));
    fulfil();
    calendar.assertTold(replaced());
  }

  @Test
  void closedDeviceReplacesNothing() {
    begin();
    h.close();
    PushException failure = failure(h.replace("calendar", endpoint(old)));
    assertThat(failure.kind()).isEqualTo(PushException.Kind.ABORT_ERROR);
    assertThat(h.storage.state).doesNotContain("replaced");
  }

  @Test
  void successorIsRenewedInItsTurn() {
    h.renewing();
    begin();
    replace();
    fulfil();
    calendar.assertTold(replaced());
    assertThat(h.storage.state).contains("renew ").contains(successor.text());
    connection.next(Unregister.class);
    URI first = endpoint(successor);
    pass(AGE);
    fulfil();
    calendar.assertTold(first + " is now " + endpoint(successor));
  }
}
