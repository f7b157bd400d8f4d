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
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.DeviceHarness.Recorder;
import org.simplepush.client.testing.FakeServer.FakeConnection;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage.Register;
import org.simplepush.core.ClientMessage.Unregister;
import org.simplepush.core.Uaid;
import org.simplepush.core.fixtures.LogCapture;

/** What an application does not handle is kept for one that does, and somebody is told. */
@Timeout(10)
class CapabilitiesTest {
  private static final String LOST =
      "The push server has lost endpoints of application calendar, and its handler cannot deal";

  private final DeviceHarness h = new DeviceHarness();
  private final Recorder calendar = new Recorder();

  /** Handles versions and nothing else. */
  private final Handlers lambda = handlers(message -> calendar.told.add(message));

  private FakeConnection connection;

  /** The device is connected, and the calendar has an endpoint. */
  private ChannelId begin() {
    connection = h.start().connected();
    return h.registered(connection, "calendar");
  }

  private void loseState() {
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    connection = h.connected(Uaid.random());
  }

  private static ChannelId fulfil(DeviceHarness harness, FakeConnection connection) {
    ChannelId channelId = connection.next(Register.class).channelId();
    harness.answerRegister(connection, channelId, endpoint(channelId));
    return channelId;
  }

  private static String replaced(ChannelId lost, ChannelId successor) {
    return endpoint(lost) + " is now " + endpoint(successor);
  }

  @Test
  void lambdaKeepsALossAndIsWarnedAtOnceAndAtEachStart() {
    ChannelId lost = begin();
    h.attach("calendar", lambda);
    try (LogCapture log = new LogCapture()) {
      loseState();
      assertThat(log.lines(LOST)).hasSize(1);
      h.advance(Duration.ofDays(1));
      assertThat(log.lines(LOST)).hasSize(1);
    }
    connection.next();
    for (int start = 1; start <= 3; start++) {
      try (LogCapture log = new LogCapture()) {
        DeviceHarness restarted = new DeviceHarness(h.storage).start();
        restarted.attach("calendar", lambda);
        assertThat(log.lines(LOST)).hasSize(1);
        restarted.connected().assertNothingSaid();
      }
    }
    calendar.assertToldNothing();

    // A program that was attached before the start is warned as well, and once.
    try (LogCapture log = new LogCapture()) {
      DeviceHarness restarted = new DeviceHarness(h.storage);
      restarted.attachBeforeStart("calendar", lambda);
      restarted.start();
      assertThat(log.lines(LOST)).hasSize(1);
    }

    // And the next version of the program, which can do it, does.
    DeviceHarness restarted = new DeviceHarness(h.storage).start();
    restarted.attach("calendar", calendar.replacing());
    calendar.assertToldNothing();
    ChannelId successor = fulfil(restarted, restarted.connected());
    calendar.assertTold(replaced(lost, successor));
    assertThat(h.storage.state).doesNotContain("lost");
  }

  @Test
  void programThatRegistersByItselfGetsAnOldLossOnce() {
    begin();
    h.attach("calendar", lambda);
    loseState();
    DeviceHarness restarted = new DeviceHarness(h.storage).start();
    restarted.attach("calendar", calendar);
    calendar.assertTold("push-register");
    assertThat(h.storage.state).doesNotContain("lost");
    new DeviceHarness(h.storage).start().attach("calendar", calendar);
    calendar.assertToldNothing();
  }

  @Test
  void exceptionOfAnyTypeIsAFailedHandlerAndNothingIsGivenBack() {
    ChannelId lost = begin();
    h.attach(
        "calendar",
        handlers(
            message -> {},
            (old, endpoint) -> {
              calendar.told.add(old + " is now " + endpoint);
              if (calendar.told.size() == 1) {
                List.<URI>of().add(endpoint); // UnsupportedOperationException
              }
            }));
    loseState();
    ChannelId successor = fulfil(h, connection);
    connection.assertNothingSaid();
    assertThat(h.storage.state).contains("lost");
    h.advance(Duration.ofSeconds(2));
    calendar.assertTold(replaced(lost, successor), replaced(lost, successor));
    connection.assertNothingSaid();
    assertThat(h.storage.state).doesNotContain("lost");
  }

  @Test
  void nothingIsRegisteredForAnApplicationOfWhichNothingIsKnown() {
    begin();
    loseState();
    connection.assertNothingSaid();
    h.attach("calendar", calendar.replacing());
    fulfil(h, connection);
  }

  @Test
  void applicationThatDoesNotRunIsStartedAndThenItsEndpointsAreReplaced() {
    h.launches = true;
    ChannelId lost = begin();
    h.loop.execute(
        () -> h.device.install("calendar", manifest("C", "it"), reply(new CompletableFuture<>())));
    loseState();
    assertThat(h.launching).containsExactly("calendar with it");
    connection.assertNothingSaid();
    h.attach("calendar", calendar.replacing());
    calendar.assertToldNothing();
    h.detach("calendar");
    h.loop.execute(() -> h.launchEnds.remove().accept(null));
    h.settle();
    h.launching.clear();

    // Now it is known what it can do.
    ChannelId successor = fulfil(h, connection);
    assertThat(h.launching).containsExactly("calendar with it");
    h.attach("calendar", calendar);
    calendar.assertTold(replaced(lost, successor));
  }

