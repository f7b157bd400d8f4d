package org.simplepush.server.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.simplepush.server.fixtures.LoggedMessages;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

class FailureLogTest {
  private static final Logger log = LoggerFactory.getLogger(FailureLogTest.class);

  private final List<OutOfMemoryError> told = new ArrayList<>();
  private long now;
  private final FailureLog failures = new FailureLog(told::add, () -> now);

  @Test
  void sameTroubleIsLoggedOnceAMinute() {
    try (LoggedMessages logged = LoggedMessages.of(FailureLogTest.class)) {
      failures.report(log, "one", new IllegalStateException());
      failures.report(log, "one", new IllegalStateException());
      failures.report(log, "one", new LinkageError());
      failures.report(log, "other", new IllegalStateException());
      assertThat(logged.errors()).containsExactly("one", "one", "other");
      now += TimeUnit.MINUTES.toNanos(1);
      failures.report(log, "one", new IllegalStateException());
      assertThat(logged.errors()).hasSize(4);
    }
  }

  @Test
  void neverThrowsAndRemembersThatMemoryRanOut() {
    FailureLog without =
        new FailureLog(
            error -> {
              throw error;
            },
            () -> now);
    assertThat(without.ranOutOfMemory()).isFalse();
    OutOfMemoryError error = new OutOfMemoryError("as if");
    without.report(log, "one", error);
    assertThat(without.ranOutOfMemory()).isTrue();

    failures.report(log, "one", new LinkageError());
    assertThat(failures.ranOutOfMemory()).isFalse();
    failures.report(log, "one", error);
    assertThat(failures.ranOutOfMemory()).isTrue();
    assertThat(told).containsExactly(error);
  }
}
