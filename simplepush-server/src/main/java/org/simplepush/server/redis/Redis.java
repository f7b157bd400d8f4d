package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.RedisConnectionStateAdapter;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.ScanCursor;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import io.lettuce.core.resource.ClientResources;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.StoreException;
import org.simplepush.core.internal.DaemonThreads;
import org.simplepush.server.redis.RedisVersionStore.Confirmation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The connections to Redis, and the thread that answers. Whatever is asked is sent once or not at
 * all, in the order of asking; while a connection is lost everything fails at once. Connections are
 * made anew by themselves, and given up if an answer is not there in time, for then the peer may be
 * gone.
 */
abstract class Redis {
  private static final Logger log = LoggerFactory.getLogger(Redis.class);

  private static final String PROBE_KEY = "simplepush:probe";

  /** The keys of user agents: 32 characters after the prefix. */
  private static final ScanArgs USER_AGENTS =
      ScanArgs.Builder.matches("simplepush:" + "?".repeat(32)).limit(500);

  private final RedisAddress address;
  private final ClientResources resources;

  /**
   * Where stages complete. Never on the threads of the connections: what is asked there would be
   * written at once, before what another thread has asked for and left in the queue.
   */
  private final ExecutorService answers =
      Executors.newSingleThreadExecutor(DaemonThreads.named("simplepush-store-redis-answers"));

  private final AtomicInteger underWay = new AtomicInteger();
  private final CompletableFuture<@Nullable Void> allDone = new CompletableFuture<>();
  private final AtomicBoolean loading = new AtomicBoolean();
  private volatile Runnable onConnectedAnew = () -> {};
  private volatile boolean closed;

  /** Null if answers are not held back until what they confirm is safe. */
  private final @Nullable WriteWait writeWait;

  Redis(RedisAddress address, ClientResources resources) {
    this.address = address;
    this.resources = resources;
    Confirmation wanted = address.confirmation();
    long wait = address.timeout().toMillis() / 2;
    // Redis may sync once a second only.
    this.writeWait =
        wanted.equals(Confirmation.IN_MEMORY)
            ? null
            : new WriteWait(this, wanted, wanted.fsync() ? wait : Math.min(1_000, wait));
  }

  /** Where to send commands, on whatever connection is the right one. */
  abstract RedisClusterAsyncCommands<byte[], byte[]> commands();

  /**
   * Opens a connection that is only listened on. Where several servers tell the same, it is one
   * that the last such connection was not to, for that one may hang.
   */
  abstract CompletionStage<StatefulRedisPubSubConnection<String, String>> connectPubSub();

  /** Ends the connection that serves a key, if it was made before that time; it is made anew. */
  abstract void replaceConnection(byte[] key, long before);

  /**
   * Completes when commands are taken. Connecting may end before that where credentials are looked
   * up on another thread, and what is asked in between is refused. Only a command finds out: {@code
   * isOpen} is true from the beginning.
   */
  static CompletionStage<@Nullable Void> ready(StatefulRedisConnection<?, ?> connection) {
    CompletableFuture<@Nullable Void> ready = new CompletableFuture<>();
    RedisConnectionStateListener listener =
        new RedisConnectionStateAdapter() {
          @Override
          public void onRedisConnected(RedisChannelHandler<?, ?> handler, SocketAddress address) {
            ready.complete(null);
          }
        };
    connection.addListener(listener); // first: it may be connected as soon as it has refused
    connection
        .async()
        .ping()
        .whenComplete(
            (pong, failure) -> {
              if (failure == null || failure instanceof RedisCommandExecutionException) {
                ready.complete(null); // also if this user may not ping: it was sent and answered
              } else if (failure instanceof RedisCommandTimeoutException) {
                ready.completeExceptionally(failure);
              }
            });
    return ready.whenComplete((done, failure) -> connection.removeListener(listener));
  }

  /** A key with this prefix on each server that takes writes. */
  abstract List<String> keysOnEachServer(String prefix);

  /** A name of the server that serves a key; empty if there is none, or no other. */
  abstract String serverOf(byte[] key);

