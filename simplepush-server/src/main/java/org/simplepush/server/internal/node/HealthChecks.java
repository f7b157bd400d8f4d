package org.simplepush.server.internal.node;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.simplepush.core.VersionStore;
import org.simplepush.core.internal.DaemonThreads;
import org.simplepush.server.internal.FailureLog;
import org.simplepush.server.internal.keys.KeyKeeper;

/**
 * Checks the health of a server and of its store. A check takes a thread and a connection, so many
 * who ask share one. Safe for use by many threads.
 */
final class HealthChecks {
  private static final long SHARED_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final VersionStore store;
  private final KeyKeeper keys;
  private final FailureLog failures;

  /** Guards the check that runs, if any, and when it began. */
  private final Object lock = new Object();

  private CompletableFuture<Void> running = CompletableFuture.completedFuture(null);
  private long start;

  HealthChecks(VersionStore store, KeyKeeper keys, FailureLog failures) {
    this.store = store;
    this.keys = keys;
    this.failures = failures;
  }

  /** Returns the check that runs, or else that of a new one on a thread of this name. */
  CompletionStage<Void> check(ServerHealth health, String threadName) {
    synchronized (lock) {
      long nanos = System.nanoTime();
      if (running.isDone() || nanos - start > SHARED_NANOS) {
        running = begin(health, threadName);
        start = nanos;
      }
      return running.copy();
    }
  }

  private CompletableFuture<Void> begin(ServerHealth health, String threadName) {
    CompletableFuture<Void> result = new CompletableFuture<>();
    try {
      DaemonThreads.make(threadName, () -> check(health, result)).start();
    } catch (OutOfMemoryError e) {
      result.completeExceptionally(new IOException("The process cannot start a thread", e));
    }
    return result;
  }

  private void check(ServerHealth health, CompletableFuture<Void> result) {
    try {
      health.check();
      if (failures.ranOutOfMemory()) {
        throw new IOException(
            "The process was out of memory, so something may have been lost; restart the server");
      }
      store
          .check()
          .thenCompose(done -> keys.check())
          .whenComplete(
              (done, failure) -> {
                if (failure == null) {
                  result.complete(null);
                } else if (failure instanceof CompletionException && failure.getCause() != null) {
                  result.completeExceptionally(failure.getCause());
                } else {
                  result.completeExceptionally(failure);
                }
              });
    } catch (Throwable e) {
      result.completeExceptionally(e);
    }
  }
}
