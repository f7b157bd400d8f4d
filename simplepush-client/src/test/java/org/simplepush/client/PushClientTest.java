package org.simplepush.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import mockwebserver3.MockResponse;
import mockwebserver3.RecordedRequest;
import okhttp3.OkHttpClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.client.internal.connection.Disconnected;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.ScriptedServer;
import org.simplepush.client.testing.ScriptedServer.Peer;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage.Ack;
import org.simplepush.core.ClientMessage.Hello;
import org.simplepush.core.ClientMessage.Ping;
import org.simplepush.core.ClientMessage.Register;
import org.simplepush.core.ClientMessage.Unregister;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.fixtures.LogCapture;

/** The client over real sockets, against a push server that does what a test wants. */
@Timeout(60)
class PushClientTest {
  private static final String UAID = Uaid.random().text();

  /** A deadline that is waited for, but not missed by a test on a busy machine. */
  private static final Duration ENOUGH_TO_ANSWER = Duration.ofSeconds(2);

  private ScriptedServer server;
  private PushClient client;

  @BeforeEach
  void startServer() throws IOException {
    server = new ScriptedServer();
  }

  @AfterEach
  void stop() {
    if (client != null) {
      client.close();
    }
    server.close();
  }

  private PushClient.Builder builder() {
    return PushClient.builder(server.uri())
        .backoff(Duration.ofMillis(1), Duration.ofMillis(20))
        .requestTimeout(Duration.ofSeconds(20));
  }

  private Peer connect() throws Exception {
    client = builder().build().start();
    return server.greet(UAID);
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(20, TimeUnit.SECONDS);
  }

  private static PushException failure(CompletableFuture<?> future) {
    Throwable thrown = catchThrowable(() -> get(future));
    assertThat(thrown).isInstanceOf(ExecutionException.class);
    return (PushException) thrown.getCause();
  }

  private static void answer(Peer peer, ChannelId channelId) {
    peer.says(
        "{'messageType':'register','status':200,'channelID':'"
            + channelId.text()
            + "','pushEndpoint':'"
            + DeviceHarness.endpoint(channelId)
            + "'}");
  }

  private static void notify(Peer peer, ChannelId channelId, long version) {
    peer.says(DeviceHarness.notification(new Update(channelId, version)));
  }

  @Test
  void offersTheSubprotocolAndNoCompressionOfItsOwn() throws Exception {
    connect();
    RecordedRequest request = server.takeRequest();
    assertThat(request.getHeaders().get("Sec-WebSocket-Protocol")).isEqualTo("push-notification");
    assertThat(request.getUrl().encodedPath()).isEqualTo("/push");
  }

  @Test
  void aVersionTravelsFromRegisterToAck() throws Exception {
    Peer peer = connect();
    BlockingQueue<PushMessage> pushes = new LinkedBlockingQueue<>();
    PushManager calendar = client.application("calendar", pushes::add);
    CompletableFuture<URI> endpoint = calendar.register();
    ChannelId channelId = peer.next(Register.class).channelId();
    answer(peer, channelId);
    assertThat(get(endpoint)).isEqualTo(DeviceHarness.endpoint(channelId));
    notify(peer, channelId, 7);
    assertThat(pushes.poll(20, TimeUnit.SECONDS)).isEqualTo(DeviceHarness.push(channelId, 7));
    assertThat(peer.next(Ack.class).updates()).containsExactly(new Update(channelId, 7));
    assertThat(get(calendar.registrations())).hasSize(1);
    get(calendar.unregister(get(endpoint)));
    assertThat(get(calendar.registrations())).isEmpty();
  }

  @Test
  void acknowledgesOnlyAfterTheHandlerReturned() throws Exception {
    Peer peer = connect();
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch mayReturn = new CountDownLatch(1);
    PushManager calendar =
        client.application(
            "calendar",
            message -> {
              entered.countDown();
              mayReturn.await();
            });
    calendar.register();
    ChannelId channelId = peer.next(Register.class).channelId();
    answer(peer, channelId);
    notify(peer, channelId, 7);
    entered.await();
    ChannelId stranger = ChannelId.random();
    notify(peer, stranger, 1); // acknowledged at once, and nothing before it
    assertThat(peer.next(Ack.class).updates()).containsExactly(new Update(stranger, 1));
    mayReturn.countDown();
    assertThat(peer.next(Ack.class).updates()).containsExactly(new Update(channelId, 7));
  }

