package org.simplepush.appserver;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import javax.sql.DataSource;

/** What our tables need of JDBC. Thread-safe if the data source is. */
record Jdbc(DataSource dataSource) {
  /** Uses a connection. */
  interface Work<T> {
    T with(Connection connection) throws SQLException;
  }

  /**
   * Does {@code work} in one transaction.
   *
   * @param what completes "Could not …"
   * @throws StorageException if the database failed; rolled back then, as far as it lets us know
   */
  <T> T inTransaction(String what, Work<T> work) {
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
      throw new StorageException(
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

  /** Runs one statement, a transaction by itself, and returns how many rows it changed. */
  int update(String what, String sql, Object... parameters) {
    return inTransaction(what, connection -> update(connection, sql, parameters));
  }

  static int update(Connection connection, String sql, Object... parameters) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(sql)) {
      set(statement, parameters);
      return statement.executeUpdate();
    }
  }

  static void set(PreparedStatement statement, Object... parameters) throws SQLException {
    for (int i = 0; i < parameters.length; i++) {
      statement.setObject(i + 1, parameters[i]);
    }
  }

  void execute(String what, String... statements) {
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
