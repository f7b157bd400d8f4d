package org.simplepush.server.internal.endpoint;

import java.time.Duration;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.simplepush.server.internal.EndpointTokens;

/**
 * At most so many updates an endpoint in each window of time. Remembers one window only, so memory
 * is bounded by the updates of one window. Safe for use by many threads.
 */
public final class RateLimit {
  /** Lets everything pass. */
  public static final int UNLIMITED = 0;

  private final int permits;
  private final long windowNanos;
  private final LongSupplier nanoTime;
  private volatile Window window;

  public RateLimit(int permits, Duration window, LongSupplier nanoTime) {
    this.permits = permits;
    this.windowNanos = window.toNanos();
    this.nanoTime = nanoTime;
    this.window = new Window(nanoTime.getAsLong());
  }

  private record Window(long start, ConcurrentMap<EndpointTokens.Channel, AtomicInteger> used) {
    Window(long start) {
      this(start, new ConcurrentHashMap<>());
    }
  }

  /** Returns 0 if the update may pass, else after how many seconds to try again. */
  int acquire(EndpointTokens.Channel channel) {
    if (permits == UNLIMITED) {
      return 0;
    }
    long now = nanoTime.getAsLong();
    Window current = window;
    if (now - current.start() >= windowNanos) {
      current = next(now);
    }
    int used = current.used().computeIfAbsent(channel, c -> new AtomicInteger()).incrementAndGet();
    if (used <= permits) {
      return 0;
    }
    long left = windowNanos - (now - current.start());
    long seconds = Duration.ofNanos(left).plusNanos(999_999_999).toSeconds();
    return (int) Math.min(Integer.MAX_VALUE, Math.max(1, seconds));
  }

  private synchronized Window next(long now) {
    if (now - window.start() >= windowNanos) {
      window = new Window(now);
    }
    return window;
  }
}
