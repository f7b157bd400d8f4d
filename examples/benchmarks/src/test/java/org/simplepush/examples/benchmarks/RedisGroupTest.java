package org.simplepush.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several real Redis: they stand in for one another, and are reached through their relays. */
@Timeout(180)
class RedisGroupTest {
  private final Random random = new Random(5);

  @TempDir Path folder;

  @Test
  void sentinelsHaveAReplicaTakeThePlaceOfAMaster() throws Exception {
    try (RedisGroup group = SentinelGroup.start(null, folder, 1, random)) {
      RedisServer master = only(group.masters());
      assertThat(group.uri()).startsWith("redis-sentinel://127.0.0.1:").endsWith("#simplepush");
      assertThat(RedisCommand.text(master.relay.port(), "SET", "key", "value")).isEqualTo("OK");
      group.failOver(random);
      Deployment.await("No failover", () -> !group.masters().contains(master) && group.isSound());
      RedisServer promoted = only(group.masters());
      assertThat(RedisCommand.text(promoted.relay.port(), "GET", "key")).isEqualTo("value");
      assertThat(group.canReshard()).isFalse();

      master.process.kill();
      assertThat(group.isSound()).isFalse();
      master.process.launch();
      master.process.awaitReady();
      Deployment.await("It does not come back as a replica", group::isSound);
      assertThat(group.masters()).containsExactly(promoted);
    }
  }

  private static RedisServer only(List<RedisServer> masters) {
    assertThat(masters).hasSize(1);
    return masters.get(0);
  }

  @Test
  void aClusterMovesSlotsAndReplacesAMasterThatHangs() throws Exception {
    try (RedisGroup group = ClusterGroup.start(null, folder, 0, random)) {
      assertThat(group.masters()).hasSize(3);
      for (int i = 0; i < 500; i++) {
        set(group, "key" + i);
      }
      List<Integer> before = keys(group);
      assertThat(group.reshard(random)).matches("[1-9][0-9]* slots from .* to .*");
      assertThat(keys(group)).isNotEqualTo(before);
      assertThat(keys(group).stream().mapToInt(Integer::intValue).sum()).isEqualTo(500);

      RedisServer master = group.masters().get(0);
      master.process.pause();
      Deployment.await(
          "No replica takes its place",
          () -> group.masters().size() == 3 && !group.masters().contains(master));
      master.process.resume();
      Deployment.await("It does not become a replica", group::isSound);
      List<RedisServer> masters = group.masters();
      group.failOver(random);
      Deployment.await("No failover", () -> !group.masters().equals(masters) && group.isSound());
    }
  }

  private static void set(RedisGroup group, String key) throws IOException {
    for (RedisServer master : group.masters()) {
      try {
        RedisCommand.ask(master.relay.port(), "SET", key, "value");
        return;
      } catch (RedisCommand.Refused e) {
        assertThat(e).hasMessageStartingWith("MOVED ");
      }
    }
    throw new IOException("Nobody has the slot of " + key);
  }

  /** How many keys each server that is a master now has. */
  private static List<Integer> keys(RedisGroup group) throws IOException {
    List<Integer> counts = new ArrayList<>();
    for (RedisServer master : group.masters()) {
      counts.add(Integer.valueOf(master.ask("DBSIZE")));
    }
    return counts;
  }
}
