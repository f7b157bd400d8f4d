package org.simplepush.appserver.internal.send;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.Time;
import org.simplepush.appserver.internal.Versions;

/**
 * What is to be sent to one endpoint: at most one version on the wire and one waiting.
 *
 * <p>Not thread-safe: guarded by the lock of its {@link Sender}.
 */
final class Mailbox {
  /** An endpoint that is longer counts more than once among those that wait. */
  private static final int USUAL_LENGTH = 512;

  enum State {
    /** In the queue of its lane. */
    READY,
    /** A timer will make it ready again. */
    BACKING_OFF,
    /** {@link #current} is being sent. */
    ON_WIRE,
    /** Nothing to send; the sender has forgotten it. */
    DONE
  }

  final HttpUrl endpoint;
  final Lane lane;
  State state = State.READY;
  Job current;

  /** What goes next; only while {@link #current} is on the wire. */
  @Nullable Job next;

  Time.@Nullable Timer timer;

  /** How much it counts against the most that may wait. */
  final int weight;

  Mailbox(HttpUrl endpoint, Lane lane, Job current) {
    this.endpoint = endpoint;
    this.lane = lane;
    this.current = current;
    this.weight = weight(endpoint);
  }

  static int weight(HttpUrl endpoint) {
    return 1 + endpoint.toString().length() / USUAL_LENGTH;
  }

  /**
   * Returns the job whose outcome will be that of a call with {@code version}; makes or raises it
   * if need be. Newer versions replace older ones that wait.
   */
  Job jobFor(long version) {
    if (state != State.ON_WIRE) {
      current.raise(version);
      return current;
    }
    if (next != null) {
      next.raise(version);
      return next;
    }
    if (current.covers(version)) {
      return current;
    }
    next = new Job(version);
    return next;
  }

  /** One version to send, for all calls with it or with one that it replaced. */
  static final class Job {
    long version;
    int attempts;
    @Nullable Answer last;
    final List<Waiter> waiters = new ArrayList<>(1);

    Job(long version) {
      this.version = version;
    }

    /**
     * Whether a request with our version, which has begun, is enough for a call with {@code asked}.
     * It never is if the push server is to pick the version: that call says that something has
     * changed since.
     */
    boolean covers(long asked) {
      return asked != Versions.NONE && version >= asked;
    }

    /**
     * Makes this job enough for a call with {@code asked}, too. A version that the push server
     * picks is higher than any before, so it replaces every other.
     */
    void raise(long asked) {
      if (version != Versions.NONE) {
        version = asked == Versions.NONE ? asked : Math.max(version, asked);
      }
    }

    /** Takes over the calls of {@code older}, which failed and is not tried again. */
    void replace(Job older) {
      raise(older.version);
      attempts += older.attempts;
      last = older.last;
      waiters.addAll(older.waiters);
      for (Waiter waiter : older.waiters) {
        waiter.job = this;
      }
    }
  }

  /** A call that waits for its outcome. */
  static final class Waiter {
    final Consumer<Outcome> sink;
    final long deadline;
    final Mailbox mailbox;
    Job job;

    /** The outcome is handed over, or about to be. */
    boolean handedOver;

    Waiter(Consumer<Outcome> sink, long deadline, Mailbox mailbox, Job job) {
      this.sink = sink;
      this.deadline = deadline;
      this.mailbox = mailbox;
      this.job = job;
    }

    boolean isOnWire() {
      return mailbox.state == State.ON_WIRE && mailbox.current == job;
    }
  }
}
