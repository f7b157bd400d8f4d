package org.simplepush.appserver.internal.send;

import java.net.URI;
import java.util.Iterator;
import java.util.Objects;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.CallbackExecutor;
import org.simplepush.appserver.internal.Faults;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends to many endpoints in bounded memory: items are pulled only while fewer than a window of
 * them wait for their outcome, or for the listener to return.
 *
 * <p>Concurrency: the iterator belongs to the thread that runs {@link #pull}, one at a time; the
 * flag {@code pulling}, guarded by this object's lock, hands it on. The counters of outcomes belong
 * likewise to the thread that delivers ({@link OutcomeQueue}). No lock is held while the iterator,
 * the sender or the listener is called.
 */
public final class Fanout<T> {
  private static final Logger log = LoggerFactory.getLogger(Fanout.class);

  /** Sends to one endpoint and calls back once, perhaps before it returns. */
  public interface Target<T> {
    void send(T item, Consumer<Outcome> sink);
  }

  /** Wants to know how a fan-out ends. */
  public interface End {
    /**
     * Whether the end is known already, because somebody has cancelled it: nothing more is sent.
     */
    boolean isKnown();

    /**
     * All outcomes are in.
     *
     * @param complete whether every item was sent
     */
    void ended(OutcomeTally.Counts outcomes, boolean complete);

    /** All outcomes are in of what was sent; the iterator failed. */
    void failed(Throwable failure);
  }

  private final Iterator<? extends T> items;
  private final Target<T> target;
  private final Function<T, URI> endpointOf;
  private final OutcomeQueue outcomes;
  private final Sender sender;
  private final CallbackExecutor executor;
  private final int window;
  private final End end;

  // Guarded by this.
  private int outstanding;
  private boolean pulling;
  private boolean exhausted;
  private boolean cut;
  private @Nullable Throwable failure;
  private boolean finished;

  // Of the thread that delivers.
  private final OutcomeTally tally = new OutcomeTally();

  Fanout(
      Iterator<? extends T> items,
      Target<T> target,
      Function<T, URI> endpointOf,
      BiConsumer<URI, Outcome> listener,
      End end,
      Sender sender,
      CallbackExecutor executor,
      int window) {
    this.items = items;
    this.target = target;
    this.endpointOf = endpointOf;
    this.outcomes = new OutcomeQueue(listener);
    this.end = end;
    this.sender = sender;
    this.executor = executor;
    this.window = window;
  }

  /** Begins, for a sender that let this fan-out in. */
  void start() {
    synchronized (this) {
      pulling = true;
    }
    pullElsewhere();
  }

  private void pullElsewhere() {
    try {
      executor.execute(this::pull);
    } catch (RuntimeException | Error e) { // shut down, or no memory for a thread
      log.debug("The executor takes no more tasks; pulling inline.", e);
      executor.runInline(this::pull);
    }
  }

  private void pull() {
    while (true) {
      synchronized (this) {
        if (outstanding >= window) {
          pulling = false; // a delivery will pull again
          return;
        }
        outstanding++;
      }
      T item = next();
      if (item == null) {
        break;
      }
      try {
        send(item);
      } catch (RuntimeException | Error e) { // no outcome of this one, but of the others
        failed(e);
        synchronized (this) {
          outstanding--;
        }
      }
    }
    synchronized (this) {
      outstanding--;
      exhausted = true;
      pulling = false;
    }
    finishIfDone();
  }

  /** Sends one item. If that throws, which is a bug, this item has failed and the others go on. */
  private void send(T item) {
    Element element = new Element(endpointOf.apply(item));
    try {
      target.send(item, element);
    } catch (RuntimeException | Error e) {
      Faults.report(log, "One of many could not be sent", e);
      element.accept(
          new Outcome.Failed(
              Outcome.Cause.INTERNAL, 0, "The notifier failed to send it; see the log."));
    }
  }

  /** One of many, which gets one outcome. */
  private final class Element implements Consumer<Outcome>, Runnable {
    private final URI endpoint;
    private @Nullable Outcome outcome; // guarded by this

    Element(URI endpoint) {
      this.endpoint = endpoint;
    }

    @Override
    public void accept(Outcome outcome) {
      synchronized (this) {
        if (this.outcome != null) {
          return; // it threw after it had called back
        }
        this.outcome = outcome;
      }
      outcomes.deliver(endpoint, outcome, this);
    }

    /** The listener has returned. */
    @Override
    public void run() {
      Outcome known;
      synchronized (this) {
        known = Objects.requireNonNull(outcome);
      }
      handled(known);
    }
  }

  /** Returns the next item, or null if there is none or none is wanted. */
  private @Nullable T next() {
    try {
      if (!items.hasNext()) {
        return null;
      }
      if (sender.isClosed() || end.isKnown()) {
        synchronized (this) {
          cut = true;
        }
        return null;
      }
      return Objects.requireNonNull(items.next(), "an endpoint");
    } catch (RuntimeException | Error e) {
      failed(e);
      return null;
    }
  }

  private synchronized void failed(Throwable e) {
    failure = e;
  }

  private void handled(Outcome outcome) {
    tally.count(outcome);
    boolean pull;
    synchronized (this) {
      outstanding--;
      pull = !pulling && !exhausted && outstanding <= window / 4 * 3;
      pulling |= pull;
    }
    if (pull) {
      pullElsewhere();
    }
    finishIfDone();
  }

  private void finishIfDone() {
    Throwable broken;
    boolean complete;
    synchronized (this) {
      if (finished || !exhausted || outstanding > 0) {
        return;
      }
      finished = true;
      broken = failure;
      complete = !cut;
    }
    Faults.contain(
        log,
        "The end of a fan-out could not be handed over",
        () -> {
          if (broken != null) {
            end.failed(broken);
          } else {
            end.ended(tally.counts(), complete);
          }
        });
    sender.fanoutEnds();
  }
}
