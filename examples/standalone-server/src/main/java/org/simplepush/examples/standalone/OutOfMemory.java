package org.simplepush.examples.standalone;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Ends the process when memory has run out, with a line and without needing any: a server that has
 * lost some of its threads or tasks must not go on half alive. What it confirmed is in its store,
 * and a service manager starts the process again.
 *
 * <p>The JVM's own {@code -XX:+ExitOnOutOfMemoryError} does the same even sooner, but cannot be set
 * from inside a jar.
 */
final class OutOfMemory {
  /** The JVM's own, with that option. */
  static final int EXIT_CODE = 3;

  private static final byte[] LINE =
      "The server is out of memory and ends; give it a larger heap (-Xmx), or less of it to strangers (--max-memory)\n"
          .getBytes(StandardCharsets.US_ASCII);

  private static final FileOutputStream STDERR = new FileOutputStream(FileDescriptor.err);

  private static final String NATIVE_THREAD = "native thread";

  /** For what the JVM itself needs to run what it never ran before. */
  @SuppressWarnings("unused")
  private static volatile byte @Nullable [] reserve;

  private static final long INTERVAL_MILLIS = 500;

  private static final int RESERVE = 512 * 1024;

  /** If not even this can be had, after all that the collector does before it gives up. */
  private static final int LITTLE = 64 * 1024;

  /** Keeps the compiler from leaving the allocation out. */
  @SuppressWarnings("unused")
  private static volatile byte @Nullable [] probe;

  private OutOfMemory() {}

  /** From now on the process ends if a thread dies of it, or if memory stays used up. */
  static void endsTheProcess() {
    reserve = new byte[RESERVE];
    say(new byte[0]); // and the JVM has what that takes
    met(new OutOfMemoryError(NATIVE_THREAD));
    Thread.UncaughtExceptionHandler others =
        (thread, failure) -> {
          System.err.print("Exception in thread \"" + thread.getName() + "\" ");
          failure.printStackTrace();
        };
    Thread.setDefaultUncaughtExceptionHandler(
        (thread, failure) -> {
          if (failure instanceof OutOfMemoryError memory) {
            met(memory);
          }
          others.uncaughtException(thread, failure);
        });
    // Libraries catch the error in threads of their own, and go on without what they were doing.
    Thread watch = new Thread(OutOfMemory::watch, "simplepush-memory");
    watch.setDaemon(true);
    watch.start();
  }

  @SuppressWarnings("BusyWait") // it is not waited for: memory is to be looked at again and again
  private static void watch() {
    try {
      while (true) {
        Thread.sleep(INTERVAL_MILLIS);
        probe = new byte[LITTLE];
        probe = null;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // this thread is never interrupted
    }
  }

  /** Ends the process, because a thread has met the error; not if the error refused a thread. */
  static void met(OutOfMemoryError error) {
    if (!isOfAThread(error)) {
      reserve = null;
      while (true) {
        try {
          end();
        } catch (OutOfMemoryError again) {
          Thread.onSpinWait(); // others took the reserve; they end with us
        }
      }
    }
  }

  /** Then the heap is well, and so is the thread that asked. */
  private static boolean isOfAThread(OutOfMemoryError error) {
    String message = error.getMessage();
    return message != null && message.contains(NATIVE_THREAD);
  }

  private static void end() {
    say(LINE);
    Runtime.getRuntime().halt(EXIT_CODE);
  }

  private static void say(byte[] line) {
    try {
      STDERR.write(line);
    } catch (IOException e) {
      // The standard error is closed; the process ends all the same.
    }
  }
}
