package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.simplepush.core.ChannelId;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.MessageCodec;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;
import org.simplepush.core.VersionStore.Advance;

/** A push server without sockets, threads or passing time: the rules and the real store. */
class SessionFixture {
  static final String UAID = "f6a1d7c1-8b1c-4c55-9f3c-3f0d1c0d9a01";
  static final String CHANNEL = "d9b74644-4f97-46aa-b8fa-9393985cd6cd";
  static final String OTHER_CHANNEL = "0b4d12a6-7a3f-4f6c-8d43-1a0c4a7b2e02";
  static final int MAX_CHANNELS = 300;

  private static final URI BASE = URI.create("https://push.example.org");
  private static final Pattern HELLO =
      Pattern.compile("\\{\"messageType\":\"hello\",\"uaid\":\"([^\"]+)\",\"status\":200}");
  private static final Pattern REGISTERED =
      Pattern.compile(
          "\\{\"messageType\":\"register\",\"status\":200,\"channelID\":\"([^\"]+)\","
              + "\"pushEndpoint\":\"([^\"]+)\"}");

  private long now = Long.MAX_VALUE - 1_000_000; // nanoTime may overflow at any time
  final VersionStore memory;
  final DelayedStore store;
  final Counters counters =
      new Counters(new MemoryAccount(1 << 20), new FailureLog(null, System::nanoTime));
  final List<InetSocketAddress> woken = new ArrayList<>();
  private final NavigableMap<Long, List<Runnable>> wakerTasks = new TreeMap<>(); // by time passed
  private long passed;
  Sleepers sleepers;
  SessionRegistry registry;
  final EndpointTokens tokens;
  EndpointHandler endpoints;
  private CreationLimits limits;
  private final List<TestWire> wires = new ArrayList<>();
  private ServerSettings settings = settings(Duration.ofSeconds(20));

  /** A server that is alone. */
  SessionFixture() {
    this.memory = new InMemoryVersionStore(() -> now);
    this.store = new DelayedStore(memory);
    this.tokens = new EndpointTokens(EndpointKeys.ephemeral());
    this.sleepers = sleepers(null);
    this.registry = new SessionRegistry(store, sleepers, () -> now, counters);
    this.endpoints = newHandler();
    limits(CreationLimits.UNLIMITED, Integer.MAX_VALUE, Integer.MAX_VALUE);
  }

  /** From now on strangers may create so much. */
  void limits(long total, int userAgentsPerMinute, int channelsPerMinute) {
    limits = new CreationLimits(store, total, userAgentsPerMinute, channelsPerMinute, () -> now);
  }

  /** One node of several; {@link #wakeUp} must be called before anybody connects, or not at all. */
  SessionFixture(SharedMemoryStore shared, EndpointKeys keys) {
    this.memory = shared;
    this.store = new DelayedStore(shared);
    this.tokens = new EndpointTokens(keys);
    wakeUp(null);
    limits(CreationLimits.UNLIMITED, Integer.MAX_VALUE, Integer.MAX_VALUE);
  }

  private Sleepers sleepers(WakeUp wakeUp) {
    Sleepers.Waker waker =
        new Sleepers.Waker() {
          @Override
          public void send(InetSocketAddress to) {
            woken.add(to);
          }

          @Override
          public void schedule(long delayNanos, Runnable task) {
            assertThat(delayNanos).isPositive();
            wakerTasks.computeIfAbsent(passed + delayNanos, due -> new ArrayList<>()).add(task);
          }
        };
    return new Sleepers(wakeUp, waker, () -> now, counters);
  }

  /** From now on devices may sleep. */
  void wakeUp(WakeUp wakeUp) {
    sleepers = sleepers(wakeUp);
    if (registry != null) {
      registry.leave();
    }
    registry = new SessionRegistry(store, sleepers, () -> now, counters);
    if (memory instanceof SharedMemoryStore) {
      registry.join(Duration.ofDays(7));
    }
    endpoints = newHandler();
  }

  private EndpointHandler newHandler() {
    EndpointHandler handler =
        new EndpointHandler(
            store,
            tokens,
            registry,
            new RateLimit(RateLimit.UNLIMITED, Duration.ofSeconds(1), () -> now),
            Set.of(),
            () -> Instant.ofEpochMilli(1_700_000_000_000L),
            counters);
    handler.open();
    return handler;
  }

  private static ServerSettings settings(Duration pingMinInterval) {
    return new ServerSettings(
        Duration.ofSeconds(30),
        pingMinInterval,
        Duration.ofSeconds(60),
        Duration.ofMinutes(35),
        Duration.ofDays(7),
        MAX_CHANNELS,
        MessageCodec.DEFAULT_MAX_MESSAGE_LENGTH);
  }

  void pingMinInterval(Duration interval) {
    settings = settings(interval);
  }

  /** A device connects and says nothing yet. */
  TestWire connects() {
    Session.Context context =
        new Session.Context(
            settings,
            store,
            registry,
            sleepers,
            tokens,
            BASE,
            new MessageCodec(),
            limits,
            counters);
    TestWire wire = new TestWire(context, () -> now);
    wires.add(wire);
    return wire;
  }

