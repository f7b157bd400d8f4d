package org.simplepush.appserver.internal;

import java.util.concurrent.Executor;

/**
 * Runs what may call code of the user, and knows which threads are doing so: such a thread must not
 * wait for the end of all callbacks, because it would wait for itself. Thread-safe.
 */
public final class CallbackExecutor implements Executor {
  private final Executor executor;
  private final ThreadLocal<Boolean> calling = new ThreadLocal<>();

  /** Creates one that runs tasks on {@code executor}. */
  public CallbackExecutor(Executor executor) {
    this.executor = executor;
  }

  @Override
  public void execute(Runnable task) {
    executor.execute(() -> runInline(task));
  }

  /** Runs a task on this thread. */
  public void runInline(Runnable task) {
    if (isCurrent()) {
      task.run();
      return;
    }
    try {
      calling.set(true);
    } finally { // the task runs, though there may be no memory for the mark
      try {
        task.run();
      } finally {
        calling.remove();
      }
    }
  }

  /** Whether this thread runs a task of this executor. */
  public boolean isCurrent() {
    return calling.get() != null;
  }
}
