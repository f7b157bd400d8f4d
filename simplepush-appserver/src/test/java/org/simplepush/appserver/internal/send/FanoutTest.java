package org.simplepush.appserver.internal.send;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.appserver.internal.CallbackExecutor;
import org.simplepush.appserver.internal.http.EndpointGuard;
import org.simplepush.appserver.testing.FakeTime;
import org.simplepush.appserver.testing.FakeTransport;
import org.simplepush.appserver.testing.RecordingListener;
import org.simplepush.core.internal.Backoff;

/** Without threads: verdicts come when the test hands them over. */
@Timeout(30)
class FanoutTest {
  private static final int WINDOW = 8;

  private final FakeTime time = new FakeTime();
  private final Sender sender =
      new Sender(
          new Sender.Settings(
              Duration.ofMinutes(5),
              Duration.ofSeconds(30),
              new Backoff(Duration.ofMillis(500), Duration.ofMinutes(1)),
              Duration.ofMinutes(2),
              64,
              256,
              1000),
          new FakeTransport(),
          time,
          new Random(1),
          new CallbackExecutor(Runnable::run),
          RecordingListener.NOBODY);

  private final AtomicInteger pulled = new AtomicInteger();
  private final List<Consumer<Outcome>> sinks = new ArrayList<>();
  private final List<URI> heard = new ArrayList<>();

  private Iterator<Integer> numbers(int end) {
    return IntStream.range(0, end).peek(n -> pulled.incrementAndGet()).iterator();
  }

  private CompletableFuture<Ended> start(
      Iterator<Integer> items, Fanout.Target<Integer> target, Executor executor) {
    sender.fanoutBegins();
    CompletableFuture<Ended> future = new CompletableFuture<>();
    new Fanout<>(
            items,
            target,
            n -> URI.create("https://push.example/" + n),
            (endpoint, outcome) -> heard.add(endpoint),
            new End(future),
            sender,
            new CallbackExecutor(executor),
            WINDOW)
        .start();
    return future;
  }

  /** How a fan-out ended. */
  private record Ended(OutcomeTally.Counts outcomes, boolean complete) {
    Ended(
        long accepted,
        long stale,
        long gone,
        long rejected,
        long refused,
        long failed,
        boolean complete) {
      this(new OutcomeTally.Counts(accepted, stale, gone, rejected, refused, failed), complete);
    }
  }

  /** Completes a future, as the notifier does. */
  private record End(CompletableFuture<Ended> future) implements Fanout.End {
    @Override
    public boolean isKnown() {
      return future.isDone();
    }

    @Override
    public void ended(OutcomeTally.Counts outcomes, boolean complete) {
      future.complete(new Ended(outcomes, complete));
    }

    @Override
    public void failed(Throwable failure) {
      future.completeExceptionally(failure);
    }
  }

  private CompletableFuture<Ended> start(Iterator<Integer> items) {
    return start(items, (n, sink) -> sinks.add(sink), Runnable::run);
  }

  private void answer(Outcome verdict) {
    sinks.remove(0).accept(verdict);
  }

  @AfterEach
  void everyFanOutHasEnded() {
    sender.close(Duration.ofDays(1));
    assertThat(sender.finished()).isDone();
  }

  @Test
  void pullsAgainWhenAQuarterOfTheWindowIsFree() {
    CompletableFuture<Ended> future = start(numbers(12));
    assertThat(pulled).hasValue(8);
    answer(new Outcome.Accepted());
    assertThat(pulled).hasValue(8);
    answer(new Outcome.Accepted());
    assertThat(pulled).hasValue(10);
    assertThat(sinks).hasSize(8);
    while (!sinks.isEmpty()) {
      assertThat(future).isNotDone();
      answer(new Outcome.Accepted());
    }
    assertThat(future).isCompletedWithValue(new Ended(12, 0, 0, 0, 0, 0, true));
    assertThat(heard).hasSize(12);
  }