  /**
   * Waits until what was written on the connection that serves a key is as safe as wanted, or for
   * so long.
   */
  final CompletionStage<WriteWait.Written> waitForWrites(
      byte[] key, Confirmation wanted, long millis) {
    return connectionFor(key)
        .thenCompose(
            connection ->
                wanted.fsync()
                    ? WaitAof.send(connection.async(), wanted.replicas(), millis)
                    : connection
                        .async()
                        .waitForReplication(wanted.replicas(), millis)
                        .thenApply(replicas -> new WriteWait.Written(false, replicas)));
  }

  /** The connection that serves a key. */
  abstract CompletionStage<StatefulRedisConnection<byte[], byte[]>> connectionFor(byte[] key);

  /** A number of the connection that serves a key, which no other has; 0 if there is none now. */
  abstract long connectionOf(byte[] key);

  /** A server said that it is the wrong one to ask. */
  abstract void lookAgain();

  /** A server did not answer, or is not connected: another one may have taken its place. */
  void unreachable() {}

  /**
   * Has a task run, on a thread that must not be blocked, whenever steps may have begun to meet
   * another server, or one that was restarted: it may lack what was confirmed last.
   */
  final void onConnectedAnew(Runnable task) {
    onConnectedAnew = task;
  }

  /** A connection for steps was made anew, or others have the slots of a cluster now. */
  final void connectedAnew() {
    onConnectedAnew.run();
  }

  /**
   * Called now and then, to connect to where it is needed before it is, and to replace connections
   * that have gone silent though nobody ended them.
   */
  abstract void keepConnected();

  abstract void closeClient();

  /**
   * Asks for something.
   *
   * @param key by which the server is chosen; null if that is not for us to say
   */
  final <R, T> CompletionStage<T> ask(
      byte @Nullable [] key, Supplier<CompletionStage<R>> command, Function<R, T> reading) {
    return ask(key, command, reading, CompletableFuture::complete);
  }

  /** Completes a stage with an answer, now or once something else is known. */
  interface Completion<T> {
    void complete(CompletableFuture<T> result, T answer);
  }

  private <R, T> CompletionStage<T> ask(
      byte @Nullable [] key,
      Supplier<CompletionStage<R>> command,
      Function<R, T> reading,
      Completion<T> completion) {
    CompletableFuture<T> result = new CompletableFuture<>();
    underWay.incrementAndGet();
    if (closed) {
      fail(result, new StoreException("The store was closed"));
      return result;
    }
    long asked = System.nanoTime();
    CompletionStage<R> reply;
    try {
      reply = command.get();
    } catch (RuntimeException | Error e) {
      fail(result, failed(key, asked, e));
      return result;
    }
    reply.whenComplete(
        (answer, failure) ->
            later(() -> settle(result, key, asked, answer, failure, reading, completion)));
    return result;
  }

  private <R, T> void settle(
      CompletableFuture<T> result,
      byte @Nullable [] key,
      long asked,
      R answer,
      @Nullable Throwable failure,
      Function<R, T> reading,
      Completion<T> completion) {
    if (failure != null) {
      fail(result, failed(key, asked, failure));
      return;
    }
    try {
      completion.complete(result, reading.apply(answer));
    } catch (RuntimeException | Error e) { // else the stage would never complete
      fail(result, new StoreException("Redis holds what this store did not write", e));
      return;
    }
    answered();
  }

  private void fail(CompletableFuture<?> result, StoreException failure) {
    result.completeExceptionally(failure);
    answered();
  }

  private void answered() {
    if (underWay.decrementAndGet() == 0 && closed) {
      allDone.complete(null);
    }
  }

