package org.simplepush.server.sqlite;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ChannelId;
import org.simplepush.core.DurableVersionStore;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.internal.StoreArguments;

/**
 * A store in an SQLite file: for one server that must not forget.
 *
 * <p><strong>Promise.</strong> When a stage completes, its step is on the disk: it survives the
 * crash of the process and, as far as the disk keeps what it has confirmed, of the machine. What
 * was under way in a crash happened whole or not at all. Only when a user agent was seen may be
 * forgotten for the last minute.
 *
 * <p>Steps asked for at the same time share a commit, so many callers cost little more than one. No
 * more than 32,768 steps may wait; one more fails at once. If the disk is full or fails, steps fail
 * and the store goes on when it is well again; on a full disk, what only reads goes on meanwhile.
 *
 * <p>After each commit the store makes sure that the file still is where it was opened, and only
 * then completes the stages; while nothing is written it looks once a second. If the file was
 * deleted, moved or replaced, or its volume is gone, that and every later step fails; only what was
 * just being committed may have happened all the same. The store keeps what it has open, and goes
 * on when the same file is in its place again. It never makes a new file and never takes over
 * another one: for that, open it anew. A log that was taken away costs nothing; it is made anew.
 *
 * <p>Stages complete on one thread of the store, in the order of the steps. Do not block it: other
 * answers would wait, and in the end steps would be refused.
 *
 * <p>sqlite-jdbc unpacks a library into the folder {@code java.io.tmpdir} and loads it from there;
 * if that folder is read-only or mounted {@code noexec}, name another one with the system property
 * {@code org.sqlite.tmpdir}.
 *
 * <p>The file and its log ({@code -wal}) belong together, on a local disk. They are locked while
 * open and readable by their owner only. The file grows with the number of channels, about 100
 * bytes each and as many a user agent, not with the number of updates; the log stays at some
 * megabytes. Rows are read from the file as needed, not kept in the heap.
 *
 * <p>Needs {@code org.xerial:sqlite-jdbc}, an optional dependency of this module. Safe for use by
 * many threads; keep one for the life of the server and close it after that.
 *
 * @since 0.1
 */
public final class SqliteVersionStore implements DurableVersionStore {
  private final Writer writer;

  /** Up to where {@link #expireEmpty} has looked. */
  private volatile VersionTables.Searched searched = VersionTables.Searched.NOTHING;

  private SqliteVersionStore(Writer writer) {
    this.writer = writer;
  }

  /**
   * Opens a store, or makes a new one. After a crash this recovers what was confirmed.
   *
   * @param file in a folder that exists
   * @return the store, which has the file for itself until it is closed
   * @throws IOException if another process or store has it, if it is not a store or one of a later
   *     version, if it cannot be read and written, or if sqlite-jdbc is missing; with a sentence
   *     that says so
   */
  public static SqliteVersionStore open(Path file) throws IOException {
    return open(file, Writer.Limits.DEFAULT, InstantSource.system(), System::nanoTime);
  }

  static SqliteVersionStore open(
      Path file, Writer.Limits limits, InstantSource wallClock, LongSupplier nanoTime)
      throws IOException {
    return new SqliteVersionStore(Writer.open(file.toAbsolutePath(), limits, wallClock, nanoTime));
  }

  @Override
  public CompletionStage<Resumption> hello(Uaid uaid, @Nullable List<ChannelId> channelIds) {
    return writer.submit(tables -> tables.hello(uaid, channelIds));
  }

  @Override
  public CompletionStage<Registration> register(Uaid uaid, ChannelId channelId, int maxChannels) {
    return writer.submit(tables -> tables.register(uaid, channelId, maxChannels));
  }

  @Override
  public CompletionStage<Void> unregister(Uaid uaid, ChannelId channelId) {
    return writer.submit(tables -> tables.unregister(uaid, channelId));
  }

  @Override
  public CompletionStage<Void> drop(Uaid uaid) {
    return writer.submit(tables -> tables.drop(uaid));
  }

