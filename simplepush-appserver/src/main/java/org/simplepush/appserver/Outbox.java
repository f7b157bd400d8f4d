package org.simplepush.appserver;

import java.net.URI;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import javax.crypto.SecretKey;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.ThreadTime;
import org.simplepush.appserver.internal.Time;
import org.simplepush.appserver.internal.Versions;
import org.simplepush.appserver.internal.jdbc.EndpointVault;
import org.simplepush.appserver.internal.jdbc.Jdbc;
import org.simplepush.appserver.internal.jdbc.OutboxTable;
import org.simplepush.appserver.internal.outbox.OutboxSender;
import org.simplepush.core.internal.Checks;
import org.simplepush.core.internal.DaemonThreads;

/**
 * Notifications that survive the process: what was put into the table is sent, if need be after a
 * crash, until there is a verdict other than {@link Verdict.Failed}. Versions collapse in the table
 * as they do in the notifier: one row per endpoint, with the newest version.
 *
 * <pre>
 * CREATE TABLE simplepush_outbox (
 *   sender VARCHAR(255) NOT NULL, fingerprint VARCHAR(43) NOT NULL, endpoint TEXT NOT NULL,
 *   version BIGINT NOT NULL, revision BIGINT NOT NULL, changed_at BIGINT NOT NULL,
 *   PRIMARY KEY (sender, fingerprint));
 * </pre>
 *
 * <p>Something may be sent twice after a crash, which does no harm: push servers compare versions.
 * Each process that sends has a name of its own and sends what was put in under it; after a restart
 * it must have the same name again. Two with one name would both send.
 *
 * <p>A row that cannot be read, because its endpoint was stored with another key or is damaged,
 * stays until it can be, however long that is; the others are sent. The log says so once an hour.
 *
 * <p>Tested on SQLite and PostgreSQL. Methods that use the table block while they do. Thread-safe.
 * Close it before its notifier.
 *
 * @since 0.1
 */
public final class Outbox implements AutoCloseable {
  private final OutboxTable table;
  private final OutboxSender sender;
  private final Runnable release;

  private Outbox(Builder builder) {
    table =
        new OutboxTable(
            new Jdbc(builder.dataSource, StorageException::new), builder.vault, builder.name);
    Time time;
    if (builder.time != null) {
      time = builder.time;
      release = () -> {};
    } else {
      ThreadTime own = new ThreadTime(DaemonThreads.named("simplepush-outbox-" + builder.name));
      time = own;
      release = own::stop;
    }
    sender =
        new OutboxSender(
            new OutboxSender.Settings(builder.sweepInterval, builder.keep, builder.maxOnTheWay),
            table,
            builder.notifier.publisher(),
            Adapters.listener(builder.listener),
            time,
            builder.clock);
  }

  /**
   * Returns a builder.
   *
   * @param notifier sends; stays open when the outbox is closed
   * @param dataSource should be pooled
   */
  public static Builder builder(Notifier notifier, DataSource dataSource) {
    return new Builder(notifier, dataSource);
  }

  /** Makes the table if it is missing. */
  public void createTable() {
    table.create();
  }

  /**
   * Begins to send what is in the table, left from before or put in since, and what failed again
   * after each {@link Builder#sweepInterval}. Without this, only what is put in by {@link
   * #publish(URI, long)} is sent, and once.
   *
   * @return this
   */
  public Outbox start() {
    wake();
    return this;
  }

  /**
   * Puts a version into the table and sends it. When this returns, it is as durable as the database
   * makes a commit.
   *
   * @param version 0 to 2^63−1
   * @return the verdict on the first round of attempts; after {@link Verdict.Failed} the outbox
   *     goes on trying, and the listener is called with each outcome
   * @throws StorageException if the database failed; it may be sent nevertheless
   * @throws IllegalArgumentException if {@code version} is negative
   * @throws IllegalStateException if the outbox is closed
   */
  public CompletableFuture<Verdict> publish(URI endpoint, long version) {
    Versions.check(version);
    return put(endpoint, version);
  }

  /**
   * Like {@link #publish(URI, long)}, with a version that the push server picks. It replaces the
   * version that waits for the endpoint, if there is one.
   *
   * @throws StorageException if the database failed; it may be sent nevertheless
   * @throws IllegalStateException if the outbox is closed
   */
  public CompletableFuture<Verdict> publish(URI endpoint) {
    return put(endpoint, Versions.NONE);
  }

