package org.simplepush.appserver;

import java.net.URI;
import java.util.Iterator;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends to many endpoints in bounded memory: what to send is pulled only while less than a window
 * of it waits for the verdict, or for the listener to have heard it.
 *
 * <p>Concurrency: the iterator belongs to whoever runs {@link #pull}, at most one thread at a time;
 * the flag {@code pulling}, guarded by this object's lock, hands it on. The counters of verdicts
 * belong likewise to the thread that delivers ({@link VerdictQueue}). No lock is held while the
 * iterator, the sender or the listener is called.
 */
final class Fanout<T> {
  private static final Logger log = LoggerFactory.getLogger(Fanout.class);

  /** Sends to one endpoint and calls back once, perhaps at once. */
  interface Target<T> {
    void send(T item, Consumer<Verdict> sink);
  }

  private final Iterator<? extends T> items;
  private final Target<T> target;
  private final Function<T, URI> endpointOf;
  private final VerdictQueue verdicts;
  private final Sender sender;
  private final Executor executor;
  private final int window;
  private final CompletableFuture<Summary> future = new CompletableFuture<>();

  // Guarded by this.
  private int outstanding;
  private boolean pulling;
  private boolean exhausted;
  private boolean cut;
  private @Nullable Throwable failure;
  private boolean finished;

  // Of the thread that delivers.
  private final VerdictTally tally = new VerdictTally();

  Fanout(
      Iterator<? extends T> items,
      Target<T> target,
      Function<T, URI> endpointOf,
      VerdictListener listener,
      Sender sender,
      Executor executor,
      int window) {
    this.items = items;
    this.target = target;
    this.endpointOf = endpointOf;
    this.verdicts = new VerdictQueue(listener);
    this.sender = sender;
    this.executor = executor;
    this.window = window;
  }

  /** Begins, for a sender that let this fan-out in. */
  CompletableFuture<Summary> start() {
    pulling = true;
    pullElsewhere();
    return future;
  }

  private void pullElsewhere() {
    try {
      executor.execute(this::pull);
    } catch (RuntimeException | Error e) { // shut down, or no memory for a thread
      log.debug("The executor takes no more tasks; going on with the fan-out here.", e);
      pull();
    }
  }

  private void pull() {
    while (true) {
      synchronized (this) {
        if (outstanding >= window) {
          pulling = false; // a delivery will go on
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
      } catch (RuntimeException | Error e) { // no verdict on this one, but on the others
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
          new Verdict.Failed(
              Verdict.Cause.INTERNAL, 0, "The notifier failed to send it; see the log."));
    }
  }

  /** One of many, which gets one verdict. */
  private final class Element implements Consumer<Verdict>, Runnable {
    private final URI endpoint;
    private @Nullable Verdict verdict; // guarded by this

    Element(URI endpoint) {
      this.endpoint = endpoint;
    }

    @Override
    public void accept(Verdict verdict) {
      synchronized (this) {
        if (this.verdict != null) {
          return; // it threw after it had called back
        }
        this.verdict = verdict;
      }
      verdicts.deliver(endpoint, verdict, this);
    }

    /** The listener has heard it. */
    @Override
    public void run() {
      Verdict heard;
      synchronized (this) {
        heard = Objects.requireNonNull(verdict);
      }
      heard(heard);
    }
  }

  /** Returns the next item, or null if there is none or none is wanted. */
  private @Nullable T next() {
    try {
      if (!items.hasNext()) {
        return null;
      }
      if (sender.isClosed() || future.isDone()) {
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

  private void heard(Verdict verdict) {
    tally.count(verdict);
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
    if (broken != null) {
      future.completeExceptionally(broken);
    } else {
      future.complete(
          new Summary(
              tally.accepted,
              tally.stale,
              tally.gone,
              tally.rejected,
              tally.refused,
              tally.failed,
              complete));
    }
    sender.fanoutEnds();
  }
}
