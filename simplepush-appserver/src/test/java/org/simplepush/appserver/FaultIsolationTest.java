package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.SocketFactory;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.appserver.internal.ThreadTime;
import org.simplepush.appserver.internal.send.Outcome;
import org.simplepush.appserver.internal.send.OutcomeQueue;
import org.simplepush.appserver.testing.Databases;
import org.simplepush.appserver.testing.HostileServer;
import org.simplepush.appserver.testing.RawServer;
import org.simplepush.core.internal.DaemonThreads;

/** What one thing throws, out of memory included, is kept from the others: thread by thread. */
@Timeout(60)
class FaultIsolationTest {
  private static OutOfMemoryError outOfMemory() {
    return new OutOfMemoryError("thrown by the test");
  }

  private static Notifier.Builder brief() {
    return Notifier.builder()
        .permitHost("localhost")
        .deadline(Duration.ofSeconds(10))
        .backoff(Duration.ofMillis(1), Duration.ofMillis(100));
  }

  private static void assertAllServed(Notifier notifier, HostileServer server) {
    List<CompletableFuture<Verdict>> all = new ArrayList<>();
    for (int n = 0; n < 20; n++) { // more than the host has slots
      all.add(notifier.publish(server.endpoint(n), 7));
    }
    assertThat(all)
        .allSatisfy(
            each ->
                assertThat(each)
                    .succeedsWithin(Duration.ofSeconds(40))
                    .isEqualTo(new Verdict.Accepted()));
    await().atMost(Duration.ofSeconds(20)).until(() -> notifier.sender().isEmpty());
  }

  @Test
  void listenerOnTheThreadOfAnAnswer() throws Exception {
    NotifierListener broken =
        new NotifierListener() {
          @Override
          public void onAttempt(Attempt event) {
            throw outOfMemory();
          }

          @Override
          public void onVerdict(Delivered event) {
            throw outOfMemory();
          }
        };
    try (HostileServer server = new HostileServer(HostileServer.answering(HostileServer.GOOD));
        Notifier notifier = brief().listener(broken).build()) {
      assertAllServed(notifier, server);
    }
  }

  @Test
  void lookupOfAHost() throws Exception {
    try (HostileServer server = new HostileServer(HostileServer.answering(HostileServer.GOOD));
        Notifier notifier =
            brief()
                .permitHost("broken.example")
                .dns(
                    host -> {
                      if (host.startsWith("broken")) {
                        throw outOfMemory();
                      }
                      return List.of(InetAddress.getLoopbackAddress());
                    })
                .build()) {
      URI broken = URI.create("http://broken.example:" + server.port() + "/update/1");
      assertThat(notifier.publish(broken, 7))
          .succeedsWithin(Duration.ofSeconds(40))
          .isInstanceOfSatisfying(
              Verdict.Failed.class,
              failed -> assertThat(failed.cause()).isEqualTo(Verdict.Cause.NETWORK));
      assertAllServed(notifier, server);
    }
  }

  /** Connections fail with an Error as often as {@code left} says. */
  private static final class BrokenSockets extends SocketFactory {
    private final AtomicInteger left = new AtomicInteger(10);

    @Override
    public Socket createSocket() {
      if (left.getAndDecrement() > 0) {
        throw outOfMemory();
      }
      return new Socket();
    }

    @Override
    public Socket createSocket(String host, int port) throws IOException {
      throw new IOException("not used");
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress local, int localPort)
        throws IOException {
      throw new IOException("not used");
    }

    @Override
    public Socket createSocket(InetAddress host, int port) throws IOException {
      throw new IOException("not used");
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort)
        throws IOException {
      throw new IOException("not used");
    }
  }

  @Test
  void connectionWithinTheHttpEngine() throws Exception {
    try (HostileServer server = new HostileServer(HostileServer.answering(HostileServer.GOOD));
        Notifier notifier =
            Notifier.builder()
                .permitHost("localhost")
                .socketFactory(new BrokenSockets())
                .requestTimeout(Duration.ofSeconds(2)) // where the engine loses the request
                .backoff(Duration.ofMillis(1), Duration.ofMillis(10))
                .build()) {
      assertAllServed(notifier, server);
    }
  }

  @Test
  void timer() throws Exception {
    ThreadTime time = new ThreadTime(DaemonThreads.numbered("test-timer-"));
    try {
      CountDownLatch ran = new CountDownLatch(1);
      time.after(
          Duration.ZERO,
          () -> {
            throw outOfMemory();
          });
      time.after(Duration.ofMillis(1), ran::countDown);
      assertThat(ran.await(20, TimeUnit.SECONDS)).isTrue();
    } finally {
      time.stop();
    }
  }