  @Test
  void userCodeRunsOnTheCallbackExecutorOnly() throws Exception {
    ExecutorService executor = Executors.newSingleThreadExecutor(task -> new Thread(task, "mine"));
    BlockingQueue<String> threads = new LinkedBlockingQueue<>();
    client =
        builder()
            .callbackExecutor(executor)
            .listener(
                new ConnectionListener() {
                  @Override
                  public void onConnected() {
                    threads.add(Thread.currentThread().getName());
                  }
                })
            .build()
            .start();
    Peer peer = server.greet(UAID);
    PushManager calendar =
        client.application("calendar", message -> threads.add(Thread.currentThread().getName()));
    calendar.register().thenRun(() -> threads.add(Thread.currentThread().getName()));
    ChannelId channelId = peer.next(Register.class).channelId();
    answer(peer, channelId);
    notify(peer, channelId, 1);
    for (int i = 0; i < 3; i++) {
      assertThat(threads.poll(20, TimeUnit.SECONDS)).isEqualTo("mine");
    }
    client.close();
    assertThat(executor.isShutdown()).isFalse();
    executor.shutdown();
  }

  @Test
  void callbackExecutorThatWasShutDownLosesNoFuture() throws Exception {
    ExecutorService executor = Executors.newSingleThreadExecutor();
    client = builder().callbackExecutor(executor).build().start();
    Peer peer = server.greet(UAID);
    executor.shutdown();
    CompletableFuture<URI> endpoint = client.application("calendar", message -> {}).register();
    answer(peer, peer.next(Register.class).channelId());
    get(endpoint);
  }

  @ParameterizedTest
  @ValueSource(ints = {1000, 1001, 1008, 1011, 1013})
  void reconnectsAfterAClose(int code) throws Exception {
    Peer peer = connect();
    peer.closes(code);
    assertThat(server.accept().next(Hello.class).uaid()).isEqualTo(Uaid.parse(UAID));
  }

  @Test
  void connectionCutInAnyStateComesBackAndLosesNothing() throws Exception {
    BlockingQueue<PushMessage> pushes = new LinkedBlockingQueue<>();
    client = builder().build();
    PushManager calendar = client.application("calendar", pushes::add);
    client.start();
    server.accept();
    server.cut(); // before hello, or in it
    server.accept().next(Hello.class);
    server.cut(); // before the answer to hello
    server.greet(UAID);
    server.cut(); // when idle, or with the answer under way
    CompletableFuture<URI> endpoint = calendar.register();
    Peer peer = server.greet(UAID);
    ChannelId channelId = peer.next(Register.class).channelId();
    server.cut(); // before the answer to register
    peer = server.greet(UAID);
    assertThat(peer.next(Register.class).channelId()).isEqualTo(channelId);
    answer(peer, channelId);
    get(endpoint);
    server.cut();
    peer = server.accept();
    assertThat(peer.next(Hello.class).channelIds()).containsExactly(channelId);
    peer.says("{'messageType':'hello','uaid':'" + UAID + "','status':200}");
    notify(peer, channelId, 7);
    assertThat(pushes.poll(20, TimeUnit.SECONDS)).isEqualTo(DeviceHarness.push(channelId, 7));
    server.cut(); // before the ack, or after
    peer = server.greet(UAID);
    notify(peer, channelId, 7);
    assertThat(peer.next(Ack.class).updates()).containsExactly(new Update(channelId, 7));
    notify(peer, channelId, 8);
    assertThat(pushes.poll(20, TimeUnit.SECONDS)).isEqualTo(DeviceHarness.push(channelId, 8));
  }

  @Test
  void serverThatClosesBeforeHelloIsTriedAgain() throws Exception {
    client = builder().build().start();
    for (int i = 0; i < 5; i++) {
      server.accept().closes(1001);
    }
    server.greet(UAID);
  }

