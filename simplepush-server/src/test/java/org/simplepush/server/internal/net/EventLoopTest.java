package org.simplepush.server.internal.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.channels.SelectionKey;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.simplepush.server.internal.FailureLog;

@Timeout(30)
@DisplayName("An event loop whose turn other threads may take")
class EventLoopTest {
  private static final String NAME = "test-loop";

  private final List<Throwable> deaths = new ArrayList<>();
  private EventLoop loop;

  @BeforeEach
  void start() throws IOException {
    loop = new EventLoop(NAME, deaths::add, new FailureLog(null, System::nanoTime));
    loop.start();
    CountDownLatch started = new CountDownLatch(1);
    loop.execute(started::countDown); // else what is done here may come before its first wait
    await(started);
  }

  @AfterEach
  void stop() throws InterruptedException {
    loop.stop();
    assertThat(loop.join(10_000)).as("the loop ended").isTrue();
    assertThat(loop.hasEnded()).isTrue();
  }

  @Test
  @DisplayName("runs a task on the calling thread while it waits for sockets")
  void here() {
    AtomicBoolean current = new AtomicBoolean();
    here(() -> current.set(loop.isCurrent()));
    assertThat(current).as("has the turn meanwhile").isTrue();
    assertThat(loop.isCurrent()).isFalse();
  }

