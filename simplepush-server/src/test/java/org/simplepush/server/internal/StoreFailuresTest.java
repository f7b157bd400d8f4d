package org.simplepush.server.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class StoreFailuresTest {
  private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5); // nanoTime may overflow
  private final StoreFailures failures = new StoreFailures(now::get);

  @Test
  void everyFailureIsCountedButOneASecondIsTold() {
    assertThat(failures.report("ack", null)).isTrue();
    assertThat(failures.report("ack", null)).isFalse();
    now.addAndGet(Duration.ofMillis(999).toNanos());
    assertThat(failures.report("hello", null)).isFalse();
    now.addAndGet(Duration.ofMillis(1).toNanos());
    assertThat(failures.report("hello", null)).isTrue();
    assertThat(failures.sum()).isEqualTo(4);
  }
}