  @Test
  void verdictsAreCountedByKind() {
    CompletableFuture<Ended> future = start(numbers(7));
    answer(new Outcome.Accepted(true));
    answer(new Outcome.Accepted());
    answer(new Outcome.Gone(410));
    answer(new Outcome.Rejected(400, "Wrong."));
    answer(EndpointGuard.refusedAddress());
    answer(new Outcome.Failed(Outcome.Cause.BUSY, 1, "Busy."));
    answer(new Outcome.Gone(404));
    Ended ended = future.join();
    assertThat(ended).isEqualTo(new Ended(2, 1, 2, 1, 1, 1, true));
  }

  @Test
  void executorThatTakesNoTasksEndsItOnThisThread() {
    CompletableFuture<Ended> future =
        start(
            numbers(20),
            (n, sink) -> sinks.add(sink),
            task -> {
              throw new RejectedExecutionException("shut down");
            });
    while (!sinks.isEmpty()) {
      answer(new Outcome.Accepted());
    }
    assertThat(future).isCompletedWithValue(new Ended(20, 0, 0, 0, 0, 0, true));
  }

  @Test
  void closedSenderCutsItShort() {
    CompletableFuture<Ended> future = start(numbers(20));
    sender.close(Duration.ZERO);
    time.advance(Duration.ZERO);
    assertThat(sender.isClosed()).isTrue();
    while (!sinks.isEmpty()) {
      answer(new Outcome.Accepted());
    }
    assertThat(future).isCompletedWithValue(new Ended(8, 0, 0, 0, 0, 0, false));
  }

  @Test
  void cancelledFutureCutsItShort() {
    CompletableFuture<Ended> future = start(numbers(20));
    future.cancel(true);
    while (!sinks.isEmpty()) {
      answer(new Outcome.Accepted());
    }
    assertThat(heard).hasSize(8);
  }

  @Test
  void openSenderIsNotFinishedBeforeTheLastVerdict() {
    CompletableFuture<Ended> future = start(numbers(2));
    sender.close(Duration.ofDays(1));
    answer(new Outcome.Accepted());
    assertThat(sender.finished()).isNotDone();
    answer(new Outcome.Accepted());
    assertThat(sender.finished()).isDone();
    assertThat(future).isCompletedWithValue(new Ended(2, 0, 0, 0, 0, 0, true));
  }

  @Test
  void targetThatThrowsFailsOneAndTheOthersGoOn() {
    CompletableFuture<Ended> future =
        start(
            numbers(20),
            (n, sink) -> {
              if (n == 3) {
                throw new StackOverflowError("thrown by the test's target");
              }
              sinks.add(sink);
              if (n == 5) {
                throw new IllegalStateException("thrown by the test's target after it called back");
              }
            },
            Runnable::run);
    while (!sinks.isEmpty()) {
      assertThat(future).isNotDone();
      answer(new Outcome.Accepted());
    }
    assertThat(future).isCompletedWithValue(new Ended(18, 0, 0, 0, 0, 2, true));
    assertThat(heard).hasSize(20);
  }

  @Test
  void nullIsNoEndpoint() {
    List<Integer> items = new ArrayList<>();
    items.add(null);
    assertThatThrownBy(start(items.iterator())::join)
        .hasRootCauseInstanceOf(NullPointerException.class)
        .hasRootCauseMessage("an endpoint");
  }

  @Test
  void verdictsThatComeAtOnceEndItToo() {
    AtomicInteger depth = new AtomicInteger();
    CompletableFuture<Ended> future =
        start(
            numbers(100),
            (n, sink) -> {
              assertThat(depth.incrementAndGet()).isEqualTo(1); // one pull, not one within another
              sink.accept(new Outcome.Gone(404));
              depth.decrementAndGet();
            },
            Runnable::run);
    assertThat(future).isCompletedWithValue(new Ended(0, 0, 100, 0, 0, 0, true));
  }
}
