package org.simplepush.client.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.simplepush.client.testing.DeviceHarness.endpoint;
import static org.simplepush.client.testing.DeviceHarness.manifest;
import static org.simplepush.client.testing.DeviceHarness.push;
import static org.simplepush.client.testing.DeviceHarness.reply;

import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.client.PushClient;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.DeviceHarness.Recorder;
import org.simplepush.client.testing.FakeServer.FakeConnection;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage.Register;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;

/** Applications that nothing woke for a day are told to synchronise. */
@Timeout(10)
class SynchroniseTest {
  private static final Duration DAY = Duration.ofDays(1);

  /** How long the wait is with the longest spread and the longest break after it. */
  private static final Duration LONGEST = DAY.plusHours(1).plus(Deadlines.MAX_BREAK);

  private static final Duration LITTLE = Duration.ofSeconds(1);

  private final DeviceHarness h = new DeviceHarness();
  private final Recorder calendar = new Recorder();
  private final Recorder mail = new Recorder();
  private FakeConnection connection;
  private ChannelId channelId;

  /** The device is connected, and the calendar registered and attached. */
  private void begin(DeviceHarness harness) {
    connection = harness.start().connected();
    harness.attach("calendar", calendar);
    channelId = harness.registered(connection, "calendar");
  }

  /** Time goes by and the server answers pings. */
  private void pass(DeviceHarness harness, Duration time) {
    Duration left = time;
    while (left.compareTo(Duration.ZERO) > 0) {
      Duration step = left.compareTo(Duration.ofMinutes(10)) < 0 ? left : Duration.ofMinutes(10);
      harness.says(connection, "{}");
      harness.advance(step);
      left = left.minus(step);
    }
  }

  @Test
  void applicationIsToldAfterADayWithoutAPush() {
    begin(h.synchronising());
    pass(h, LONGEST.minus(LITTLE));
    calendar.assertToldNothing();
    pass(h, LITTLE);
    calendar.assertTold("synchronise");
    pass(h, LONGEST.minus(LITTLE));
    calendar.assertToldNothing();
    pass(h, LITTLE);
    calendar.assertTold("synchronise");
  }

  @Test
  void offByDefault() {
    begin(h);
    pass(h, Duration.ofDays(3));
    calendar.assertToldNothing();
    assertThat(h.storage.state).doesNotContain("synchronise");
  }

  @Test
  void pushBeginsTheWaitAnew() {
    begin(h.synchronising());
    pass(h, Duration.ofHours(20));
    h.notifies(connection, channelId, 1);
    calendar.assertTold(push(channelId, 1));
    pass(h, LONGEST.minus(LITTLE));
    calendar.assertToldNothing();
    pass(h, LITTLE);
    calendar.assertTold("synchronise");
  }

  @Test
  void pushRegisterBeginsTheWaitAnew() {
    begin(h.synchronising());
    pass(h, Duration.ofHours(20));
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    connection = h.connected(Uaid.random());
    calendar.assertTold("push-register");
    pass(h, LONGEST.minus(LITTLE));
    calendar.assertToldNothing();
    pass(h, LITTLE);
    calendar.assertTold("synchronise"); // though it has not registered anew
  }

  @Test
  void replacedEndpointBeginsTheWaitAnew() {
    calendar.replacing();
    begin(h.synchronising());
    pass(h, Duration.ofHours(20));
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    connection = h.connected(Uaid.random());
    ChannelId successor = register();
    calendar.assertTold(endpoint(channelId) + " is now " + endpoint(successor));
    pass(h, LONGEST.minus(LITTLE));
    calendar.assertToldNothing();
    pass(h, LITTLE);
    calendar.assertTold("synchronise");
  }

  private ChannelId register() {
    ChannelId asked = connection.next(Register.class).channelId();
    h.answerRegister(connection, asked, endpoint(asked));
    return asked;
  }

  @Test
  void handlerThatThrowsIsToldAgainAndThenTheWaitBegins() {
    begin(h.synchronising());
    calendar.failing = true;
    pass(h, LONGEST);
    calendar.assertTold("synchronise");
    calendar.failing = false;
    h.advance(Duration.ofSeconds(2));
    calendar.assertTold("synchronise");
    pass(h, LONGEST.minus(LITTLE));
    calendar.assertToldNothing();
    pass(h, LITTLE);
    calendar.assertTold("synchronise");
  }

