package org.simplepush.client.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.client.testing.DeviceHarness.failure;

import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.client.PushException;
import org.simplepush.client.internal.Settings;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.FakeServer.FakeConnection;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage.Register;
import org.simplepush.core.ClientMessage.Unregister;

/** What a server may name: endpoints for applications, and another server for the device. */
class EndpointRulesTest {
  private static DeviceHarness at(String server, boolean allowInsecure) {
    DeviceHarness h = new DeviceHarness();
    h.settings =
        new Settings(
            URI.create(server),
            h.settings.requestTimeout(),
            DeviceHarness.PING,
            DeviceHarness.PING,
            h.settings.backoff(),
            allowInsecure,
            h.settings.maxMessageLength(),
            null,
            null);
    return h;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ftp://push.example.org/x",
        "mailto:x@example.org",
        "http:/x",
        "http:///x",
        "https://user:password@push.example.org/x",
        "https://@push.example.org/x",
        "https://push.example.org/x#y",
        "https://push.example.org:65536/x",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fe80::1]/x",
        "http://[::ffff:169.254.169.254]/x",
        "http://127.0.0.1/x",
        "http://127.1.2.3:22/x",
        "http://127.1/x",
        "http://2130706433/x",
        "http://0x7f.0.0.1/x",
        "http://0x7f000001/x",
        "http://256.1.1.1/x",
        "http://0.0.0.0/x",
        "http://[::]/x",
        "http://[::1]/x",
        "http://[::ffff:127.0.0.1]/x",
        "http://localhost/x",
        "http://LOCALHOST./x",
        "http://any.localhost/x"
      })
  void endpointThatIsOfNoUseFailsTheRegister(String endpoint) {
    DeviceHarness h = at("wss://push.example.org/", false);
    FakeConnection connection = h.start().connected();
    CompletableFuture<URI> result = h.register("calendar");
    ChannelId channelId = connection.next(Register.class).channelId();
    h.answerRegister(connection, channelId, URI.create(endpoint));
    PushException failure = failure(result);
    assertThat(failure.kind()).isEqualTo(PushException.Kind.SERVER_ERROR);
    assertThat(failure.status()).isEmpty();
    assertThat(failure.canRetry()).isFalse();
    assertThat(failure).hasMessageContaining("an endpoint that is of no use");
    assertThat(failure.getMessage()).as("a secret").doesNotContain(endpoint);
    assertThat(connection.next(Unregister.class).channelId()).isEqualTo(channelId);
    assertThat(h.registrations("calendar")).isEmpty();
  }

  @Test
  void endpointOfAnyLengthIsNotTaken() {
    DeviceHarness h = at("wss://push.example.org/", false);
    FakeConnection connection = h.start().connected();
    String start = "https://push.example.org/";
    CompletableFuture<URI> tooLong = h.register("calendar");
    ChannelId channelId = connection.next(Register.class).channelId();
    h.answerRegister(connection, channelId, URI.create(start + "x".repeat(2049 - start.length())));
    assertThat(failure(tooLong)).hasMessageContaining("at most 2048 characters");
    connection.next(Unregister.class);
    CompletableFuture<URI> longest = h.register("calendar");
    channelId = connection.next(Register.class).channelId();
    h.answerRegister(connection, channelId, URI.create(start + "x".repeat(2048 - start.length())));
    assertThat(longest).isCompleted();
  }

  @ParameterizedTest
  @CsvSource({
    "wss://push.example.org/, false, https://push.example.org/update/x",
    "wss://push.example.org/, false, http://other_host:8081/update/x",
    "wss://push.example.org/, false, https://10.0.0.1/update/x",
    "wss://push.example.org/, false, https://[2001:db8::1]/update/x",
    "wss://push.example.org/, false, https://1.example.org/x",
    "ws://127.0.0.1:8080/, false, http://127.0.0.1:8081/update/x",
    "ws://localhost:8080/, false, http://[::1]:8081/update/x",
    "ws://10.0.2.2:8080/, true, http://127.0.0.1:8081/update/x",
    "wss://169.254.3.4/, false, https://169.254.3.4/update/x"
  })
  void endpointThatMakesSenseIsTaken(String server, boolean allowInsecure, URI endpoint) {
    DeviceHarness h = at(server, allowInsecure);
    FakeConnection connection = h.start().connected();
    CompletableFuture<URI> result = h.register("calendar");
    h.answerRegister(connection, connection.next(Register.class).channelId(), endpoint);
    assertThat(result).isCompletedWithValue(endpoint);
  }

  /** A queued register is tried again, for the server may be set right. */
  @Test
  void queuedRegisterWaitsForAnEndpointThatIsOfUse() {
    DeviceHarness h = new DeviceHarness();
    FakeConnection connection = h.start().connected();
    DeviceHarness.Recorder calendar = new DeviceHarness.Recorder();
    h.attach("calendar", calendar);
    h.registerWhenPossible("calendar", "work");
    ChannelId channelId = connection.next(Register.class).channelId();
    h.answerRegister(connection, channelId, URI.create("file:///etc/passwd"));
    connection.next(Unregister.class);
    calendar.assertToldNothing();
    h.advance(Duration.ofSeconds(5));
    channelId = connection.next(Register.class).channelId();
    URI endpoint = URI.create("https://push.example.org/x");
    h.answerRegister(connection, channelId, endpoint);
    calendar.assertTold("work is " + endpoint);
  }

  @ParameterizedTest
  @CsvSource({
    "wss://push.example.org/, false, ws://127.0.0.1:22/",
    "wss://push.example.org/, false, wss://127.0.0.1:22/",
    "wss://push.example.org/, true, wss://127.0.0.1:22/",
    "wss://push.example.org/, false, wss://localhost./",
    "wss://push.example.org/, false, wss://2130706433/",
    "wss://push.example.org/, false, wss://169.254.169.254/",
    "wss://push.example.org/, false, wss://[fe80::1]/",
    "wss://push.example.org/, true, ws://two.example.org/",
    "ws://10.0.0.1/, true, ws://127.0.0.1:22/",
    "ws://127.0.0.1/, false, ws://169.254.169.254/",
  })
  void redirectToWhereNoServerShouldSendIsNotFollowed(
      String server, boolean allowInsecure, String target) {
    DeviceHarness h = at(server, allowInsecure).start();
    FakeConnection connection = h.server.accept();
    h.open(connection);
    h.says(connection, "{'messageType':'hello','status':307,'redirect':'" + target + "'}");
    assertThat(h.lastDisconnect().reason()).startsWith("a redirect cannot be followed: ");
    h.server.assertNobodyConnects();
    h.advanceToNextAttempt();
    assertThat(h.server.accept().target).isEqualTo(URI.create(server));
  }

  @ParameterizedTest
  @CsvSource({
    "wss://push.example.org/, false, wss://two.example.org/",
    "wss://push.example.org/, false, wss://10.0.0.1/",
    "ws://127.0.0.1:1/, false, ws://localhost:2/",
    "ws://127.0.0.1:1/, false, wss://two.example.org/",
    "ws://10.0.0.1/, true, ws://10.0.0.2/"
  })
  void redirectToAnotherServerIsFollowed(String server, boolean allowInsecure, String target) {
    DeviceHarness h = at(server, allowInsecure).start();
    FakeConnection connection = h.server.accept();
    h.open(connection);
    h.says(connection, "{'messageType':'hello','status':307,'redirect':'" + target + "'}");
    assertThat(h.server.accept().target).isEqualTo(URI.create(target));
  }

  /** The address goes into a sentence, but not all of it. */
  @Test
  void longRedirectIsNotRepeated() {
    DeviceHarness h = new DeviceHarness().start();
    FakeConnection connection = h.server.accept();
    h.open(connection);
    String target = "ftp://" + "x".repeat(500_000);
    h.says(connection, "{'messageType':'hello','status':307,'redirect':'" + target + "'}");
    assertThat(h.lastDisconnect().reason()).contains("ftp://xxx").hasSizeLessThan(300);
  }
}
