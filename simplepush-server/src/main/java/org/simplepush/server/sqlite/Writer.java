package org.simplepush.server.sqlite;

import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.StoreException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Does steps one after another, many in one transaction, and answers them when it is on the disk.
 *
 * <p>Two threads. The <em>writer</em> takes what has come in while it was writing, does it, commits
 * once, and hands all of it to the <em>answerer</em>, which completes the stages in the same order.
 * So whatever hangs on a stage can delay other answers, but not the writer. What is not answered
 * counts as waiting, and is bounded.
 */
final class Writer {
  /** What a step does, within a transaction; it may be done again if that one fails. */
  interface Work<T> {
    @Nullable T on(VersionTables tables) throws SQLException;
  }

  /**
   * What a test may want otherwise.
   *
   * @param capacity how many steps may wait for their answers
   * @param maxPages a bound of the file's size, 0 is none
   */
  record Limits(int capacity, int maxPages) {
    static final Limits DEFAULT = new Limits(32_768, 0);
  }

  private static final Logger log = LoggerFactory.getLogger(Writer.class);

  /** How many steps share a commit at most, so that nobody waits long for the others. */
  private static final int MAX_BATCH = 1024;

  /** How long an unusable database is left alone. */
  private static final long REOPEN_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** How long close waits for whatever hangs on the stages. */
  private static final long ANSWER_MILLIS = 10_000;

  private final Path file;
  private final Limits limits;
  private final StoreClock clock;
  private final Thread thread;
  private final ExecutorService answerer;
  private final AtomicInteger unanswered = new AtomicInteger();

  /** Guards the two below. */
  private final Object lock = new Object();

  private final Queue<Step<?>> queue = new ArrayDeque<>();
  private boolean closed;

  // Only used by the writer thread.

  private final Sightings sightings = new Sightings();

  /** Null when it failed so that it must be opened anew. */
  private @Nullable Database database;

  private @Nullable VersionTables tables;
  private @Nullable Throwable lastFailure;
  private long failedAt;

  /** Null until there was an answer. */
  private volatile @Nullable Thread answererThread;

  private static final class Step<T> {
    final Work<T> work;
    final CompletableFuture<T> answer = new CompletableFuture<>();
    @Nullable T result;
    @Nullable StoreException failure;

    Step(Work<T> work) {
      this.work = work;
    }

    void on(VersionTables tables) throws SQLException {
      result = work.on(tables);
    }

    @SuppressWarnings("NullAway") // the stages of Void complete with null
    void answer() {
      if (failure != null) {
        answer.completeExceptionally(failure);
      } else {
        answer.complete(result);
      }
    }
  }

  private Writer(
      Path file, Limits limits, Database database, InstantSource wallClock, LongSupplier nanoTime)
      throws SQLException {
    this.file = file;
    this.limits = limits;
    this.clock = new StoreClock(wallClock, nanoTime, VersionTables.latestSeen(database));
    this.database = database;
    this.tables = new VersionTables(database, sightings, clock);
    String name = "simplepush-store-" + file.getFileName();
    ThreadFactory answerers =
        task -> {
          Thread made = daemon(task, name + "-answers");
          answererThread = made;
          return made;
        };
    this.answerer = Executors.newSingleThreadExecutor(answerers);
    this.thread = daemon(this::run, name + "-writer");
  }

