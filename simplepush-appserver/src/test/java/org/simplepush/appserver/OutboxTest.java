package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.net.URI;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import javax.crypto.spec.SecretKeySpec;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.appserver.internal.jdbc.EndpointVault;
import org.simplepush.appserver.testing.Databases;
import org.simplepush.appserver.testing.FakeTime;
import org.simplepush.appserver.testing.OutboxVictim;
import org.simplepush.appserver.testing.PushSink;
import org.simplepush.core.fixtures.LogCapture;

@Timeout(90)
class OutboxTest {
  @TempDir private Path directory;

  @Nested
  class OnSqlite extends Contract {
    @Override
    DataSource database() {
      return Databases.sqlite(directory.resolve("outbox.db"));
    }
  }

  @Nested
  @Tag("process")
  class OnPostgres extends Contract {
    @Override
    DataSource database() throws Exception {
      return Databases.postgres();
    }
  }

  @Test
  void settingsOutOfRangeAreRefusedWithTheirNames() {
    try (Notifier notifier = Notifier.create()) {
      Outbox.Builder builder = Outbox.builder(notifier, Databases.sqlite(directory.resolve("db")));
      assertThatThrownBy(() -> builder.name(""))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("A name has 1 to 255 characters, but this had 0.");
      builder.keep(Duration.ofDays(36_500)).sweepInterval(Duration.ofMillis(1)).name("n");
      for (Duration keep :
          List.of(
              Duration.ZERO,
              Duration.ofNanos(-1),
              Duration.ofDays(36_500).plusNanos(1),
              Duration.ofSeconds(Long.MAX_VALUE))) {
        assertThatThrownBy(() -> builder.keep(keep))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith("keep must be ");
      }
    }
  }

  abstract static class Contract {
    private final FakeTime time = new FakeTime();
    private final AtomicReference<Instant> now =
        new AtomicReference<>(Instant.parse("2030-01-01T00:00:00Z"));
    private final InstantSource clock = now::get;
    private final Notifier notifier =
        Notifier.builder().permitHost("localhost").deadline(Duration.ofMillis(1)).build();

    /** One whose calls may wait for another. */
    private final Notifier patient = Notifier.builder().permitHost("localhost").build();

    private final Semaphore asked = new Semaphore(0);
    private PushSink sink;
    private DataSource database;
    private Outbox outbox;

    abstract DataSource database() throws Exception;

    @BeforeEach
    void begin() throws Exception {
      sink = new PushSink();
      database = database();
      outbox = outbox().build();
      outbox.createTable();
      outbox.createTable(); // does no harm
    }

    @AfterEach
    void end() {
      outbox.close();
      notifier.close();
      sink.close();
      patient.close();
    }

    private Outbox.Builder outbox() {
      return Outbox.builder(notifier, database).time(time, clock);
    }

    private Outbox.Builder patient(DataSource database) {
      return Outbox.builder(patient, database).time(time, clock);
    }

