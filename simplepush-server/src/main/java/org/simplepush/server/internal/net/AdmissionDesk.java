package org.simplepush.server.internal.net;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.internal.DaemonThreads;
import org.simplepush.server.Admission;
import org.simplepush.server.internal.Throttle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks the embedder's {@link Admission} on a thread of its own, so that event loops never wait for
 * it. Safe for use by many threads.
 */
public final class AdmissionDesk implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(AdmissionDesk.class);

  private static final int QUIET_SECONDS = 60;

  /** So many devices wait for their turn, whether or not they are still there; one more is not. */
  private static final int MAX_WAITING = 4096;

  private final Admission hook;
  private final ThreadPoolExecutor thread;
  private final Throttle warnings = new Throttle(QUIET_SECONDS, System::nanoTime);

  public AdmissionDesk(Admission hook, String name) {
    this.hook = hook;
    this.thread =
        new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(MAX_WAITING),
            DaemonThreads.named(name + "-admission"));
  }

  /**
   * Asks about a device. Cancelling the future cancels what the hook has returned.
   *
   * @return completes with the decision, on any thread; never if the future is forgotten about
   */
  CompletableFuture<Admission.Decision> ask(Admission.Request request) {
    CompletableFuture<Admission.Decision> answer = new CompletableFuture<>();
    try {
      thread.execute(() -> ask(request, answer));
    } catch (RejectedExecutionException e) {
      answer.completeExceptionally(e);
    }
    return answer;
  }

  private void ask(Admission.Request request, CompletableFuture<Admission.Decision> answer) {
    if (answer.isDone()) {
      return; // it has left meanwhile
    }
    try {
      CompletionStage<Admission.Decision> stage = hook.admit(request);
      stage.whenComplete((decision, failure) -> complete(answer, decision, failure));
      CompletionStage<Admission.Decision> answered = answer;
      answered.whenComplete((decision, failure) -> cancel(stage, answer));
    } catch (Throwable e) { // whatever it is, it is about this device only
      answer.completeExceptionally(e);
    }
  }

  private static void complete(
      CompletableFuture<Admission.Decision> answer,
      Admission.@Nullable Decision decision,
      @Nullable Throwable failure) {
    if (decision != null) {
      answer.complete(decision);
    } else {
      answer.completeExceptionally(
          failure != null ? failure : new NullPointerException("The decision is null"));
    }
  }

  /** Not on the loop, for whatever hangs on the stage is not ours. */
  private void cancel(
      CompletionStage<Admission.Decision> stage, CompletableFuture<Admission.Decision> answer) {
    if (answer.isCancelled()) {
      try {
        thread.execute(() -> cancel(stage));
      } catch (RejectedExecutionException e) {
        log.debug("The admission hook is not told that a device has left", e);
      }
    }
  }

  private static void cancel(CompletionStage<Admission.Decision> stage) {
    try {
      stage.toCompletableFuture().cancel(false);
    } catch (RuntimeException e) {
      log.debug("What the admission hook returned cannot be cancelled", e);
    }
  }

  /** Tells the operator, now and then, why devices are refused that nobody decided about. */
  void failed(Throwable failure) {
    if (warnings.tryPass()) {
      log.warn("The admission hook gave no decision, and the device is told 503", failure);
    }
  }

  @Override
  public void close() {
    thread.shutdownNow();
  }
}
