package org.simplepush.server.redis;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.simplepush.core.VersionStore;
import org.simplepush.core.VersionStoreContract;

/** The Redis store keeps the contract of all stores. */
class RedisVersionStoreTest extends VersionStoreContract {
  private static RedisProcess redis;

  private final AtomicLong offset = new AtomicLong();

  @BeforeAll
  static void startRedis() throws Exception {
    redis = RedisProcess.start();
  }

  @AfterAll
  static void stopRedis() throws Exception {
    redis.close();
  }

  @Override
  protected VersionStore newStore() throws Exception {
    redis.ask("FLUSHALL");
    return RedisVersionStore.open(
        redis.uri() + "?timeout=20s",
        new RedisVersionStore.Settings(Duration.ofSeconds(5), offset::get));
  }

  @Override
  protected void advanceTime(Duration duration) {
    offset.addAndGet(duration.toMillis());
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
