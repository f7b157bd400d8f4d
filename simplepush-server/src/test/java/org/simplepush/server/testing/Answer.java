package org.simplepush.server.testing;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * How a {@link FakePushServer} answers a request to an endpoint: as a push server does, or as the
 * test wants. Immutable.
 *
 * <p>But for {@link #asUsual} the version is not accepted, whatever the request says.
 *
 * @since 0.1
 */
public final class Answer {
  /** What is done once the time has come. */
  public enum Kind {
    AS_USUAL,
    STATUS,
    SILENCE,
    RESET,
    GARBAGE
  }

  private static final CompletableFuture<?> AT_ONCE = CompletableFuture.completedFuture(null);

  private final Kind kind;
  private final int status;
  private final @Nullable Duration retryAfter;
  private final Duration delay;
  private final CompletableFuture<?> release;

  private Answer(
      Kind kind,
      int status,
      @Nullable Duration retryAfter,
      Duration delay,
      CompletableFuture<?> release) {
    this.kind = kind;
    this.status = status;
    this.retryAfter = retryAfter;
    this.delay = delay;
    this.release = release;
  }

  private static Answer of(Kind kind) {
    return new Answer(kind, 0, null, Duration.ZERO, AT_ONCE);
  }

  /** The answer of a real push server: 200 and the version is accepted, or what is wrong. */
  public static Answer asUsual() {
    return of(Kind.AS_USUAL);
  }

  /**
   * An HTTP error, such as 410 for an endpoint that is gone; protocol §8 lists them.
   *
   * @param status 300 to 599
   * @throws IllegalArgumentException if out of range
   */
  public static Answer status(int status) {
    if (status < 300 || status > 599) {
      throw new IllegalArgumentException(
          "A status to answer with is 300 to 599, but was "
              + status
              + "; Answer.asUsual() accepts the version with 200");
    }
    return new Answer(Kind.STATUS, status, null, Duration.ZERO, AT_ONCE);
  }

  /** None: the connection stays open until the application server gives up. */
  public static Answer silence() {
    return of(Kind.SILENCE);
  }

  /** None: the TCP connection is reset as soon as the request was read. */
  public static Answer reset() {
    return of(Kind.RESET);
  }

  /** Something that is not HTTP, and the end of the connection. */
  public static Answer garbage() {
    return of(Kind.GARBAGE);
  }

  /**
   * The same answer with a {@code Retry-After}.
   *
   * @param wait whole seconds, 0 or more
   * @throws IllegalArgumentException if it is not
   * @throws IllegalStateException if this is not a {@link #status}
   */
  public Answer retryAfter(Duration wait) {
    if (kind != Kind.STATUS) {
      throw new IllegalStateException("Retry-After goes with Answer.status(…) only");
    }
    if (wait.isNegative() || wait.getNano() != 0) {
      throw new IllegalArgumentException("Retry-After is whole seconds, but was " + wait);
    }
    return new Answer(kind, status, wait, delay, release);
  }

  /**
   * The same answer, this long after the request was read.
   *
   * @param delay zero or more
   * @throws IllegalArgumentException if negative
   */
  public Answer after(Duration delay) {
    if (delay.isNegative()) {
      throw new IllegalArgumentException("A delay is zero or more, but was " + delay);
    }
    return new Answer(kind, status, retryAfter, delay, release);
  }

  /**
   * The same answer, once the future has completed, one way or the other. So a test can look at
   * what happens while a request is on its way, without guessing how long that takes.
   */
  public Answer once(CompletableFuture<?> release) {
    return new Answer(kind, status, retryAfter, delay, release);
  }

  /** Whether this is what happens without a script. */
  boolean isPlain() {
    return kind == Kind.AS_USUAL && delay.isZero() && release == AT_ONCE;
  }

  Kind kind() {
    return kind;
  }

  int status() {
    return status;
  }

  @Nullable Duration retryAfter() {
    return retryAfter;
  }

  Duration delay() {
    return delay;
  }

  CompletableFuture<?> release() {
    return release;
  }
}
