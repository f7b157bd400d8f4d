package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.function.Supplier;
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
  private final Supplier<List<byte[]>> leaseAndOffset;
  private final ArrayDeque<Runnable> ready = new ArrayDeque<>();
  private final CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
  private long position;
  private long end;
  private boolean advancing;
  private int underWay;
  private int restored;

  /**
   * Prepares one.
   *
   * @param leaseAndOffset the first arguments of a script that may make a user agent
   * @param wanted which keys of user agents are meant
   * @param missing takes the advances of channels that are not there; null if they are given up
   */
  Replay(
      Redis redis,
      ReplayLog log,
      Supplier<List<byte[]>> leaseAndOffset,
      Predicate<byte[]> wanted,
      @Nullable ReplayLog missing) {
    this.redis = redis;
    this.leaseAndOffset = leaseAndOffset;
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
    Map<UUID, Change.Sum> sums = new LinkedHashMap<>();
    log.read(
        from,
        to,
        new ReplayLog.Reader() {
          @Override
          public void advanced(UUID uaid, UUID channel, long version) {}

          @Override
          public void changed(UUID uaid, Change change) {
            sums.computeIfAbsent(uaid, first -> new Change.Sum()).add(change);
          }
        });
    sums.forEach(
        (uaid, sum) -> {
          byte[] key = Ids.key(Uaid.of(uaid));
          if (wanted.test(key)) {
            ready.add(() -> redo(key, uaid, sum));
          }
        });
    goOn();
    return done;
  }

  /** How many versions, channels and user agents had been lost, and are there again. */
  int restored() {
    return restored;
  }

  private void goOn() {
    try {
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
    } catch (RuntimeException | Error e) { // else nobody would hear that it has ended
      done.completeExceptionally(e);
    }
  }

  /** Versions are for channels, so these come first. */
  private @Nullable Runnable next() {
    if (ready.isEmpty() && underWay == 0) {
      advancing = true;
    }
    while (advancing && ready.isEmpty() && position < end) {
      position = Math.max(position, log.start());
      long until = Math.min(end, position + WINDOW);
      log.read(position, until, new Advances());
      position = until;
    }
    return ready.poll();
  }

  private final class Advances implements ReplayLog.Reader {
    @Override
    public void advanced(UUID uaid, UUID channel, long version) {
      byte[] key = Ids.key(Uaid.of(uaid));
      if (wanted.test(key)) {
        ready.add(() -> advance(key, uaid, channel, version));
      }
    }

    @Override
    public void changed(UUID uaid, Change change) {}
  }

  private void redo(byte[] key, UUID uaid, Change.Sum sum) {
    List<byte[]> arguments = new ArrayList<>(leaseAndOffset.get());
    arguments.addAll(sum.arguments());
    send(
        Script.REDO,
        key,
        arguments.toArray(byte[][]::new),
        reply -> {
          if (reply < 0 && missing != null) {
            missing.changed(uaid, sum);
          } else if (reply > 0) {
            restored += (int) (long) reply;
          }
        });
  }

  private void advance(byte[] key, UUID uaid, UUID channel, long version) {
    ChannelId id = ChannelId.of(channel);
    byte[][] arguments = {
      Ids.bytes(id), Ids.number(version), Ids.usual(id).getBytes(US_ASCII), {'0'}
    };
    send(
        Script.ADVANCE,
        key,
        arguments,
        code -> {
          if (code == 0 && missing != null) {
            missing.advanced(uaid, channel, version);
          } else if (code > 2) {
            restored++;
          }
        });
  }

  private void send(Script script, byte[] key, byte[][] arguments, Consumer<Long> answered) {
    underWay++;
    redis
        .run(script, key, arguments, Steps::code)
        .whenComplete(
            (code, failure) -> {
              underWay--;
              if (failure != null) {
                done.completeExceptionally(failure);
                return;
              }
              answered.accept(code);
              goOn();
            });
  }
}
