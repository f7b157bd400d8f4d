package org.simplepush.server.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class ConsumedBodiesTest {
  private final AtomicLong now = new AtomicLong();
  private final ConsumedBodies bodies = new ConsumedBodies(now::get);

  @Test
  void oneAMinuteIsLogged() {
    assertThat(bodies.report()).isTrue();
    assertThat(bodies.report()).isFalse();
    now.addAndGet(Duration.ofSeconds(59).toNanos());
    assertThat(bodies.report()).isFalse();
    now.addAndGet(Duration.ofSeconds(1).toNanos());
    assertThat(bodies.report()).isTrue();
  }
}
