package org.simplepush.client.internal.device;

import java.time.Duration;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.run.Loop;
import org.simplepush.core.ChannelId;

/**
 * Waits of days, which outlive the process. Each is stored as a time of the wall clock and, while
 * the process lives, also kept by the loop's clock; it is over when either says so. So a clock that
 * is set back delays nothing, and one that is set forward, or runs on while the device sleeps,
 * brings it early or in time. What is over is released one at a time with breaks between, so that a
 * device that slept for long does not do everything at once. Confined to the loop.
 */
final class Deadlines {
  /** How often to look at the wall clock, because nothing reports that the device has slept. */
  static final Duration LOOK = Duration.ofMinutes(15);

  /** A wait is longer by a random part of it, at most this one, so that many end apart. */
  static final int SPREAD = 24;

  /** The longest break before what is over is released; less for short waits. */
  static final Duration MAX_BREAK = Duration.ofMinutes(1);

  /** What is waited for. */
  sealed interface Deadline {
    /** Returns the kind. */
    Type type();
  }

  /** The kinds of deadlines. */
  enum Type {
    SYNCHRONISE,
    RENEW,
    RETIRE
  }

  /** Nothing woke this application for so long that it is to synchronise. */
  record Synchronise(String application) implements Deadline {
    @Override
    public Type type() {
      return Type.SYNCHRONISE;
    }
  }

  /** The endpoint of this channel is as old as it may become. */
  record Renew(ChannelId channelId) implements Deadline {
    @Override
    public Type type() {
      return Type.RENEW;
    }
  }

  /** The endpoint of this channel, which has been renewed, need not work any longer. */
  record Retire(ChannelId channelId) implements Deadline {
    @Override
    public Type type() {
      return Type.RETIRE;
    }
  }

  /** Says how long the waits are, and does what they are for. */
  interface Owner {
    /** Returns how long this one was set for. */
    Duration waitFor(Deadline deadline);

    /** Whether this can be done now; if not, it is asked again after a while. */
    boolean isPossible(Deadline deadline);

    /** The wait is over. The owner sets it again or cancels it, at once or later. */
    void due(Deadline deadline);
  }

  private static final class Running {
    /** The loop's time when it is over. */
    final long end;

    /** The owner was notified that it is over. */
    boolean notified;

    Running(long end) {
      this.end = end;
    }
  }

  private final Map<Deadline, Long> stored;
  private final Loop loop;
  private final RandomGenerator random;
  private final Owner owner;
  private final Runnable changed;
  private final Map<Deadline, Running> running = new HashMap<>();

  private Loop.@Nullable Timer timer;
  private long timerEnd;
  private boolean started;
  private boolean isBreak;

  /**
   * @param stored by the wall clock, in milliseconds since 1970; kept up to date
   * @param changed called after that
   */
  Deadlines(
      Map<Deadline, Long> stored,
      Loop loop,
      RandomGenerator random,
      Owner owner,
      Runnable changed) {
    this.stored = stored;
    this.loop = loop;
    this.random = random;
    this.owner = owner;
    this.changed = changed;
  }

  /** Goes on with what is stored. */
  void start() {
    loop.assertCurrent();
    started = true;
    for (Deadline deadline : stored.keySet().toArray(Deadline[]::new)) {
      if (isBeyondReach(deadline)) {
        set(deadline);
      } else {
        running.put(deadline, new Running(loop.nanoTime() + left(deadline).toNanos()));
      }
    }
    look();
  }

  /** No wait that was begun ends so late: the clock was set back, or the setting is another one. */
  private boolean isBeyondReach(Deadline deadline) {
    Duration wait = owner.waitFor(deadline);
    return left(deadline).compareTo(wait.plus(wait.dividedBy(SPREAD))) > 0;
  }

  /** Returns what is left by the wall clock alone. */
  private Duration left(Deadline deadline) {
    long end = stored.getOrDefault(deadline, Long.MIN_VALUE);
    long now = loop.wallTime();
    return end <= now ? Duration.ZERO : Duration.ofMillis(end - now);
  }