  @Test
  void applicationIsNotStartedForWhatItDoesNotHandle() {
    h.launches = true;
    ChannelId channelId = begin();
    h.loop.execute(
        () -> h.device.install("calendar", manifest("C", "it"), reply(new CompletableFuture<>())));
    h.attach("calendar", lambda);
    h.detach("calendar");
    loseState();
    assertThat(h.launching).isEmpty();
    assertThat(channelId).isNotNull();
    ChannelId other = h.registered(connection, "calendar");
    h.notifies(connection, other, 1);
    assertThat(h.launching).containsExactly("calendar with it");
  }

  @Test
  void unregisteringWhatWasLostEndsTheWarnings() {
    ChannelId lost = begin();
    h.attach("calendar", lambda);
    loseState();
    assertThat(h.unregister("calendar", endpoint(lost))).isCompleted();
    assertThat(h.storage.state).doesNotContain("lost");
    try (LogCapture log = new LogCapture()) {
      h.detach("calendar");
      h.attach("calendar", calendar);
      assertThat(log.lines(LOST)).isEmpty();
    }
    calendar.assertToldNothing();
  }

  @Test
  void pushRegisterThatFailedIsNotRepeatedOnceNothingIsLostAnyMore() {
    ChannelId lost = begin();
    calendar.failing = true;
    h.attach("calendar", calendar);
    loseState();
    calendar.assertTold("push-register");
    assertThat(h.unregister("calendar", endpoint(lost))).isCompleted();
    h.advance(Duration.ofHours(1));
    calendar.assertToldNothing();
  }

  @Test
  void successorGoesBackIfTheProgramDoesNotReplaceAnyMore() {
    begin();
    h.attach("calendar", calendar.replacing());
    calendar.failing = true;
    loseState();
    ChannelId successor = fulfil(h, connection);
    calendar.told.clear();
    h.detach("calendar");
    calendar.failing = false;
    calendar.replaces = false;
    h.attach("calendar", calendar);
    assertThat(connection.next()).isEqualTo(new Unregister(successor));
    calendar.assertTold("push-register");
    h.advance(Duration.ofHours(1));
    calendar.assertToldNothing();
    assertThat(h.registrations("calendar")).isEmpty();
    assertThat(h.storage.state).doesNotContain("lost", "channel");
  }

  @Test
  void successorThatIsBeingAskedForGoesBackToo() {
    begin();
    h.attach("calendar", calendar.replacing());
    loseState();
    ChannelId asked = connection.next(Register.class).channelId();
    h.detach("calendar");
    calendar.replaces = false;
    h.attach("calendar", calendar);
    calendar.assertTold("push-register");
    h.answerRegister(connection, asked, endpoint(asked));
    assertThat(connection.next()).isEqualTo(new Unregister(asked));
    h.advance(Duration.ofMinutes(10));
    connection.assertNothingSaid();
  }

  @Test
  void renewalThatIsBeingAskedForEndsIfTheProgramDoesNotReplaceAnyMore() {
    h.renewing();
    ChannelId old = begin();
    h.says(connection, "{}");
    h.loop.setClock(Duration.ofDays(40));
    for (int i = 0; i < 20 * 60 && !connection.hasSaid(); i++) {
      h.advance(Duration.ofSeconds(1));
    }
    ChannelId asked = connection.next(Register.class).channelId();
    h.attach("calendar", calendar);
    h.answerRegister(connection, asked, endpoint(asked));
    assertThat(connection.next()).isEqualTo(new Unregister(asked));
    assertThat(h.storage.state).contains("renew ").doesNotContain("renewed");
    h.notifies(connection, old, 1);
    calendar.assertTold(push(old, 1));
  }

  @Test
  void endpointThatWasQueuedWaitsForAProgramThatTakesIt() {
    connection = h.start().connected();
    h.attach("calendar", lambda);
    h.loop.execute(
        () -> h.device.registerWhenPossible("calendar", "work", reply(new CompletableFuture<>())));
    h.settle();
    ChannelId channelId;
    try (LogCapture log = new LogCapture()) {
      channelId = fulfil(h, connection);
      assertThat(log.lines("A new endpoint waits for application calendar"))
          .singleElement()
          .asString()
          .endsWith("Implement RegisteredHandler");
    }
    h.notifies(connection, channelId, 1);
    calendar.assertToldNothing();
    assertThat(h.storage.state).contains("wanted");
    h.detach("calendar");
    h.attach("calendar", calendar);
    calendar.assertTold("work is " + endpoint(channelId), push(channelId, 1));
    assertThat(connection.next()).isEqualTo(ack(channelId, 1));
    assertThat(h.storage.state).doesNotContain("wanted");
  }

  @Test
  void synchroniseWaitsForAProgramThatCan() {
    h.synchronising();
    begin();
    h.attach("calendar", lambda);
    h.ends(connection, 1006);
    try (LogCapture log = new LogCapture()) {
      h.advance(Duration.ofDays(2));
      assertThat(log.lines("Nothing has woken application calendar for long")).hasSize(1);
    }
    h.detach("calendar");
    h.attach("calendar", calendar);
    calendar.assertTold("synchronise");
  }
}
