package org.simplepush.client.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.client.testing.DeviceHarness.endpoint;
import static org.simplepush.client.testing.DeviceHarness.failure;
import static org.simplepush.client.testing.DeviceHarness.manifest;
import static org.simplepush.client.testing.DeviceHarness.push;

import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.client.PushException;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.DeviceHarness.Recorder;
import org.simplepush.client.testing.FakeServer.FakeConnection;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage.Hello;
import org.simplepush.core.ClientMessage.Register;
import org.simplepush.core.ClientMessage.Unregister;
import org.simplepush.core.Uaid;

/**
 * The storage fails: nobody is told that something is done that a restart would undo, and the
 * server never lacks a channel that a restart would ask for.
 */
@Timeout(10)
class StorageTroubleTest {
  private static final Manifest MANIFEST = manifest("Calendar", "it");

  private final DeviceHarness h = new DeviceHarness();
  private final Recorder calendar = new Recorder();
  private FakeConnection connection;

  private FakeConnection reconnected(ChannelId... listed) {
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    return h.connectedListing(listed);
  }

  private static void assertNotStored(CompletableFuture<?> result) {
    assertThat(failure(result).kind()).isEqualTo(PushException.Kind.STORAGE_ERROR);
  }

  /** The disk works again, and the device tries. */
  private void repair() {
    h.storage.broken = false;
    h.storage.inDoubt = false;
    h.advance(Duration.ofMinutes(1));
  }

  @Test
  void unregisterIsToldOnlyOnceItIsStored() {
    connection = h.start().connected();
    ChannelId gone = h.registered(connection, "calendar");
    ChannelId kept = h.registered(connection, "calendar");
    h.storage.broken = true;
    assertNotStored(h.unregister("calendar", endpoint(gone)));
    connection.assertNothingSaid();
    assertThat(h.registrations("calendar")).hasSize(1);

    // The server would forget what a hello leaves out, and a restart now would ask for it.
    connection = reconnected(gone, kept);
    connection.assertNothingSaid();
    FakeConnection restarted = new DeviceHarness(h.storage).start().connectedListing(gone, kept);
    restarted.assertNothingSaid();

    repair();
    assertThat(connection.next()).isEqualTo(new Unregister(gone));
    connection.assertNothingSaid();
    connection = reconnected(kept);
    new DeviceHarness(h.storage).start().connectedListing(kept);
  }

  @Test
  void unregisterThatIsStoredWithoutAConnectionIsToldByTheNextHello() {
    connection = h.start().connected();
    ChannelId gone = h.registered(connection, "calendar");
    h.storage.broken = true;
    assertNotStored(h.unregister("calendar", endpoint(gone)));
    h.ends(connection, 1006);
    h.storage.broken = false;
    h.advance(Duration.ofSeconds(2));
    h.connectedListing().assertNothingSaid();
  }

  @Test
  void unregisterThatIsStoredWhileTheHelloIsAnsweredIsToldThen() {
    connection = h.start().connected();
    ChannelId gone = h.registered(connection, "calendar");
    h.storage.broken = true;
    assertNotStored(h.unregister("calendar", endpoint(gone)));
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    connection = h.server.accept();
    h.open(connection);
    assertThat(connection.next(Hello.class).channelIds()).containsExactly(gone);
    h.storage.broken = false;
    h.advance(Duration.ofSeconds(2));
    connection.assertNothingSaid();
    h.greet(connection, DeviceHarness.UAID);
    assertThat(connection.next()).isEqualTo(new Unregister(gone));
    connection.assertNothingSaid();
    connection = reconnected();
    connection.assertNothingSaid();
  }

