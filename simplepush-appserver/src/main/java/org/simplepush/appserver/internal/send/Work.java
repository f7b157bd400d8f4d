package org.simplepush.appserver.internal.send;

import java.util.ArrayList;
import java.util.List;
import org.simplepush.appserver.internal.Faults;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What was decided under the lock of a {@link Sender}, to be done when the lock is free. Of one
 * thread at a time.
 */
final class Work implements Runnable {
  private static final Logger log = LoggerFactory.getLogger(Work.class);

  /** Requests to begin. */
  final List<Attempt> attempts = new ArrayList<>();

  /** Requests to cancel. */
  final List<Attempt> givenUp = new ArrayList<>();

  /** Outcomes for callers and events for listeners, in this order. */
  final List<Runnable> calls = new ArrayList<>();

  /** Whether the sender has ended, once the calls are made. */
  boolean finish;

  boolean isEmpty() {
    return attempts.isEmpty() && givenUp.isEmpty() && calls.isEmpty() && !finish;
  }

  /** Makes the calls. Each may throw. */
  @Override
  public void run() {
    for (Runnable call : calls) {
      Faults.contain(log, "A verdict could not be handed over", call);
    }
  }
}
