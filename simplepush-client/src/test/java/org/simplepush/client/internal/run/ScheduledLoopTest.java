package org.simplepush.client.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The real loop, on real schedulers. */
@Timeout(60)
class ScheduledLoopTest {
  private static final Duration LONG = Duration.ofHours(1);

  private final ScheduledThreadPoolExecutor scheduler = new ScheduledThreadPoolExecutor(1);
  private final List<ScheduledThreadPoolExecutor> substitutes = new ArrayList<>();
  private final LinkedBlockingQueue<Throwable> failures = new LinkedBlockingQueue<>();
  private final ScheduledLoop loop = new ScheduledLoop(scheduler, this::substitute, failures::add);
  private final LinkedBlockingQueue<String> ran = new LinkedBlockingQueue<>();

  private ScheduledExecutorService substitute() {
    ScheduledThreadPoolExecutor made = new ScheduledThreadPoolExecutor(1);
    substitutes.add(made);
    return made;
  }

  @AfterEach
  void shutDown() {
    scheduler.shutdownNow();
    substitutes.forEach(ScheduledThreadPoolExecutor::shutdownNow);
  }

  private void assertRan(String name) throws InterruptedException {
    assertThat(ran.poll(20, TimeUnit.SECONDS)).isEqualTo(name);
  }

  /** Runs it in the loop and waits for it. */
  private void inLoop(Runnable task) throws InterruptedException {
    CountDownLatch done = new CountDownLatch(1);
    loop.execute(
        () -> {
          try {
            task.run();
          } finally {
            done.countDown();
          }
        });
    assertThat(done.await(20, TimeUnit.SECONDS)).isTrue();
  }

  /** The last task may not have returned yet; what comes until then still runs after it. */
  private void awaitTakesNothing() {
    await().until(() -> !loop.tryExecute(() -> {}));
  }

  @Test
  void tasksAndTimersAreCurrentAndNothingElse() throws Exception {
    assertThat(loop.isCurrent()).isFalse();
    loop.execute(() -> ran.add("task " + loop.isCurrent()));
    assertRan("task true");
    inLoop(() -> loop.schedule(Duration.ofMillis(1), () -> ran.add("timer " + loop.isCurrent())));
    assertRan("timer true");
    scheduler.execute(() -> ran.add("other " + loop.isCurrent()));
    assertRan("other false");
  }

  @Test
  void taskAndTimerThatThrowStopNothingAndAreReported() throws Exception {
    Error first = new StackOverflowError("one of this test");
    loop.execute(
        () -> {
          throw first;
        });
    assertThat(failures.poll(20, TimeUnit.SECONDS)).isSameAs(first);
    Error second = new OutOfMemoryError("another one");
    inLoop(
        () ->
            loop.schedule(
                Duration.ZERO,
                () -> {
                  throw second;
                }));
    assertThat(failures.poll(20, TimeUnit.SECONDS)).isSameAs(second);
    loop.execute(() -> ran.add("next"));
    assertRan("next");
  }

  @Test
  void timerRunsAfterItsDelay() throws Exception {
    long before = System.nanoTime();
    inLoop(() -> loop.schedule(Duration.ofMillis(50), () -> ran.add("timer")));
    assertRan("timer");
    assertThat(System.nanoTime() - before).isGreaterThanOrEqualTo(50_000_000);
  }

  @Test
  void cancelledTimerIsTakenOutOfTheScheduler() throws Exception {
    scheduler.setRemoveOnCancelPolicy(true);
    Loop.Timer[] timer = new Loop.Timer[1];
    inLoop(() -> timer[0] = loop.schedule(LONG, () -> ran.add("timer")));
    assertThat(scheduler.getQueue()).hasSize(1);
    inLoop(() -> timer[0].cancel());
    assertThat(scheduler.getQueue()).isEmpty();
  }

  @Test
  void timerThatIsDueAlreadyCanBeCancelled() throws Exception {
    ScheduledThreadPoolExecutor threads = new ScheduledThreadPoolExecutor(2);
    try {
      ScheduledLoop busy = new ScheduledLoop(threads, this::substitute, failures::add);
      busy.execute(
          () -> {
            Loop.Timer timer = busy.schedule(Duration.ZERO, () -> ran.add("timer"));
            await().until(() -> threads.getCompletedTaskCount() == 1); // it waits for the loop
            timer.cancel();
          });
      busy.execute(() -> ran.add("next"));
      assertRan("next");
      busy.execute(() -> ran.add("last"));
      assertRan("last");
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void schedulerThatIsShutDownTakesNothing() throws Exception {
    assertThat(loop.isShutDown()).isFalse();
    assertThat(loop.tryExecute(() -> ran.add("before"))).isTrue();
    assertRan("before");
    scheduler.shutdown();
    assertThat(loop.isShutDown()).isTrue();
    awaitTakesNothing();
    loop.execute(() -> ran.add("after")); // dropped, and nothing is thrown
    assertThat(substitutes).isEmpty();
    assertThat(ran).isEmpty();
  }

  @Test
  void whatIsLeftIsDoneBySomebodyElseOnceTheLoopEnds() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    scheduler.execute(
        () -> {
          entered.countDown();
          try {
            goOn.await();
          } catch (InterruptedException e) {
            ran.add("interrupted");
          }
        });
    assertThat(entered.await(20, TimeUnit.SECONDS)).isTrue();
    loop.execute(() -> ran.add("thrown away"));
    scheduler.shutdownNow();
    assertRan("interrupted");
    loop.ending();
    loop.execute(() -> ran.add("last"));
    assertRan("thrown away");
    assertRan("last");
    inLoop(() -> loop.schedule(Duration.ofMillis(1), () -> ran.add("timer")));
    assertRan("timer");
    assertThat(substitutes).hasSize(1);
    assertThat(substitutes.get(0).isShutdown()).isFalse();
    loop.ended();
    assertThat(substitutes.get(0).isShutdown()).isTrue();
    awaitTakesNothing();
    assertThat(substitutes).hasSize(1);
  }

  @Test
  void loopThatEndsOnASchedulerThatRunsNeedsNobodyElse() throws Exception {
    loop.ending();
    loop.execute(() -> ran.add("a"));
    assertRan("a");
    loop.ended();
    scheduler.shutdown();
    awaitTakesNothing();
    assertThat(substitutes).isEmpty();
  }

  @Test
  void timerOfASchedulerThatIsShutDownIsDropped() throws Exception {
    CountDownLatch done = new CountDownLatch(1);
    loop.execute(
        () -> {
          scheduler.shutdown();
          Loop.Timer timer = loop.schedule(Duration.ZERO, () -> ran.add("timer"));
          timer.cancel();
          done.countDown();
        });
    assertThat(done.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(scheduler.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
    assertThat(ran).isEmpty();
  }

  @Test
  void clocksAreTheSystems() {
    long nanos = System.nanoTime();
    assertThat(loop.nanoTime() - nanos).isBetween(0L, TimeUnit.MINUTES.toNanos(1));
    assertThat(loop.wallTime() - System.currentTimeMillis())
        .isBetween(-TimeUnit.MINUTES.toMillis(1), TimeUnit.MINUTES.toMillis(1));
  }
}
