package org.simplepush.server.internal.http;

import java.io.InterruptedIOException;
import java.util.Comparator;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedTransferQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads for the HTTP server of the JDK, which reads and writes with blocking calls: clients that
 * send or read slowly cannot keep the others waiting. While a task waits and no thread is free, the
 * thread that has waited for its client for the longest is interrupted, if it has for half a
 * second; for less, down to 50 ms, if more tasks wait than there are threads. That closes the
 * client's connection, because a {@link java.nio.channels.SocketChannel} cannot be read or written
 * by an interrupted thread. Honest requests arrive in milliseconds.
 *
 * <p>A task begins with waiting for its client. It says when it does not ({@link #works}), and is
 * not interrupted then, and when it does again ({@link #waits}).
 *
 * <p>{@link #execute} never blocks. Safe for use by many threads.
 */
public final class RequestThreads implements Executor, AutoCloseable {
  private static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long LEAST_PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final long CHECK_MILLIS = 50;
  private static final int IDLE_SECONDS = 30;

  /** Gives a task to an idle thread or, if there is none, lets the pool make another thread. */
  private static final class HandOver extends LinkedTransferQueue<Runnable> {
    private static final long serialVersionUID = 1;

    @Override
    public boolean offer(Runnable task) {
      return tryTransfer(task);
    }
  }

  private final HandOver waitingTasks = new HandOver();
  private final Set<RequestThread> alive = ConcurrentHashMap.newKeySet();
  private final ThreadPoolExecutor pool;
  private final AtomicBoolean checking = new AtomicBoolean();

  /**
   * Makes at most so many threads, when they are needed.
   *
   * @param prefix what their names begin with; a number follows
   */
  public RequestThreads(String prefix, int maxThreads) {
    AtomicInteger number = new AtomicInteger();
    this.pool =
        new ThreadPoolExecutor(
            0,
            maxThreads,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            waitingTasks,
            worker -> new RequestThread(worker, prefix + number.getAndIncrement()),
            (task, full) -> {
              if (!full.isShutdown()) { // else the server stops and has closed the connection
                waitingTasks.put(task);
                checkSoon();
              }
            });
  }

  @Override
  public void execute(Runnable task) {
    pool.execute(() -> run(task));
  }

  private static void run(Runnable task) {
    RequestThread thread = (RequestThread) Thread.currentThread();
    thread.waits();
    try {
      task.run();
    } finally {
      thread.ends();
    }
  }

  /**
   * From now on the calling thread does not wait for its client, and is not interrupted. Does
   * nothing on a thread of another pool.
   *
   * @throws InterruptedIOException if it has just been interrupted: the connection is closed
   */
  public static void works() throws InterruptedIOException {
    if (Thread.currentThread() instanceof RequestThread thread) {
      thread.works();
    }
  }

  /** From now on the calling thread waits for its client again. */
  public static void waits() {
    if (Thread.currentThread() instanceof RequestThread thread) {
      thread.waits();
    }
  }

  private void checkSoon() {
    if (checking.compareAndSet(false, true)) {
      CompletableFuture.delayedExecutor(CHECK_MILLIS, TimeUnit.MILLISECONDS, Runnable::run)
          .execute(this::check);
    }
  }

  private void check() {
    checking.set(false);
    int tasks = waitingTasks.size();
    if (tasks == 0 || pool.isShutdown()) {
      return;
    }
    long now = System.nanoTime();
    // Else a crowd that waits in front of an honest request would be served no faster than a few.
    long patience =
        Math.max(LEAST_PATIENCE_NANOS, PATIENCE_NANOS / (1 + tasks / pool.getMaximumPoolSize()));
    alive.stream()
        .map(thread -> new Wait(thread, thread.waitedFor(now)))
        .filter(wait -> wait.nanos() >= patience)
        .sorted(Comparator.comparingLong(Wait::nanos).reversed())
        .limit(tasks)
        .forEach(wait -> wait.thread().interruptIfWaiting(now, patience));
    checkSoon();
  }

  /** How long a thread has waited for its client. */
  private record Wait(RequestThread thread, long nanos) {}

  /** Interrupts all threads and drops the tasks that wait. */
  @Override
  public void close() {
    pool.shutdownNow();
  }

  private final class RequestThread extends Thread {
    /** Guards what is below, so that only a thread that waits is interrupted. */
    private final Object lock = new Object();

    private boolean waiting;
    private boolean interrupted;
    private long since;

    RequestThread(Runnable worker, String name) {
      super(worker, name);
    }

    @Override
    public void run() {
      alive.add(this);
      try {
        super.run();
      } finally {
        alive.remove(this);
      }
    }

    private void waits() {
      synchronized (lock) {
        waiting = true;
        since = System.nanoTime();
      }
    }

    private void works() throws InterruptedIOException {
      synchronized (lock) {
        waiting = false;
        if (interrupted) {
          throw new InterruptedIOException("The client was too slow while others waited");
        }
      }
    }

    private void ends() {
      synchronized (lock) {
        waiting = false;
        if (interrupted) {
          interrupted = false;
          Thread.interrupted(); // the next client is another
        }
      }
    }

    private long waitedFor(long now) {
      synchronized (lock) {
        return waiting && !interrupted ? now - since : 0;
      }
    }

    private void interruptIfWaiting(long now, long patience) {
      synchronized (lock) {
        if (waiting && !interrupted && now - since >= patience) {
          interrupted = true;
          interrupt();
        }
      }
    }
  }
}
