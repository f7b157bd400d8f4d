package org.simplepush.server.sqlite;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.simplepush.core.VersionStore.Size;

/**
 * How many user agents and channels the tables hold: counted when the file is opened, which reads
 * all of it, and kept up with each commit. Written by the writer, read by any thread.
 */
final class Census {
  private volatile Size committed = new Size(0, 0);

  // What the transaction under way changes.
  private long userAgents;
  private long channels;

  /** Counts anew. */
  void take(Database database) throws SQLException {
    committed = new Size(count(database, "user_agent"), count(database, "channel"));
    rolledBack();
  }

  private static long count(Database database, String table) throws SQLException {
    try (PreparedStatement count = database.prepare("SELECT count(*) FROM " + table);
        ResultSet result = count.executeQuery()) {
      return result.next() ? result.getLong(1) : 0;
    }
  }

  void addUserAgents(long change) {
    userAgents += change;
  }

  void addChannels(long change) {
    channels += change;
  }

  void committed() {
    Size before = committed;
    committed = new Size(before.userAgents() + userAgents, before.channels() + channels);
    rolledBack();
  }

  /** Nothing of what was added has happened. */
  void rolledBack() {
    userAgents = 0;
    channels = 0;
  }

  Size size() {
    return committed;
  }
}
