package org.simplepush.server.sqlite;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore;
import org.simplepush.core.VersionStore.Pending;
import org.simplepush.core.VersionStore.Registration;
import org.simplepush.core.VersionStore.Resumption.Resumed;
import org.simplepush.core.VersionStore.Unknown;

/** What was confirmed is there after a restart, a crash, and a crash in the middle of a write. */
@Timeout(60)
@Tag("long")
class SqliteDurabilityTest {
  @TempDir private Path folder;

  private final Uaid uaid = Uaid.random();
  private final ChannelId channel = ChannelId.random();

  private Path file() {
    return folder.resolve("store.db");
  }

  private SqliteVersionStore open() throws IOException {
    return SqliteVersionStore.open(file());
  }

  private static <T> T get(CompletionStage<T> stage) throws Exception {
    return stage.toCompletableFuture().get(20, SECONDS);
  }

  private static void create(VersionStore store, Uaid uaid, ChannelId channel) throws Exception {
    get(store.hello(uaid, List.of()));
    assertThat(get(store.register(uaid, channel, 10))).isEqualTo(new Registration.Registered());
  }

  @Test
  void reopenedStoreKnowsEverything() throws Exception {
    ChannelId compact = ChannelId.parse("D9B746444F9746AAB8FA9393985CD6CD");
    ChannelId acknowledged = ChannelId.random();
    try (SqliteVersionStore store = open()) {
      create(store, uaid, channel);
      get(store.register(uaid, compact, 10));
      get(store.register(uaid, acknowledged, 10));
      get(store.advance(uaid, channel, Long.MAX_VALUE));
      get(store.advance(uaid, compact, 0));
      get(store.advance(uaid, acknowledged, 7));
      get(store.acknowledge(uaid, List.of(new Update(acknowledged, 7))));
    }

    try (SqliteVersionStore store = open()) {
      assertThat(((Pending.Known) get(store.pending(uaid))).updates())
          .containsExactlyInAnyOrder(new Update(channel, Long.MAX_VALUE), new Update(compact, 0))
          .anyMatch(update -> update.channelId().text().equals(compact.text()));
      assertThat(get(store.advance(uaid, acknowledged, 7)))
          .isEqualTo(new VersionStore.Advance.Repeated());
      assertThat(get(store.advance(uaid, acknowledged, 6)))
          .isEqualTo(new VersionStore.Advance.Stale());
      assertThat(get(store.hello(uaid, List.of(channel, compact, acknowledged))))
          .isInstanceOf(Resumed.class);
    }
  }

  @Test
  void closedStoreLeavesOneFileForItsOwnerOnly() throws Exception {
    try (SqliteVersionStore store = open()) {
      create(store, uaid, channel);
      for (String suffix : List.of("", "-wal")) {
        assertThat(Files.getPosixFilePermissions(Path.of(file() + suffix)))
            .isEqualTo(PosixFilePermissions.fromString("rw-------"));
      }
    }
    try (var files = Files.list(folder)) {
      assertThat(files).containsExactly(file());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"a b.db", "50%.db", "what?mode=memory.db", "ümläut;#.db", "file:x"})
  void fileMayHaveAnyName(String name) throws Exception {
    Path file = folder.resolve(name);
    try (SqliteVersionStore store = SqliteVersionStore.open(file)) {
      create(store, uaid, channel);
    }
    assertThat(Files.size(file)).isPositive();
    try (SqliteVersionStore store = SqliteVersionStore.open(file)) {
      assertThat(get(store.pending(uaid))).isInstanceOf(Pending.Known.class);
    }
  }

