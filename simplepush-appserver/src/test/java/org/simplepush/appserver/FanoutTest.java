package org.simplepush.appserver;

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
          Runnable::run,
          new Listeners(List.of()));

  private final AtomicInteger pulled = new AtomicInteger();
  private final List<Consumer<Verdict>> sinks = new ArrayList<>();
  private final List<URI> heard = new ArrayList<>();

  private Iterator<Integer> numbers(int end) {
    return IntStream.range(0, end).peek(n -> pulled.incrementAndGet()).iterator();
  }

  private CompletableFuture<Summary> start(
      Iterator<Integer> items, Fanout.Target<Integer> target, Executor executor) {
    sender.fanoutBegins();
    return new Fanout<>(
            items,
            target,
            n -> URI.create("https://push.example/" + n),
            (endpoint, verdict) -> heard.add(endpoint),
            sender,
            executor,
            WINDOW)
        .start();
  }

  private CompletableFuture<Summary> start(Iterator<Integer> items) {
    return start(items, (n, sink) -> sinks.add(sink), Runnable::run);
  }

  private void answer(Verdict verdict) {
    sinks.remove(0).accept(verdict);
  }

  @AfterEach
  void everyFanOutHasEnded() {
    sender.close(Duration.ofDays(1));
    assertThat(sender.finished()).isDone();
  }

  @Test
  void pullsAgainWhenAQuarterOfTheWindowIsFree() {
    CompletableFuture<Summary> future = start(numbers(12));
    assertThat(pulled).hasValue(8);
    answer(new Verdict.Accepted());
    assertThat(pulled).hasValue(8);
    answer(new Verdict.Accepted());
    assertThat(pulled).hasValue(10);
    assertThat(sinks).hasSize(8);
    while (!sinks.isEmpty()) {
      assertThat(future).isNotDone();
      answer(new Verdict.Accepted());
    }
    assertThat(future).isCompletedWithValue(new Summary(12, 0, 0, 0, 0, 0, true));
    assertThat(heard).hasSize(12);
  }

  @Test
  void verdictsAreCountedByKind() {
    CompletableFuture<Summary> future = start(numbers(7));
    answer(new Verdict.Accepted(true));
    answer(new Verdict.Accepted());
    answer(new Verdict.Gone(410));
    answer(new Verdict.Rejected(400, "Wrong."));
    answer(EndpointGuard.refusedAddress());
    answer(new Verdict.Failed(Verdict.Cause.BUSY, 1, "Busy."));
    answer(new Verdict.Gone(404));
    Summary summary = future.join();
    assertThat(summary).isEqualTo(new Summary(2, 1, 2, 1, 1, 1, true));
    assertThat(summary.total()).isEqualTo(7);
  }

  @Test
  void executorThatTakesNoTasksEndsItOnThisThread() {
    CompletableFuture<Summary> future =
        start(
            numbers(20),
            (n, sink) -> sinks.add(sink),
            task -> {
              throw new RejectedExecutionException("shut down");
            });
    while (!sinks.isEmpty()) {
      answer(new Verdict.Accepted());
    }
    assertThat(future).isCompletedWithValue(new Summary(20, 0, 0, 0, 0, 0, true));
  }

  @Test
  void closedSenderCutsItShort() {
    CompletableFuture<Summary> future = start(numbers(20));
    sender.close(Duration.ZERO);
    time.advance(Duration.ZERO);
    assertThat(sender.isClosed()).isTrue();
    while (!sinks.isEmpty()) {
      answer(new Verdict.Accepted());
    }
    assertThat(future).isCompletedWithValue(new Summary(8, 0, 0, 0, 0, 0, false));
  }

  @Test
  void cancelledFutureCutsItShort() {
    CompletableFuture<Summary> future = start(numbers(20));
    future.cancel(true);
    while (!sinks.isEmpty()) {
      answer(new Verdict.Accepted());
    }
    assertThat(heard).hasSize(8);
  }

  @Test
  void openSenderIsNotFinishedBeforeTheLastVerdict() {
    CompletableFuture<Summary> future = start(numbers(2));
    sender.close(Duration.ofDays(1));
    answer(new Verdict.Accepted());
    assertThat(sender.finished()).isNotDone();
    answer(new Verdict.Accepted());
    assertThat(sender.finished()).isDone();
    assertThat(future).isCompletedWithValue(new Summary(2, 0, 0, 0, 0, 0, true));
  }

  @Test
  void targetThatThrowsFailsOneAndTheOthersGoOn() {
    CompletableFuture<Summary> future =
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
      answer(new Verdict.Accepted());
    }
    assertThat(future).isCompletedWithValue(new Summary(18, 0, 0, 0, 0, 2, true));
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
    CompletableFuture<Summary> future =
        start(
            numbers(100),
            (n, sink) -> {
              assertThat(depth.incrementAndGet()).isEqualTo(1); // one pull, not one within another
              sink.accept(new Verdict.Gone(404));
              depth.decrementAndGet();
            },
            Runnable::run);
    assertThat(future).isCompletedWithValue(new Summary(0, 0, 100, 0, 0, 0, true));
  }
}
