package org.simplepush.client.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.client.PublicTypes.handlers;
import static org.simplepush.client.testing.DeviceHarness.ack;
import static org.simplepush.client.testing.DeviceHarness.endpoint;
import static org.simplepush.client.testing.DeviceHarness.manifest;
import static org.simplepush.client.testing.DeviceHarness.push;
import static org.simplepush.client.testing.DeviceHarness.reply;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
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
import org.simplepush.core.Update;

/** What one application does, while something else is under way, concerns nothing else. */
@Timeout(10)
class DeviceDetailsTest {
  private static final Duration AGE = Duration.ofDays(30);

  private DeviceHarness h = new DeviceHarness();
  private final Recorder calendar = new Recorder();
  private FakeConnection connection;

  private ChannelId begin() {
    connection = h.start().connected();
    return h.registered(connection, "calendar");
  }

  private void loseState() {
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    connection = h.connected(Uaid.random());
  }

  private ChannelId fulfil() {
    ChannelId channelId = connection.next(Register.class).channelId();
    h.answerRegister(connection, channelId, endpoint(channelId));
    return channelId;
  }

  /** As {@link #fulfil()}, but the handler that is told of it has not run yet. */
  private ChannelId fulfilToABusyHandler() {
    ChannelId channelId = connection.next(Register.class).channelId();
    connection.events.received(
        "{\"messageType\":\"register\",\"status\":200,\"channelID\":\""
            + channelId.text()
            + "\",\"pushEndpoint\":\""
            + endpoint(channelId)
            + "\"}");
    h.settleLoop();
    return channelId;
  }

  private void unregisterMeanwhile(ChannelId channelId) {
    h.loop.execute(
        () ->
            h.device.unregister("calendar", endpoint(channelId), reply(new CompletableFuture<>())));
    h.settleLoop();
  }

  private void notifyMeanwhile(ChannelId channelId, long version) {
    connection.events.received(
        DeviceHarness.notification(new Update(channelId, version)).replace('\'', '"'));
    h.settleLoop();
  }

  /** Time goes by until the device asks for a successor. */
  private void pass(Duration wait) {
    h.says(connection, "{}");
    h.loop.setClock(wait.plus(wait.dividedBy(Deadlines.SPREAD)));
    for (int i = 0; i < 20 * 60 && !connection.hasSaid(); i++) {
      h.advance(Duration.ofSeconds(1));
    }
  }

  @Test
  void applicationWithALossIsStartedWhenTheDeviceIs() {
    begin();
    assertThat(h.install("calendar", manifest("C", "it"))).isCompleted();
    loseState();
    DeviceHarness restarted = new DeviceHarness(h.storage);
    restarted.launches = true;
    restarted.start();
    assertThat(restarted.launching).containsExactly("calendar with it");
  }

  @Test
  void renewalThatIsTurnedOnLaterConcernsWhatIsSettled() {
    ChannelId old = begin();
    h.registerWhenPossible("calendar", "work");
    ChannelId untold = fulfil();
    h = new DeviceHarness(h.storage).renewing();
    connection = h.start().connectedListing(old, untold);
    assertThat(renewals()).containsExactly(old);
    pass(AGE);
    connection.next(Register.class);
    h = new DeviceHarness(h.storage).renewing();
    h.start().connectedListing(old, untold);
    assertThat(renewals()).isEmpty(); // it is being renewed
  }

  private List<ChannelId> renewals() {
    return h.storage
        .state
        .lines()
        .filter(line -> line.startsWith("renew "))
        .map(line -> ChannelId.parse(line.split(" ")[2]))
        .toList();
  }

  @Test
  void replacedEndpointIsNotRenewedAsWell() {
    h.renewing();
    ChannelId old = begin();
    assertThat(renewals()).containsExactly(old);
    assertThat(h.replace("calendar", endpoint(old))).isCompleted();
    assertThat(renewals()).isEmpty();
  }

  @Test
  void versionThatFailedUnderTheOldNameComesUnderTheNew() {
    h.renewing();
    ChannelId old = begin();
    List<URI> named = new ArrayList<>();
    h.attach(
        "calendar",
        handlers(
            message -> {
              named.add(message.endpoint());
              if (named.size() == 1) {
                throw new Exception("not now");
              }
            },
            (was, endpoint) -> {}));
    pass(AGE);
    h.notifies(connection, old, 3);
    ChannelId successor = fulfil();
    h.advance(Duration.ofSeconds(2));
    assertThat(named).containsExactly(endpoint(old), endpoint(successor));
  }

  @Test
  void takingASuccessorBackTouchesNoOtherRegister() {
    begin();
    int timers = h.loop.timers();
    calendar.failing = true;
    h.attach("calendar", calendar.replacing());
    loseState();
    ChannelId asked = connection.next(Register.class).channelId();
    CompletableFuture<URI> other = h.register("mail");
    ChannelId mail = connection.next(Register.class).channelId();
    h.detach("calendar");
    calendar.replaces = false;
    h.attach("calendar", calendar);
    calendar.assertTold("push-register");
    h.answerRegister(connection, asked, endpoint(asked));
    assertThat(connection.next()).isEqualTo(new Unregister(asked));
    h.answerRegister(connection, mail, endpoint(mail));
    assertThat(other).isCompletedWithValue(endpoint(mail));
    assertThat(h.loop.timers()).isEqualTo(timers + 1); // until push-register is repeated
    assertThat(h.storage.state).contains("lost");
  }