  /** Does what a failure calls for, and says what happened. */
  private StoreException failed(byte @Nullable [] key, long asked, Throwable failure) {
    Throwable cause =
        failure instanceof CompletionException && failure.getCause() != null
            ? failure.getCause()
            : failure;
    if (closed) {
      return new StoreException("The store was closed", cause);
    }
    if (cause instanceof RedisCommandTimeoutException) {
      if (key != null) {
        replaceConnection(key, asked);
      }
      unreachable();
      return new StoreException(
          "Redis did not answer within " + address.timeout().toMillis() + " ms", cause);
    }
    if (cause instanceof RedisCommandExecutionException) {
      String said = String.valueOf(cause.getMessage());
      if (said.startsWith("NOSCRIPT")) {
        loadScripts();
        return new StoreException("Redis had forgotten the scripts; they are loaded again", cause);
      }
      if (said.matches("(MOVED|ASK|CLUSTERDOWN|READONLY)\\b.*")) {
        lookAgain();
      }
      return new StoreException(Failures.refusal("Redis", said), cause);
    }
    unreachable();
    return new StoreException("Redis is not connected: " + Failures.reason(cause), cause);
  }

  /** Has each server that takes writes know a script. */
  CompletionStage<String> load(Script script) {
    return commands().scriptLoad(script.text());
  }

  private void loadScripts() {
    if (loading.compareAndSet(false, true)) {
      CompletionStage<String> loads = CompletableFuture.completedStage("");
      for (Script script : Script.values()) {
        loads = loads.thenCombine(load(script), (all, digest) -> digest);
      }
      loads.whenComplete(
          (done, failure) -> {
            loading.set(false);
            if (failure != null) {
              log.warn("Redis does not take the scripts: {}", Failures.reason(failure));
            }
          });
    }
  }

  /** Runs a script on a key; it answers with a list. */
  final <T> CompletionStage<T> run(
      Script script, byte[] key, byte[][] arguments, Function<List<Object>, T> reading) {
    return run(script, key, arguments, reading, CompletableFuture::complete);
  }

  /**
   * The same, completing the stage in a way of its own.
   *
   * @param completion called where stages complete
   */
  final <T> CompletionStage<T> run(
      Script script,
      byte[] key,
      byte[][] arguments,
      Function<List<Object>, T> reading,
      Completion<T> completion) {
    WriteWait waiting = writeWait;
    if (waiting == null || !WriteWait.isPromise(script)) {
      return send(script, key, arguments, reading, completion);
    }
    long connection = connectionOf(key);
    return send(
        script,
        key,
        arguments,
        reading,
        (result, answer) ->
            waiting.hold(key, connection, result, () -> completion.complete(result, answer)));
  }

  private <T> CompletionStage<T> send(
      Script script,
      byte[] key,
      byte[][] arguments,
      Function<List<Object>, T> reading,
      Completion<T> completion) {
    return ask(
        key,
        () ->
            commands()
                .<List<Object>>evalsha(
                    script.digest(), ScriptOutputType.MULTI, new byte[][] {key}, arguments),
        reading,
        completion);
  }

  /** Publishes a hint to a channel, on which nobody may listen. Any server that works will do. */
  final CompletionStage<@Nullable Void> publish(String channel, String hint) {
    return ask(
        null,
        () -> publish(channel.getBytes(US_ASCII), hint.getBytes(US_ASCII)),
        receivers -> null);
  }

  abstract CompletionStage<Long> publish(byte[] channel, byte[] hint);

  /**
   * Has each server that holds data do all that the steps have it do, as the same user: one that
   * only takes connections, or only some commands, is none to rely on.
   */
  final CompletionStage<@Nullable Void> probe() {
    List<CompletableFuture<?>> probes = new ArrayList<>();
    probes.add(ask(null, () -> load(Script.PROBE), digest -> digest).toCompletableFuture());
    ScanArgs little = ScanArgs.Builder.limit(1);
    probes.add(
        ask(null, () -> commands().scan(ScanCursor.INITIAL, little), page -> page)
            .toCompletableFuture());
    for (String key : keysOnEachServer(PROBE_KEY)) {
      probes.add(
          run(Script.PROBE, key.getBytes(US_ASCII), new byte[0][], Redis::probed)
              .thenAccept(Redis::refuse)
              .toCompletableFuture());
    }
    return CompletableFuture.allOf(probes.toArray(CompletableFuture[]::new));
  }

  private static List<String> probed(List<Object> reply) {
    return reply.stream().map(command -> new String((byte[]) command, US_ASCII)).toList();
  }

