package org.simplepush.client.internal.net;

import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.Failures;

/**
 * The threads that wait for sockets, each for as long as its task runs. However a task ends, whom
 * it concerns hears of it: OkHttp reports exceptions, but not an error such as a lack of memory.
 */
public final class ReaderThreads extends ThreadPoolExecutor {
  private static final ThreadLocal<Consumer<@Nullable Throwable>> atEnd = new ThreadLocal<>();

  public ReaderThreads(ThreadFactory threads) {
    super(0, Integer.MAX_VALUE, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), threads);
  }

  /**
   * Called by a task of such threads, this makes sure that {@code consumer} is called after it has
   * ended, with what the task threw or null.
   */
  static void atEnd(Consumer<@Nullable Throwable> consumer) {
    atEnd.set(consumer);
  }

  @Override
  public void execute(Runnable task) {
    super.execute(() -> run(task));
  }

  private static void run(Runnable task) {
    Throwable failure = null;
    try {
      task.run();
    } catch (Throwable e) { // whatever it was, and the thread goes on
      failure = e;
    }
    Consumer<@Nullable Throwable> consumer = atEnd.get();
    atEnd.remove();
    if (consumer != null) {
      consumer.accept(failure);
    } else if (failure != null) {
      Failures.log("A reader failed", failure);
    }
  }
}