  @Test
  void successorThatIsTakenBackIsUnregisteredThoughTheLossIsNotHandled() {
    begin();
    calendar.failing = true;
    h.attach("calendar", calendar.replacing());
    loseState();
    ChannelId successor = fulfil();
    h.detach("calendar");
    calendar.replaces = false;
    h.attach("calendar", calendar);
    assertThat(connection.next()).isEqualTo(new Unregister(successor));
    assertThat(h.storage.state).contains("lost").doesNotContain("channel");
  }

  @Test
  void uninstallConcernsNoOtherApplication() {
    connection = h.start().connected();
    h.registerWhenPossible("mail", "work");
    connection.next(Register.class);
    CompletableFuture<URI> pending = h.register("mail");
    ChannelId channelId = connection.next(Register.class).channelId();
    assertThat(h.uninstall("calendar")).isCompleted();
    h.answerRegister(connection, channelId, endpoint(channelId));
    assertThat(pending).isCompletedWithValue(endpoint(channelId));
    assertThat(h.storage.state).contains("wanted");
  }

  @Test
  void handlerThatGivesTheNewEndpointUpKeepsTheOldWhichIsRenewedLater() {
    h.renewing();
    ChannelId old = begin();
    calendar.failing = true;
    h.attach("calendar", calendar.replacing());
    pass(AGE);
    ChannelId successor = fulfilToABusyHandler();
    unregisterMeanwhile(successor);
    h.settle();
    assertThat(connection.next()).isEqualTo(new Unregister(successor));
    calendar.assertTold(endpoint(old) + " is now " + endpoint(successor));
    h.advance(Duration.ofMinutes(10));
    calendar.assertToldNothing(); // though it failed
    assertThat(renewals()).containsExactly(old);
    assertThat(h.registrations("calendar"))
        .extracting(PushRegistration::endpoint)
        .containsExactly(endpoint(old));
  }

  @Test
  void handlerThatEndsTheOverlapAndFailsGetsTheNewEndpointBeforeItsVersions() {
    h.renewing();
    ChannelId old = begin();
    calendar.failing = true;
    h.attach("calendar", calendar.replacing());
    pass(AGE);
    ChannelId successor = fulfilToABusyHandler();
    notifyMeanwhile(old, 3);
    unregisterMeanwhile(old);
    h.settle();
    assertThat(connection.next()).isEqualTo(new Unregister(old));
    String replaced = endpoint(old) + " is now " + endpoint(successor);
    calendar.assertTold(replaced);
    h.notifies(connection, successor, 2); // not news: they count as one
    calendar.assertToldNothing();
    calendar.failing = false;
    h.advance(Duration.ofSeconds(2));
    calendar.assertTold(replaced, push(successor, 3));
  }

  @Test
  void handlerThatEndsAPoisonedEndpointIsNotWokenForItAnyMore() {
    ChannelId old = begin();
    h.attach("calendar", calendar.replacing());
    assertThat(h.replace("calendar", endpoint(old))).isCompleted();
    ChannelId successor = fulfilToABusyHandler();
    notifyMeanwhile(old, Long.MAX_VALUE);
    unregisterMeanwhile(old);
    h.settle();
    calendar.assertTold(endpoint(old) + " is now " + endpoint(successor));
    h.notifies(connection, successor, 1);
    calendar.assertTold(push(successor, 1));
  }

  @Test
  void failedPushRegisterIsNotRepeatedIfItsHandlerUnregisteredWhatWasLost() {
    ChannelId lost = begin();
    calendar.failing = true;
    h.attach("calendar", calendar);
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    connection = h.server.accept();
    connection.events.opened();
    h.settleLoop();
    connection.events.received(
        "{\"messageType\":\"hello\",\"uaid\":\"" + Uaid.random().text() + "\",\"status\":200}");
    h.settleLoop();
    unregisterMeanwhile(lost);
    h.settle();
    calendar.assertTold("push-register");
    h.advance(Duration.ofMinutes(10));
    calendar.assertToldNothing();
  }

  @Test
  void closeDoesNotWaitForWhatCannotBeStartedAndLeavesNoTimers() {
    h.synchronising();
    ChannelId channelId = begin();
    h.notifies(connection, channelId, 1); // nobody is attached, and nothing is installed
    CompletableFuture<Void> closed = h.close();
    h.settle();
    assertThat(connection.closeCode).isEqualTo(1000);
    h.ends(connection, 1000);
    assertThat(closed).isDone();
    h.advance(DeviceHarness.TIMEOUT);
    assertThat(h.loop.timers()).isZero();
  }

