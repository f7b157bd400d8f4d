package org.simplepush.appserver;

import java.net.URI;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import javax.crypto.SecretKey;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.EndpointText;
import org.simplepush.appserver.internal.jdbc.EndpointVault;
import org.simplepush.appserver.internal.jdbc.Jdbc;

/**
 * Subscriptions in a table, which {@link #createTable} makes:
 *
 * <pre>
 * CREATE TABLE simplepush_subscriptions (
 *   topic VARCHAR(255) NOT NULL, fingerprint VARCHAR(43) NOT NULL, endpoint TEXT NOT NULL,
 *   PRIMARY KEY (topic, fingerprint));
 * CREATE INDEX simplepush_subscriptions_fingerprint ON simplepush_subscriptions (fingerprint);
 * </pre>
 *
 * <p>Tested on SQLite and PostgreSQL; any database with {@code ON CONFLICT} and {@code LIMIT} does.
 * Each call takes a connection of the data source, which should be pooled, and gives it back.
 * Thread-safe.
 *
 * @since 0.1
 */
public final class JdbcSubscriptions implements Subscriptions {
  private final Jdbc jdbc;
  private final EndpointVault vault;

  private JdbcSubscriptions(DataSource dataSource, EndpointVault vault) {
    this.jdbc = new Jdbc(dataSource, StorageException::new);
    this.vault = vault;
  }

  /** Returns subscriptions that store endpoints as they are. */
  public static JdbcSubscriptions plain(DataSource dataSource) {
    return new JdbcSubscriptions(dataSource, EndpointVault.plain());
  }

  /**
   * Returns subscriptions that store endpoints encrypted (AES-256-GCM), found again by a keyed
   * fingerprint (HMAC-SHA256): a copy of the table without the key reveals none of them. It does
   * reveal the topics, and which of them share an endpoint.
   *
   * @param key 32 bytes from a good source of randomness, the same for all time
   * @throws IllegalArgumentException if the key has another length
   */
  public static JdbcSubscriptions encrypted(DataSource dataSource, SecretKey key) {
    return new JdbcSubscriptions(dataSource, EndpointVault.encrypted(key));
  }

  /** Makes the table and its index where they are missing. */
  public void createTable() {
    jdbc.execute(
        "create the table of subscriptions",
        "CREATE TABLE IF NOT EXISTS simplepush_subscriptions ("
            + "topic VARCHAR(255) NOT NULL, fingerprint VARCHAR(43) NOT NULL,"
            + " endpoint TEXT NOT NULL, PRIMARY KEY (topic, fingerprint))",
        "CREATE INDEX IF NOT EXISTS simplepush_subscriptions_fingerprint"
            + " ON simplepush_subscriptions (fingerprint)");
  }

  private static final String INSERT =
      "INSERT INTO simplepush_subscriptions (topic, fingerprint, endpoint) VALUES (?, ?, ?)"
          + " ON CONFLICT (topic, fingerprint) DO NOTHING";
  private static final String DELETE =
      "DELETE FROM simplepush_subscriptions WHERE topic = ? AND fingerprint = ?";

  @Override
  public boolean add(String topic, URI endpoint) {
    Topics.check(topic);
    return EndpointText.isStorable(endpoint)
        && jdbc.update("add an endpoint", INSERT, row(topic, endpoint)) > 0;
  }

  private Object[] row(String topic, URI endpoint) {
    return new Object[] {topic, vault.fingerprint(endpoint), vault.seal(endpoint, topic)};
  }

  @Override
  public boolean replace(String topic, URI replaced, URI endpoint) {
    Topics.check(topic);
    return jdbc.inTransaction(
        "replace an endpoint",
        connection -> {
          int was = Jdbc.update(connection, DELETE, topic, vault.fingerprint(replaced));
          if (EndpointText.isStorable(endpoint)) {
            Jdbc.update(connection, INSERT, row(topic, endpoint));
          }
          return was > 0;
        });
  }

  @Override
  public boolean remove(String topic, URI endpoint) {
    Topics.check(topic);
    return jdbc.update("remove an endpoint", DELETE, topic, vault.fingerprint(endpoint)) > 0;
  }

  @Override
  public int prune(URI endpoint) {
    return jdbc.update(
        "prune an endpoint",
        "DELETE FROM simplepush_subscriptions WHERE fingerprint = ?",
        vault.fingerprint(endpoint));
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException if an endpoint of the page cannot be read, because it was stored
   *     with another key, or is damaged. Nothing is passed over in silence: give the right key, or
   *     delete the row that the message names
   */
  @Override
  public Page page(String topic, @Nullable String from, int limit) {
    Topics.check(topic);
    Topics.checkLimit(limit);
    return jdbc.inTransaction(
        "list the endpoints of a topic",
        connection -> {
          try (PreparedStatement select =
              connection.prepareStatement(
                  "SELECT fingerprint, endpoint FROM simplepush_subscriptions"
                      + " WHERE topic = ? AND fingerprint > ? ORDER BY fingerprint LIMIT ?")) {
            Jdbc.set(select, topic, from == null ? "" : from, limit);
            List<URI> page = new ArrayList<>();
            String last = null;
            try (ResultSet rows = select.executeQuery()) {
              while (rows.next()) {
                last = Objects.requireNonNull(rows.getString(1)); // it is part of the key
                page.add(vault.open(last, rows.getString(2), topic));
              }
            }
            return new Page(page, page.size() < limit ? null : last);
          }
        });
  }

  /** Tells nothing of what is stored. */
  @Override
  public String toString() {
    return "JdbcSubscriptions";
  }
}
