package org.simplepush.server.sqlite;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.AbstractList;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.core.ChannelId;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore.Advance;
import org.simplepush.core.VersionStore.Pending;
import org.simplepush.core.VersionStore.Registration;
import org.simplepush.core.VersionStore.Resumption;

/** A disk that is full, callers that are too fast or too slow, and closing in the middle of it. */
@Timeout(60)
class SqliteTroubleTest {
  private static final int CAPACITY = 2_000;

  @TempDir private Path folder;

  private final Uaid uaid = Uaid.random();
  private final ChannelId channel = ChannelId.random();

  private SqliteVersionStore open(int capacity, int maxPages) throws Exception {
    return SqliteVersionStore.open(
        folder.resolve("store.db"),
        new Writer.Limits(capacity, maxPages),
        InstantSource.system(),
        System::nanoTime);
  }

  private static <T> T get(CompletionStage<T> stage) throws Exception {
    return stage.toCompletableFuture().get(20, SECONDS);
  }

  private static Throwable failure(CompletionStage<?> stage) throws Exception {
    return get(stage.handle((result, failure) -> failure));
  }

  @Test
  void fullDiskFailsWhatWritesAndNothingElseAndPassesWhenThereIsRoom() throws Exception {
    List<Uaid> confirmed = new ArrayList<>();
    try (SqliteVersionStore store = open(CAPACITY, 60)) {
      StoreException full = null;
      while (full == null) {
        List<Uaid> asked = new ArrayList<>();
        List<CompletionStage<Resumption>> stages = new ArrayList<>();
        for (int i = 0; i < 100; i++) {
          asked.add(Uaid.random());
          stages.add(store.hello(asked.get(i), List.of()));
        }
        for (int i = 0; i < 100; i++) {
          Throwable failure = failure(stages.get(i));
          if (failure == null) {
            confirmed.add(asked.get(i));
          } else {
            full = (StoreException) failure;
          }
        }
      }
      assertThat(full).hasMessageContaining("SQLITE_FULL");
      // Room that is left in half-full pages may take a few more rows, but not the probe.
      assertThat(failure(store.check())).isInstanceOf(StoreException.class);

      for (Uaid each : confirmed) {
        assertThat(get(store.pending(each))).isInstanceOf(Pending.Known.class);
      }
      int gone = confirmed.size() / 2;
      for (Uaid each : confirmed.subList(0, gone)) {
        get(store.drop(each));
      }
      confirmed.subList(0, gone).clear();
      assertThat(get(store.check())).isNull();
      Uaid late = Uaid.random();
      assertThat(get(store.hello(late, List.of()))).isEqualTo(new Resumption.Resumed(List.of()));
      confirmed.add(late);
    }

    try (SqliteVersionStore store = open(CAPACITY, 0)) {
      for (Uaid each : confirmed) {
        assertThat(get(store.pending(each))).isInstanceOf(Pending.Known.class);
      }
      assertThat(get(store.expire(Duration.ZERO)))
          .as("nothing that failed is there")
          .isEqualTo(confirmed.size());
    }
  }

  @Test
  void oneStepThatFailsDoesNotFailThoseItSharesACommitWith() throws Exception {
    try (SqliteVersionStore store = open(CAPACITY, 0)) {
      get(store.hello(uaid, List.of()));
      get(store.register(uaid, channel, 10));
      List<CompletionStage<Advance>> good = new ArrayList<>();
      List<CompletionStage<List<Update>>> bad = new ArrayList<>();
      for (long version = 1; version <= 100; version++) {
        good.add(store.advance(uaid, channel, version));
        bad.add(store.acknowledge(uaid, null)); // a bug of the caller
      }
      for (CompletionStage<Advance> each : good) {
        assertThat(get(each)).isInstanceOf(Advance.Advanced.class);
      }
      for (CompletionStage<List<Update>> each : bad) {
        assertThat(failure(each)).isInstanceOf(StoreException.class);
      }
    }
  }

