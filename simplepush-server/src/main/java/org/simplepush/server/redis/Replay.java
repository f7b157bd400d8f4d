package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.ArrayDeque;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;

/**
 * Applies entries of a {@link ReplayLog} again, a bounded number at a time. That changes nothing if
 * they were not lost. Used where stages complete.
 */
final class Replay {
  /** How many entries are sent before the answer of the first is there. */
  private static final int WINDOW = 256;

  private final Redis redis;
  private final ReplayLog log;
  private final Predicate<byte[]> wanted;
  private final @Nullable ReplayLog missing;
  private final ArrayDeque<Runnable> ready = new ArrayDeque<>();
  private final CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
  private long position;
  private long end;
  private int underWay;
  private int restored;

  /**
   * Prepares one.
   *
   * @param wanted which keys of user agents are meant
   * @param missing takes the advances of channels that are not there; null if they are given up
   */
  Replay(Redis redis, ReplayLog log, Predicate<byte[]> wanted, @Nullable ReplayLog missing) {
    this.redis = redis;
    this.log = log;
    this.wanted = wanted;
    this.missing = missing;
  }

  /**
   * Applies what is in the log between two positions; once.
   *
   * @return completes when all of it was answered; fails if something could not be applied
   */
  CompletionStage<@Nullable Void> run(long from, long to) {
    position = from;
    end = to;
    goOn();
    return done;
  }

  /** How many entries turned out to have been lost, and are there again. */
  int restored() {
    return restored;
  }

  private void goOn() {
    while (underWay < WINDOW && !done.isDone()) {
      Runnable next = next();
      if (next == null) {
        if (underWay == 0) {
          done.complete(null);
        }
        return;
      }
      next.run();
    }
  }

  private @Nullable Runnable next() {
    while (ready.isEmpty() && position < end) {
      position = Math.max(position, log.start());
      long until = Math.min(end, position + WINDOW);
      log.read(position, until, new Reader());
      position = until;
    }
    return ready.poll();
  }

  private final class Reader implements ReplayLog.Reader {
    @Override
    public void advanced(UUID uaid, UUID channel, long version) {
      byte[] key = Ids.key(Uaid.of(uaid));
      if (wanted.test(key)) {
        ready.add(() -> advance(key, uaid, channel, version));
      }
    }

    @Override
    public void changed(UUID uaid, Object change) {}
  }

  private void advance(byte[] key, UUID uaid, UUID channel, long version) {
    ChannelId id = ChannelId.of(channel);
    byte[][] arguments = {
      Ids.bytes(id), Ids.number(version), Ids.usual(id).getBytes(US_ASCII), {'0'}
    };
    underWay++;
    redis
        .<Long>run(Script.ADVANCE, key, arguments, (List<Object> reply) -> (Long) reply.get(0))
        .whenComplete(
            (code, failure) -> {
              underWay--;
              if (failure != null) {
                done.completeExceptionally(failure);
                return;
              }
              if (code == 0 && missing != null) {
                missing.advanced(uaid, channel, version);
              } else if (code > 2) {
                restored++;
              }
              goOn();
            });
  }
}
