package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;
import javax.sql.DataSource;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.appserver.internal.jdbc.EndpointVault;
import org.simplepush.appserver.testing.Databases;

@Timeout(60)
class SubscriptionsTest {
  private static final SecretKey KEY = key(1);

  private static SecretKey key(int first) {
    byte[] bytes = new byte[32];
    bytes[0] = (byte) first;
    return new SecretKeySpec(bytes, "AES");
  }

  @TempDir private Path directory;

  @Nested
  class InMemory extends SubscriptionsContract {
    @Override
    Subscriptions empty() {
      return new InMemorySubscriptions();
    }
  }

  @Nested
  class OnSqlite extends SubscriptionsContract {
    @Override
    Subscriptions empty() {
      return created(JdbcSubscriptions.plain(Databases.sqlite(directory.resolve("plain.db"))));
    }
  }

  @Nested
  class EncryptedOnSqlite extends SubscriptionsContract {
    @Override
    Subscriptions empty() {
      return created(
          JdbcSubscriptions.encrypted(Databases.sqlite(directory.resolve("secret.db")), KEY));
    }
  }

  @Nested
  @Tag("process")
  class OnPostgres extends SubscriptionsContract {
    @Override
    Subscriptions empty() throws Exception {
      return created(JdbcSubscriptions.plain(Databases.postgres()));
    }
  }

  @Nested
  @Tag("process")
  class EncryptedOnPostgres extends SubscriptionsContract {
    @Override
    Subscriptions empty() throws Exception {
      return created(JdbcSubscriptions.encrypted(Databases.postgres(), KEY));
    }
  }

  private static Subscriptions created(JdbcSubscriptions subscriptions) {
    subscriptions.createTable();
    subscriptions.createTable(); // does no harm
    return subscriptions;
  }

