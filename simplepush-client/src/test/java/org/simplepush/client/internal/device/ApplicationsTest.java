package org.simplepush.client.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.client.testing.DeviceHarness.UAID;
import static org.simplepush.client.testing.DeviceHarness.ack;
import static org.simplepush.client.testing.DeviceHarness.endpoint;
import static org.simplepush.client.testing.DeviceHarness.failure;
import static org.simplepush.client.testing.DeviceHarness.manifest;
import static org.simplepush.client.testing.DeviceHarness.push;
import static org.simplepush.client.testing.DeviceHarness.reply;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.client.PushException;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.DeviceHarness.Recorder;
import org.simplepush.client.testing.FakeServer.FakeConnection;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage.Hello;
import org.simplepush.core.ClientMessage.Register;
import org.simplepush.core.ClientMessage.Unregister;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;

/** Installing, starting and removing applications. */
@Timeout(10)
class ApplicationsTest {
  private static final Manifest CALENDAR = manifest("Calendar", "com.example.Calendar");

  private final DeviceHarness h = new DeviceHarness();
  private final Recorder calendar = new Recorder();

  private CompletableFuture<Void> install(Manifest manifest) {
    CompletableFuture<Void> result = new CompletableFuture<>();
    h.loop.execute(() -> h.device.install("calendar", manifest, reply(result)));
    h.settle();
    return result;
  }

  private CompletableFuture<Void> uninstall() {
    CompletableFuture<Void> result = new CompletableFuture<>();
    h.loop.execute(() -> h.device.uninstall("calendar", reply(result)));
    h.settle();
    return result;
  }

  private static Map<String, Manifest> installed(DeviceHarness harness) {
    CompletableFuture<Map<String, Manifest>> result = new CompletableFuture<>();
    harness.loop.execute(() -> harness.device.installed(reply(result)));
    harness.settle();
    return result.join();
  }

  private void launched(Throwable failure) {
    h.loop.execute(() -> h.launchEnds.remove().accept(failure));
    h.settle();
  }

  private void assertLaunches(int count) {
    assertThat(h.launching).hasSize(count).allMatch("calendar with com.example.Calendar"::equals);
    h.launching.clear();
  }

  @Test
  void manifestsSurviveARestart() {
    h.start();
    assertThat(install(CALENDAR)).isCompleted();
    assertThat(installed(new DeviceHarness(h.storage).start()))
        .isEqualTo(Map.of("calendar", CALENDAR));
    uninstall();
    assertThat(installed(new DeviceHarness(h.storage).start())).isEmpty();
  }

  @Test
  void registerNeedsThePermission() {
    h.start();
    install(new Manifest("C", Set.of("desktop-notification"), ""));
    PushException failure = failure(h.register("calendar"));
    assertThat(failure.kind()).isEqualTo(PushException.Kind.PERMISSION_DENIED_ERROR);
    assertThat(failure).hasMessageStartingWith("PermissionDeniedError: ");
  }

  @Test
  void applicationThatIsNotRunningIsStartedForAMessage() {
    h.launches = true;
    FakeConnection connection = h.start().connected();
    install(CALENDAR);
    ChannelId channelId = h.registered(connection, "calendar");
    assertLaunches(0);
    h.notifies(connection, channelId, 1);
    assertLaunches(1);
    h.notifies(connection, channelId, 2); // it is being started already
    assertLaunches(0);
    h.attach("calendar", calendar);
    launched(null);
    calendar.assertTold(push(channelId, 2));
    assertThat(connection.next()).isEqualTo(ack(channelId, 2));
    h.advance(Duration.ofHours(1));
    assertLaunches(0);
  }

  @Test
  void applicationThatCouldNotBeStartedIsStartedAgainLater() {
    h.launches = true;
    FakeConnection connection = h.start().connected();
    install(CALENDAR);
    ChannelId channelId = h.registered(connection, "calendar");
    h.notifies(connection, channelId, 1);
    assertLaunches(1);
    launched(new Exception("no memory"));
    h.notifies(connection, channelId, 2); // does not shorten the break
    assertLaunches(0);
    h.advance(Duration.ofSeconds(2));
    assertLaunches(1);
    launched(new Exception("no memory"));
    h.advance(Duration.ofSeconds(4));
    assertLaunches(1);
  }

