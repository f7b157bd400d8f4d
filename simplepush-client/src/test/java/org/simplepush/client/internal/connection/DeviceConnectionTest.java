package org.simplepush.client.internal.connection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.simplepush.client.testing.DeviceHarness.PING;
import static org.simplepush.client.testing.DeviceHarness.TIMEOUT;
import static org.simplepush.client.testing.DeviceHarness.UAID;

import java.net.ConnectException;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.client.PushClient;
import org.simplepush.client.PushException;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.FakeServer.FakeConnection;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage.Hello;
import org.simplepush.core.ClientMessage.Ping;
import org.simplepush.core.ClientMessage.Register;
import org.simplepush.core.Uaid;

/** Connecting, being refused, losing the connection and coming back (protocol §§1, 2, 6). */
@Timeout(10)
class DeviceConnectionTest {
  private final DeviceHarness h = new DeviceHarness();

  private Duration lastBreak() {
    return h.disconnects.get(h.disconnects.size() - 1).retryIn();
  }

  @Test
  void breaksDoubleUpToTheLastBound() {
    h.start();
    for (long seconds : new long[] {1, 2, 4, 8, 16, 32, 60, 60}) {
      h.ends(h.server.accept(), 1006);
      assertThat(lastBreak()).isEqualTo(Duration.ofSeconds(seconds));
      h.advance(Duration.ofSeconds(seconds).minusNanos(1));
      h.server.assertNobodyConnects();
      h.advance(Duration.ofNanos(1));
    }
    assertThat(h.disconnects).last().satisfies(last -> assertThat(last.failures()).isEqualTo(8));
  }

  @Test
  void openSocketAloneDoesNotEndTheDoubling() {
    h.start();
    for (long seconds : new long[] {1, 2, 4}) {
      FakeConnection connection = h.server.accept();
      h.open(connection);
      h.ends(connection, 1006);
      assertThat(lastBreak()).isEqualTo(Duration.ofSeconds(seconds));
      h.advance(Duration.ofSeconds(seconds));
    }
  }

  @Test
  void acceptedHelloEndsTheDoubling() {
    h.start();
    h.ends(h.server.accept(), 1006);
    h.advance(Duration.ofSeconds(1));
    h.ends(h.server.accept(), 1006);
    h.advance(Duration.ofSeconds(2));
    h.ends(h.connected(), 1006);
    assertThat(lastBreak()).isEqualTo(Duration.ofSeconds(1));
    assertThat(h.connects).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {1000, 1001, 1006, 1011, 4774})
  void reconnectsSoonAfter(int closeCode) {
    h.start();
    h.ends(h.connected(), closeCode);
    assertThat(lastBreak()).isEqualTo(Duration.ofSeconds(1));
    assertThat(h.disconnects.get(0).closeCode()).isEqualTo(closeCode);
    h.advance(Duration.ofSeconds(1));
    h.connected();
  }

  /** 1013: the server sheds load. 1008: perhaps another device uses this UAID. */
  @ParameterizedTest
  @ValueSource(ints = {1008, 1013})
  void reconnectsPatientlyAfter(int closeCode) {
    h.start();
    h.ends(h.connected(), closeCode);
    assertThat(lastBreak()).isEqualTo(Duration.ofSeconds(16));
  }

  @Test
  void connectionThatDoesNotOpenInTimeIsGivenUp() {
    h.start();
    FakeConnection connection = h.server.accept();
    h.advance(TIMEOUT);
    assertThat(connection.aborted).isTrue();
    assertThat(h.disconnects).hasSize(1);
    h.open(connection); // too late
    connection.assertNothingSaid();
  }

  @Test
  void helloThatIsNotAnsweredInTimeIsGivenUp() {
    h.start();
    FakeConnection connection = h.server.accept();
    h.open(connection);
    h.advance(TIMEOUT.minusNanos(1));
    h.says(connection, "{}"); // no answer to a hello
    h.advance(Duration.ofNanos(1));
    assertThat(connection.aborted).isTrue();
    assertThat(h.disconnects).hasSize(1);
  }

