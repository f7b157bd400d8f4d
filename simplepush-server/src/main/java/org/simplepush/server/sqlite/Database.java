package org.simplepush.server.sqlite;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An SQLite file that is ours alone while it is open, with the tables of this version of the
 * software. Used by one thread at a time.
 */
final class Database implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Database.class);

  /** Marks the file as ours, "SPvs"; file(1) and the like show it. */
  private static final int APPLICATION_ID = 0x53507673;

  /**
   * What makes each version of the schema of the one before; the first makes it of an empty file.
   * Never change one that was released: append.
   */
  private static final List<List<String>> MIGRATIONS =
      List.of(
          List.of(
              // Ids are 16 bytes. Both tables are b-trees by their key, without a second one by
              // row number, so the channels of a user agent lie side by side.
              "CREATE TABLE user_agent (uaid BLOB PRIMARY KEY, seen INTEGER NOT NULL)"
                  + " STRICT, WITHOUT ROWID",
              "CREATE INDEX user_agent_by_seen ON user_agent (seen)",
              // A version of -1 is none. The spelling is null where it is the usual one.
              "CREATE TABLE channel (uaid BLOB NOT NULL, channel_id BLOB NOT NULL,"
                  + " version INTEGER NOT NULL, pending INTEGER NOT NULL, spelling TEXT,"
                  + " PRIMARY KEY (uaid, channel_id)) STRICT, WITHOUT ROWID",
              // Always empty: rows are only put here to see whether that can be done.
              "CREATE TABLE probe (content BLOB NOT NULL) STRICT"),
          List.of(
              // At most one row.
              "CREATE TABLE key_record (id INTEGER PRIMARY KEY CHECK (id = 1), record TEXT NOT NULL)"
                  + " STRICT"));

  // The primary result codes of SQLite that we tell apart.
  private static final int BUSY = 5;
  private static final int LOCKED = 6;
  private static final int FULL = 13;
  private static final int TOO_BIG = 18;
  private static final int CONSTRAINT = 19;
  private static final int NOT_A_DATABASE = 26;

  /** Codes of failures after which this connection is as good as before. */
  private static final Set<Integer> HARMLESS = Set.of(BUSY, LOCKED, FULL, TOO_BIG, CONSTRAINT);

  private final Connection connection;
  private final StoreFile file;
  private final List<PreparedStatement> prepared = new ArrayList<>();
  private PreparedStatement begin;
  private PreparedStatement commit;

  private Database(Connection connection, StoreFile file) throws SQLException {
    this.connection = connection;
    this.file = file;
    this.begin = prepare("BEGIN IMMEDIATE");
    this.commit = prepare("COMMIT");
  }

  /**
   * Opens the file, or makes it; a crash of whoever had it last is recovered from.
   *
   * @param maxPages a bound of the file's size, as a full disk would be; 0 is none
   * @throws IOException with a sentence for the operator
   */
  static Database open(Path file, int maxPages) throws IOException {
    Path path = file.toAbsolutePath();
    createPrivately(path);
    // As a URI, for a plain name may hold characters that the driver takes for its own.
    String url = "jdbc:sqlite:file://" + path.toUri().getRawPath();
    Connection connection = null;
    try {
      connection = DriverManager.getConnection(url);
      configure(connection, maxPages);
      migrate(connection, path);
      // Only now: before the first transaction there is no log.
      return new Database(connection, StoreFile.of(path));
    } catch (SQLException e) {
      closeAfter(e, connection);
      throw new IOException(sentence(path, e), e);
    } catch (IOException | RuntimeException | Error e) {
      closeAfter(e, connection);
      throw e;
    }
  }

  /** UAIDs are secrets: the file is for its owner only, and SQLite does likewise beside it. */
  private static void createPrivately(Path path) throws IOException {
    Path folder = path.getParent();
    if (folder != null && !Files.isDirectory(folder)) {
      throw new IOException("The store's folder " + folder + " does not exist");
    }
    try {
      if (path.getFileSystem().supportedFileAttributeViews().contains("posix")) {
        Files.createFile(
            path,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      }
    } catch (FileAlreadyExistsException e) {
      log.debug("Opening an existing store", e);
    } catch (IOException e) {
      throw new IOException("The store " + path + " cannot be created: " + e.getMessage(), e);
    }
  }

  private static void configure(Connection connection, int maxPages) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      // One process only. It also spares the shared memory that several would need.
      statement.execute("PRAGMA locking_mode = EXCLUSIVE");
      statement.execute("PRAGMA trusted_schema = OFF");
      statement.execute("PRAGMA cell_size_check = ON");
      // Memory of SQLite's own, in KiB, not heap. What does not fit is in the system's cache.
      statement.execute("PRAGMA cache_size = -32768");
      statement.execute("PRAGMA temp_store = MEMORY");
      // A commit is on the disk when it returns, even where fsync alone does not promise that.
      statement.execute("PRAGMA synchronous = FULL");
      statement.execute("PRAGMA fullfsync = ON");
      statement.execute("PRAGMA checkpoint_fullfsync = ON");
      // In pages: the log is carried over into the file and begun anew about every 8 MiB. Nobody
      // else reads, so nothing ever hinders that, and the log stays as small for ever.
      statement.execute("PRAGMA wal_autocheckpoint = 2000");
      statement.execute("PRAGMA journal_size_limit = 33554432");
      if (maxPages > 0) {
        statement.execute("PRAGMA max_page_count = " + maxPages);
      }
    }
  }

  private static void migrate(Connection connection, Path path) throws SQLException, IOException {
    int version = number(connection, "PRAGMA user_version");
    int applicationId = number(connection, "PRAGMA application_id");
    boolean empty = number(connection, "SELECT count(*) FROM sqlite_schema") == 0;
    if (empty ? applicationId != 0 : applicationId != APPLICATION_ID) {
      throw new IOException(path + " is a database of another application, not a store");
    }
    if (version > MIGRATIONS.size()) {
      throw new IOException(
          "The store %s has schema %d, but this version knows no later than %d: upgrade"
              .formatted(path, version, MIGRATIONS.size()));
    }
    try (Statement statement = connection.createStatement()) {
      try (ResultSet mode = statement.executeQuery("PRAGMA journal_mode = WAL")) {
        if (!mode.next() || !"wal".equals(mode.getString(1))) {
          throw new IOException(
              "The store " + path + " cannot have a write-ahead log where it is: is it read-only?");
        }
      }
      statement.execute("BEGIN IMMEDIATE");
      for (List<String> migration : MIGRATIONS.subList(version, MIGRATIONS.size())) {
        for (String step : migration) {
          statement.execute(step);
        }
      }
      if (version < MIGRATIONS.size()) {
        statement.execute("PRAGMA application_id = " + APPLICATION_ID);
        statement.execute("PRAGMA user_version = " + MIGRATIONS.size());
      }
      statement.execute("COMMIT");
    }
  }

  private static int number(Connection connection, String query) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(query)) {
      return result.next() ? result.getInt(1) : 0;
    }
  }

  private static String sentence(Path path, SQLException failure) {
    return switch (failure.getErrorCode()) {
      case BUSY, LOCKED ->
          "The store " + path + " is in use, by another process or by another store of this one";
      case NOT_A_DATABASE -> path + " is not an SQLite database";
      case 0 -> notLoaded(path, failure); // SQLite itself always gives a code
      default -> "The store " + path + " cannot be opened: " + failure.getMessage();
    };
  }

  /** There is no driver, or it could not load SQLite itself. */
  private static String notLoaded(Path path, SQLException failure) {
    if (failure.getSQLState() != null) { // of the JDK: "no suitable driver"
      return "The store " + path + " needs sqlite-jdbc on the class path: " + failure.getMessage();
    }
    String temporary = System.getProperty("java.io.tmpdir", "");
    return ("SQLite cannot be loaded: sqlite-jdbc unpacks a library into the folder %s, which must"
            + " exist, be writable and not be mounted noexec; name another one with"
            + " -Dorg.sqlite.tmpdir=FOLDER (%s)")
        .formatted(
            System.getProperty("org.sqlite.tmpdir", temporary),
            failure.getCause() == null ? failure.getMessage() : failure.getCause().getMessage());
  }

  private static void closeAfter(Throwable failure, @Nullable Connection connection) {
    if (connection != null) {
      try {
        connection.close();
      } catch (SQLException e) {
        failure.addSuppressed(e);
      }
    }
  }

  /** Compiles a statement, to be used until the next {@link #rollback}. */
  PreparedStatement prepare(String sql) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    prepared.add(statement);
    return statement;
  }

  void begin() throws SQLException {
    begin.execute();
  }

  void commit() throws SQLException {
    commit.execute();
  }

  /**
   * Ends a transaction that failed. Every statement must be prepared anew then: the driver has
   * disposed of the one that failed, and does not say so.
   */
  void rollback() throws SQLException {
    for (PreparedStatement statement : prepared) {
      statement.close();
    }
    prepared.clear();
    try (Statement statement = connection.createStatement()) {
      statement.execute("ROLLBACK");
    } catch (SQLException e) {
      // SQLite may have done so itself. If not, the next begin fails, and with it this connection.
      log.debug("There was nothing to roll back", e);
    }
    begin = prepare("BEGIN IMMEDIATE");
    commit = prepare("COMMIT");
  }

  /** The files, and whether they are still in place. */
  StoreFile file() {
    return file;
  }

  /**
   * Puts all that is in the log into the file, and empties the log.
   *
   * @throws SQLException if that was not possible; all is in the log still
   */
  void carryOverLog() throws SQLException {
    // Emptied, for an operator may put it back in its place: SQLite would read it again then.
    if (number(connection, "PRAGMA wal_checkpoint(TRUNCATE)") != 0) {
      throw new SQLException("The log is in use", null, BUSY);
    }
  }

  /** Whether to open the file anew before it is used again: what is in memory may be wrong. */
  static boolean isFatal(Throwable failure) {
    if (failure instanceof SQLException sql) {
      return !HARMLESS.contains(sql.getErrorCode());
    }
    return !(failure instanceof RuntimeException); // which is a step's own
  }

  /** Carries the log over into the file, removes it, and lets others have the file. */
  @Override
  public void close() throws SQLException {
    connection.close();
  }
}
