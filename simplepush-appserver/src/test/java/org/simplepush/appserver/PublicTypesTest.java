package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import okhttp3.Dns;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.appserver.internal.http.EndpointGuard;
import org.simplepush.appserver.internal.jdbc.OutboxTable;
import org.simplepush.appserver.internal.send.OutcomeTally;
import org.simplepush.appserver.internal.send.SenderStatistics;
import org.simplepush.appserver.testing.Databases;

/** What all public types have in common. */
class PublicTypesTest {
  private static final URI ENDPOINT = URI.create("https://push.example/update/secret");

  @TempDir private Path directory;

  /** Nor do the internal types that hold one, because anybody may log them. */
  @Test
  void noneShowsAnEndpointByItsText() {
    try (Notifier notifier = Notifier.create();
        Outbox outbox =
            Outbox.builder(notifier, Databases.sqlite(directory.resolve("db"))).build()) {
      InMemorySubscriptions inMemory = new InMemorySubscriptions();
      inMemory.add("topic", ENDPOINT);
      EndpointGuard guard = new EndpointGuard(Set.of(), Set.of(), Dns.SYSTEM);
      List<Object> holders =
          List.of(
              notifier,
              notifier.statistics(),
              inMemory,
              inMemory.page("topic", null, 1),
              outbox,
              guard.check(ENDPOINT),
              guard.check(URI.create("http://push.example/update/secret")),
              new OutboxTable.Row("fingerprint", ENDPOINT, 7, 1, 1),
              new OutboxTable.Page(
                  List.of(new OutboxTable.Row("fingerprint", ENDPOINT, 7, 1, 1)), null, 0, null));
      assertThat(holders).allSatisfy(each -> assertThat(each.toString()).doesNotContain("secret"));
    }
  }

  @Test
  void statisticsAreNamedByTheirText() {
    NotifierStatistics statistics =
        new NotifierStatistics(
            new SenderStatistics(
                1,
                2,
                3,
                4,
                5,
                6,
                7,
                8,
                new OutcomeTally.Counts(9, 10, 11, 12, 13, 14),
                Duration.ofSeconds(15)));
    assertThat(statistics)
        .hasToString(
            "NotifierStatistics[waiting=1, onWire=2, hostsPaused=3, calls=4, collapsed=5,"
                + " requests=6, retries=7, hostPauses=8, accepted=9, stale=10, gone=11,"
                + " rejected=12, refused=13, failed=14, requestTime=PT15S]");
    assertThat(NotifierStatistics.class).isFinal();
    assertThat(NotifierStatistics.class.getConstructors()).isEmpty(); // so that it can grow
  }
}