  @Test
  @DisplayName("runs it later on its own thread while it is busy, and does not keep the caller")
  void later() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    loop.execute(
        () -> {
          entered.countDown();
          await(release);
        });
    await(entered);
    CompletableFuture<String> ranOn = new CompletableFuture<>();
    loop.executeInline(() -> ranOn.complete(Thread.currentThread().getName()));
    assertThat(ranOn).isNotDone();
    release.countDown();
    assertThat(ranOn.get()).isEqualTo(NAME);
  }

  @Test
  @DisplayName("lets a second caller go on while the first has the turn")
  void secondCaller() throws Exception {
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    Thread first =
        new Thread(
            () ->
                here(
                    () -> {
                      entered.countDown();
                      await(release);
                    }));
    first.start();
    await(entered);
    CompletableFuture<Boolean> second = new CompletableFuture<>();
    loop.executeInline(() -> second.complete(release.getCount() == 0));
    assertThat(second).isNotDone();
    release.countDown();
    assertThat(second.get()).as("the second ran after the first").isTrue();
    first.join();
  }

  @Test
  @DisplayName("runs the tasks of a thread in their order, here or later")
  void order() throws Exception {
    int tasks = 20_000;
    List<Integer> ran = new ArrayList<>(); // only touched in turns
    CompletableFuture<Void> done = new CompletableFuture<>();
    for (int i = 0; i < tasks; i++) {
      int number = i;
      Runnable task = () -> ran.add(number);
      if (i % 3 == 0) {
        loop.execute(task);
      } else {
        loop.executeInline(task);
      }
    }
    loop.execute(() -> done.complete(null));
    done.get();
    assertThat(ran).hasSize(tasks).isSorted();
  }

  @Test
  @DisplayName("runs what a task asks for after that task")
  void notNested() throws Exception {
    List<String> ran = new ArrayList<>();
    CompletableFuture<Void> done = new CompletableFuture<>();
    here(
        () -> {
          loop.executeInline(() -> ran.add("asked for"));
          loop.execute(() -> done.complete(null));
          loop.atEndOfTurn(() -> ran.add("end of turn"));
          ran.add("first");
        });
    done.get();
    assertThat(ran).containsExactly("first", "asked for", "end of turn");
  }

  @Test
  @DisplayName("runs all tasks of many threads, one at a time")
  void manyThreads() throws Exception {
    int threads = 4;
    int each = 20_000;
    int[] unguarded = new int[1];
    CountDownLatch done = new CountDownLatch(threads * each);
    List<Thread> callers = new ArrayList<>();
    for (int i = 0; i < threads; i++) {
      Thread caller =
          new Thread(
              () -> {
                for (int j = 0; j < each; j++) {
                  loop.executeInline(
                      () -> {
                        unguarded[0]++;
                        done.countDown();
                      });
                }
              });
      callers.add(caller);
      caller.start();
    }
    for (Thread caller : callers) {
      caller.join();
    }
    done.await();
    CompletableFuture<Integer> sum = new CompletableFuture<>();
    loop.execute(() -> sum.complete(unguarded[0]));
    assertThat(sum.get()).isEqualTo(threads * each);
  }

  @Test
  @DisplayName("leaves to its own thread what is too much for a caller")
  void tooMuchForACaller() throws Exception {
    int tasks = 1_000;
    List<Thread> ranOn = new ArrayList<>(); // only touched in turns
    CompletableFuture<Void> done = new CompletableFuture<>();
    here(
        () -> {
          for (int i = 0; i < tasks; i++) {
            loop.execute(() -> ranOn.add(Thread.currentThread()));
          }
          loop.execute(() -> done.complete(null));
        });
    done.get();
    assertThat(ranOn).hasSize(tasks);
    assertThat(ranOn.stream().filter(Thread.currentThread()::equals).count()).isBetween(1L, 100L);
  }

  /** Cannot be logged: that calls {@link #toString}. */
  private static final class Unspeakable extends RuntimeException {
    private static final long serialVersionUID = 1;

    @Override
    public String toString() {
      throw new Unspeakable();
    }
  }

  static List<Throwable> thrown() {
    return List.of(
        new IllegalStateException("thrown"),
        new StackOverflowError("thrown"),
        new OutOfMemoryError("thrown"),
        new NoClassDefFoundError("thrown"),
        new Unspeakable());
  }

  @ParameterizedTest
  @MethodSource("thrown")
  @DisplayName("goes on with the others whatever one of them throws: task, timer, end, channel")
  void isolation(Throwable failure) throws Exception {
    Runnable failing =
        () -> {
          throw EventLoopTest.<RuntimeException>unchecked(failure);
        };
    List<Pipe> pipes = List.of(Pipe.open(), Pipe.open());
    CountDownLatch others = new CountDownLatch(4);
    loop.execute(
        () -> {
          loop.execute(failing);
          loop.schedule(1, failing);
          loop.atEndOfTurn(failing);
          registerFailing(pipes.get(0), failing);
          loop.execute(others::countDown);
          loop.schedule(1, others::countDown);
          loop.atEndOfTurn(others::countDown);
          registerFailing(pipes.get(1), others::countDown);
        });
    for (Pipe pipe : pipes) {
      pipe.sink().write(ByteBuffer.allocate(1));
    }
    await(others);
    for (Pipe pipe : pipes) {
      pipe.sink().close();
      pipe.source().close();
    }
  }

  /** Lets the loop run this when a pipe is readable, once, and fail at its end as well. */
  private void registerFailing(Pipe pipe, Runnable action) {
    EventLoop.Handler handler =
        new EventLoop.Handler() {
          @Override
          public void onReady(SelectionKey key) throws IOException {
            loop.close(key);
            action.run();
          }

          @Override
          public void onFailure(Throwable failure) {
            action.run();
          }
        };
    try {
      pipe.source().configureBlocking(false);
      loop.register(pipe.source(), SelectionKey.OP_READ, handler);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> T unchecked(Throwable failure) throws T {
    throw (T) failure;
  }

  @Test
  @DisplayName("goes on after a failure that cannot even be reported")
  void unspeakable() throws Exception {
    loop.execute(
        () -> {
          throw new Unspeakable();
        });
    CompletableFuture<Void> next = new CompletableFuture<>();
    loop.execute(() -> next.complete(null));
    assertThat(next.get(20, TimeUnit.SECONDS)).isNull();
  }

  @Test
  @DisplayName("waits no longer than for a timer although a caller met such a failure")
  void unspeakableHere() throws Exception {
    CompletableFuture<Void> next = new CompletableFuture<>();
    here(
        () -> {
          loop.schedule(1, () -> next.complete(null));
          throw new Unspeakable();
        });
    assertThat(next.get(20, TimeUnit.SECONDS)).isNull();
  }

  @Test
  @DisplayName("gets its turn before a caller, once it has waited for long")
  void notOutrun() throws Exception {
    for (int round = 0; round < 100; round++) { // sometimes the thread wakes fast enough
      notOutrunOnce();
    }
  }

  private void notOutrunOnce() throws Exception {
    Pipe pipe = Pipe.open();
    CompletableFuture<String> readyOn = new CompletableFuture<>();
    CompletableFuture<Thread> thread = new CompletableFuture<>();
    loop.execute(
        () -> {
          register(pipe, SelectionKey.OP_READ, readyOn);
          loop.schedule(0, () -> thread.complete(Thread.currentThread()));
        });
    thread.get();
    CompletableFuture<Boolean> outrun = new CompletableFuture<>();
    Runnable again = // made beforehand, for the thread would win meanwhile
        () -> outrun.complete(Thread.currentThread() != thread.join() && !readyOn.isDone());
    CompletableFuture<Boolean> waits = CompletableFuture.completedFuture(false);
    while (!waits.join()) {
      CompletableFuture<Boolean> next = new CompletableFuture<>();
      loop.executeInline(() -> next.complete(makeWait(thread.join(), pipe)));
      waits = next;
    }
    loop.executeInline(again);
    assertThat(outrun.get()).as("the caller had a second turn before the loop").isFalse();
    assertThat(readyOn.get()).isEqualTo(NAME);
    pipe.sink().close();
  }

  /** In another's turn, makes the loop's thread wait for one for long; false in its own. */
  private static boolean makeWait(Thread thread, Pipe pipe) {
    if (thread == Thread.currentThread()) {
      return false;
    }
    try {
      pipe.sink().write(ByteBuffer.wrap(new byte[1]));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    while (thread.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    long since = System.nanoTime();
    while (System.nanoTime() - since <= EventLoop.PATIENCE_NANOS) {
      Thread.onSpinWait();
    }
    return true;
  }

  @Test
  @DisplayName("waits no longer than for a timer that was started on another thread")
  void timer() throws Exception {
    CompletableFuture<String> ranOn = new CompletableFuture<>();
    here(() -> loop.schedule(1, () -> ranOn.complete(Thread.currentThread().getName())));
    assertThat(ranOn.get()).isEqualTo(NAME);
  }

  @Test
  @DisplayName("waits for what was registered on another thread")
  void register() throws Exception {
    Pipe pipe = Pipe.open();
    CompletableFuture<String> readyOn = new CompletableFuture<>();
    pipe.sink().write(ByteBuffer.wrap(new byte[1]));
    here(() -> register(pipe, SelectionKey.OP_READ, readyOn));
    assertThat(readyOn.get()).isEqualTo(NAME);
    pipe.sink().close();
  }

  @Test
  @DisplayName("waits for what became of interest on another thread")
  void interest() throws Exception {
    Pipe pipe = Pipe.open();
    CompletableFuture<String> readyOn = new CompletableFuture<>();
    AtomicReference<SelectionKey> key = new AtomicReference<>();
    pipe.sink().write(ByteBuffer.wrap(new byte[1]));
    loop.execute(() -> key.set(register(pipe, 0, readyOn)));
    here(() -> {}); // after it was registered
    assertThat(readyOn).as("ready, of no interest").isNotDone();
    here(() -> loop.setInterest(key.get(), SelectionKey.OP_READ));
    assertThat(readyOn.get()).isEqualTo(NAME);
    pipe.sink().close();
  }

  @Test
  @DisplayName("lets go of a channel that was closed on another thread")
  void close() throws Exception {
    Pipe pipe = Pipe.open();
    pipe.sink().configureBlocking(false);
    AtomicReference<SelectionKey> key = new AtomicReference<>();
    loop.execute(
        () -> {
          try {
            key.set(loop.register(pipe.sink(), 0, handler(new CompletableFuture<>())));
          } catch (IOException e) {
            fail("a pipe registers", e);
          }
        });
    here(
        () -> {
          try {
            loop.close(key.get());
          } catch (IOException e) {
            fail("a pipe closes", e);
          }
        });
    assertThat(pipe.source().read(ByteBuffer.allocate(1))).as("end of stream").isEqualTo(-1);
    pipe.source().close();
  }

  @Test
  @DisplayName("goes on after a task that failed here, and the caller is not troubled")
  void failure() throws Exception {
    here(
        () -> {
          throw new IllegalStateException("a task that fails, which is logged");
        });
    CompletableFuture<String> next = new CompletableFuture<>();
    loop.executeInline(() -> next.complete("ran"));
    assertThat(next.get()).isEqualTo("ran");
  }

  @Test
  @DisplayName("says so when it cannot go on, in its last turn, and takes no more tasks")
  void death() throws Exception {
    Pipe pipe = Pipe.open();
    CompletableFuture<Boolean> ranInTurn = new CompletableFuture<>();
    loop.execute(
        () -> {
          try {
            register(pipe, 0, new CompletableFuture<>()).selector().close();
          } catch (IOException e) {
            fail("a selector closes", e);
          }
          loop.execute(() -> ranInTurn.complete(loop.isCurrent()));
        });
    assertThat(ranInTurn.get(20, TimeUnit.SECONDS)).as("what it had is run").isTrue();
    assertThat(loop.join(10_000)).isTrue();
    assertThat(deaths).hasSize(1);
    assertThat(loop.hasEnded()).isTrue();
    assertThat(loop.submit(() -> fail("is never run"))).isFalse();
    pipe.source().close();
    pipe.sink().close();
  }

  /** Lets the loop read from a pipe. */
  private SelectionKey register(Pipe pipe, int interest, CompletableFuture<String> readyOn) {
    try {
      pipe.source().configureBlocking(false);
      return loop.register(pipe.source(), interest, handler(readyOn));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private EventLoop.Handler handler(CompletableFuture<String> readyOn) {
    return new EventLoop.Handler() {
      @Override
      public void onReady(SelectionKey key) throws IOException {
        loop.close(key);
        readyOn.complete(Thread.currentThread().getName());
      }

      @Override
      public void onFailure(Throwable failure) {
        readyOn.completeExceptionally(failure);
      }
    };
  }

  /** Runs a task on this thread, as soon as the loop's own is not in the way. */
  private void here(Runnable task) {
    Thread caller = Thread.currentThread();
    AtomicBoolean ranHere = new AtomicBoolean();
    while (!ranHere.get()) {
      CountDownLatch ran = new CountDownLatch(1);
      loop.executeInline(
          () -> {
            ranHere.set(Thread.currentThread() == caller);
            try {
              if (ranHere.get()) {
                task.run();
              }
            } finally {
              ran.countDown();
            }
          });
      await(ran);
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      if (!latch.await(20, TimeUnit.SECONDS)) {
        fail("waited for 20 s");
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
