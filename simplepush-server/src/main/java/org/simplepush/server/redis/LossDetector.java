package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeoutException;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices that a server of Redis has lost what it had confirmed, because it was restarted or a
 * replica took its place, and applies what this node was confirmed again.
 *
 * <p>Each node counts up a number of its own on each server, its {@linkplain Ticks ticks}, and
 * looks at those of all others. A connection that was made anew may lead to another server, or to
 * one that was restarted: what was confirmed since the last tick that is still there is then
 * applied again even if no tick is missing. While this node does that, and until every other node
 * has ticked after that, a step that found something gone fails: another node may be about to
 * restore it.
 *
 * <p>All of it happens where stages complete, on one thread.
 */
final class LossDetector {
  private static final Logger log = LoggerFactory.getLogger(LossDetector.class);

  private static final String KEY = "simplepush:ticks";

  /** Beside the ticks of the nodes. */
  private static final String GENERATION = "generation";

  private static final long TICK_MILLIS = 500;
  private static final long LEAVE_MILLIS = 500;

  /** How many confirmed steps are kept for all servers together. */
  private static final int MAX_ENTRIES = 1 << 18;

  /** How long others are waited for, that have to apply what they were confirmed again. */
  private static final long PATIENCE_NANOS = SECONDS.toNanos(10);

  private static final String RESTORING =
      "Redis may have lost what was confirmed last; it is being restored";

  private enum State {
    /** Nothing is known yet, or the last attempt to restore something failed. */
    UNCERTAIN,
    /** Nothing was lost as far as this node knows. */
    IN_ORDER,
    /** This node applies again what it was confirmed. */
    REPLAYING,
    /** Others may still do so. */
    WAITING
  }

  /** One server of Redis that takes writes. */
  private static final class Server {
    final byte[] key;
    final ReplayLog log;
    final Ticks ticks;

    /** Advances of channels that other nodes may still bring back. */
    final ReplayLog missing = new ReplayLog(MAX_ENTRIES / 4);

    State state = State.UNCERTAIN;

    /** The connection on which it was last found in order; 0 before that. */
    long connection;

    /** Whether something is known to be lost that is not restored yet. */
    boolean lost;

    /** Whether some of that cannot be restored by anybody. */
    boolean lostForGood;

    /** User agents that were made in an earlier one start over. */
    volatile long generation;

    int restored;
    long waitingSince;
    boolean looking;

    /** Answers that wait for a look that has yet to begin. */
    List<CompletableFuture<@Nullable Void>> doubts = new ArrayList<>();

    Server(String key, String node, int maxEntries, long now) {
      this.key = key.getBytes(US_ASCII);
      log = new ReplayLog(maxEntries);
      ticks = new Ticks(node, log, now);
    }
  }

  private final Redis redis;
  private final Supplier<List<byte[]>> leaseAndOffset;
  private final Runnable onDoubt;
  private final IntConsumer onRestored;
  private final String node = Ids.random();
  private final byte[] nodeBytes = node.getBytes(US_ASCII);

  /** By the key of their ticks. */
  private final Map<String, Server> servers = new HashMap<>();

  /** The same by what Redis calls them. */
  private volatile Map<String, Server> byName = Map.of();

  private @Nullable Future<?> ticking;

  /** Set once, by the first server that joins; until then nothing is kept and nothing looked at. */
  private volatile boolean started;

  /**
   * Prepares one.
   *
   * @param leaseAndOffset the first arguments of a script that may make a user agent
   * @param onDoubt called when user agents may have to start over
   * @param onRestored called when something was lost, after this node has restored what it could,
   *     with how many versions, channels and user agents it found missing
   */
  LossDetector(
      Redis redis,
      Supplier<List<byte[]>> leaseAndOffset,
      Runnable onDoubt,
      IntConsumer onRestored) {
    this.redis = redis;
    this.leaseAndOffset = leaseAndOffset;
    this.onDoubt = onDoubt;
    this.onRestored = onRestored;
  }