  @Test
  void pushInsteadOfARepetitionWillDo() {
    begin(h.synchronising());
    calendar.failing = true;
    pass(h, LONGEST);
    calendar.assertTold("synchronise");
    calendar.failing = false;
    h.notifies(connection, channelId, 1);
    h.advance(Duration.ofMinutes(10));
    calendar.assertTold(push(channelId, 1));
  }

  @Test
  void comesInOrderWithPushes() {
    begin(h.synchronising());
    pass(h, DAY.plusHours(1));
    h.advance(Deadlines.MAX_BREAK.minus(LITTLE));
    calendar.assertToldNothing();
    connection.events.received(
        DeviceHarness.notification(new Update(channelId, 1)).replace('\'', '"'));
    h.settleLoop(); // its handler is busy now
    while (h.loop.runTimer(h.loop.elapsed() + LITTLE.toNanos())) {
      h.settleLoop();
    }
    assertThat(h.callbacks).hasSize(1);
    h.settle();
    calendar.assertTold(push(channelId, 1)); // and the synchronise has become superfluous
    assertThat(connection.next()).isNotNull();
  }

  @Test
  void comesWithoutAConnectionToo() {
    begin(h.synchronising());
    h.ends(connection, 1006);
    h.advance(LONGEST);
    calendar.assertTold("synchronise");
  }

  @Test
  void waitGoesOnWhileTheProcessIsDown() {
    begin(h.synchronising());
    pass(h, Duration.ofHours(10));
    DeviceHarness restarted = new DeviceHarness(h.storage).synchronising();
    restarted.loop.setClock(Duration.ofHours(20)); // ten hours later
    connection = restarted.start().connected();
    restarted.attach("calendar", calendar);
    pass(restarted, Duration.ofHours(5).plus(Deadlines.MAX_BREAK).minus(LITTLE));
    calendar.assertToldNothing();
    pass(restarted, LITTLE);
    calendar.assertTold("synchronise");
  }

  @Test
  void waitThatEndedWhileTheProcessWasDownIsToldAtOnce() {
    begin(h.synchronising());
    DeviceHarness restarted = new DeviceHarness(h.storage).synchronising();
    restarted.loop.setClock(Duration.ofDays(30));
    connection = restarted.start().connected();
    restarted.attach("calendar", calendar);
    pass(restarted, Deadlines.MAX_BREAK);
    calendar.assertTold("synchronise");
  }

  @Test
  void whatWasNotConfirmedBeforeTheProcessDiedIsToldAgain() {
    begin(h.synchronising());
    calendar.failing = true;
    pass(h, LONGEST);
    calendar.assertTold("synchronise");
    DeviceHarness restarted = new DeviceHarness(h.storage).synchronising();
    restarted.loop.setClock(LONGEST);
    restarted.start().attach("calendar", mail);
    restarted.advance(Deadlines.MAX_BREAK);
    mail.assertTold("synchronise");
    new DeviceHarness(h.storage).synchronising().start().attach("calendar", calendar);
    calendar.assertToldNothing();
  }

  @Test
  void clockSetBackDelaysNothing() {
    begin(h.synchronising());
    h.loop.setClock(Duration.ofDays(-400));
    pass(h, LONGEST);
    calendar.assertTold("synchronise");
  }

  @Test
  void clockSetBackWhileTheProcessWasDownDelaysByNoMoreThanAWait() {
    begin(h.synchronising());
    DeviceHarness restarted = new DeviceHarness(h.storage).synchronising();
    restarted.loop.setClock(Duration.ofDays(-400));
    connection = restarted.start().connected();
    restarted.attach("calendar", calendar);
    pass(restarted, LONGEST.minus(LITTLE));
    calendar.assertToldNothing();
    pass(restarted, LITTLE);
    calendar.assertTold("synchronise");
  }

  @Test
  void sleepOfTheDeviceIsNoticedWhenItConnectsAgain() {
    begin(h.synchronising());
    h.loop.setClock(Duration.ofDays(2)); // no timer has run
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    connection = h.connected();
    h.advance(Deadlines.MAX_BREAK);
    calendar.assertTold("synchronise");
  }

  @Test
  void sleepOfTheDeviceIsNoticedByItself() {
    begin(h.synchronising());
    h.loop.setClock(Duration.ofDays(2));
    pass(h, Deadlines.LOOK.plus(Deadlines.MAX_BREAK));
    calendar.assertTold("synchronise");
  }

