package org.simplepush.server.sqlite;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.core.ChannelId;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;
import org.simplepush.core.VersionStore.Advance;
import org.simplepush.core.VersionStore.Pending;
import org.simplepush.core.VersionStore.Registration;
import org.simplepush.core.fixtures.LogCapture;

/** Somebody takes the files away under an open store: nothing is confirmed that nobody finds. */
@Timeout(60)
class SqliteFileTest {
  private static final List<String> SUFFIXES = List.of("", "-wal");

  @TempDir private Path folder;
  private Path file;
  private Path elsewhere;

  private final Uaid uaid = Uaid.random();
  private final ChannelId channel = ChannelId.random();

  @BeforeEach
  void makeFolders() throws IOException {
    file = Files.createDirectory(folder.resolve("data")).resolve("store.db");
    elsewhere = Files.createDirectory(folder.resolve("elsewhere"));
  }

  private static <T> T get(CompletionStage<T> stage) throws Exception {
    return stage.toCompletableFuture().get(20, SECONDS);
  }

  private static String failure(CompletionStage<?> stage) throws Exception {
    Throwable failure = get(stage.handle((result, thrown) -> thrown));
    assertThat(failure).isInstanceOf(StoreException.class);
    return failure.getMessage();
  }

  private SqliteVersionStore create(Path path) throws Exception {
    SqliteVersionStore store = SqliteVersionStore.open(path);
    get(store.hello(uaid, List.of()));
    assertThat(get(store.register(uaid, channel, 10))).isEqualTo(new Registration.Registered());
    assertThat(get(store.advance(uaid, channel, 1))).isInstanceOf(Advance.Advanced.class);
    return store;
  }

  private void assertEveryStepFails(VersionStore store, String sentence) throws Exception {
    List<CompletionStage<?>> stages =
        List.of(
            store.hello(uaid, List.of(channel)),
            store.hello(Uaid.random(), List.of()),
            store.register(uaid, ChannelId.random(), 10),
            store.advance(uaid, channel, 2),
            store.pending(uaid),
            store.check());
    for (CompletionStage<?> stage : stages) {
      assertThat(failure(stage)).contains(file.toString(), sentence);
    }
  }

  private void assertPending(VersionStore store, long version) throws Exception {
    assertThat(((Pending.Known) get(store.pending(uaid))).updates())
        .containsExactly(new Update(channel, version));
  }

  private void move(Path from, Path to) throws IOException {
    for (String suffix : SUFFIXES) {
      Files.move(Path.of(from + suffix), Path.of(to + suffix));
    }
  }

  @Test
  void deletedFileFailsEveryStepAndIsNotMadeAnew() throws Exception {
    try (SqliteVersionStore store = create(file)) {
      Files.delete(file);
      Files.delete(Path.of(file + "-wal"));
      assertEveryStepFails(store, "was deleted or moved");
      assertEveryStepFails(store, "was deleted or moved");
    }
    assertThat(file.getParent()).isEmptyDirectory();
  }

  @Test
  void volumeThatIsGoneFailsEveryStepAndAllIsThereWhenItIsBack() throws Exception {
    Path volume = file.getParent();
    try (SqliteVersionStore store = create(file)) {
      Files.move(volume, folder.resolve("unmounted"));
      assertEveryStepFails(store, "its volume is gone");
      Files.createDirectory(volume); // what is there when nothing is mounted
      assertEveryStepFails(store, "its volume is gone");
      assertThat(volume).isEmptyDirectory();

      Files.delete(volume);
      Files.move(folder.resolve("unmounted"), volume);
      assertThat(get(store.check())).isNull();
      assertThat(get(store.advance(uaid, channel, 3))).isInstanceOf(Advance.Advanced.class);
    }
    try (SqliteVersionStore store = SqliteVersionStore.open(file)) {
      assertPending(store, 3);
    }
  }

  /** One after the other, as mv does it, with steps in between. */
  @Test
  void filesMovedAwayAndBackLoseNothing() throws Exception {
    Path away = elsewhere.resolve("store.db");
    try (SqliteVersionStore store = create(file)) {
      Files.move(file, away);
      assertEveryStepFails(store, "was deleted or moved");
      Files.move(Path.of(file + "-wal"), Path.of(away + "-wal"));
      assertEveryStepFails(store, "was deleted or moved");
      Files.move(away, file);
      assertThat(get(store.advance(uaid, channel, 5))).isInstanceOf(Advance.Advanced.class);
      assertThat(get(store.advance(uaid, channel, 6))).isInstanceOf(Advance.Advanced.class);
      Path log = Path.of(file + "-wal");
      assertThat(log).exists();
      Files.delete(log);
      Files.move(Path.of(away + "-wal"), log);
      Path crashed = copyAsACrashWould();
      try (SqliteVersionStore recovered = SqliteVersionStore.open(crashed)) {
        assertThat(get(recovered.pending(uaid))).isInstanceOf(Pending.Known.class);
      }
      assertThat(get(store.advance(uaid, channel, 7))).isInstanceOf(Advance.Advanced.class);
      try (SqliteVersionStore recovered = SqliteVersionStore.open(copyAsACrashWould())) {
        assertPending(recovered, 7);
      }
    }
    try (SqliteVersionStore store = SqliteVersionStore.open(file)) {
      assertPending(store, 7);
    }
  }

