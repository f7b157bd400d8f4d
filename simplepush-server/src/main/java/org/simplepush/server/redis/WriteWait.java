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
import org.simplepush.server.redis.RedisVersionStore.Confirmation;

/**
 * Holds answers back until what they confirm is on the disk, or replicas have it. All that was
 * answered while one {@code WAIT} or {@code WAITAOF} is under way shares the next. Redis does
 * nothing else on a connection that waits, so the order of steps stays. Used where stages complete.
 */
final class WriteWait {
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
   * @param connection the one that the step was sent on: Redis waits for what that has written
   */
  private record Held(long connection, CompletableFuture<?> result, Runnable completion) {}

  /**
   * Where everything is that a connection has written.
   *
   * @param local whether on the disk of the server; only said if that was asked
   * @param replicas how many replicas have it; if the disk was asked for, on theirs
   */
  record Written(boolean local, long replicas) {}

  /** What waits for the writes of one server. */
  private static final class Server {
    List<Held> held = new ArrayList<>();
    boolean waiting;
  }

  private final Redis redis;
  private final Confirmation wanted;
  private final long millis;
  private final Map<String, Server> servers = new HashMap<>();

  /**
   * Prepares it.
   *
   * @param wanted what to wait for
   * @param millis how long
   */
  WriteWait(Redis redis, Confirmation wanted, long millis) {
    this.redis = redis;
    this.wanted = wanted;
    this.millis = millis;
  }

  /** Whether an answer of this script is to be held back. */
  static boolean isPromise(Script script) {
    return PROMISES.contains(script);
  }

  /** Completes a stage when what was written before is as safe as wanted, or fails it. */
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
        .ask(key, () -> redis.waitForWrites(key, wanted, millis), written -> written)
        .whenComplete(
            (written, failure) -> {
              settle(held, written, redis.connectionOf(key), failure);
              server.waiting = false;
              if (!server.held.isEmpty()) {
                await(server, key);
              }
            });
  }

  private void settle(
      List<Held> held, @Nullable Written written, long connection, @Nullable Throwable failure) {
    String lacking = written == null ? unknown(failure) : lacking(written);
    for (Held each : held) {
      if (lacking != null) {
        each.result().completeExceptionally(new StoreException(lacking));
      } else if (each.connection() != connection) {
        each.result()
            .completeExceptionally(
                new StoreException("The connection to Redis broke before the step was safe"));
      } else {
        each.completion().run();
      }
    }
  }

  private String unknown(@Nullable Throwable failure) {
    String reason = Failures.reason(failure);
    if (wanted.fsync() && reason.contains("unknown command")) {
      return "Redis has no WAITAOF: ?fsync=1 needs Redis 7.2 or later, or Valkey";
    }
    if (wanted.fsync() && reason.contains("appendonly is disabled")) {
      return "Redis keeps no append-only file: ?fsync=1 needs appendonly yes";
    }
    return "The writes of Redis were not waited for: " + reason;
  }

  private @Nullable String lacking(Written written) {
    if (wanted.fsync() && !written.local()) {
      return "Redis has not written the step to its disk in time";
    }
    return written.replicas() < wanted.replicas()
        ? "Only "
            + written.replicas()
            + " replicas of Redis have the step, not "
            + wanted.replicas()
        : null;
  }
}
