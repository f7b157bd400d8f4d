package org.simplepush.appserver.testing;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;

/** Real databases for tests. */
public final class Databases {
  private Databases() {}

  public static DataSource sqlite(Path file) {
    SQLiteConfig config = new SQLiteConfig();
    config.setJournalMode(SQLiteConfig.JournalMode.WAL);
    // Survives the end of the process, if not of the machine; tests end no machine.
    config.setSynchronous(SQLiteConfig.SynchronousMode.NORMAL);
    config.setBusyTimeout(20_000);
    config.setTransactionMode(SQLiteConfig.TransactionMode.IMMEDIATE);
    SQLiteDataSource dataSource = new SQLiteDataSource(config);
    dataSource.setUrl("jdbc:sqlite:" + file);
    return pooled(dataSource);
  }

  /**
   * Keeps connections that were closed for the next who asks, like the pools that applications
   * have. They end with the JVM.
   */
  private static DataSource pooled(DataSource dataSource) {
    Queue<Connection> idle = new ConcurrentLinkedQueue<>();
    return proxy(
        DataSource.class,
        (method, arguments) -> {
          if (!method.getName().equals("getConnection")) {
            return method.invoke(dataSource, arguments);
          }
          Connection known = idle.poll();
          Connection connection = known != null ? known : dataSource.getConnection();
          return proxy(
              Connection.class,
              (call, values) -> {
                if (call.getName().equals("close")) {
                  idle.add(connection);
                  return null;
                }
                return call.invoke(connection, values);
              });
        });
  }

  /** Runs {@code hook} before each connection is given out. */
  public static DataSource before(DataSource dataSource, Runnable hook) {
    return proxy(
        DataSource.class,
        (method, arguments) -> {
          hook.run();
          return method.invoke(dataSource, arguments);
        });
  }

  /** Runs {@code hook} after each connection was given back. */
  public static DataSource after(DataSource dataSource, Runnable hook) {
    return proxy(
        DataSource.class,
        (method, arguments) -> {
          Connection connection = (Connection) method.invoke(dataSource, arguments);
          return proxy(
              Connection.class,
              (call, values) -> {
                Object result = call.invoke(connection, values);
                if (call.getName().equals("close")) {
                  hook.run();
                }
                return result;
              });
        });
  }

  private interface Handler {
    @Nullable Object call(Method method, Object @Nullable [] arguments) throws Throwable;
  }

  private static <T> T proxy(Class<T> type, Handler handler) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> {
              try {
                return handler.call(method, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }

  /** One server for all tests, without our tables; ends with the JVM. */
  public static DataSource postgres() throws SQLException {
    // The binaries that tests have are of one platform.
    Assumptions.assumeTrue(
        System.getProperty("os.name").equals("Linux")
            && System.getProperty("os.arch").equals("amd64"),
        "PostgreSQL is tested on Linux on amd64 only");
    DataSource dataSource = Postgres.POOL;
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("DROP TABLE IF EXISTS simplepush_subscriptions");
      statement.execute("DROP TABLE IF EXISTS simplepush_outbox");
    }
    return dataSource;
  }

  private static final class Postgres {
    static final DataSource POOL = start();

    private static DataSource start() {
      try {
        return pooled(EmbeddedPostgres.start().getPostgresDatabase()); // ends with the JVM
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