  @Test
  void stepBeyondTheCapacityFailsAtOnceAndLaterOnesDoNot() throws Exception {
    CountDownLatch blocked = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    try (SqliteVersionStore store = open(10, 0)) {
      get(store.hello(uaid, List.of()));
      CompletableFuture<?> blocking = blockAnswers(store, blocked, release);
      assertThat(blocked.await(20, SECONDS)).isTrue();
      List<CompletionStage<Registration>> taken = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        taken.add(store.register(uaid, ChannelId.random(), 100));
      }

      CompletableFuture<Registration> refused =
          store.register(uaid, channel, 100).toCompletableFuture();
      assertThat(refused).isCompletedExceptionally();
      assertThatThrownBy(refused::get)
          .isInstanceOf(ExecutionException.class)
          .hasCauseInstanceOf(StoreException.class)
          .hasMessageContaining("overloaded");

      release.countDown();
      get(blocking);
      for (CompletionStage<Registration> each : taken) {
        assertThat(get(each)).isEqualTo(new Registration.Registered());
      }
      assertThat(get(store.register(uaid, channel, 100))).isEqualTo(new Registration.Registered());
    }
  }

  /**
   * Lets something hang on a stage that blocks. The writer is held up until it hangs there: on a
   * stage already complete it would run, and block, in the thread of the test.
   */
  private CompletableFuture<?> blockAnswers(
      SqliteVersionStore store, CountDownLatch blocked, CountDownLatch release) {
    CountDownLatch attached = new CountDownLatch(1);
    List<Update> none =
        new AbstractList<>() {
          @Override
          public Update get(int index) {
            throw new IndexOutOfBoundsException(index);
          }

          @Override
          public int size() {
            awaitForTest(attached);
            return 0;
          }
        };
    CompletableFuture<?> blocking =
        store
            .acknowledge(uaid, none)
            .thenAccept(
                done -> {
                  blocked.countDown();
                  awaitForTest(release);
                })
            .toCompletableFuture();
    attached.countDown();
    return blocking;
  }

  private static void awaitForTest(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void blockedContinuationDoesNotBlockTheWriter() throws Exception {
    CountDownLatch blocked = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    Path file = folder.resolve("store.db");
    SqliteVersionStore store = open(CAPACITY, 0);
    get(store.hello(uaid, List.of()));
    CompletableFuture<?> blocking = blockAnswers(store, blocked, release);
    assertThat(blocked.await(20, SECONDS)).isTrue();
    CompletionStage<Registration> registration = store.register(uaid, channel, 10);
    Thread closer = new Thread(store::close);
    closer.start();
    // The writer has ended although nothing could be answered: the file can be had.
    SqliteVersionStore again = null;
    long start = System.nanoTime();
    while (again == null) {
      try {
        again = SqliteVersionStore.open(file);
      } catch (IOException e) {
        assertThat(System.nanoTime() - start).isLessThan(SECONDS.toNanos(20));
      }
    }
    assertThat(get(again.advance(uaid, channel, 1))).isInstanceOf(Advance.Advanced.class);
    again.close();
    assertThat(registration.toCompletableFuture()).isNotDone();
    release.countDown();
    get(blocking);
    assertThat(get(registration)).isEqualTo(new Registration.Registered());
    closer.join();
  }

  @Test
  void storeMayBeClosedWhenAStageCompletes() throws Exception {
    SqliteVersionStore store = open(CAPACITY, 0);
    get(store.hello(uaid, List.of()).thenRun(store::close));
    assertThat(failure(store.pending(uaid))).isInstanceOf(StoreException.class);
  }

  @Test
  void closeAnswersEverythingThatWasTaken() throws Exception {
    SqliteVersionStore store = open(CAPACITY, 0);
    get(store.hello(uaid, List.of()));
    get(store.register(uaid, channel, 10));
    List<CompletableFuture<Advance>> stages = new ArrayList<>();
    for (long version = 0; version < CAPACITY / 2; version++) {
      stages.add(store.advance(uaid, channel, version).toCompletableFuture());
    }
    store.close();
    for (CompletableFuture<Advance> stage : stages) {
      assertThat(stage).isCompletedWithValueMatching(Advance.Advanced.class::isInstance);
    }
    try (SqliteVersionStore again = open(CAPACITY, 0)) {
      assertThat(((Pending.Known) get(again.pending(uaid))).updates())
          .containsExactly(new Update(channel, CAPACITY / 2 - 1));
    }
  }

  @Test
  void closedStoreLeavesNoThreadAndNoOpenFile() throws Exception {
    awaitNoThread();
    SqliteVersionStore store = open(CAPACITY, 0);
    get(store.hello(uaid, List.of()));
    assertThat(threads()).hasSize(2);
    store.close();
    assertThat(threads()).isEmpty();
    try (var open = Files.list(Path.of("/proc/self/fd"))) {
      List<String> ours = new ArrayList<>();
      for (Path descriptor : (Iterable<Path>) open::iterator) {
        if (Files.isSymbolicLink(descriptor)) {
          ours.add(Files.readSymbolicLink(descriptor).toString());
        }
      }
      assertThat(ours).noneMatch(name -> name.startsWith(folder.toString()));
    }
  }

  @Test
  void storeThatCannotBeOpenedLeavesNoThread() {
    awaitNoThread();
    assertThatThrownBy(() -> SqliteVersionStore.open(folder));
    assertThat(threads()).isEmpty();
  }

  /** A store that was closed by its own thread, in another test, ends a little later. */
  private static void awaitNoThread() {
    await().atMost(20, SECONDS).until(() -> threads().isEmpty());
  }

  private static List<Thread> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("simplepush-store"))
        .toList();
  }

  /** A file that must not grow beyond a size, in a process whose limit can be set and lifted. */
  @Test
  @Tag("process")
  void ioErrorFailsStepsAndTheStoreGoesOnWhenTheDiskIsWell() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/prlimit")), "needs prlimit of util-linux");
    Process process = StoreProcess.start(folder.resolve("store.db"), 1);
    Deque<String> seen = new ArrayDeque<>();
    try (var output = process.inputReader()) {
      skipTo(output, "confirmed", seen);
      limitFileSize(process, "4096");
      skipTo(output, "failed", seen);
      limitFileSize(process, "unlimited");
      skipTo(output, "confirmed", seen);
      process.destroyForcibly();
      process.waitFor();
    } finally {
      process.destroyForcibly();
    }
    String[] last = seen.getLast().split(" ");
    try (SqliteVersionStore store = open(CAPACITY, 0)) {
      int n = Integer.parseInt(last[1]);
      assertThat(
              ((Pending.Known) get(store.pending(StoreProcess.uaid(n)))).updates().get(0).version())
          .isGreaterThanOrEqualTo(Long.parseLong(last[2]));
    }
  }

  private static void skipTo(BufferedReader output, String word, Deque<String> seen)
      throws Exception {
    String line;
    do {
      line = output.readLine();
      assertThat(line).as("a line that begins with %s", word).isNotNull();
    } while (!line.startsWith(word));
    seen.add(line);
  }

  private static void limitFileSize(Process process, String bytes) throws Exception {
    Process prlimit =
        new ProcessBuilder(
                "/usr/bin/prlimit", "--pid=" + process.pid(), "--fsize=" + bytes + ":unlimited")
            .inheritIO()
            .start();
    assertThat(prlimit.waitFor()).isZero();
  }
}
