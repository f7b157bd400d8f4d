package org.simplepush.server.redis;

import static java.util.concurrent.TimeUnit.SECONDS;

import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.SharedVersionStore.Listener;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The hints that come to the nodes of this process, on one connection. A connection that is dead
 * without knowing it would be a silent one: so a node now and then publishes a probe to itself, and
 * if that does not come, another connection takes the place of this one.
 */
final class Bus {
  private static final Logger log = LoggerFactory.getLogger(Bus.class);

  private static final String CHANNEL = "simplepush:node:";
  private static final long PROBE_SECONDS = 2;
  private static final long PROBE_NANOS = SECONDS.toNanos(PROBE_SECONDS);

  /** How long a new connection may take until it answers. */
  private static final long READY_SECONDS = 3;

  /** What breaks together is reported once: connections are made anew one after another. */
  private static final long LOST_MILLIS = 200;

  private final Redis redis;

  /** Who has subscribed, until Redis confirms that they come. */
  private final Map<String, Member> joining = new ConcurrentHashMap<>();

  private final Map<String, Member> members = new ConcurrentHashMap<>();
  private @Nullable StatefulRedisPubSubConnection<String, String> connection;
  private final AtomicBoolean losing = new AtomicBoolean();
  private boolean replacing;

  Bus(Redis redis) {
    this.redis = redis;
  }

  /** Who listens under one name. */
  private static final class Member {
    final Listener listener;

    /** The probes that have not come back yet. */
    final Map<String, CompletableFuture<@Nullable Void>> probes = new ConcurrentHashMap<>();

    /** Completes when hints come. */
    final CompletableFuture<@Nullable Void> subscribed = new CompletableFuture<>();

    /** What the last check waits for. */
    volatile @Nullable Probe check;

    Member(Listener listener) {
      this.listener = listener;
    }
  }

  /** Listens under a name that nobody else has; when this returns, hints come. */
  synchronized void join(String node, Listener listener) {
    if (redis.isClosed()) {
      throw new StoreException("The store was closed");
    }
    if (connection == null) {
      connection = connect();
    }
    Member member = new Member(listener);
    joining.put(CHANNEL + node, member);
    try {
      redis.await(connection.async().subscribe(CHANNEL + node));
      redis.await(member.subscribed);
    } catch (StoreException e) {
      leave(node);
      throw new StoreException(
          "Redis cannot be listened to on the channels " + CHANNEL + "*: " + e.getMessage(), e);
    }
  }

  private StatefulRedisPubSubConnection<String, String> connect() {
    try {
      return redis.await(listen());
    } catch (StoreException e) {
      throw new StoreException("Redis cannot be listened to: " + Failures.reason(e), e);
    }
  }

  /** Opens a connection whose hints are received as soon as it has subscribed; never throws. */
  private CompletionStage<StatefulRedisPubSubConnection<String, String>> listen() {
    return CompletableFuture.completedStage("")
        .thenCompose(start -> redis.connectPubSub())
        .thenCompose(
            opened -> {
              opened.addListener(new Subscriber());
              return Redis.ready(opened)
                  .toCompletableFuture()
                  .orTimeout(READY_SECONDS, SECONDS) // a server that dies now may never come back
                  .whenComplete(
                      (done, failure) -> {
                        if (failure != null) {
                          close(opened);
                        }
                      })
                  .thenApply(done -> opened);
            });
  }

  synchronized void leave(String node) {
    boolean asked = joining.remove(CHANNEL + node) != null;
    boolean listening = members.remove(CHANNEL + node) != null;
    StatefulRedisPubSubConnection<String, String> old = connection;
    if ((asked || listening) && old != null) {
      redis
          .ask(null, () -> old.async().unsubscribe(CHANNEL + node), done -> null)
          .whenComplete(
              (done, failure) -> {
                if (failure != null) {
                  log.debug("Redis still sends hints for a node that has left", failure);
                }
              });
    }
  }

  /** Replaces a connection that has gone silent; called now and then. */
  void check() {
    for (Map.Entry<String, Member> each : members.entrySet()) {
      Member member = each.getValue();
      Probe last = member.check;
      if (last != null && !last.received().isDone() && last.age() < PROBE_NANOS) {
        continue;
      }
      if (last != null && !last.received().isDone() && last.sent().isDone()) {
        replace();
        return;
      }
      if (last != null) {
        last.received().cancel(false); // not sent yet: the server it was given to may hang
      }
      member.check = probe(each.getKey(), member);
    }
  }

  /**
   * The old connection is closed only when the new one is there: it may recover by itself before
   * that. In a cluster the server it is to may hang for a long time while others take its place.
   */
  private synchronized void replace() {
    StatefulRedisPubSubConnection<String, String> old = connection;
    if (old == null || replacing) {
      return;
    }
    replacing = true;
    log.warn("Hints of the other nodes do not come any more: connecting anew");
    // Not on the thread that connects: the lock is held while others wait for that one.
    listen()
        .whenCompleteAsync(
            (opened, failure) -> replaced(old, opened, failure),
            redis.resources().eventExecutorGroup());
  }

  private synchronized void replaced(
      StatefulRedisPubSubConnection<String, String> old,
      @Nullable StatefulRedisPubSubConnection<String, String> opened,
      @Nullable Throwable failure) {
    replacing = false;
    if (opened == null) {
      log.debug("No connection to listen on; the next check tries again", failure);
      return;
    }
    connection = opened;
    close(old);
    members.values().forEach(member -> member.check = null);
    Set<String> channels = new HashSet<>(members.keySet());
    channels.addAll(joining.keySet());
    if (!channels.isEmpty()) {
      opened
          .async()
          .subscribe(channels.toArray(String[]::new))
          .whenComplete(
              (done, refused) -> {
                if (refused != null) {
                  log.debug("Redis cannot be listened to; the next check tries again", refused);
                }
              });
    }
  }

