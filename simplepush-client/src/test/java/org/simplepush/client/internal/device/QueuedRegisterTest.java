package org.simplepush.client.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.client.testing.DeviceHarness.TIMEOUT;
import static org.simplepush.client.testing.DeviceHarness.ack;
import static org.simplepush.client.testing.DeviceHarness.endpoint;
import static org.simplepush.client.testing.DeviceHarness.failure;
import static org.simplepush.client.testing.DeviceHarness.push;
import static org.simplepush.client.testing.DeviceHarness.reply;

import java.net.URI;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.client.PushException;
import org.simplepush.client.PushRegistration;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.DeviceHarness.Recorder;
import org.simplepush.client.testing.FakeServer.FakeConnection;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage.Register;
import org.simplepush.core.ClientMessage.Unregister;
import org.simplepush.core.Uaid;

/** Registers that outlive connections and restarts: asked for by applications, or by the device. */
@Timeout(10)
class QueuedRegisterTest {
  private final DeviceHarness h = new DeviceHarness();
  private final Recorder calendar = new Recorder();

  private static CompletableFuture<Void> queue(DeviceHarness harness, String tag) {
    CompletableFuture<Void> result = new CompletableFuture<>();
    harness.loop.execute(() -> harness.device.registerWhenPossible("calendar", tag, reply(result)));
    harness.settle();
    return result;
  }

  private static ChannelId fulfil(DeviceHarness harness, FakeConnection connection) {
    ChannelId channelId = connection.next(Register.class).channelId();
    harness.answerRegister(connection, channelId, endpoint(channelId));
    return channelId;
  }

  @Test
  void queuedRegisterIsStoredAtOnceAndAnsweredByTheHandler() {
    h.start();
    h.attach("calendar", calendar);
    assertThat(queue(h, "work")).isCompleted();
    h.advance(Duration.ofSeconds(9));
    FakeConnection connection = h.connected();
    ChannelId channelId = fulfil(h, connection);
    calendar.assertTold("work is " + endpoint(channelId));
    assertThat(h.storage.state).doesNotContain("wanted");
    h.notifies(connection, channelId, 1);
    calendar.assertTold(push(channelId, 1));
  }

  @Test
  void queuedRegisterSurvivesARestart() {
    h.start();
    queue(h, "work");
    DeviceHarness restarted = new DeviceHarness(h.storage).start();
    FakeConnection connection = restarted.connected();
    ChannelId channelId = fulfil(restarted, connection);
    connection.assertNothingSaid();

    // And so does its answer, until the application has taken it.
    DeviceHarness again = new DeviceHarness(h.storage).start();
    again.attach("calendar", calendar);
    calendar.assertTold("work is " + endpoint(channelId));
    assertThat(h.storage.state).doesNotContain("wanted");
    again.connected().assertNothingSaid();
  }

  @Test
  void sameTagIsQueuedOnce() {
    FakeConnection connection = h.start().connected();
    queue(h, "work");
    assertThat(queue(h, "work")).isCompleted();
    ChannelId channelId = fulfil(h, connection);
    connection.assertNothingSaid();
    h.attach("calendar", calendar);
    calendar.assertTold("work is " + endpoint(channelId));
    queue(h, "work"); // done with the first, this is another one
    fulfil(h, connection);
  }