  @Override
  public CompletionStage<Advance> advance(Uaid uaid, ChannelId channelId, long version) {
    return advance(uaid, channelId, version, false);
  }

  @Override
  public CompletionStage<Advance> advanceToNext(Uaid uaid, ChannelId channelId, long atLeast) {
    return advance(uaid, channelId, atLeast, true);
  }

  private CompletionStage<Advance> advance(
      Uaid uaid, ChannelId channelId, long version, boolean orNext) {
    StoreArguments.version(version);
    return writer.submit(tables -> tables.advance(uaid, channelId, version, orNext));
  }

  @Override
  public CompletionStage<List<Update>> acknowledge(Uaid uaid, List<Update> updates) {
    return writer.submit(tables -> tables.acknowledge(uaid, updates));
  }

  @Override
  public CompletionStage<Pending> pending(Uaid uaid) {
    return writer.submit(tables -> tables.pending(uaid));
  }

  /**
   * {@inheritDoc}
   *
   * <p>Many are dropped bit by bit, so that other steps need not wait; whoever is to be dropped is
   * unknown to these already.
   */
  @Override
  public CompletionStage<Integer> expire(Duration notSeenFor) {
    long millis = StoreArguments.millisNotSeen(notSeenFor);
    return writer
        .submit(
            tables -> {
              tables.condemn(millis);
              return expireSome(tables);
            })
        .thenCompose(this::expireRest);
  }

  /** How many were dropped, and whether there are more to be. */
  private record Expired(int dropped, boolean more) {}

  private static Expired expireSome(VersionTables tables) throws SQLException {
    int dropped = tables.expire();
    return new Expired(dropped, tables.isExpiring());
  }

  private CompletionStage<Integer> expireRest(Expired sofar) {
    if (!sofar.more()) {
      return CompletableFuture.completedStage(sofar.dropped());
    }
    return writer
        .submit(SqliteVersionStore::expireSome)
        .thenCompose(
            some -> expireRest(new Expired(sofar.dropped() + some.dropped(), some.more())));
  }

  /**
   * {@inheritDoc}
   *
   * <p>Looks at each user agent once after it was seen, some at a time, so that other steps need
   * not wait.
   */
  @Override
  public CompletionStage<Integer> expireEmpty(Duration notSeenFor) {
    return searchEmpty(StoreArguments.millisNotSeen(notSeenFor), searched, 0);
  }

  private CompletionStage<Integer> searchEmpty(
      long millis, VersionTables.Searched from, int droppedBefore) {
    return writer
        .submit(tables -> tables.expireEmpty(millis, from))
        .thenCompose(
            search -> {
              searched = search.searched();
              int dropped = droppedBefore + search.dropped();
              return search.isOver()
                  ? CompletableFuture.completedStage(dropped)
                  : searchEmpty(millis, search.searched(), dropped);
            });
  }

  @Override
  public Optional<Size> size() {
    return Optional.of(writer.size());
  }

  @Override
  public CompletionStage<Optional<String>> keyRecord() {
    return writer.submit(VersionTables::keyRecord);
  }

  @Override
  public CompletionStage<Boolean> replaceKeyRecord(@Nullable String expected, String replacement) {
    StoreArguments.keyRecord(replacement);
    return writer.submit(tables -> tables.replaceKeyRecord(expected, replacement));
  }

  @Override
  public CompletionStage<Boolean> hasUserAgents() {
    return writer.submit(VersionTables::hasUserAgents);
  }

  /** {@inheritDoc} Writes to the disk. */
  @Override
  public CompletionStage<Void> check() {
    return writer.submit(VersionTables::probe);
  }

  /**
   * Refuses further steps, does those it has taken and answers them, and releases the file and the
   * threads. Blocks until then; but for at most ten seconds for whatever hangs on the answers.
   */
  @Override
  public void close() {
    writer.close();
  }
}
