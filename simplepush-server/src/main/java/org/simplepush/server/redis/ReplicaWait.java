package org.simplepush.server.redis;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.StoreException;

/**
 * Holds answers back until so many replicas have what they confirm. All that was answered while one
 * {@code WAIT} is under way shares the next. Redis does nothing else on a connection that waits, so
 * the order of steps stays. Used where stages complete.
 */
final class ReplicaWait {
  /** The scripts whose answers are promises. */
  private static final Set<Script> PROMISES =
      EnumSet.of(
          Script.HELLO,
          Script.GREET,
          Script.SETTLE,
          Script.REGISTER,
          Script.UNREGISTER,
          Script.DROP,
          Script.DROP_BASED,
          Script.ADVANCE,
          Script.REPLACE_KEY_RECORD,
          Script.PROBE);

  /**
   * An answer that waits.
   *
   * @param connection the one that the step was sent on: WAIT speaks of what that has written
   */
  private record Held(long connection, CompletableFuture<?> result, Runnable completion) {}

  /** What waits for the replicas of one server. */
  private static final class Server {
    List<Held> held = new ArrayList<>();
    boolean waiting;
  }

  private final Redis redis;
  private final int replicas;
  private final long millis;
  private final Map<String, Server> servers = new HashMap<>();

  /**
   * Prepares it.
   *
   * @param replicas how many replicas, at least 1
   * @param millis how long to wait for them
   */
  ReplicaWait(Redis redis, int replicas, long millis) {
    this.redis = redis;
    this.replicas = replicas;
    this.millis = millis;
  }

  /** Whether an answer of this script is to be held back. */
  static boolean isPromise(Script script) {
    return PROMISES.contains(script);
  }

  /** Completes a stage when the replicas have what was written before, or fails it. */
  void hold(byte[] key, long connection, CompletableFuture<?> result, Runnable completion) {
    Server server = servers.computeIfAbsent(redis.serverOf(key), name -> new Server());
    server.held.add(new Held(connection, result, completion));
    if (!server.waiting) {
      await(server, key);
    }
  }

  private void await(Server server, byte[] key) {
    List<Held> held = server.held;
    server.held = new ArrayList<>();
    server.waiting = true;
    redis
        .ask(key, () -> redis.waitForReplicas(key, replicas, millis), count -> count)
        .whenComplete(
            (count, failure) -> {
              settle(held, count, redis.connectionOf(key), failure);
              server.waiting = false;
              if (!server.held.isEmpty()) {
                await(server, key);
              }
            });
  }

  private void settle(
      List<Held> held, @Nullable Long count, long connection, @Nullable Throwable failure) {
    for (Held each : held) {
      if (failure != null || count == null) {
        each.result()
            .completeExceptionally(
                new StoreException("Replicas were not waited for: " + Failures.reason(failure)));
      } else if (each.connection() != connection) {
        each.result()
            .completeExceptionally(
                new StoreException("The connection to Redis broke before replicas had the step"));
      } else if (count < replicas) {
        each.result()
            .completeExceptionally(
                new StoreException(
                    "Only " + count + " replicas of Redis have the step, not " + replicas));
      } else {
        each.completion().run();
      }
    }
  }
}