  @Test
  void handshakeThatIsRefusedIsTriedAgainAndNoRedirectFollowed() throws Exception {
    server.answerHandshake(
        new MockResponse.Builder().code(301).addHeader("Location", "/elsewhere").build());
    client = builder().build().start();
    for (int i = 0; i < 3; i++) {
      assertThat(server.takeRequest().getUrl().encodedPath()).isEqualTo("/push");
    }
    server.answerHandshake(new MockResponse.Builder().code(503).build());
    server.takeRequest();
    server.answerHandshakeAgain();
    server.greet(UAID);
  }

  @Test
  void redirectIsFollowed() throws Exception {
    try (ScriptedServer second = new ScriptedServer()) {
      client = builder().build().start();
      Peer peer = server.accept();
      peer.next(Hello.class);
      peer.says("{'messageType':'hello','status':307,'redirect':'" + second.uri() + "'}");
      second.greet(UAID);
      peer.assertClosedWith(1000);
    }
  }

  @Test
  void connectionIsFoundDeadByItsPing() throws Exception {
    client =
        builder()
            .pingInterval(Duration.ofMillis(50))
            .requestTimeout(ENOUGH_TO_ANSWER)
            .build()
            .start();
    Peer peer = server.greet(UAID);
    peer.next(Ping.class);
    peer.says("{}");
    peer.next(Ping.class); // and now not a word
    server.greet(UAID);
    peer.assertCut();
  }

  @Test
  void serverThatNeverAnswersHelloIsLeft() throws Exception {
    client = builder().requestTimeout(ENOUGH_TO_ANSWER).build().start();
    server.accept().next(Hello.class);
    server.greet(UAID);
  }

  @Test
  void hostThatAcceptsAndNeverSpeaksIsLeft() throws Exception {
    BlockingQueue<String> reasons = new LinkedBlockingQueue<>();
    try (ServerSocket mute = new ServerSocket(0)) {
      client =
          PushClient.builder(URI.create("ws://127.0.0.1:" + mute.getLocalPort()))
              .backoff(Duration.ofMillis(1), Duration.ofMillis(1))
              .requestTimeout(Duration.ofMillis(100))
              .listener(
                  new ConnectionListener() {
                    @Override
                    public void onDisconnected(Disconnected event) {
                      reasons.add(event.reason());
                    }
                  })
              .build()
              .start();
      assertThat(reasons.poll(20, TimeUnit.SECONDS)).contains("did not open in time");
      assertThat(reasons.poll(20, TimeUnit.SECONDS)).contains("did not open in time");
      client.close();
    }
  }

  @Test
  void garbageHugeAndBinaryMessagesEndTheConnectionAndItComesBack() throws Exception {
    Peer peer = connect();
    peer.says("garbage");
    peer.assertClosedWith(1002);
    peer = server.greet(UAID);
    peer.says("{'x':'" + "x".repeat(2 << 20) + "'}");
    peer.assertCut();
    peer = server.greet(UAID);
    peer.saysBinary();
    peer.assertClosedWith(1003);
    server.greet(UAID);
  }

  @Test
  void oddMessagesAreSurvived() throws Exception {
    Peer peer = connect();
    peer.says("{'status':307}");
    peer.says("{'status':307,'redirect':'wss://two.example.org/'}");
    peer.says("{'messageType':'hello','uaid':[{}],'status':'x'}");
    CompletableFuture<URI> endpoint = client.application("calendar", message -> {}).register();
    ChannelId channelId = peer.next(Register.class).channelId();
    answer(peer, channelId);
    assertThat(get(endpoint)).isEqualTo(DeviceHarness.endpoint(channelId));
  }

