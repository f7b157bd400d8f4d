package org.simplepush.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;
import java.util.random.RandomGenerator;
import org.simplepush.client.FakeServer.FakeConnection;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage.Ack;
import org.simplepush.core.ClientMessage.Hello;
import org.simplepush.core.ClientMessage.Register;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.internal.Backoff;

/** A device without sockets, threads and clock. */
final class DeviceHarness {
  static final URI SERVER = URI.create("wss://push.example.org/");
  static final Duration TIMEOUT = Duration.ofSeconds(10);
  static final Duration PING = Duration.ofMinutes(30);
  static final Uaid UAID = Uaid.random();

  /** Draws the longest wait, so that tests know when it ends. */
  static final RandomGenerator LONGEST =
      new RandomGenerator() {
        @Override
        public long nextLong() {
          throw new AssertionError("only bounded numbers are drawn");
        }

        @Override
        public long nextLong(long bound) {
          return bound - 1;
        }
      };

  /** A storage that can break. */
  static final class FragileStorage implements DeviceStorage {
    String state;
    int saves;
    boolean broken;

    /** It stores what it says it could not: a disk that fails after the last write. */
    boolean inDoubt;

    int attempts;
    RuntimeException bug;
    Error error;

    @Override
    public String load() {
      return state;
    }

    @Override
    public void save(String newState) throws IOException {
      attempts++;
      if (bug != null) {
        throw bug;
      }
      if (error != null) {
        throw error;
      }
      if (broken) {
        throw new IOException("the disk is full");
      }
      state = newState;
      if (inDoubt) {
        throw new IOException("the disk failed when it was to confirm");
      }
      saves++;
    }
  }

  /** Remembers what it was told, and fails when told so. */
  static final class Recorder {
    final Queue<Object> told = new ArrayDeque<>();
    boolean failing;

    /** Whether it takes an endpoint in the place of a lost or old one. */
    boolean replaces;

    Recorder replacing() {
      replaces = true;
      return this;
    }

    /** Handles all there is, but does not replace endpoints unless told so. */
    Handlers handlers() {
      return new Handlers(
          (endpoint, version) -> hears(new PushMessage(endpoint, version)),
          replaces ? (lost, endpoint) -> hears(lost + " is now " + endpoint) : null,
          () -> hears("push-register"),
          (tag, endpoint) -> hears(tag + " is " + endpoint),
          () -> hears("synchronise"));
    }

    private void hears(Object message) throws Exception {
      told.add(message);
      if (failing) {
        throw new Exception("the handler fails");
      }
    }

    void assertTold(Object... messages) {
      assertThat(told).containsExactly(messages);
      told.clear();
    }

    void assertToldNothing() {
      assertThat(told).isEmpty();
    }
  }

  final FakeLoop loop = new FakeLoop();
  final FakeServer server = new FakeServer();
  final Queue<Runnable> callbacks = new ArrayDeque<>();
  final List<Disconnected> disconnects = new ArrayList<>();
  int connects;
  final List<Duration> sleeps = new ArrayList<>();
  boolean launches;
  final Queue<String> launching = new ArrayDeque<>();
  final Queue<Consumer<Throwable>> launchEnds = new ArrayDeque<>();
  final FragileStorage storage;
  Settings settings =
      new Settings(
          SERVER,
          TIMEOUT,
          PING,
          PING,
          new Backoff(Duration.ofSeconds(1), Duration.ofSeconds(60)),
          false,
          PushClient.DEFAULT_MAX_MESSAGE_LENGTH,
          null,
          null);
  Device device;

  DeviceHarness() {
    this(new FragileStorage());
  }

  DeviceHarness(FragileStorage storage) {
    this.storage = storage;
  }

  /** The device learns how often to ping. */
  DeviceHarness learning(Duration min, Duration max) {
    settings =
        new Settings(SERVER, TIMEOUT, min, max, settings.backoff(), false, 1 << 20, null, null);
    return this;
  }

  /** The device tells applications to synchronise after a day. */
  DeviceHarness synchronising() {
    return synchronising(Duration.ofDays(1));
  }

