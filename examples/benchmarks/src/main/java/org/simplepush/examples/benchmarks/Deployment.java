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
    redis
  }

  /** Not where the system takes ports from for outgoing connections: a killed server's is free. */
  private static final int FIRST_PORT = 20_000;

  private static final int LAST_PORT = 32_000;

  final Path folder;
  final List<StandaloneNode> nodes = new ArrayList<>();
  @Nullable RedisProcess redis;

  private Deployment(Path folder) {
    this.folder = folder;
  }

  /** Which programs to start. */
  record Programs(Path java, List<String> jvmOptions, Path jar, @Nullable Path redisServer) {
    /**
     * Checks that they are there.
     *
     * @param java null for the one that runs this program
     * @throws LoadException if not
     */
    static Programs of(
        @Nullable Path java, List<String> jvmOptions, Path jar, @Nullable Path redisServer)
        throws LoadException {
      if (!Files.isRegularFile(jar)) {
        throw new LoadException("--server-jar names " + jar + ", which is no file");
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
    Deployment started = new Deployment(Files.createTempDirectory("simplepush-benchmark-"));
    try {
      started.startAll(programs, store, nodeCount, options, random);
      return started;
    } catch (LoadException | InterruptedException e) {
      started.close();
      throw e;
    }
  }

  private void startAll(
      Programs programs, Store store, int nodeCount, List<String> options, Random random)
      throws LoadException, InterruptedException {
    List<String> all = new ArrayList<>(options);
    all.add("--store");
    switch (store) {
      case memory -> all.add("memory");
      case sqlite -> all.add("sqlite:" + folder.resolve("store.db"));
      case redis -> {
        int port = freePort(random);
        all.add("redis://127.0.0.1:" + port);
        redis = new RedisProcess(programs.redisServer(), folder, port);
        redis.launch();
        redis.awaitReady();
      }
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
  public void close() {
    nodes.forEach(StandaloneNode::kill);
    if (redis != null) {
      redis.kill();
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
