package org.simplepush.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.client.internal.connection.Disconnected;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.VersionStore;
import org.simplepush.server.EndpointKeys;
import org.simplepush.server.PushServer;
import org.simplepush.server.testing.DeviceConnection;
import org.simplepush.server.testing.FakePushServer;

/** The client against the real push server, with application servers that speak plain HTTP. */
@Timeout(60)
class EndToEndTest {
  private static final MediaType FORM = MediaType.get("application/x-www-form-urlencoded");

  private final OkHttpClient http = new OkHttpClient();
  private final DeviceStorage storage = DeviceStorage.inMemory();
  private final BlockingQueue<Object> calendar = new LinkedBlockingQueue<>();
  private final BlockingQueue<Object> mail = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> connections = new LinkedBlockingQueue<>();
  private final List<AutoCloseable> closed = new ArrayList<>();
  private final EndpointKeys keys = EndpointKeys.ephemeral();
  private PushServer server;

  /** A real server too, but one that goes wrong when told. */
  @RegisterExtension private final FakePushServer fake = new FakePushServer();

  @BeforeEach
  void startServer() throws IOException {
    server = serve(0, new InMemoryVersionStore());
  }

  @AfterEach
  void stop() throws Exception {
    for (int i = closed.size() - 1; i >= 0; i--) {
      closed.get(i).close();
    }
    server.close();
    http.dispatcher().executorService().shutdown();
    http.connectionPool().evictAll();
  }

  private PushServer serve(int port, VersionStore store) throws IOException {
    return PushServer.builder()
        .port(port)
        .endpointPort(0)
        .keys(keys)
        .store(store)
        .redeliveryInterval(Duration.ofMillis(200))
        .build()
        .start();
  }

  private PushClient device() throws IOException {
    return device(server.webSocketUri());
  }

  private PushClient device(URI pushServer) throws IOException {
    PushClient device =
        PushClient.builder(pushServer)
            .storage(storage)
            .backoff(Duration.ofMillis(10), Duration.ofMillis(100))
            .listener(
                new ConnectionListener() {
                  @Override
                  public void onConnected() {
                    connections.add("connected");
                  }

                  @Override
                  public void onDisconnected(Disconnected event) {
                    connections.add("disconnected");
                  }
                })
            .build()
            .start();
    closed.add(device);
    return device;
  }

  private static PushManager attach(
      PushClient device, String application, BlockingQueue<Object> told) {
    return device.application(application, new Application(told));
  }

  /** Tells what it is told, and registers by itself. */
  private record Application(BlockingQueue<Object> told)
      implements PushHandler, PushRegisterHandler {
    @Override
    public void onPush(PushMessage message) {
      told.add(message);
    }

    @Override
    public void onPushRegister() {
      told.add("push-register");
    }
  }

  /** Tells what it is told, and takes the endpoints that the device gets for it. */
  private record ReplacingApplication(BlockingQueue<Object> told, BlockingQueue<URI> endpoints)
      implements PushHandler, RegisteredHandler, EndpointReplacedHandler {
    @Override
    public void onPush(PushMessage message) {
      told.add(message);
    }

    @Override
    public void onRegistered(String tag, URI endpoint) {
      endpoints.add(endpoint);
    }

    @Override
    public void onEndpointReplaced(URI old, URI endpoint) {
      endpoints.add(old);
      endpoints.add(endpoint);
    }
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(20, TimeUnit.SECONDS);
  }

  private static Object next(BlockingQueue<?> queue) throws InterruptedException {
    Object message = queue.poll(20, TimeUnit.SECONDS);
    assertThat(message).isNotNull();
    return message;
  }

  private int put(URI endpoint, long version) throws IOException {
    Request request =
        new Request.Builder()
            .url(endpoint.toString())
            .put(RequestBody.create("version=" + version, FORM))
            .build();
    try (Response response = http.newCall(request).execute()) {
      return response.code();
    }
  }

  /** Endpoints name the port of the server that handed them out, and that one is gone. */
  private URI moved(URI endpoint) {
    return URI.create(
        endpoint.toString().replaceFirst(":\\d+/", ":" + server.endpointPort() + "/"));
  }