  private int copies;

  private Path copyAsACrashWould() throws IOException {
    Path copy = elsewhere.resolve("crashed-" + copies++);
    for (String suffix : SUFFIXES) {
      Files.copy(Path.of(file + suffix), Path.of(copy + suffix));
    }
    return copy;
  }

  @Test
  void replacedFileIsNotTakenOverAndNotTouched() throws Exception {
    Path backup = elsewhere.resolve("backup.db");
    byte[] log;
    try (SqliteVersionStore store = create(backup)) {
      log = Files.readAllBytes(Path.of(backup + "-wal"));
      copyTo(backup, elsewhere.resolve("copy"));
      assertThat(get(store.check())).isNull();
    }
    try (SqliteVersionStore store = create(file)) {
      assertThat(get(store.advance(uaid, channel, 9))).isInstanceOf(Advance.Advanced.class);
      move(file, elsewhere.resolve("old.db"));
      move(elsewhere.resolve("copy"), file);
      assertEveryStepFails(store, "was replaced by another file");
    }
    assertThat(Files.readAllBytes(Path.of(file + "-wal"))).isEqualTo(log);
    try (SqliteVersionStore store = SqliteVersionStore.open(file)) {
      assertPending(store, 1);
    }
    try (SqliteVersionStore store = SqliteVersionStore.open(elsewhere.resolve("old.db"))) {
      assertPending(store, 9);
    }
  }

  private static void copyTo(Path from, Path to) throws IOException {
    for (String suffix : SUFFIXES) {
      Files.copy(Path.of(from + suffix), Path.of(to + suffix));
    }
  }

  @Test
  void logThatIsTakenAwayLosesNothingAndIsMadeAnew() throws Exception {
    Path log = Path.of(file + "-wal");
    try (SqliteVersionStore store = create(file)) {
      for (long version = 2; version < 10; version++) {
        Files.move(log, elsewhere.resolve("log-" + version));
        assertThat(get(store.advance(uaid, channel, version))).isInstanceOf(Advance.Advanced.class);
        assertThat(get(store.check())).as("opens it again").isNull();
        assertThat(log).exists();
        try (SqliteVersionStore crashed = SqliteVersionStore.open(copyAsACrashWould())) {
          assertPending(crashed, version);
        }
      }
    }
    // One that is put back is empty, or what is newer would be overwritten with what is in it.
    Files.copy(elsewhere.resolve("log-2"), log);
    try (SqliteVersionStore store = SqliteVersionStore.open(file)) {
      assertPending(store, 9);
    }
  }

  /** Between two commits of many: what was asked for after that is never confirmed. */
  @Test
  void nothingIsConfirmedThatIsAskedForAfterTheFileWasUnlinked() throws Exception {
    try (SqliteVersionStore store = create(file)) {
      AtomicLong asked = new AtomicLong(1);
      AtomicLong confirmed = new AtomicLong();
      CompletableFuture<Void> refused = new CompletableFuture<>();
      Thread publisher =
          new Thread(
              () -> {
                while (!refused.isDone()) {
                  long version = asked.incrementAndGet();
                  CompletionStage<Boolean> done =
                      store
                          .advance(uaid, channel, version)
                          .handle(
                              (advance, failure) ->
                                  failure == null
                                      ? confirmed.accumulateAndGet(version, Math::max) > 0
                                      : refused.complete(null));
                  if (version % 100 == 0) {
                    done.toCompletableFuture().join();
                  }
                }
              });
      publisher.start();
      await().pollInterval(Duration.ofMillis(1)).until(() -> confirmed.get() > 1_000);
      Files.delete(file);
      long latest = asked.get() + 1; // one may have been counted and not yet asked for
      refused.get(20, SECONDS);
      publisher.join();
      failure(store.hello(uaid, null)); // and with it all that came before is answered
      assertThat(confirmed.get()).isBetween(1_000L, latest);
    }
  }