    /** Answers of the sink that wait until they are put here. */
    private BlockingQueue<Integer> held() {
      BlockingQueue<Integer> answers = new LinkedBlockingQueue<>();
      sink.status =
          () -> {
            asked.release();
            try {
              return answers.take();
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          };
      return answers;
    }

    private void awaitRequest() throws InterruptedException {
      assertThat(asked.tryAcquire(20, TimeUnit.SECONDS)).isTrue();
    }

    private static Verdict get(CompletableFuture<Verdict> future) throws Exception {
      return future.get(20, TimeUnit.SECONDS);
    }

    /** Each row as "sender version". */
    private List<String> rows() throws SQLException {
      List<String> rows = new ArrayList<>();
      try (Connection connection = database.getConnection();
          Statement statement = connection.createStatement();
          ResultSet each =
              statement.executeQuery("SELECT sender, version FROM simplepush_outbox ORDER BY 2")) {
        while (each.next()) {
          rows.add(each.getString(1) + " " + each.getLong(2));
        }
      }
      return rows;
    }

    private void enqueue(Outbox outbox, URI endpoint, long... versions) throws SQLException {
      try (Connection connection = database.getConnection()) {
        connection.setAutoCommit(false);
        try {
          for (long version : versions) {
            outbox.enqueue(connection, endpoint, version);
          }
          connection.commit();
        } finally {
          connection.setAutoCommit(true); // the pool has it again
        }
      }
    }

    @Test
    void whatIsSettledLeavesTheTable() throws Exception {
      assertThat(get(outbox.publish(sink.endpoint(0), 7))).isEqualTo(new Verdict.Accepted());
      assertThat(sink.next()).isEqualTo("version=7");
      assertThat(rows()).isEmpty();
      sink.status = () -> 410;
      assertThat(get(outbox.publish(sink.endpoint(0), 8))).isEqualTo(new Verdict.Gone(410));
      assertThat(rows()).isEmpty();
      assertThat(get(outbox.publish(URI.create("http://10.0.0.1/"), 8)))
          .isInstanceOf(Verdict.Refused.class);
      assertThat(rows()).isEmpty();
    }

    @Test
    void whatFailedStaysAndIsSentByTheNextSweep() throws Exception {
      sink.status = () -> 503;
      assertThat(get(outbox.publish(sink.endpoint(0), 7))).isInstanceOf(Verdict.Failed.class);
      assertThat(rows()).containsExactly("default 7");
      List<Verdict> heard = new ArrayList<>();
      outbox.close();
      outbox = outbox().listener((endpoint, verdict) -> heard.add(verdict)).build().start();
      await().until(() -> time.timers() == 1); // swept; the next sweep is set
      assertThat(heard).singleElement().isInstanceOf(Verdict.Failed.class);
      sink.status = () -> 200;
      time.advance(Duration.ofSeconds(30));
      assertThat(sink.next()).isEqualTo("version=7");
      await().until(() -> rows().isEmpty());
    }

    @Test
    void versionsCollapseInTheTable() throws Exception {
      enqueue(outbox, sink.endpoint(0), 5, 9, 7);
      assertThat(rows()).containsExactly("default 9");
      outbox.start();
      assertThat(sink.next()).isEqualTo("version=9");
      await().until(() -> rows().isEmpty());
      assertThat(sink.rest()).isEmpty();
    }

    @Test
    void olderVersionSendsTheNewerOneThatWaits() throws Exception {
      enqueue(outbox, sink.endpoint(0), 9);
      assertThat(get(outbox.publish(sink.endpoint(0), 3))).isEqualTo(new Verdict.Accepted());
      assertThat(sink.next()).isEqualTo("version=9");
      assertThat(rows()).isEmpty();
    }

    @Test
    void signalWithoutVersionReplacesEveryVersion() throws Exception {
      enqueue(outbox, sink.endpoint(0), 9);
      assertThat(get(outbox.publish(sink.endpoint(0)))).isEqualTo(new Verdict.Accepted());
      assertThat(sink.next()).isEmpty();
      assertThat(rows()).isEmpty();
    }

    @Test
    void whatWasNotCommittedIsNotSent() throws Exception {
      try (Connection connection = database.getConnection()) {
        connection.setAutoCommit(false);
        outbox.enqueue(connection, sink.endpoint(0), 1);
        connection.rollback();
        outbox.enqueue(connection, sink.endpoint(1), 2);
        connection.commit();
        connection.setAutoCommit(true);
      }
      outbox.start();
      assertThat(sink.next()).isEqualTo("version=2");
      await().until(() -> rows().isEmpty());
      assertThat(sink.rest()).isEmpty();
    }

    @Test
    void versionPutInWhileAnOlderOneIsOnTheWireIsSentAtOnce() throws Exception {
      BlockingQueue<Integer> answers = held();
      try (Outbox outbox = patient(database).build()) {
        CompletableFuture<Verdict> one = outbox.publish(sink.endpoint(0), 1);
        awaitRequest();
        enqueue(outbox, sink.endpoint(0), 2);
        outbox.wake();
        answers.add(200);
        assertThat(get(one)).isEqualTo(new Verdict.Accepted());
        assertThat(sink.next()).isEqualTo("version=1");
        answers.add(200);
        assertThat(sink.next()).isEqualTo("version=2"); // no time has passed
        await().until(() -> rows().isEmpty());
      }
    }

    @Test
    void verdictOnAnOlderVersionLeavesTheNewerOneInTheTable() throws Exception {
      BlockingQueue<Integer> answers = held();
      try (Outbox first = patient(database).build()) {
        CompletableFuture<Verdict> one = first.publish(sink.endpoint(0), 1);
        awaitRequest();
        first.publish(sink.endpoint(0), 2);
        answers.add(200);
        assertThat(get(one)).isEqualTo(new Verdict.Accepted());
        assertThat(sink.next()).isEqualTo("version=1");
        awaitRequest(); // version 2 is on the wire, without an answer
        assertThat(rows()).containsExactly("default 2");
      }
      try (Notifier next = Notifier.builder().permitHost("localhost").build();
          Outbox outbox = Outbox.builder(next, database).time(time, clock).build()) {
        outbox.start();
        awaitRequest(); // by another process, as it were
        answers.addAll(List.of(200, 200));
        assertThat(sink.next()).isEqualTo("version=2");
        await().until(() -> rows().isEmpty());
      }
    }

    @Test
    void sweepThatWaitsForAnAnswerKeepsNothingBack() throws Exception {
      BlockingQueue<Integer> answers = held();
      try (Outbox outbox = patient(database).build()) {
        enqueue(outbox, sink.endpoint(0), 1);
        outbox.start();
        awaitRequest(); // a push server that takes its time
        enqueue(outbox, sink.endpoint(1), 2);
        outbox.wake();
        awaitRequest();
        answers.addAll(List.of(200, 200));
        await().until(() -> rows().isEmpty());
        assertThat(sink.rest()).containsExactlyInAnyOrder("version=1", "version=2");
        assertThat(patient.statistics().calls()).isEqualTo(2); // each once
      }
    }

    @Test
    void wakeWhileTheTableIsReadHasItReadAgain() throws Exception {
      CountDownLatch read = new CountDownLatch(1);
      CountDownLatch goOn = new CountDownLatch(1);
      DataSource slow =
          Databases.after(
              database,
              () -> {
                read.countDown();
                try {
                  goOn.await();
                } catch (InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              });
      try (Outbox outbox = patient(slow).build()) {
        outbox.start();
        assertThat(read.await(20, TimeUnit.SECONDS)).isTrue(); // and the table was empty
        enqueue(outbox, sink.endpoint(0), 7);
        outbox.wake();
        goOn.countDown();
        assertThat(sink.next()).isEqualTo("version=7");
        await().until(() -> rows().isEmpty());
      }
    }

    @Test
    void tableIsReadAgainWhenThereIsRoomForMore() throws Exception {
      BlockingQueue<Integer> answers = held();
      try (Outbox outbox = patient(database).maxOnTheWay(1).build()) {
        CompletableFuture<Verdict> one = outbox.publish(sink.endpoint(0), 1);
        awaitRequest();
        enqueue(outbox, sink.endpoint(1), 2);
        outbox.wake();
        answers.add(200);
        assertThat(get(one)).isEqualTo(new Verdict.Accepted());
        assertThat(sink.next()).isEqualTo("version=1");
        answers.add(200);
        assertThat(sink.next()).isEqualTo("version=2");
        await().until(() -> rows().isEmpty());
      }
    }

    @Test
    void closeLeavesNoTimer() throws Exception {
      outbox.start();
      await().until(() -> time.timers() == 1);
      enqueue(outbox, sink.endpoint(0), 7);
      outbox.wake(); // instead of the sweep that was due
      await().until(() -> rows().isEmpty());
      await().until(() -> time.timers() == 1);
      outbox.close();
      outbox.close(); // harmless
      assertThat(time.timers()).isZero();
      assertThat(outbox).hasToString("Outbox");
    }

    @Test
    void sweepThatEndsAfterTheCloseSetsNoTimer() throws Exception {
      BlockingQueue<Integer> answers = held();
      CountDownLatch heard = new CountDownLatch(1);
      Outbox outbox = patient(database).listener((endpoint, verdict) -> heard.countDown()).build();
      enqueue(outbox, sink.endpoint(0), 1);
      outbox.start();
      awaitRequest();
      outbox.close();
      answers.add(200);
      assertThat(heard.await(20, TimeUnit.SECONDS)).isTrue();
      patient.close(); // which waits for the sweep
      assertThat(time.timers()).isZero();
      assertThat(rows()).isEmpty(); // what was sent is settled all the same
    }

    @Test
    void closeEndsTheThreadOfTheOutbox() throws Exception {
      try (Outbox own = Outbox.builder(patient, database).build()) {
        own.start();
        await().until(() -> threads() == 1);
      }
      await().until(() -> threads() == 0);
    }

    private static long threads() {
      return Thread.getAllStackTraces().keySet().stream()
          .filter(thread -> thread.getName().startsWith("simplepush-outbox-"))
          .count();
    }

    @Test
    void intervalAndTimeToKeepAreExact() throws Exception {
      sink.status = () -> 503;
      try (Outbox brief =
          outbox().sweepInterval(Duration.ofSeconds(2)).keep(Duration.ofHours(1)).build()) {
        enqueue(brief, sink.endpoint(0), 7);
        now.set(now.get().plus(Duration.ofHours(1)).minusMillis(1));
        brief.start();
        await().until(() -> time.timers() == 1); // tried in vain
        assertThat(rows()).containsExactly("default 7");
        now.set(now.get().plusMillis(1));
        time.advance(Duration.ofSeconds(2).minusNanos(1));
        assertThat(time.timers()).isEqualTo(1);
        assertThat(rows()).containsExactly("default 7");
        time.advance(Duration.ofNanos(1));
        await().until(() -> rows().isEmpty());
      }
    }

    @Test
    void versionThatOursOvertookIsNotCalledStale() throws Exception {
      sink.body = "{\"stale\":true}";
      BlockingQueue<Integer> answers = held();
      List<Verdict> heard = new CopyOnWriteArrayList<>();
      try (Outbox outbox =
          patient(database).listener((endpoint, verdict) -> heard.add(verdict)).build()) {
        enqueue(outbox, sink.endpoint(0), 1);
        outbox.start();
        awaitRequest();
        CompletableFuture<Verdict> two = outbox.publish(sink.endpoint(0), 2);
        answers.addAll(List.of(200, 200));
        assertThat(get(two)).isEqualTo(new Verdict.Accepted(true)); // a stranger's is higher
        await().until(() -> heard.size() == 2);
        assertThat(heard).containsExactly(new Verdict.Accepted(), new Verdict.Accepted(true));
        assertThat(rows()).isEmpty();
      }
    }

    @Test
    void negativeVersionIsRefused() throws Exception {
      assertThatThrownBy(() -> outbox.publish(sink.endpoint(0), -1))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> enqueue(outbox, sink.endpoint(0), -1))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(rows()).isEmpty();
    }

    @Test
    void connectionWithoutATransactionIsRefused() throws Exception {
      try (Connection connection = database.getConnection()) {
        assertThatThrownBy(() -> outbox.enqueue(connection, sink.endpoint(0), 7))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("auto-commit");
      }
      assertThat(rows()).isEmpty();
    }

    @Test
    void poolThatThrowsWhatItLikesLosesNothing() throws Exception {
      AtomicBoolean broken = new AtomicBoolean();
      DataSource pool =
          Databases.before(
              database,
              () -> {
                if (broken.get()) {
                  throw new IllegalStateException("the pool is exhausted");
                }
              });
      BlockingQueue<Integer> answers = held();
      try (Outbox outbox = patient(pool).build();
          LogCapture log = new LogCapture()) {
        enqueue(outbox, sink.endpoint(0), 7);
        outbox.start();
        awaitRequest();
        broken.set(true);
        answers.add(200);
        await().until(() -> time.timers() == 1); // swept
        assertThat(log.lines("stays in the outbox, and will be sent again")).hasSize(1);
        assertThat(rows()).containsExactly("default 7");
        time.advance(Duration.ofSeconds(30));
        await().until(() -> time.timers() == 1); // it could not be read either
        assertThat(log.lines("The outbox could not be read; trying again later")).hasSize(1);
        broken.set(false);
        answers.add(200);
        time.advance(Duration.ofSeconds(30));
        await().until(() -> rows().isEmpty());
      }
    }

    @Test
    void poolThatThrowsIsNotTakenForANotifierThatIsClosed() throws Exception {
      DataSource pool =
          Databases.before(
              database,
              () -> {
                throw new IllegalStateException("the pool is exhausted");
              });
      try (Outbox outbox = patient(pool).build()) {
        assertThatThrownBy(() -> outbox.publish(sink.endpoint(0), 7))
            .isInstanceOf(IllegalStateException.class)
            .hasMessage("the pool is exhausted");
      }
      assertThat(rows()).isEmpty();
    }

    @Test
    void listenerHearsOneVerdictAtATime() throws Exception {
      AtomicBoolean inCall = new AtomicBoolean();
      AtomicBoolean twoAtOnce = new AtomicBoolean();
      CountDownLatch heard = new CountDownLatch(200);
      try (Outbox outbox =
          patient(database)
              .listener(
                  (endpoint, verdict) -> {
                    if (inCall.getAndSet(true)) {
                      twoAtOnce.set(true);
                    }
                    Thread.yield();
                    inCall.set(false);
                    heard.countDown();
                    throw new AssertionError("thrown by the test's listener");
                  })
              .build()) {
        for (int n = 0; n < 100; n++) {
          enqueue(outbox, sink.endpoint(n), 1);
        }
        outbox.start();
        for (int n = 100; n < 200; n++) {
          outbox.publish(sink.endpoint(n), 1);
        }
        assertThat(heard.await(30, TimeUnit.SECONDS)).isTrue();
        assertThat(twoAtOnce).isFalse();
      }
    }

    @Test
    void moreThanAPageIsSent() throws Exception {
      try (Connection connection = database.getConnection()) {
        connection.setAutoCommit(false);
        for (int n = 0; n < 1200; n++) {
          outbox.enqueue(connection, sink.endpoint(n), n);
        }
        connection.commit();
        connection.setAutoCommit(true);
      }
      try (Notifier patient = Notifier.builder().permitHost("localhost").build();
          Outbox all = Outbox.builder(patient, database).build()) {
        all.start();
        await().atMost(Duration.ofSeconds(60)).until(() -> rows().isEmpty());
      }
      assertThat(sink.highest).hasSize(1200);
    }

    @Test
    void eachSendsWhatIsItsOwn() throws Exception {
      try (Outbox other = outbox().name("other").build()) {
        enqueue(other, sink.endpoint(0), 1);
        enqueue(outbox, sink.endpoint(0), 2);
        outbox.start();
        assertThat(sink.next()).isEqualTo("version=2");
        await().until(() -> rows().equals(List.of("other 1")));
      }
    }

    @Test
    void encryptedTableRevealsNoEndpoint() throws Exception {
      SecretKeySpec key = new SecretKeySpec(new byte[32], "AES");
      try (Outbox secret = outbox().encrypted(key).build()) {
        enqueue(secret, sink.endpoint(0), 7);
        try (Connection connection = database.getConnection();
            Statement statement = connection.createStatement();
            ResultSet row =
                statement.executeQuery("SELECT endpoint, fingerprint FROM simplepush_outbox")) {
          assertThat(row.next()).isTrue();
          assertThat(row.getString(1) + row.getString(2))
              .doesNotContain(
                  "secret", "localhost", EndpointVault.plain().fingerprint(sink.endpoint(0)));
        }
        secret.start();
        assertThat(sink.next()).isEqualTo("version=7");
        await().until(() -> rows().isEmpty());
      }
    }

    private Outbox.Builder encrypted(int key) {
      byte[] bytes = new byte[32];
      bytes[0] = (byte) key;
      return outbox().encrypted(new SecretKeySpec(bytes, "AES"));
    }

    private String firstFingerprint() throws SQLException {
      try (Connection connection = database.getConnection();
          Statement statement = connection.createStatement();
          ResultSet row =
              statement.executeQuery(
                  "SELECT fingerprint FROM simplepush_outbox ORDER BY fingerprint LIMIT 1")) {
        row.next();
        return row.getString(1);
      }
    }

    private void execute(String sql) throws SQLException {
      try (Connection connection = database.getConnection();
          Statement statement = connection.createStatement()) {
        statement.execute(sql);
      }
    }

    @Test
    void rowThatCannotBeReadStaysUntilItCanBeAndKeepsNoOtherBack() throws Exception {
      try (Outbox lost = encrypted(1).build();
          Outbox secret = encrypted(2).build();
          LogCapture log = new LogCapture()) {
        enqueue(lost, sink.endpoint(0), 10);
        enqueue(outbox, sink.endpoint(1), 11); // plain
        enqueue(secret, sink.endpoint(2), 12);
        execute("UPDATE simplepush_outbox SET endpoint = 'damaged' WHERE version = 12");
        enqueue(secret, sink.endpoint(3), 13);
        secret.start();
        assertThat(sink.next()).isEqualTo("version=13");
        await().until(() -> rows().size() == 3 && time.timers() == 1); // swept, and resting
        for (int sweep = 0; sweep < 3; sweep++) {
          enqueue(secret, sink.endpoint(4), 14);
          time.advance(Duration.ofSeconds(30));
          assertThat(sink.next()).isEqualTo("version=14");
          await().until(() -> rows().size() == 3 && time.timers() == 1);
        }
        assertThat(rows()).containsExactly("default 10", "default 11", "default 12");
        assertThat(log.lines("cannot be read"))
            .singleElement()
            .asString()
            .contains(" 3 of the rows", "fingerprint " + firstFingerprint(), "key is another")
            .doesNotContain("secret"); // the name of a thread has the host
        time.advance(Duration.ofHours(1)); // and only then is it said again
        await().until(() -> time.timers() == 1);
        time.advance(Duration.ofSeconds(30));
        await().until(() -> log.lines("cannot be read").size() == 2);
        await().until(() -> time.timers() == 1);

        now.set(now.get().plus(Duration.ofDays(30))); // no time is too long
        enqueue(secret, sink.endpoint(2), 5); // the newer version in the row goes out
        secret.wake();
        assertThat(sink.next()).isEqualTo("version=12");
        await().until(() -> rows().equals(List.of("default 10", "default 11")));
      }
      try (Outbox restored = encrypted(1).build()) {
        restored.start();
        assertThat(sink.next()).isEqualTo("version=10");
        await().until(() -> rows().equals(List.of("default 11")));
      }
    }

    @Test
    void missingTableIsSaidWithWhatMakesItAndInFullOnlyOnce() throws Exception {
      execute("DROP TABLE simplepush_outbox");
      String said = "Could not read the outbox: the table is missing; createTable() makes it.";
      try (LogCapture log = new LogCapture()) {
        outbox.start();
        await().until(() -> time.timers() == 1);
        time.advance(Duration.ofSeconds(30));
        await().until(() -> time.timers() == 1);
        assertThat(log.lines(said))
            .hasSize(2)
            .last()
            .asString()
            .contains("still could not be read; trying again later: " + said);
        assertThat(log.lines(StorageException.class.getName())).hasSize(1);
      }
      assertThatThrownBy(() -> outbox.publish(sink.endpoint(0), 7))
          .isInstanceOf(StorageException.class)
          .hasMessageEndingWith(": the table is missing; createTable() makes it.");
      outbox.createTable();
      assertThat(get(outbox.publish(sink.endpoint(0), 7))).isEqualTo(new Verdict.Accepted());
    }

    @Test
    void encryptedRowThatIsReadWithoutAKeyStays() throws Exception {
      try (Outbox secret = encrypted(1).build()) {
        enqueue(secret, sink.endpoint(0), 10);
        enqueue(outbox, sink.endpoint(1), 11);
        outbox.start();
        assertThat(sink.next()).isEqualTo("version=11");
        await().until(() -> time.timers() == 1 && rows().equals(List.of("default 10")));
        secret.start();
        assertThat(sink.next()).isEqualTo("version=10");
      }
    }

    @Test
    void whatCannotBeSentIsDroppedInTheEnd() throws Exception {
      sink.status = () -> 503;
      enqueue(outbox, sink.endpoint(0), 1);
      now.set(now.get().plus(Duration.ofDays(3).plusSeconds(1)));
      outbox.start();
      await().until(() -> rows().isEmpty());
      assertThat(sink.rest()).isEmpty();
    }

    @Test
    void clockThatJumpsLosesNothing() throws Exception {
      enqueue(outbox, sink.endpoint(0), 1);
      now.set(now.get().plus(Duration.ofDays(20_000))); // from 1970, where clocks begin
      enqueue(outbox, sink.endpoint(1), 2);
      now.set(now.get().minus(Duration.ofDays(40_000)));
      enqueue(outbox, sink.endpoint(2), 3);
      outbox.start();
      assertThat(List.of(sink.next(), sink.next(), sink.next()))
          .containsExactlyInAnyOrder("version=1", "version=2", "version=3");
      await().until(() -> rows().isEmpty());
    }

    @Test
    void whatIsPutIntoAnOutboxWhoseNotifierIsClosedStays() throws Exception {
      notifier.close();
      assertThat(get(outbox.publish(sink.endpoint(0), 7)))
          .isInstanceOfSatisfying(
              Verdict.Failed.class,
              failed -> assertThat(failed.cause()).isEqualTo(Verdict.Cause.CLOSED));
      assertThat(rows()).containsExactly("default 7");
    }

    @Test
    void closedOutboxTakesNothing() {
      outbox.close();
      assertThatThrownBy(() -> outbox.publish(sink.endpoint(0), 7))
          .isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(outbox::wake).isInstanceOf(IllegalStateException.class);
    }
  }

