package org.simplepush.examples.cli;

import java.io.PrintStream;
import java.util.function.IntSupplier;

/**
 * The last line of a terminal, which each update overwrites. It is cut to the terminal's width,
 * because a longer line would wrap and leave its beginning behind. Thread-safe.
 */
public final class StatusLine {
  private static final String TO_THE_START = "\r";
  private static final String CLEAR_THE_REST = "\033[K";

  private final PrintStream out;
  private final IntSupplier width;
  private boolean isShown; // guarded by out, as the printing of other lines is

  /** Creates a line that is not shown yet. */
  public StatusLine(PrintStream out, IntSupplier width) {
    this.out = out;
    this.width = width;
  }

  /** Shows this text in the place of the last one. */
  public void show(String line) {
    int columns = width.getAsInt() - 1; // in the last one, some terminals wrap already
    synchronized (out) {
      out.print(
          TO_THE_START + line.substring(0, Math.min(line.length(), columns)) + CLEAR_THE_REST);
      out.flush();
      isShown = true;
    }
  }

  /** Removes the line, so that another can be printed in its place. */
  public void clear() {
    synchronized (out) {
      if (isShown) {
        out.print(TO_THE_START + CLEAR_THE_REST);
        out.flush();
        isShown = false;
      }
    }
  }
}