  @Test
  void aVersionTravelsFromPutToTheApplication() throws Exception {
    PushManager manager = attach(device(), "calendar", calendar);
    URI endpoint = get(manager.register());
    assertThat(put(endpoint, 1)).isEqualTo(200);
    assertThat(next(calendar)).isEqualTo(new PushMessage(endpoint, 1));
    assertThat(put(endpoint, 5)).isEqualTo(200);
    assertThat(next(calendar)).isEqualTo(new PushMessage(endpoint, 5));
    assertThat(put(endpoint, 3)).isEqualTo(200); // stale
    assertThat(put(endpoint, 6)).isEqualTo(200);
    assertThat(next(calendar)).isEqualTo(new PushMessage(endpoint, 6));
  }

  @Test
  void eachApplicationHearsOfItsOwnEndpoints() throws Exception {
    PushClient device = device();
    URI one = get(attach(device, "calendar", calendar).register());
    URI two = get(attach(device, "mail", mail).register());
    put(one, 1);
    put(two, 2);
    assertThat(next(calendar)).isEqualTo(new PushMessage(one, 1));
    assertThat(next(mail)).isEqualTo(new PushMessage(two, 2));
    assertThat(calendar).isEmpty();
  }

  @Test
  void versionsPublishedWhileTheDeviceWasAwayCollapse() throws Exception {
    PushClient first = device();
    URI endpoint = get(attach(first, "calendar", calendar).register());
    first.close();
    for (long version = 250; version <= 255; version++) {
      assertThat(put(endpoint, version)).isEqualTo(200);
    }
    PushManager manager = attach(device(), "calendar", calendar);
    assertThat(next(calendar)).isEqualTo(new PushMessage(endpoint, 255));
    put(endpoint, 256);
    assertThat(next(calendar)).isEqualTo(new PushMessage(endpoint, 256));
    // 255 was stored before 256 was handed over; 256 itself is while its handler returns.
    assertThat(get(manager.registrations()))
        .singleElement()
        .satisfies(now -> assertThat(now.version().orElseThrow()).isBetween(255L, 256L));
  }

  @Test
  void unregisteredEndpointIsGone() throws Exception {
    PushManager manager = attach(device(), "calendar", calendar);
    URI endpoint = get(manager.register());
    URI other = get(manager.register());
    get(manager.unregister(endpoint));
    // The server handles requests of one connection in order: once this is answered it has heard.
    get(manager.register());
    assertThat(put(endpoint, 1)).isEqualTo(410);
    assertThat(put(other, 1)).isEqualTo(200);
    assertThat(next(calendar)).isEqualTo(new PushMessage(other, 1));
  }

  @Test
  void endpointUnregisteredWhileAwayIsGoneAfterTheNextHello() throws Exception {
    PushClient device = device();
    PushManager manager = attach(device, "calendar", calendar);
    URI endpoint = get(manager.register());
    int port = server.port();
    VersionStore store = new InMemoryVersionStore();
    server.close();
    get(manager.unregister(endpoint));
    server = serve(port, store);
    get(manager.register());
    assertThat(put(moved(endpoint), 1)).isEqualTo(410);
  }

  @Test
  void serverRestartLosesNothingThatItsStoreKept() throws Exception {
    server.close();
    VersionStore store = new InMemoryVersionStore();
    server = serve(0, store);
    URI endpoint = get(attach(device(), "calendar", calendar).register());
    int port = server.port();
    for (int restart = 1; restart <= 3; restart++) {
      server.close();
      server = serve(port, store);
      assertThat(put(moved(endpoint), restart)).isEqualTo(200);
      assertThat(next(calendar)).isEqualTo(new PushMessage(endpoint, restart));
    }
  }

  @Test
  void applicationsRecoverFromAServerThatLostItsState() throws Exception {
    PushClient device = device(fake.webSocketUri());
    PushManager calendarManager = attach(device, "calendar", calendar);
    attach(device, "mail", mail);
    URI lost = get(calendarManager.register());
    fake.loseState();
    assertThat(next(calendar)).isEqualTo("push-register");
    assertThat(get(calendarManager.registrations())).isEmpty();
    assertThat(put(lost, 1)).isEqualTo(410);

    URI fresh = get(calendarManager.register());
    put(fresh, 2);
    assertThat(next(calendar)).isEqualTo(new PushMessage(fresh, 2));
    assertThat(mail).isEmpty();
  }

