package org.simplepush.server.internal.net;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedSelectorException;
import java.nio.channels.SelectableChannel;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.NavigableSet;
import java.util.Queue;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.simplepush.server.internal.FailureLog;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One thread that serves many connections: waits for sockets, tasks of other threads and timers,
 * and runs them one at a time. Nothing it does costs more because more connections are idle.
 *
 * <p>What runs has the loop's <em>turn</em>, a lock. The thread has it whenever it does not wait
 * for sockets; while it does, another may take it, for a task of its own ({@link #executeInline}).
 * All that a loop serves is only touched by who has the turn.
 */
public final class EventLoop implements Executor, Runnable {
  /** What is registered with the loop's selector. */
  public interface Handler {
    /** The channel is ready for something the key is interested in. */
    void onReady(SelectionKey key) throws IOException;

    /** {@link #onReady} failed; the loop goes on without this channel. */
    void onFailure(Throwable failure);
  }

  /** Bytes read from one connection before the next has its turn. */
  public static final int READ_BUFFER = 64 * 1024;

  /** So that tasks which keep coming do not keep sockets waiting. */
  private static final int TASKS_PER_TURN = 4096;

  /** So that who has one to run does not run those of many others first. */
  private static final int TASKS_OF_A_CALLER = 64;

  /** For so long callers may go before the thread; then sockets and timers are due. */
  static final long PATIENCE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

  /** For about 10 µs the thread tries again for its turn before it is put to sleep. */
  private static final int TRIES = 200;

  private static final Logger log = LoggerFactory.getLogger(EventLoop.class);

  private final Selector selector;
  private final Thread thread;
  private final Consumer<Throwable> onDeath;
  private final FailureLog failures;
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();

  /** Whether the loop looks at its tasks before it waits again, so that nobody must wake it. */
  private final AtomicBoolean awake = new AtomicBoolean(true);

  private volatile boolean stopping;

  /** Whether nothing is run any more, because the loop was stopped or has failed. */
  private volatile boolean ended;

  private final ReentrantLock turn = new ReentrantLock();

  /** Since when the thread waits for its turn, 0 if it does not. */
  private volatile long waitingSince;

  // Below: only accessed by who has the turn.

  /** Whether the selector would wait for too little, or for too long. */
  private boolean selectAnew;

  private final NavigableSet<Timer> timers = new TreeSet<>(EventLoop::earlierFirst);
  private final Deque<Runnable> endOfTurn = new ArrayDeque<>();
  private final List<SelectionKey> ready = new ArrayList<>();
  private final ByteBuffer readBuffer = ByteBuffer.allocate(READ_BUFFER);
  private final TextFrame textFrame = new TextFrame();
  private final TlsTransport.Buffers tlsBuffers = new TlsTransport.Buffers();
  private long timersStarted;
  private long now = System.nanoTime();

  /** An action to come; {@code sequence} tells apart those due at the same time. */
  public record Timer(long dueAt, long sequence, Runnable action) {}

  /**
   * Makes a loop, to be started.
   *
   * @param onDeath called in its last turn if the loop cannot go on, for those it has served
   */
  public EventLoop(String name, Consumer<Throwable> onDeath, FailureLog failures)
      throws IOException {
    this.selector = Selector.open();
    this.onDeath = onDeath;
    this.failures = failures;
    this.thread = new Thread(this, name);
  }

  public void start() {
    thread.start();
  }

  /** Whether the calling thread has this loop's turn. */
  boolean isCurrent() {
    return turn.isHeldByCurrentThread();
  }

  /** Runs a task in this loop's turn, soon. Tasks of one thread run in their order. */
  @Override
  public void execute(Runnable task) {
    tasks.add(task);
    wakeUp();
  }

  /** Like {@link #execute}, but false if the loop has ended and the task is never run. */
  public boolean submit(Runnable task) {
    execute(task);
    return !(ended && tasks.remove(task));
  }

  /** Whether the loop has ended: it was stopped, or could not go on. */
  public boolean hasEnded() {
    return ended;
  }

  /**
   * Like {@link #execute}, but if the loop just waits for sockets, runs the task at once on the
   * calling thread, and some that were there before it: waking another one costs more than most
   * tasks. The caller must hold no lock that a task may want.
   */
  void executeInline(Runnable task) {
    tasks.add(task);
    if (stopping || isOutrun() || isCurrent() || !turn.tryLock()) {
      wakeUp();
      return;
    }
    boolean again = true; // whatever fails
    try {
      now = System.nanoTime();
      runTasks(TASKS_OF_A_CALLER);
      runEndOfTurn();
      again = selectAnew;
      selectAnew = false;
    } finally {
      turn.unlock();
      if (again || !tasks.isEmpty()) {
        wakeUp();
      }
    }
  }

  private void wakeUp() {
    if (awake.compareAndSet(false, true)) {
      selector.wakeup();
    }
  }

  /** Makes the loop end after the tasks it already has; releases one that was never started. */
  public void stop() {
    stopping = true;
    selector.wakeup();
    if (thread.getState() == Thread.State.NEW) {
      close();
    }
  }

  /** Waits for the loop to end. */
  public boolean join(long millis) throws InterruptedException {
    thread.join(Math.max(1, millis));
    return !thread.isAlive();
  }

  // Only called by who has the turn:

  public SelectionKey register(SelectableChannel channel, int interest, Handler handler)
      throws IOException {
    assert isCurrent();
    selectAnew = true;
    return channel.register(selector, interest, handler);
  }

  /** Waits for this from now on. */
  public void setInterest(SelectionKey key, int interest) {
    assert isCurrent();
    if (key.interestOps() != interest) {
      selectAnew = true;
      key.interestOps(interest);
    }
  }

  /** Closes a channel, whose key is invalid from now on. */
  public void close(SelectionKey key) throws IOException {
    assert isCurrent();
    selectAnew = true; // the selector keeps a closed socket until it looks
    key.channel().close();
  }

  /** Runs an action on this loop, not before the delay has passed. */
  public Timer schedule(long delayNanos, Runnable action) {
    assert isCurrent();
    Timer timer = new Timer(System.nanoTime() + delayNanos, timersStarted++, action);
    timers.add(timer);
    selectAnew |= timers.lower(timer) == null;
    return timer;
  }

  /** Forgets a timer, so that it keeps nothing alive; harmless if it has run. */
  public void cancel(Timer timer) {
    assert isCurrent();
    timers.remove(timer);
  }

  private static int earlierFirst(Timer a, Timer b) {
    long difference = a.dueAt() - b.dueAt(); // not compared directly: nanoTime may overflow
    return Long.signum(difference != 0 ? difference : a.sequence() - b.sequence());
  }

  /** Runs an action when everything that is ready now has been handled. */
  void atEndOfTurn(Runnable action) {
    assert isCurrent();
    endOfTurn.add(action);
  }

  /** Returns an empty buffer, the caller's until it returns. */
  public ByteBuffer readBuffer() {
    assert isCurrent();
    return readBuffer.clear();
  }

  /** Returns a frame to write a message into, the caller's until it returns. */
  TextFrame textFrame() {
    assert isCurrent();
    return textFrame;
  }

  public TlsTransport.Buffers tlsBuffers() {
    return tlsBuffers;
  }

  /** Returns when this turn of the loop began. */
  long now() {
    assert isCurrent();
    return now;
  }

  @Override
  public void run() {
    turn.lock();
    try {
      while (!stopping) {
        try {
          turnOrReport();
        } catch (OutOfMemoryError e) {
          Thread.onSpinWait(); // even to name the trouble takes memory, the first time
        }
      }
    } catch (Throwable e) {
      died(e);
    } finally {
      try {
        end();
      } finally {
        turn.unlock();
      }
    }
  }

  private void died(Throwable failure) {
    ended = true; // first: nobody new is to come
    try {
      onDeath.accept(failure);
    } finally {
      failures.report(log, "An event loop cannot go on; restart the server", failure);
    }
  }

  private void end() {
    ended = true;
    while (!tasks.isEmpty()) {
      runTasks(TASKS_PER_TURN);
    }
    runEndOfTurn();
    close();
  }

  /** What no action is to blame for, such as too little memory to select. */
  private void turnOrReport() throws IOException {
    try {
      turn();
    } catch (ClosedSelectorException e) {
      throw e;
    } catch (RuntimeException | Error e) {
      failures.report(log, "A turn of an event loop failed", e);
    }
  }

  private void turn() throws IOException {
    select();
    now = System.nanoTime();
    // Before the sockets: what a device asks is answered after what was published before it asked.
    runTasks(TASKS_PER_TURN);
    runEndOfTurn();
    try {
      for (int i = 0; i < ready.size(); i++) {
        handle(ready.get(i));
      }
    } finally {
      ready.clear();
    }
    runTimers();
    runEndOfTurn();
  }

  /**
   * Gathers what is ready, which is all that the loop looks at; waits for it if it may, and gives
   * the turn to others meanwhile.
   */
  private void select() throws IOException {
    long nanos = timers.isEmpty() ? Long.MAX_VALUE : timers.first().dueAt() - System.nanoTime();
    selectAnew = false;
    awake.set(false);
    turn.unlock();
    try {
      // Asked after that: who adds a task from now on sees that the loop is to be woken.
      if (!tasks.isEmpty() || stopping || nanos <= 0) {
        selector.selectNow(ready::add);
      } else if (nanos == Long.MAX_VALUE) {
        selector.select(ready::add);
      } else {
        selector.select(ready::add, TimeUnit.NANOSECONDS.toMillis(nanos) + 1);
      }
    } finally {
      awake.set(true);
      takeTurn();
    }
  }

  private void takeTurn() {
    for (int i = 0; i < TRIES; i++) {
      if (turn.tryLock()) {
        return;
      }
      Thread.onSpinWait();
    }
    waitingSince = System.nanoTime() | 1;
    while (!isCurrent()) {
      try {
        turn.lock();
      } catch (OutOfMemoryError e) {
        Thread.onSpinWait(); // Java 17 needs memory to wait; without the turn all would be over
      }
    }
    waitingSince = 0;
  }

  /** Callers never wait, so that they would always be there before a thread that was asleep. */
  private boolean isOutrun() {
    long since = waitingSince;
    return since != 0 && System.nanoTime() - since > PATIENCE_NANOS;
  }

  /** One connection's trouble, whatever it is, must not end the others. */
  private void handle(SelectionKey key) {
    Handler handler = (Handler) key.attachment();
    try {
      if (key.isValid()) {
        handler.onReady(key);
      }
    } catch (Throwable e) {
      fail(handler, e);
    }
  }

  private void fail(Handler handler, Throwable failure) {
    try {
      handler.onFailure(failure);
    } catch (Throwable e) {
      failures.report(log, "A channel of an event loop failed, and so did its end", e);
    }
  }

  /** Errors, too: a class that could not be loaded once must not cost all connections. */
  private void guard(Runnable action) {
    try {
      action.run();
    } catch (Throwable e) {
      failures.report(log, "An action of an event loop failed", e);
    }
  }

  private void runTasks(int limit) {
    for (int i = 0; i < limit; i++) {
      Runnable task = tasks.poll();
      if (task == null) {
        return;
      }
      guard(task);
    }
  }

  private void runTimers() {
    while (!timers.isEmpty() && timers.first().dueAt() - now <= 0) {
      Timer due = timers.first();
      timers.remove(due);
      guard(due.action());
    }
  }

  private void runEndOfTurn() {
    for (Runnable action = endOfTurn.poll(); action != null; action = endOfTurn.poll()) {
      guard(action);
    }
  }

  private void close() {
    if (!selector.isOpen()) {
      return;
    }
    for (SelectionKey key : selector.keys()) {
      try {
        key.channel().close();
      } catch (IOException e) {
        log.debug("A channel did not close", e);
      }
    }
    try {
      selector.close();
    } catch (IOException e) {
      throw new UncheckedIOException("The selector did not close", e);
    }
  }
}
