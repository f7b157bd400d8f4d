package org.simplepush.server.redis;

import static java.util.concurrent.TimeUnit.SECONDS;

import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which of the masters that Sentinels name is the right one. A Sentinel may have slept through a
 * failover or be cut off from the others. So each failover has a number, the epoch, that is higher
 * than all before, and the highest one counts, whoever says it. A lower one counts only if nobody
 * has confirmed the chosen master for a while and most Sentinels have answered since: then they
 * were set up again, or never heard of that failover.
 *
 * <p>Safe for use by many threads. Times are of {@link System#nanoTime()}.
 */
final class MasterChoice {
  /** Sentinels pass on what they know in two seconds; one that is older is not relied on. */
  private static final long RECENT_NANOS = SECONDS.toNanos(10);

  /**
   * What a Sentinel says.
   *
   * @param epoch that of its configuration
   */
  record Master(long epoch, String host, int port) {
    private boolean isAt(Master other) {
      return host.equals(other.host) && port == other.port;
    }
  }

  private record Answer(Master master, long at) {}

  private final int sentinels;
  private final Map<Object, Answer> answers = new HashMap<>();
  private volatile @Nullable Master chosen;
  private long confirmedAt;

  MasterChoice(int sentinels) {
    this.sentinels = sentinels;
  }

  /** The right one; null until most Sentinels have answered. */
  @Nullable Master chosen() {
    return chosen;
  }

  /**
   * A Sentinel has answered.
   *
   * @return the master that is chosen in the place of another; null if there is none
   */
  synchronized @Nullable Master answered(Object sentinel, Master named, long now) {
    answers.put(sentinel, new Answer(named, now));
    answers.values().removeIf(answer -> now - answer.at() > RECENT_NANOS);
    Master before = chosen;
    if (named.equals(before)) {
      confirmedAt = now;
    }
    Master newest =
        answers.values().stream()
            .map(Answer::master)
            .max(Comparator.comparingLong(Master::epoch))
            .orElseThrow();
    boolean newer = before != null && newest.epoch() > before.epoch();
    boolean open = before == null || now - confirmedAt > RECENT_NANOS;
    if (newer || (open && 2 * answers.size() > sentinels)) {
      chosen = newest;
      confirmedAt = now;
      return before == null || newest.isAt(before) ? null : newest;
    }
    return null;
  }
}
