package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * One of several Redis that belong together, behind a {@link Relay} whose port it announces: so
 * nodes, replicas and Sentinels all come through that.
 */
final class RedisServer implements AutoCloseable {
  final String name;
  final RedisProcess process;
  final Relay relay;

  private RedisServer(String name, RedisProcess process, Relay relay) {
    this.name = name;
    this.process = process;
    this.relay = relay;
  }

  /**
   * Starts it, and does not wait for it.
   *
   * @param prefix of the settings that say what it announces: replica or cluster
   */
  static RedisServer launch(
      @Nullable Path executable,
      Path folder,
      String name,
      String prefix,
      List<String> settings,
      Random random)
      throws LoadException, IOException {
    int port = Deployment.freePort(random);
    Relay relay = new Relay(Deployment.freePort(random), port);
    List<String> all = new ArrayList<>(RedisProcess.DURABLE);
    all.addAll(settings);
    all.add(prefix + "-announce-ip 127.0.0.1");
    all.add(prefix + "-announce-port " + relay.port());
    RedisProcess process = RedisProcess.server(executable, folder.resolve(name), port, all);
    process.launch();
    return new RedisServer(name, process, relay);
  }

  /** Asks it directly, whatever its relay does. */
  String ask(String... words) throws IOException {
    return RedisCommand.text(process.port, words);
  }

  /** Returns a field of what it says about its replication; empty while it says nothing. */
  String replication(String field) {
    try {
      return RedisCommand.field(ask("INFO", "replication"), field);
    } catch (IOException e) {
      return "";
    }
  }

  boolean isMaster() {
    return replication("role").equals("master");
  }

  /** Whether it is a master with so many replicas that follow, or a replica that follows. */
  boolean follows(int replicas) {
    if (isMaster()) {
      for (int i = 0; i < replicas; i++) {
        String replica = replication("slave" + i);
        if (!replica.contains("state=online") || !replica.matches(".*lag=[01]")) {
          return false;
        }
      }
      return true;
    }
    return replication("master_link_status").equals("up");
  }

  @Override
  public void close() throws IOException {
    process.kill();
    relay.close();
  }

  @Override
  public String toString() {
    return name;
  }
}
