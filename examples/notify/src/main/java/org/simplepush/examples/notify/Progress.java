package org.simplepush.examples.notify;

import java.io.Console;
import java.io.PrintWriter;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** A line on a terminal that says how far it is. One thread at a time. */
final class Progress {
  private static final int WIDTH = 30;
  private static final long INTERVAL = TimeUnit.MILLISECONDS.toNanos(100);

  private static final String CLEAR_LINE = "\r\u001b[K";

  private final @Nullable PrintWriter terminal;
  private final long total;
  private final LongSupplier nanoTime;
  private long lastShown;
  private boolean shown;

  /**
   * Creates a line that is not yet shown.
   *
   * @param terminal null: show nothing
   * @param total how many there will be, or -1 if nobody knows
   */
  Progress(@Nullable PrintWriter terminal, long total, LongSupplier nanoTime) {
    this.terminal = terminal;
    this.total = total;
    this.nanoTime = nanoTime;
  }

  /** Whether somebody is there to watch. */
  @SuppressWarnings("SystemConsoleNull") // what newer versions do is looked at below
  static boolean hasTerminal() {
    Console console = System.console();
    if (console == null) {
      return false;
    }
    try {
      // Java 22 and later have a console also where there is no terminal, and this method.
      return (Boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (NoSuchMethodException e) {
      return true;
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("Console.isTerminal() cannot be called", e);
    }
  }

  /** Shows the state, ten times a second at most. */
  void update(long done, long notAccepted) {
    long now = nanoTime.getAsLong();
    if (terminal == null || (shown && now - lastShown < INTERVAL)) {
      return;
    }
    shown = true;
    lastShown = now;
    terminal.print(CLEAR_LINE + text(done, notAccepted));
    terminal.flush();
  }

  private String text(long done, long notAccepted) {
    StringBuilder text = new StringBuilder();
    if (total > 0) {
      long share = Math.min(done, total);
      int filled = (int) (share * WIDTH / total);
      text.append('[').append("#".repeat(filled)).append("-".repeat(WIDTH - filled)).append("] ");
      text.append("%3d%%  %d of %d".formatted(share * 100 / total, done, total));
    } else {
      text.append(done).append(" done");
    }
    if (notAccepted > 0) {
      text.append(", ").append(notAccepted).append(" not accepted");
    }
    return text.toString();
  }

  /** Takes the line away. */
  void end() {
    if (terminal != null && shown) {
      terminal.print(CLEAR_LINE);
      terminal.flush();
    }
  }
}