  /** Time may have passed that no timer noticed. */
  void awake() {
    loop.assertCurrent();
    if (started && !isBreak) {
      look();
    }
  }

  void stop() {
    loop.assertCurrent();
    started = false;
    if (timer != null) {
      timer.cancel();
      timer = null;
    }
  }

  boolean contains(Deadline deadline) {
    loop.assertCurrent();
    return stored.containsKey(deadline);
  }

  /** Begins the wait, or restarts it. */
  void set(Deadline deadline) {
    loop.assertCurrent();
    Duration wait = owner.waitFor(deadline);
    long spread = wait.dividedBy(SPREAD).toMillis();
    Duration length = wait.plusMillis(random.nextLong(spread + 1));
    stored.put(deadline, loop.wallTime() + length.toMillis());
    running.put(deadline, new Running(loop.nanoTime() + length.toNanos()));
    changed.run();
    if (started) {
      lookIn(length);
    }
  }

  void cancel(Deadline deadline) {
    loop.assertCurrent();
    if (stored.remove(deadline) != null) {
      running.remove(deadline);
      changed.run();
    }
  }

  /**
   * Not rescheduled whenever a wait restarts: the timer looks what is over when it is due. A break
   * is left as it is, or waits that begin again and again would put off what is over.
   */
  private void lookIn(Duration delay) {
    if (isBreak) {
      return;
    }
    Duration until = delay.compareTo(LOOK) < 0 ? delay : LOOK;
    if (timer != null && timerEnd - (loop.nanoTime() + until.toNanos()) <= 0) {
      return;
    }
    schedule(until, this::look);
  }

  private void schedule(Duration delay, Runnable task) {
    if (timer != null) {
      timer.cancel();
    }
    timerEnd = loop.nanoTime() + delay.toNanos();
    timer =
        loop.schedule(
            delay,
            () -> {
              timer = null;
              isBreak = false;
              task.run();
            });
  }

  private void look() {
    Duration soonest = null;
    for (Map.Entry<Deadline, Running> entry : running.entrySet()) {
      if (entry.getValue().notified) {
        continue;
      }
      Duration left = left(entry.getKey(), entry.getValue());
      if (left.isZero() && !owner.isPossible(entry.getKey())) {
        left = LOOK;
      }
      if (left.isZero()) {
        schedule(breakBefore(entry.getKey()), this::release);
        isBreak = true;
        return;
      }
      soonest = soonest == null || left.compareTo(soonest) < 0 ? left : soonest;
    }
    if (soonest != null) {
      lookIn(soonest);
    }
  }

  private Duration left(Deadline deadline, Running wait) {
    Duration byLoop = Duration.ofNanos(Math.max(0, wait.end - loop.nanoTime()));
    Duration byWall = left(deadline);
    return byLoop.compareTo(byWall) < 0 ? byLoop : byWall;
  }

  private Duration breakBefore(Deadline deadline) {
    Duration spread = owner.waitFor(deadline).dividedBy(SPREAD);
    Duration bound = spread.compareTo(MAX_BREAK) < 0 ? spread : MAX_BREAK;
    return Duration.ofNanos(random.nextLong(bound.toNanos() + 1));
  }

  /** Releases one, which need not be the one that was seen to be over: that may have begun anew. */
  private void release() {
    Iterator<Map.Entry<Deadline, Running>> entries = running.entrySet().iterator();
    Deadline over = null;
    while (over == null && entries.hasNext()) {
      Map.Entry<Deadline, Running> entry = entries.next();
      Running wait = entry.getValue();
      if (!wait.notified
          && left(entry.getKey(), wait).isZero()
          && owner.isPossible(entry.getKey())) {
        wait.notified = true;
        over = entry.getKey();
      }
    }
    if (over != null) {
      owner.due(over);
    }
    if (started) {
      look();
    }
  }
}