  /** Kills the process under load again and again; what it printed was confirmed. */
  @Test
  @Tag("process")
  @Timeout(180) // it starts three processes and more
  void everyConfirmedVersionSurvivesKilling() throws Exception {
    long[] confirmed = new long[StoreProcess.CHANNELS];
    Arrays.fill(confirmed, -1);
    Random random = new Random(7);
    long start = System.nanoTime();
    int kills = 0;
    long lines = 0;
    while (kills < 3 || System.nanoTime() - start < SECONDS.toNanos(8)) {
      Process process = StoreProcess.start(file(), Arrays.stream(confirmed).max().orElse(0) + 1);
      int killAfter = 1 + random.nextInt(20_000);
      try (BufferedReader output = process.inputReader()) {
        String line;
        for (int n = 0; (line = output.readLine()) != null; n++) {
          String[] words = line.split(" ");
          // Of the last line only a part may have come.
          if (words.length == 3 && words[0].equals("confirmed")) {
            int which = Integer.parseInt(words[1]);
            confirmed[which] = Math.max(confirmed[which], Long.parseLong(words[2]));
          }
          if (n == killAfter) {
            process.toHandle().destroyForcibly(); // the process would close its output too
          }
          lines++;
        }
      }
      assertThat(process.waitFor()).isEqualTo(128 + 9);
      kills++;
      try (SqliteVersionStore store = open()) {
        for (int n = 0; n < confirmed.length; n++) {
          List<Update> pending =
              ((Pending.Known) get(store.pending(StoreProcess.uaid(n)))).updates();
          assertThat(pending).hasSize(1);
          assertThat(pending.get(0).version())
              .as("channel %d after %d kills", n, kills)
              .isGreaterThanOrEqualTo(confirmed[n]);
        }
      }
    }
    assertThat(lines).isGreaterThan(kills);
  }

  /** Copies what a crash would leave, with the end of the log torn off or overwritten. */
  @Test
  void tornLogLosesOnlyItsEnd() throws Exception {
    Path log = Path.of(file() + "-wal");
    byte[] database;
    byte[] wal;
    List<Long> sizes = new ArrayList<>();
    try (SqliteVersionStore store = open()) {
      create(store, uaid, channel);
      for (long version = 0; version < 20; version++) {
        get(store.advance(uaid, channel, version));
        sizes.add(Files.size(log));
      }
      database = Files.readAllBytes(file());
      wal = Files.readAllBytes(log);
    }
    Random random = new Random(3);
    for (int round = 0; round < 60; round++) {
      int cut = (int) (sizes.get(0) + random.nextInt((int) (wal.length - sizes.get(0))));
      byte[] torn = round % 2 == 0 ? Arrays.copyOf(wal, cut) : wal.clone();
      if (round % 2 == 1) {
        for (int i = cut; i < Math.min(torn.length, cut + 512); i++) {
          torn[i] = (byte) ~torn[i];
        }
      }
      Path copy = folder.resolve("copy-" + round);
      Files.write(copy, database);
      Files.write(Path.of(copy + "-wal"), torn);

      long survives = -1;
      while (survives + 1 < sizes.size() && sizes.get((int) survives + 1) <= cut) {
        survives++;
      }
      try (SqliteVersionStore store = SqliteVersionStore.open(copy)) {
        assertThat(((Pending.Known) get(store.pending(uaid))).updates())
            .as("round %d, torn at %d", round, cut)
            .containsExactly(new Update(channel, survives));
        assertThat(get(store.advance(uaid, channel, 100)))
            .isInstanceOf(VersionStore.Advance.Advanced.class);
      }
    }
  }

  /**
   * What a crash of the machine may leave behind the last commit: a write that was not finished.
   */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void garbageAfterTheLastCommitLosesNothing(long seed) throws Exception {
    Random random = new Random(seed);
    byte[] database;
    byte[] wal;
    long last = 1 + random.nextInt(100);
    try (SqliteVersionStore store = open()) {
      create(store, uaid, channel);
      for (long version = 0; version <= last; version++) {
        get(store.advance(uaid, channel, version));
      }
      database = Files.readAllBytes(file());
      wal = Files.readAllBytes(Path.of(file() + "-wal"));
    }
    for (int round = 0; round < 20; round++) {
      byte[] garbage = new byte[1 + random.nextInt(20_000)];
      switch (round % 3) {
        case 0 -> random.nextBytes(garbage);
        case 1 -> // frames of this very log, out of place
            System.arraycopy(wal, 32, garbage, 0, Math.min(garbage.length, wal.length - 32));
        default -> {} // zeros: room that was made, and not written to
      }
      Path copy = folder.resolve("copy-" + round);
      Files.write(copy, database);
      Files.write(Path.of(copy + "-wal"), wal);
      Files.write(Path.of(copy + "-wal"), garbage, StandardOpenOption.APPEND);
      try (SqliteVersionStore store = SqliteVersionStore.open(copy)) {
        assertThat(((Pending.Known) get(store.pending(uaid))).updates())
            .as("round %d", round)
            .containsExactly(new Update(channel, last));
        assertThat(get(store.advance(uaid, channel, last + 1)))
            .isInstanceOf(VersionStore.Advance.Advanced.class);
      }
    }
  }