  private static void close(StatefulRedisPubSubConnection<String, String> unwanted) {
    CompletionStage<Void> closing = unwanted.closeAsync();
    closing.whenComplete(
        (done, failure) -> {
          if (failure != null) {
            log.debug("A connection that is not listened to did not close well", failure);
          }
        });
  }

  /**
   * Hints, or the claims that bring them here, may be lost: has everybody compared soon, once for
   * all that happens until then. From any thread.
   */
  void lost() {
    if (!redis.isClosed() && losing.compareAndSet(false, true)) {
      redis.later(LOST_MILLIS, this::reportLost);
    }
  }

  /** What was lost is restored, as far as this node can: has everybody told, and compared. */
  void restored(int missing) {
    members.values().forEach(member -> deliver(member, listener -> listener.restored(missing)));
    lost();
  }

  private void reportLost() {
    losing.set(false);
    members.values().forEach(member -> deliver(member, Listener::hintsLost));
    // What silenced one connection may have silenced this one.
    check();
    redis.later(SECONDS.toMillis(PROBE_SECONDS), this::check);
  }

  /**
   * Completes when a probe of every node of this process has come back; fails if one does not in
   * time.
   */
  CompletionStage<@Nullable Void> listens() {
    return CompletableFuture.allOf(
        members.entrySet().stream()
            .map(each -> received(each.getKey(), each.getValue()))
            .toArray(CompletableFuture[]::new));
  }

  private CompletableFuture<@Nullable Void> received(String channel, Member member) {
    return probe(channel, member)
        .received()
        .orTimeout(PROBE_SECONDS, SECONDS)
        .exceptionallyCompose(
            failure ->
                CompletableFuture.failedFuture(
                    failure instanceof TimeoutException
                        ? new StoreException(
                            "A probe of a node did not come back within " + PROBE_SECONDS + " s")
                        : failure));
  }

  /**
   * What a node publishes to itself.
   *
   * @param sent completes when Redis has taken it: until then nothing follows from silence
   * @param received completes when it has come back, or could not be sent
   * @param at when it was sent, by {@link System#nanoTime()}
   */
  private record Probe(
      CompletableFuture<?> sent, CompletableFuture<@Nullable Void> received, long at) {
    long age() {
      return System.nanoTime() - at;
    }
  }

  /** Publishes a probe to a node. */
  private Probe probe(String channel, Member member) {
    String hint = "n " + Ids.random();
    CompletableFuture<@Nullable Void> received = new CompletableFuture<>();
    member.probes.put(hint, received);
    CompletionStage<@Nullable Void> outcome = received;
    outcome.whenComplete((done, failure) -> member.probes.remove(hint));
    CompletionStage<@Nullable Void> sent = redis.publish(channel, hint);
    sent.whenComplete(
        (done, failure) -> {
          if (failure != null) {
            received.completeExceptionally(failure);
          }
        });
    return new Probe(sent.toCompletableFuture(), received, System.nanoTime());
  }

  private void repeat(String channel, String hint) {
    redis
        .publish(channel, hint)
        .whenComplete(
            (done, failure) -> {
              if (failure != null) {
                log.debug("A probe could not be published again", failure);
              }
            });
  }

  private final class Subscriber extends RedisPubSubAdapter<String, String> {
    /** Also comes when a connection was made anew, for each name again. */
    @Override
    public void subscribed(String channel, long count) {
      Member first = joining.remove(channel);
      Member again = members.get(channel);
      if (first != null) {
        members.put(channel, first);
        first.subscribed.complete(null);
      } else if (again != null) {
        lost();
        // Said while nobody listened: whoever waits need not find out by waiting in vain.
        again.probes.keySet().forEach(hint -> repeat(channel, hint));
      }
    }

    @Override
    public void message(String channel, String hint) {
      Member member = members.get(channel);
      if (member != null) {
        dispatch(member, hint);
      }
    }
  }

  private void dispatch(Member member, String hint) {
    CompletableFuture<@Nullable Void> waiting = member.probes.get(hint);
    if (waiting != null) {
      waiting.complete(null);
      return;
    }
    String[] parts = hint.split(" ", -1);
    try {
      if (parts.length == 4 && parts[0].equals("p")) {
        Update update = new Update(ChannelId.parse(parts[3]), Long.parseLong(parts[2]));
        Uaid uaid = Uaid.parse(parts[1]);
        redis.later(() -> deliver(member, listener -> listener.published(uaid, update)));
      } else if (parts.length == 3 && parts[0].equals("d")) {
        Uaid uaid = Uaid.parse(parts[1]);
        // Nodes of the version before this one take the epoch for a part of the number.
        long connection = Long.parseLong(parts[2].replaceFirst(":.*", ""));
        redis.later(() -> deliver(member, listener -> listener.displaced(uaid, connection)));
      } else if (parts.length == 2 && parts[0].equals("g")) {
        Uaid uaid = Uaid.parse(parts[1]);
        redis.later(() -> deliver(member, listener -> listener.gone(uaid)));
      }
    } catch (IllegalArgumentException e) {
      log.warn("A hint that no node of this version sends was passed over");
    }
  }

  private interface Hint {
    void to(Listener listener);
  }

  private static void deliver(Member member, Hint hint) {
    try {
      hint.to(member.listener);
    } catch (RuntimeException | Error e) { // the next hint has nothing to do with it
      log.warn("A listener failed", e);
    }
  }
}
