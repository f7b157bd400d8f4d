package org.simplepush.server.redis;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.abort;
import static org.simplepush.server.redis.RedisNodesTest.get;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.StoreException;
import org.simplepush.core.VersionStore.Advance;

/** {@code ?fsync=1}: what was confirmed is on the disk. */
class RedisFsyncTest extends RedisFixture {
  private static boolean waitsForItsDisk(RedisProcess redis) throws Exception {
    return !redis.ask("WAITAOF", "0", "0", "1").contains("unknown command");
  }

  /** One that cannot wait is a reason to skip a test, with a word. */
  private RedisProcess redisThatWaits(String... options) throws Exception {
    RedisProcess redis = redis(options);
    if (!waitsForItsDisk(redis)) {
      System.out.println("Skipped: this Redis has no WAITAOF; try -Dredis.server=valkey-server");
      abort("Redis has no WAITAOF");
    }
    return redis;
  }

  @Test
  void stepIsConfirmedWhenItIsOnTheDisk() throws Exception {
    RedisProcess redis = redisThatWaits("--appendonly", "yes", "--appendfsync", "everysec");
    RedisVersionStore store = store(redis.uri() + "&fsync=1");
    create(store);
    List<CompletionStage<Advance>> stages = new ArrayList<>();
    for (int version = 1; version <= 1_000; version++) {
      stages.add(store.advance(uaid, channel, version));
    }
    for (CompletionStage<Advance> stage : stages) {
      assertThat(get(stage)).isInstanceOf(Advance.Advanced.class);
    }
  }

  /** Redis never syncs: its memory has the step, its disk may not. */
  @Test
  void stepThatIsNotOnTheDiskFails() throws Exception {
    RedisProcess redis = redisThatWaits("--appendonly", "yes", "--appendfsync", "everysec");
    RedisVersionStore store = store(redis.uri().replace("20s", "4s") + "&fsync=1");
    create(store);
    assertThat(redis.ask("CONFIG", "SET", "appendfsync", "no")).isEqualTo("+OK");

    assertThatThrownBy(() -> get(store.advance(uaid, channel, 1)))
        .hasMessageContaining("Redis has not written the step to its disk in time");
    assertThatThrownBy(() -> get(store.check())).hasMessageContaining("to its disk in time");

    assertThat(redis.ask("CONFIG", "SET", "appendfsync", "everysec")).isEqualTo("+OK");
    await().atMost(60, SECONDS).ignoreExceptions().untilAsserted(() -> get(store.check()));
    assertThat(get(store.advance(uaid, channel, 2))).isInstanceOf(Advance.Advanced.class);
  }

  @Test
  void replicasHaveItOnTheirDisksToo() throws Exception {
    RedisProcess master = redisThatWaits("--appendonly", "yes");
    assertThatThrownBy(() -> store(master.uri().replace("20s", "4s") + "&fsync=1&replicas=1"))
        .hasMessageContaining("Only 0 replicas of Redis have the step, not 1");
    RedisProcess replica =
        redis("--appendonly", "yes", "--replicaof", "127.0.0.1 " + master.port());
    await()
        .atMost(60, SECONDS)
        .until(() -> replica.ask("INFO", "replication").contains("master_link_status:up"));

    RedisVersionStore store = store(master.uri() + "&fsync=1&replicas=1");
    create(store);

    assertThat(get(store.advance(uaid, channel, 1))).isInstanceOf(Advance.Advanced.class);
  }

  @Test
  void redisThatCannotWaitForItsDiskIsRefused() throws Exception {
    RedisProcess redis = redis();
    assertThatThrownBy(() -> store(redis.uri() + "&fsync=1"))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining(
            waitsForItsDisk(redis)
                ? "Redis keeps no append-only file: ?fsync=1 needs appendonly yes"
                : "Redis has no WAITAOF: ?fsync=1 needs Redis 7.2 or later, or Valkey");
  }

  @Test
  void userWhoMayNotWaitIsCalledThat() throws Exception {
    RedisProcess redis = redisThatWaits("--appendonly", "yes");
    String login = redis.allowDocumentedUser();
    assertThatThrownBy(() -> store(redis.uri(login) + "&fsync=1"))
        .hasMessageContaining("too few permissions")
        .hasMessageContaining("waitaof");
    redis.ask("ACL", "SETUSER", "simplepush", "+waitaof");
    create(store(redis.uri(login) + "&fsync=1"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"2", "yes", ""})
  void otherValuesAreRefused(String value) {
    assertThatThrownBy(() -> store("redis://127.0.0.1:1?fsync=" + value))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("fsync is 0 or 1");
  }
}
