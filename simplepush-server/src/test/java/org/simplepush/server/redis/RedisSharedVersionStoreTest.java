package org.simplepush.server.redis;

import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.SharedVersionStoreContract;

/** Redis keeps the contract of all shared stores, and answers as the store in memory does. */
class RedisSharedVersionStoreTest extends SharedVersionStoreContract {
  private static RedisProcess redis;

  private static String login;

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
  protected List<SharedVersionStore> newStores() {
    return List.of(
        RedisVersionStore.open(redis.uri(login)), RedisVersionStore.open(redis.uri(login)));
  }

  @Override
  protected int randomSteps() {
    return 4_000;
  }
}