  @Test
  void logAndFileStaySmallUnderEndlessOverwriting() throws Exception {
    try (SqliteVersionStore store = open()) {
      int channels = 200;
      List<ChannelId> ids = new ArrayList<>();
      get(store.hello(uaid, List.of()));
      for (int i = 0; i < channels; i++) {
        ids.add(ChannelId.random());
        store.register(uaid, ids.get(i), channels);
      }
      long version = 0;
      for (int round = 0; round < 300; round++, version++) {
        List<CompletionStage<?>> stages = new ArrayList<>();
        for (ChannelId id : ids) {
          stages.add(store.advance(uaid, id, version));
        }
        for (CompletionStage<?> stage : stages) {
          get(stage);
        }
      }
      assertThat(Files.size(Path.of(file() + "-wal"))).isLessThan(16 << 20);
      assertThat(Files.size(file())).isLessThan(200 << 10);
    }
  }

  // Time across restarts

  private final AtomicLong nanos = new AtomicLong();
  private Instant wallClock = Instant.parse("2026-01-01T00:00:00Z");

  private SqliteVersionStore openInTime() throws IOException {
    return SqliteVersionStore.open(file(), Writer.Limits.DEFAULT, () -> wallClock, nanos::get);
  }

  @Test
  void timePassesWhileTheStoreIsClosed() throws Exception {
    try (SqliteVersionStore store = openInTime()) {
      create(store, uaid, channel);
      nanos.addAndGet(Duration.ofDays(3).toNanos());
      get(store.pending(uaid));
    }
    // Three days passed while it was open, and three and a half since.
    wallClock = wallClock.plus(Duration.ofDays(6).plusHours(12));
    try (SqliteVersionStore store = openInTime()) {
      assertThat(get(store.expire(Duration.ofDays(4)))).isZero();
      assertThat(get(store.expire(Duration.ofDays(3)))).isEqualTo(1);
    }
  }

  @Test
  void wallClockThatIsSetExpiresNobody() throws Exception {
    try (SqliteVersionStore store = openInTime()) {
      create(store, uaid, channel);
      wallClock = wallClock.plus(Duration.ofDays(10_000));
      assertThat(get(store.expire(Duration.ofSeconds(1)))).isZero();
    }
  }

  @Test
  void wallClockThatWentBackStopsTimeUntilTheRestart() throws Exception {
    try (SqliteVersionStore store = openInTime()) {
      create(store, uaid, channel);
    }
    wallClock = Instant.EPOCH;
    try (SqliteVersionStore store = openInTime()) {
      assertThat(get(store.expire(Duration.ofNanos(1)))).isZero();
      nanos.addAndGet(Duration.ofHours(1).toNanos());
      assertThat(get(store.expire(Duration.ofHours(1)))).isEqualTo(1);
    }
  }

  @Test
  void closingWritesDownWhoWasSeenJustNow() throws Exception {
    try (SqliteVersionStore store = openInTime()) {
      create(store, uaid, channel);
    }
    try (SqliteVersionStore store = openInTime()) {
      nanos.addAndGet(Duration.ofHours(2).toNanos());
      get(store.pending(uaid));
    }
    wallClock = wallClock.plus(Duration.ofHours(3));
    try (SqliteVersionStore store = openInTime()) {
      assertThat(get(store.expire(Duration.ofMinutes(90)))).isZero();
    }
  }