  @Test
  void registerThatIsNotAnsweredIsAskedAgainForTheSameChannel() throws Exception {
    fake.ignoreNext(ClientMessage.Type.REGISTER);
    PushManager manager = attach(device(fake.webSocketUri()), "calendar", calendar);
    CompletableFuture<URI> endpoint = manager.register();
    DeviceConnection connection = fake.accept();
    ChannelId asked = connection.received(ClientMessage.Register.class).channelId();
    connection.drop();
    assertThat(fake.accept().received(ClientMessage.Register.class).channelId()).isEqualTo(asked);
    assertThat(put(get(endpoint), 1)).isEqualTo(200);
    assertThat(next(calendar)).isEqualTo(new PushMessage(get(endpoint), 1));
  }

  @Test
  void versionPublishedOnAStalledConnectionComesOverTheNextOne() throws Exception {
    PushManager manager = attach(device(fake.webSocketUri()), "calendar", calendar);
    URI endpoint = get(manager.register());
    DeviceConnection connection = fake.accept();
    connection.stall();
    assertThat(put(endpoint, 7)).isEqualTo(200);
    connection.drop();
    assertThat(next(calendar)).isEqualTo(new PushMessage(endpoint, 7));
  }

  @Test
  void versionWhoseHandlerFailedComesAgain() throws Exception {
    PushClient device = device();
    BlockingQueue<Long> seen = new LinkedBlockingQueue<>();
    AtomicBoolean failed = new AtomicBoolean(); // the test may take what was seen at once
    PushManager manager =
        device.application(
            "calendar",
            message -> {
              seen.add(message.version());
              if (!failed.getAndSet(true)) {
                throw new IllegalStateException("not now");
              }
            });
    put(get(manager.register()), 7);
    assertThat(next(seen)).isEqualTo(7L);
    assertThat(next(seen)).isEqualTo(7L);
  }

  @Test
  void connectionTakenOverByAnotherDeviceWithTheSameStateIsNotFoughtFor() throws Exception {
    PushClient first = device();
    URI endpoint = get(attach(first, "calendar", calendar).register());
    assertThat(next(connections)).isEqualTo("connected");
    PushClient second = device();
    BlockingQueue<Object> told = new LinkedBlockingQueue<>();
    attach(second, "calendar", told);
    assertThat(List.of(next(connections), next(connections)))
        .containsExactlyInAnyOrder("connected", "disconnected");
    first.close();
    put(endpoint, 1);
    assertThat(next(told)).isEqualTo(new PushMessage(endpoint, 1));
  }

  @Test
  void manyVersionsFromManyThreadsArriveInOrderAndTheLastOneDoes() throws Exception {
    PushManager manager = attach(device(), "calendar", calendar);
    URI endpoint = get(manager.register());
    // Not the common pool, which has one thread where there are two processors.
    ExecutorService threads = Executors.newFixedThreadPool(4);
    List<CompletableFuture<Void>> senders = new ArrayList<>();
    for (int sender = 0; sender < 4; sender++) {
      int offset = sender;
      senders.add(
          CompletableFuture.runAsync(
              () -> {
                try {
                  for (int i = 0; i < 100; i++) {
                    assertThat(put(endpoint, i * 4 + offset)).isEqualTo(200);
                  }
                } catch (IOException e) {
                  throw new AssertionError(e);
                }
              },
              threads));
    }
    get(CompletableFuture.allOf(senders.toArray(CompletableFuture[]::new)));
    threads.shutdown();
    long last = -1;
    while (last < 399) {
      long version = ((PushMessage) next(calendar)).version();
      assertThat(version).isGreaterThan(last);
      last = version;
    }
    assertThat(calendar).isEmpty();
  }

  @Test
  void deviceReplacesTheEndpointsOfAServerThatLostItsState() throws Exception {
    BlockingQueue<URI> endpoints = new LinkedBlockingQueue<>();
    PushManager manager =
        device().application("calendar", new ReplacingApplication(calendar, endpoints));
    get(manager.registerWhenPossible("work"));
    URI first = (URI) next(endpoints);
    int port = server.port();
    server.close();
    server = serve(port, new InMemoryVersionStore());
    assertThat(next(endpoints)).isEqualTo(first);
    URI second = (URI) next(endpoints);
    assertThat(put(second, 1)).isEqualTo(200);
    assertThat(next(calendar)).isEqualTo(new PushMessage(second, 1));
    assertThat(put(moved(first), 1)).isEqualTo(410);
  }

