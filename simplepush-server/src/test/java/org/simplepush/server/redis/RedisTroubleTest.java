package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.simplepush.server.redis.ReceivedHints.published;
import static org.simplepush.server.redis.RedisNodesTest.WEEK;
import static org.simplepush.server.redis.RedisNodesTest.claim;
import static org.simplepush.server.redis.RedisNodesTest.get;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import org.awaitility.core.ThrowingRunnable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.simplepush.core.ChannelId;
import org.simplepush.core.SharedVersionStore.Basis;
import org.simplepush.core.SharedVersionStore.Comparison;
import org.simplepush.core.SharedVersionStore.Node;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore.Advance;
import org.simplepush.core.VersionStore.Advance.Advanced;
import org.simplepush.core.VersionStore.Pending;
import org.simplepush.core.VersionStore.Resumption;
import org.simplepush.core.VersionStore.Unknown;
import org.simplepush.core.fixtures.LogCapture;

/** Redis goes away, falls silent, forgets or refuses; and how to get to it. */
@Tag("long")
class RedisTroubleTest extends RedisFixture {
  private static void assertFails(CompletionStage<?> stage, String part) {
    assertThatThrownBy(() -> get(stage))
        .isInstanceOf(ExecutionException.class)
        .cause()
        .isInstanceOf(StoreException.class)
        .hasMessageContaining(part);
  }

  private static void eventually(ThrowingRunnable assertion) {
    await().atMost(30, SECONDS).ignoreExceptions().untilAsserted(assertion);
  }

  // connections

  @Test
  void stepWhoseAnswerIsLostFailsAndIsNotDoneTwice() throws Exception {
    RedisProcess redis = redis();
    TcpProxy proxy = closing(new TcpProxy(redis.port()));
    RedisVersionStore store = store(proxy.uri());
    RedisVersionStore other = store(redis.uri());
    create(store);
    proxy.holdAnswers();
    CompletionStage<Advance> advance = store.advanceToNext(uaid, channel, 0);
    eventually(() -> assertThat(((Pending.Known) get(other.pending(uaid))).updates()).hasSize(1));

    proxy.cut();

    assertFails(advance, "Redis is not connected");
    eventually(() -> get(store.pending(uaid)));
    assertThat(get(store.pending(uaid)))
        .isEqualTo(new Pending.Known(List.of(new Update(channel, 0))));
    assertThat(get(store.advanceToNext(uaid, channel, 0)))
        .isEqualTo(new Advanced(new Update(channel, 1), true));
  }

  @Test
  void silentConnectionIsGivenUpAndMadeAnew() throws Exception {
    TcpProxy proxy = closing(new TcpProxy(redis().port()));
    RedisVersionStore store = store(proxy.uri("3s"));
    create(store);

    proxy.silence(wire -> true); // for ever

    assertFails(store.advance(uaid, channel, 1), "Redis did not answer within 3000 ms");
    eventually(() -> get(store.advance(uaid, channel, 2)));
    assertThat(get(store.pending(uaid)))
        .isEqualTo(new Pending.Known(List.of(new Update(channel, 2))));
  }

  @Test
  void lateAnswersAreNotTakenForOthers() throws Exception {
    TcpProxy proxy = closing(new TcpProxy(redis().port()));
    RedisVersionStore store = store(proxy.uri());
    create(store);
    proxy.holdAnswers();
    CompletionStage<Advance> one = store.advance(uaid, channel, 1);
    CompletionStage<?> pending = store.pending(uaid);
    proxy.release();

    assertThat(get(one)).isEqualTo(new Advanced(new Update(channel, 1), false));
    assertThat(get(pending)).isNotNull();
  }

  @Test
  void everythingFailsWhileRedisIsAwayAndWorksWhenItIsBack() throws Exception {
    RedisProcess redis = redis("--appendonly", "yes", "--appendfsync", "always");
    RedisVersionStore store = store(redis.uri());
    Node node = store.join(WEEK, heard);
    create(store);
    claim(node, uaid, 1);

    redis.kill();

    eventually(() -> assertFails(store.pending(uaid), "Redis is not connected"));
    assertFails(store.check(), "Redis cannot be used: Redis is not connected");
    redis.restart();
    eventually(() -> get(store.check()));
    heard.await("lost");
    get(store.advance(uaid, channel, 1));
    heard.await(published(uaid, channel.text(), 1));
  }

