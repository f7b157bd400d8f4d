package org.simplepush.appserver.internal.send;

import java.time.Duration;
import org.simplepush.appserver.internal.Time;

/**
 * Counts what happens to requests and hosts, and passes it to the listener.
 *
 * <p>Not thread-safe: guarded by the lock of its {@link Sender}.
 */
final class Counters {
  private final Time time;
  private final SenderListener listener;
  private long requests;
  private long retries;
  private long requestNanos;
  private long hostPauses;
  private int hostsPaused;

  Counters(Time time, SenderListener listener) {
    this.time = time;
    this.listener = listener;
  }

  void requestEnded(Attempt attempt, Answer answer, boolean retried, Work work) {
    Duration took = Duration.ofNanos(time.nanos() - attempt.begun);
    requests++;
    requestNanos += took.toNanos();
    int number = attempt.mailbox.current.attempts;
    if (number > 1) {
      retries++;
    }
    if (!listener.isEmpty()) {
      String host = attempt.mailbox.lane.host.name();
      int status = answer instanceof Answer.Status it ? it.code() : 0;
      work.calls.add(() -> listener.attemptEnded(host, number, status, took, retried));
    }
  }

  void hostRecovered(Lane lane, Work work) {
    if (!listener.isEmpty()) {
      Duration failed = failing(lane);
      work.calls.add(() -> listener.hostRecovered(lane.host.name(), failed));
    }
  }

  void hostPaused(Lane lane, Duration pause, Work work) {
    hostsPaused++;
    hostPauses++;
    if (!listener.isEmpty()) {
      Duration failing = failing(lane);
      work.calls.add(() -> listener.hostPaused(lane.host.name(), pause, failing));
    }
  }

  void hostPauseIsOver() {
    hostsPaused--;
  }

  private Duration failing(Lane lane) {
    return Duration.ofNanos(time.nanos() - lane.failingSince);
  }

  SenderStatistics statistics(Mailboxes mailboxes, OnWire onWire, Waiters waiters) {
    return new SenderStatistics(
        mailboxes.size(),
        onWire.size(),
        hostsPaused,
        waiters.calls(),
        mailboxes.collapsed(),
        requests,
        retries,
        hostPauses,
        waiters.outcomes(),
        Duration.ofNanos(requestNanos));
  }
}