  @Test
  void applicationThatDoesNotAttachIsStartedAgainLater() {
    h.launches = true;
    FakeConnection connection = h.start().connected();
    install(CALENDAR);
    ChannelId channelId = h.registered(connection, "calendar");
    h.notifies(connection, channelId, 1);
    launched(null);
    assertLaunches(1);
    h.advance(Inbox.LAUNCH_TIME);
    assertLaunches(0);
    h.advance(Duration.ofSeconds(2));
    assertLaunches(1);
  }

  @Test
  void detachedApplicationIsStartedForTheNextMessage() {
    h.launches = true;
    FakeConnection connection = h.start().connected();
    install(CALENDAR);
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(connection, "calendar");
    h.loop.execute(() -> h.device.detach("calendar"));
    h.settle();
    assertLaunches(0);
    h.notifies(connection, channelId, 1);
    calendar.assertToldNothing();
    assertLaunches(1);
  }

  @Test
  void pushRegisterStartsTheApplicationToo() {
    h.launches = true;
    FakeConnection connection = h.start().connected();
    install(CALENDAR);
    h.registered(connection, "calendar");
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    h.connected(Uaid.random());
    assertLaunches(1);
  }

  @Test
  void applicationThatIsNotInstalledIsNotStarted() {
    h.launches = true;
    FakeConnection connection = h.start().connected();
    ChannelId channelId = h.registered(connection, "calendar");
    h.notifies(connection, channelId, 1);
    assertLaunches(0);
    h.attach("calendar", calendar);
    calendar.assertTold(push(channelId, 1));
  }

  @Test
  void uninstallingUnregistersQuietly() {
    FakeConnection connection = h.start().connected();
    install(CALENDAR);
    ChannelId channelId = h.registered(connection, "calendar");
    ChannelId other = h.registered(connection, "mail");
    h.notifies(connection, channelId, 1);
    CompletableFuture<URI> pending = h.register("calendar");
    connection.next(Register.class);
    assertThat(uninstall()).isCompleted();
    assertThat(connection.next()).isEqualTo(new Unregister(channelId));
    assertThat(failure(pending).kind()).isEqualTo(PushException.Kind.ABORT_ERROR);
    assertThat(h.storage.state).doesNotContain("calendar");

    h.attach("calendar", calendar); // installed again: nothing is left for it
    h.notifies(connection, channelId, 2);
    assertThat(connection.next()).isEqualTo(ack(channelId, 2));
    calendar.assertToldNothing();
    h.ends(connection, 1001);
    h.advance(Duration.ofSeconds(1));
    FakeConnection second = h.server.accept();
    h.open(second);
    assertThat(second.next()).isEqualTo(new Hello(UAID, List.of(other)));
    assertThat(h.registrations("mail")).extracting("endpoint").containsExactly(endpoint(other));
  }

  /** The application is handed a version, and its handler has not returned. */
  private Runnable handlerRuns(FakeConnection connection, ChannelId channelId) {
    connection.events.received(
        DeviceHarness.notification(new Update(channelId, 1)).replace('\'', '"'));
    h.settleLoop();
    return h.callbacks.remove();
  }

  private void uninstallWhileHandlerRuns() {
    h.loop.execute(() -> h.device.uninstall("calendar", reply(new CompletableFuture<>())));
    h.settleLoop();
    h.callbacks.clear(); // the future's
  }

