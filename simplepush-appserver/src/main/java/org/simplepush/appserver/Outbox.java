package org.simplepush.appserver;

import java.net.URI;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import javax.crypto.SecretKey;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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
 */
public final class Outbox implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Outbox.class);

  private static final int PAGE = 500;

  /** How long nothing more is said of rows that cannot be read. */
  private static final Duration SILENCE = Duration.ofHours(1);

  private static final String UPSERT =
      "INSERT INTO simplepush_outbox"
          + " (sender, fingerprint, endpoint, version, revision, changed_at)"
          + " VALUES (?, ?, ?, ?, ?, ?)"
          + " ON CONFLICT (sender, fingerprint) DO UPDATE SET"
          // Like the notifier: a version that the push server picks (-1) replaces every other.
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

  private final Notifier notifier;
  private final Jdbc jdbc;
  private final EndpointVault vault;
  private final String sender;
  private final Duration sweepInterval;
  private final Duration keep;
  private final VerdictQueue verdicts;

  /** While this many are being sent, the table is not read again; it bounds memory. */
  private final int maxSending;

  private final Time time;
  private final InstantSource clock;
  private final Runnable release;

  private final Object lock = new Object();

  // Guarded by lock.
  /** How often a revision of a row is being sent. A row that changed since is another revision. */
  private final Map<Long, Integer> sending = new HashMap<>();

  private Time.@Nullable Timer nextSweep;

  /** The sweep that reads the table; one at a time. It may wait for verdicts long after. */
  private @Nullable Rows reading;

  /** How many sweeps read, or wait for verdicts. */
  private int sweeps;

  /** The table may hold what no sweep has read. */
  private boolean wanted;

  private boolean closed;

  private final Object reports = new Object();

  // Guarded by reports.
  private long unreadableTold;
  private boolean toldUnreadable;
  private @Nullable String lastFailure;

  private Outbox(Builder builder) {
    this.notifier = builder.notifier;
    this.jdbc = new Jdbc(builder.dataSource);
    this.vault = builder.vault;
    this.sender = builder.name;
    this.sweepInterval = builder.sweepInterval;
    this.keep = builder.keep;
    this.verdicts = new VerdictQueue(builder.listener);
    this.maxSending = builder.maxSending;
    this.clock = builder.clock;
    if (builder.time != null) {
      this.time = builder.time;
      this.release = () -> {};
    } else {
      ThreadTime own = new ThreadTime(Notifier.threads("simplepush-outbox-"));
      this.time = own;
      this.release = own::stop;
    }
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
    jdbc.execute(
        "create the table of the outbox",
        "CREATE TABLE IF NOT EXISTS simplepush_outbox ("
            + "sender VARCHAR(255) NOT NULL, fingerprint VARCHAR(43) NOT NULL,"
            + " endpoint TEXT NOT NULL, version BIGINT NOT NULL, revision BIGINT NOT NULL,"
            + " changed_at BIGINT NOT NULL, PRIMARY KEY (sender, fingerprint))");
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
   *     goes on trying, and the listener hears how it ends
   * @throws StorageException if the database failed; it may be sent nevertheless
   * @throws IllegalArgumentException if {@code version} is negative
   * @throws IllegalStateException if the outbox is closed
   */
  public CompletableFuture<Verdict> publish(URI endpoint, long version) {
    Notifier.checkVersion(version);
    return put(endpoint, version);
  }

  /**
   * Like {@link #publish(URI, long)}, with a version that the push server picks. It replaces
   * whatever version waits for the endpoint.
   *
   * @throws StorageException if the database failed; it may be sent nevertheless
   * @throws IllegalStateException if the outbox is closed
   */
  public CompletableFuture<Verdict> publish(URI endpoint) {
    return put(endpoint, Transport.NO_VERSION);
  }

  private CompletableFuture<Verdict> put(URI endpoint, long version) {
    Objects.requireNonNull(endpoint, "endpoint");
    checkOpen();
    CompletableFuture<Verdict> future = new CompletableFuture<>();
    Consumer<Verdict> sink =
        verdict -> {
          tellListener(endpoint, verdict);
          future.complete(verdict);
        };
    try {
      if (!EndpointGuard.isStorable(endpoint)) {
        notifier.submit(endpoint, version, sink); // is refused
        return future;
      }
      Row row =
          jdbc.inTransaction(
              "put a version into the outbox", connection -> upsert(connection, endpoint, version));
      // May be refused if too many wait; the next sweep has room for all.
      send(row, notifier::submit, sink);
    } catch (IllegalStateException e) { // closed meanwhile: the next process sends it
      log.debug("The notifier was closed before a version in the outbox was sent", e);
      future.complete(
          new Verdict.Failed(
              Verdict.Cause.CLOSED, 0, "The notifier is closed; it stays in the outbox."));
    }
    return future;
  }

  private void tellListener(URI endpoint, Verdict verdict) {
    Faults.contain(
        log,
        "A verdict could not be handed to the listener",
        () -> verdicts.deliver(endpoint, verdict, () -> {}));
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
   *     statement by itself: the version might be sent before what it is about can be read, and a
   *     device that comes too early is not told again
   */
  public void enqueue(Connection connection, URI endpoint, long version) throws SQLException {
    Notifier.checkVersion(version);
    if (connection.getAutoCommit()) {
      throw new IllegalArgumentException(
          "enqueue needs a connection in a transaction, but this one is in auto-commit mode:"
              + " call setAutoCommit(false) first, or use publish.");
    }
    if (EndpointGuard.isStorable(endpoint)) {
      upsert(connection, endpoint, version);
    } else {
      // Elsewhere, because the listener may use the database that is locked here.
      notifier.execute(
          () -> notifier.submit(endpoint, version, verdict -> tellListener(endpoint, verdict)));
    }
  }

  private Row upsert(Connection connection, URI endpoint, long version) throws SQLException {
    String fingerprint = vault.fingerprint(endpoint);
    // Never the same twice, even after the row was gone: who settles a row means no later one.
    long revision = ThreadLocalRandom.current().nextLong();
    long now = clock.millis();
    Jdbc.update(
        connection,
        UPSERT,
        sender,
        fingerprint,
        vault.seal(endpoint, sender),
        version,
        revision,
        now);
    // What is settled is the row, so what is sent must be what is in the row: perhaps a newer one.
    try (PreparedStatement select = connection.prepareStatement(VERSION)) {
      Jdbc.set(select, sender, fingerprint);
      try (ResultSet row = select.executeQuery()) {
        row.next();
        return new Row(fingerprint, endpoint, row.getLong(1), revision, now);
      }
    }
  }

  private record Row(
      String fingerprint, URI endpoint, long version, long revision, long changedAt) {
    @Override
    public String toString() {
      return "Row[" + version + "]";
    }
  }

  private interface Submit {
    void submit(URI endpoint, long version, Consumer<Verdict> sink);
  }

  /** Sends a row and takes it out of the table once it is settled, unless it changed meanwhile. */
  private void send(Row row, Submit submit, Consumer<Verdict> sink) {
    synchronized (lock) {
      sending.merge(row.revision(), 1, Integer::sum);
    }
    boolean submitted = false;
    try {
      submit.submit(
          row.endpoint(),
          row.version(),
          verdict -> {
            Verdict settled = settle(row, verdict);
            Faults.contain(log, "The outbox could not go on", () -> noLongerSending(row));
            sink.accept(settled);
          });
      submitted = true;
    } finally {
      if (!submitted) {
        noLongerSending(row);
      }
    }
  }

  private void noLongerSending(Row row) {
    synchronized (lock) {
      sending.computeIfPresent(row.revision(), (any, n) -> n == 1 ? null : n - 1);
    }
    sweepIfWanted();
  }

  /** Returns what to tell of {@code verdict}. Throws nothing: the row stays, and is sent again. */
  private Verdict settle(Row row, Verdict verdict) {
    try {
      if (verdict instanceof Verdict.Failed) {
        // Dropped only after a try, however old it is: a clock that jumps must not lose a version.
        if (clock.millis() - row.changedAt() < keep.toMillis()) {
          return verdict; // stays
        }
        log.warn("A version that could not be sent for {} is dropped", keep);
      }
      int settled =
          jdbc.update("settle a version", DELETE, sender, row.fingerprint(), row.revision());
      if (settled == 0 && verdict instanceof Verdict.Accepted) {
        // The row has changed or is gone: if the endpoint is beyond this version, it may well be by
        // a newer one of ours, which hears for itself if it was not.
        return new Verdict.Accepted();
      }
    } catch (RuntimeException | Error e) { // a pool may throw others than StorageException
      Faults.warn(log, "A version that was sent stays in the outbox, and will be sent again", e);
    }
    return verdict;
  }

  /** Sends what is in the table, soon. */
  public void wake() {
    checkOpen();
    sweepSoon();
  }

  private void sweepSoon() {
    synchronized (lock) {
      wanted = true;
    }
    sweepIfWanted();
  }

  private void checkOpen() {
    synchronized (lock) {
      if (closed) {
        throw new IllegalStateException("The outbox is closed.");
      }
    }
  }

  /**
   * Sends every row that is not being sent, as a fan-out: in bounded memory, page by page, on a
   * thread of the notifier. Not while another sweep reads, which may have read past the new rows;
   * but one that only waits for verdicts, perhaps for minutes, is not waited for.
   */
  private void sweepIfWanted() {
    Rows rows;
    synchronized (lock) {
      if (!wanted || reading != null || sending.size() >= maxSending || closed) {
        return;
      }
      wanted = false;
      rows = new Rows();
      reading = rows;
      sweeps++;
      if (nextSweep != null) {
        nextSweep.cancel();
        nextSweep = null;
      }
    }
    CompletableFuture<Summary> done;
    try {
      done =
          notifier.fanOut(
              rows,
              (row, sink) ->
                  send(
                      row,
                      notifier::submitFromFanout,
                      verdict ->
                          verdicts.deliver(row.endpoint(), verdict, () -> sink.accept(verdict))),
              Row::endpoint,
              (endpoint, verdict) -> {});
    } catch (IllegalStateException e) {
      log.debug("The notifier is closed; the outbox rests", e);
      return;
    } catch (RuntimeException | Error e) { // such as no memory for a thread
      swept(rows, e);
      return;
    }
    var unused = done.whenComplete((summary, failure) -> swept(rows, failure));
  }

  /** What goes wrong in each sweep is told in full only once. */
  private void tellFailure(@Nullable Throwable failure) {
    synchronized (reports) {
      if (failure == null) {
        lastFailure = null;
        return;
      }
      String text = failure.toString();
      if (text.equals(lastFailure)) {
        log.warn(
            "The outbox still could not be read; trying again later: {}", failure.getMessage());
      } else {
        log.warn("The outbox could not be read; trying again later", failure);
      }
      lastFailure = text;
    }
  }

  private void tellUnreadable(Rows rows) {
    synchronized (reports) {
      if (rows.unreadable == 0
          || (toldUnreadable && time.nanos() - unreadableTold < SILENCE.toNanos())) {
        return;
      }
      toldUnreadable = true;
      unreadableTold = time.nanos();
      log.warn(
          "{} of the rows of the outbox cannot be read and stay, the others are sent. The first: {}",
          rows.unreadable,
          rows.firstUnreadable);
    }
  }

  /** All rows were read: what was put in since is for another sweep. */
  private void readToTheEnd(Rows rows) {
    synchronized (lock) {
      if (reading == rows) {
        reading = null;
      }
    }
    sweepIfWanted();
  }

  /** What goes wrong here must not keep the next sweep from coming. */
  private void swept(Rows rows, @Nullable Throwable failure) {
    synchronized (lock) {
      sweeps--;
      if (sweeps == 0 && !closed) {
        nextSweep = time.after(sweepInterval, this::sweepSoon);
      }
    }
    Faults.contain(log, "The outbox could not say how a sweep went", () -> tell(rows, failure));
    readToTheEnd(rows); // if it was cut short
  }

  private void tell(Rows rows, @Nullable Throwable failure) {
    tellFailure(failure);
    tellUnreadable(rows);
  }

  /** The rows that are not being sent, looked up page by page. */
  private final class Rows implements Iterator<Row> {
    private String after = "";
    private boolean last;
    private int unreadable;
    private @Nullable String firstUnreadable;
    private Iterator<Row> page = List.<Row>of().iterator();

    @Override
    public boolean hasNext() {
      while (!page.hasNext() && !last) {
        page = nextPage().iterator();
      }
      if (!page.hasNext()) {
        readToTheEnd(this);
      }
      return page.hasNext();
    }

    @Override
    public Row next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return page.next();
    }

    /** Returns the endpoint of the row {@link #after}, or null if it cannot be read. */
    private @Nullable URI open(String sealed) {
      try {
        return vault.open(after, sealed, sender);
      } catch (IllegalStateException e) {
        if (unreadable++ == 0) {
          firstUnreadable = e.getMessage();
        }
      } catch (RuntimeException | Error e) { // no damage that was thought of
        if (unreadable++ == 0) {
          firstUnreadable = e.getClass().getName();
        }
      }
      return null;
    }

    private List<Row> nextPage() {
      List<Row> rows =
          jdbc.inTransaction(
              "read the outbox",
              connection -> {
                List<Row> found = new ArrayList<>();
                int read = 0;
                try (PreparedStatement select = connection.prepareStatement(SELECT)) {
                  Jdbc.set(select, sender, after, PAGE);
                  try (ResultSet each = select.executeQuery()) {
                    while (each.next()) {
                      read++;
                      after = each.getString(1);
                      URI endpoint = open(each.getString(2));
                      if (endpoint != null) {
                        found.add(
                            new Row(
                                after,
                                endpoint,
                                each.getLong(3),
                                each.getLong(4),
                                each.getLong(5)));
                      }
                    }
                  }
                }
                last = read < PAGE;
                return found;
              });
      synchronized (lock) {
        rows.removeIf(row -> sending.containsKey(row.revision()));
      }
      return rows;
    }
  }

  /**
   * Takes no more, and ends what it does by itself. What is being sent is the notifier's to finish;
   * what is not settled stays in the table. Calling it again is harmless.
   */
  @Override
  public void close() {
    synchronized (lock) {
      closed = true;
      if (nextSweep != null) {
        nextSweep.cancel();
        nextSweep = null;
      }
    }
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
    private int maxSending = 8192;
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
      this.sweepInterval = Notifier.Builder.positive("sweepInterval", interval);
      return this;
    }

    /**
     * How long after its last change a version is dropped if it then cannot be sent once more.
     * Default 3 days, by the clock of this machine.
     *
     * @throws IllegalArgumentException if not positive, or over a hundred years
     */
    public Builder keep(Duration keep) {
      if (keep.isNegative() || keep.isZero() || keep.compareTo(Duration.ofDays(36_500)) > 0) {
        throw new IllegalArgumentException(
            "keep is positive and at most a hundred years, but it was " + keep + ".");
      }
      this.keep = keep;
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

    Builder maxSending(int max) {
      this.maxSending = max;
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