  private static String dump(DataSource dataSource) throws SQLException {
    StringBuilder dump = new StringBuilder();
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT * FROM simplepush_subscriptions")) {
      while (rows.next()) {
        for (int column = 1; column <= rows.getMetaData().getColumnCount(); column++) {
          dump.append(rows.getString(column)).append('\n');
        }
      }
    }
    return dump.toString();
  }

  @Test
  void encryptedTableRevealsNoEndpointAndNeedsItsKey() throws Exception {
    DataSource dataSource = Databases.sqlite(directory.resolve("secret.db"));
    Subscriptions subscriptions = created(JdbcSubscriptions.encrypted(dataSource, KEY));
    URI endpoint = URI.create("https://push.example/update/secret");
    subscriptions.add("a", endpoint);
    subscriptions.add("b", endpoint);
    assertThat(dump(dataSource))
        .doesNotContain("push", "secret", EndpointVault.plain().fingerprint(endpoint));

    assertThat(JdbcSubscriptions.encrypted(dataSource, KEY).endpoints("a"))
        .containsExactly(endpoint);
    assertThatThrownBy(() -> JdbcSubscriptions.encrypted(dataSource, key(2)).page("a", null, 10))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("key");
  }

  @Test
  void subscriptionThatCannotBeReadIsNamedWithoutTheSecret() throws Exception {
    DataSource dataSource = Databases.sqlite(directory.resolve("mixed.db"));
    Subscriptions secret = created(JdbcSubscriptions.encrypted(dataSource, KEY));
    Subscriptions plain = JdbcSubscriptions.plain(dataSource);
    URI endpoint = URI.create("https://push.example/update/secret");
    secret.add("encrypted", endpoint);
    plain.add("plain", endpoint);
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(
          "INSERT INTO simplepush_subscriptions VALUES ('damaged', 'x', 'https://secret host/')");
    }
    for (ThrowingCallable page :
        List.<ThrowingCallable>of(
            () -> plain.page("encrypted", null, 10),
            () -> secret.page("plain", null, 10),
            () -> plain.page("damaged", null, 10))) {
      assertThatThrownBy(page)
          .isInstanceOf(IllegalStateException.class)
          .hasMessageStartingWith("The endpoint stored under the fingerprint ")
          .hasNoCause()
          .hasMessageNotContaining("secret");
    }
    try (Notifier notifier = Notifier.create()) {
      assertThatThrownBy(
              () ->
                  notifier
                      .publishTopic(plain, "encrypted", 7, (one, verdict) -> {})
                      .get(20, TimeUnit.SECONDS))
          .hasRootCauseMessage(
              "The endpoint stored under the fingerprint "
                  + EndpointVault.encrypted(KEY).fingerprint(endpoint)
                  + " cannot be read: the key is another than it was stored with, or missing, or"
                  + " the row is damaged.");
    }
  }

  @Test
  void encryptedRowDoesNotWorkUnderAnotherTopic() throws Exception {
    DataSource dataSource = Databases.sqlite(directory.resolve("secret.db"));
    Subscriptions subscriptions = created(JdbcSubscriptions.encrypted(dataSource, KEY));
    subscriptions.add("a", URI.create("https://push.example/update/secret"));
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("UPDATE simplepush_subscriptions SET topic = 'b'");
    }
    assertThatThrownBy(() -> subscriptions.page("b", null, 10))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void keyHas32Bytes() {
    DataSource dataSource = Databases.sqlite(directory.resolve("secret.db"));
    assertThatThrownBy(
            () -> JdbcSubscriptions.encrypted(dataSource, new SecretKeySpec(new byte[16], "AES")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("32")
        .hasMessageContaining("16");
  }

  @Test
  void databaseThatFailsIsAStorageException() {
    Subscriptions noTable = JdbcSubscriptions.plain(Databases.sqlite(directory.resolve("no.db")));
    assertThatThrownBy(() -> noTable.add("a", URI.create("https://push.example/update/secret")))
        .isInstanceOf(StorageException.class)
        .hasMessage("Could not add an endpoint: the table is missing; createTable() makes it.");
  }

  @Test
  void onlyAMissingTableIsCalledMissing() throws Exception {
    DataSource dataSource = Databases.sqlite(directory.resolve("other.db"));
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE simplepush_subscriptions (topic TEXT)");
    }
    Subscriptions other = JdbcSubscriptions.plain(dataSource);
    assertThatThrownBy(() -> other.add("a", URI.create("https://push.example/update/secret")))
        .isInstanceOf(StorageException.class)
        .hasMessage("Could not add an endpoint.");
  }

  @Test
  void notifyingATopicPrunesWhatIsGone() throws Exception {
    Subscriptions subscriptions =
        created(JdbcSubscriptions.plain(Databases.sqlite(directory.resolve("plain.db"))));
    try (MockWebServer server = new MockWebServer();
        Notifier notifier = Notifier.builder().permitHost("localhost").build()) {
      server.start();
      URI endpoint = server.url("/update/token").uri();
      URI refused = URI.create("https://10.0.0.1/update/token");
      subscriptions.add("calendar", endpoint);
      subscriptions.add("other", endpoint);
      subscriptions.add("calendar", refused);
      server.enqueue(new MockResponse.Builder().code(410).build());
      Summary summary =
          notifier
              .publishTopic(
                  subscriptions,
                  "calendar",
                  7,
                  (one, verdict) -> {
                    throw new IllegalStateException("thrown by the test's listener");
                  })
              .get(20, TimeUnit.SECONDS);
      assertThat(summary).isEqualTo(new Summary(0, 0, 1, 0, 1, 0, true));
      assertThat(subscriptions.endpoints("calendar")).containsExactly(refused);
      assertThat(subscriptions.endpoints("other")).isEmpty();
    }
  }

  @Test
  void topicThatCannotBeReadFailsTheFuture() {
    Subscriptions noTable = JdbcSubscriptions.plain(Databases.sqlite(directory.resolve("no.db")));
    try (Notifier notifier = Notifier.create()) {
      assertThatThrownBy(
              () -> notifier.publishTopic(noTable, "calendar", 7).get(20, TimeUnit.SECONDS))
          .hasCauseInstanceOf(StorageException.class);
    }
  }
}