  @Test
  void nextApplicationOfAnUninstalledOnesNameIsCalledAfterItsHandlerReturned() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    ChannelId channelId = h.registered(connection, "calendar");
    Runnable handler = handlerRuns(connection, channelId);
    uninstallWhileHandlerRuns();
    Recorder next = new Recorder();
    h.attach("calendar", next);
    assertThat(connection.next()).isEqualTo(new Unregister(channelId));
    ChannelId other = h.registered(connection, "calendar");
    h.notifies(connection, other, 5);
    next.assertToldNothing();
    handler.run();
    h.settle();
    calendar.assertTold(push(channelId, 1));
    next.assertTold(push(other, 5));
    assertThat(connection.next()).isEqualTo(ack(other, 5));
    connection.assertNothingSaid();
  }

  @Test
  void handlerOfAnUninstalledApplicationAnswersNothingForTheNextOne() {
    FakeConnection connection = h.synchronising().start().connected();
    calendar.failing = true;
    h.attach("calendar", calendar);
    h.registered(connection, "calendar");
    h.loop.setClock(Duration.ofDays(2));
    h.says(connection, "{}");
    while (h.callbacks.isEmpty()) {
      assertThat(h.loop.runTimer(h.loop.elapsed() + Duration.ofMinutes(20).toNanos())).isTrue();
      h.settleLoop();
    }
    Runnable handler = h.callbacks.remove();
    uninstallWhileHandlerRuns();
    connection.next(Unregister.class);
    Recorder next = new Recorder();
    h.attach("calendar", next);
    h.registered(connection, "calendar");
    handler.run();
    h.settle();
    calendar.assertTold("synchronise");
    h.advance(Duration.ofMinutes(1)); // what failed was for another one
    next.assertToldNothing();
  }

  @Test
  void closeWaitsForTheHandlerOfAnUninstalledApplication() {
    FakeConnection connection = h.start().connected();
    h.attach("calendar", calendar);
    Runnable handler = handlerRuns(connection, h.registered(connection, "calendar"));
    uninstallWhileHandlerRuns();
    h.close();
    h.settle();
    assertThat(connection.closeCode).isNull();
    handler.run();
    h.settle();
    assertThat(connection.closeCode).isEqualTo(1000);
  }

  @Test
  void closeWaitsForTheLauncher() {
    h.launches = true;
    FakeConnection connection = h.start().connected();
    install(CALENDAR);
    h.notifies(connection, h.registered(connection, "calendar"), 1);
    assertLaunches(1);
    h.close();
    h.settle();
    assertThat(connection.closeCode).isNull();
    launched(null);
    assertThat(connection.closeCode).isEqualTo(1000);
    h.advance(Duration.ofHours(1));
    assertLaunches(0);
  }

  @Test
  void applicationThatIsInstalledAnewWhileTheLastIsStartedIsStartedAsWell() {
    h.launches = true;
    FakeConnection connection = h.start().connected();
    install(CALENDAR);
    h.notifies(connection, h.registered(connection, "calendar"), 1);
    assertLaunches(1);
    uninstall();
    assertThat(connection.next()).isInstanceOf(Unregister.class);
    install(CALENDAR);
    h.notifies(connection, h.registered(connection, "calendar"), 1);
    assertLaunches(0);
    launched(null);
    assertLaunches(1);
  }

  @Test
  void registerThatIsAnsweredWhileTheApplicationIsUninstalledIsAborted() {
    FakeConnection connection = h.start().connected();
    CompletableFuture<URI> result = new CompletableFuture<>();
    h.loop.execute(() -> h.device.register("calendar", reply(result)));
    h.settle();
    ChannelId channelId = connection.next(Register.class).channelId();
    connection.events.received(
        "{\"messageType\":\"register\",\"status\":200,\"channelID\":\""
            + channelId.text()
            + "\",\"pushEndpoint\":\""
            + endpoint(channelId)
            + "\"}");
    h.loop.execute(() -> h.device.uninstall("calendar", reply(new CompletableFuture<>())));
    h.settle();
    assertThat(failure(result).kind()).isEqualTo(PushException.Kind.ABORT_ERROR);
    assertThat(connection.next()).isEqualTo(new Unregister(channelId));
    assertThat(h.storage.state).doesNotContain("channel");
  }

  @Test
  void applicationThatIsDetachedBeforeItsStartWasReportedIsStartedAgainAtOnce() {
    FakeConnection connection = h.start().connected();
    h.launches = true;
    CompletableFuture<Void> installed = new CompletableFuture<>();
    h.loop.execute(() -> h.device.install("calendar", manifest("C", "it"), reply(installed)));
    ChannelId channelId = h.registered(connection, "calendar");
    h.notifies(connection, channelId, 1);
    Recorder handler = new Recorder();
    h.attach("calendar", handler);
    handler.assertTold(push(channelId, 1));
    h.loop.execute(() -> h.device.detach("calendar"));
    h.notifies(connection, channelId, 2);
    h.launching.clear();
    h.loop.run(() -> h.launchEnds.poll().accept(null));
    assertThat(h.launching).containsExactly("calendar with it");
  }
}
