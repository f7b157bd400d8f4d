package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;
import static java.util.concurrent.TimeUnit.MILLISECONDS;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScanCursor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.DurableVersionStore;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.internal.Checks;
import org.simplepush.core.internal.StoreArguments;
import org.simplepush.server.internal.OptionalDependency;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A store in Redis or Valkey, for servers that share one, or that must not keep state on their own
 * disk.
 *
 * <p><strong>Promise.</strong> When a stage completes, its step is in the memory of Redis, whole.
 * Whether it outlives a crash of Redis or of its machine is for Redis' own settings to say: {@code
 * appendonly yes} with {@code appendfsync always} for every confirmed step, {@code everysec} for
 * all but the last second or two. Redis answers before its replicas do: a failover may lose what
 * was confirmed last. A {@link Confirmation} can wait for the disk and for replicas. Redis must
 * have {@code maxmemory-policy noeviction}.
 *
 * <p><strong>What Redis lost</strong> the nodes notice and restore. Once a server has joined, the
 * store keeps what it was confirmed in the last half minute, at most 262,144 steps, and applies it
 * again when Redis was restarted or a replica has taken its place. Until every node that was there
 * has done so, which takes seconds, steps that find nothing fail. If the loss goes further back, or
 * a node that had confirmed some of it is gone too, the user agents of that server of Redis are
 * unknown at their next hello or comparison, and start over. Not noticed is what a node confirmed
 * in the half second before it died together with Redis, and a loss while no node ran.
 *
 * <p>A step is sent once. If the connection breaks before the answer is there, the stage fails, and
 * so does every step until Redis is back, at once; nothing is queued and nothing sent twice. If an
 * answer takes longer than three seconds, or what {@code ?timeout=} in the URI says, the stage
 * fails and the connection is made anew. In a cluster, steps fail for user agents that are being
 * moved to another server.
 *
 * <p>Time is that of Redis: those of the nodes need not be the same. If a clock jumps, {@link
 * #expire} notices and drops nobody. Redis itself forgets a user agent only a month later than
 * {@code expire} drops it, in case no server runs.
 *
 * <p>Stages complete, and listeners are told, on one thread of the store. Do not block it: other
 * answers would wait.
 *
 * <p>Needs {@code io.lettuce:lettuce-core} 6.6 or later, an optional dependency of this module, and
 * Redis 6.2 or later, or Valkey. On the module path, your module requires {@code lettuce.core},
 * {@code io.netty.handler} and {@code io.netty.resolver.dns}, or the JVM is told to {@code
 * --add-modules} these: Lettuce is no real module and so names none that it needs. Safe for use by
 * many threads; keep one for the life of the server and close it after that.
 *
 * @since 0.1
 */
@SuppressWarnings("exports") // who hands in a client of Lettuce's has that module
public final class RedisVersionStore implements SharedVersionStore, DurableVersionStore {
  private static final OptionalDependency LETTUCE =
      new OptionalDependency(
          "RedisVersionStore",
          "Lettuce 6.6 or later",
          "io.lettuce:lettuce-core with what that depends on",
          "lettuce.version");

  private static final Logger log = LoggerFactory.getLogger(RedisVersionStore.class);

  private final Redis redis;
  private final Bus bus;
  private final Steps steps;
  private final Sweep sweep;
  private final Future<?> checks;

  /**
   * When a step is confirmed.
   *
   * @param replicas how many replicas, of each server that has any data, must have it, so that a
   *     failover to one of these loses nothing; 0 for none. The user of Redis must be allowed
   *     {@code WAIT}
   * @param fsync whether it must be on the disk of the server, and of so many replicas, so that a
   *     crash of their machines loses nothing. Needs {@code appendonly yes}, Redis 7.2 or later or
   *     Valkey, and a user who may {@code WAITAOF}. Unless Redis has {@code appendfsync always}, a
   *     step takes up to two seconds then
   */
  public record Confirmation(int replicas, boolean fsync) {
    /** When Redis has it in its memory. */
    public static final Confirmation IN_MEMORY = new Confirmation(0, false);

    /**
     * Makes one.
     *
     * @throws IllegalArgumentException if {@code replicas} is negative
     */
    public Confirmation {
      if (replicas < 0) {
        throw new IllegalArgumentException("Replicas are 0 or more, but were " + replicas);
      }
    }
  }

  /**
   * What only tests choose.
   *
   * @param checkInterval how often the bus is checked
   * @param offset milliseconds to be added to the time of Redis
   */
  record Settings(Duration checkInterval, LongSupplier offset) {
    static final Settings DEFAULT = new Settings(Duration.ofSeconds(2), () -> 0);
  }

  private RedisVersionStore(Redis redis, Settings settings) {
    this.redis = redis;
    this.bus = new Bus(redis);
    this.steps = new Steps(redis, settings.offset(), bus);
    this.sweep = new Sweep(redis, settings.offset());
    redis.onConnectedAnew(bus::lost);
    long interval = settings.checkInterval().toMillis();
    this.checks =
        redis
            .resources()
            .eventExecutorGroup()
            .scheduleWithFixedDelay(this::upkeep, interval, interval, MILLISECONDS);
  }

  /**
   * Connects to Redis. Whether it is a cluster is found out by asking. Redis is asked to do all
   * that the store will need, so that a user with too few permissions is noticed here.
   *
   * @param uri {@code redis://[[user:]password@]host[:port][/database]}, {@code rediss://…} for
   *     TLS, {@code redis-sentinel://host[:port],host…[/database]#master}, {@code
   *     redis://host:port,host:port…} for several servers of a cluster; {@code ?timeout=500ms} is
   *     how long to wait for an answer, and for a connection; {@code ?sentinelPassword=} and {@code
   *     &sentinelUser=} are for Sentinels that want those, while user and password before the
   *     {@code @} are for the servers that Sentinels name; {@code ?replicas=1} confirms a step only
   *     when so many replicas have it, {@code ?fsync=1} when it is on the disk, see {@link
   *     Confirmation}. What is special in a URI is written {@code %40}
   * @return the store
   * @throws IllegalArgumentException if {@code uri} is not written so; says nothing of what it
   *     holds
   * @throws StoreException if Redis cannot be reached or used, or if Lettuce is missing or too old,
   *     with a sentence that says why
   */
  public static RedisVersionStore open(String uri) {
    return open(uri, Settings.DEFAULT);
  }

  /**
   * Connects to one Redis server, or to the one that Sentinels name, with an address made by code.
   * The same as {@link #open(List, ClientOptions)} with the default options.
   *
   * @param uri the address
   * @return the store
   * @throws IllegalArgumentException if {@code uri} has no host
   * @throws StoreException as of {@link #open(String)}
   */
  public static RedisVersionStore open(RedisURI uri) {
    return open(List.of(uri), ClientOptions.create());
  }

  /**
   * Connects to Redis with settings of your own: certificates for TLS ({@link
   * io.lettuce.core.SslOptions}), credentials that change ({@link
   * io.lettuce.core.RedisCredentialsProvider}, which is asked for each new connection), Sentinels
   * that have passwords of their own.
   *
   * <p>The store makes clients, connections and threads of its own, and ends them when it is
   * closed. It copies the addresses. Whatever they and the options refer to stays yours, and must
   * work until the store is closed. Of the options it overrules what its promise rests on:
   * reconnecting, refusing commands while disconnected, timeouts, maintenance notifications, and in
   * a cluster the redirects and how its topology is learnt.
   *
   * @param uris the address; several for several servers of a cluster. The first one's timeout is
   *     that of all commands and connections; Lettuce's default of 60 s stands for 3 s here
   * @param options what you want of connections
   * @return the store
   * @throws IllegalArgumentException if there is no address, or one without a host
   * @throws StoreException as of {@link #open(String)}
   */
  public static RedisVersionStore open(List<RedisURI> uris, ClientOptions options) {
    return open(uris, options, Confirmation.IN_MEMORY);
  }

  /**
   * The same, saying when a step is confirmed. Redis is asked to wait once for all steps that were
   * answered since it was last asked. If that takes longer than a second, or for the disk than half
   * the timeout, the stages fail, and so does {@link #check}.
   *
   * @param uris as of {@link #open(List, ClientOptions)}
   * @param options as of {@link #open(List, ClientOptions)}
   * @param confirmation when a step is confirmed
   * @return the store
   * @throws IllegalArgumentException as of {@link #open(List, ClientOptions)}
   * @throws StoreException also if there are not so many replicas now, or if Redis cannot wait for
   *     its disk
   */
  public static RedisVersionStore open(
      List<RedisURI> uris, ClientOptions options, Confirmation confirmation) {
    return connect(
        () -> RedisConnector.connect(RedisAddress.of(uris, confirmation), options),
        Settings.DEFAULT);
  }

  static RedisVersionStore open(String uri, Settings settings) {
    return connect(
        () -> RedisConnector.connect(RedisAddress.parse(uri), ClientOptions.create()), settings);
  }

  private static RedisVersionStore connect(Supplier<Redis> connecting, Settings settings) {
    try {
      return new RedisVersionStore(connecting.get(), settings);
    } catch (LinkageError e) {
      throw new StoreException(
          LETTUCE.sentence(e)
              + "; on the module path say --add-modules"
              + " lettuce.core,io.netty.handler,io.netty.resolver.dns",
          e);
    }
  }

  private void upkeep() {
    try {
      bus.check();
      redis.keepConnected();
    } catch (RuntimeException | Error e) { // else this would have been the last time
      log.error("The connections to Redis could not be looked after; tried again soon", e);
    }
  }

  @Override
  public CompletionStage<Resumption> hello(Uaid uaid, @Nullable List<ChannelId> channelIds) {
    List<byte[]> arguments = new ArrayList<>(List.of(steps.lease(), steps.offset()));
    Steps.addList(arguments, channelIds);
    return steps.run(
        Script.HELLO,
        Ids.key(uaid),
        arguments.toArray(byte[][]::new),
        reply ->
            switch ((int) Steps.code(reply)) {
              case 0 -> new Unknown();
              case 1 -> steps.resumed(uaid, channelIds, Steps.updates(reply));
              default -> new Resumption.Diverged();
            },
        found -> !(found instanceof Resumption.Resumed));
  }

  @Override
  public CompletionStage<Registration> register(Uaid uaid, ChannelId channelId, int maxChannels) {
    return steps.register(
        uaid,
        channelId,
        maxChannels,
        Steps.NOTHING,
        reply -> {
          Registration how = Steps.registration(reply);
          if (how instanceof Registration.Registered) {
            steps.losses.changed(uaid, new Change.Registered(channelId, ""));
          }
          return how;
        },
        Unknown.class::isInstance);
  }

  @Override
  public CompletionStage<Void> unregister(Uaid uaid, ChannelId channelId) {
    return steps.unregister(
        uaid,
        channelId,
        Steps.NOTHING,
        reply -> {
          steps.losses.changed(uaid, new Change.Unregistered(channelId, ""));
          return null;
        });
  }

  @Override
  public CompletionStage<Void> drop(Uaid uaid) {
    return redis.run(
        Script.DROP,
        Ids.key(uaid),
        Steps.arguments(),
        reply -> {
          steps.losses.changed(uaid, new Change.Dropped());
          return null;
        });
  }

  @Override
  public CompletionStage<Advance> advance(Uaid uaid, ChannelId channelId, long version) {
    return advance(uaid, channelId, version, Steps.NO);
  }

  @Override
  public CompletionStage<Advance> advanceToNext(Uaid uaid, ChannelId channelId, long atLeast) {
    return advance(uaid, channelId, atLeast, Steps.YES);
  }

  private CompletionStage<Advance> advance(
      Uaid uaid, ChannelId channelId, long version, byte[] orNext) {
    StoreArguments.version(version);
    byte[] id = Ids.bytes(channelId);
    byte[] key = Ids.key(uaid);
    return steps.run(
        Script.ADVANCE,
        key,
        Steps.arguments(id, Ids.number(version), Ids.usual(channelId).getBytes(US_ASCII), orNext),
        reply ->
            switch ((int) Steps.code(reply)) {
              case 0 -> new Unknown();
              case 1, 2 -> {
                // Confirmed as well: whoever raised it before may never have heard of it.
                steps.losses.advanced(key, uaid, channelId, version);
                yield Steps.code(reply) == 1 ? new Advance.Repeated() : new Advance.Stale();
              }
              default -> {
                long reached = Ids.number((byte[]) reply.get(1));
                steps.losses.advanced(key, uaid, channelId, reached);
                yield new Advance.Advanced(
                    new Update(Ids.channelId(id, (byte[]) reply.get(2)), reached),
                    Steps.code(reply) == 4);
              }
            },
        Unknown.class::isInstance);
  }

  @Override
  public CompletionStage<List<Update>> acknowledge(Uaid uaid, List<Update> updates) {
    List<byte[]> arguments = new ArrayList<>();
    arguments.add(steps.lease());
    arguments.add(steps.offset());
    for (Update update : updates) {
      arguments.add(Ids.bytes(update.channelId()));
      arguments.add(Ids.number(update.version()));
    }
    return redis.run(
        Script.ACKNOWLEDGE, Ids.key(uaid), arguments.toArray(byte[][]::new), Steps::updates);
  }

  @Override
  public CompletionStage<Pending> pending(Uaid uaid) {
    return steps.run(
        Script.PENDING,
        Ids.key(uaid),
        Steps.arguments(steps.lease(), steps.offset()),
        reply -> Steps.code(reply) == 0 ? new Unknown() : new Pending.Known(Steps.updates(reply)),
        Unknown.class::isInstance);
  }

  /**
   * {@inheritDoc}
   *
   * <p>Looks at every user agent, one after another; it may fail half-way, and finishes when called
   * again. If a server has joined, and unless the time is zero, it does so gently: 2,500 user
   * agents in a second at most, and one of the nodes at a time; on the others, and for five minutes
   * after one has finished, the call completes with 0. It drops those without a channel after an
   * hour by the way. It drops nobody, and says so in the log, from when the clock of Redis and that
   * of this machine disagree by a minute more or less than before, until they agree as before or
   * that has lasted for {@code notSeenFor}. So call it every ten minutes or so.
   */
  @Override
  public CompletionStage<Integer> expire(Duration notSeenFor) {
    long millis = StoreArguments.millisNotSeen(notSeenFor);
    return steps.lease > 0 && millis > 0
        ? sweep.run(millis, Math.min(millis, Steps.EMPTY_LEASE))
        : dropAll(millis, Long.MAX_VALUE);
  }

  /**
   * {@inheritDoc}
   *
   * <p>Does nothing and completes with 0 if a server has joined and the time is an hour or longer:
   * then {@link #expire} drops user agents without a channel, too.
   */
  @Override
  public CompletionStage<Integer> expireEmpty(Duration notSeenFor) {
    long millis = StoreArguments.millisNotSeen(notSeenFor);
    if (steps.lease > 0 && millis >= steps.emptyLease()) {
      return redis.isClosed()
          ? CompletableFuture.failedStage(new StoreException("The store was closed"))
          : CompletableFuture.completedStage(0);
    }
    return dropAll(Long.MAX_VALUE, millis);
  }

  private CompletionStage<Integer> dropAll(long notSeenFor, long emptyNotSeenFor) {
    return dropFrom(ScanCursor.INITIAL, notSeenFor, emptyNotSeenFor, 0);
  }

  private CompletionStage<Integer> dropFrom(
      ScanCursor cursor, long notSeenFor, long emptyNotSeenFor, int before) {
    return redis
        .userAgents(cursor)
        .thenCompose(
            page -> {
              CompletionStage<Integer> dropped =
                  sweep.drop(page, notSeenFor, emptyNotSeenFor).thenApply(more -> before + more);
              return page.next().isFinished()
                  ? dropped
                  : dropped.thenCompose(
                      sum -> dropFrom(page.next(), notSeenFor, emptyNotSeenFor, sum));
            });
  }

  @Override
  public CompletionStage<Optional<String>> keyRecord() {
    return redis.run(
        Script.KEY_RECORD,
        Ids.keyRecord(),
        Steps.arguments(),
        reply ->
            Optional.ofNullable((byte[]) reply.get(0)).map(record -> new String(record, UTF_8)));
  }

  @Override
  public CompletionStage<Boolean> replaceKeyRecord(@Nullable String expected, String replacement) {
    StoreArguments.keyRecord(replacement);
    return redis.run(
        Script.REPLACE_KEY_RECORD,
        Ids.keyRecord(),
        Steps.arguments(
            expected == null ? new byte[0] : expected.getBytes(UTF_8), replacement.getBytes(UTF_8)),
        reply -> Steps.code(reply) == 1);
  }

  @Override
  public CompletionStage<Boolean> hasUserAgents() {
    return redis.anyUserAgent(
        key ->
            redis.run(
                Script.IS_USER_AGENT, key, Steps.arguments(), reply -> Steps.code(reply) == 1));
  }

  /**
   * {@inheritDoc} Has Redis do what the steps need, as the same user, in a cluster on each of its
   * masters; and if a server has joined, finds out whether hints come to it.
   */
  @Override
  public CompletionStage<Void> check() {
    return named("Redis cannot be used", redis.probe())
        .thenCompose(done -> named("Hints of the nodes do not come through", bus.listens()));
  }

  private static CompletionStage<Void> named(String trouble, CompletionStage<Void> check) {
    CompletableFuture<Void> result = new CompletableFuture<>();
    check.whenComplete(
        (done, failure) -> {
          if (failure == null) {
            result.complete(null);
          } else {
            result.completeExceptionally(
                new StoreException(trouble + ": " + Failures.reason(failure), failure));
          }
        });
    return result;
  }

  @Override
  public Node join(Duration notSeenFor, Listener listener) {
    if (notSeenFor.isNegative() || notSeenFor.isZero()) {
      throw new IllegalArgumentException(
          "notSeenFor must be more than zero, but was " + notSeenFor);
    }
    String name = Ids.random();
    bus.join(name, listener);
    steps.losses.start();
    steps.lease =
        Math.max(
            steps.lease,
            Math.min(StoreArguments.millisNotSeen(notSeenFor), Checks.HUNDRED_YEARS.toMillis()));
    return new RedisNode(steps, bus, name);
  }

  /**
   * Refuses further steps, waits until those under way are answered or given up, and disconnects.
   * What was confirmed stays in Redis.
   */
  @Override
  public void close() {
    checks.cancel(false);
    steps.losses.stop();
    redis.close();
  }
}