  @Test
  void registrationOfWhichItIsInDoubtWhetherItIsStoredStaysAtTheServer() {
    connection = h.start().connected();
    h.storage.inDoubt = true;
    CompletableFuture<URI> result = h.register("calendar");
    ChannelId channelId = connection.next(Register.class).channelId();
    h.answerRegister(connection, channelId, endpoint(channelId));
    assertNotStored(result);
    connection.assertNothingSaid();
    assertThat(h.registrations("calendar")).isEmpty();
    connection = reconnected(channelId);
    repair();
    assertThat(connection.next()).isEqualTo(new Unregister(channelId));
    new DeviceHarness(h.storage).start().connectedListing();
  }

  @Test
  void lossOfEverythingEndsWhatWasLeaving() {
    connection = h.start().connected();
    ChannelId gone = h.registered(connection, "calendar");
    h.storage.broken = true;
    assertNotStored(h.unregister("calendar", endpoint(gone)));
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    connection = h.connected(Uaid.random());
    repair();
    connection.assertNothingSaid();
    h.ends(connection, 1006);
    h.advanceToNextAttempt();
    h.connectedListing();
  }

  @Test
  void installThatCannotBeStoredFails() {
    h.start();
    h.storage.broken = true;
    assertNotStored(h.install("calendar", MANIFEST));
    repair();
    assertThat(h.storage.state).contains("application");
  }

  @Test
  void uninstallThatCannotBeStoredFailsAndTellsTheServerLater() {
    connection = h.start().connected();
    assertThat(h.install("calendar", MANIFEST)).isCompleted();
    ChannelId channelId = h.registered(connection, "calendar");
    h.storage.broken = true;
    assertNotStored(h.uninstall("calendar"));
    connection.assertNothingSaid();
    new DeviceHarness(h.storage).start().connectedListing(channelId);
    repair();
    assertThat(connection.next()).isEqualTo(new Unregister(channelId));
    assertThat(h.storage.state).doesNotContain("calendar");
  }

  @Test
  void queuedRegisterThatCannotBeStoredFailsAndIsAskedForAllTheSame() {
    connection = h.start().connected();
    h.storage.broken = true;
    assertNotStored(h.registerWhenPossible("calendar", "work"));
    assertThat(new DeviceHarness(h.storage).start().connected().hasSaid()).isFalse();
    connection.next(Register.class);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void queuedRegisterWhoseAnswerCannotBeStoredIsAskedForAgain(boolean restarted) {
    DeviceHarness last = h;
    connection = h.start().connected();
    assertThat(h.registerWhenPossible("calendar", "work")).isCompleted();
    ChannelId first = connection.next(Register.class).channelId();
    h.storage.broken = true;
    h.answerRegister(connection, first, endpoint(first));
    connection.assertNothingSaid();
    h.storage.broken = false;
    if (restarted) {
      last = new DeviceHarness(h.storage).start();
      connection = last.connectedListing();
    } else {
      last.advance(Duration.ofSeconds(5));
      assertThat(connection.next()).isEqualTo(new Unregister(first));
    }
    ChannelId second = connection.next(Register.class).channelId();
    last.answerRegister(connection, second, endpoint(second));
    last.attach("calendar", calendar);
    last.notifies(connection, second, 1);
    calendar.assertTold("work is " + endpoint(second), push(second, 1));
    assertThat(last.registrations("calendar")).hasSize(1);
  }

  @Test
  void replaceThatCannotBeStoredFails() {
    connection = h.start().connected();
    ChannelId channelId = h.registered(connection, "calendar");
    h.storage.broken = true;
    assertNotStored(h.replace("calendar", endpoint(channelId)));
  }

  @Test
  void closeDoesNotTellWhatIsNotStored() {
    connection = h.start().connected();
    ChannelId channelId = h.registered(connection, "calendar");
    h.storage.broken = true;
    assertNotStored(h.unregister("calendar", endpoint(channelId)));
    CompletableFuture<Void> closed = h.close();
    h.settle();
    connection.assertNothingSaid();
    assertThat(connection.closeCode).isEqualTo(1000);
    h.ends(connection, 1000);
    assertThat(closed).isDone();
  }
}