  @Test
  void sightingOlderThanAMinuteSurvivesACrash() throws Exception {
    try (SqliteVersionStore store = openInTime()) {
      create(store, uaid, channel);
      nanos.addAndGet(Duration.ofHours(2).toNanos());
      get(store.pending(uaid));
      nanos.addAndGet(Duration.ofMinutes(1).toNanos());
      get(store.advance(uaid, channel, 1)); // the first commit after that minute takes it along
      copyAsACrashWould();
    }
    wallClock = wallClock.plus(Duration.ofHours(3));
    try (SqliteVersionStore store =
        SqliteVersionStore.open(
            folder.resolve("crashed.db"), Writer.Limits.DEFAULT, () -> wallClock, nanos::get)) {
      assertThat(get(store.expire(Duration.ofMinutes(90)))).isZero();
      assertThat(get(store.expire(Duration.ofMinutes(60)))).isEqualTo(1);
    }
  }

  /** The first write of it was in vain: the next follows within a second, not within a minute. */
  @Test
  void sightingWhoseWriteFailedSurvivesACrashSoonAfter() throws Exception {
    Writer writer = writerInTime();
    get(writer.submit(tables -> tables.hello(uaid, List.of())));
    nanos.addAndGet(Duration.ofHours(2).toNanos());
    get(writer.submit(tables -> tables.pending(uaid)));
    CompletionStage<Void> write =
        writer.submit(
            tables -> {
              tables.writeSightings();
              throw new IllegalStateException("so that it is undone, as by a full disk");
            });
    assertThat(fails(write)).isTrue();
    nanos.addAndGet(Duration.ofSeconds(1).toNanos());
    get(writer.submit(VersionTables::probe));
    copyAsACrashWould();
    writer.close();
    assertSeenTwoHoursAfterItWasMade();
  }

  private void assertSeenTwoHoursAfterItWasMade() throws Exception {
    wallClock = wallClock.plus(Duration.ofHours(3));
    try (SqliteVersionStore store =
        SqliteVersionStore.open(
            folder.resolve("crashed.db"), Writer.Limits.DEFAULT, () -> wallClock, nanos::get)) {
      assertThat(get(store.expire(Duration.ofMinutes(90)))).isZero();
      assertThat(get(store.pending(uaid))).isInstanceOf(Pending.Known.class);
    }
  }

  private Writer writerInTime() throws IOException {
    return Writer.open(file(), Writer.Limits.DEFAULT, () -> wallClock, nanos::get);
  }

  private static boolean fails(CompletionStage<?> stage) throws Exception {
    return get(stage.handle((done, failure) -> failure != null));
  }

  @Test
  void sightingOfOneThatWasDroppedInVainIsKept() throws Exception {
    openInTime().close();
    Writer writer = writerInTime();
    get(writer.submit(tables -> tables.hello(uaid, List.of())));
    nanos.addAndGet(Duration.ofHours(2).toNanos());
    get(writer.submit(tables -> tables.pending(uaid)));
    CompletionStage<Void> drop =
        writer.submit(
            tables -> {
              tables.drop(uaid);
              throw new IllegalStateException("so that it is undone");
            });
    assertThat(fails(drop)).isTrue();
    nanos.addAndGet(Duration.ofMinutes(1).toNanos());
    get(writer.submit(VersionTables::probe));
    copyAsACrashWould();
    writer.close();
    assertSeenTwoHoursAfterItWasMade();
  }

  @Test
  void whoWasExpiredInVainIsUnknownAllTheSame() throws Exception {
    Writer writer = writerInTime();
    get(writer.submit(tables -> tables.hello(uaid, List.of())));
    nanos.addAndGet(Duration.ofHours(2).toNanos());
    CompletionStage<Void> expire =
        writer.submit(
            tables -> {
              tables.condemn(Duration.ofHours(1).toMillis());
              tables.expire();
              throw new IllegalStateException("so that it is undone");
            });
    assertThat(fails(expire)).isTrue();
    assertThat(get(writer.submit(VersionTables::isExpiring))).isTrue();
    Pending pending = get(writer.submit(tables -> tables.pending(uaid)));
    assertThat(pending).isEqualTo(new Unknown());
    writer.close();
  }

  // The disk itself

