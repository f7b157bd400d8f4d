package org.simplepush.client.testing;

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
import org.simplepush.client.DeviceStorage;
import org.simplepush.client.PublicTypes;
import org.simplepush.client.PushClient;
import org.simplepush.client.PushException;
import org.simplepush.client.PushHandler;
import org.simplepush.client.PushMessage;
import org.simplepush.client.PushRegistration;
import org.simplepush.client.internal.Settings;
import org.simplepush.client.internal.connection.Disconnected;
import org.simplepush.client.internal.device.Device;
import org.simplepush.client.internal.device.DeviceState;
import org.simplepush.client.internal.device.DeviceStateText;
import org.simplepush.client.internal.device.Handlers;
import org.simplepush.client.internal.device.Manifest;
import org.simplepush.client.internal.device.Reply;
import org.simplepush.client.testing.FakeServer.FakeConnection;
import org.simplepush.core.ChannelId;
import org.simplepush.core.ClientMessage.Ack;
import org.simplepush.core.ClientMessage.Hello;
import org.simplepush.core.ClientMessage.Register;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.internal.Backoff;

/** A device without sockets, threads and clock. */
public final class DeviceHarness {
  public static final URI SERVER = URI.create("wss://push.example.org/");
  public static final Duration TIMEOUT = Duration.ofSeconds(10);
  public static final Duration PING = Duration.ofMinutes(30);
  public static final Uaid UAID = Uaid.random();

  /** Draws the longest wait, so that tests know when it ends. */
  public static final RandomGenerator LONGEST =
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
  public static final class FragileStorage implements DeviceStorage {
    public String state;
    public int saves;
    public boolean broken;

    /** It stores what it says it could not: a disk that fails after the last write. */
    public boolean inDoubt;

    public int attempts;
    public RuntimeException bug;
    public Error error;

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
  public static final class Recorder {
    public final Queue<Object> told = new ArrayDeque<>();
    public boolean failing;

    /** Whether it takes an endpoint in the place of a lost or old one. */
    public boolean replaces;

    public Recorder replacing() {
      replaces = true;
      return this;
    }

    /** Handles all there is, but does not replace endpoints unless told so. */
    public Handlers handlers() {
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

    public void assertTold(Object... messages) {
      assertThat(told).containsExactly(messages);
      told.clear();
    }

    public void assertToldNothing() {
      assertThat(told).isEmpty();
    }
  }

  public final FakeLoop loop = new FakeLoop();
  public final FakeServer server = new FakeServer();
  public final Queue<Runnable> callbacks = new ArrayDeque<>();
  public final List<Disconnected> disconnects = new ArrayList<>();
  public int connects;
  public final List<Duration> sleeps = new ArrayList<>();
  public boolean launches;
  public final Queue<String> launching = new ArrayDeque<>();
  public final Queue<Consumer<Throwable>> launchEnds = new ArrayDeque<>();
  public final FragileStorage storage;
  public Settings settings =
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
  public Device device;

  public DeviceHarness() {
    this(new FragileStorage());
  }

  public DeviceHarness(FragileStorage storage) {
    this.storage = storage;
  }

  /** The device learns how often to ping. */
  public DeviceHarness learning(Duration min, Duration max) {
    settings =
        new Settings(SERVER, TIMEOUT, min, max, settings.backoff(), false, 1 << 20, null, null);
    return this;
  }

  /** The device tells applications to synchronise after a day. */
  public DeviceHarness synchronising() {
    return synchronising(Duration.ofDays(1));
  }