  /** It reads no further than the loop follows, and its thread does not outlive the client. */
  @Test
  void readerThatWaitsForABusyLoopEndsWithTheClient() throws Exception {
    ScheduledExecutorService scheduler = Executors.newSingleThreadScheduledExecutor();
    CountDownLatch busy = new CountDownLatch(1);
    try {
      client = builder().scheduler(scheduler).build().start();
      Peer peer = server.greet(UAID);
      scheduler.execute(
          () -> {
            try {
              busy.await();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          });
      for (int i = 0; i < 2_000; i++) {
        peer.says("{}");
      }
      await().until(PushClientTest::isAReaderWaiting);
      busy.countDown();
      client.close();
      await().until(() -> !isAReaderWaiting());
    } finally {
      busy.countDown();
      scheduler.shutdown();
    }
  }

  private static boolean isAReaderWaiting() {
    return Thread.getAllStackTraces().values().stream()
        .flatMap(Arrays::stream)
        .anyMatch(frame -> frame.getMethodName().equals("acquireUninterruptibly"));
  }

  @Test
  void floodOfMessagesIsSurvived() throws Exception {
    Peer peer = connect();
    for (int i = 0; i < 5_000; i++) {
      peer.says("{}");
    }
    ChannelId stranger = ChannelId.random();
    notify(peer, stranger, 1);
    peer.next(Ack.class);
  }

  @Test
  void stateThatCannotBeReadIsReportedByStart() {
    DeviceStorage storage = DeviceStorage.inMemory();
    assertThat(catchThrowable(() -> storage.save("nonsense"))).isNull();
    client = builder().storage(storage).build();
    assertThatThrownBy(client::start).isInstanceOf(IOException.class);
  }

  @Test
  void clientIsStartedOnce() throws Exception {
    connect();
    assertThatThrownBy(client::start).isInstanceOf(IllegalStateException.class);
    client.close();
    assertThatThrownBy(client::start).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> client.application("x", message -> {}))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void applicationIsAttachedOnce() {
    client = builder().build();
    client.application("calendar", message -> {});
    assertThatThrownBy(() -> client.application("calendar", message -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("calendar");
  }

  @Test
  void requestBeforeStartIsAMistakeOfTheCaller() {
    client = builder().build();
    PushManager calendar = client.application("calendar", message -> {});
    assertThatThrownBy(calendar::register).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void requestAfterCloseFails() throws Exception {
    connect();
    PushManager calendar = client.application("calendar", message -> {});
    client.close();
    assertThat(failure(calendar.register()).kind()).isEqualTo(PushException.Kind.ABORT_ERROR);
    assertThat(failure(calendar.registrations()).kind()).isEqualTo(PushException.Kind.ABORT_ERROR);
  }

  @Test
  void requestInFlightFailsWhenTheClientIsClosed() throws Exception {
    Peer peer = connect();
    CompletableFuture<URI> endpoint = client.application("calendar", message -> {}).register();
    peer.next(Register.class);
    client.close();
    peer.assertClosedWith(1000);
    assertThat(failure(endpoint).kind()).isEqualTo(PushException.Kind.ABORT_ERROR);
  }

  @Test
  void closeCalledByAHandlerReturns() throws Exception {
    Peer peer = connect();
    CountDownLatch returned = new CountDownLatch(1);
    PushManager calendar =
        client.application(
            "calendar",
            message -> {
              client.close();
              returned.countDown();
            });
    calendar.register();
    ChannelId channelId = peer.next(Register.class).channelId();
    answer(peer, channelId);
    notify(peer, channelId, 7);
    assertThat(returned.await(20, TimeUnit.SECONDS)).isTrue();
    get(client.closeAsync());
    assertThat(peer.next(Ack.class).updates()).containsExactly(new Update(channelId, 7));
    peer.assertClosedWith(1000);
  }

  @Test
  void closeBeforeStartAndTwiceIsHarmless() {
    client = builder().build();
    client.close();
    client.close();
    assertThat(client.closeAsync()).isCompleted();
  }

  @Test
  void noThreadOutlivesClose() throws Exception {
    Peer peer = connect();
    PushManager calendar = client.application("calendar", message -> {});
    CompletableFuture<URI> endpoint = calendar.register();
    answer(peer, peer.next(Register.class).channelId());
    get(endpoint);
    assertThat(threadsOfClients()).isNotEmpty();
    client.close();
    await().atMost(Duration.ofSeconds(20)).until(() -> threadsOfClients().isEmpty());
  }

  @Test
  void noThreadOutlivesCloseWhileConnecting() throws Exception {
    try (ServerSocket mute = new ServerSocket(0)) {
      client =
          PushClient.builder(URI.create("ws://127.0.0.1:" + mute.getLocalPort())).build().start();
      mute.accept();
      client.close();
      await().atMost(Duration.ofSeconds(20)).until(() -> threadsOfClients().isEmpty());
    }
  }

  private static List<String> threadsOfClients() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        // OkHttp renames a thread of ours while it reads a connection.
        .filter(name -> name.startsWith("simplepush-client") || name.startsWith("OkHttp http"))
        .toList();
  }

  @Test
  void manyClientsShareAnOkHttpClientAndExecutorsThatStayOpen() throws Exception {
    OkHttpClient shared = new OkHttpClient();
    ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(2);
    PushClient[] clients = new PushClient[100]; // more than a dispatcher's 64
    for (int i = 0; i < clients.length; i++) {
      clients[i] =
          builder()
              .okHttpClient(shared)
              .scheduler(scheduler)
              .callbackExecutor(scheduler)
              .build()
              .start();
    }
    for (int i = 0; i < clients.length; i++) {
      server.greet(Uaid.random().text());
    }
    // One that reads, each; those of an earlier test may still be about to end.
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(() -> assertThat(threadsOfClients()).hasSize(clients.length));
    CompletableFuture<?>[] closing = new CompletableFuture<?>[clients.length];
    for (int i = 0; i < clients.length; i++) {
      closing[i] = clients[i].closeAsync();
    }
    get(CompletableFuture.allOf(closing));
    assertThat(shared.dispatcher().executorService().isShutdown()).isFalse();
    shared.dispatcher().executorService().shutdown();
    assertThat(scheduler.isShutdown()).isFalse();
    scheduler.shutdown();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void closesEvenIfItsSchedulerWasShutDownFirst(boolean now, @TempDir Path directory)
      throws Exception {
    ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(1);
    DeviceStorage storage = DeviceStorage.file(directory.resolve("device"));
    PushClient orphan = builder().scheduler(scheduler).storage(storage).build().start();
    Peer peer = server.greet(UAID);
    PushManager calendar = orphan.application("calendar", message -> {});
    CompletableFuture<URI> inFlight = calendar.register();
    peer.next(Register.class);
    CompletableFuture<URI> thrownAway = null;
    if (now) {
      CountDownLatch busy = new CountDownLatch(1);
      scheduler.submit(() -> busy.await(10, TimeUnit.SECONDS)); // until it is interrupted
      thrownAway = calendar.register();
      scheduler.shutdownNow();
    } else {
      scheduler.shutdown();
    }
    assertThat(failure(calendar.register())).hasMessageContaining("scheduler was shut down");
    get(orphan.closeAsync());
    assertThat(failure(inFlight).kind()).isEqualTo(PushException.Kind.ABORT_ERROR);
    if (thrownAway != null) {
      peer.next(Register.class); // asked for in the end, but not waited for
      assertThat(failure(thrownAway).kind()).isEqualTo(PushException.Kind.ABORT_ERROR);
    }
    peer.assertClosedWith(1000);
    storage.load(); // nobody holds it
    storage.release();
    await().atMost(Duration.ofSeconds(5)).until(() -> threadsOfClients().isEmpty());
  }

  @Test
  void schedulerThatWasShutDownIsRefusedByStart() {
    ScheduledExecutorService scheduler = Executors.newScheduledThreadPool(1);
    scheduler.shutdown();
    PushClient dead = builder().scheduler(scheduler).build();
    assertThatThrownBy(dead::start)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("scheduler was shut down");
  }

  @Test
  void closeCalledOnTheThreadOfTheConnectionReturns() throws Exception {
    PushClient direct = builder().callbackExecutor(Runnable::run).build().start();
    Peer peer = server.greet(UAID);
    CompletableFuture<Void> closed =
        direct.application("calendar", message -> {}).register().thenRun(direct::close);
    answer(peer, peer.next(Register.class).channelId());
    get(closed);
    get(direct.closeAsync());
  }

  @Test
  void listenerThatThrowsIsNamed() throws Exception {
    final class Careless implements ConnectionListener {
      @Override
      public void onConnected() {
        throw new IllegalStateException("thrown by the test's listener");
      }
    }

    try (LogCapture log = new LogCapture()) {
      client = builder().listener(new Careless()).build().start();
      server.greet(UAID);
      await().until(() -> !log.lines("thrown by the test's listener").isEmpty());
      assertThat(log.lines("WARN"))
          .singleElement()
          .asString()
          .contains("The connection listener", Careless.class.getName());
      assertThat(log.lines("ERROR")).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ws://push.example.org/",
        "ws://10.0.0.1/",
        "ws://127.0.0.1.example.org/",
        "ws://localhost.example.org/",
        "WS://push.example.org/",
        "http://localhost/",
        "//localhost/",
        "wss:/path",
        "wss://user:secret@localhost/",
        "wss://localhost/#fragment",
        "wss://localhost:65536/",
        "wss://user:secret@push_server/",
        "wss://push_server:65536/",
        "wss://push_server:8080:1/",
        "wss://push_server/#fragment",
        "ws://push_server/",
      })
  void addressesThatAreRefused(String address) {
    PushClient.Builder builder = PushClient.builder(URI.create(address));
    assertThatThrownBy(builder::build)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageNotContaining("user:secret");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "wss://push.example.org/",
        "ws://localhost:8080/",
        "ws://push.localhost/",
        "ws://127.1.2.3/",
        "ws://[::1]:80/",
        "wss://push_server:8080/",
        "ws://push_server.localhost/",
      })
  void addressesThatAreTaken(String address) {
    PushClient.builder(URI.create(address)).build().close();
  }

  @Test
  void insecureAddressesAreTakenWhenAllowed() {
    PushClient.builder(URI.create("ws://push.example.org/")).allowInsecure(true).build().close();
  }

  /** As Docker and Compose give them; java.net.URI knows no host then. */
  @Test
  void namesWithUnderscoresAreConnectedTo() throws Exception {
    OkHttpClient resolving =
        new OkHttpClient.Builder()
            .dns(
                name -> {
                  assertThat(name).isEqualTo("push_server");
                  return List.of(InetAddress.getLoopbackAddress());
                })
            .build();
    URI address = URI.create("ws://push_server:" + server.uri().getPort() + "/push");
    client =
        PushClient.builder(address).allowInsecure(true).okHttpClient(resolving).build().start();

    server.greet(UAID);

    resolving.dispatcher().executorService().shutdown();
  }

  @Test
  void settingsOutOfRangeAreRefused() {
    PushClient.Builder builder = builder();
    assertThatThrownBy(() -> builder.requestTimeout(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("requestTimeout");
    assertThatThrownBy(() -> builder.pingInterval(Duration.ofDays(2)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder.backoff(Duration.ofSeconds(2), Duration.ofSeconds(1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> builder().build().application("", message -> {}))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** Nothing is queued whose answer nobody would take. */
  @Test
  void applicationThatAsksForWhatItCouldNotTakeIsToldAtOnce() throws Exception {
    connect();
    PushManager calendar = client.application("calendar", message -> {});
    assertThatThrownBy(() -> calendar.registerWhenPossible("work"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage(
            "The answer would come to a RegisteredHandler, and the handler of application calendar"
                + " is none; implement it");
    calendar.detach();
    get(calendar.registerWhenPossible("work")); // another program may take it
  }

  /** It could not be stored, and with it nothing else of the device. */
  @Test
  void manifestWithAHoleIsRefused() {
    assertThatNullPointerException()
        .isThrownBy(() -> ApplicationManifest.of(null, "handler"))
        .withMessage("name");
    assertThatNullPointerException()
        .isThrownBy(() -> ApplicationManifest.of("Calendar", null))
        .withMessage("handler");
    assertThatNullPointerException()
        .isThrownBy(() -> new ApplicationManifest("Calendar", null, ""))
        .withMessage("permissions");
  }

  /** Made by the launcher from its name. */
  public static final class LaunchedHandler implements PushHandler {
    static final BlockingQueue<String> told = new LinkedBlockingQueue<>();
    private final PushManager application;

    public LaunchedHandler(PushManager application) {
      this.application = application;
    }

    @Override
    public void onPush(PushMessage message) {
      told.add(application.applicationId() + " " + message.version());
      application.detach();
    }
  }

  @Test
  void applicationThatIsUninstalledWhileItIsStartedIsNotAttached() throws Exception {
    CountDownLatch launching = new CountDownLatch(1);
    CountDownLatch installedAnew = new CountDownLatch(1);
    CountDownLatch launchingAgain = new CountDownLatch(1);
    BlockingQueue<PushMessage> outdated = new LinkedBlockingQueue<>();
    client =
        builder()
            .launcher(
                (application, manifest) -> {
                  if (manifest.handler().equals("new")) {
                    launchingAgain.countDown();
                    return null;
                  }
                  launching.countDown();
                  installedAnew.await();
                  return outdated::add;
                })
            .build()
            .start();
    Peer peer = server.greet(UAID);
    get(client.install("calendar", ApplicationManifest.of("C", "old")));
    PushManager calendar = client.application("calendar", message -> {});
    calendar.detach();
    calendar.register();
    ChannelId first = peer.next(Register.class).channelId();
    answer(peer, first);
    notify(peer, first, 1);
    launching.await();
    get(client.uninstall("calendar"));
    get(client.install("calendar", ApplicationManifest.of("C", "new")));
    calendar.register();
    peer.next(Unregister.class);
    ChannelId second = peer.next(Register.class).channelId();
    answer(peer, second);
    notify(peer, second, 1);
    installedAnew.countDown();
    launchingAgain.await();
    BlockingQueue<PushMessage> pushes = new LinkedBlockingQueue<>();
    client.application("calendar", pushes::add);
    assertThat(pushes.poll(20, TimeUnit.SECONDS)).isEqualTo(DeviceHarness.push(second, 1));
    assertThat(outdated).isEmpty();
  }

  @Test
  void applicationsAreStartedInProcessByTheNameOfTheirHandler() throws Exception {
    client =
        builder()
            .launcher(ApplicationLauncher.inProcess(PushClientTest.class.getClassLoader()))
            .build()
            .start();
    Peer peer = server.greet(UAID);
    get(client.install("calendar", ApplicationManifest.of("C", LaunchedHandler.class.getName())));
    PushManager calendar = client.application("calendar", message -> {});
    calendar.register();
    ChannelId channelId = peer.next(Register.class).channelId();
    answer(peer, channelId);
    calendar.detach();
    for (long version = 1; version <= 3; version++) {
      notify(peer, channelId, version);
      assertThat(LaunchedHandler.told.poll(20, TimeUnit.SECONDS)).isEqualTo("calendar " + version);
      assertThat(peer.next(Ack.class).updates()).containsExactly(new Update(channelId, version));
    }
    assertThat(get(client.installed())).containsOnlyKeys("calendar");
    get(client.uninstall("calendar"));
    assertThat(get(client.installed())).isEmpty();
  }

  /** A hole in the rules, say. */
  @Test
  void errorOnTheLoopIsALostConnection() throws Exception {
    BlockingQueue<ConnectionListener.Disconnected> ends = new LinkedBlockingQueue<>();
    client =
        builder()
            .listener(
                new ConnectionListener() {
                  @Override
                  public void onDisconnected(Disconnected event) {
                    ends.add(event);
                  }
                })
            .build()
            .start();
    server.greet(UAID);
    client.ask(
        new CompletableFuture<>(),
        device -> {
          throw new StackOverflowError("one of this test");
        });
    ConnectionListener.Disconnected end = ends.poll(20, TimeUnit.SECONDS);
    assertThat(end).isNotNull();
    assertThat(end.reason()).contains("the device failed", "one of this test");
    server.greet(UAID);
  }

  /** A small frame could become a message of any length. */
  @Test
  void offersNoCompression() throws Exception {
    connect();
    assertThat(server.takeRequest().getHeaders().get("Sec-WebSocket-Extensions")).isNull();
  }
}