  private static void refuse(List<String> commands) {
    if (!commands.isEmpty()) {
      throw new StoreException(
          "Redis lets its user not run, in scripts: " + String.join(", ", commands));
    }
  }

  /** Says so if Redis would throw away user agents to have room; if it tells. */
  final void warnOfEviction() {
    ask(null, () -> commands().configGet("maxmemory*"), settings -> settings)
        .whenComplete(
            (settings, failure) -> {
              if (failure != null) {
                log.debug("Redis does not show its settings", failure);
              } else if (!"0".equals(settings.get("maxmemory"))
                  && !"noeviction".equals(settings.get("maxmemory-policy"))) {
                log.warn(
                    "Redis at {} has maxmemory-policy {}: when its memory is full it forgets user"
                        + " agents, which then start over; set it to noeviction",
                    address,
                    settings.get("maxmemory-policy"));
              }
            });
  }

  /**
   * Some user agents.
   *
   * @param next where the others are
   * @param keys perhaps none, and more than once
   */
  record UserAgents(ScanCursor next, List<byte[]> keys) {
    /** The end. */
    static final UserAgents NONE = new UserAgents(ScanCursor.FINISHED, List.of());
  }

  /** Returns about 500 user agents, or fewer; all of them come in the pages up to the last. */
  final CompletionStage<UserAgents> userAgents(ScanCursor cursor) {
    return this.<Object, UserAgents>ask(null, () -> scan(cursor), page -> (UserAgents) page);
  }

  /** Whether something is so for any user agent; its key may be there without it. */
  final CompletionStage<Boolean> anyUserAgent(Function<byte[], CompletionStage<Boolean>> question) {
    return anyFrom(ScanCursor.INITIAL, question);
  }

  private CompletionStage<Boolean> anyFrom(
      ScanCursor cursor, Function<byte[], CompletionStage<Boolean>> question) {
    return userAgents(cursor)
        .thenCompose(
            page -> {
              CompletionStage<Boolean> any = CompletableFuture.completedStage(false);
              for (byte[] key : page.keys()) {
                any = any.thenCombine(question.apply(key), Boolean::logicalOr);
              }
              return page.next().isFinished()
                  ? any
                  : any.thenCompose(
                      found ->
                          found
                              ? CompletableFuture.completedStage(true)
                              : anyFrom(page.next(), question));
            });
  }

  private CompletionStage<Object> scan(ScanCursor cursor) {
    return commands()
        .scan(cursor, USER_AGENTS)
        .thenApply(found -> new UserAgents(found, found.getKeys()));
  }

  /** Does something on the thread where stages complete, after those that came before. */
  final void later(Runnable task) {
    try {
      answers.execute(task);
    } catch (RejectedExecutionException e) {
      task.run(); // closed: nothing is asked any more, but who asked before is answered
    }
  }

  /** The same after some milliseconds. */
  final void later(long millis, Runnable task) {
    CompletableFuture.delayedExecutor(millis, MILLISECONDS, this::later).execute(task);
  }

  /** Waits, but not for ever. */
  final <T> T await(CompletionStage<T> stage) {
    try {
      return stage.toCompletableFuture().get(address.timeout().toMillis() + 1_000, MILLISECONDS);
    } catch (ExecutionException e) {
      throw Failures.failed(e);
    } catch (TimeoutException e) {
      throw new StoreException("Redis did not answer in time", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException("Interrupted while waiting for Redis", e);
    }
  }

  final boolean isClosed() {
    return closed;
  }

  final ClientResources resources() {
    return resources;
  }

  /** Refuses what is asked from now on, waits for the rest to be answered, disconnects. */
  final void close() {
    synchronized (allDone) {
      if (closed) {
        return;
      }
      closed = true;
    }
    boolean interrupted = false;
    if (underWay.get() > 0) {
      try {
        allDone.get(address.timeout().toMillis() + 1_000, MILLISECONDS);
      } catch (TimeoutException | ExecutionException e) {
        log.warn("Steps under way are broken off: Redis did not answer in time");
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    interrupted |= Thread.interrupted(); // Lettuce would give up half-way
    try {
      closeClient();
    } finally {
      RedisConnector.shutDown(resources);
      answers.shutdown();
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