  @Test
  void afterALongSleepApplicationsAreToldOneAfterTheOther() {
    begin(h.synchronising());
    h.attach("mail", mail);
    h.registered(connection, "mail");
    h.loop.setClock(Duration.ofDays(2));
    pass(h, Deadlines.LOOK.plus(Deadlines.MAX_BREAK));
    calendar.assertTold("synchronise");
    mail.assertToldNothing();
    pass(h, Deadlines.MAX_BREAK.minus(LITTLE));
    mail.assertToldNothing();
    pass(h, LITTLE);
    mail.assertTold("synchronise");
    calendar.assertToldNothing();
  }

  @Test
  void applicationThatIsNotRunningIsStarted() {
    h.launches = true;
    connection = h.synchronising().start().connected();
    CompletableFuture<Void> installed = new CompletableFuture<>();
    h.loop.execute(
        () -> h.device.install("calendar", manifest("Calendar", "it"), reply(installed)));
    channelId = h.registered(connection, "calendar");
    pass(h, LONGEST);
    assertThat(h.launching).containsExactly("calendar with it");
    h.attach("calendar", calendar);
    calendar.assertTold("synchronise");
  }

  @Test
  void unregisteringTheLastEndpointEndsIt() {
    begin(h.synchronising());
    ChannelId other = h.registered(connection, "calendar");
    h.unregister("calendar", endpoint(other));
    assertThat(h.storage.state).contains("synchronise");
    h.unregister("calendar", endpoint(channelId));
    assertThat(h.storage.state).doesNotContain("synchronise");
    pass(h, Duration.ofDays(2));
    calendar.assertToldNothing();
  }

  @Test
  void unregisteredWhileItWasAboutToBeToldItIsNot() {
    begin(h.synchronising());
    calendar.failing = true;
    pass(h, LONGEST);
    calendar.assertTold("synchronise");
    h.unregister("calendar", endpoint(channelId));
    h.advance(Duration.ofHours(1));
    calendar.assertToldNothing();
  }

  @Test
  void failedSynchroniseOfAnApplicationThatUnregisteredIsNotRepeated() {
    begin(h.synchronising());
    calendar.failing = true;
    h.loop.setClock(Duration.ofDays(2));
    h.says(connection, "{}");
    while (h.callbacks.isEmpty()) {
      assertThat(h.loop.runTimer(h.loop.elapsed() + Duration.ofMinutes(20).toNanos())).isTrue();
      h.settleLoop();
    } // its handler is busy now
    h.loop.execute(
        () ->
            h.device.unregister("calendar", endpoint(channelId), reply(new CompletableFuture<>())));
    h.settle();
    calendar.assertTold("synchronise");
    h.advance(Duration.ofMinutes(10));
    calendar.assertToldNothing();
  }

  @Test
  void lostEndpointIsStillInUse() {
    begin(h.synchronising());
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    calendar.failing = true;
    connection = h.connected(Uaid.random());
    calendar.assertTold("push-register");
    assertThat(h.storage.state).contains("synchronise");
    h.unregister("calendar", endpoint(channelId));
    assertThat(h.storage.state).doesNotContain("synchronise", "lost");
  }

  @Test
  void uninstallingEndsIt() {
    begin(h.synchronising());
    CompletableFuture<Void> uninstalled = new CompletableFuture<>();
    h.loop.execute(() -> h.device.uninstall("calendar", reply(uninstalled)));
    h.settle();
    assertThat(h.storage.state).doesNotContain("synchronise");
  }

  @Test
  void turnedOnLaterItConcernsWhatIsThere() {
    begin(h);
    connection = new DeviceHarness(h.storage).synchronising().start().connected();
    assertThat(h.storage.state).contains("synchronise");
  }

  @Test
  void shorterWaitAppliesAtOnce() {
    begin(h.synchronising(Duration.ofDays(100)));
    DeviceHarness restarted = new DeviceHarness(h.storage).synchronising();
    connection = restarted.start().connected();
    restarted.attach("calendar", calendar);
    pass(restarted, LONGEST);
    calendar.assertTold("synchronise");
  }

  @ParameterizedTest
  @ValueSource(strings = {"PT0.999S", "PT0S", "PT-1S", "P366DT1S"})
  void waitIsCheckedAtOnce(String wait) {
    PushClient.Builder builder = PushClient.builder(URI.create("wss://push.example.org/"));
    assertThatThrownBy(() -> builder.synchroniseAfter(Duration.parse(wait)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("synchroniseAfter must be 1 s to 366 days");
  }
}
