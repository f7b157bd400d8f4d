package org.simplepush.server;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.simplepush.server.fixtures.Json.field;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.OTHER_CHANNEL;
import static org.simplepush.server.fixtures.TestServers.eventually;

import java.lang.reflect.Proxy;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.core.DurableVersionStore;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.VersionStore;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.WireDevice;
import org.simplepush.server.internal.EndpointTokens;
import org.simplepush.server.internal.keys.KeyFile;
import org.simplepush.server.internal.keys.KeyRecord;
import org.simplepush.server.redis.RedisProcess;
import org.simplepush.server.redis.RedisVersionStore;

/** Endpoint keys of servers that share a Redis (protocol §8). */
@Timeout(60)
class RedisKeysTest {
  private static final String RECORD = "simplepush:keys";
  private static final Duration OFTEN = Duration.ofMillis(100);

  /** So that only a reconnection makes a server compare. */
  private static final Duration SELDOM = Duration.ofHours(1);

  private static final Duration SECONDS_TO_START_OVER = Duration.ofSeconds(30);

  private static final String NO_TOKEN = "/update/" + "A".repeat(64);

  @TempDir private Path folder;

  private RedisProcess redis;
  private final List<AutoCloseable> open = new ArrayList<>();

  /** The common pool has one thread where there are two processors. */
  private final ExecutorService threads = Executors.newFixedThreadPool(2);

  @BeforeEach
  void startRedis() throws Exception {
    redis = RedisProcess.start();
  }

  @AfterEach
  void closeAll() throws Exception {
    closeOpened();
    threads.shutdownNow();
    redis.close();
  }

