package org.simplepush.examples.emulator;

import java.io.PrintStream;
import java.util.function.IntSupplier;

/**
 * The last line of a terminal, which is kept up to date. It is cut to the terminal's width: a
 * longer one would leave its beginning behind at each update. Thread-safe.
 */
final class Progress {
  private static final String TO_THE_START = "\r";
  private static final String CLEAR_THE_REST = "\033[K";

  private final PrintStream out;
  private final IntSupplier width;
  private boolean isShown; // guarded by out, as other lines are

  Progress(PrintStream out, IntSupplier width) {
    this.out = out;
    this.width = width;
  }

  void show(String line) {
    int columns = width.getAsInt() - 1; // in the last one, some terminals wrap already
    synchronized (out) {
      out.print(
          TO_THE_START + line.substring(0, Math.min(line.length(), columns)) + CLEAR_THE_REST);
      out.flush();
      isShown = true;
    }
  }

  /** Makes place for another line. */
  void clear() {
    synchronized (out) {
      if (isShown) {
        out.print(TO_THE_START + CLEAR_THE_REST);
        out.flush();
        isShown = false;
      }
    }
  }
}