  @Test
  void nothingConfirmedIsLostWhenRedisIsKilledAndWritesThroughToTheDisk() throws Exception {
    RedisProcess redis = redis("--appendonly", "yes", "--appendfsync", "always");
    RedisVersionStore store = store(redis.uri());
    create(store);
    for (int round = 0; round < 3; round++) {
      List<CompletionStage<Advance>> stages = new ArrayList<>();
      for (int i = 0; i < 2_000; i++) {
        stages.add(store.advanceToNext(uaid, channel, 0));
        if (i == 500) {
          get(stages.get(0));
          redis.kill();
        }
      }
      long confirmed = -1;
      for (CompletionStage<Advance> stage : stages) {
        Advance advance = get(stage.exceptionally(failure -> null));
        if (advance instanceof Advanced advanced) {
          confirmed = Math.max(confirmed, advanced.update().version());
        }
      }
      assertThat(confirmed).isNotNegative();
      redis.restart();
      eventually(() -> get(store.pending(uaid)));
      List<Update> pending = ((Pending.Known) get(store.pending(uaid))).updates();
      assertThat(pending).hasSize(1);
      assertThat(pending.get(0).version()).isGreaterThanOrEqualTo(confirmed);
    }
  }

  @Test
  void redisThatForgotIsAnEmptyStore() throws Exception {
    RedisProcess redis = redis();
    RedisVersionStore store = store(redis.uri());
    Node node = store.join(WEEK, heard);
    create(store);
    Basis.Claim claim = claim(node, uaid, 1);

    redis.ask("FLUSHALL");

    assertThat(get(store.pending(uaid))).isEqualTo(new Unknown());
    assertThat(get(store.advance(uaid, channel, 1))).isEqualTo(new Unknown());
    assertThat(get(store.hello(uaid, List.of(channel)))).isEqualTo(new Unknown());
    assertThat(get(node.compare(uaid, claim))).isEqualTo(new Unknown());
    create(store);
    assertThat(get(node.compare(uaid, claim))).isInstanceOf(Comparison.Claimed.class);
    get(store.advance(uaid, channel, 1));
    assertThat(heard.next()).isEqualTo(published(uaid, channel.text(), 1));
  }

  @Test
  void restartedRedisIsTaughtTheScriptsBeforeAnythingIsAsked() throws Exception {
    RedisProcess redis = redis();
    RedisVersionStore store = store(redis.uri());
    create(store);
    redis.kill();
    redis.restart();

    // The first step that is not refused for want of a connection succeeds.
    await()
        .atMost(20, SECONDS)
        .until(
            () -> {
              try {
                return get(store.pending(uaid)) instanceof Unknown;
              } catch (ExecutionException e) {
                assertThat(e).hasMessageContaining("Redis is not connected");
                return false;
              }
            });
  }

  @Test
  void forgottenScriptsFailStepsButNeverReorderThem() throws Exception {
    RedisProcess redis = redis();
    RedisVersionStore store = store(redis.uri());
    create(store);
    long last = -1;
    for (int round = 0; round < 10; round++) {
      List<CompletionStage<Advance>> stages = new ArrayList<>();
      for (int i = 0; i < 300; i++) {
        stages.add(store.advanceToNext(uaid, channel, 0));
        if (i == 100) {
          get(stages.get(0));
          redis.ask("SCRIPT", "FLUSH");
        }
      }
      for (CompletionStage<Advance> stage : stages) {
        Advance advance;
        try {
          advance = get(stage);
        } catch (ExecutionException e) {
          assertThat(e).hasMessageContaining("forgotten the scripts");
          continue;
        }
        long version = ((Advanced) advance).update().version();
        assertThat(version).isEqualTo(last + 1);
        last = version;
      }
      eventually(() -> get(store.pending(uaid)));
    }
  }

