package org.simplepush.server.redis;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.cluster.SlotHash;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A cluster of three masters. */
final class RedisClusterProcesses implements AutoCloseable {
  private static final int SLOTS = 16_384;

  private final List<RedisProcess> masters = new ArrayList<>();
  private String login;

  static RedisClusterProcesses start() throws IOException, InterruptedException {
    RedisClusterProcesses cluster = new RedisClusterProcesses();
    for (int i = 0; i < 3; i++) {
      RedisProcess master =
          RedisProcess.start(
              "--cluster-enabled",
              "yes",
              "--cluster-port",
              String.valueOf(RedisProcess.anyPort()),
              "--cluster-node-timeout",
              "2000");
      cluster.masters.add(master);
      int from = SLOTS * i / 3;
      int to = SLOTS * (i + 1) / 3 - 1;
      master.ask("CLUSTER", "ADDSLOTSRANGE", String.valueOf(from), String.valueOf(to));
    }
    RedisProcess first = cluster.masters.get(0);
    for (RedisProcess other : cluster.masters.subList(1, 3)) {
      first.ask("CLUSTER", "MEET", "127.0.0.1", String.valueOf(other.port()), clusterPort(other));
    }
    cluster.awaitOk();
    for (RedisProcess master : cluster.masters) {
      cluster.login = master.allowDocumentedUser("+cluster|nodes", "+cluster|myid");
    }
    return cluster;
  }

  /** Waits until every server knows the others, and all slots are served. */
  void awaitOk() {
    await()
        .atMost(30, SECONDS)
        .until(
            () -> {
              for (RedisProcess master : masters) {
                String info = master.ask("CLUSTER", "INFO");
                if (!info.contains("cluster_state:ok") || !info.contains("cluster_size:3")) {
                  return false;
                }
              }
              return true;
            });
  }

  /**
   * Has a master be reached at another port, such as that of a proxy. When this returns, each
   * server says so: who learnt of the master from one that does not would go past the proxy.
   */
  void announce(RedisProcess master, int port) throws IOException, InterruptedException {
    master.ask("CONFIG", "SET", "cluster-announce-port", String.valueOf(port));
    for (RedisProcess each : masters) {
      await()
          .atMost(30, SECONDS)
          .until(() -> each.ask("CLUSTER", "NODES").contains(":" + port + "@"));
    }
  }

  private static String clusterPort(RedisProcess node) throws IOException {
    // 127.0.0.1:port@clusterport
    String myself = node.ask("CLUSTER", "NODES");
    return myself.replaceAll("(?s).*@(\\d+).*", "$1");
  }

  /** Adds a replica, which takes the place of its master when that dies; the caller closes it. */
  RedisProcess addReplica(int master) throws IOException, InterruptedException {
    RedisProcess replica =
        RedisProcess.start(
            "--cluster-enabled",
            "yes",
            "--cluster-port",
            String.valueOf(RedisProcess.anyPort()),
            "--cluster-node-timeout",
            "2000",
            "--cluster-replica-validity-factor",
            "0");
    login = replica.allowDocumentedUser("+cluster|nodes", "+cluster|myid");
    RedisProcess last = masters.get(masters.size() - 1);
    String id = masters.get(master).ask("CLUSTER", "MYID");
    replica.ask("CLUSTER", "MEET", "127.0.0.1", String.valueOf(last.port()), clusterPort(last));
    await().atMost(30, SECONDS).until(() -> replica.ask("CLUSTER", "REPLICATE", id).equals("+OK"));
    await()
        .atMost(30, SECONDS)
        .until(() -> replica.ask("INFO", "replication").contains("master_link_status:up"));
    for (RedisProcess each : masters) {
      await().atMost(30, SECONDS).until(() -> each.ask("CLUSTER", "NODES").contains("slave " + id));
    }
    return replica;
  }

  /** The first key with that prefix and a number that a master serves. */
  String keyOf(int master, String prefix) {
    return IntStream.range(0, SLOTS)
        .mapToObj(n -> prefix + ":" + n)
        .filter(key -> SlotHash.getSlot(key) * 3 / SLOTS == master)
        .findFirst()
        .orElseThrow();
  }

  List<RedisProcess> masters() {
    return masters;
  }

  /** Where it is, for a user who may do what is needed and no more. */
  String uri() {
    return "redis://"
        + login
        + masters.stream()
            .map(master -> "127.0.0.1:" + master.port())
            .collect(Collectors.joining(","))
        + "?timeout=20s";
  }

  void flush() throws IOException {
    for (RedisProcess master : masters) {
      master.ask("FLUSHALL");
    }
  }

  @Override
  public void close() throws IOException {
    for (RedisProcess master : masters) {
      master.close();
    }
  }
}