  private static Thread daemon(Runnable task, String name) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  /** Opens the file and starts to write. */
  static Writer open(Path file, Limits limits, InstantSource wallClock, LongSupplier nanoTime)
      throws IOException {
    Database database = Database.open(file, limits.maxPages());
    try {
      Writer writer = new Writer(file, limits, database, wallClock, nanoTime);
      writer.thread.start();
      return writer;
    } catch (SQLException e) {
      try {
        database.close();
      } catch (SQLException closing) {
        e.addSuppressed(closing);
      }
      throw new IOException("The store " + file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** Takes a step; it is done after all that were taken before. */
  <T> CompletionStage<T> submit(Work<T> work) {
    Step<T> step = new Step<>(work);
    String refusal = null;
    synchronized (lock) {
      if (closed) {
        refusal = "The store was closed";
      } else if (unanswered.get() >= limits.capacity()) {
        refusal = "The store is overloaded: " + limits.capacity() + " steps wait for it";
      } else {
        unanswered.incrementAndGet();
        queue.add(step);
        if (queue.size() == 1) {
          lock.notifyAll();
        }
      }
    }
    return refusal == null
        ? step.answer
        : CompletableFuture.failedStage(new StoreException(refusal));
  }

  // The writer thread

  private void run() {
    List<Step<?>> batch;
    while ((batch = take()) != null) {
      write(batch);
      List<Step<?>> done = batch;
      answerer.execute(() -> answer(done));
    }
    if (!sightings.isEmpty()) {
      attempt(List.of(), true);
    }
    dropDatabase();
    answerer.shutdown();
  }

  /** Waits for steps; returns null when there are none and never will be, none when it is time. */
  private @Nullable List<Step<?>> take() {
    synchronized (lock) {
      while (queue.isEmpty()) {
        if (closed) {
          return null;
        }
        try {
          // Not counted while idle: nothing is lost if sightings are written a little late.
          lock.wait(sightings.isEmpty() ? 0 : Sightings.MAX_AGE_MILLIS);
        } catch (InterruptedException e) {
          log.warn("Only closing the store ends its writer", e);
        }
        if (queue.isEmpty() && !closed && !sightings.isEmpty()) {
          return List.of();
        }
      }
      List<Step<?>> batch = new ArrayList<>(Math.min(queue.size(), MAX_BATCH));
      while (batch.size() < MAX_BATCH && !queue.isEmpty()) {
        batch.add(queue.remove());
      }
      return batch;
    }
  }

  /** Does all steps in one transaction, or if that fails each in one of its own. */
  private void write(List<Step<?>> batch) {
    boolean alsoSightings = tables != null && tables.sightingsAreDue();
    if (attempt(batch, alsoSightings) == null) {
      return;
    }
    // On a full disk, what only reads can still be done.
    for (Step<?> step : batch) {
      Throwable failure = attempt(List.of(step), false);
      if (failure != null) {
        step.failure =
            new StoreException(
                "The store's file could not be used: " + failure.getMessage(), failure);
      }
    }
  }

  /** Returns null if everything was done and is on the disk, else why nothing was. */
  private @Nullable Throwable attempt(List<Step<?>> steps, boolean alsoSightings) {
    try {
      VersionTables on = openTables();
      if (database == null || on == null) {
        return lastFailure;
      }
      database.begin();
      for (Step<?> step : steps) {
        step.on(on);
      }
      if (alsoSightings) {
        on.writeSightings();
      }
      database.commit();
      sightings.committed();
      return null;
    } catch (Exception | OutOfMemoryError | StackOverflowError e) {
      sightings.rolledBack();
      if (Database.isFatal(e)) {
        log.error("The store {} failed; it is opened anew", file, e);
        lastFailure = e;
        failedAt = System.nanoTime();
        dropDatabase();
      } else {
        rollBack();
      }
      return e;
    }
  }

  private void rollBack() {
    try {
      if (database != null) {
        database.rollback();
        tables = new VersionTables(database, sightings, clock);
      }
    } catch (SQLException e) {
      log.warn("The store {} could not undo what failed; it is opened anew", file, e);
      dropDatabase();
    }
  }

  /** Returns null if the database cannot be opened, or has failed just now. */
  private @Nullable VersionTables openTables() throws IOException, SQLException {
    if (tables == null && System.nanoTime() - failedAt >= REOPEN_NANOS) {
      database = Database.open(file, limits.maxPages());
      tables = new VersionTables(database, sightings, clock);
      log.info("The store {} is open again", file);
    }
    return tables;
  }

  private void dropDatabase() {
    tables = null;
    if (database != null) {
      try {
        database.close();
      } catch (SQLException e) {
        log.warn("The store {} did not close well; it recovers when it is opened", file, e);
      }
      database = null;
    }
  }

  // The answerer thread

  private void answer(List<Step<?>> batch) {
    for (Step<?> step : batch) {
      unanswered.decrementAndGet(); // first, for whoever asks for another step then
      step.answer();
    }
  }

  // Closing

  /** Does and answers what was taken, and takes no more; the file is released on return. */
  void close() {
    synchronized (lock) {
      closed = true;
      lock.notifyAll();
    }
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    Thread answering = answererThread;
    // Who closes the store when a stage completes cannot wait for that thread.
    if (!interrupted && answering != null && answering != Thread.currentThread()) {
      try {
        answering.join(ANSWER_MILLIS);
        if (answering.isAlive()) {
          log.warn(
              "Something that waits for a step of the store {} blocks its other answers", file);
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
