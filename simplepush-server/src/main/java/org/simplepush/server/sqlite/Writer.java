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
import org.simplepush.core.VersionStore;
import org.simplepush.core.internal.DaemonThreads;
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

  /** How often to see whether the file is still in its place, if nothing is written. */
  private static final long LOOK_MILLIS = 1_000;

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

  /** What a step is told that comes too late. */
  private String refusal = "The store was closed";

  // Only used by the writer thread.

  private final Sightings sightings = new Sightings();
  private final Census census = new Census();
  private State state;

  /** Whether the database was found deleted, moved or replaced. */
  private boolean displaced;

  /** Null until there was an answer. */
  private volatile @Nullable Thread answererThread;

  /** Whether there is a database to be used. */
  private sealed interface State {
    record Open(Database database, VersionTables tables) implements State {}

    /** It failed so that it must be opened anew. */
    record Down(StoreFile file, Throwable why, long since, boolean isReported) implements State {}
  }

  /**
   * What came of steps. Success is a value of its own: that nothing is known of a failure must
   * never pass for it.
   */
  private sealed interface Outcome {
    /** All was done, and is on the disk in a file that is in place. */
    record Done() implements Outcome {}

    record Failed(Throwable why) implements Outcome {
      StoreException asStoreException() {
        return why instanceof StoreException told
            ? told
            : new StoreException("The store's file could not be used: " + why.getMessage(), why);
      }
    }
  }

  private static final Outcome NOT_DONE =
      new Outcome.Failed(new StoreException("The store did not do the step"));

  private static final class Step<T> {
    final Work<T> work;
    final CompletableFuture<T> answer = new CompletableFuture<>();
    @Nullable T result;

    /** Until something else is known. */
    Outcome outcome = NOT_DONE;

    Step(Work<T> work) {
      this.work = work;
    }

    void on(VersionTables tables) throws SQLException {
      result = work.on(tables);
    }

    @SuppressWarnings("NullAway") // the stages of Void complete with null
    void answer() {
      if (outcome instanceof Outcome.Failed failed) {
        answer.completeExceptionally(failed.asStoreException());
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
    census.take(database);
    this.state = new State.Open(database, new VersionTables(database, sightings, clock, census));
    String name = "simplepush-store-" + file.getFileName();
    ThreadFactory answerers =
        task -> {
          Thread made = DaemonThreads.make(name + "-answers", task);
          answererThread = made;
          return made;
        };
    this.answerer = Executors.newSingleThreadExecutor(answerers);
    this.thread = DaemonThreads.make(name + "-writer", this::run);
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
        refusal = this.refusal;
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

  /** Returns how much the file holds. From any thread. */
  VersionStore.Size size() {
    return census.size();
  }

  // The writer thread

  private void run() {
    try {
      List<Step<?>> batch;
      while ((batch = take()) != null) {
        if (batch.isEmpty()) {
          idle();
        } else {
          writeAndAnswer(batch);
        }
      }
      if (!sightings.isEmpty()) {
        attempt(List.of(), true);
      }
    } catch (Throwable e) {
      refuse("The thread that writes the store has ended; restart the server");
      log.error("The thread that writes the store {} has ended: {}", file, e.getClass());
    } finally {
      try {
        closeDatabase();
      } finally {
        answerer.shutdown();
      }
    }
  }

  /** Takes no more steps, and fails those that wait. */
  private void refuse(String why) {
    List<Step<?>> waiting;
    synchronized (lock) {
      closed = true;
      refusal = why;
      waiting = List.copyOf(queue);
      queue.clear();
    }
    for (Step<?> step : waiting) {
      step.outcome = new Outcome.Failed(new StoreException(why));
    }
    answerSoon(waiting);
  }

  /** Waits for steps; returns null when there are none and never will be, none when it is time. */
  @SuppressWarnings("WaitNotInLoop") // one who wakes too soon looks once too often
  private @Nullable List<Step<?>> take() {
    synchronized (lock) {
      if (queue.isEmpty() && !closed) {
        try {
          lock.wait(LOOK_MILLIS);
        } catch (InterruptedException e) {
          log.warn("Only closing the store ends its writer", e);
        }
      }
      if (queue.isEmpty()) {
        return closed ? null : List.of();
      }
      List<Step<?>> batch = new ArrayList<>(Math.min(queue.size(), MAX_BATCH));
      while (batch.size() < MAX_BATCH && !queue.isEmpty()) {
        batch.add(queue.remove());
      }
      return batch;
    }
  }

  /** Writes what is due although nobody waits for it, and looks after the file. */
  private void idle() {
    if (state instanceof State.Open open
        && (displaced
            || open.tables().sightingsAreDue()
            || open.database().file().look() != StoreFile.State.IN_PLACE)) {
      attempt(List.of(), open.tables().sightingsAreDue());
    }
  }

  /** Whatever happens, each step is answered. */
  private void writeAndAnswer(List<Step<?>> batch) {
    try {
      write(batch);
    } finally {
      answerSoon(batch);
    }
  }

  /** Does all steps in one transaction, or if that fails each in one of its own. */
  private void write(List<Step<?>> batch) {
    boolean alsoSightings = state instanceof State.Open open && open.tables().sightingsAreDue();
    Outcome outcome = attempt(batch, alsoSightings);
    if (outcome instanceof Outcome.Done || displaced) {
      batch.forEach(step -> step.outcome = outcome);
      return;
    }
    // On a full disk, what only reads can still be done.
    for (Step<?> step : batch) {
      step.outcome = attempt(List.of(step), false);
    }
  }

  private Outcome attempt(List<Step<?>> steps, boolean alsoSightings) {
    if (state instanceof State.Down down) {
      state = reopen(down);
    }
    if (state instanceof State.Open open) {
      try {
        requirePlace(open.database());
      } catch (IOException e) {
        return new Outcome.Failed(e);
      }
      return attempt(open, steps, alsoSightings);
    }
    return new Outcome.Failed(((State.Down) state).why());
  }

  private Outcome attempt(State.Open open, List<Step<?>> steps, boolean alsoSightings) {
    try {
      open.database().begin();
      for (Step<?> step : steps) {
        step.on(open.tables());
      }
      if (alsoSightings) {
        open.tables().writeSightings();
      }
      requireDatabase(open.database()); // so that what is refused has not happened either
      open.database().commit();
      confirmPlace(open.database()); // so that what is confirmed can be found again
      sightings.committed();
      census.committed();
      return new Outcome.Done();
    } catch (Throwable e) {
      sightings.rolledBack();
      census.rolledBack();
      failed(open, e);
      return new Outcome.Failed(e);
    }
  }

  /** Nothing more is written to a file that was found displaced, until it is back. */
  private void requirePlace(Database database) throws IOException {
    if (displaced) {
      database.file().requireDatabase();
      displaced = false;
      log.info("The file of the store {} is back", file);
    }
  }

  /**
   * Makes sure that what was committed can be found again.
   *
   * @throws IOException if the database is not in its place
   */
  private void confirmPlace(Database database) throws IOException, SQLException {
    switch (database.file().look()) {
      case IN_PLACE -> {}
      case LOG_LOST -> {
        database.carryOverLog();
        log.error("The log of the store {} was taken away; what was in it is saved", file);
        closeDatabase(); // to be opened again, with a new log
        state =
            reopen(new State.Down(database.file(), new IOException("no log"), longAgo(), false));
      }
      case GONE, REPLACED -> requireDatabase(database);
    }
  }

  private void requireDatabase(Database database) throws IOException {
    try {
      database.file().requireDatabase();
    } catch (IOException e) {
      displaced = true;
      throw e;
    }
  }

  private void failed(State.Open open, Throwable failure) {
    if (displaced) {
      // Kept open: if the file comes back, nothing is lost.
      log.error("The store fails every step until its file is back: {}", failure.getMessage());
      rollBack(open.database());
    } else if (Database.isFatal(failure)) {
      log.error("The store {} failed; it is opened anew", file, failure);
      closeDatabase();
      state = new State.Down(open.database().file(), failure, System.nanoTime(), false);
    } else {
      rollBack(open.database());
    }
  }

  private void rollBack(Database database) {
    try {
      database.rollback();
      state = new State.Open(database, new VersionTables(database, sightings, clock, census));
    } catch (SQLException e) {
      log.warn("The store {} could not undo what failed; it is opened anew", file, e);
      closeDatabase();
      state = new State.Down(database.file(), e, longAgo(), false);
    }
  }

  private static long longAgo() {
    return System.nanoTime() - REOPEN_NANOS;
  }

  /** Opens the same file again, never another one or a new one. */
  private State reopen(State.Down down) {
    if (System.nanoTime() - down.since() < REOPEN_NANOS) {
      return down;
    }
    try {
      down.file().requireDatabase();
      Database database = Database.open(file, limits.maxPages());
      census.take(database);
      State open = new State.Open(database, new VersionTables(database, sightings, clock, census));
      log.info("The store {} is open again", file);
      return open;
    } catch (IOException | SQLException e) {
      if (!down.isReported()) {
        log.error("The store {} cannot be opened again; it is tried every second", file, e);
      }
      return new State.Down(down.file(), e, System.nanoTime(), true);
    }
  }

  private void closeDatabase() {
    if (state instanceof State.Open open) {
      try {
        open.database().close();
      } catch (SQLException e) {
        log.warn("The store {} did not close well; it recovers when it is opened", file, e);
      }
    }
  }

  // The answerer thread

  private void answerSoon(List<Step<?>> batch) {
    try {
      answerer.execute(() -> answer(batch));
    } catch (RuntimeException | Error e) {
      log.error("The answers of the store {} come late: {}", file, e.getClass());
      answer(batch);
    }
  }

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
