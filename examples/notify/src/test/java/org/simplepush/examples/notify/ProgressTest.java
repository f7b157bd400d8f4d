package org.simplepush.examples.notify;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.simplepush.examples.cli.StatusLine;

class ProgressTest {
  private static final String CLEAR = "\u001b[K";

  private final ByteArrayOutputStream terminal = new ByteArrayOutputStream();
  private final StatusLine line =
      new StatusLine(new PrintStream(terminal, true, StandardCharsets.US_ASCII), () -> 80);
  private long now;

  private Progress progress(long total) {
    return new Progress(line, total, () -> now);
  }

  @Test
  void barGrowsTenTimesASecondAtMost() {
    Progress progress = progress(200);
    progress.update(100, 0);
    progress.update(150, 0);
    now += TimeUnit.MILLISECONDS.toNanos(100);
    progress.update(200, 3);
    progress.end();
    String half = "[" + "#".repeat(15) + "-".repeat(15) + "]  50%  100 of 200";
    String whole = "[" + "#".repeat(30) + "] 100%  200 of 200, 3 not accepted";
    assertThat(terminal).hasToString("\r" + half + CLEAR + "\r" + whole + CLEAR + "\r" + CLEAR);
  }

  @Test
  void withoutATotalThereIsNoBar() {
    progress(-1).update(7, 0);
    assertThat(terminal).hasToString("\r7 done" + CLEAR);
  }

  @Test
  void nobodyWatchesAndNothingIsShown() {
    Progress progress = new Progress(null, 10, () -> now);
    progress.update(5, 0);
    progress.end();
    progress(10).end();
    assertThat(terminal.toString()).isEmpty();
  }

  @Test
  void moreThanThereShouldBeIsNoMoreThanAll() {
    progress(2).update(3, 0);
    assertThat(terminal.toString()).contains("100%  3 of 2");
  }
}
