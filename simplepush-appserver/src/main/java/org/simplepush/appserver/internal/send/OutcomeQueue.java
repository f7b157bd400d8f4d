package org.simplepush.appserver.internal.send;

import java.net.URI;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiConsumer;
import org.simplepush.appserver.internal.Faults;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands outcomes to a listener one at a time, whichever threads bring them. No lock is held while
 * the listener is called: a thread that comes while another delivers leaves its outcome to that
 * one. Thread-safe.
 */
public final class OutcomeQueue {
  private static final Logger log = LoggerFactory.getLogger(OutcomeQueue.class);

  private record Delivery(URI endpoint, Outcome outcome, Runnable handled) {
    @Override
    public String toString() {
      return "Delivery[" + outcome + "]"; // not the endpoint, which is a secret
    }
  }

  private final BiConsumer<URI, Outcome> listener;
  private final Queue<Delivery> deliveries = new ConcurrentLinkedQueue<>();
  private final AtomicInteger undelivered = new AtomicInteger();

  /** Creates a queue to one listener, which may throw. */
  public OutcomeQueue(BiConsumer<URI, Outcome> listener) {
    this.listener = listener;
  }

  /**
   * Delivers an outcome, before this returns or on the thread that is delivering.
   *
   * @param handled runs when the listener has returned, also one at a time
   */
  public void deliver(URI endpoint, Outcome outcome, Runnable handled) {
    deliveries.add(new Delivery(endpoint, outcome, handled));
    if (undelivered.getAndIncrement() > 0) {
      return;
    }
    do {
      Delivery next = Objects.requireNonNull(deliveries.poll());
      try {
        listener.accept(next.endpoint(), next.outcome());
      } catch (RuntimeException | Error e) { // must not keep the other verdicts back
        Faults.warn(log, "A verdict listener threw", e);
      }
      Faults.contain(log, "A verdict was not counted", next.handled());
    } while (undelivered.decrementAndGet() > 0);
  }
}
