package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** A cluster of three masters with a replica each. */
final class ClusterGroup implements RedisGroup {
  private static final int MASTERS = 3;
  private static final int SLOTS = 16_384;
  private static final int MOST_MOVED = 150;

  private final List<RedisServer> servers = new ArrayList<>();
  private final List<Integer> busPorts = new ArrayList<>();

  private ClusterGroup() {}

  /**
   * Starts all, and waits until they know each other.
   *
   * @param minReplicas how many replicas must follow for a master to take writes
   */
  static ClusterGroup start(@Nullable Path executable, Path folder, int minReplicas, Random random)
      throws LoadException, IOException, InterruptedException {
    ClusterGroup group = new ClusterGroup();
    try {
      for (int i = 0; i < 2 * MASTERS; i++) {
        int busPort = Deployment.freePort(random);
        group.busPorts.add(busPort);
        List<String> settings =
            List.of(
                "cluster-enabled yes",
                "cluster-port " + busPort,
                "cluster-announce-bus-port " + busPort,
                "cluster-node-timeout 1500",
                "cluster-allow-replica-migration no",
                "repl-diskless-sync-delay 0",
                "repl-ping-replica-period 1",
                "repl-timeout 10",
                "min-replicas-to-write " + minReplicas,
                "min-replicas-max-lag 3");
        group.servers.add(
            RedisServer.launch(executable, folder, "redis-" + i, "cluster", settings, random));
      }
      for (RedisServer server : group.servers) {
        server.process.awaitReady();
      }
      group.form();
      Deployment.await("The cluster does not come up", group::isSound);
      return group;
    } catch (LoadException | IOException | InterruptedException e) {
      group.close();
      throw e;
    }
  }

  private void form() throws LoadException, IOException, InterruptedException {
    for (int i = 0; i < servers.size(); i++) {
      servers.get(i).ask("CLUSTER", "SET-CONFIG-EPOCH", "" + (i + 1));
      if (i < MASTERS) {
        int from = SLOTS * i / MASTERS;
        int to = SLOTS * (i + 1) / MASTERS - 1;
        servers.get(i).ask("CLUSTER", "ADDSLOTSRANGE", "" + from, "" + to);
      }
    }
    RedisServer first = servers.get(0);
    for (int i = 1; i < servers.size(); i++) {
      String port = "" + servers.get(i).relay.port();
      first.ask("CLUSTER", "MEET", "127.0.0.1", port, "" + busPorts.get(i));
    }
    Deployment.await(
        "The servers of the cluster do not meet",
        () -> servers.stream().allMatch(server -> knows(server, servers.size())));
    for (int i = 0; i < MASTERS; i++) {
      String id = servers.get(i).ask("CLUSTER", "MYID");
      servers.get(MASTERS + i).ask("CLUSTER", "REPLICATE", id);
    }
  }

  private static boolean knows(RedisServer server, int count) {
    try {
      String info = server.ask("CLUSTER", "INFO");
      return RedisCommand.field(info, "cluster_known_nodes").equals("" + count)
          && RedisCommand.field(info, "cluster_state").equals("ok")
          && !server.ask("CLUSTER", "NODES").contains("fail");
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public String uri() {
    return servers.stream()
        .map(server -> "127.0.0.1:" + server.relay.port())
        .collect(Collectors.joining(",", "redis://", ""));
  }

  @Override
  public List<RedisServer> servers() {
    return servers;
  }

  /** Those that take themselves for one and have slots. */
  @Override
  public List<RedisServer> masters() {
    return servers.stream().filter(ClusterGroup::hasSlots).toList();
  }

  private static boolean hasSlots(RedisServer server) {
    return !slots(server).isEmpty();
  }

  /** Returns the ranges of slots that it says are its own. */
  private static List<String> slots(RedisServer server) {
    try {
      for (String line : server.ask("CLUSTER", "NODES").split("\n", -1)) {
        List<String> words = List.of(line.split(" ", -1));
        if (words.size() > 8 && words.get(2).contains("myself,master")) {
          return words.subList(8, words.size());
        }
      }
    } catch (IOException e) {
      // It is down: it has none.
    }
    return List.of();
  }

  @Override
  public List<RedisProcess> watchers() {
    return List.of();
  }

  @Override
  public String failOver(Random random) throws IOException {
    List<RedisServer> replicas = new ArrayList<>(servers);
    replicas.removeAll(masters());
    RedisServer chosen = replicas.get(random.nextInt(replicas.size()));
    boolean force = random.nextInt(3) == 0; // without waiting for what its master has more
    if (force) {
      chosen.ask("CLUSTER", "FAILOVER", "FORCE");
    } else {
      chosen.ask("CLUSTER", "FAILOVER");
    }
    return "CLUSTER FAILOVER" + (force ? " FORCE" : "") + " to " + chosen;
  }

  @Override
  public boolean canReshard() {
    return true;
  }

  @Override
  public String reshard(Random random) throws IOException, InterruptedException {
    List<RedisServer> masters = new ArrayList<>(masters());
    if (masters.size() < 2) {
      return "nothing, as there are no two masters";
    }
    RedisServer from = masters.remove(random.nextInt(masters.size()));
    RedisServer to = masters.get(random.nextInt(masters.size()));
    List<Integer> slots = some(slots(from), random);
    for (int slot : slots) {
      move(slot, from, to);
    }
    return slots.size() + " slots from " + from + " to " + to;
  }

  /** Takes half of a random range, but not too many. */
  private static List<Integer> some(List<String> ranges, Random random) {
    List<String> whole = ranges.stream().filter(range -> !range.startsWith("[")).toList();
    if (whole.isEmpty()) {
      return List.of();
    }
    String[] ends = whole.get(random.nextInt(whole.size())).split("-", -1);
    int first = Integer.parseInt(ends[0]);
    int count = Integer.parseInt(ends[ends.length - 1]) - first + 1;
    List<Integer> slots = new ArrayList<>();
    for (int i = 0; i < Math.min(MOST_MOVED, (count + 1) / 2); i++) {
      slots.add(first + i);
    }
    return slots;
  }

  private void move(int slot, RedisServer from, RedisServer to) throws IOException {
    String source = from.ask("CLUSTER", "MYID");
    String target = to.ask("CLUSTER", "MYID");
    to.ask("CLUSTER", "SETSLOT", "" + slot, "IMPORTING", source);
    from.ask("CLUSTER", "SETSLOT", "" + slot, "MIGRATING", target);
    List<String> keys = keys(slot, from);
    while (!keys.isEmpty()) {
      List<String> command =
          new ArrayList<>(List.of("MIGRATE", "127.0.0.1", "" + to.process.port, "", "0", "1000"));
      command.addAll(List.of("REPLACE", "KEYS"));
      command.addAll(keys);
      from.ask(command.toArray(String[]::new));
      keys = keys(slot, from);
    }
    to.ask("CLUSTER", "SETSLOT", "" + slot, "NODE", target);
    from.ask("CLUSTER", "SETSLOT", "" + slot, "NODE", target);
  }

  private static List<String> keys(int slot, RedisServer server) throws IOException {
    return RedisCommand.list(server.process.port, "CLUSTER", "GETKEYSINSLOT", "" + slot, "100");
  }

  @Override
  public boolean isSound() {
    return servers.stream().allMatch(server -> knows(server, servers.size()))
        && masters().size() == MASTERS
        && servers.stream().filter(RedisServer::isMaster).count() == MASTERS
        && servers.stream().allMatch(server -> server.follows(1));
  }

  @Override
  public void close() throws IOException {
    for (RedisServer server : servers) {
      server.close();
    }
  }
}