  @Test
  void whatCouldNotBeStoredIsNotAcknowledgedWithSomethingElse() {
    ChannelId channelId = begin();
    h.attach("calendar", calendar);
    h.storage.broken = true;
    h.notifies(connection, channelId, 7);
    connection.assertNothingSaid();
    h.storage.broken = false;
    h.advance(Duration.ofMinutes(1));
    ChannelId stranger = ChannelId.random();
    h.notifies(connection, stranger, 1);
    assertThat(connection.next()).isEqualTo(ack(stranger, 1));
  }

  @Test
  void queuedRegisterIsNotTimedOutWhileThereIsNoConnection() {
    connection = h.start().connected();
    h.registerWhenPossible("calendar", "work");
    ChannelId asked = connection.next(Register.class).channelId();
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    h.server.accept();
    h.advance(Duration.ofSeconds(12)); // it did not open, and the next attempt is made
    connection = h.connected();
    assertThat(connection.next()).isEqualTo(new Register(asked));
  }

  @Test
  void versionsOfAnEndpointThatIsNotTakenWaitAfterARestartToo() {
    connection = h.start().connected();
    h.registerWhenPossible("calendar", "work");
    ChannelId channelId = fulfil();
    h = new DeviceHarness(h.storage);
    connection = h.start().connected();
    calendar.failing = true;
    h.attach("calendar", calendar);
    h.notifies(connection, channelId, 1);
    calendar.assertTold("work is " + endpoint(channelId));
    calendar.failing = false;
    h.advance(Duration.ofSeconds(2));
    calendar.assertTold("work is " + endpoint(channelId), push(channelId, 1));
  }

  @Test
  void answerThatNobodyWantsLeavesNoTimer() {
    ChannelId lost = begin();
    h.attach("calendar", calendar.replacing());
    int timers = h.loop.timers();
    loseState();
    ChannelId asked = connection.next(Register.class).channelId();
    assertThat(h.unregister("calendar", endpoint(lost))).isCompleted();
    h.answerRegister(connection, asked, endpoint(asked));
    assertThat(connection.next()).isEqualTo(new Unregister(asked));
    assertThat(h.loop.timers()).isEqualTo(timers);
  }

  @Test
  void registerThatTimesOutTakesNoOtherAlong() {
    connection = h.start().connected();
    CompletableFuture<URI> first = h.register("calendar");
    connection.next(Register.class);
    h.advance(Duration.ofSeconds(5));
    CompletableFuture<URI> second = h.register("calendar");
    ChannelId channelId = connection.next(Register.class).channelId();
    h.says(connection, "{}");
    h.advance(Duration.ofSeconds(5));
    assertThat(first).isCompletedExceptionally();
    assertThat(second).isNotDone();
    connection.next(Unregister.class);
    h.answerRegister(connection, channelId, endpoint(channelId));
    assertThat(second).isCompletedWithValue(endpoint(channelId));
  }

  @Test
  void lossThatOneApplicationHandledRemainsForTheOther() {
    ChannelId lost = begin();
    h.registered(connection, "mail");
    h.attach("calendar", calendar);
    loseState();
    calendar.assertTold("push-register");
    assertThat(h.storage.state).contains("=mail").doesNotContain("=calendar", lost.text());
    PushException failure = DeviceHarness.failure(h.replace("calendar", endpoint(lost)));
    assertThat(failure.kind()).isEqualTo(PushException.Kind.NOT_FOUND_ERROR);
  }

  @Test
  void lostEndpointOfAnotherApplicationIsNotFound() {
    ChannelId lost = begin();
    loseState();
    PushException failure = DeviceHarness.failure(h.replace("mail", endpoint(lost)));
    assertThat(failure.kind()).isEqualTo(PushException.Kind.NOT_FOUND_ERROR);
    assertThat(h.replace("calendar", endpoint(lost))).isCompleted();
  }

  @Test
  void applicationWithAQueuedRegisterIsToldToSynchroniseAndOneWithoutAnythingIsNot() {
    h.synchronising();
    ChannelId first = begin();
    ChannelId mail = h.registered(connection, "mail");
    h.registerWhenPossible("calendar", "work");
    assertThat(h.unregister("calendar", endpoint(first))).isCompleted();
    assertThat(synchronised()).containsExactlyInAnyOrder("=calendar", "=mail");
    assertThat(h.unregister("mail", endpoint(mail))).isCompleted();
    assertThat(synchronised()).containsExactly("=calendar");
  }

  private List<String> synchronised() {
    return h.storage
        .state
        .lines()
        .filter(line -> line.startsWith("synchronise "))
        .map(line -> line.split(" ")[2])
        .toList();
  }

  @Test
  void onlyTheManifestThatIsInstalledIs() {
    h.start();
    Manifest manifest = manifest("C", "it");
    assertThat(h.install("calendar", manifest)).isCompleted();
    h.loop.run(
        () -> {
          assertThat(h.device.isInstalled("calendar", manifest)).isTrue();
          assertThat(h.device.isInstalled("calendar", manifest("C", "other"))).isFalse();
          assertThat(h.device.isInstalled("mail", manifest)).isFalse();
        });
  }
}
