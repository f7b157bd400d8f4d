package org.simplepush.appserver.internal.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.function.BiFunction;
import javax.sql.DataSource;

/**
 * What our tables need of JDBC. Thread-safe if the data source is.
 *
 * @param failure makes the exception that users see, of a sentence and what the database threw
 */
public record Jdbc(DataSource dataSource, BiFunction<String, Throwable, RuntimeException> failure) {
  /** Uses a connection. */
  public interface Work<T> {
    T with(Connection connection) throws SQLException;
  }

  /**
   * Does {@code work} in one transaction.
   *
   * @param what completes "Could not …"
   * @throws RuntimeException of {@link #failure} if the database failed; the work is rolled back
   *     then, unless that failed too
   */
  public <T> T inTransaction(String what, Work<T> work) {
    try (Connection connection = dataSource.getConnection()) {
      boolean before = connection.getAutoCommit();
      connection.setAutoCommit(false);
      try {
        T result = work.with(connection);
        connection.commit();
        return result;
      } catch (SQLException | RuntimeException | Error e) {
        try {
          connection.rollback();
        } catch (SQLException again) {
          e.addSuppressed(again);
        }
        throw e;
      } finally {
        connection.setAutoCommit(before); // the pool expects it as it was
      }
    } catch (SQLException e) {
      throw failure.apply(
          "Could not "
              + what
              + (isTableMissing(e) ? ": the table is missing; createTable() makes it." : "."),
          e);
    }
  }

  private static boolean isTableMissing(SQLException e) {
    String state = e.getSQLState();
    String message = e.getMessage();
    return "42P01".equals(state) // PostgreSQL
        || "42S02".equals(state) // H2, MySQL, MariaDB
        || (message != null && message.contains("no such table")); // SQLite, which has no states
  }

  /** Runs one statement in a transaction of its own; returns how many rows it changed. */
  public int update(String what, String sql, Object... parameters) {
    return inTransaction(what, connection -> update(connection, sql, parameters));
  }

  /** Runs one statement; returns how many rows it changed. */
  public static int update(Connection connection, String sql, Object... parameters)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      set(statement, parameters);
      return statement.executeUpdate();
    }
  }

  /** Sets the parameters of a statement, the first to the last. */
  public static void set(PreparedStatement statement, Object... parameters) throws SQLException {
    for (int i = 0; i < parameters.length; i++) {
      statement.setObject(i + 1, parameters[i]);
    }
  }

  /** Runs statements without parameters in one transaction. */
  public void execute(String what, String... statements) {
    inTransaction(
        what,
        connection -> {
          try (Statement statement = connection.createStatement()) {
            for (String sql : statements) {
              statement.execute(sql);
            }
          }
          return statements.length;
        });
  }
}
