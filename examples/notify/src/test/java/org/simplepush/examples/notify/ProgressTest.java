package org.simplepush.examples.notify;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private static final String CLEAR = "\r\u001b[K";

  private final StringWriter terminal = new StringWriter();
  private long now;

  private Progress progress(long total) {
    return new Progress(new PrintWriter(terminal), total, () -> now);
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
    assertThat(terminal).hasToString(CLEAR + half + CLEAR + whole + CLEAR);
  }

  @Test
  void withoutATotalThereIsNoBar() {
    progress(-1).update(7, 0);
    assertThat(terminal).hasToString(CLEAR + "7 done");
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