  /** Two commands time out together; the second spares the connection that the first made anew. */
  @Test
  void lateTimeoutSparesTheNewConnection() throws Exception {
    TcpProxy proxy = closing(new TcpProxy(redis().port()));
    RedisVersionStore store = store(proxy.uri("3s"));
    RedisVersionStore slower = store(proxy.uri("8s"));
    create(store);
    CountDownLatch timedOut = new CountDownLatch(1);
    CountDownLatch reconnected = new CountDownLatch(1);
    // Stages complete one after another: what times out is not looked at while this waits.
    CountDownLatch waits = new CountDownLatch(1);
    proxy.holdAnswers();
    store
        .pending(uaid)
        .thenRun(
            () -> {
              waits.countDown();
              awaitUninterrupted(timedOut);
            });
    proxy.release();
    assertThat(waits.await(20, SECONDS)).isTrue();
    proxy.silence(wire -> true); // for ever
    CompletionStage<?> first = store.pending(uaid);
    CompletionStage<?> second = store.pending(uaid);
    CompletionStage<?> looked =
        first.handle(
            (answer, failure) -> {
              awaitUninterrupted(reconnected);
              return answer;
            });
    // Who waits for the first one itself might run what waits above.
    CompletionStage<?> seen = first.thenApply(answer -> answer);
    assertFails(slower.pending(uaid), "did not answer within 8000 ms");

    timedOut.countDown();

    assertFails(seen, "did not answer within 3000 ms");
    await().atMost(20, SECONDS).until(() -> proxy.storesConnected() == 4); // each of them twice
    reconnected.countDown();
    get(looked);
    assertFails(second, "did not answer within 3000 ms");
    assertThat(get(store.pending(uaid))).isEqualTo(new Pending.Known(List.of()));
  }

  private static void awaitUninterrupted(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  // closing

  @Test
  void closeWaitsForStepsUnderWay() throws Exception {
    TcpProxy proxy = closing(new TcpProxy(redis().port()));
    RedisVersionStore store = store(proxy.uri());
    create(store);
    proxy.holdAnswers();
    CompletionStage<Advance> advance = store.advance(uaid, channel, 1);
    Thread closing = new Thread(store::close);
    closing.start();
    await().atMost(20, SECONDS).until(() -> closing.getState() == Thread.State.TIMED_WAITING);
    assertFails(store.pending(uaid), "The store was closed");
    assertThat(advance.toCompletableFuture()).isNotDone();

    proxy.release();

    assertThat(get(advance)).isEqualTo(new Advanced(new Update(channel, 1), false));
    closing.join(20_000);
    assertThat(closing.isAlive()).isFalse();
  }

  @Test
  void everyStageIsCompletedThoughCloseIsInterrupted() throws Exception {
    TcpProxy proxy = closing(new TcpProxy(redis().port()));
    RedisVersionStore store = store(proxy.uri());
    create(store);
    proxy.silence(wire -> true);
    List<CompletionStage<Advance>> stages = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      stages.add(store.advance(uaid, channel, i));
    }
    CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
    Thread closing =
        new Thread(
            () -> {
              store.close();
              interrupted.complete(Thread.currentThread().isInterrupted());
            });
    closing.start();
    closing.interrupt();

    for (CompletionStage<Advance> stage : stages) {
      assertFails(stage, "The store was closed");
    }
    assertThat(get(interrupted)).isTrue();
  }

  // refusals

  @ParameterizedTest
  @CsvSource({
    "CONFIG SET maxmemory 1, CONFIG SET maxmemory 0, OOM",
    "REPLICAOF 127.0.0.1 1, REPLICAOF NO ONE, READONLY",
    "CONFIG SET min-replicas-to-write 1, CONFIG SET min-replicas-to-write 0, NOREPLICAS",
  })
  void refusedWritesFailWholeAndTurnHealthRed(String bad, String good, String code)
      throws Exception {
    RedisProcess redis = redis();
    RedisVersionStore store = store(redis.uri());
    create(store);
    get(store.advance(uaid, channel, 1));
    redis.ask(bad.split(" "));

    assertFails(store.check(), "Redis cannot be used: ");
    assertFails(store.check(), code);
    assertFails(store.advance(uaid, channel, 2), code);
    assertFails(store.acknowledge(uaid, List.of(new Update(channel, 1))), code);
    assertFails(store.hello(uaid, List.of()), code);
    assertFails(store.hello(uaid, List.of(ChannelId.random())), code);
    assertFails(store.hello(Uaid.random(), List.of()), code);
    assertFails(store.register(uaid, ChannelId.random(), 9), code);

    redis.ask(good.split(" "));
    eventually(() -> get(store.check()));
    assertThat(get(store.pending(uaid)))
        .isEqualTo(new Pending.Known(List.of(new Update(channel, 1))));
    assertThat(get(store.hello(uaid, List.of(channel))))
        .isEqualTo(new Resumption.Resumed(List.of(new Update(channel, 1))));
  }