  /** Kills a process that uses the outbox, several times; what it said was put in must arrive. */
  @Test
  @Tag("process")
  @Timeout(240) // it starts three processes
  void nothingIsLostWhenTheProcessIsKilled() throws Exception {
    Path file = directory.resolve("killed.db");
    DataSource database = Databases.sqlite(file);
    Map<Integer, Long> promised = new HashMap<>();
    Random random = new Random(1);
    try (PushSink sink = new PushSink();
        Notifier notifier = Notifier.builder().permitHost("localhost").build();
        Outbox outbox = Outbox.builder(notifier, database).build()) {
      outbox.createTable();
      Random luck = new Random(2);
      sink.status =
          () -> {
            synchronized (luck) {
              return luck.nextInt(3) == 0 ? 200 : 503;
            }
          };
      String base = sink.endpoint(0).toString().replaceFirst("0$", "");
      long version = 0;
      for (int round = 0; round < 3; round++) {
        Process victim =
            new ProcessBuilder(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "-cp",
                    System.getProperty("java.class.path"),
                    OutboxVictim.class.getName(),
                    file.toString(),
                    base,
                    Long.toString(version + 1))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (BufferedReader said = victim.inputReader()) {
          long until = version + 100 + random.nextInt(200);
          String line;
          while ((line = said.readLine()) != null) {
            version = Long.parseLong(line);
            promised.put((int) (version % OutboxVictim.ENDPOINTS), version);
            if (version == until) {
              victim.toHandle().destroyForcibly(); // SIGKILL; what it said can still be read
            }
          }
        }
        assertThat(victim.waitFor()).isNotZero();
      }
      assertThat(promised).hasSize(OutboxVictim.ENDPOINTS);

      sink.status = () -> 200;
      outbox.start();
      await()
          .atMost(Duration.ofSeconds(60))
          .untilAsserted(
              () ->
                  assertThat(promised)
                      .allSatisfy(
                          (n, last) ->
                              assertThat(sink.highest.getOrDefault(sink.endpoint(n).getPath(), -1L))
                                  .isGreaterThanOrEqualTo(last)));
    }
  }
}
