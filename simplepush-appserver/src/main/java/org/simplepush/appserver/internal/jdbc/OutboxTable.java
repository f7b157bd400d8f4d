package org.simplepush.appserver.internal.jdbc;

import java.net.URI;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.Versions;

/**
 * The table of an outbox: one row per endpoint, with the newest version. Versions collapse here, in
 * one statement. Methods block. Thread-safe.
 */
public final class OutboxTable {
  private static final int PAGE = 500;

  private static final String CREATE =
      "CREATE TABLE IF NOT EXISTS simplepush_outbox ("
          + "sender VARCHAR(255) NOT NULL, fingerprint VARCHAR(43) NOT NULL,"
          + " endpoint TEXT NOT NULL, version BIGINT NOT NULL, revision BIGINT NOT NULL,"
          + " changed_at BIGINT NOT NULL, PRIMARY KEY (sender, fingerprint))";
  private static final String UPSERT =
      "INSERT INTO simplepush_outbox"
          + " (sender, fingerprint, endpoint, version, revision, changed_at)"
          + " VALUES (?, ?, ?, ?, ?, ?)"
          + " ON CONFLICT (sender, fingerprint) DO UPDATE SET"
          // Versions.NONE replaces every other, as in the sender.
          + " version = CASE WHEN simplepush_outbox.version = -1 OR excluded.version = -1 THEN -1"
          + " WHEN excluded.version > simplepush_outbox.version THEN excluded.version"
          + " ELSE simplepush_outbox.version END,"
          // The same, unless the row was damaged.
          + " endpoint = excluded.endpoint,"
          + " revision = excluded.revision, changed_at = excluded.changed_at";
  private static final String VERSION =
      "SELECT version FROM simplepush_outbox WHERE sender = ? AND fingerprint = ?";
  private static final String DELETE =
      "DELETE FROM simplepush_outbox WHERE sender = ? AND fingerprint = ? AND revision = ?";
  private static final String SELECT =
      "SELECT fingerprint, endpoint, version, revision, changed_at FROM simplepush_outbox"
          + " WHERE sender = ? AND fingerprint > ? ORDER BY fingerprint LIMIT ?";

  /**
   * A row.
   *
   * @param fingerprint the key of the row, for one sender
   * @param version 0 or more, or {@link Versions#NONE}
   * @param revision differs whenever the row was changed
   * @param changedAt the time of the last change, in milliseconds since 1970
   */
  public record Row(String fingerprint, URI endpoint, long version, long revision, long changedAt) {
    /** Shows the version; the endpoint is a secret. */
    @Override
    public String toString() {
      return "Row[version=" + version + "]";
    }
  }

  /**
   * Some rows.
   *
   * @param rows those that can be read
   * @param last the fingerprint of the last, read or not; null if there is none after these
   * @param unreadable how many cannot be read
   * @param firstUnreadable why the first of them cannot; names no endpoint
   */
  public record Page(
      List<Row> rows, @Nullable String last, int unreadable, @Nullable String firstUnreadable) {}

  private final Jdbc jdbc;
  private final EndpointVault vault;
  private final String sender;

  /**
   * Creates a table whose rows belong to {@code sender}.
   *
   * @param sender the name of a process
   */
  public OutboxTable(Jdbc jdbc, EndpointVault vault, String sender) {
    this.jdbc = jdbc;
    this.vault = vault;
    this.sender = sender;
  }

  /** Makes the table if it is missing. */
  public void create() {
    jdbc.execute("create the table of the outbox", CREATE);
  }

  /** Puts a version in, in a transaction of its own; returns the row that it is in then. */
  public Row put(URI endpoint, long version, long now) {
    return jdbc.inTransaction(
        "put a version into the outbox", connection -> put(connection, endpoint, version, now));
  }

  /** Puts a version in, in a transaction of the caller; returns the row that it is in then. */
  public Row put(Connection connection, URI endpoint, long version, long now) throws SQLException {
    String fingerprint = vault.fingerprint(endpoint);
    // Never the same twice, even after the row was gone: deleting a revision deletes no later one.
    long revision = ThreadLocalRandom.current().nextLong();
    Jdbc.update(
        connection,
        UPSERT,
        sender,
        fingerprint,
        vault.seal(endpoint, sender),
        version,
        revision,
        now);
    // The row is deleted once it is sent, so its version is what must be sent: perhaps a newer one.
    try (PreparedStatement select = connection.prepareStatement(VERSION)) {
      Jdbc.set(select, sender, fingerprint);
      try (ResultSet row = select.executeQuery()) {
        row.next();
        return new Row(fingerprint, endpoint, row.getLong(1), revision, now);
      }
    }
  }

  /** Deletes a row; returns false if it was changed, or gone. */
  public boolean delete(Row row) {
    return jdbc.update("settle a version", DELETE, sender, row.fingerprint(), row.revision()) > 0;
  }

  /**
   * Reads rows in the order of their fingerprints.
   *
   * @param after {@link Page#last} of the page before; empty for the first
   */
  public Page page(String after) {
    return jdbc.inTransaction(
        "read the outbox",
        connection -> {
          try (PreparedStatement select = connection.prepareStatement(SELECT)) {
            Jdbc.set(select, sender, after, PAGE);
            try (ResultSet each = select.executeQuery()) {
              return read(each);
            }
          }
        });
  }

  private Page read(ResultSet each) throws SQLException {
    List<Row> rows = new ArrayList<>();
    int unreadable = 0;
    String firstUnreadable = null;
    String last = null;
    int read = 0;
    while (each.next()) {
      read++;
      last = Objects.requireNonNull(each.getString(1)); // it is part of the key
      try {
        URI endpoint = vault.open(last, each.getString(2), sender);
        rows.add(new Row(last, endpoint, each.getLong(3), each.getLong(4), each.getLong(5)));
      } catch (RuntimeException | Error e) { // of the vault; the others can be read nevertheless
        unreadable++;
        if (firstUnreadable == null) {
          // Only the message of the vault is known to name no endpoint.
          firstUnreadable =
              e instanceof IllegalStateException ? e.getMessage() : e.getClass().getName();
        }
      }
    }
    return new Page(rows, read < PAGE ? null : last, unreadable, firstUnreadable);
  }
}