  /** Killing a process cannot show whether this is so: the system still has what it wrote. */
  @Test
  void databaseIsSetUpSoThatACommitIsOnTheDisk() throws Exception {
    try (Database database = Database.open(file(), 0)) {
      assertThat(pragma(database, "synchronous")).as("FULL").isEqualTo("2");
      assertThat(pragma(database, "fullfsync")).isEqualTo("1");
      assertThat(pragma(database, "checkpoint_fullfsync")).isEqualTo("1");
      assertThat(pragma(database, "journal_mode")).isEqualTo("wal");
      assertThat(pragma(database, "locking_mode")).isEqualTo("exclusive");
    }
  }

  private static String pragma(Database database, String name) throws Exception {
    try (var result = database.prepare("PRAGMA " + name).executeQuery()) {
      assertThat(result.next()).isTrue();
      return result.getString(1);
    }
  }

  /** Takes steps one by one, each after the one before was confirmed. */
  static final class OneByOne {
    static final int STEPS = 40;

    private OneByOne() {}

    public static void main(String[] args) throws Exception {
      SqliteVersionStore store = SqliteVersionStore.open(Path.of(args[0]));
      Uaid uaid = Uaid.random();
      ChannelId channel = ChannelId.random();
      create(store, uaid, channel);
      for (int version = 0; version < STEPS; version++) {
        get(store.advance(uaid, channel, version));
        System.out.println("confirmed " + version);
      }
      Runtime.getRuntime().halt(0); // closing would force the rest at once
    }
  }