  @Test
  void poisonedEndpointIsReplacedAndItsSuccessorCountsAfresh() throws Exception {
    BlockingQueue<URI> endpoints = new LinkedBlockingQueue<>();
    PushManager manager =
        device().application("calendar", new ReplacingApplication(calendar, endpoints));
    URI poisoned = get(manager.register());
    assertThat(put(poisoned, Long.MAX_VALUE)).isEqualTo(200); // a stranger
    assertThat(next(calendar)).isEqualTo(new PushMessage(poisoned, Long.MAX_VALUE));
    get(manager.replace(poisoned));
    assertThat(next(endpoints)).isEqualTo(poisoned);
    URI successor = (URI) next(endpoints);
    assertThat(put(successor, 1)).isEqualTo(200);
    assertThat(next(calendar)).isEqualTo(new PushMessage(successor, 1));
    assertThat(get(manager.registrations()))
        .extracting(PushRegistration::endpoint)
        .containsExactly(successor);
    get(manager.register()); // the server answers this after it has unregistered the other
    assertThat(put(poisoned, Long.MAX_VALUE)).isEqualTo(410);
  }

  /** A device in a process of its own; it says what it is told. */
  static final class DeviceProcess {
    public static void main(String[] args) throws Exception {
      PushClient device =
          PushClient.builder(URI.create(args[0]))
              .storage(DeviceStorage.file(Path.of(args[1])))
              .backoff(Duration.ofMillis(10), Duration.ofMillis(100))
              .build();
      PushManager calendar =
          device.application(
              "calendar", message -> System.out.println("push " + message.version()));
      device.start();
      URI endpoint =
          calendar.registrations().get().isEmpty()
              ? calendar.register().get()
              : calendar.registrations().get().get(0).endpoint();
      System.out.println("endpoint " + endpoint);
      new CountDownLatch(1).await(); // until it is killed
    }
  }

  @Test
  @Timeout(180) // it starts six processes
  void deviceThatIsKilledAgainAndAgainMissesNoLastVersion(@TempDir Path directory)
      throws Exception {
    Path state = directory.resolve("device");
    AtomicLong version = new AtomicLong();
    CompletableFuture<URI> endpoint = new CompletableFuture<>();
    AtomicBoolean enough = new AtomicBoolean();
    CompletableFuture<Void> publisher =
        CompletableFuture.runAsync(
            () -> {
              try {
                while (!enough.get()) {
                  assertThat(put(endpoint.join(), version.incrementAndGet())).isEqualTo(200);
                }
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            });
    long last = 0;
    for (int round = 1; round <= 6; round++) {
      boolean isLast = round == 6;
      Process process = startDevice(state);
      try (BufferedReader says =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
        int heard = 0;
        boolean first = true;
        while (isLast ? last < version.get() || !enough.get() : heard < 10 * round) {
          String line = says.readLine();
          assertThat(line).isNotNull();
          if (line.startsWith("endpoint ")) {
            endpoint.complete(URI.create(line.substring("endpoint ".length())));
            continue;
          }
          long pushed = Long.parseLong(line.substring("push ".length()));
          if (first) {
            assertThat(pushed).isGreaterThanOrEqualTo(last); // killed before it was stored
          } else {
            assertThat(pushed).isGreaterThan(last);
          }
          first = false;
          last = pushed;
          heard++;
          if (isLast && heard == 10) {
            enough.set(true);
            get(publisher);
          }
        }
        assertThat(process.toHandle().destroyForcibly()).isTrue();
        for (String line = says.readLine(); line != null; line = says.readLine()) {
          if (line.startsWith("push ")) { // what it said before it was dead
            last = Math.max(last, Long.parseLong(line.substring("push ".length())));
          }
        }
      }
      assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    }
    assertThat(last).isEqualTo(version.get());
  }

  private Process startDevice(Path state) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xshare:auto",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            System.getProperty("java.class.path"),
            DeviceProcess.class.getName(),
            server.webSocketUri().toString(),
            state.toString())
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }
}
