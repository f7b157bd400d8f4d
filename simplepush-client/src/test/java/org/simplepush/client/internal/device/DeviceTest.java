package org.simplepush.client.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.client.testing.DeviceHarness.TIMEOUT;
import static org.simplepush.client.testing.DeviceHarness.UAID;
import static org.simplepush.client.testing.DeviceHarness.ack;
import static org.simplepush.client.testing.DeviceHarness.endpoint;
import static org.simplepush.client.testing.DeviceHarness.failure;
import static org.simplepush.client.testing.DeviceHarness.manifest;
import static org.simplepush.client.testing.DeviceHarness.notification;
import static org.simplepush.client.testing.DeviceHarness.push;
import static org.simplepush.client.testing.DeviceHarness.reply;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
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
import org.simplepush.core.ClientMessage.Ack;
import org.simplepush.core.ClientMessage.Hello;
import org.simplepush.core.ClientMessage.Ping;
import org.simplepush.core.ClientMessage.Register;
import org.simplepush.core.ClientMessage.Unregister;
import org.simplepush.core.ServerMessage;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;

/** Registering, receiving and recovering (protocol §§2–5, 10, 11). */
@Timeout(10)
class DeviceTest {
  private final DeviceHarness h = new DeviceHarness();
  private final Recorder calendar = new Recorder();
  private final Recorder mail = new Recorder();

  // hello

  @Test
  void firstHelloHasNoUaidAndNoChannels() {
    h.start();
    FakeConnection connection = h.server.accept();
    h.open(connection);
    assertThat(connection.next()).isEqualTo(new Hello(null, List.of()));
  }

  @Test
  void laterHelloListsUaidAndEveryChannel() {
    FakeConnection first = h.start().connected();
    ChannelId one = h.registered(first, "calendar");
    ChannelId two = h.registered(first, "mail");
    h.ends(first, 1001);
    h.advance(Duration.ofSeconds(1));

    FakeConnection second = h.server.accept();
    h.open(second);
    assertThat(second.next()).isEqualTo(new Hello(UAID, List.of(one, two)));
  }

  @Test
  void clientWithTheSameStorageResumes() {
    FakeConnection first = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(first, "calendar");
    h.notifies(first, channelId, 7);

    DeviceHarness restarted = new DeviceHarness(h.storage).start();
    FakeConnection second = restarted.server.accept();
    restarted.open(second);
    assertThat(second.next()).isEqualTo(new Hello(UAID, List.of(channelId)));
    assertThat(restarted.registrations("calendar"))
        .containsExactly(new PushRegistration(endpoint(channelId), OptionalLong.of(7)));

    Recorder handler = new Recorder();
    restarted.attach("calendar", handler);
    restarted.greet(second, UAID);
    restarted.notifies(second, channelId, 7);
    handler.assertToldNothing();
    assertThat(second.next()).isEqualTo(ack(channelId, 7));
    restarted.notifies(second, channelId, 8);
    handler.assertTold(push(channelId, 8));
  }

  @Test
  void anotherUaidDropsRegistrationsAndTellsEveryApplicationThatHadSome() {
    FakeConnection first = h.start().connected();
    h.attach("calendar", calendar);
    h.attach("mail", mail);
    Recorder idle = new Recorder();
    h.attach("idle", idle);
    h.registered(first, "calendar");
    h.registered(first, "calendar");
    h.registered(first, "mail");
    h.ends(first, 1006);
    h.advance(Duration.ofSeconds(1));
    Uaid fresh = Uaid.random();
    h.connected(fresh);

    calendar.assertTold("push-register");
    mail.assertTold("push-register");
    idle.assertToldNothing();
    assertThat(h.registrations("calendar")).isEmpty();
    assertThat(h.registrations("mail")).isEmpty();
    assertThat(h.storage.state).contains(fresh.text()).doesNotContain("channel", "lost");
  }

  @Test
  void anotherUaidWithoutRegistrationsTellsNobody() {
    FakeConnection first = h.start().connected();
    h.attach("calendar", calendar);
    h.ends(first, 1006);
    h.advance(Duration.ofSeconds(1));
    h.connected(Uaid.random());
    calendar.assertToldNothing();
  }

  @Test
  void pushRegisterSurvivesARestart() {
    FakeConnection first = h.start().connected();
    h.registered(first, "calendar"); // not attached: nobody can be told
    h.ends(first, 1006);
    h.advance(Duration.ofSeconds(1));
    h.connected(Uaid.random());

    DeviceHarness restarted = new DeviceHarness(h.storage).start();
    restarted.attach("calendar", calendar);
    calendar.assertTold("push-register");
    assertThat(h.storage.state).doesNotContain("lost");
  }

  @Test
  void pushRegisterIsRepeatedWhenTheHandlerThrows() {
    FakeConnection first = h.start().connected();
    h.attach("calendar", calendar);
    h.registered(first, "calendar");
    calendar.failing = true;
    h.ends(first, 1006);
    h.advance(Duration.ofSeconds(1));
    h.connected(Uaid.random());
    calendar.assertTold("push-register");
    assertThat(h.storage.state).contains("lost");

    calendar.failing = false;
    h.advance(Duration.ofSeconds(2));
    calendar.assertTold("push-register");
    assertThat(h.storage.state).doesNotContain("lost");
  }