  /** A device connects, says hello as {@link #UAID} with these channels and is accepted. */
  TestWire resumes(String... channelIds) {
    TestWire wire = connects();
    wire.says(hello(UAID, channelIds));
    wire.hears(greeting(UAID));
    return wire;
  }

  /** A device connects as {@link #UAID} and registers {@link #CHANNEL}. */
  TestWire registered() {
    TestWire wire = resumes();
    register(wire, CHANNEL);
    return wire;
  }

  /** Time passes, and whatever timers run out run. */
  void passes(Duration duration) {
    long end = now + duration.toNanos();
    while (true) {
      long next = end;
      for (TestWire wire : wires) {
        if (wire.isTimerRunning()) {
          long due = now + wire.untilNextTimer().toNanos();
          if (due - next < 0) {
            next = due;
          }
        }
      }
      if (!wakerTasks.isEmpty() && wakerTasks.firstKey() - passed < next - now) {
        next = now + (wakerTasks.firstKey() - passed);
      }
      passed += next - now;
      now = next;
      wires.forEach(TestWire::runTimers);
      while (!wakerTasks.isEmpty() && wakerTasks.firstKey() <= passed) {
        wakerTasks.pollFirstEntry().getValue().forEach(Runnable::run);
      }
      if (next == end) {
        return;
      }
    }
  }

  static String hello(String uaid, String... channelIds) {
    return "{'messageType':'hello','uaid':'"
        + uaid
        + "','channelIDs':["
        + (channelIds.length == 0 ? "" : "'" + String.join("','", channelIds) + "'")
        + "]}";
  }

  static String greeting(String uaid) {
    return "{'messageType':'hello','uaid':'" + uaid + "','status':200}";
  }

  static String register(String channelId) {
    return "{'messageType':'register','channelID':'" + channelId + "'}";
  }

  static String unregister(String channelId) {
    return "{'messageType':'unregister','channelID':'" + channelId + "'}";
  }

  static String unregistered(String channelId) {
    return "{'messageType':'unregister','channelID':'" + channelId + "','status':200}";
  }

  static String ack(String channelId, long version) {
    return "{'messageType':'ack','updates':[" + update(channelId, version) + "]}";
  }

  static String notification(String channelId, long version) {
    return "{'messageType':'notification','updates':[" + update(channelId, version) + "]}";
  }

  private static String update(String channelId, long version) {
    return "{'channelID':'" + channelId + "','version':" + version + "}";
  }

  static String channel(int number) {
    return "00000000-0000-4000-8000-%012d".formatted(number);
  }

  /** Returns the UAID of the hello reply that the device hears next. */
  static String uaidOf(TestWire wire) {
    return match(HELLO, wire.heard()).group(1);
  }

  /** Registers a channel and returns its endpoint. */
  String register(TestWire wire, String channelId) {
    wire.says(register(channelId));
    return endpointOf(wire, channelId);
  }

  /** Returns the endpoint of the register reply that the device hears next. */
  static String endpointOf(TestWire wire, String channelId) {
    Matcher registered = match(REGISTERED, wire.heard());
    assertThat(registered.group(1)).isEqualTo(channelId);
    return registered.group(2);
  }

  private static Matcher match(Pattern pattern, String message) {
    Matcher matcher = pattern.matcher(message);
    assertThat(matcher.matches()).as(message).isTrue();
    return matcher;
  }

  /** An application server publishes a version, and every loop does what follows. */
  int put(String endpoint, long version) {
    int status =
        endpoints.handle(putRequest(endpoint, version)).toCompletableFuture().join().status();
    turn();
    return status;
  }

  static EndpointHandler.Request putRequest(String endpoint, long version) {
    return TestRequest.put(URI.create(endpoint).getRawPath(), "version=" + version);
  }

  /** Every loop does what other threads left for it. */
  void turn() {
    wires.forEach(TestWire::turn);
  }

  /** Publishes a version of a channel of {@link #UAID}. */
  void publish(String channelId, long version) {
    word(raise(channelId, version));
  }

  /** Raises a channel in the store; the word to the session is still on its way. */
  Update raise(String channelId, long version) {
    Advance advance =
        memory
            .advance(Uaid.parse(UAID), ChannelId.parse(channelId), version)
            .toCompletableFuture()
            .join();
    assertThat(advance).isInstanceOf(Advance.Advanced.class);
    return ((Advance.Advanced) advance).update();
  }

  /** A word of what was published reaches whoever is connected as {@link #UAID} now. */
  void word(Update update) {
    registry.deliver(Uaid.parse(UAID), update, false);
    turn();
  }

  /** What the store holds pending for {@link #UAID}. */
  List<Update> pending() {
    return pending(UAID);
  }

  List<Update> pending(String uaid) {
    return memory.pending(Uaid.parse(uaid)).toCompletableFuture().join().orElseThrow();
  }

  boolean isKnown(String uaid) {
    return memory.pending(Uaid.parse(uaid)).toCompletableFuture().join().isPresent();
  }

  void drop(String uaid) {
    memory.drop(Uaid.parse(uaid)).toCompletableFuture().join();
  }

  int expire(Duration notSeenFor) {
    return memory.expire(notSeenFor).toCompletableFuture().join();
  }

  static Update updateOf(String channelId, long version) {
    return new Update(ChannelId.parse(channelId), version);
  }
}
