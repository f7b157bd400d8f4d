package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * A push server of one or more nodes and, if it needs one, a Redis, all on the loopback, with their
 * data and logs in a folder of their own. Used by one thread.
 */
final class Deployment implements AutoCloseable {
  /** Where versions live. */
  enum Store {
    memory,
    sqlite,
    redis,
    redisSentinel("redis-sentinel"),
    redisCluster("redis-cluster");

    private final String text;

    Store() {
      this.text = name();
    }

    Store(String text) {
      this.text = text;
    }

    /** Whether it is several Redis that stand in for one another. */
    boolean isGroup() {
      return this == redisSentinel || this == redisCluster;
    }

    /** As it is written on the command line. */
    @Override
    public String toString() {
      return text;
    }
  }

  private static final Duration AWAIT = Duration.ofSeconds(60);
  private static final Duration POLL = Duration.ofMillis(50);

  /** Not where the system takes ports from for outgoing connections: a killed server's is free. */
  private static final int FIRST_PORT = 20_000;

  private static final int LAST_PORT = 32_000;

  final Path folder;
  final List<StandaloneNode> nodes = new ArrayList<>();
  @Nullable RedisProcess redis;
  @Nullable RedisGroup group;

  private Deployment(Path folder) {
    this.folder = folder;
  }

  /** Which programs to start. */
  record Programs(Path java, List<String> jvmOptions, Path jar, @Nullable Path redisServer) {
    /**
     * Checks that they are there.
     *
     * @param java null for the one that runs this program
     * @throws WrongOptionException if not
     */
    static Programs of(
        @Nullable Path java, List<String> jvmOptions, Path jar, @Nullable Path redisServer)
        throws WrongOptionException {
      if (!Files.isRegularFile(jar)) {
        throw new WrongOptionException("--server-jar names " + jar + ", which is no file");
      }
      Path runs = java == null ? Path.of(System.getProperty("java.home"), "bin", "java") : java;
      return new Programs(runs, jvmOptions, jar, redisServer);
    }
  }

  /**
   * Starts all, and waits until they accept connections.
   *
   * @param random chooses the ports
   * @throws LoadException if that does not happen
   */
  static Deployment start(
      Programs programs, Store store, int nodeCount, List<String> options, Random random)
      throws LoadException, IOException, InterruptedException {
    return start(programs, store, RedisChoice.DEFAULT, nodeCount, options, random);
  }

  /** The same, with a Redis as one likes it. */
  static Deployment start(
      Programs programs,
      Store store,
      RedisChoice choice,
      int nodeCount,
      List<String> options,
      Random random)
      throws LoadException, IOException, InterruptedException {
    Deployment started = new Deployment(Files.createTempDirectory("simplepush-benchmark-"));
    try {
      started.startAll(programs, store, choice, nodeCount, options, random);
      return started;
    } catch (LoadException | IOException | InterruptedException e) {
      started.close();
      throw e;
    }
  }

  /**
   * How a Redis of several servers is set up.
   *
   * @param minReplicas how many replicas must follow for a master to take writes
   * @param parameters of its URI, empty or like {@code replicas=1}
   */
  record RedisChoice(int minReplicas, String parameters) {
    static final RedisChoice DEFAULT = new RedisChoice(0, "");

    String applyTo(String uri) {
      if (parameters.isEmpty()) {
        return uri;
      }
      int fragment = uri.indexOf('#');
      return fragment < 0
          ? uri + "?" + parameters
          : uri.substring(0, fragment) + "?" + parameters + uri.substring(fragment);
    }
  }

  private void startAll(
      Programs programs,
      Store store,
      RedisChoice choice,
      int nodeCount,
      List<String> options,
      Random random)
      throws LoadException, IOException, InterruptedException {
    List<String> all = new ArrayList<>(options);
    all.add("--store");
    switch (store) {
      case memory -> all.add("memory");
      case sqlite -> all.add("sqlite:" + folder.resolve("store.db"));
      case redis -> {
        int port = freePort(random);
        all.add("redis://127.0.0.1:" + port);
        redis =
            RedisProcess.server(
                programs.redisServer(), folder.resolve("redis"), port, RedisProcess.DURABLE);
        redis.launch();
        redis.awaitReady();
      }
      case redisSentinel ->
          group = SentinelGroup.start(programs.redisServer(), folder, choice.minReplicas(), random);
      case redisCluster ->
          group = ClusterGroup.start(programs.redisServer(), folder, choice.minReplicas(), random);
    }
    if (group != null) {
      all.add(choice.applyTo(group.uri()));
    }
    all.addAll(List.of("--key-file", folder.resolve("keys").toString()));
    for (int i = 0; i < nodeCount; i++) {
      StandaloneNode node =
          new StandaloneNode(
              programs,
              freePort(random),
              freePort(random),
              all,
              folder.resolve("server-" + i + ".log"));
      nodes.add(node);
      node.launch();
      node.awaitReady(); // the first one makes the keys for the others
    }
  }

  /** Returns a port that is free now, and that only who asks for it by number will get. */
  static int freePort(Random random) throws LoadException {
    for (int attempt = 0; attempt < 1000; attempt++) {
      int port = FIRST_PORT + random.nextInt(LAST_PORT - FIRST_PORT);
      if (isFree(port)) {
        return port;
      }
    }
    throw new LoadException("No port from " + FIRST_PORT + " to " + LAST_PORT + " is free");
  }

  /** Something that may be so in a while. */
  interface Condition {
    boolean holds() throws InterruptedException;
  }

  /**
   * Waits for something for a minute at most.
   *
   * @throws LoadException with {@code otherwise} if it does not happen
   */
  static void await(String otherwise, Condition condition)
      throws LoadException, InterruptedException {
    long end = System.nanoTime() + AWAIT.toNanos();
    while (!condition.holds()) {
      if (System.nanoTime() - end > 0) {
        throw new LoadException(otherwise);
      }
      Thread.sleep(POLL.toMillis());
    }
  }

  private static boolean isFree(int port) {
    try (ServerSocket probe = new ServerSocket()) {
      probe.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** Ends all processes; the folder stays. */
  @Override
  public void close() throws IOException {
    nodes.forEach(StandaloneNode::kill);
    if (redis != null) {
      redis.kill();
    }
    if (group != null) {
      group.close();
    }
  }

  /** Removes data and logs; after closing. */
  void delete() throws IOException {
    delete(folder);
  }

  /** Removes a folder and all in it. */
  static void delete(Path folder) throws IOException {
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException failure)
              throws IOException {
            Files.delete(visited);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
