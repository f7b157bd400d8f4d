package org.simplepush.server.sqlite;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Where a database was opened. Tells whether the same files are still there: a file that was
 * deleted, replaced or unmounted can be written to for as long as it is open, and nobody finds it
 * again after that. Immutable.
 */
final class StoreFile {
  /** What has become of the files. */
  enum State {
    /** Both are where they were. */
    IN_PLACE,
    /** The database is in place, but its log is gone or another file has its name. */
    LOG_LOST,
    /** No file has the name of the database. */
    GONE,
    /** Another file has the name of the database. */
    REPLACED
  }

  private final Path file;
  private final Path log;

  /** Device and inode; null where the file system has none, as on Windows. */
  private final @Nullable Object fileKey;

  private final @Nullable Object logKey;

  private StoreFile(Path file, Path log) throws IOException {
    this.file = file;
    this.log = log;
    this.fileKey = key(file);
    this.logKey = key(log);
  }

  /** Notes which files an open database has. */
  static StoreFile of(Path file) throws IOException {
    // SQLite puts the log beside the file itself, not beside a link to it.
    return new StoreFile(file, Path.of(file.toRealPath() + "-wal"));
  }

  private static @Nullable Object key(Path path) throws IOException {
    return Files.readAttributes(path, BasicFileAttributes.class).fileKey();
  }

  /** Looks; takes some microseconds. */
  State look() {
    try {
      if (!Objects.equals(key(file), fileKey)) {
        return State.REPLACED;
      }
    } catch (IOException e) { // an unmounted or unreachable file system says so in many ways
      return State.GONE;
    }
    try {
      return Objects.equals(key(log), logKey) ? State.IN_PLACE : State.LOG_LOST;
    } catch (IOException e) {
      return State.LOG_LOST;
    }
  }

  /**
   * Makes sure that the database is in place, whatever became of its log.
   *
   * @throws IOException with a sentence for the operator
   */
  void requireDatabase() throws IOException {
    switch (look()) {
      case IN_PLACE, LOG_LOST -> {}
      case GONE ->
          throw new IOException(
              file + " was deleted or moved, or its volume is gone; put it back or restart");
      case REPLACED ->
          throw new IOException(
              file + " was replaced by another file; put the first one back or restart");
    }
  }
}