  @Test
  void idleStoreNoticesWithinSeconds() throws Exception {
    try (SqliteVersionStore store = create(file);
        LogCapture log = new LogCapture()) {
      Files.delete(file);
      await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(
              () -> assertThat(log.text()).contains("ERROR", file + " was deleted or moved"));
      assertEveryStepFails(store, "was deleted or moved");
    }
  }

  // The thread that writes

  private Writer open() throws IOException {
    return Writer.open(file, Writer.Limits.DEFAULT, InstantSource.system(), System::nanoTime);
  }

  /** For a store that has failed it opens the same file again, and makes no new one. */
  @Test
  void fileThatIsGoneWhenItIsOpenedAnewIsNotMadeAnew() throws Exception {
    Writer writer = open();
    try {
      assertThat(failure(writer.submit(SqliteFileTest::breakDown))).contains("broken");
      Files.move(file, elsewhere.resolve("store.db"));
      String told = "broken";
      while (told.contains("broken")) { // left alone for a second
        told = failure(writer.submit(VersionTables::probe));
      }
      assertThat(told).contains(file + " was deleted or moved");
      assertThat(file.getParent()).isEmptyDirectory();
      Files.move(elsewhere.resolve("store.db"), file);
      awaitHealthy(writer);
    } finally {
      writer.close();
    }
  }

  @Test
  void aStoreThatCannotBeOpenedAnewSaysSoOnce() throws Exception {
    try (LogCapture log = new LogCapture()) {
      Writer writer = open();
      try {
        assertThat(failure(writer.submit(SqliteFileTest::breakDown))).contains("broken");
        Files.move(file, elsewhere.resolve("store.db"));
        Set<Throwable> attempts = new HashSet<>();
        while (attempts.size() < 4) { // the first is what broke it
          Throwable failure =
              get(writer.submit(VersionTables::probe).handle((result, thrown) -> thrown));
          attempts.add(failure.getCause());
        }
      } finally {
        writer.close();
      }
      assertThat(log.lines("cannot be opened again")).hasSize(1);
    }
  }

  private static void awaitHealthy(Writer writer) {
    await()
        .atMost(Duration.ofSeconds(20))
        .until(
            () ->
                get(
                    writer
                        .submit(VersionTables::probe)
                        .handle((done, failure) -> failure == null)));
  }

  private static Void breakDown(VersionTables tables) {
    throw new NoClassDefFoundError("broken");
  }

  @Test
  void stepThatEndsInAnErrorFailsAndTheWriterGoesOn() throws Exception {
    Writer writer = open();
    try {
      assertThat(failure(writer.submit(SqliteFileTest::breakDown))).contains("broken");
      awaitHealthy(writer);
    } finally {
      writer.close();
    }
  }

  private static final class Unspeakable extends Error {
    private static final long serialVersionUID = 1;

    @Override
    public String getMessage() {
      throw this;
    }
  }

  /** Even then no stage stays incomplete, and the health is red. */
  @Test
  void writerThatDiesFailsWhatItHasAndWhatComes() throws Exception {
    Writer writer = open();
    CompletionStage<Void> last =
        writer.submit(
            tables -> {
              throw new Unspeakable();
            });
    CompletionStage<Void> behind = writer.submit(VersionTables::probe);
    failure(last);
    get(behind.handle((done, failure) -> done));
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () ->
                assertThat(failure(writer.submit(VersionTables::probe)))
                    .isEqualTo("The thread that writes the store has ended; restart the server"));
    writer.close();
    try (SqliteVersionStore store = SqliteVersionStore.open(file)) {
      assertThat(get(store.check())).isNull();
    }
  }

  /** Closed at any moment, by anybody: each stage that was handed out completes. */
  @Test
  void everyStageCompletesHoweverTheStoreIsClosed() throws Exception {
    for (int round = 0; round < 40; round++) {
      SqliteVersionStore store = SqliteVersionStore.open(file);
      get(store.hello(uaid, List.of()));
      Deque<CompletableFuture<?>> stages = new ArrayDeque<>();
      CompletableFuture<?> first = new CompletableFuture<>();
      Thread asking =
          new Thread(
              () -> {
                for (int i = 0; i < 300; i++) {
                  stages.add(store.pending(uaid).toCompletableFuture());
                  stages.add(store.expire(Duration.ofDays(7)).toCompletableFuture());
                  first.complete(null);
                }
              });
      asking.start();
      first.get(20, SECONDS);
      Thread closing = new Thread(store::close);
      closing.start();
      if (round % 2 == 0) {
        closing.interrupt();
      }
      asking.join();
      closing.join();
      for (CompletableFuture<?> stage : stages) {
        try {
          stage.get(20, SECONDS);
        } catch (ExecutionException e) {
          assertThat(e).hasCauseInstanceOf(StoreException.class);
        }
      }
    }
  }
}