  private void closeOpened() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
    open.clear();
  }

  private synchronized <T extends AutoCloseable> T closing(T closeable) {
    open.add(closeable);
    return closeable;
  }

  private PushServer start(Duration interval, UnaryOperator<PushServer.Builder> settings)
      throws Exception {
    return start(closing(RedisVersionStore.open(redis.uri())), interval, settings);
  }

  private PushServer start(
      VersionStore store, Duration interval, UnaryOperator<PushServer.Builder> settings)
      throws Exception {
    PushServer.Builder builder =
        PushServer.builder()
            .port(0)
            .endpointPort(0)
            .pingMinInterval(Duration.ZERO)
            .keyInterval(interval)
            .store(store);
    return closing(settings.apply(builder).build()).start();
  }

  private PushServer start() throws Exception {
    return start(OFTEN, builder -> builder);
  }

  private WireDevice device(PushServer server) throws Exception {
    return closing(WireDevice.fresh(server.port()));
  }

  private static int put(PushServer server, String path) throws Exception {
    return RawHttp.put(server.endpointUrl().resolve(path), "").status();
  }

  private static int put(PushServer server, URI endpoint) throws Exception {
    return put(server, endpoint.getRawPath());
  }

  /** Returns the status of the answer to a register. */
  private static long register(WireDevice device, String channel) throws Exception {
    device.socket().send("{\"messageType\":\"register\",\"channelID\":\"" + channel + "\"}");
    return (Long) field(device.socket().nextJson(), "status");
  }

  private KeyRecord record() throws Exception {
    return KeyRecord.parse(redis.ask("GET", RECORD));
  }

  private void assertHealthy(PushServer server) throws Exception {
    server.checkHealth().toCompletableFuture().get(20, SECONDS);
  }

  private void assertRed(PushServer server, String sentence) {
    assertThatThrownBy(() -> assertHealthy(server)).hasMessageContaining(sentence);
  }

  private Path keyFile(String name) throws Exception {
    Path file = folder.resolve(name);
    KeyFile.create(file);
    return file;
  }

  // The start

  @Test
  void serversThatStartTogetherOnANewRedisHaveTheSameKey() throws Exception {
    for (int round = 0; round < 5; round++) {
      closeOpened(); // a store that is open would apply again what is lost here
      redis.ask("FLUSHALL");
      CyclicBarrier together = new CyclicBarrier(2);
      List<CompletableFuture<PushServer>> starting = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        starting.add(
            CompletableFuture.supplyAsync(
                () -> {
                  try {
                    together.await(20, SECONDS);
                    return start();
                  } catch (Exception e) {
                    throw new IllegalStateException(e);
                  }
                },
                threads));
      }
      PushServer a = starting.get(0).get(20, SECONDS);
      PushServer b = starting.get(1).get(20, SECONDS);

      assertThat(put(b, device(a).register(CHANNEL))).isEqualTo(200);
      assertThat(put(a, device(b).register(CHANNEL))).isEqualTo(200);
      assertThat(record().issued()).hasSize(1);
    }
  }

  @Test
  void userAgentsOfAServerThatStartedMeanwhileAreNotOfAnOlderVersion() throws Exception {
    RedisVersionStore store = closing(RedisVersionStore.open(redis.uri()));
    AtomicBoolean asked = new AtomicBoolean();
    Object slow =
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {SharedVersionStore.class, DurableVersionStore.class},
            (proxy, method, arguments) -> {
              Object result = method.invoke(store, arguments);
              if (method.getName().equals("keyRecord") && !asked.getAndSet(true)) {
                ((CompletionStage<?>) result).toCompletableFuture().get(20, SECONDS);
                device(start()).register(CHANNEL);
              }
              return result;
            });

    PushServer server = start((VersionStore) slow, OFTEN, builder -> builder);

    assertThat(asked).isTrue();
    assertHealthy(server);
    assertThat(record().issued()).hasSize(1);
  }

  @Test
  void endpointsSurviveTheRestartOfAllServers() throws Exception {
    PushServer before = start();
    URI endpoint = device(before).register(CHANNEL);
    before.close();

    assertThat(put(start(), endpoint)).isEqualTo(200);
  }

  @Test
  void keyNeverExpires() throws Exception {
    start(OFTEN, builder -> builder.expiry(Duration.ofMinutes(1)));

    assertThat(redis.ask("PTTL", RECORD)).isEqualTo(":-1");
  }

  @Test
  void keysHandedInAreNotInRedis() throws Exception {
    Path file = keyFile("keys");
    start(OFTEN, builder -> builder.keyFile(file));

    byte[] key = EndpointKeys.load(file).keys().get(0);
    assertThat(redis.ask("GET", RECORD))
        .contains(KeyRecord.fingerprintOf(key))
        .doesNotContain(Base64.getEncoder().encodeToString(key));
  }

  @Test
  void serversThatMakeOneKeyFileTogetherHaveTheSameKey() throws Exception {
    Path file = folder.resolve("keys");
    List<CompletableFuture<PushServer>> starting = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      starting.add(
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return start(OFTEN, builder -> builder.keyFile(file));
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
              },
              threads));
    }
    PushServer a = starting.get(0).get(20, SECONDS);
    PushServer b = starting.get(1).get(20, SECONDS);

    assertThat(put(b, device(a).register(CHANNEL))).isEqualTo(200);
  }

  @Test
  void secondServerWithAnotherKeyFileIsRefused() throws Exception {
    Path one = keyFile("one");
    Path two = keyFile("two");
    PushServer a = start(OFTEN, builder -> builder.keyFile(one));
    URI endpoint = device(a).register(CHANNEL);

    assertThatThrownBy(() -> start(OFTEN, builder -> builder.keyFile(two)))
        .isInstanceOf(EndpointKeysException.class)
        .hasMessageContaining("not among those handed in");
    assertThatThrownBy(() -> start())
        .isInstanceOf(EndpointKeysException.class)
        .hasMessageContaining("with a key that was handed in");

    assertHealthy(a);
    assertThat(put(a, endpoint)).isEqualTo(200);
  }

  @Test
  void serversMayHaveTheSameKeysInAnotherOrder() throws Exception {
    Path one = keyFile("one");
    Path two = keyFile("two");
    Path oneTwo = folder.resolve("one-two");
    Path twoOne = folder.resolve("two-one");
    Files.writeString(oneTwo, Files.readString(one) + Files.readString(two));
    Files.writeString(twoOne, Files.readString(two) + Files.readString(one));
    PushServer a = start(OFTEN, builder -> builder.keyFile(oneTwo));
    PushServer b = start(OFTEN, builder -> builder.keyFile(twoOne));

    assertThat(put(b, device(a).register(CHANNEL))).isEqualTo(200);
    assertThat(put(a, device(b).register(CHANNEL))).isEqualTo(200);
    assertHealthy(a);
    assertHealthy(b);
  }

  // While servers run

  @Test
  void keysThatAreGoneArePutBackByAComparison() throws Exception {
    PushServer a = start();
    KeyRecord before = record();

    redis.ask("FLUSHALL");

    eventually(() -> assertPutBack(before));
    assertHealthy(a);
    assertThat(put(start(), device(a).register(CHANNEL))).isEqualTo(200);
  }

  @Test
  void keysThatRedisLostArePutBackWhenItIsConnectedAgain() throws Exception {
    PushServer a = start(SELDOM, builder -> builder);
    KeyRecord before = record();

    redis.kill();
    redis.restart();

    eventually(() -> assertPutBack(before));
    eventually(() -> assertHealthy(a));
  }

  @Test
  void keysThatAreGoneArePutBackByTheHealthCheck() throws Exception {
    PushServer a = start(SELDOM, builder -> builder);
    KeyRecord before = record();
    redis.ask("DEL", RECORD);

    assertHealthy(a);

    assertPutBack(before);
  }

  private void assertPutBack(KeyRecord before) throws Exception {
    assertThat(redis.ask("GET", RECORD)).as("else nil").startsWith("simplepush");
    KeyRecord now = record();
    assertThat(now.issued()).isEqualTo(before.issued());
    assertThat(now.mark()).isNotNull().isNotEqualTo(before.mark());
  }

  /** One of them puts the record back; to the other it looks in order. */
  @Test
  void devicesOfEveryServerStartOverWhenRedisHasForgottenAll() throws Exception {
    WireDevice one = device(start());
    WireDevice other = device(start());
    one.register(CHANNEL);
    other.register(CHANNEL);

    redis.ask("FLUSHALL");

    one.socket().expectClose(1001, SECONDS_TO_START_OVER);
    other.socket().expectClose(1001, SECONDS_TO_START_OVER);
  }

  @Test
  void recordOfAnOlderVersionIsLeftWithoutAMark() throws Exception {
    start();
    String unmarked = redis.ask("GET", RECORD).replaceFirst("(started-over \\d+) .*", "$1");
    redis.ask("SET", RECORD, unmarked);

    WireDevice device = device(start());
    device.register(CHANNEL);

    device.proveNothingCame();
    assertThat(redis.ask("GET", RECORD)).isEqualTo(unmarked);
  }

  @Test
  void otherKeysInTheStoreTurnAServerRedAndKeepItFromHandingOutEndpoints() throws Exception {
    PushServer a = start();
    WireDevice device = device(a);
    URI endpoint = device.register(CHANNEL);
    String before = redis.ask("GET", RECORD);
    KeyRecord other = KeyRecord.of(List.of(KeyRecord.Entry.kept(EndpointTokens.randomKey(), 5)));

    redis.ask("SET", RECORD, other.text());

    assertRed(a, "with a key that this server does not have");
    assertThat(register(device, OTHER_CHANNEL)).isEqualTo(500);
    assertThat(put(a, NO_TOKEN)).as("what may be an endpoint of others").isEqualTo(503);
    assertThat(put(a, endpoint)).as("what is known").isEqualTo(200);
    device.nextUpdates();
    assertThat(redis.ask("GET", RECORD)).as("left alone").isEqualTo(other.text());

    redis.ask("SET", RECORD, before);
    assertHealthy(a);
    assertThat(register(device, OTHER_CHANNEL)).isEqualTo(200);
    assertThat(put(a, NO_TOKEN)).isEqualTo(404);
  }

  @Test
  void keyThatAnotherServerWasHandedTurnsAServerRed() throws Exception {
    PushServer a = start();
    Path file = keyFile("keys");
    start(OFTEN, builder -> builder.keyFile(file));

    assertRed(a, "with a key that this server does not have");
  }

  @Test
  void recordThatCannotBeReadTurnsAServerRed() throws Exception {
    PushServer a = start();
    redis.ask("SET", RECORD, "simplepush endpoint keys 1\nissued x\n");
    assertRed(a, "is damaged: restore the store");
    redis.ask("SET", RECORD, "something else");
    assertRed(a, "is not one: restore the store");
  }

  @Test
  void olderCopyOfTheStoreIsGivenTheNewerKeysBack() throws Exception {
    PushServer first = start();
    String older = redis.ask("GET", RECORD);
    first.close();
    PushServer a = start(OFTEN, PushServer.Builder::rotateKeys);
    eventually(() -> assertThat(record().issued()).hasSize(2));
    String newer = redis.ask("GET", RECORD);

    redis.ask("SET", RECORD, older);

    eventually(() -> assertThat(redis.ask("GET", RECORD)).isEqualTo(newer));
    assertHealthy(a);
  }

  @Test
  void serverThatCannotCompareDoesNotSayThatThereIsNoSuchEndpoint() throws Exception {
    PushServer a = start();
    assertThat(put(a, NO_TOKEN)).isEqualTo(404);

    redis.kill();
    eventually(() -> assertThat(put(a, NO_TOKEN)).isEqualTo(503));

    redis.restart();
    eventually(() -> assertThat(put(a, NO_TOKEN)).isEqualTo(404));
  }

  @Test
  void registerWaitsUntilTheKeysAreComparedAgain() throws Exception {
    PushServer a = start();
    WireDevice device = device(a);
    redis.signal("STOP");
    try {
      eventually(() -> assertThat(put(a, NO_TOKEN)).isEqualTo(503)); // not certain any more
      device.socket().send("{\"messageType\":\"register\",\"channelID\":\"" + CHANNEL + "\"}");
    } finally {
      redis.signal("CONT");
    }

    assertThat(field(device.socket().nextJson(), "status")).isEqualTo(200L);
  }

  // Rotation and starting over while other servers run

  @Test
  void rotatedKeyIsUsedWhenAllServersKnowItAndNoEndpointIsEverUnknown() throws Exception {
    PushServer a = start();
    PushServer b = start(OFTEN, PushServer.Builder::rotateKeys);
    WireDevice device = device(b);
    URI first = device.register(CHANNEL);

    eventually(
        () -> {
          URI now = device.register(OTHER_CHANNEL);
          assertThat(put(a, now)).isEqualTo(200);
          assertThat(put(b, now)).isEqualTo(200);
          device.drainUpdates();
          assertThat(device.register(CHANNEL)).isNotEqualTo(first);
        });

    assertThat(record().issued()).hasSize(2);
    assertThat(record().next()).isNull();
    assertThat(put(a, first)).isEqualTo(200);
    WireDevice other = device(a);
    eventually(
        () -> {
          URI now = other.register(CHANNEL);
          assertThat(opens(record().kept().get(0), now)).isTrue();
        });
  }

  @Test
  void rotationThatItsServerDidNotFinishIsFinishedByAnother() throws Exception {
    PushServer a = start();
    start(SELDOM, PushServer.Builder::rotateKeys).close();
    assertThat(record().next()).isNotNull();

    eventually(() -> assertThat(record().issued()).hasSize(2));
    assertHealthy(a);
  }

  @Test
  void devicesOfOtherServersFindOutThatTheyStartOver() throws Exception {
    PushServer a = start();
    WireDevice device = device(a);
    String uaid = device.uaid();
    URI endpoint = device.register(CHANNEL);

    PushServer b = start(OFTEN, PushServer.Builder::startOver);

    device.socket().expectClose(1001);
    assertThat(put(b, endpoint)).isEqualTo(410);
    WireDevice again = closing(WireDevice.connect(a.port()));
    assertThat(again.hello(uaid, CHANNEL)).isNotEqualTo(uaid);
    assertThat(put(b, again.register(CHANNEL))).isEqualTo(200);
  }

  @Test
  void serverWithTheOldKeysHandsOutNoEndpointOnceDevicesStartOverWithOthers() throws Exception {
    PushServer a = start();
    WireDevice device = device(a);
    String uaid = device.uaid();
    device.register(CHANNEL);
    Path file = keyFile("keys");

    PushServer b = start(OFTEN, builder -> builder.keyFile(file).startOver());

    assertRed(a, "with a key that this server does not have");
    device.socket().expectClose(1001);
    WireDevice stray = closing(WireDevice.connect(a.port()));
    assertThat(stray.hello(uaid, CHANNEL)).isNotEqualTo(uaid);
    assertThat(register(stray, CHANNEL)).isEqualTo(500);
    WireDevice right = device(b);
    assertThat(put(b, right.register(CHANNEL))).isEqualTo(200);
  }

  private static boolean opens(byte[] key, URI endpoint) {
    String path = endpoint.getRawPath();
    return new EndpointTokens(List.of(key)).open(path.substring(path.lastIndexOf('/') + 1)) != null;
  }
}
