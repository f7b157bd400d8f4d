package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.simplepush.server.redis.ReceivedHints.published;
import static org.simplepush.server.redis.RedisNodesTest.WEEK;
import static org.simplepush.server.redis.RedisNodesTest.claim;
import static org.simplepush.server.redis.RedisNodesTest.get;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.simplepush.core.ChannelId;
import org.simplepush.core.SharedVersionStore.Node;
import org.simplepush.core.Uaid;

/**
 * Sentinels name another master while the old one is alive and takes writes, all of them doomed.
 */
class RedisSwitchTest extends RedisFixture {
  private final List<RedisProcess> sentinels = new ArrayList<>();
  private final Uaid another = Uaid.random();
  private final ChannelId anotherChannel = ChannelId.random();
  private final ReceivedHints heardThere = new ReceivedHints();
  private RedisProcess first;
  private RedisProcess second;
  private RedisVersionStore here;
  private RedisVersionStore there;

  /** Starts three Sentinels that know the master, its replica and each other. */
  private void startSentinels() throws Exception {
    String port = String.valueOf(first.port());
    for (int i = 0; i < 3; i++) {
      RedisProcess sentinel = redis("--sentinel");
      sentinel.ask("SENTINEL", "DEBUG", "info-period", "200", "publish-period", "200");
      sentinel.ask("SENTINEL", "MONITOR", "pushes", "127.0.0.1", port, "2");
      sentinels.add(sentinel);
    }
    await()
        .atMost(60, SECONDS)
        .untilAsserted(
            () -> {
              for (RedisProcess sentinel : sentinels) {
                assertThat(sentinel.ask("INFO", "sentinel"))
                    .contains("status=ok", "slaves=1,sentinels=3");
              }
            });
    for (RedisProcess sentinel : sentinels) {
      // Four periods later they would make the old master a replica, which ends its connections.
      sentinel.ask("SENTINEL", "DEBUG", "publish-period", "60000");
    }
  }

  private String uri() {
    return sentinels.stream()
        .map(sentinel -> "127.0.0.1:" + sentinel.port())
        .collect(Collectors.joining(",", "redis-sentinel://", "?timeout=3s#pushes"));
  }

  private static boolean holds(RedisProcess redis, Uaid uaid, long version) throws Exception {
    return redis
        .ask(
            "EVAL",
            "return ' ' .. table.concat(redis.call('HVALS', KEYS[1]), ' ') .. ' '",
            "1",
            new String(Ids.key(uaid), US_ASCII))
        .contains(" " + version + " ");
  }

  /** Has two nodes with a device each, and Sentinels that make the replica the master. */
  private void failOver() throws Exception {
    first = redis("--repl-diskless-sync-delay", "0");
    second = redis("--replicaof", "127.0.0.1 " + first.port());
    startSentinels();
    here = store(uri());
    there = store(uri());
    Node node = here.join(WEEK, heard);
    create(here);
    claim(node, uaid, 1);
    Node other = there.join(WEEK, heardThere);
    get(there.hello(another, List.of()));
    get(there.register(another, anotherChannel, 9));
    claim(other, another, 1);
    await().atMost(60, SECONDS).until(() -> second.ask("DBSIZE").equals(first.ask("DBSIZE")));

    sentinels.get(0).signal("STOP"); // the one that Lettuce asks first
    assertThat(sentinels.get(1).ask("SENTINEL", "FAILOVER", "pushes")).isEqualTo("+OK");
    await()
        .atMost(60, SECONDS)
        .until(() -> second.ask("INFO", "replication").contains("role:master"));
  }

  /** Publishes through both nodes until both do so at the new master. */
  private void awaitBothAtTheNewMaster() throws Exception {
    long version = 100;
    long deadline = System.nanoTime() + SECONDS.toNanos(20);
    while (!holds(second, uaid, version) || !holds(second, another, version)) {
      assertThat(System.nanoTime()).as("a deadline").isLessThan(deadline);
      version++;
      advance(there, uaid, channel, version);
      advance(here, another, anotherChannel, version);
    }
  }

  private void awaitChecked() {
    for (RedisVersionStore store : List.of(here, there)) {
      await().atMost(20, SECONDS).ignoreExceptions().untilAsserted(() -> get(store.check()));
    }
  }

  private void assertHintsCome(long version) throws Exception {
    get(there.advance(uaid, channel, version));
    get(here.advance(another, anotherChannel, version));
    heard.await(published(uaid, channel.text(), version));
    heardThere.await(published(another, anotherChannel.text(), version));
    assertThat(holds(second, uaid, version)).isTrue();
    assertThat(holds(second, another, version)).isTrue();
    assertThat(first.ask("INFO", "replication")).as("the old one").contains("role:master");
  }

  @Test
  void nodesFollowToTheNewMasterThoughTheOldOneIsAlive() throws Exception {
    failOver();

    awaitBothAtTheNewMaster();
    awaitChecked();

    assertHintsCome(1_000_000);
  }

  @Test
  void newConnectionDoesNotLeadToTheOldMasterThoughTheFirstSentinelNamesThat() throws Exception {
    failOver();
    awaitBothAtTheNewMaster();
    RedisProcess behind = sentinels.get(0);
    behind.signal("CONT");
    behind.ask("SENTINEL", "REMOVE", "pushes");
    String port = String.valueOf(first.port());
    assertThat(behind.ask("SENTINEL", "MONITOR", "pushes", "127.0.0.1", port, "2"))
        .isEqualTo("+OK");
    awaitChecked();
    heard.forget("lost");
    heardThere.forget("lost");

    second.ask("CLIENT", "KILL", "TYPE", "normal");
    second.ask("CLIENT", "KILL", "TYPE", "pubsub");

    heard.await("lost");
    heardThere.await("lost");
    awaitChecked();
    assertHintsCome(1_000_000);
  }

  /** Fails while the connection moves. */
  private static void advance(RedisVersionStore store, Uaid uaid, ChannelId channel, long version)
      throws Exception {
    try {
      get(store.advance(uaid, channel, version));
    } catch (ExecutionException e) {
      assertThat(e).hasMessageContaining("Redis");
    }
  }
}
