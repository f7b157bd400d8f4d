package org.simplepush.appserver.internal;

import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/** Makes daemon threads, named after what they are for. */
public final class Threads implements ThreadFactory {
  private static final AtomicInteger factories = new AtomicInteger();
  private final String prefix;
  private final AtomicInteger threads = new AtomicInteger();

  private Threads(String prefix) {
    this.prefix = prefix;
  }

  /** Names threads {@code prefix}, the number of this factory, and their number in it. */
  public static ThreadFactory numbered(String prefix) {
    return new Threads(prefix + factories.incrementAndGet() + "-");
  }

  @Override
  public Thread newThread(Runnable task) {
    Thread thread = new Thread(task, prefix + threads.incrementAndGet());
    thread.setDaemon(true);
    return thread;
  }
}
