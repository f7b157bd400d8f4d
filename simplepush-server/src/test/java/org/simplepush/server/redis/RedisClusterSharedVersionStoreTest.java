package org.simplepush.server.redis;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.SharedVersionStoreContract;

/** And so it does on a cluster. */
class RedisClusterSharedVersionStoreTest extends SharedVersionStoreContract {
  private static RedisClusterProcesses redis;

  @BeforeAll
  static void startRedis() throws Exception {
    redis = RedisClusterProcesses.start();
  }

  @AfterAll
  static void stopRedis() throws Exception {
    redis.close();
  }

  @Override
  protected List<SharedVersionStore> newStores() {
    return List.of(RedisVersionStore.open(redis.uri()), RedisVersionStore.open(redis.uri()));
  }

  @Override
  protected int randomSteps() {
    return 2_000;
  }
}
