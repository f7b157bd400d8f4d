package org.simplepush.server.redis;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.simplepush.server.redis.ReceivedHints.published;

import io.lettuce.core.cluster.SlotHash;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.simplepush.core.ChannelId;
import org.simplepush.core.SharedVersionStore.Node;
import org.simplepush.core.Uaid;
import org.simplepush.core.VersionStore.Resumption.Resumed;

/** The same on a cluster, and what only a cluster can do. */
@Tag("long")
class RedisClusterNodesTest extends RedisNodesTest {
  private static RedisClusterProcesses cluster;

  @BeforeAll
  static void startCluster() throws Exception {
    cluster = RedisClusterProcesses.start();
  }

  @AfterAll
  static void stopCluster() throws Exception {
    cluster.close();
  }

  @Override
  String uri() {
    return cluster.uri();
  }

  @Override
  RedisProcess serverOf(Uaid who) {
    return cluster.masters().get(SlotHash.getSlot(Ids.key(who)) * 3 / 16_384);
  }

  @Test
  void oneSeedThatAnswersIsEnough() throws Exception {
    String uri = "redis://127.0.0.1:1,127.0.0.1:" + cluster.masters().get(2).port();
    try (RedisVersionStore store = RedisVersionStore.open(uri)) {
      for (int i = 0; i < 20; i++) {
        assertThat(get(store.hello(Uaid.random(), List.of()))).isEqualTo(new Resumed(List.of()));
      }
      assertThat(get(store.check())).isNull();
    }
  }

  @Test
  void slotThatIsMovedIsFoundAgain() throws Exception {
    RedisProcess from = cluster.masters().get(0);
    RedisProcess to = cluster.masters().get(1);
    Uaid uaid = Uaid.random();
    while (SlotHash.getSlot(Ids.key(uaid)) >= 16_384 / 3) {
      uaid = Uaid.random();
    }
    String slot = String.valueOf(SlotHash.getSlot(Ids.key(uaid)));
    try (RedisVersionStore store = RedisVersionStore.open(uri())) {
      ReceivedHints heard = new ReceivedHints();
      store.join(WEEK, heard);
      get(store.hello(uaid, List.of()));
      get(store.drop(uaid));
      String target = to.ask("CLUSTER", "MYID");
      for (RedisProcess node : List.of(to, from, cluster.masters().get(2))) {
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", target);
      }
      Uaid moved = uaid;
      assertThatThrownBy(() -> get(store.hello(moved, List.of()))).hasMessageContaining("MOVED");

      await().ignoreExceptions().atMost(20, SECONDS).until(() -> resumes(store, moved));
      heard.await("lost"); // the new owner may lack claims
    } finally {
      to.ask("FLUSHALL"); // a server that holds keys of a slot does not give it away
      String source = from.ask("CLUSTER", "MYID");
      for (RedisProcess node : List.of(from, to, cluster.masters().get(2))) {
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", source);
      }
    }
  }

  /** Nothing ends a connection to a server that hangs. */
  @Test
  void serverThatHangsIsListenedToNoLonger() throws Exception {
    for (RedisProcess master : cluster.masters()) {
      master.ask("CONFIG", "SET", "cluster-require-full-coverage", "no");
    }
    List<Long> before = listeners();
    try (RedisVersionStore store = RedisVersionStore.open(uri());
        RedisVersionStore other = RedisVersionStore.open(uri())) {
      ReceivedHints heard = new ReceivedHints();
      Node node = store.join(WEEK, heard);
      int hung =
          IntStream.range(0, 3)
              .filter(i -> listeners().get(i) > before.get(i))
              .findFirst()
              .orElseThrow();
      Uaid uaid = Uaid.random();
      while (SlotHash.getSlot(Ids.key(uaid)) * 3 / 16_384 == hung) {
        uaid = Uaid.random();
      }
      ChannelId channel = ChannelId.random();
      get(store.hello(uaid, List.of()));
      get(store.register(uaid, channel, 9));
      claim(node, uaid, 1);
      cluster.masters().get(hung).signal("STOP");
      try {
        heard.await("lost");
        get(other.advance(uaid, channel, 1));

        heard.await(published(uaid, channel.text(), 1));
      } finally {
        cluster.masters().get(hung).signal("CONT");
      }
    } finally {
      cluster.awaitOk();
    }
  }

  /** How many nodes each server tells. */
  private static List<Long> listeners() {
    return cluster.masters().stream()
        .map(
            master -> {
              try {
                return master
                    .ask("CLIENT", "LIST")
                    .lines()
                    .filter(line -> line.contains(" sub=1 "))
                    .count();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            })
        .toList();
  }

  private static boolean resumes(RedisVersionStore store, Uaid uaid) throws Exception {
    return get(store.hello(uaid, List.of())) instanceof Resumed;
  }
}
