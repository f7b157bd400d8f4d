package org.simplepush.server.internal;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/**
 * Where threads that must live report what they caught, so that they can go on. Reporting never
 * throws, not even for want of memory. The same trouble is logged once a minute, because strangers
 * may find out how to cause it. Safe for use by many threads.
 */
public final class FailureLog {
  private static final int QUIET_SECONDS = 60;

  private final @Nullable Consumer<? super OutOfMemoryError> outOfMemoryHandler;
  private final LongSupplier nanoTime;
  private final ConcurrentMap<Trouble, Throttle> throttles = new ConcurrentHashMap<>();
  private volatile boolean outOfMemory;

  /** Of both there are few, whatever strangers do. */
  private record Trouble(String sentence, Class<?> type) {}

  /**
   * @param outOfMemoryHandler told first of each OutOfMemoryError; null if nobody is
   */
  public FailureLog(
      @Nullable Consumer<? super OutOfMemoryError> outOfMemoryHandler, LongSupplier nanoTime) {
    this.outOfMemoryHandler = outOfMemoryHandler;
    this.nanoTime = nanoTime;
  }

  /**
   * Reports a failure.
   *
   * @param sentence one of few, and no more than what went wrong
   */
  public void report(Logger log, String sentence, Throwable failure) {
    try {
      if (failure instanceof OutOfMemoryError memory) {
        outOfMemory = true;
        if (outOfMemoryHandler != null) {
          outOfMemoryHandler.accept(memory);
        }
      }
      Trouble trouble = new Trouble(sentence, failure.getClass());
      if (throttles
          .computeIfAbsent(trouble, t -> new Throttle(QUIET_SECONDS, nanoTime))
          .tryPass()) {
        log.error(sentence, failure);
      } else {
        log.debug(sentence, failure);
      }
    } catch (Throwable e) {
      // Too little memory for a line, or a logger that fails: the thread must go on all the same.
      outOfMemory |= e instanceof OutOfMemoryError;
    }
  }

  /** Whether memory ran out: then things may have been lost, such as a task of a loop. */
  public boolean ranOutOfMemory() {
    return outOfMemory;
  }
}