  @Test
  void deliveryOfVerdicts() {
    OutcomeQueue queue =
        new OutcomeQueue(
            (endpoint, outcome) -> {
              throw outOfMemory();
            });
    AtomicInteger heard = new AtomicInteger();
    URI endpoint = URI.create("https://push.example/update/1");
    queue.deliver(
        endpoint,
        new Outcome.Accepted(),
        () -> {
          throw outOfMemory();
        });
    queue.deliver(endpoint, new Outcome.Accepted(), heard::incrementAndGet);
    assertThat(heard).hasValue(1);
  }

  @Test
  void iteratorOfAFanOutEndsThatOneOnly() throws Exception {
    try (HostileServer server = new HostileServer(HostileServer.answering(HostileServer.GOOD));
        Notifier notifier = brief().build()) {
      Iterable<URI> broken =
          () -> {
            throw outOfMemory();
          };
      Iterable<URI> brokenLater =
          () ->
              new Iterator<>() {
                @Override
                public boolean hasNext() {
                  return true;
                }

                @Override
                public URI next() {
                  throw outOfMemory();
                }
              };
      assertThatThrownBy(() -> notifier.publishAll(broken, 7)).isInstanceOf(Error.class);
      CompletableFuture<Summary> failing = notifier.publishAll(brokenLater, 7);
      assertThat(failing).failsWithin(Duration.ofSeconds(20));
      List<URI> good = List.of(server.endpoint(1), server.endpoint(2));
      assertThat(notifier.publishAll(good, 7))
          .succeedsWithin(Duration.ofSeconds(40))
          .isEqualTo(new Summary(2, 0, 0, 0, 0, 0, true));
    }
  }

  @Test
  void databaseWhileTheOutboxSettlesOrReads(@TempDir Path folder) throws Exception {
    AtomicBoolean broken = new AtomicBoolean();
    AtomicInteger faults = new AtomicInteger();
    DataSource sqlite = Databases.sqlite(folder.resolve("outbox.db"));
    DataSource faulty =
        Databases.before(
            sqlite,
            () -> {
              if (broken.get() && faults.incrementAndGet() <= 4) {
                throw outOfMemory();
              }
            });
    LinkedBlockingQueue<Verdict> heard = new LinkedBlockingQueue<>();
    AtomicInteger answered = new AtomicInteger();
    HostileServer.Behaviour answers =
        HostileServer.answering(
            (socket, out) -> {
              broken.set(true); // from now on: to settle, and three sweeps
              answered.incrementAndGet();
              out.write(RawServer.bytes(HostileServer.GOOD));
            });
    try (HostileServer server = new HostileServer(answers);
        Notifier notifier = brief().build();
        Outbox outbox =
            Outbox.builder(notifier, faulty)
                .sweepInterval(Duration.ofMillis(10))
                .listener((endpoint, verdict) -> heard.add(verdict))
                .build()) {
      outbox.createTable();
      assertThat(outbox.publish(server.endpoint(1), 7))
          .succeedsWithin(Duration.ofSeconds(40))
          .isEqualTo(new Verdict.Accepted());
      outbox.start();
      assertThat(heard.poll(20, TimeUnit.SECONDS)).isEqualTo(new Verdict.Accepted());
      // It could not be settled, so it is sent again, once the table can be read.
      assertThat(heard.poll(20, TimeUnit.SECONDS)).isEqualTo(new Verdict.Accepted());
      assertThat(answered).hasValue(2);
      assertThat(faults.get()).isGreaterThan(4);
    }
  }

  @Test
  void rowOfTheOutboxThatNobodyThoughtOf(@TempDir Path folder) throws Exception {
    DataSource sqlite = Databases.sqlite(folder.resolve("outbox.db"));
    try (Connection connection = sqlite.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute( // as a database without constraints has it
          "CREATE TABLE simplepush_outbox (sender TEXT, fingerprint TEXT, endpoint TEXT,"
              + " version BIGINT, revision BIGINT, changed_at BIGINT,"
              + " PRIMARY KEY (sender, fingerprint))");
      statement.execute("INSERT INTO simplepush_outbox VALUES ('default', '0', NULL, 1, 1, 1)");
    }
    try (HostileServer server = new HostileServer(HostileServer.answering(HostileServer.GOOD));
        Notifier notifier = brief().build();
        Outbox outbox = Outbox.builder(notifier, sqlite).build();
        Connection connection = sqlite.getConnection()) {
      connection.setAutoCommit(false);
      outbox.enqueue(connection, server.endpoint(1), 7);
      connection.commit();
      connection.setAutoCommit(true);
      outbox.start();
      await().atMost(Duration.ofSeconds(20)).until(() -> notifier.statistics().accepted() == 1);
    }
  }
}
