package org.simplepush.server.internal.endpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;
import org.simplepush.server.internal.EndpointTokens;

@Timeout(10)
class RateLimitTest {
  private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 5);
  private final EndpointTokens.Channel one =
      new EndpointTokens.Channel(Uaid.random(), ChannelId.random());
  private final EndpointTokens.Channel other =
      new EndpointTokens.Channel(one.uaid(), ChannelId.random());

  private RateLimit limit(int permits, Duration window) {
    return new RateLimit(permits, window, now::get);
  }

  @Test
  void soManyPassInAWindowAndTheRestIsToldWhenItEnds() {
    RateLimit limit = limit(2, Duration.ofSeconds(10));
    assertThat(limit.acquire(one)).isZero();
    assertThat(limit.acquire(one)).isZero();
    assertThat(limit.acquire(one)).isEqualTo(10);
    now.addAndGet(Duration.ofMillis(8500).toNanos());
    assertThat(limit.acquire(one)).isEqualTo(2); // 1.5 s, rounded up
    now.addAndGet(Duration.ofMillis(1499).toNanos());
    assertThat(limit.acquire(one)).isEqualTo(1);
    now.addAndGet(Duration.ofMillis(1).toNanos());
    assertThat(limit.acquire(one)).isZero();
  }

  @Test
  void eachEndpointHasItsOwn() {
    RateLimit limit = limit(1, Duration.ofSeconds(10));
    assertThat(limit.acquire(one)).isZero();
    assertThat(limit.acquire(other)).isZero();
    assertThat(limit.acquire(one)).isPositive();
    assertThat(limit.acquire(other)).isPositive();
  }

  @Test
  void unlimitedLetsEverythingPass() {
    RateLimit limit = limit(RateLimit.UNLIMITED, Duration.ofSeconds(1));
    for (int i = 0; i < 1000; i++) {
      assertThat(limit.acquire(one)).isZero();
    }
  }

  @Test
  void windowOfAHundredYearsStillLimits() {
    RateLimit limit = limit(1, Duration.ofDays(36_500));
    assertThat(limit.acquire(one)).isZero();
    assertThat(limit.acquire(one)).isPositive();
  }

  @Test
  void manyThreadsGetNoMoreThanThereIs() {
    RateLimit limit = limit(100, Duration.ofSeconds(10));
    AtomicInteger passed = new AtomicInteger();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      CompletableFuture<?>[] all = new CompletableFuture<?>[4];
      for (int i = 0; i < all.length; i++) {
        all[i] =
            CompletableFuture.runAsync(
                () -> {
                  for (int j = 0; j < 1000; j++) {
                    if (limit.acquire(one) == 0) {
                      passed.incrementAndGet();
                    }
                  }
                },
                threads);
      }
      CompletableFuture.allOf(all).join();
    } finally {
      threads.shutdownNow();
    }
    assertThat(passed).hasValue(100);
  }
}