  static Stream<Arguments> refusals() {
    return Stream.of(
        Arguments.of("{'messageType':'hello','status':401,'error':'no'}", 1),
        Arguments.of("{'messageType':'hello','status':429,'error':'no'}", 16),
        Arguments.of("{'messageType':'hello','status':500,'error':'no'}", 1),
        Arguments.of("{'messageType':'hello','status':503,'error':'no'}", 1),
        Arguments.of("{'messageType':'HELLO','status':503}", 1),
        Arguments.of("{'messageType':'hello','status':200}", 1),
        Arguments.of("{'messageType':'hello','status':307}", 1),
        Arguments.of("{'messageType':'hello','status':307,'redirect':'ws://example.org/'}", 16),
        Arguments.of("{'messageType':'hello','status':307,'redirect':'mailto:a@b'}", 16),
        Arguments.of("{'messageType':'hello','status':307,'redirect':'/relative'}", 1));
  }

  @ParameterizedTest
  @MethodSource("refusals")
  void refusedHelloIsTriedAgainAfterABreak(String answer, int seconds) {
    h.start();
    FakeConnection connection = h.server.accept();
    h.open(connection);
    h.says(connection, answer);
    assertThat(connection.closeCode).isEqualTo(1000);
    assertThat(h.connects).isZero();
    assertThat(lastBreak()).isEqualTo(Duration.ofSeconds(seconds));
    h.advance(lastBreak());
    h.connected();
  }

  @Test
  void redirectIsFollowedAtOnceAndForgottenWithTheConnection() {
    h.start();
    redirect(h.server.accept(), "wss://two.example.org/push");
    FakeConnection second = h.server.accept();
    assertThat(second.target).isEqualTo(URI.create("wss://two.example.org/push"));
    h.open(second);
    second.next(Hello.class);
    h.greet(second, UAID);
    assertThat(h.connects).isEqualTo(1);
    assertThat(h.disconnects).isEmpty();
    h.ends(second, 1001);
    h.advance(Duration.ofSeconds(1));
    assertThat(h.server.accept().target).isEqualTo(DeviceHarness.SERVER);
  }

  private void redirect(FakeConnection connection, String target) {
    h.open(connection);
    h.says(connection, "{'messageType':'hello','status':307,'redirect':'" + target + "'}");
    assertThat(connection.closeCode).isEqualTo(1000);
  }

  @Test
  void redirectsInCirclesEndAfterFiveHops() {
    h.start();
    for (int i = 0; i < 6; i++) {
      redirect(h.server.accept(), DeviceHarness.SERVER.toString());
    }
    h.server.assertNobodyConnects();
    assertThat(lastBreak()).isEqualTo(Duration.ofSeconds(16));
    h.advance(lastBreak());
    redirect(h.server.accept(), "wss://two.example.org/");
    assertThat(h.server.accept().target.getHost()).isEqualTo("two.example.org");
  }

  @Test
  void redirectToAnAddressThatCannotBeUsedIsLeft() {
    h.start();
    redirect(h.server.accept(), "wss://unusable.example.org/");
    assertThat(h.disconnects).hasSize(1);
    h.advance(lastBreak());
    h.connected();
  }

  @Test
  void redirectThatAnswersNoHelloIsIgnored() {
    FakeConnection connection = h.start().connected();
    h.says(connection, "{'messageType':'hello','status':307,'redirect':'wss://two.example.org/'}");
    assertThat(connection.closeCode).isNull();
    h.server.assertNobodyConnects();
  }