  @Test
  void answerIsRepeatedUntilTheHandlerReturnsAndVersionsWait() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    calendar.failing = true;
    queue(h, "work");
    ChannelId channelId = fulfil(h, connection);
    h.notifies(connection, channelId, 1);
    calendar.assertTold("work is " + endpoint(channelId));
    calendar.failing = false;
    h.advance(Duration.ofSeconds(2));
    calendar.assertTold("work is " + endpoint(channelId), push(channelId, 1));
    assertThat(connection.next()).isEqualTo(ack(channelId, 1));
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 429, 500, 503})
  void refusedRegisterIsTriedAgainLater(int status) {
    FakeConnection connection = h.start().connected();
    queue(h, "work");
    for (int seconds : new int[] {5, 10, 20}) {
      ChannelId channelId = connection.next(Register.class).channelId();
      h.says(
          connection,
          "{'messageType':'register','channelID':'"
              + channelId.text()
              + "','status':"
              + status
              + "}");
      h.advance(Duration.ofSeconds(seconds).minusNanos(1));
      connection.assertNothingSaid();
      h.advance(Duration.ofNanos(1));
    }
    fulfil(h, connection);
  }

  @Test
  void breaksBetweenAttemptsGrowToTenMinutes() {
    FakeConnection connection = h.start().connected();
    queue(h, "work");
    for (int seconds : new int[] {5, 10, 20, 40, 80, 160, 320, 600, 600}) {
      ChannelId channelId = connection.next(Register.class).channelId();
      h.says(
          connection,
          "{'messageType':'register','channelID':'" + channelId.text() + "','status':503}");
      h.advance(Duration.ofSeconds(seconds).minusNanos(1));
      connection.assertNothingSaid();
      h.advance(Duration.ofNanos(1));
    }
    fulfil(h, connection);
  }

  @Test
  void tagsAreOfOneApplication() {
    FakeConnection connection = h.start().connected();
    queue(h, "work");
    queue(h, "leisure");
    assertThat(h.registerWhenPossible("mail", "work")).isCompleted();
    for (int i = 0; i < 3; i++) {
      fulfil(h, connection);
    }
    h.attach("calendar", calendar);
    assertThat(calendar.told).hasSize(2);
  }

  @Test
  void answeredRefusedAndAbandonedRegistersLeaveNoTimers() {
    FakeConnection connection = h.start().connected();
    int timers = h.loop.timers();
    queue(h, "one");
    assertThat(h.loop.timers()).isEqualTo(timers + 1);
    fulfil(h, connection);
    assertThat(h.loop.timers()).isEqualTo(timers);

    queue(h, "two"); // and uninstalled before it is answered
    connection.next(Register.class);
    assertThat(h.uninstall("calendar")).isCompleted();
    assertThat(h.loop.timers()).isEqualTo(timers);
    connection.next(Unregister.class);

    h.registered(connection, "calendar"); // by somebody who waits
    assertThat(h.loop.timers()).isEqualTo(timers);
    CompletableFuture<URI> refused = h.register("calendar");
    h.says(
        connection,
        "{'messageType':'register','channelID':'"
            + connection.next(Register.class).channelId().text()
            + "','status':503}");
    assertThat(refused).isCompletedExceptionally();
    assertThat(h.loop.timers()).isEqualTo(timers);
  }

  @Test
  void answerThatFailedIsNotRepeatedOnceTheEndpointIsGivenUp() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    calendar.failing = true;
    queue(h, "work");
    ChannelId channelId = connection.next(Register.class).channelId();
    connection.events.received(
        "{\"messageType\":\"register\",\"status\":200,\"channelID\":\""
            + channelId.text()
            + "\",\"pushEndpoint\":\""
            + endpoint(channelId)
            + "\"}");
    h.settleLoop(); // its handler is busy now
    h.loop.execute(
        () ->
            h.device.unregister("calendar", endpoint(channelId), reply(new CompletableFuture<>())));
    h.settle();
    calendar.assertTold("work is " + endpoint(channelId));
    h.advance(Duration.ofMinutes(10));
    calendar.assertToldNothing();
  }

  @Test
  void unansweredRegisterIsTakenBackAndTriedAgain() {
    FakeConnection connection = h.start().connected();
    queue(h, "work");
    h.advance(Duration.ofSeconds(1));
    h.says(connection, "{}");
    ChannelId first = connection.next(Register.class).channelId();
    h.advance(TIMEOUT);
    assertThat(connection.next()).isEqualTo(new Unregister(first));
    h.advance(Duration.ofSeconds(5));
    fulfil(h, connection);
  }

  @Test
  void lostConnectionDoesNotCountAsAnAnswer() {
    FakeConnection first = h.start().connected();
    queue(h, "work");
    ChannelId channelId = first.next(Register.class).channelId();
    h.ends(first, 1006);
    h.advance(Duration.ofSeconds(1));
    FakeConnection second = h.connected();
    assertThat(second.next()).isEqualTo(new Register(channelId));
  }

  @Test
  void endpointLostBeforeTheApplicationKnewItIsAskedForAgain() {
    FakeConnection first = h.start().connected();
    queue(h, "work");
    fulfil(h, first);
    h.ends(first, 1006);
    h.advance(Duration.ofSeconds(1));
    FakeConnection second = h.connected(Uaid.random());
    ChannelId channelId = fulfil(h, second);
    h.attach("calendar", calendar);
    calendar.assertTold("work is " + endpoint(channelId)); // and no push-register
  }

  @Test
  void uninstallingForgetsWhatWasQueued() {
    h.start();
    queue(h, "work");
    CompletableFuture<Void> uninstalled = new CompletableFuture<>();
    h.loop.execute(() -> h.device.uninstall("calendar", reply(uninstalled)));
    h.settle();
    h.connected().assertNothingSaid();
    assertThat(h.storage.state).doesNotContain("calendar");
  }

  @Test
  void queuedRegisterNeedsThePermissionAndAnOpenClient() {
    h.start();
    CompletableFuture<Void> installed = new CompletableFuture<>();
    h.loop.execute(
        () -> h.device.install("calendar", new Manifest("C", Set.of(), ""), reply(installed)));
    assertThat(failure(queue(h, "work")).kind())
        .isEqualTo(PushException.Kind.PERMISSION_DENIED_ERROR);
    h.loop.execute(() -> h.device.close(() -> {}));
    assertThat(failure(queue(h, "work")).kind()).isEqualTo(PushException.Kind.ABORT_ERROR);
  }

  // Lost endpoints that the device replaces.

  private FakeConnection loseState(FakeConnection connection) {
    h.ends(connection, 1006);
    h.advanceToNextAttempt();
    return h.connected(Uaid.random());
  }

  private static String replaced(ChannelId lost, ChannelId successor) {
    return endpoint(lost) + " is now " + endpoint(successor);
  }

  @Test
  void lostEndpointsAreReplacedWithoutAsking() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar.replacing());
    ChannelId one = h.registered(connection, "calendar");
    ChannelId two = h.registered(connection, "calendar");
    connection = loseState(connection);
    ChannelId first = fulfil(h, connection);
    calendar.assertTold(replaced(one, first));
    ChannelId second = fulfil(h, connection);
    calendar.assertTold(replaced(two, second));
    assertThat(h.registrations("calendar"))
        .containsExactly(
            new PushRegistration(endpoint(first), OptionalLong.empty()),
            new PushRegistration(endpoint(second), OptionalLong.empty()));
    assertThat(h.storage.state).doesNotContain("lost", one.text(), two.text());
  }

  @Test
  void replacementIsToldUntilItIsConfirmedAcrossRestarts() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar.replacing());
    calendar.failing = true;
    ChannelId lost = h.registered(connection, "calendar");
    connection = loseState(connection);
    ChannelId successor = fulfil(h, connection);
    calendar.assertTold(replaced(lost, successor));

    DeviceHarness restarted = new DeviceHarness(h.storage).start();
    Recorder handler = new Recorder().replacing();
    restarted.attach("calendar", handler);
    handler.assertTold(replaced(lost, successor));
    new DeviceHarness(h.storage).start().attach("calendar", calendar);
    calendar.assertToldNothing();
  }

  @Test
  void successorThatIsLostTooIsReplacedAgain() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar.replacing());
    h.detach("calendar");
    ChannelId lost = h.registered(connection, "calendar");
    connection = loseState(connection);
    fulfil(h, connection);
    connection = loseState(connection);
    ChannelId successor = fulfil(h, connection);
    connection.assertNothingSaid();
    h.attach("calendar", calendar.replacing());
    calendar.assertTold(replaced(lost, successor));
  }

  @Test
  void lostEndpointThatIsUnregisteredGetsNoSuccessor() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar.replacing());
    ChannelId lost = h.registered(connection, "calendar");
    connection = loseState(connection);
    ChannelId successor = connection.next(Register.class).channelId();
    assertThat(h.unregister("calendar", endpoint(lost))).isCompleted();
    h.answerRegister(connection, successor, endpoint(successor));
    assertThat(connection.next()).isEqualTo(new Unregister(successor));
    calendar.assertToldNothing();
    assertThat(h.registrations("calendar")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void replacementThatIsUnregisteredIsNotTold(boolean byLostEndpoint) {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar.replacing());
    h.detach("calendar");
    ChannelId lost = h.registered(connection, "calendar");
    connection = loseState(connection);
    ChannelId successor = fulfil(h, connection);
    URI endpoint = endpoint(byLostEndpoint ? lost : successor);
    assertThat(h.unregister("calendar", endpoint)).isCompleted();
    assertThat(connection.next()).isEqualTo(new Unregister(successor));
    h.attach("calendar", calendar.replacing());
    calendar.assertToldNothing();
    assertThat(h.registrations("calendar")).isEmpty();
    assertThat(h.storage.state).doesNotContain("lost", "channel");
  }
}