  public DeviceHarness synchronising(Duration silence) {
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
  public DeviceHarness renewing() {
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

  public DeviceHarness start() {
    make();
    loop.execute(device::start);
    settle();
    return this;
  }

  /** As {@link PushClient} attaches what was there before it was started. */
  public void attachBeforeStart(String application, Handlers handlers) {
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
          storage.state == null ? new DeviceState() : DeviceStateText.parse(storage.state);
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
  public void settle() {
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
  public void settleLoop() {
    while (loop.runOne()) {}
  }

  public void advance(Duration duration) {
    long end = loop.elapsed() + duration.toNanos();
    do {
      settle();
    } while (loop.runTimer(end));
    settle();
  }

  /** Waits as long as the listener was told. */
  public void advanceToNextAttempt() {
    advance(lastDisconnect().retryIn());
  }

  public Disconnected lastDisconnect() {
    return disconnects.get(disconnects.size() - 1);
  }

  public void attach(String application, Recorder handler) {
    attach(application, handler.handlers());
  }

  public void attach(String application, Handlers handlers) {
    loop.execute(() -> device.attach(application, handlers));
    settle();
  }

  public void detach(String application) {
    loop.execute(() -> device.detach(application));
    settle();
  }

  public static Manifest manifest(String name, String handler) {
    return new Manifest(name, Set.of(Manifest.PUSH), handler);
  }

  public static <T> Reply<T> reply(CompletableFuture<T> result) {
    return PublicTypes.reply(result);
  }

  public static Handlers handlers(PushHandler handler) {
    return PublicTypes.handlers(handler);
  }

  private <T> CompletableFuture<T> ask(Consumer<Reply<T>> request) {
    CompletableFuture<T> result = new CompletableFuture<>();
    loop.execute(() -> request.accept(reply(result)));
    settle();
    return result;
  }

  public CompletableFuture<URI> register(String application) {
    return ask(reply -> device.register(application, reply));
  }

  public CompletableFuture<Void> unregister(String application, URI endpoint) {
    return ask(reply -> device.unregister(application, endpoint, reply));
  }

  public CompletableFuture<Void> replace(String application, URI endpoint) {
    return ask(reply -> device.replace(application, endpoint, reply));
  }

  public CompletableFuture<Void> install(String application, Manifest manifest) {
    return ask(reply -> device.install(application, manifest, reply));
  }

  public CompletableFuture<Void> uninstall(String application) {
    return ask(reply -> device.uninstall(application, reply));
  }

  public CompletableFuture<Void> registerWhenPossible(String application, String tag) {
    return ask(reply -> device.registerWhenPossible(application, tag, reply));
  }

  public CompletableFuture<Void> close() {
    CompletableFuture<Void> closed = new CompletableFuture<>();
    loop.execute(() -> device.close(() -> closed.complete(null)));
    return closed;
  }

  public List<PushRegistration> registrations(String application) {
    CompletableFuture<List<PushRegistration>> result = new CompletableFuture<>();
    loop.execute(() -> device.registrations(application, PublicTypes.registrations(result)));
    settle();
    return result.join();
  }

  /** Returns the channels that a restart would find. */
  public List<ChannelId> registrationsStored() {
    try {
      return DeviceStateText.parse(storage.state).channelIds();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** The next connection opens, and the hello lists these channels and is answered. */
  public FakeConnection connectedListing(ChannelId... channels) {
    FakeConnection connection = server.accept();
    open(connection);
    assertThat(connection.next(Hello.class).channelIds()).containsExactlyInAnyOrder(channels);
    greet(connection, UAID);
    return connection;
  }

  /** The next connection opens; returns it after its hello was checked and answered. */
  public FakeConnection connected() {
    return connected(UAID);
  }

  public FakeConnection connected(Uaid uaid) {
    FakeConnection connection = server.accept();
    open(connection);
    connection.next(Hello.class);
    greet(connection, uaid);
    return connection;
  }

  public void open(FakeConnection connection) {
    connection.events.opened();
    settle();
  }

  public void greet(FakeConnection connection, Uaid uaid) {
    says(connection, "{'messageType':'hello','uaid':'" + uaid.text() + "','status':200}");
  }

  public void says(FakeConnection connection, String json) {
    connection.events.received(json.replace('\'', '"'));
    settle();
  }

  public void ends(FakeConnection connection, int code) {
    connection.events.ended(code, "");
    settle();
  }

  public void answerRegister(FakeConnection connection, ChannelId channelId, URI endpoint) {
    says(
        connection,
        "{'messageType':'register','status':200,'channelID':'"
            + channelId.text()
            + "','pushEndpoint':'"
            + endpoint
            + "'}");
  }

  public static URI endpoint(ChannelId channelId) {
    return URI.create("https://push.example.org/update/" + channelId.text());
  }

  /** Registers a channel and returns it. */
  public ChannelId registered(FakeConnection connection, String application) {
    CompletableFuture<URI> result = register(application);
    ChannelId channelId = connection.next(Register.class).channelId();
    answerRegister(connection, channelId, endpoint(channelId));
    assertThat(result).isCompletedWithValue(endpoint(channelId));
    return channelId;
  }

  public static String notification(Update... updates) {
    StringBuilder json = new StringBuilder("{'messageType':'notification','updates':[");
    for (int i = 0; i < updates.length; i++) {
      json.append(i == 0 ? "" : ",")
          .append("{'channelID':'")
          .append(updates[i].channelId().text())
          .append("','version':")
          .append(updates[i].version())
          .append('}');
    }
    return json.append("]}").toString();
  }

  public void notifies(FakeConnection connection, ChannelId channelId, long version) {
    says(connection, notification(new Update(channelId, version)));
  }

  public static Ack ack(ChannelId channelId, long version) {
    return new Ack(List.of(new Update(channelId, version)));
  }

  public static PushMessage push(ChannelId channelId, long version) {
    return new PushMessage(endpoint(channelId), version);
  }

  public static PushException failure(CompletableFuture<?> result) {
    assertThat(result).isCompletedExceptionally();
    try {
      result.join();
    } catch (CompletionException e) {
      return (PushException) e.getCause();
    }
    throw new AssertionError("unreachable");
  }
}