  private CompletableFuture<Verdict> put(URI endpoint, long version) {
    Objects.requireNonNull(endpoint, "endpoint");
    CompletableFuture<Verdict> future = new CompletableFuture<>();
    sender.publish(endpoint, version, outcome -> future.complete(Adapters.verdict(outcome)));
    return future;
  }

  /**
   * Puts a version into the table in a transaction of yours: it is sent if and only if you commit,
   * together with what it is about. Call {@link #wake} after the commit, or it waits for the next
   * sweep. An endpoint over 4,096 characters, or that is not text, is not put in: the listener
   * hears that it is refused.
   *
   * @param connection to the database of the outbox, in a transaction; neither committed nor closed
   * @param version 0 to 2^63−1
   * @throws SQLException if the database failed
   * @throws IllegalArgumentException if {@code version} is negative, or the connection commits each
   *     statement by itself: a device might then be woken before it can read what has changed, and
   *     is not woken again
   */
  public void enqueue(Connection connection, URI endpoint, long version) throws SQLException {
    Versions.check(version);
    if (connection.getAutoCommit()) {
      throw new IllegalArgumentException(
          "enqueue needs a connection in a transaction, but this one is in auto-commit mode:"
              + " call setAutoCommit(false) first, or use publish.");
    }
    sender.enqueue(connection, endpoint, version);
  }

  /**
   * Sends what is in the table, soon.
   *
   * @throws IllegalStateException if the outbox is closed
   */
  public void wake() {
    sender.wake();
  }

  /**
   * Takes no more versions, and begins no more sweeps. The notifier finishes what is being sent;
   * what is not settled stays in the table. Calling it again is harmless.
   */
  @Override
  public void close() {
    sender.close();
    release.run();
  }

  /** Tells nothing of what is stored. */
  @Override
  public String toString() {
    return "Outbox";
  }

  /** Settings of an {@link Outbox}. Not thread-safe. */
  public static final class Builder {
    private final Notifier notifier;
    private final DataSource dataSource;
    private EndpointVault vault = EndpointVault.plain();
    private String name = "default";
    private Duration sweepInterval = Duration.ofSeconds(30);
    private Duration keep = Duration.ofDays(3);
    private VerdictListener listener = (endpoint, verdict) -> {};

    // For tests.
    private int maxOnTheWay = 8192;
    private InstantSource clock = InstantSource.system();
    private @Nullable Time time;

    private Builder(Notifier notifier, DataSource dataSource) {
      this.notifier = Objects.requireNonNull(notifier, "notifier");
      this.dataSource = Objects.requireNonNull(dataSource, "dataSource");
    }

    /**
     * Stores endpoints encrypted, as {@link JdbcSubscriptions#encrypted} does.
     *
     * @param key 32 bytes from a good source of randomness, the same for all time
     * @throws IllegalArgumentException if the key has another length
     */
    public Builder encrypted(SecretKey key) {
      this.vault = EndpointVault.encrypted(key);
      return this;
    }

    /**
     * Whose rows these are, if several processes share the table. Default {@code default}.
     *
     * @throws IllegalArgumentException if not 1 to 255 characters
     */
    public Builder name(String name) {
      Topics.checkLength("A name", name);
      this.name = name;
      return this;
    }

    /**
     * How long after all rows were tried to try again what failed. Default 30 seconds.
     *
     * @throws IllegalArgumentException if under a millisecond or over a day
     */
    public Builder sweepInterval(Duration interval) {
      this.sweepInterval = Checks.range("sweepInterval", interval, Checks.MILLISECOND, Checks.DAY);
      return this;
    }

    /**
     * How long after its last change a version is dropped if it then cannot be sent once more.
     * Default 3 days, by the clock of this machine.
     *
     * @throws IllegalArgumentException if under a millisecond or over a hundred years
     */
    public Builder keep(Duration keep) {
      this.keep = Checks.range("keep", keep, Checks.MILLISECOND, Checks.HUNDRED_YEARS);
      return this;
    }

    /**
     * Hears every verdict, {@link Verdict.Failed} included, which here means: not yet. Calls come
     * one at a time, as {@link VerdictListener} says.
     */
    public Builder listener(VerdictListener listener) {
      this.listener = Objects.requireNonNull(listener, "listener");
      return this;
    }

    Builder maxOnTheWay(int max) {
      this.maxOnTheWay = max;
      return this;
    }

    Builder time(Time time, InstantSource clock) {
      this.time = time;
      this.clock = clock;
      return this;
    }

    /** Returns an outbox with these settings, to be started. */
    public Outbox build() {
      return new Outbox(this);
    }
  }
}
