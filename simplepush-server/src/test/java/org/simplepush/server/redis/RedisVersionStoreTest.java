package org.simplepush.server.redis;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.simplepush.core.DurableVersionStoreContract;
import org.simplepush.core.Uaid;
import org.simplepush.core.VersionStore;

/** The Redis store keeps the contract of all stores, as a user who may do no more than that. */
class RedisVersionStoreTest extends DurableVersionStoreContract {
  private static RedisProcess redis;

  private static String login;

  private final AtomicLong offset = new AtomicLong();

  @BeforeAll
  static void startRedis() throws Exception {
    redis = RedisProcess.start();
    login = redis.allowDocumentedUser();
  }

  @AfterAll
  static void stopRedis() throws Exception {
    redis.close();
  }

  @Override
  protected VersionStore newStore() throws Exception {
    redis.ask("FLUSHALL");
    return reopenedStore();
  }

  @Override
  protected VersionStore reopenedStore() {
    return RedisVersionStore.open(
        redis.uri(login), new RedisVersionStore.Settings(Duration.ofSeconds(5), offset::get));
  }

  @Override
  protected void advanceTime(Duration duration) {
    offset.addAndGet(duration.toMillis());
  }

  /** A replica that became the master may have another time. */
  @Test
  void everybodyIsDroppedEvenIfTheClockWasSetBack() throws Exception {
    try (RedisVersionStore store = (RedisVersionStore) newStore()) {
      store.hello(Uaid.random(), List.of()).toCompletableFuture().get(20, SECONDS);
      advanceTime(Duration.ofHours(-1));

      int dropped = store.expire(Duration.ZERO).toCompletableFuture().get(20, SECONDS);

      assertThat(dropped).isEqualTo(1);
    }
  }

  @Override
  protected int modelSteps() {
    return 2_000;
  }

  @Override
  protected int rounds() {
    return 100;
  }

  @Override
  protected int contendingSteps() {
    return 1_000;
  }
}