  @Test
  void otherMessagesBeforeTheAnswerToHelloAreIgnored() {
    h.start();
    FakeConnection connection = h.server.accept();
    h.open(connection);
    connection.next(Hello.class);
    h.says(connection, "{'messageType':'notification','updates':[]}");
    h.says(connection, "{'messageType':'register','status':503,'error':'no'}");
    h.greet(connection, UAID);
    assertThat(h.connects).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'messageType':'broadcast','x':[{}]}",
        "{'no':'type'}",
        "{'messageType':'notification','updates':7}",
        "{'messageType':'notification','updates':[{'channelID':'x','version':1}]}",
        "{'messageType':'unregister','status':500,'error':'no'}",
        "{'messageType':'register','status':500,'channelID':'no uuid','error':'no'}",
        "{'status':500,'error':'no'}",
      })
  void whatTheDeviceDoesNotKnowIsIgnored(String message) {
    FakeConnection connection = h.start().connected();
    h.says(connection, message);
    assertThat(connection.closeCode).isNull();
    assertThat(connection.aborted).isFalse();
    connection.assertNothingSaid();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "garbage", "[]", "{}{}", "{'a':"})
  void garbageEndsTheConnection(String garbage) {
    FakeConnection connection = h.start().connected();
    h.says(connection, garbage);
    assertThat(connection.closeCode).isEqualTo(1002);
    assertThat(lastBreak()).isEqualTo(Duration.ofSeconds(16));
    h.advance(lastBreak());
    h.connected();
  }

  @Test
  void hugeMessageEndsTheConnection() {
    FakeConnection connection = h.start().connected();
    h.says(connection, "{'x':'" + "x".repeat(1 << 20) + "'}");
    assertThat(connection.closeCode).isEqualTo(1009);
  }

  @Test
  void garbageOfTheGreatestLengthIsGarbageAndNotTooLong() {
    FakeConnection connection = h.start().connected();
    h.says(connection, "x".repeat(PushClient.DEFAULT_MAX_MESSAGE_LENGTH));
    assertThat(connection.closeCode).isEqualTo(1002);
  }

  @Test
  void timerOfAClosedConnectionEndsWithIt() {
    FakeConnection connection = h.start().connected();
    h.says(connection, "garbage");
    assertThat(h.loop.timers()).as("the next attempt, and the end").isEqualTo(2);
    h.ends(connection, 1002);
    assertThat(h.loop.timers()).isEqualTo(1);
  }

  @Test
  void binaryMessageEndsTheConnection() {
    FakeConnection connection = h.start().connected();
    connection.events.receivedBinary();
    h.settle();
    assertThat(connection.closeCode).isEqualTo(1003);
  }

  @Test
  void closedConnectionIsCutIfTheServerDoesNotEndIt() {
    FakeConnection connection = h.start().connected();
    h.says(connection, "garbage");
    h.advance(Duration.ofSeconds(2).minusNanos(1));
    assertThat(connection.aborted).isFalse();
    h.advance(Duration.ofNanos(1));
    assertThat(connection.aborted).isTrue();
  }

  @Test
  void lateEventsOfAnOldConnectionAreIgnored() {
    FakeConnection old = h.start().connected();
    h.says(old, "garbage");
    h.advance(Duration.ofSeconds(16));
    FakeConnection current = h.connected();
    h.says(old, "{'messageType':'hello','uaid':'" + DeviceHarness.UAID.text() + "','status':200}");
    h.says(old, "garbage");
    h.ends(old, 1000);
    old.events.receivedBinary();
    h.settle();
    assertThat(current.closeCode).isNull();
    assertThat(h.disconnects).hasSize(1);
    assertThat(h.connects).isEqualTo(2);
  }

  @Test
  void silentServerIsPingedAfterTheInterval() {
    FakeConnection connection = h.start().connected();
    h.advance(PING.minusNanos(1));
    connection.assertNothingSaid();
    h.advance(Duration.ofNanos(1));
    assertThat(connection.next()).isEqualTo(new Ping());
    h.says(connection, "{}");
    h.advance(PING.minusNanos(1));
    connection.assertNothingSaid();
    h.advance(Duration.ofNanos(1));
    assertThat(connection.next()).isEqualTo(new Ping());
  }

  @Test
  void trafficPutsThePingOff() {
    FakeConnection connection = h.start().connected();
    for (int i = 0; i < 5; i++) {
      h.advance(PING.dividedBy(2));
      h.says(connection, "{'messageType':'notification','updates':[]}");
    }
    connection.assertNothingSaid();
  }

  @Test
  void anyMessageAnswersAPing() {
    FakeConnection connection = h.start().connected();
    h.advance(PING);
    connection.next(Ping.class);
    h.says(connection, "{'messageType':'notification','updates':[]}");
    h.advance(TIMEOUT);
    assertThat(connection.aborted).isFalse();
  }

  @Test
  void halfOpenConnectionIsFoundByThePing() {
    FakeConnection connection = h.start().connected();
    h.advance(PING.plus(TIMEOUT));
    assertThat(connection.aborted).isTrue();
    assertThat(lastBreak()).isEqualTo(Duration.ofSeconds(1));
    h.advance(Duration.ofSeconds(1));
    h.connected();
  }

  private void networkChanged(String network) {
    h.loop.execute(() -> h.device.networkChanged(network));
    h.settle();
  }

  @Test
  void networkChangeEndsABreak() {
    h.start();
    h.ends(h.server.accept(), 1006);
    networkChanged("");
    h.ends(h.server.accept(), 1006);
    assertThat(lastBreak()).isEqualTo(Duration.ofSeconds(2)); // it was an attempt nonetheless
    h.advance(Duration.ofSeconds(2));
    h.connected();
    h.advance(Duration.ofMinutes(1));
    h.server.assertNobodyConnects();
  }

  @Test
  void networkChangeBeginsAnAttemptAnew() {
    h.start();
    FakeConnection first = h.server.accept();
    networkChanged("");
    assertThat(first.aborted).isTrue();
    FakeConnection second = h.server.accept();
    h.open(second);
    networkChanged("");
    assertThat(second.aborted).isTrue();
    h.connected();
    assertThat(h.disconnects).isEmpty();
  }

  @Test
  void networkChangeProbesAnOpenConnectionButNotMoreOftenThanServersAllow() {
    FakeConnection connection = h.start().connected();
    networkChanged("");
    networkChanged("");
    connection.next(Ping.class);
    connection.assertNothingSaid();
    h.says(connection, "{}");
    h.advance(TIMEOUT);
    networkChanged("");
    connection.assertNothingSaid();
    h.advance(Duration.ofSeconds(10));
    connection.next(Ping.class);
    h.advance(TIMEOUT);
    assertThat(connection.aborted).isTrue();
    h.advance(Duration.ofSeconds(1));
    h.connected();
  }

  @Test
  void pingIntervalIsLearnedPerNetworkAndRemembered() {
    h.learning(Duration.ofMinutes(1), Duration.ofMinutes(10)).start();
    FakeConnection connection = h.connected();
    networkChanged("home");
    connection.next(Ping.class);
    h.says(connection, "{}");
    for (int minutes : new int[] {1, 2, 4, 8, 10, 10}) {
      assertPingAfter(connection, Duration.ofMinutes(minutes));
      h.says(connection, "{}");
    }
    h.advance(Connector.MIN_PING_INTERVAL);
    networkChanged("mobile");
    connection.next(Ping.class);
    h.says(connection, "{}");
    assertPingAfter(connection, Duration.ofMinutes(1));
    h.says(connection, "{}");
    assertPingAfter(connection, Duration.ofMinutes(2)); // and no answer
    h.advance(TIMEOUT.plusSeconds(1));
    connection = h.connected();
    assertPingAfter(connection, Duration.ofSeconds(90));
    h.says(connection, "{}");

    DeviceHarness restarted =
        new DeviceHarness(h.storage).learning(Duration.ofMinutes(1), Duration.ofMinutes(10));
    FakeConnection after = restarted.start().connected();
    restarted.loop.execute(() -> restarted.device.networkChanged("home"));
    restarted.settle();
    after.next(Ping.class);
    restarted.says(after, "{}");
    restarted.advance(Duration.ofMinutes(10).minusNanos(1));
    after.assertNothingSaid();
    restarted.advance(Duration.ofNanos(1));
    after.next(Ping.class);
  }

  private void assertPingAfter(FakeConnection connection, Duration silence) {
    h.advance(silence.minusNanos(1));
    connection.assertNothingSaid();
    h.advance(Duration.ofNanos(1));
    connection.next(Ping.class);
  }

  @Test
  void connectionThatBreaksWhileAPingIsUnansweredTeachesToo() {
    h.learning(Duration.ofMinutes(1), Duration.ofMinutes(10)).start();
    FakeConnection connection = h.connected();
    assertPingAfter(connection, Duration.ofMinutes(1));
    h.says(connection, "{}");
    assertPingAfter(connection, Duration.ofMinutes(2));
    h.ends(connection, 1006); // the network says so only now
    h.advance(Duration.ofSeconds(1));
    assertPingAfter(h.connected(), Duration.ofSeconds(90));
  }

  @Test
  void connectionThatBreaksAtAnotherTimeTeachesNothing() {
    h.learning(Duration.ofMinutes(1), Duration.ofMinutes(10)).start();
    FakeConnection connection = h.connected();
    assertPingAfter(connection, Duration.ofMinutes(1));
    h.says(connection, "{}");
    h.advance(Duration.ofSeconds(80));
    h.ends(connection, 1006);
    h.advance(Duration.ofSeconds(1));
    assertPingAfter(h.connected(), Duration.ofMinutes(2));
  }

  @Test
  void serverThatWasDownTeachesNothing() {
    h.learning(Duration.ofMinutes(1), Duration.ofMinutes(10)).start();
    FakeConnection connection = h.connected();
    assertPingAfter(connection, Duration.ofMinutes(1));
    h.says(connection, "{}");
    assertPingAfter(connection, Duration.ofMinutes(2));
    h.advance(TIMEOUT.plusSeconds(1));
    h.ends(h.server.accept(), 1006);
    h.advance(Duration.ofSeconds(2));
    assertPingAfter(h.connected(), Duration.ofMinutes(2));
  }

  @Test
  void connectionLostWithTheNetworkTeachesNothing() {
    h.learning(Duration.ofMinutes(1), Duration.ofMinutes(10)).start();
    FakeConnection connection = h.connected();
    assertPingAfter(connection, Duration.ofMinutes(1));
    h.says(connection, "{}");
    assertPingAfter(connection, Duration.ofMinutes(2));
    h.advance(TIMEOUT);
    networkChanged("");
    connection = h.connected();
    assertPingAfter(connection, Duration.ofMinutes(2));
  }

  @Test
  void networkChangeWhileAPingIsUnansweredDoesNotGiveTheServerMoreTime() {
    FakeConnection connection = h.start().connected();
    h.advance(Duration.ofSeconds(1));
    networkChanged("");
    h.advance(Duration.ofSeconds(9));
    networkChanged("");
    h.advance(Duration.ofSeconds(1).minusNanos(1));
    assertThat(connection.aborted).isFalse();
    h.advance(Duration.ofNanos(1));
    assertThat(connection.aborted).isTrue();
  }

  @Test
  void whatAFullConnectionDidNotTakeIsAskedOnTheNextOne() {
    FakeConnection connection = h.start().connected();
    connection.full = true;
    CompletableFuture<URI> result = h.register("calendar");
    h.advance(Duration.ofSeconds(5));
    h.ends(connection, 1006);
    h.advance(lastBreak());
    FakeConnection next = h.connected();
    ChannelId channelId = next.next(Register.class).channelId();
    h.answerRegister(next, channelId, DeviceHarness.endpoint(channelId));
    assertThat(result).isCompletedWithValue(DeviceHarness.endpoint(channelId));
  }

  /** The server is not blamed for what it was not asked. */
  @Test
  void whatAFullConnectionDidNotTakeIsNotWaitedFor() {
    FakeConnection connection = h.start().connected();
    connection.full = true;
    CompletableFuture<URI> result = h.register("calendar");
    h.advance(TIMEOUT);
    assertThat(DeviceHarness.failure(result)).hasMessageContaining("no connection");
    assertThat(connection.aborted).isFalse();
    connection.full = false;
    h.settle();
    connection.assertNothingSaid();
  }

  /** The reader of a socket hands over what it reads, on a thread of its own. */
  private static Thread reader(FakeConnection connection, int messages, AtomicInteger taken) {
    String message = " ".repeat(3838) + "{}"; // 64 of these may wait
    Thread reader =
        new Thread(
            () -> {
              for (int i = 0; i < messages; i++) {
                connection.events.received(message);
                taken.incrementAndGet();
              }
            });
    reader.setDaemon(true);
    reader.start();
    return reader;
  }

  private static void awaitBlocked(Thread reader) {
    await().until(() -> reader.getState() == Thread.State.WAITING);
  }

  @Test
  void readerWaitsWhileTheLoopIsBusy() throws Exception {
    FakeConnection connection = h.start().connected();
    AtomicInteger taken = new AtomicInteger();
    Thread reader = reader(connection, 200, taken);
    awaitBlocked(reader);
    assertThat(taken).hasValue(64);
    assertThat(h.loop.tasks()).isEqualTo(64);
    h.loop.runOne();
    await().until(() -> taken.get() == 65);
    awaitBlocked(reader);
    assertThat(h.loop.tasks()).as("one made place for one").isEqualTo(64);
    while (reader.isAlive()) {
      h.settle();
    }
    h.settle();
    assertThat(connection.closeCode).isNull();
  }

  /** After the end nobody may run what it hands over, and it has to find out that it is over. */
  @ParameterizedTest
  @ValueSource(strings = {"closed here", "given up here", "ended there", "broken"})
  void readerDoesNotWaitOnceTheConnectionIsOver(String end) throws Exception {
    FakeConnection connection = h.start().connected();
    h.advance(Duration.ofSeconds(1));
    AtomicInteger taken = new AtomicInteger();
    Thread reader = reader(connection, 1_000, taken);
    awaitBlocked(reader);
    h.loop.run(
        () -> {
          switch (end) {
            case "closed here" -> h.device.close(() -> {});
            case "given up here" -> h.device.networkChanged("");
            case "ended there" -> connection.events.ended(1001, "");
            default -> connection.events.failed("broken", null);
          }
        });
    if (end.equals("given up here")) {
      h.loop.runTimer(h.loop.elapsed() + TIMEOUT.toNanos());
      assertThat(connection.aborted).isTrue();
    } else if (!end.equals("closed here")) {
      while (h.disconnects.isEmpty()) {
        h.settle(); // the end waits behind the messages that are here already
      }
    }
    reader.join(TimeUnit.SECONDS.toMillis(20));
    assertThat(reader.isAlive()).as("still waiting").isFalse();
  }

  @Test
  void whyThereIsNoConnectionIsToldToTheListenerAndToWhoeverRegisters() {
    ConnectException refused = new ConnectException("Connection refused");
    h.start();
    CompletableFuture<URI> result = h.register("calendar");
    h.server.accept().events.failed("nobody listens", refused);
    h.settle();
    String sentence = "the connection could not be opened: nobody listens";
    assertThat(h.disconnects.get(0).reason()).isEqualTo(sentence);
    assertThat(h.disconnects.get(0).cause()).isSameAs(refused);
    assertThat(h.disconnects.get(0).closeCode()).isEqualTo(1006);
    h.advance(Duration.ofSeconds(1));
    h.server.accept().events.failed("nobody listens", refused);
    h.advance(Duration.ofSeconds(2));
    h.server.accept().events.failed("nobody listens", refused);
    h.advance(TIMEOUT);
    PushException failure = DeviceHarness.failure(result);
    assertThat(failure.kind()).isEqualTo(PushException.Kind.NETWORK_ERROR);
    assertThat(failure).hasMessageContaining(sentence).hasCause(refused);
  }

  @Test
  void anOldFailureDoesNotExplainANewOne() {
    h.start();
    h.server.accept().events.failed("nobody listens", new ConnectException());
    h.settle();
    h.advance(lastBreak());
    FakeConnection connection = h.connected();
    connection.full = true;
    CompletableFuture<URI> result = h.register("calendar");
    h.advance(TIMEOUT);
    assertThat(DeviceHarness.failure(result)).hasMessageEndingWith("for " + TIMEOUT).hasNoCause();
  }

  @Test
  void whatAServerSaysIsQuotedWithoutControlCharactersAndCut() {
    h.start();
    FakeConnection connection = h.server.accept();
    h.open(connection);
    h.says(
        connection,
        "{'messageType':'hello','status':500,'error':'a\\u001b[2J\\r\\nforged"
            + "x".repeat(500)
            + "'}");
    assertThat(h.disconnects.get(0).reason())
        .startsWith("the server refused the hello with 500: a?[2J??forgedx")
        .endsWith("x…")
        .hasSizeLessThan(260);
  }

  @Test
  void noTimerIsLeftWhenTheDeviceIsClosed() {
    FakeConnection connection = h.start().connected();
    h.register("calendar");
    h.loop.execute(() -> h.device.close(() -> {}));
    h.settle();
    h.ends(connection, 1000);
    h.advance(TIMEOUT); // the one that waits for handlers
    assertThat(h.loop.timers()).isZero();
  }

  /** A server that does harm on each connection, after a hello that it accepts. */
  @Test
  void breaksGrowThoughEachHelloIsAccepted() {
    h.start();
    for (long seconds : new long[] {16, 32, 60, 60}) {
      FakeConnection connection = h.connected();
      connection.events.violated("the server does harm", null);
      h.settle();
      assertThat(h.lastDisconnect().reason()).isEqualTo("the server does harm");
      assertThat(lastBreak()).isEqualTo(Duration.ofSeconds(seconds));
      h.advance(Duration.ofSeconds(seconds));
    }
    FakeConnection connection = h.connected();
    h.advance(Duration.ofSeconds(61)); // longer than any break: it means well again
    connection.events.violated("the server does harm", null);
    h.settle();
    assertThat(lastBreak()).isEqualTo(Duration.ofSeconds(16));
  }

  @Test
  void breaksGrowWhileTheServerForgetsTheDeviceEachTime() {
    h.start();
    for (long seconds : new long[] {1, 2, 4, 8}) {
      h.ends(h.connected(Uaid.random()), 1006);
      assertThat(lastBreak()).isEqualTo(Duration.ofSeconds(seconds));
      h.advance(Duration.ofSeconds(seconds));
    }
  }

  /** There is no memory for another thread, say. */
  @Test
  void attemptThatCannotBeBegunIsReportedAndRepeated() {
    h.server.failure = new OutOfMemoryError("unable to create native thread: of this test");
    h.start();
    assertThat(h.lastDisconnect().reason()).contains("could not be begun", "native thread");
    assertThat(h.lastDisconnect().cause()).isSameAs(h.server.failure);
    h.server.failure = null;
    h.advanceToNextAttempt();
    h.connected();
  }

  /** Whatever is half done: a hello puts it right. */
  @Test
  void failedTaskOfTheLoopEndsTheConnection() {
    FakeConnection connection = h.start().connected();
    Error failure = new StackOverflowError("one of this test");
    h.loop.execute(() -> h.device.taskFailed(failure));
    h.settle();
    assertThat(connection.aborted).isTrue();
    assertThat(h.lastDisconnect().reason())
        .isEqualTo("the device failed: java.lang.StackOverflowError: one of this test");
    assertThat(h.lastDisconnect().cause()).isSameAs(failure);
    h.loop.execute(() -> h.device.taskFailed(failure)); // there is a next attempt already
    h.settle();
    assertThat(h.disconnects).hasSize(1);
    h.advanceToNextAttempt();
    h.connected();
  }
}