  /** Begins, unless it has begun. */
  synchronized void start() {
    if (started) {
      return;
    }
    started = true;
    ticking =
        redis
            .resources()
            .eventExecutorGroup()
            .scheduleWithFixedDelay(() -> redis.later(this::tick), 0, TICK_MILLIS, MILLISECONDS);
  }

  /** Ends: the other nodes need not wait for this one. */
  synchronized void stop() {
    if (ticking == null) {
      return;
    }
    ticking.cancel(false);
    CompletableFuture<@Nullable Void> left = new CompletableFuture<>();
    redis.later(
        () -> {
          servers.values().forEach(this::leave);
          left.complete(null);
        });
    try {
      left.get(LEAVE_MILLIS, MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      log.debug("The other nodes were not told that this one leaves", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void leave(Server server) {
    if (server.state == State.IN_ORDER || server.state == State.WAITING) {
      redis
          .run(Script.TICK, server.key, arguments(Ticks.LEFT, server.ticks.written()), reply -> 0)
          .whenComplete(
              (done, failure) -> {
                if (failure != null) {
                  log.debug("The other nodes were not told that this one leaves", failure);
                }
              });
    }
  }

  // What is confirmed

  /** A channel was raised; called where stages complete. */
  void advanced(byte[] key, Uaid uaid, ChannelId channelId, long version) {
    if (started && !redis.isClosed()) {
      Server server = serverOf(key);
      if (server != null) {
        server.log.advanced(uaid.value(), channelId.value(), version);
      }
    }
  }

  /** Something else was done to a user agent; called where stages complete. */
  void changed(Uaid uaid, Change change) {
    if (started && !redis.isClosed()) {
      Server server = serverOf(Ids.key(uaid));
      if (server != null) {
        server.log.changed(uaid.value(), change);
      }
    }
  }

  /**
   * Completes a stage with an answer that says that something is not there, or fails it if that may
   * be because it was lost. Called where stages complete.
   */
  <T> void deny(byte[] key, CompletableFuture<T> result, T answer) {
    Server server = started && !redis.isClosed() ? serverOf(key) : null;
    if (server == null) {
      result.complete(answer);
      return;
    }
    CompletableFuture<@Nullable Void> doubt = new CompletableFuture<>();
    CompletionStage<@Nullable Void> sure = doubt;
    sure.whenComplete(
        (done, failure) -> {
          if (failure == null) {
            result.complete(answer);
          } else {
            result.completeExceptionally(failure);
          }
        });
    server.doubts.add(doubt);
    if (!server.looking) {
      look(server);
    }
  }

  /** Completes when it is certain that nothing of a server is being restored, or fails. */
  CompletionStage<?> certain(byte[] key) {
    CompletableFuture<Boolean> certain = new CompletableFuture<>();
    redis.later(
        () -> {
          try {
            deny(key, certain, true);
          } catch (RuntimeException | Error e) { // else the stage would never complete
            certain.completeExceptionally(Failures.failed(e));
          }
        });
    return certain;
  }

  private @Nullable Server serverOf(byte[] key) {
    Server server = byName.get(redis.serverOf(key));
    if (server == null) {
      findServers();
      server = byName.get(redis.serverOf(key));
    }
    return server;
  }

  private void findServers() {
    Map<String, Server> found = new HashMap<>();
    List<String> keys = redis.keysOnEachServer(KEY);
    for (String key : keys) {
      Server server =
          servers.computeIfAbsent(
              key, same -> new Server(key, node, MAX_ENTRIES / keys.size(), System.nanoTime()));
      found.put(redis.serverOf(server.key), server);
    }
    byName = found;
  }

  /** The generation of the user agents of a server; from any thread. */
  long generation(byte[] key) {
    Server server = started ? byName.get(redis.serverOf(key)) : null;
    return server == null ? 0 : server.generation;
  }

  // Ticks

  private void tick() {
    if (redis.isClosed()) {
      return;
    }
    try {
      findServers();
      for (Server server : byName.values()) {
        if (!server.looking) {
          look(server);
        }
      }
    } catch (RuntimeException | Error e) {
      log.error("Redis could not be looked at; tried again soon", e);
    }
  }

  private byte[][] arguments(String tick, long expected, List<String> outdated) {
    byte[][] arguments = new byte[3 + outdated.size()][];
    arguments[0] = nodeBytes;
    arguments[1] = tick.getBytes(US_ASCII);
    arguments[2] = Ids.number(expected);
    for (int i = 0; i < outdated.size(); i++) {
      arguments[3 + i] = outdated.get(i).getBytes(US_ASCII);
    }
    return arguments;
  }

  private byte[][] arguments(String tick, long expected) {
    return arguments(tick, expected, List.of());
  }

  /** Reads all ticks; adds one of this node, unless something may have to be restored first. */
  private void look(Server server) {
    long connection = redis.connectionOf(server.key);
    server.looking = true;
    List<CompletableFuture<@Nullable Void>> doubts = server.doubts;
    server.doubts = new ArrayList<>();
    if (connection == 0) {
      server.looking = false;
      settle(server, doubts, new StoreException("Redis is not connected"));
      return;
    }
    boolean writes =
        (server.state == State.IN_ORDER || server.state == State.WAITING)
            && connection == server.connection;
    long now = System.nanoTime();
    long tick = writes ? server.ticks.send(now) : 0;
    begin(
            () ->
                redis.run(
                    Script.TICK,
                    server.key,
                    writes
                        ? arguments(
                            Long.toString(tick), server.ticks.written(), server.ticks.outdated(now))
                        : arguments("", 0),
                    LossDetector::ticks))
        .thenAccept(
            found -> {
              server.looking = false;
              judge(server, found, connection, tick);
            })
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                server.looking = false;
              }
              settle(server, doubts, failure);
              if (!server.doubts.isEmpty() && !server.looking) {
                look(server);
              }
            });
  }

  /** What is thrown at once fails the stage too, so that whoever goes on from there hears of it. */
  private static <T> CompletionStage<T> begin(Supplier<CompletionStage<T>> step) {
    return CompletableFuture.<@Nullable Void>completedFuture(null).thenCompose(now -> step.get());
  }

  private static Map<String, String> ticks(List<Object> reply) {
    Map<String, String> ticks = new HashMap<>();
    for (int i = 0; i + 1 < reply.size(); i += 2) {
      ticks.put(Steps.text(reply, i), Steps.text(reply, i + 1));
    }
    return ticks;
  }

  private static void settle(
      Server server, List<CompletableFuture<@Nullable Void>> doubts, @Nullable Throwable failure) {
    for (CompletableFuture<@Nullable Void> doubt : doubts) {
      if (failure != null) {
        doubt.completeExceptionally(Failures.failed(failure));
      } else if (server.state == State.IN_ORDER) {
        doubt.complete(null);
      } else {
        doubt.completeExceptionally(new StoreException(RESTORING));
      }
    }
  }

  /** Draws the conclusions of what was there before the tick. */
  private void judge(Server server, Map<String, String> found, long connection, long tick) {
    long now = System.nanoTime();
    String generation = found.remove(GENERATION);
    learn(server, generation == null ? 0 : Long.parseLong(generation));
    boolean lost = server.ticks.anyLost(found, now);
    boolean moved =
        server.connection != 0
            && (connection != server.connection || connection != redis.connectionOf(server.key));
    server.lost |= lost;
    switch (server.state) {
      case REPLAYING -> {}
      case UNCERTAIN -> {
        if (server.connection == 0) {
          server.ticks.see(found, now);
          inOrder(server, connection, now);
        } else {
          replay(server, found, connection, now);
        }
      }
      case IN_ORDER, WAITING -> {
        if (lost || moved) {
          replay(server, found, connection, now);
          return;
        }
        if (tick > 0) {
          server.ticks.written(tick);
        }
        server.ticks.see(found, now);
        if (server.state == State.IN_ORDER) {
          server.ticks.inOrder(now);
        } else {
          endOfWaiting(server, now);
        }
      }
    }
  }

  /** Another node may have raised the generation, or the store may have lost that it was raised. */
  private void learn(Server server, long generation) {
    boolean first = server.connection == 0;
    if (generation < server.generation) {
      raise(server, server.generation - 1, server.generation);
    } else if (generation > server.generation) {
      server.generation = generation;
      server.lostForGood = false;
      if (!first) {
        onDoubt.run();
      }
    }
  }

  private CompletionStage<@Nullable Void> raise(Server server, long from, long to) {
    return redis
        .run(
            Script.RAISE_GENERATION,
            server.key,
            new byte[][] {Ids.number(from), Ids.number(to)},
            Steps::code)
        .thenAccept(generation -> server.generation = generation);
  }

  private static void inOrder(Server server, long connection, long now) {
    server.state = State.IN_ORDER;
    server.connection = connection;
    server.ticks.inOrder(now);
  }

  // Replay

  private void replay(Server server, Map<String, String> found, long connection, long now) {
    long safe = server.ticks.safeUntil(found);
    server.lostForGood |= server.lost && safe < server.log.start();
    server.ticks.adopt(found, now);
    server.state = State.REPLAYING;
    if (server.lost) {
      log.warn(
          "A server of Redis was restarted or replaced and has lost what it had confirmed last:"
              + " applying it again");
    }
    long end = server.log.end();
    begin(() -> replay(server, server.log, safe, server.missing))
        // Once more with what was done meanwhile: what came before it may have been sent after it.
        .thenCompose(done -> replay(server, server.log, end, server.missing))
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                notRestored(server, failure);
                return;
              }
              server.state = State.WAITING;
              server.connection = connection;
              server.waitingSince = System.nanoTime();
              if (!server.looking) {
                look(server);
              }
            });
  }

  private CompletionStage<@Nullable Void> replay(
      Server server, ReplayLog entries, long from, @Nullable ReplayLog missing) {
    Replay replay =
        new Replay(redis, entries, leaseAndOffset, key -> serverOf(key) == server, missing);
    CompletionStage<@Nullable Void> done = replay.run(from, entries.end());
    return done.whenComplete((all, failure) -> server.restored += replay.restored());
  }

  private void endOfWaiting(Server server, long now) {
    if (!server.ticks.allBack() && now - server.waitingSince < PATIENCE_NANOS) {
      return;
    }
    server.lostForGood |= server.ticks.giveUp();
    server.state = State.REPLAYING;
    begin(() -> replay(server, server.missing, server.missing.start(), null))
        .thenCompose(done -> startOver(server))
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                notRestored(server, failure);
                return;
              }
              restored(server);
            });
  }

  /** Tried again at the next tick. */
  private static void notRestored(Server server, Throwable failure) {
    log.debug("What was lost could not be applied again yet", failure);
    server.state = State.UNCERTAIN;
  }

  private CompletionStage<@Nullable Void> startOver(Server server) {
    if (!server.lostForGood) {
      return CompletableFuture.completedFuture(null);
    }
    log.error(
        "A server of Redis has lost what no node can restore: its user agents start over, each at"
            + " its next hello or when it is compared");
    long before = server.generation;
    return raise(server, before, before + 1).thenRun(() -> server.lostForGood = false);
  }

  private void restored(Server server) {
    server.missing.forgetBefore(Long.MAX_VALUE);
    boolean lost = server.lost || server.restored > 0;
    if (lost) {
      log.warn(
          "A server of Redis had lost what it had confirmed last; {} things were restored",
          server.restored);
    }
    int restored = server.restored;
    server.lost = false;
    server.restored = 0;
    inOrder(server, server.connection, System.nanoTime());
    if (lost) {
      onRestored.accept(restored);
    }
  }
}