  @Test
  void diskThatCannotBeWrittenTurnsHealthRed(@TempDir Path folder) throws Exception {
    RedisProcess redis = redis("--save", "3600 1", "--enable-protected-configs", "yes");
    RedisVersionStore store = store(redis.uri());
    create(store);
    Path gone = Files.createDirectory(folder.resolve("gone"));
    redis.ask("CONFIG", "SET", "dir", gone.toString());
    Files.delete(gone);
    redis.ask("BGSAVE");

    eventually(() -> assertFails(store.check(), "Redis cannot be used: Redis refused: MISCONF"));
    assertFails(store.advance(uaid, channel, 1), "MISCONF");
  }

  @Test
  void foreignDataIsAFailure() throws Exception {
    RedisProcess redis = redis();
    RedisVersionStore store = store(redis.uri());
    redis.ask("SET", new String(Ids.key(uaid), US_ASCII), "x");

    assertFails(store.pending(uaid), "WRONGTYPE");
  }

  // the bus

  @Test
  void hintsComeAgainAfterTheConnectionWasCut() throws Exception {
    TcpProxy proxy = closing(new TcpProxy(redis().port()));
    RedisVersionStore store = store(proxy.uri());
    Node node = store.join(WEEK, heard);
    create(store);
    claim(node, uaid, 1);

    proxy.cut();

    heard.await("lost");
    eventually(() -> get(store.check()));
    get(store.advance(uaid, channel, 1));
    heard.await(published(uaid, channel.text(), 1));
  }

  /** Whatever answers on the new one may lack what was confirmed last, claims too. */
  @Test
  void newConnectionForStepsIsTold() throws Exception {
    TcpProxy proxy = closing(new TcpProxy(redis().port()));
    RedisVersionStore store = store(proxy.uri());
    store.join(WEEK, heard);

    proxy.cut(wire -> !wire.isBus());

    heard.await("lost");
    get(store.check());
    assertThat(heard.forget("lost")).as("once for all that breaks together").isFalse();
  }

  @Test
  void silentBusIsNoticedAndMadeAnew() throws Exception {
    TcpProxy proxy = closing(new TcpProxy(redis().port()));
    RedisVersionStore store = store(proxy.uri());
    Node node = store.join(WEEK, heard);
    create(store);
    claim(node, uaid, 1);

    proxy.silence(TcpProxy.Wire::isBus); // for ever

    heard.await("lost");
    get(store.advance(uaid, channel, 1));
    heard.await(published(uaid, channel.text(), 1));
    eventually(() -> get(store.check()));
  }

  @Test
  void silentBusTurnsHealthRed() throws Exception {
    TcpProxy proxy = closing(new TcpProxy(redis().port()));
    RedisVersionStore store =
        closing(
            RedisVersionStore.open(
                proxy.uri(), new RedisVersionStore.Settings(Duration.ofDays(1), () -> 0)));
    assertThat(get(store.check())).as("nobody has joined").isNull();
    store.join(WEEK, heard);
    assertThat(get(store.check())).isNull();

    proxy.silence(TcpProxy.Wire::isBus);

    assertFails(
        store.check(),
        "Hints of the nodes do not come through: A probe of a node did not come back within 2 s");
    assertThat(get(store.pending(uaid))).as("the store itself works").isEqualTo(new Unknown());
  }

  // expiry

  /** A jump of the clock of Redis by less than that makes it forget nobody. */
  private static final long MONTH_BEYOND = WEEK.plusDays(30).toMillis();

  private static void assertKeptForAMonthMore(RedisProcess redis, String key, String step)
      throws Exception {
    assertThat(millisLeft(redis, key)).as(step).isBetween(MONTH_BEYOND - 100_000, MONTH_BEYOND);
  }

