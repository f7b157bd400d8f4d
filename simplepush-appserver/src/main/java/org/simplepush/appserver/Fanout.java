package org.simplepush.appserver;

import java.net.URI;
import java.util.Iterator;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
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
    } catch (RejectedExecutionException e) {
      log.debug("The executor takes no more tasks; ending the fan-out here.", e);
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
      URI endpoint = endpointOf.apply(item);
      try {
        target.send(item, verdict -> verdicts.deliver(endpoint, verdict, () -> heard(verdict)));
      } catch (RuntimeException | Error e) { // a bug, but not one to wait for without end
        failed(e);
        break;
      }
    }
    synchronized (this) {
      outstanding--;
      exhausted = true;
      pulling = false;
    }
    finishIfDone();
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
