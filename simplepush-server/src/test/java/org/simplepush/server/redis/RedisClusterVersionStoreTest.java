package org.simplepush.server.redis;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.simplepush.core.DurableVersionStoreContract;
import org.simplepush.core.VersionStore;

/** And so it does on a cluster. */
class RedisClusterVersionStoreTest extends DurableVersionStoreContract {
  private static RedisClusterProcesses redis;

  private final AtomicLong offset = new AtomicLong();

  @BeforeAll
  static void startRedis() throws Exception {
    redis = RedisClusterProcesses.start();
  }

  @AfterAll
  static void stopRedis() throws Exception {
    redis.close();
  }

  @Override
  protected VersionStore newStore() throws Exception {
    redis.flush();
    return reopenedStore();
  }

  @Override
  protected VersionStore reopenedStore() {
    return RedisVersionStore.open(
        redis.uri(), new RedisVersionStore.Settings(Duration.ofSeconds(5), offset::get));
  }

  @Override
  protected void advanceTime(Duration duration) {
    offset.addAndGet(duration.toMillis());
  }

  @Override
  protected int modelSteps() {
    return 500;
  }

  @Override
  protected int rounds() {
    return 30;
  }

  @Override
  protected int contendingSteps() {
    return 500;
  }
}