  @Test
  void stateLostAgainWhilePushRegisterIsHandledIsToldAgain() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    h.registered(connection, "calendar");
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    connection = h.server.accept();
    connection.events.opened();
    connection.events.received(hello(Uaid.random()));
    h.settleLoop(); // the handler is busy now
    CompletableFuture<URI> result = new CompletableFuture<>();
    h.loop.execute(() -> h.device.register("calendar", reply(result)));
    h.settleLoop();
    connection.next(Hello.class);
    ChannelId channelId = connection.next(Register.class).channelId();
    connection.events.received(registerAnswer(channelId));
    connection.events.ended(1006, "");
    h.settleLoop();
    h.loop.runTimer(h.loop.elapsed() + Duration.ofSeconds(2).toNanos());
    connection = h.server.accept();
    connection.events.opened();
    connection.events.received(hello(Uaid.random()));
    h.settleLoop();
    assertThat(h.storage.state).contains("lost");

    h.settle();
    calendar.assertTold("push-register", "push-register");
    assertThat(h.storage.state).doesNotContain("lost");
  }

  private static String hello(Uaid uaid) {
    return "{\"messageType\":\"hello\",\"uaid\":\"" + uaid.text() + "\",\"status\":200}";
  }

  private static String registerAnswer(ChannelId channelId) {
    return "{\"messageType\":\"register\",\"status\":200,\"channelID\":\""
        + channelId.text()
        + "\",\"pushEndpoint\":\""
        + endpoint(channelId)
        + "\"}";
  }

  @Test
  void registerInFlightWhenTheUaidChangesGetsAnEndpointOfTheNewOne() {
    FakeConnection first = h.start().connected();
    h.attach("calendar", calendar);
    h.registered(first, "calendar");
    CompletableFuture<URI> result = h.register("calendar");
    ChannelId channelId = first.next(Register.class).channelId();
    h.ends(first, 1006);
    h.advance(Duration.ofSeconds(1));
    FakeConnection second = h.connected(Uaid.random());
    assertThat(second.next()).isEqualTo(new Register(channelId));
    h.answerRegister(second, channelId, endpoint(channelId));
    assertThat(result).isCompletedWithValue(endpoint(channelId));
    calendar.assertTold("push-register");
    assertThat(h.registrations("calendar")).hasSize(1);
  }

  @Test
  void pushesOfLostRegistrationsAreNotHandedOver() {
    FakeConnection first = h.start().connected();
    ChannelId channelId = h.registered(first, "calendar");
    h.notifies(first, channelId, 5);
    h.ends(first, 1006);
    h.advance(Duration.ofSeconds(1));
    h.connected(Uaid.random());
    h.attach("calendar", calendar);
    calendar.assertTold("push-register");
  }

  @Test
  void secondHelloWithAnotherUaidEndsTheConnection() {
    FakeConnection connection = h.start().connected();
    h.greet(connection, UAID);
    assertThat(connection.aborted).isFalse();
    h.greet(connection, Uaid.random());
    assertThat(connection.aborted).isTrue();
  }

  // register

  @Test
  void registerGivesTheEndpointAndStoresItFirst() {
    FakeConnection connection = h.start().connected();
    CompletableFuture<URI> result = h.register("calendar");
    ChannelId channelId = connection.next(Register.class).channelId();
    connection.events.received(registerAnswer(channelId));
    h.settleLoop();
    assertThat(result).isNotDone();
    assertThat(h.storage.state).contains(channelId.text());
    h.settle();
    assertThat(result).isCompletedWithValue(endpoint(channelId));
    assertThat(h.registrations("calendar"))
        .containsExactly(new PushRegistration(endpoint(channelId), OptionalLong.empty()));
  }

  @Test
  void answersMayComeInAnyOrder() {
    FakeConnection connection = h.start().connected();
    CompletableFuture<URI> one = h.register("calendar");
    CompletableFuture<URI> two = h.register("mail");
    ChannelId first = connection.next(Register.class).channelId();
    ChannelId second = connection.next(Register.class).channelId();
    h.answerRegister(connection, second, endpoint(second));
    h.answerRegister(connection, first, endpoint(first));
    assertThat(one).isCompletedWithValue(endpoint(first));
    assertThat(two).isCompletedWithValue(endpoint(second));
  }

  @Test
  void endpointThatIsGivenUpBeforeItIsStoredIsNotTold() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    assertThat(h.registerWhenPossible("calendar", "work")).isCompleted();
    ChannelId channelId = connection.next(Register.class).channelId();
    connection.events.received(registerAnswer(channelId));
    CompletableFuture<Void> result = new CompletableFuture<>();
    h.loop.execute(() -> h.device.unregister("calendar", endpoint(channelId), reply(result)));
    h.settle();
    assertThat(result).isCompleted();
    calendar.assertToldNothing();
    assertThat(connection.next()).isEqualTo(new Unregister(channelId));
    connection.assertNothingSaid();
    assertThat(h.storage.state).doesNotContain("wanted", "channel");
  }

  @Test
  void endpointThatIsLostBeforeItIsStoredIsToldAndThenReplaced() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar.replacing());
    CompletableFuture<URI> result = h.register("calendar");
    ChannelId lost = connection.next(Register.class).channelId();
    connection.events.received(registerAnswer(lost));
    h.loop.runOne();
    h.loop.execute(() -> h.device.connected(new ServerMessage.Hello(Uaid.random(), false)));
    h.settle();
    assertThat(result).isCompletedWithValue(endpoint(lost));
    ChannelId successor = connection.next(Register.class).channelId();
    h.answerRegister(connection, successor, endpoint(successor));
    calendar.assertTold(endpoint(lost) + " is now " + endpoint(successor));
  }

  @Test
  void answerForAnotherChannelIsNoAnswer() {
    FakeConnection connection = h.start().connected();
    CompletableFuture<URI> result = h.register("calendar");
    connection.next(Register.class);
    ChannelId wrong = ChannelId.random();
    h.answerRegister(connection, wrong, endpoint(wrong));
    assertThat(result).isNotDone();
    assertThat(connection.next()).isEqualTo(new Unregister(wrong));
    h.advance(TIMEOUT);
    assertThat(failure(result).kind()).isEqualTo(PushException.Kind.NETWORK_ERROR);
  }

  @Test
  void repeatedAnswerChangesNothing() {
    FakeConnection connection = h.start().connected();
    ChannelId channelId = h.registered(connection, "calendar");
    h.answerRegister(connection, channelId, URI.create("https://elsewhere.example/"));
    assertThat(h.registrations("calendar"))
        .containsExactly(new PushRegistration(endpoint(channelId), OptionalLong.empty()));
    connection.assertNothingSaid();
  }

  @Test
  void registerWithoutConnectionFailsWithNetworkErrorAfterTheTimeout() {
    h.start();
    CompletableFuture<URI> result = h.register("calendar");
    h.advance(TIMEOUT.minusNanos(1));
    assertThat(result).isNotDone();
    h.advance(Duration.ofNanos(1));
    PushException failure = failure(result);
    assertThat(failure.kind()).isEqualTo(PushException.Kind.NETWORK_ERROR);
    assertThat(failure).hasMessageStartingWith("NetworkError: ");
    assertThat(failure.canRetry()).isTrue();
  }

  @Test
  void registerWaitsForAConnection() {
    h.start();
    CompletableFuture<URI> result = h.register("calendar");
    FakeConnection connection = h.connected();
    ChannelId channelId = connection.next(Register.class).channelId();
    h.answerRegister(connection, channelId, endpoint(channelId));
    assertThat(result).isCompletedWithValue(endpoint(channelId));
  }

  @Test
  void registerInFlightIsAskedAgainOnTheNextConnection() {
    FakeConnection first = h.start().connected();
    CompletableFuture<URI> result = h.register("calendar");
    ChannelId channelId = first.next(Register.class).channelId();
    h.ends(first, 1006);
    h.advance(Duration.ofSeconds(1));
    FakeConnection second = h.server.accept();
    h.open(second);
    assertThat(second.next(Hello.class).channelIds()).isEmpty(); // it is not registered yet
    h.greet(second, UAID);
    assertThat(second.next()).isEqualTo(new Register(channelId));
    h.answerRegister(second, channelId, endpoint(channelId));
    assertThat(result).isCompletedWithValue(endpoint(channelId));
  }

  @Test
  void unansweredRegisterIsTakenBackAndASilentConnectionLeft() {
    FakeConnection connection = h.start().connected();
    h.advance(Duration.ofSeconds(1));
    CompletableFuture<URI> result = h.register("calendar");
    ChannelId channelId = connection.next(Register.class).channelId();
    h.advance(TIMEOUT);
    assertThat(failure(result).kind()).isEqualTo(PushException.Kind.NETWORK_ERROR);
    assertThat(connection.next()).isEqualTo(new Unregister(channelId));
    assertThat(connection.aborted).isTrue();
  }

  @Test
  void unansweredRegisterLeavesATalkingConnectionOpen() {
    FakeConnection connection = h.start().connected();
    CompletableFuture<URI> result = h.register("calendar");
    ChannelId channelId = connection.next(Register.class).channelId();
    h.advance(Duration.ofSeconds(5));
    h.says(connection, "{}");
    h.advance(Duration.ofSeconds(5));
    assertThat(failure(result).kind()).isEqualTo(PushException.Kind.NETWORK_ERROR);
    assertThat(connection.aborted).isFalse();
    assertThat(connection.next()).isEqualTo(new Unregister(channelId));
    h.answerRegister(connection, channelId, endpoint(channelId)); // too late
    assertThat(h.registrations("calendar")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 429, 500, 503, 599})
  void registerRefusedFailsWithTheServersStatus(int status) {
    FakeConnection connection = h.start().connected();
    CompletableFuture<URI> result = h.register("calendar");
    ChannelId channelId = connection.next(Register.class).channelId();
    h.says(connection, registerFailure(channelId, status));
    PushException failure = failure(result);
    assertThat(failure.kind()).isEqualTo(PushException.Kind.SERVER_ERROR);
    assertThat(failure.status()).hasValue(status);
    assertThat(failure.canRetry()).isEqualTo(status != 401);
    assertThat(failure).hasMessageContaining("no luck");
    connection.assertNothingSaid();
  }

  private static String registerFailure(ChannelId channelId, int status) {
    return "{'messageType':'register','channelID':'"
        + channelId.text()
        + "','status':"
        + status
        + ",'error':'no luck'}";
  }

  @Test
  void failureThatNamesNoChannelAnswersTheOldestRegister() {
    FakeConnection connection = h.start().connected();
    CompletableFuture<URI> one = h.register("calendar");
    CompletableFuture<URI> two = h.register("calendar");
    h.says(connection, "{'messageType':'register','status':503,'error':'no luck'}");
    assertThat(failure(one).status()).hasValue(503);
    assertThat(two).isNotDone();
  }

  @Test
  void answerThatCannotBeReadFailsTheRegister() {
    FakeConnection connection = h.start().connected();
    CompletableFuture<URI> result = h.register("calendar");
    ChannelId channelId = connection.next(Register.class).channelId();
    h.says(
        connection,
        "{'messageType':'register','status':200,'channelID':'" + channelId.text() + "'}");
    assertThat(failure(result).kind()).isEqualTo(PushException.Kind.SERVER_ERROR);
  }

  @Test
  void conflictIsRetriedWithANewChannelThreeTimes() {
    FakeConnection connection = h.start().connected();
    CompletableFuture<URI> result = h.register("calendar");
    ChannelId channelId = connection.next(Register.class).channelId();
    for (int i = 0; i < 3; i++) {
      h.says(connection, registerFailure(channelId, 409));
      ChannelId another = connection.next(Register.class).channelId();
      assertThat(another).isNotEqualTo(channelId);
      channelId = another;
    }
    assertThat(result).isNotDone();
    h.says(connection, registerFailure(channelId, 409));
    assertThat(failure(result).status()).hasValue(409);
    connection.assertNothingSaid();
  }

  @Test
  void registerAfterThreeConflictsSucceeds() {
    FakeConnection connection = h.start().connected();
    CompletableFuture<URI> result = h.register("calendar");
    for (int i = 0; i < 3; i++) {
      ChannelId channelId = connection.next(Register.class).channelId();
      h.says(connection, registerFailure(channelId, 409));
    }
    ChannelId channelId = connection.next(Register.class).channelId();
    h.answerRegister(connection, channelId, endpoint(channelId));
    assertThat(result).isCompletedWithValue(endpoint(channelId));
  }

  @Test
  void registrationThatCannotBeStoredIsGivenBack() {
    FakeConnection connection = h.start().connected();
    h.storage.broken = true;
    CompletableFuture<URI> result = h.register("calendar");
    ChannelId channelId = connection.next(Register.class).channelId();
    h.answerRegister(connection, channelId, endpoint(channelId));
    assertThat(failure(result).kind()).isEqualTo(PushException.Kind.STORAGE_ERROR);
    assertThat(h.registrations("calendar")).isEmpty();
    connection.assertNothingSaid(); // what is stored may list it, for all that is known
    h.storage.broken = false;
    h.advance(Duration.ofMinutes(1));
    assertThat(connection.next()).isEqualTo(new Unregister(channelId));
    connection.assertNothingSaid();
  }

  // unregister

  @Test
  void unregisterForgetsFirstAndThenTellsTheServer() {
    FakeConnection connection = h.start().connected();
    ChannelId channelId = h.registered(connection, "calendar");
    assertThat(h.unregister("calendar", endpoint(channelId))).isCompletedWithValue(null);
    assertThat(h.registrations("calendar")).isEmpty();
    assertThat(h.storage.state).doesNotContain(channelId.text());
    assertThat(connection.next()).isEqualTo(new Unregister(channelId));
    h.says(
        connection,
        "{'messageType':'unregister','status':200,'channelID':'" + channelId.text() + "'}");
    connection.assertNothingSaid();
  }

  @Test
  void unregisterWithoutConnectionIsToldByTheNextHello() {
    FakeConnection first = h.start().connected();
    ChannelId gone = h.registered(first, "calendar");
    ChannelId kept = h.registered(first, "calendar");
    h.ends(first, 1006);
    assertThat(h.unregister("calendar", endpoint(gone))).isCompletedWithValue(null);
    h.advance(Duration.ofSeconds(1));
    FakeConnection second = h.server.accept();
    h.open(second);
    assertThat(second.next()).isEqualTo(new Hello(UAID, List.of(kept)));
  }

  @Test
  void unregisteringAnEndpointOfAnotherApplicationDoesNothing() {
    FakeConnection connection = h.start().connected();
    ChannelId channelId = h.registered(connection, "calendar");
    PushException failure = failure(h.unregister("mail", endpoint(channelId)));
    assertThat(failure.kind()).isEqualTo(PushException.Kind.NOT_FOUND_ERROR);
    assertThat(failure).hasMessageStartingWith("NotFoundError: ");
    assertThat(h.registrations("calendar")).hasSize(1);
    assertThat(h.registrations("mail")).isEmpty();
    connection.assertNothingSaid();
  }

  @Test
  void nothingIsHandedOverAfterUnregister() {
    FakeConnection connection = h.start().connected();
    ChannelId channelId = h.registered(connection, "calendar");
    h.notifies(connection, channelId, 1); // waits, as there is no handler
    h.unregister("calendar", endpoint(channelId));
    connection.next(Unregister.class);
    h.attach("calendar", calendar);
    h.notifies(connection, channelId, 2);
    assertThat(connection.next()).isEqualTo(ack(channelId, 2)); // or it would come again
    calendar.assertToldNothing();
  }

  @Test
  void handlerThatThrowsAfterUnregisterIsNotCalledAgain() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(connection, "calendar");
    calendar.failing = true;
    connection.events.received(json(notification(new Update(channelId, 1))));
    h.settleLoop(); // the handler is busy now
    CompletableFuture<Void> result = new CompletableFuture<>();
    h.loop.execute(() -> h.device.unregister("calendar", endpoint(channelId), reply(result)));
    h.settleLoop();
    h.settle();
    calendar.assertTold(push(channelId, 1));
    h.advance(Duration.ofMinutes(10));
    calendar.assertToldNothing();
  }

  private static String json(String text) {
    return text.replace('\'', '"');
  }

  // notification and ack

  @Test
  void versionIsAcknowledgedAfterTheHandlerReturnedAndItWasStored() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(connection, "calendar");
    connection.events.received(json(notification(new Update(channelId, 7))));
    h.settleLoop(); // the handler has not returned
    connection.assertNothingSaid();
    h.callbacks.poll().run();
    calendar.assertTold(push(channelId, 7));
    connection.assertNothingSaid();
    h.settle();
    assertThat(h.storage.state).contains(channelId.text() + " 7 ");
    assertThat(connection.next()).isEqualTo(ack(channelId, 7));
  }

  @Test
  void duplicatesAndOlderVersionsAreAcknowledgedAndNotHandedOver() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(connection, "calendar");
    h.notifies(connection, channelId, 7);
    assertThat(connection.next()).isEqualTo(ack(channelId, 7));
    h.notifies(connection, channelId, 7);
    assertThat(connection.next()).isEqualTo(ack(channelId, 7));
    h.notifies(connection, channelId, 6);
    assertThat(connection.next()).isEqualTo(ack(channelId, 6));
    calendar.assertTold(push(channelId, 7));
  }

  @Test
  void versionZeroIsAVersion() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(connection, "calendar");
    h.notifies(connection, channelId, 0);
    h.notifies(connection, channelId, 0);
    calendar.assertTold(push(channelId, 0));
  }

  @Test
  void unknownChannelsAreAcknowledged() {
    FakeConnection connection = h.start().connected();
    ChannelId stranger = ChannelId.random();
    h.notifies(connection, stranger, 3);
    assertThat(connection.next()).isEqualTo(ack(stranger, 3));
  }

  @Test
  void lowerAckDoesNotTakeThePlaceOfAHigherOne() {
    FakeConnection connection = h.start().connected();
    ChannelId stranger = ChannelId.random();
    h.says(connection, notification(new Update(stranger, 3), new Update(stranger, 2)));
    assertThat(connection.next()).isEqualTo(ack(stranger, 3));
    connection.assertNothingSaid();
  }

  @Test
  void acksOfOneNotificationTravelTogether() {
    FakeConnection connection = h.start().connected();
    ChannelId one = ChannelId.random();
    ChannelId two = ChannelId.random();
    h.says(connection, notification(new Update(one, 1), new Update(two, 2)));
    assertThat(connection.next(Ack.class).updates())
        .containsExactly(new Update(one, 1), new Update(two, 2));
    connection.assertNothingSaid();
  }

  @Test
  void messagesOfOneApplicationComeOneAtATimeInOrder() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId one = h.registered(connection, "calendar");
    ChannelId two = h.registered(connection, "calendar");
    connection.events.received(json(notification(new Update(two, 1), new Update(one, 5))));
    h.settleLoop();
    assertThat(h.callbacks).hasSize(1);
    h.callbacks.poll().run();
    h.settleLoop();
    assertThat(h.callbacks).hasSize(1);
    h.settle();
    calendar.assertTold(push(two, 1), push(one, 5));
  }

  @Test
  void applicationsDoNotWaitForEachOther() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    h.attach("mail", mail);
    ChannelId one = h.registered(connection, "calendar");
    ChannelId two = h.registered(connection, "mail");
    connection.events.received(json(notification(new Update(one, 1), new Update(two, 1))));
    h.settleLoop();
    Runnable busy = h.callbacks.poll();
    h.callbacks.poll().run();
    mail.assertTold(push(two, 1));
    h.settle();
    assertThat(connection.next()).isEqualTo(ack(two, 1));
    busy.run();
    h.settle();
    assertThat(connection.next()).isEqualTo(ack(one, 1));
  }

  @Test
  void busyApplicationGetsTheLatestVersionOnly() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(connection, "calendar");
    connection.events.received(json(notification(new Update(channelId, 1))));
    h.settleLoop();
    for (long version : new long[] {2, 4, 3, 1}) {
      connection.events.received(json(notification(new Update(channelId, version))));
    }
    h.settle();
    calendar.assertTold(push(channelId, 1), push(channelId, 4));
    assertThat(connection.next()).isEqualTo(ack(channelId, 1));
    assertThat(connection.next()).isEqualTo(ack(channelId, 4));
    connection.assertNothingSaid();
  }

  @Test
  void versionThatTheHandlerIsBusyWithIsNotOfferedTwice() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(connection, "calendar");
    connection.events.received(json(notification(new Update(channelId, 1))));
    h.settleLoop();
    connection.events.received(json(notification(new Update(channelId, 1)))); // redelivery
    h.settle();
    calendar.assertTold(push(channelId, 1));
    assertThat(connection.next()).isEqualTo(ack(channelId, 1));
    connection.assertNothingSaid();
  }

  @Test
  void messagesWaitUntilTheApplicationIsAttached() {
    FakeConnection connection = h.start().connected();
    ChannelId one = h.registered(connection, "calendar");
    ChannelId two = h.registered(connection, "calendar");
    h.notifies(connection, one, 1);
    h.notifies(connection, two, 1);
    h.notifies(connection, one, 2);
    connection.assertNothingSaid();
    h.attach("calendar", calendar);
    calendar.assertTold(push(one, 2), push(two, 1));
    assertThat(connection.next()).isEqualTo(ack(one, 2));
    assertThat(connection.next()).isEqualTo(ack(two, 1));
  }

  @Test
  void handlerThatThrowsIsNotAcknowledgedAndOfferedAgain() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(connection, "calendar");
    calendar.failing = true;
    h.notifies(connection, channelId, 7);
    calendar.assertTold(push(channelId, 7));
    assertThat(h.storage.state).doesNotContain(" 7 ");
    h.advance(Duration.ofSeconds(2));
    calendar.assertTold(push(channelId, 7));
    connection.assertNothingSaid();

    calendar.failing = false;
    h.advance(Duration.ofSeconds(4));
    calendar.assertTold(push(channelId, 7));
    assertThat(connection.next()).isEqualTo(ack(channelId, 7));
  }

  @Test
  void failedVersionStepsAsideForOtherChannelsAndForNewerVersions() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId one = h.registered(connection, "calendar");
    ChannelId two = h.registered(connection, "calendar");
    calendar.failing = true;
    h.notifies(connection, one, 7);
    calendar.failing = false;
    h.notifies(connection, two, 1);
    h.notifies(connection, one, 7); // redelivery does not disturb the break
    h.notifies(connection, one, 8);
    calendar.assertTold(push(one, 7), push(two, 1), push(one, 8));
    h.advance(Duration.ofMinutes(10));
    calendar.assertToldNothing();
  }

  @Test
  void olderVersionThatFailedIsNotOfferedAfterANewerOne() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(connection, "calendar");
    calendar.failing = true;
    connection.events.received(json(notification(new Update(channelId, 1))));
    h.settleLoop();
    connection.events.received(json(notification(new Update(channelId, 2))));
    h.settleLoop();
    h.callbacks.poll().run();
    calendar.failing = false;
    h.settle();
    calendar.assertTold(push(channelId, 1), push(channelId, 2));
    h.advance(Duration.ofMinutes(10));
    calendar.assertToldNothing();
  }

  @Test
  void firstVersionComesAfterTheEndpoint() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    CompletableFuture<URI> result = h.register("calendar");
    ChannelId channelId = connection.next(Register.class).channelId();
    connection.events.received(registerAnswer(channelId));
    connection.events.received(json(notification(new Update(channelId, 1))));
    h.settleLoop();
    assertThat(h.callbacks).hasSize(1);
    h.callbacks.poll().run();
    assertThat(result).isCompleted();
    calendar.assertToldNothing();
    h.settle();
    calendar.assertTold(push(channelId, 1));
  }

  @Test
  void versionHandledWhileDisconnectedIsAcknowledgedWhenItComesAgain() {
    FakeConnection first = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(first, "calendar");
    first.events.received(json(notification(new Update(channelId, 7))));
    h.settleLoop();
    first.events.ended(1006, "");
    h.settle();
    calendar.assertTold(push(channelId, 7));
    h.advance(Duration.ofSeconds(1));
    FakeConnection second = h.connected();
    second.assertNothingSaid();
    h.notifies(second, channelId, 7);
    assertThat(second.next()).isEqualTo(ack(channelId, 7));
    calendar.assertToldNothing();
  }

  @Test
  void versionThatCannotBeStoredIsNotAcknowledgedUntilItCan() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(connection, "calendar");
    h.storage.broken = true;
    h.notifies(connection, channelId, 7);
    calendar.assertTold(push(channelId, 7));
    h.notifies(connection, channelId, 7); // redelivery: taken, but not stored
    connection.assertNothingSaid();
    h.storage.broken = false;
    h.advance(Duration.ofMinutes(1)); // the device tries again by itself
    h.notifies(connection, channelId, 7);
    assertThat(connection.next()).isEqualTo(ack(channelId, 7));
    calendar.assertToldNothing();
  }

  @Test
  void versionOfAnEndpointThatIsGivenUpIsNotAcknowledgedAnyMore() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(connection, "calendar");
    connection.events.received(json(notification(new Update(channelId, 7))));
    h.settleLoop();
    h.callbacks.remove().run();
    h.loop.runOne(); // it is taken; and before the acknowledgement is on its way
    h.loop.run(
        () ->
            h.device.unregister("calendar", endpoint(channelId), reply(new CompletableFuture<>())));
    h.settle();
    assertThat(connection.next()).isEqualTo(new Unregister(channelId));
    connection.assertNothingSaid();
  }

  @Test
  void acknowledgementsOfALostConnectionAreNotSentOnTheNext() {
    FakeConnection first = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(first, "calendar");
    first.events.received(json(notification(new Update(channelId, 7))));
    h.settleLoop();
    h.callbacks.remove().run();
    h.loop.runOne(); // it is taken
    first.events.ended(1006, "");
    h.settle();
    h.advance(Duration.ofSeconds(1));
    h.connected().assertNothingSaid();
  }

  @Test
  void connectionAgainWithTheSameUaidChangesNothing() {
    FakeConnection first = h.start().connected();
    h.registered(first, "calendar");
    int saves = h.storage.saves;
    h.ends(first, 1006);
    h.advance(Duration.ofSeconds(1));
    h.connected();
    assertThat(h.storage.saves).isEqualTo(saves);
    assertThat(h.connects).isEqualTo(2);
  }

  @Test
  void manyVersionsCostOneWrite() {
    FakeConnection connection = h.start().connected();
    ChannelId[] channels = new ChannelId[20];
    for (int i = 0; i < channels.length; i++) {
      String application = "application " + i;
      h.attach(application, new Recorder());
      channels[i] = h.registered(connection, application);
    }
    Update[] updates = new Update[channels.length];
    for (int i = 0; i < channels.length; i++) {
      updates[i] = new Update(channels[i], 1);
    }
    int saves = h.storage.saves;
    connection.events.received(json(notification(updates)));
    h.settleLoop();
    while (!h.callbacks.isEmpty()) {
      h.callbacks.poll().run();
    }
    h.settle();
    assertThat(h.storage.saves).isEqualTo(saves + 1);
    assertThat(connection.next(Ack.class).updates()).containsExactly(updates);
  }

  // close

  @Test
  void closeFailsRequestsAndClosesTheConnection() {
    FakeConnection connection = h.start().connected();
    CompletableFuture<URI> result = h.register("calendar");
    CompletableFuture<Void> closed = close();
    assertThat(failure(result).kind()).isEqualTo(PushException.Kind.ABORT_ERROR);
    assertThat(connection.closeCode).isEqualTo(1000);
    assertThat(closed).isNotDone();
    h.ends(connection, 1000);
    assertThat(closed).isDone();
    h.advance(Duration.ofHours(1));
    h.server.assertNobodyConnects();
    assertThat(failure(h.register("calendar")).kind()).isEqualTo(PushException.Kind.ABORT_ERROR);
  }

  private CompletableFuture<Void> close() {
    CompletableFuture<Void> closed = new CompletableFuture<>();
    h.loop.execute(() -> h.device.close(() -> closed.complete(null)));
    h.settle();
    return closed;
  }

  @Test
  void closingDeviceDoesNothingThatItIsAskedFor() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(connection, "calendar");
    assertThat(h.install("mail", manifest("Mail", "it"))).isCompleted();
    String before = h.storage.state;
    connection.events.received(json(notification(new Update(channelId, 7))));
    h.settleLoop(); // the handler is busy, so the device is closing for a while
    h.close();
    List<CompletableFuture<?>> asked = new ArrayList<>();
    h.loop.execute(
        () -> {
          CompletableFuture<URI> endpoint = new CompletableFuture<>();
          h.device.register("calendar", reply(endpoint));
          asked.add(endpoint);
          for (int i = 0; i < 6; i++) {
            asked.add(new CompletableFuture<Void>());
          }
          h.device.registerWhenPossible("calendar", "work", reply(done(asked, 1)));
          h.device.unregister("calendar", endpoint(channelId), reply(done(asked, 2)));
          h.device.replace("calendar", endpoint(channelId), reply(done(asked, 3)));
          h.device.install("chat", manifest("Chat", "it"), reply(done(asked, 4)));
          h.device.uninstall("mail", reply(done(asked, 5)));
          h.device.uninstall("calendar", reply(done(asked, 6)));
        });
    h.settleLoop();
    connection.assertNothingSaid();
    h.settle();
    assertThat(asked)
        .hasSize(7)
        .allSatisfy(
            result -> assertThat(failure(result).kind()).isEqualTo(PushException.Kind.ABORT_ERROR));
    assertThat(connection.next()).isEqualTo(ack(channelId, 7));
    connection.assertNothingSaid();
    assertThat(unsealed(h.storage.state))
        .isEqualTo(unsealed(before).replace(channelId.text() + " - ", channelId.text() + " 7 "));
  }

  @SuppressWarnings("unchecked")
  private static CompletableFuture<Void> done(List<CompletableFuture<?>> asked, int index) {
    return (CompletableFuture<Void>) asked.get(index);
  }

  private static String unsealed(String state) {
    return state.substring(0, state.lastIndexOf("end "));
  }

  @Test
  void closingAgainChangesNothing() {
    FakeConnection connection = h.start().connected();
    CompletableFuture<Void> first = h.close();
    CompletableFuture<Void> second = h.close();
    h.settle();
    h.ends(connection, 1000);
    assertThat(first).isDone();
    assertThat(second).isNotDone();
    h.advance(Duration.ofDays(1));
    assertThat(h.loop.timers()).isZero();
  }

  @Test
  void closeDoesNotWaitLongForASilentServer() {
    FakeConnection connection = h.start().connected();
    CompletableFuture<Void> closed = close();
    h.advance(Duration.ofSeconds(2));
    assertThat(connection.aborted).isTrue();
    assertThat(closed).isDone();
  }

  @Test
  void closeWhileConnectingOrWaitingIsDoneAtOnce() {
    h.start();
    FakeConnection connection = h.server.accept();
    assertThat(close()).isDone();
    assertThat(connection.aborted).isTrue();
    h.open(connection);
    connection.assertNothingSaid();
  }

  @Test
  void closeLetsARunningHandlerReturnAndAcknowledgesItsVersion() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId one = h.registered(connection, "calendar");
    ChannelId two = h.registered(connection, "calendar");
    connection.events.received(json(notification(new Update(one, 7), new Update(two, 1))));
    h.settleLoop();
    CompletableFuture<Void> closed = new CompletableFuture<>();
    h.loop.execute(() -> h.device.close(() -> closed.complete(null)));
    h.settleLoop();
    assertThat(connection.closeCode).isNull();
    h.settle();
    calendar.assertTold(push(one, 7)); // nothing more is handed over
    assertThat(connection.next()).isEqualTo(ack(one, 7));
    assertThat(h.storage.state).contains(one.text() + " 7 ");
    assertThat(connection.closeCode).isEqualTo(1000);
  }

  @Test
  void closeGoesOnWithoutAHandlerThatDoesNotReturn() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(connection, "calendar");
    connection.events.received(json(notification(new Update(channelId, 7))));
    h.settleLoop();
    Runnable stuck = h.callbacks.poll();
    CompletableFuture<Void> closed = close();
    h.advance(TIMEOUT);
    assertThat(connection.closeCode).isEqualTo(1000);
    h.ends(connection, 1000);
    assertThat(closed).isDone();
    stuck.run();
    h.settle();
    connection.assertNothingSaid();
  }

  @Test
  void pingsOfTheServerAreNotAnswered() {
    FakeConnection connection = h.start().connected();
    h.says(connection, "{}");
    h.says(connection, "{'messageType':'ping'}");
    connection.assertNothingSaid();
    h.advance(DeviceHarness.PING);
    assertThat(connection.next()).isEqualTo(new Ping());
  }

  /** A server that forgets the device each time makes it work, but not remember more and more. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void stateDoesNotGrowHoweverOftenTheServerForgets(boolean replaces) {
    DeviceHarness h = new DeviceHarness();
    Recorder calendar = new Recorder();
    calendar.replaces = replaces;
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    for (int i = 0; i < 10; i++) {
      h.registered(connection, "calendar");
    }
    int most = 0;
    for (int i = 0; i < 100; i++) {
      h.ends(connection, 1006);
      h.advanceToNextAttempt();
      connection = h.connected(Uaid.random());
      while (connection.hasSaid()) {
        if (connection.next() instanceof Register register) {
          h.answerRegister(connection, register.channelId(), endpoint(register.channelId()));
        }
      }
      most = Math.max(most, h.storage.state.length());
      if (i == 2) {
        assertThat(most).as("with ten channels").isLessThan(4_000);
      }
    }
    assertThat(most).as("a hundred losses later").isLessThan(4_000);
  }

  @Test
  void manyAcknowledgementsAreManyMessagesAndNotWithoutBound() {
    FakeConnection connection = h.start().connected();
    Update[] updates = new Update[10_000];
    for (int i = 0; i < updates.length; i++) {
      updates[i] = new Update(ChannelId.parse("%032x".formatted(i)), 1);
    }
    h.says(connection, DeviceHarness.notification(updates));
    int acknowledged = 0;
    while (connection.hasSaid()) {
      int size = connection.next(Ack.class).updates().size();
      assertThat(size).isLessThanOrEqualTo(Acks.IN_A_MESSAGE);
      acknowledged += size;
    }
    assertThat(acknowledged).isEqualTo(Acks.MAX);
    h.says(connection, DeviceHarness.notification(updates[9_999]));
    assertThat(connection.next(Ack.class).updates()).containsExactly(updates[9_999]);
  }
}
