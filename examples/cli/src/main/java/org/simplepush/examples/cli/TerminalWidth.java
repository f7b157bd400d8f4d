package org.simplepush.examples.cli;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How many columns the terminal has: the value of {@code COLUMNS}, or else what {@code stty}
 * reports, which runs again every 5 seconds because windows change their size.
 */
public final class TerminalWidth implements IntSupplier {
  private static final int DEFAULT = 80;
  private static final long ASK_AGAIN_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final @Nullable String columns;
  private int width;
  private long askedAt;

  /**
   * Creates one.
   *
   * @param columns the value of {@code COLUMNS}, or null
   */
  public TerminalWidth(@Nullable String columns) {
    this.columns = columns;
  }

  @Override
  public synchronized int getAsInt() {
    int given = parse(columns);
    if (given > 0) {
      return given;
    }
    if (width == 0 || System.nanoTime() - askedAt > ASK_AGAIN_NANOS) {
      askedAt = System.nanoTime();
      int asked = parse(lastWord(stty()));
      width = asked > 0 ? asked : DEFAULT;
    }
    return width;
  }

  /** Returns "rows columns", or nothing where there is no terminal or no such command. */
  private static String stty() {
    try {
      Process stty =
          new ProcessBuilder("stty", "size")
              .redirectInput(new File("/dev/tty"))
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      return new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    } catch (IOException e) {
      return "";
    }
  }

  private static String lastWord(String line) {
    String words = line.strip();
    return words.substring(words.lastIndexOf(' ') + 1);
  }

  private static int parse(@Nullable String number) {
    return number != null && number.matches("\\d{1,5}") ? Integer.parseInt(number) : 0;
  }
}