  @Test
  void eachSightingPutsExpiryOff() throws Exception {
    RedisProcess redis = redis();
    String key = new String(Ids.key(uaid), US_ASCII);
    RedisVersionStore alone = store(redis.uri());
    create(alone);
    assertThat(redis.ask("PTTL", key)).as("for ever, as long as nobody joined").isEqualTo(":-1");
    RedisVersionStore store = store(redis.uri());
    store.join(WEEK, heard);

    get(store.advance(uaid, channel, 1));
    assertThat(redis.ask("PTTL", key)).as("publishing is no sighting").isEqualTo(":-1");
    for (int i = 0; i < 6; i++) {
      CompletionStage<?> sighting =
          switch (i) {
            case 0 -> store.pending(uaid);
            case 1 -> store.hello(uaid, null);
            case 2 -> store.register(uaid, channel, 9);
            case 3 -> store.acknowledge(uaid, List.of());
            case 4 -> store.unregister(uaid, ChannelId.random());
            default -> store.hello(uaid, List.of());
          };
      get(sighting);
      assertKeptForAMonthMore(redis, key, "step " + i);
      redis.ask("PEXPIRE", key, "100000");
    }
    get(alone.pending(uaid));
    assertThat(redis.ask("PTTL", key)).isEqualTo(":-1");
    assertThat(get(store.expire(Duration.ZERO))).isEqualTo(1);
  }

  @Test
  void whateverMakesAKeyMakesItExpire() throws Exception {
    RedisProcess redis = redis();
    RedisVersionStore store = store(redis.uri());
    Node node = store.join(WEEK, heard);
    for (int i = 0; i < 3; i++) {
      Uaid unknown = Uaid.random();
      CompletionStage<?> making =
          i == 0 ? store.hello(unknown, List.of()) : node.hello(unknown, List.of());
      get(making);
      String key = new String(Ids.key(unknown), US_ASCII);
      assertKeptForAMonthMore(redis, key, "step " + i);
      if (i == 2) {
        assertThat(get(node.drop(unknown, claim(node, unknown, 1)))).isTrue();
        assertThat(millisLeft(redis, key)).as("a mark").isBetween(3_500_000L, 3_600_000L);
      }
    }
    assertThat(redis.ask("EVAL", "return #redis.call('KEYS', 'simplepush:probe*')", "0"))
        .as("a probe leaves nothing behind")
        .isEqualTo(":0");
  }

  /** A store that joined whose clock of Redis is changed by the test. */
  private RedisVersionStore shifted(RedisProcess redis, AtomicLong offset) {
    RedisVersionStore store =
        closing(
            RedisVersionStore.open(
                redis.uri(), new RedisVersionStore.Settings(Duration.ofSeconds(2), offset::get)));
    store.join(WEEK, new ReceivedHints());
    return store;
  }

  @Test
  void sweepDropsWhoWasNotSeenAndAfterAnHourWhoHasNoChannel() throws Exception {
    RedisProcess redis = redis();
    AtomicLong offset = new AtomicLong();
    RedisVersionStore store = shifted(redis, offset);
    create(store);
    Uaid empty = Uaid.random();
    Uaid claimed = Uaid.random(); // which is no channel
    get(store.hello(empty, List.of()));
    Node node = store.join(WEEK, heard);
    get(node.hello(claimed, List.of()));
    claim(node, claimed, 1);
    assertThat(get(store.expire(WEEK))).isZero();
    assertThat(get(store.expireEmpty(Duration.ofHours(1)))).as("left to the sweep").isZero();

    for (int passed = 50; passed <= 3_600; passed += 50) { // slowly: that is no jump
      offset.set(passed * 1_000L);
      assertThat(get(store.expire(WEEK))).isEqualTo(passed == 3_600 ? 2 : 0);
    }
    assertThat(get(store.pending(empty))).isEqualTo(new Unknown());
    assertThat(get(store.pending(uaid))).isInstanceOf(Pending.Known.class);
  }