  DeviceHarness synchronising(Duration silence) {
    settings =
        new Settings(
            settings.server(),
            settings.requestTimeout(),
            PING,
            PING,
            settings.backoff(),
            false,
            settings.maxMessageLength(),
            silence,
            settings.renewal());
    return this;
  }

  /** The device renews endpoints after 30 days; both work for a day. */
  DeviceHarness renewing() {
    settings =
        new Settings(
            settings.server(),
            settings.requestTimeout(),
            PING,
            PING,
            settings.backoff(),
            false,
            settings.maxMessageLength(),
            settings.synchroniseAfter(),
            new Settings.Renewal(Duration.ofDays(30), Duration.ofDays(1)));
    return this;
  }

  DeviceHarness start() {
    make();
    loop.execute(device::start);
    settle();
    return this;
  }

  /** As {@link PushClient} attaches what was there before it was started. */
  void attachBeforeStart(String application, Handlers handlers) {
    make();
    loop.execute(() -> device.attach(application, handlers));
  }

  private void make() {
    if (device != null) {
      return;
    }
    Device.Listener listener =
        new Device.Listener() {
          @Override
          public void connected() {
            connects++;
          }

          @Override
          public void sleeping(Duration atMost) {
            sleeps.add(atMost);
          }

          @Override
          public void disconnected(Disconnected event) {
            disconnects.add(event);
          }
        };
    try {
      DeviceState state =
          storage.state == null ? new DeviceState() : DeviceState.parse(storage.state);
      device =
          new Device(
              settings,
              loop,
              server,
              storage::save,
              state,
              this::launch,
              callbacks::add,
              listener,
              LONGEST);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private boolean launch(String application, Manifest manifest, Consumer<Throwable> launched) {
    if (!launches) {
      return false;
    }
    launching.add(application + " with " + manifest.handler());
    launchEnds.add(launched);
    return true;
  }

  /** Runs everything that is due, the callbacks too. */
  void settle() {
    boolean more = true;
    while (more) {
      more = loop.runOne();
      if (!more && !callbacks.isEmpty()) {
        callbacks.poll().run();
        more = true;
      }
    }
  }

  /** Runs everything that is due but the callbacks: handlers are busy. */
  void settleLoop() {
    while (loop.runOne()) {}
  }

  void advance(Duration duration) {
    long end = loop.elapsed() + duration.toNanos();
    do {
      settle();
    } while (loop.runTimer(end));
    settle();
  }

  /** Waits as long as the listener was told. */
  void advanceToNextAttempt() {
    advance(lastDisconnect().retryIn());
  }

  Disconnected lastDisconnect() {
    return disconnects.get(disconnects.size() - 1);
  }

  void attach(String application, Recorder handler) {
    attach(application, handler.handlers());
  }

  void attach(String application, Handlers handlers) {
    loop.execute(() -> device.attach(application, handlers));
    settle();
  }

  void detach(String application) {
    loop.execute(() -> device.detach(application));
    settle();
  }

  static Manifest manifest(String name, String handler) {
    return new Manifest(name, Set.of(Manifest.PUSH), handler);
  }

  static <T> Reply<T> reply(CompletableFuture<T> result) {
    return PublicTypes.reply(result);
  }

  static Handlers handlers(PushHandler handler) {
    return PublicTypes.handlers(handler);
  }

  CompletableFuture<URI> register(String application) {
    CompletableFuture<URI> result = new CompletableFuture<>();
    loop.execute(() -> device.register(application, reply(result)));
    settle();
    return result;
  }

  CompletableFuture<Void> unregister(String application, URI endpoint) {
    CompletableFuture<Void> result = new CompletableFuture<>();
    loop.execute(() -> device.unregister(application, endpoint, reply(result)));
    settle();
    return result;
  }

  CompletableFuture<Void> replace(String application, URI endpoint) {
    CompletableFuture<Void> result = new CompletableFuture<>();
    loop.execute(() -> device.replace(application, endpoint, reply(result)));
    settle();
    return result;
  }

  CompletableFuture<Void> install(String application, Manifest manifest) {
    CompletableFuture<Void> result = new CompletableFuture<>();
    loop.execute(() -> device.install(application, manifest, reply(result)));
    settle();
    return result;
  }

  CompletableFuture<Void> uninstall(String application) {
    CompletableFuture<Void> result = new CompletableFuture<>();
    loop.execute(() -> device.uninstall(application, reply(result)));
    settle();
    return result;
  }

  CompletableFuture<Void> registerWhenPossible(String application, String tag) {
    CompletableFuture<Void> result = new CompletableFuture<>();
    loop.execute(() -> device.registerWhenPossible(application, tag, reply(result)));
    settle();
    return result;
  }

  CompletableFuture<Void> close() {
    CompletableFuture<Void> closed = new CompletableFuture<>();
    loop.execute(() -> device.close(() -> closed.complete(null)));
    return closed;
  }

  List<PushRegistration> registrations(String application) {
    CompletableFuture<List<PushRegistration>> result = new CompletableFuture<>();
    loop.execute(() -> device.registrations(application, PublicTypes.registrations(result)));
    settle();
    return result.join();
  }

  /** Returns the channels that a restart would find. */
  List<ChannelId> registrationsStored() {
    try {
      return DeviceState.parse(storage.state).channelIds();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** The next connection opens, and the hello lists these channels and is answered. */
  FakeConnection connectedListing(ChannelId... channels) {
    FakeConnection connection = server.accept();
    open(connection);
    assertThat(connection.next(Hello.class).channelIds()).containsExactlyInAnyOrder(channels);
    greet(connection, UAID);
    return connection;
  }

  /** The next connection opens; returns it after its hello was checked and answered. */
  FakeConnection connected() {
    return connected(UAID);
  }

  FakeConnection connected(Uaid uaid) {
    FakeConnection connection = server.accept();
    open(connection);
    connection.next(Hello.class);
    greet(connection, uaid);
    return connection;
  }

  void open(FakeConnection connection) {
    connection.events.opened();
    settle();
  }

  void greet(FakeConnection connection, Uaid uaid) {
    says(connection, "{'messageType':'hello','uaid':'" + uaid + "','status':200}");
  }

  void says(FakeConnection connection, String json) {
    connection.events.received(json.replace('\'', '"'));
    settle();
  }

  void ends(FakeConnection connection, int code) {
    connection.events.ended(code, "");
    settle();
  }

  void answerRegister(FakeConnection connection, ChannelId channelId, URI endpoint) {
    says(
        connection,
        "{'messageType':'register','status':200,'channelID':'"
            + channelId
            + "','pushEndpoint':'"
            + endpoint
            + "'}");
  }

  static URI endpoint(ChannelId channelId) {
    return URI.create("https://push.example.org/update/" + channelId);
  }

  /** Registers a channel and returns it. */
  ChannelId registered(FakeConnection connection, String application) {
    CompletableFuture<URI> result = register(application);
    ChannelId channelId = connection.next(Register.class).channelId();
    answerRegister(connection, channelId, endpoint(channelId));
    assertThat(result).isCompletedWithValue(endpoint(channelId));
    return channelId;
  }

  static String notification(Update... updates) {
    StringBuilder json = new StringBuilder("{'messageType':'notification','updates':[");
    for (int i = 0; i < updates.length; i++) {
      json.append(i == 0 ? "" : ",")
          .append("{'channelID':'")
          .append(updates[i].channelId())
          .append("','version':")
          .append(updates[i].version())
          .append('}');
    }
    return json.append("]}").toString();
  }

  void notifies(FakeConnection connection, ChannelId channelId, long version) {
    says(connection, notification(new Update(channelId, version)));
  }

  static Ack ack(ChannelId channelId, long version) {
    return new Ack(List.of(new Update(channelId, version)));
  }

  static PushMessage push(ChannelId channelId, long version) {
    return new PushMessage(endpoint(channelId), version);
  }

  static PushException failure(CompletableFuture<?> result) {
    assertThat(result).isCompletedExceptionally();
    try {
      result.join();
    } catch (CompletionException e) {
      return (PushException) e.getCause();
    }
    throw new AssertionError("unreachable");
  }
}
