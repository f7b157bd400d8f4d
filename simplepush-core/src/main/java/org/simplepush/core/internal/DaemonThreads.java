package org.simplepush.core.internal;

import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Makes daemon threads, which do not keep a JVM alive, with names that say what they are for. The
 * caller starts them.
 */
public final class DaemonThreads {
  private DaemonThreads() {}

  /** Makes a thread. */
  public static Thread make(String name, Runnable task) {
    Thread thread = new Thread(task, name);
    thread.setDaemon(true);
    return thread;
  }

  /** For an executor of one thread: a thread that takes the place of one that died has its name. */
  public static ThreadFactory named(String name) {
    return task -> make(name, task);
  }

  /** For an executor of several threads: {@code prefix} is followed by 1, 2 and so on. */
  public static ThreadFactory numbered(String prefix) {
    AtomicInteger last = new AtomicInteger();
    return task -> make(prefix + last.incrementAndGet(), task);
  }
}
