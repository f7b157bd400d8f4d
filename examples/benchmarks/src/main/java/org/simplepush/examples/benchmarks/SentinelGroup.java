package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A master and two replicas that three Sentinels watch. */
final class SentinelGroup implements RedisGroup {
  private static final int REPLICAS = 2;
  private static final int SENTINELS = 3;
  private static final String NAME = "simplepush";

  private final List<RedisServer> servers = new ArrayList<>();
  private final List<RedisProcess> sentinels = new ArrayList<>();

  private SentinelGroup() {}

  /**
   * Starts all, and waits until they know each other.
   *
   * @param minReplicas how many replicas must follow for a master to take writes
   */
  static SentinelGroup start(@Nullable Path executable, Path folder, int minReplicas, Random random)
      throws LoadException, IOException, InterruptedException {
    SentinelGroup group = new SentinelGroup();
    try {
      List<String> settings =
          List.of(
              "repl-diskless-sync-delay 0",
              "repl-ping-replica-period 1",
              "repl-timeout 10",
              "min-replicas-to-write " + minReplicas,
              "min-replicas-max-lag 3");
      for (int i = 0; i <= REPLICAS; i++) {
        group.servers.add(
            RedisServer.launch(executable, folder, "redis-" + i, "replica", settings, random));
      }
      for (RedisServer server : group.servers) {
        server.process.awaitReady();
      }
      RedisServer master = group.servers.get(0);
      for (RedisServer replica : group.servers.subList(1, group.servers.size())) {
        replica.ask("REPLICAOF", "127.0.0.1", "" + master.relay.port());
        replica.ask("CONFIG", "REWRITE"); // so that it comes back as a replica
      }
      for (int i = 0; i < SENTINELS; i++) {
        group.sentinels.add(
            RedisProcess.sentinel(
                executable,
                folder.resolve("sentinel-" + i),
                Deployment.freePort(random),
                List.of(
                    "sentinel monitor " + NAME + " 127.0.0.1 " + master.relay.port() + " 2",
                    "sentinel down-after-milliseconds " + NAME + " 1000",
                    "sentinel failover-timeout " + NAME + " 5000",
                    "sentinel parallel-syncs " + NAME + " 2")));
      }
      for (RedisProcess sentinel : group.sentinels) {
        sentinel.launch();
        sentinel.awaitReady();
      }
      Deployment.await("The Sentinels do not find the replicas", group::isSound);
      return group;
    } catch (LoadException | IOException | InterruptedException e) {
      group.close();
      throw e;
    }
  }

  @Override
  public String uri() {
    return sentinels.stream()
        .map(sentinel -> "127.0.0.1:" + sentinel.port)
        .collect(Collectors.joining(",", "redis-sentinel://", "#" + NAME));
  }

  @Override
  public List<RedisServer> servers() {
    return servers;
  }

  /** The one that the Sentinels name: another may still take itself for a master. */
  @Override
  public List<RedisServer> masters() {
    for (RedisProcess sentinel : sentinels) {
      try {
        List<String> address =
            RedisCommand.list(sentinel.port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME);
        return servers.stream()
            .filter(server -> address.contains("" + server.relay.port()))
            .toList();
      } catch (IOException e) {
        // This Sentinel is down: the next one knows.
      }
    }
    return List.of();
  }

  @Override
  public List<RedisProcess> watchers() {
    return sentinels;
  }

  @Override
  public String failOver(Random random) throws IOException {
    RedisProcess sentinel = sentinels.get(random.nextInt(sentinels.size()));
    RedisCommand.ask(sentinel.port, "SENTINEL", "FAILOVER", NAME);
    return "SENTINEL FAILOVER from " + masters();
  }

  @Override
  public boolean canReshard() {
    return false;
  }

  @Override
  public String reshard(Random random) {
    throw new UnsupportedOperationException("There is one master only");
  }

  @Override
  public boolean isSound() {
    List<RedisServer> masters = masters();
    if (masters.size() != 1
        || !masters.get(0).isMaster()
        || servers.stream().filter(RedisServer::isMaster).count() != 1
        || !servers.stream().allMatch(server -> server.follows(REPLICAS))) {
      return false;
    }
    for (RedisProcess sentinel : sentinels) {
      try {
        String info = RedisCommand.text(sentinel.port, "INFO", "sentinel");
        if (!info.contains("status=ok")
            || !info.contains("slaves=" + REPLICAS + ",sentinels=" + SENTINELS)) {
          return false;
        }
      } catch (IOException e) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void close() throws IOException {
    sentinels.forEach(RedisProcess::kill);
    for (RedisServer server : servers) {
      server.close();
    }
  }
}
