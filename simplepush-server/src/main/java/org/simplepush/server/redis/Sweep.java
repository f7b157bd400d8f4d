package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.lettuce.core.ScanCursor;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Drops the user agents that were not seen for long, a page at a time with a pause after each, so
 * that Redis has time for others: 2,500 in a second at most, a million in seven minutes. One node
 * of all does it at a time, and others leave it alone for a while after that.
 *
 * <p>How long ago somebody was seen is said by the clock of Redis. When it jumps, everybody may
 * seem to be long gone. So nobody is dropped from when the clocks of Redis and of this node
 * disagree by a minute more or less than before, until they agree as before or until all who live
 * have been seen by the new time.
 */
final class Sweep {
  private static final Logger log = LoggerFactory.getLogger(Sweep.class);

  /** How long the other nodes leave it to the last one; it says so with each page. */
  private static final byte[] OTHERS_WAIT = Ids.number(Duration.ofMinutes(5).toMillis());

  private static final long PAUSE_MILLIS = 200;

  private final Redis redis;
  private final byte[] owner = Ids.random().getBytes(US_ASCII);
  private final LongSupplier offset;
  private final AtomicBoolean running = new AtomicBoolean();

  /** Whether it was said that the clocks disagree. */
  private volatile boolean warned;

  /**
   * Makes one for a store.
   *
   * @param offset milliseconds to be added to the time of Redis
   */
  Sweep(Redis redis, LongSupplier offset) {
    this.redis = redis;
    this.offset = offset;
  }

  /** One sweep over all pages. */
  private final class Round {
    final long notSeenFor;
    final long emptyNotSeenFor;
    final CompletableFuture<Integer> dropped = new CompletableFuture<>();
    int sum;

    Round(long notSeenFor, long emptyNotSeenFor) {
      this.notSeenFor = notSeenFor;
      this.emptyNotSeenFor = emptyNotSeenFor;
    }

    void goOn(ScanCursor cursor) {
      mayDrop(notSeenFor)
          .thenCompose(
              may ->
                  may
                      ? redis.userAgents(cursor)
                      : CompletableFuture.completedStage(Redis.UserAgents.NONE))
          .thenCompose(
              page ->
                  drop(page, notSeenFor, emptyNotSeenFor)
                      .thenAccept(
                          more -> {
                            sum += more;
                            if (page.next().isFinished()) {
                              dropped.complete(sum);
                            } else {
                              redis.later(PAUSE_MILLIS, () -> goOn(page.next()));
                            }
                          }))
          .whenComplete(
              (done, failure) -> {
                if (failure != null) {
                  dropped.completeExceptionally(failure);
                }
              });
    }
  }

  /**
   * Sweeps, unless another node does or has just done so, or the clocks forbid it.
   *
   * @param notSeenFor in milliseconds
   * @param emptyNotSeenFor the same for user agents without a channel
   * @return how many were dropped
   */
  CompletionStage<Integer> run(long notSeenFor, long emptyNotSeenFor) {
    if (!running.compareAndSet(false, true)) {
      return CompletableFuture.completedStage(0);
    }
    Round round = new Round(notSeenFor, emptyNotSeenFor);
    CompletionStage<Integer> ended =
        round.dropped.whenComplete((dropped, failure) -> running.set(false));
    round.goOn(ScanCursor.INITIAL);
    return ended;
  }

  private CompletionStage<Boolean> mayDrop(long notSeenFor) {
    return redis.run(
        Script.SWEEP,
        Ids.sweep(),
        new byte[][] {
          owner,
          Ids.number(offset.getAsLong()),
          OTHERS_WAIT,
          Ids.number(System.currentTimeMillis()),
          Ids.number(notSeenFor)
        },
        reply -> {
          long code = Steps.code(reply);
          if (code == 2) {
            warn(Ids.number((byte[]) reply.get(1)));
          } else if (code == 1) {
            warned = false;
          }
          return code == 1;
        });
  }

  private void warn(long millis) {
    if (!warned) {
      warned = true;
      log.warn(
          "The clock of Redis is {} s {} compared with this server's than it was: nobody is dropped"
              + " for not being seen until it is as before, or until everybody had the time to be"
              + " seen. Set the clocks right",
          Math.abs(millis) / 1000,
          millis < 0 ? "earlier" : "later");
    }
  }

  /** Drops whom of a page it is time for; returns how many. */
  CompletionStage<Integer> drop(Redis.UserAgents page, long notSeenFor, long emptyNotSeenFor) {
    byte[][] arguments = {
      Ids.number(notSeenFor), Ids.number(offset.getAsLong()), Ids.number(emptyNotSeenFor)
    };
    CompletionStage<Integer> total = CompletableFuture.completedStage(0);
    for (byte[] key : page.keys()) {
      total =
          total.thenCombine(
              redis.run(Script.EXPIRE, key, arguments, reply -> (int) Steps.code(reply)),
              Integer::sum);
    }
    return total;
  }
}
