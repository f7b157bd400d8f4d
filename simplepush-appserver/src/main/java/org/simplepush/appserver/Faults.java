package org.simplepush.appserver;

import org.slf4j.Logger;

/**
 * Keeps what one element throws from the others. Of a sweep, a fan-out, a timer or a callback, one
 * element may fail with any Throwable, out of memory included, and the rest goes on.
 */
final class Faults {
  private Faults() {}

  /** Runs {@code task}, and reports what it throws. */
  static void contain(Logger log, String what, Runnable task) {
    try {
      task.run();
    } catch (RuntimeException | Error e) {
      report(log, what, e);
    }
  }

  /** Says in the log that something of ours failed, if there is memory for that. */
  static void report(Logger log, String what, Throwable fault) {
    try {
      log.error(what, fault);
    } catch (RuntimeException | Error e) {
      noLine(fault, e);
    }
  }

  /** Says in the log that something of the user's failed, if there is memory for that. */
  static void warn(Logger log, String what, Throwable fault) {
    try {
      log.warn(what, fault);
    } catch (RuntimeException | Error e) {
      noLine(fault, e);
    }
  }

  /** All that is left to do is to go on. */
  private static void noLine(Throwable fault, Throwable e) {
    if (e != fault) { // the JVM throws one OutOfMemoryError again and again
      fault.addSuppressed(e);
    }
  }
}
