package org.simplepush.examples.notify;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.simplepush.examples.cli.StatusLine;

/** A line on a terminal that says how far it is. One thread at a time. */
final class Progress {
  private static final int WIDTH = 30;
  private static final long INTERVAL = TimeUnit.MILLISECONDS.toNanos(100);

  private final @Nullable StatusLine terminal;
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
  Progress(@Nullable StatusLine terminal, long total, LongSupplier nanoTime) {
    this.terminal = terminal;
    this.total = total;
    this.nanoTime = nanoTime;
  }

  /** Shows the state, ten times a second at most. */
  void update(long done, long notAccepted) {
    long now = nanoTime.getAsLong();
    if (terminal == null || (shown && now - lastShown < INTERVAL)) {
      return;
    }
    shown = true;
    lastShown = now;
    terminal.show(text(done, notAccepted));
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
      terminal.clear();
    }
  }
}
