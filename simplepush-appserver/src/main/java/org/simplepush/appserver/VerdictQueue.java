package org.simplepush.appserver;

import java.net.URI;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands verdicts to a listener one at a time, whichever threads bring them. No lock is held while
 * the listener is called: a thread that comes meanwhile leaves its verdict to the one that is
 * delivering. Thread-safe.
 */
final class VerdictQueue {
  private static final Logger log = LoggerFactory.getLogger(VerdictQueue.class);

  private record Delivery(URI endpoint, Verdict verdict, Runnable heard) {}

  private final VerdictListener listener;
  private final Queue<Delivery> deliveries = new ConcurrentLinkedQueue<>();
  private final AtomicInteger undelivered = new AtomicInteger();

  VerdictQueue(VerdictListener listener) {
    this.listener = listener;
  }

  /**
   * Delivers a verdict, before this returns or on the thread that is delivering.
   *
   * @param heard runs when the listener has returned, one at a time too; throws nothing
   */
  void deliver(URI endpoint, Verdict verdict, Runnable heard) {
    deliveries.add(new Delivery(endpoint, verdict, heard));
    if (undelivered.getAndIncrement() > 0) {
      return;
    }
    do {
      Delivery next = Objects.requireNonNull(deliveries.poll());
      try {
        listener.onVerdict(next.endpoint(), next.verdict());
      } catch (RuntimeException | Error e) { // must not keep the other verdicts back
        Faults.warn(log, "A verdict listener threw", e);
      }
      Faults.contain(log, "A verdict was not counted", next.heard());
    } while (undelivered.decrementAndGet() > 0);
  }
}