  @Test
  void clockOfRedisThatJumpsDropsNobody() throws Exception {
    RedisProcess redis = redis();
    AtomicLong offset = new AtomicLong();
    RedisVersionStore store = shifted(redis, offset);
    create(store);
    get(store.hello(Uaid.random(), List.of()));
    assertThat(get(store.expire(WEEK))).isZero();
    try (LogCapture log = new LogCapture()) {
      offset.set(Duration.ofDays(8).toMillis());

      assertThat(get(store.expire(WEEK))).isZero();
      assertThat(get(store.expire(WEEK))).isZero();

      assertThat(log.lines("s later compared with this server's")).hasSize(1);
    }
    assertThat(get(store.pending(uaid))).isInstanceOf(Pending.Known.class);
    offset.set(0);
    assertThat(get(store.expire(WEEK))).isZero();
    redis.ask("HSET", new String(Ids.key(uaid), US_ASCII), "s", "0");
    assertThat(get(store.expire(WEEK))).as("the clocks agree again").isEqualTo(1);
  }

  @Test
  void clockThatJumpedIsBelievedWhenEverybodyHadTheTimeToBeSeen() throws Exception {
    RedisProcess redis = redis();
    AtomicLong offset = new AtomicLong();
    RedisVersionStore store = shifted(redis, offset);
    get(store.expire(WEEK));
    create(store);
    offset.set(Duration.ofDays(8).toMillis());
    assertThat(get(store.expire(WEEK))).isZero();
    String weekAgo = String.valueOf(System.currentTimeMillis() - WEEK.toMillis());
    redis.ask("HSET", "simplepush:sweep", "jumped", weekAgo);

    assertThat(get(store.expire(WEEK))).isEqualTo(1);
  }

  @Test
  void oneNodeSweepsAtATime() throws Exception {
    RedisProcess redis = redis();
    AtomicLong offset = new AtomicLong();
    RedisVersionStore one = shifted(redis, offset);
    RedisVersionStore other = shifted(redis, offset);
    assertThat(get(one.expire(WEEK))).isZero();
    create(one);
    redis.ask("HSET", new String(Ids.key(uaid), US_ASCII), "s", "0");

    assertThat(get(other.expire(WEEK))).as("another one's turn").isZero();
    assertThat(get(one.expire(WEEK))).isEqualTo(1);

    create(one);
    redis.ask("HSET", new String(Ids.key(uaid), US_ASCII), "s", "0");
    redis.ask("HSET", "simplepush:sweep", "at", "0");
    assertThat(get(other.expire(WEEK))).as("that one is gone").isEqualTo(1);
  }

  @Test
  void sweepLeavesRedisTimeForOthers() throws Exception {
    RedisProcess redis = redis();
    RedisVersionStore store = shifted(redis, new AtomicLong());
    List<CompletionStage<?>> hellos = new ArrayList<>();
    for (int i = 0; i < 2_000; i++) {
      hellos.add(store.hello(Uaid.random(), List.of()));
    }
    for (CompletionStage<?> hello : hellos) {
      get(hello);
    }
    long from = System.nanoTime();

    assertThat(get(store.expire(WEEK))).isZero();

    assertThat(Duration.ofNanos(System.nanoTime() - from)).isGreaterThan(Duration.ofMillis(400));
  }

  private static long millisLeft(RedisProcess redis, String key) throws Exception {
    return Long.parseLong(redis.ask("PTTL", key).substring(1));
  }

  @Test
  void expiryLooksAtEveryUserAgent() throws Exception {
    RedisVersionStore store = store(redis().uri());
    List<CompletionStage<?>> hellos = new ArrayList<>();
    for (int i = 0; i < 2_000; i++) {
      hellos.add(store.hello(Uaid.random(), List.of()));
    }
    for (CompletionStage<?> hello : hellos) {
      get(hello);
    }

    assertThat(get(store.expire(Duration.ZERO))).isEqualTo(2_000);
    assertThat(get(store.expire(Duration.ZERO))).isZero();
  }

  @Test
  void nodeIsNoneBeforeItIsSubscribed() throws Exception {
    TcpProxy proxy = closing(new TcpProxy(redis().port()));
    RedisVersionStore store = store(proxy.uri());
    store.join(WEEK, heard);
    get(store.check());
    proxy.hold(TcpProxy.Wire::isBus, true, false); // what is asked of the bus is held up
    Thread joining = new Thread(() -> store.join(WEEK, new ReceivedHints()));
    joining.start();
    await().atMost(20, SECONDS).until(() -> joining.getState() == Thread.State.TIMED_WAITING);

    get(store.check());

    proxy.release();
    joining.join(20_000);
    assertThat(joining.isAlive()).isFalse();
    get(store.check());
  }
}