  /** And that the disk is really asked to, before each answer. */
  @Test
  @Tag("process")
  void everyConfirmedStepWasForcedToTheDisk() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/strace")), "needs strace");
    Path trace = folder.resolve("trace");
    Process process =
        new ProcessBuilder(
                "/usr/bin/strace",
                "-f",
                "-y",
                "-qq",
                "-e",
                "trace=fsync,fdatasync,write",
                "-e",
                "signal=none",
                "-o",
                trace.toString(),
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                OneByOne.class.getName(),
                file().toString())
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("output").toFile())
            .start();
    int exit = process.waitFor();
    String output = Files.readString(folder.resolve("output"));
    assumeFalse(output.contains("PTRACE"), "strace may not trace here");
    assertThat(exit).as(output).isZero();
    int confirmed = 0;
    boolean forced = false;
    for (String call : Files.readAllLines(trace)) {
      if (call.contains("sync(") && call.contains("store.db-wal>")) {
        forced = true;
      } else if (call.contains("write(") && call.contains("\"confirmed ")) {
        assertThat(forced).as("forced before: %s", call).isTrue();
        forced = false;
        confirmed++;
      }
    }
    assertThat(confirmed).isEqualTo(OneByOne.STEPS);
  }

  private void copyAsACrashWould() throws IOException {
    for (String suffix : List.of("", "-wal")) {
      Files.write(
          Path.of(folder.resolve("crashed.db") + suffix),
          Files.readAllBytes(Path.of(file() + suffix)));
    }
  }

  // Expiry of many

  @Test
  void manyExpireBitByBitAndAreUnknownAtOnce() throws Exception {
    int userAgents = 3_000;
    try (SqliteVersionStore store = openInTime()) {
      List<Uaid> all = new ArrayList<>();
      for (int i = 0; i < userAgents; i++) {
        Uaid each = Uaid.random();
        all.add(each);
        store.hello(each, List.of());
        store.register(each, channel, 1);
      }
      assertThat(get(store.check())).as("all that was asked for is done").isNull();
      nanos.addAndGet(Duration.ofDays(7).toNanos());
      Uaid fresh = Uaid.random();
      store.hello(fresh, List.of());
      CompletionStage<Integer> expired = store.expire(Duration.ofDays(7));
      List<CompletionStage<?>> unknown = new ArrayList<>();
      for (Uaid each : all) {
        unknown.add(store.advance(each, channel, 1));
      }
      CompletionStage<?> resumed = store.hello(all.get(0), List.of());

      assertThat(get(expired)).isEqualTo(userAgents);
      for (CompletionStage<?> each : unknown) {
        assertThat(get(each)).isEqualTo(new Unknown());
      }
      assertThat(get(resumed)).isEqualTo(new Resumed(List.of()));
      assertThat(get(store.pending(all.get(0))))
          .as("started afresh, so kept")
          .isInstanceOf(Pending.Known.class);
      assertThat(get(store.pending(fresh))).isInstanceOf(Pending.Known.class);
      assertThat(get(store.pending(all.get(1)))).isEqualTo(new Unknown());
    }
  }

  // What is not opened

  /** Prints why a store could not be opened, in a Java that lacks something. */
  static final class Opening {
    private Opening() {}

    public static void main(String[] args) {
      try {
        SqliteVersionStore.open(Path.of(args[0])).close();
        System.out.println("opened");
      } catch (IOException e) {
        System.out.println(e.getMessage());
      }
    }
  }

  private String open(List<String> before, String classPath, String... options) throws Exception {
    List<String> command = new ArrayList<>(before);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", classPath, Opening.class.getName(), file().toString()));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    process.waitFor();
    return output.strip();
  }

  @Test
  @Tag("process")
  void missingDriverIsNamed() throws Exception {
    String classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.contains("sqlite-jdbc"))
            .collect(Collectors.joining(File.pathSeparator));
    assertThat(open(List.of(), classPath))
        .startsWith("The store " + file() + " needs sqlite-jdbc on the class path: ");
  }

  @Test
  @Tag("process")
  void temporaryFolderThatDoesNotExistIsNamed() throws Exception {
    String missing = folder.resolve("missing").toString();
    String classPath = System.getProperty("java.class.path");
    assertThat(open(List.of(), classPath, "-Djava.io.tmpdir=" + missing))
        .contains("into the folder " + missing, "-Dorg.sqlite.tmpdir=FOLDER");
    assertThat(open(List.of(), classPath, "-Dorg.sqlite.tmpdir=" + missing))
        .contains("into the folder " + missing);
    assertThat(
            open(
                List.of(),
                classPath,
                "-Djava.io.tmpdir=" + missing,
                "-Dorg.sqlite.tmpdir=" + folder))
        .as("what the sentence says helps")
        .isEqualTo("opened");
  }

  @ParameterizedTest
  @Tag("process")
  @ValueSource(strings = {"noexec", "ro"})
  void temporaryFolderThatIsMountedSoThatNothingCanBeLoadedIsNamed(String option) throws Exception {
    Path temporary = Files.createDirectory(folder.resolve("tmp"));
    List<String> mounted =
        List.of(
            "unshare",
            "-rm",
            "bash",
            "-c",
            "mount -t tmpfs -o " + option + " none " + temporary + " && exec \"$@\"",
            "bash");
    List<String> trial = new ArrayList<>(mounted);
    trial.add("true");
    assumeTrue(
        new ProcessBuilder(trial).start().waitFor() == 0, "needs user namespaces (unshare -rm)");
    assertThat(
            open(mounted, System.getProperty("java.class.path"), "-Djava.io.tmpdir=" + temporary))
        .contains("into the folder " + temporary, "noexec", "-Dorg.sqlite.tmpdir=FOLDER");
  }

  @Test
  @Tag("process")
  void secondProcessIsRefusedWithASentence() throws Exception {
    try (SqliteVersionStore store = open()) {
      create(store, uaid, channel);
      Process second = StoreProcess.start(file(), 0);
      assertThat(second.inputReader().readLine())
          .isEqualTo(
              "The store "
                  + file()
                  + " is in use, by another process or by another store of this one");
      assertThat(second.waitFor()).isZero();
      assertThat(get(store.advance(uaid, channel, 1)))
          .isInstanceOf(VersionStore.Advance.Advanced.class);
    }
  }

  @Test
  @Tag("process")
  void secondStoreInTheSameProcessIsRefusedAndHarmsNothing() throws Exception {
    try (SqliteVersionStore store = open()) {
      create(store, uaid, channel);
      assertThatThrownBy(this::open).isInstanceOf(IOException.class).hasMessageContaining("in use");
      Process second = StoreProcess.start(file(), 0);
      assertThat(second.inputReader().readLine()).contains("in use");
      assertThat(second.waitFor()).isZero();
    }
  }

  @Test
  void folderThatDoesNotExistIsNamed() {
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() -> SqliteVersionStore.open(missing.resolve("store.db")))
        .isInstanceOf(IOException.class)
        .hasMessage("The store's folder " + missing + " does not exist");
  }

  @Test
  void folderThatCannotBeWrittenToIsASentence() throws Exception {
    Path readOnly = Files.createDirectory(folder.resolve("read-only"));
    Files.setPosixFilePermissions(readOnly, PosixFilePermissions.fromString("r-xr-xr-x"));
    if (Files.isWritable(readOnly)) {
      readOnly = Path.of("/proc"); // we are root, who is not allowed everything either
    }
    Path file = readOnly.resolve("store.db");
    assertThatThrownBy(() -> SqliteVersionStore.open(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("The store " + file + " cannot be created");
  }

  @Test
  void folderInTheFilesPlaceIsASentence() {
    assertThatThrownBy(() -> SqliteVersionStore.open(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(folder + " cannot be opened");
  }

  @Test
  void fileOfAnotherKindIsLeftAlone() throws Exception {
    Files.writeString(file(), "not a database, but longer than the head of one\n".repeat(100));
    byte[] before = Files.readAllBytes(file());
    assertThatThrownBy(this::open)
        .isInstanceOf(IOException.class)
        .hasMessage(file() + " is not an SQLite database");
    assertThat(Files.readAllBytes(file())).isEqualTo(before);
  }

  @Test
  void databaseOfAnotherApplicationIsLeftAlone() throws Exception {
    try (var connection = java.sql.DriverManager.getConnection("jdbc:sqlite:" + file());
        var statement = connection.createStatement()) {
      statement.execute("CREATE TABLE theirs (x)");
    }
    byte[] before = Files.readAllBytes(file());
    assertThatThrownBy(this::open)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("of another application");
    assertThat(Files.readAllBytes(file())).isEqualTo(before);
  }

  @Test
  void laterSchemaIsRefused() throws Exception {
    open().close();
    try (FileChannel raw = FileChannel.open(file(), StandardOpenOption.WRITE)) {
      raw.write(ByteBuffer.allocate(4).putInt(0, 1000), 60); // user_version in the head of the file
    }
    assertThatThrownBy(this::open)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("has schema 1000")
        .hasMessageContaining("upgrade");
  }

  @Test
  void fileOfTheFirstSchemaIsMigratedWithAllItHolds() throws Exception {
    try (var connection = java.sql.DriverManager.getConnection("jdbc:sqlite:" + file());
        var statement = connection.createStatement()) {
      for (String step :
          List.of(
              "PRAGMA journal_mode = WAL",
              "CREATE TABLE user_agent (uaid BLOB PRIMARY KEY, seen INTEGER NOT NULL)"
                  + " STRICT, WITHOUT ROWID",
              "CREATE INDEX user_agent_by_seen ON user_agent (seen)",
              "CREATE TABLE channel (uaid BLOB NOT NULL, channel_id BLOB NOT NULL,"
                  + " version INTEGER NOT NULL, pending INTEGER NOT NULL, spelling TEXT,"
                  + " PRIMARY KEY (uaid, channel_id)) STRICT, WITHOUT ROWID",
              "CREATE TABLE probe (content BLOB NOT NULL) STRICT",
              "INSERT INTO user_agent VALUES (x'%s', 1)".formatted(hex(uaid.value())),
              "INSERT INTO channel VALUES (x'%s', x'%s', 7, 1, NULL)"
                  .formatted(hex(uaid.value()), hex(channel.value())),
              "PRAGMA application_id = 0x53507673",
              "PRAGMA user_version = 1")) {
        statement.execute(step);
      }
    }

    try (SqliteVersionStore store = open()) {
      assertThat(get(store.pending(uaid)))
          .isEqualTo(new Pending.Known(List.of(new Update(channel, 7))));
      assertThat(get(store.keyRecord())).isEmpty();
      assertThat(get(store.replaceKeyRecord(null, "a record"))).isTrue();
    }
    try (SqliteVersionStore store = open()) {
      assertThat(get(store.keyRecord())).contains("a record");
    }
  }

  private static String hex(UUID id) {
    return id.toString().replace("-", "");
  }

  @Test
  void emptyFileBecomesAStore() throws Exception {
    Files.createFile(file());
    try (SqliteVersionStore store = open()) {
      create(store, uaid, channel);
    }
  }
}
