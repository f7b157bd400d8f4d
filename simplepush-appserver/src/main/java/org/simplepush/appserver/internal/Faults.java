package org.simplepush.appserver.internal;

import org.slf4j.Logger;

/**
 * Keeps what one element throws from the others. Of a sweep, a fan-out, a timer or a callback, one
 * element may fail with any Throwable, out of memory included, and the rest goes on.
 */
public final class Faults {
  private Faults() {}

  /** Runs {@code task}, and logs what it throws as an error. */
  public static void contain(Logger log, String what, Runnable task) {
    try {
      task.run();
    } catch (RuntimeException | Error e) {
      report(log, what, e);
    }
  }

  /** Logs that something of ours failed, if there is memory for that. */
  public static void report(Logger log, String what, Throwable fault) {
    try {
      log.error(what, fault);
    } catch (RuntimeException | Error e) {
      attach(fault, e);
    }
  }

  /** Logs that something of the user's failed, if there is memory for that. */
  public static void warn(Logger log, String what, Throwable fault) {
    try {
      log.warn(what, fault);
    } catch (RuntimeException | Error e) {
      attach(fault, e);
    }
  }

  /** Keeps why there is no log line, for a debugger. */
  private static void attach(Throwable fault, Throwable e) {
    if (e != fault) { // the JVM throws one OutOfMemoryError again and again
      fault.addSuppressed(e);
    }
  }
}
