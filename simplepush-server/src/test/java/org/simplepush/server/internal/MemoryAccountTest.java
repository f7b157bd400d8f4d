package org.simplepush.server.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.internal.MemoryAccount.Kind.BACKLOG;
import static org.simplepush.server.internal.MemoryAccount.Kind.CONNECTIONS;
import static org.simplepush.server.internal.MemoryAccount.Kind.INPUT;
import static org.simplepush.server.internal.MemoryAccount.Kind.REQUESTS;

import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.LongAdder;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.simplepush.server.ServerStatistics;
import org.simplepush.server.fixtures.LoggedMessages;

class MemoryAccountTest {
  private final MemoryAccount account = new MemoryAccount(1600);

  @Test
  void sharesAddUpToTheTotal() {
    long sum = Arrays.stream(MemoryAccount.Kind.values()).mapToLong(account::limit).sum();
    assertThat(sum).isEqualTo(1600);
    assertThat(account.limit(CONNECTIONS)).isEqualTo(800);
  }

  @Test
  void defaultLeavesMostOfTheHeapToOthers() {
    assertThat(MemoryAccount.defaultTotal())
        .isEqualTo(Runtime.getRuntime().maxMemory() / 8 * 3)
        .isPositive();
  }

  @Test
  void chargesUpToTheShareAndNoFurther() {
    assertThat(account.tryCharge(INPUT, 200)).isTrue();
    assertThat(account.tryCharge(INPUT, 1)).isFalse();
    assertThat(account.used(INPUT)).isEqualTo(200);
    account.release(INPUT, 1);
    assertThat(account.tryCharge(INPUT, 2)).isFalse();
    assertThat(account.tryCharge(INPUT, 1)).isTrue();
  }

  @Test
  void oneKindTakesNothingFromAnother() {
    account.charge(BACKLOG, 5000);
    assertThat(account.tryCharge(BACKLOG, 1)).isFalse();
    assertThat(account.tryCharge(REQUESTS, 300)).isTrue();
  }

  @Test
  void manyThreadsNeverChargeMoreThanTheShare() throws Exception {
    LongAdder charged = new LongAdder();
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      CompletableFuture<?>[] all =
          IntStream.range(0, 4)
              .mapToObj(
                  i ->
                      CompletableFuture.runAsync(
                          () -> {
                            for (int n = 0; n < 1000; n++) {
                              if (account.tryCharge(BACKLOG, 1)) {
                                charged.increment();
                              }
                            }
                          },
                          threads))
              .toArray(CompletableFuture[]::new);
      CompletableFuture.allOf(all).get();
    } finally {
      threads.shutdown();
    }
    // Two that come together at the last byte may both be refused, and a later one gets it.
    assertThat(charged.sum()).isEqualTo(300).isEqualTo(account.used(BACKLOG));
  }

  @Test
  void saysOnceWhatIsShedAndCountsEach() {
    try (LoggedMessages log = LoggedMessages.of(MemoryAccount.class)) {
      account.shed(BACKLOG);
      account.shed(BACKLOG);
      account.shed(INPUT);
      assertThat(log.warnings())
          .satisfiesExactly(
              first -> assertThat(first).contains("for backlog is used up", "--max-memory"),
              second -> assertThat(second).contains("for input is used up"));
    }
    assertThat(account.snapshot())
        .contains(new ServerStatistics.MemoryUse("backlog", 0, 300, 2))
        .contains(new ServerStatistics.MemoryUse("input", 0, 200, 1));
  }

  @Test
  void whoReadsTheStatisticsCannotChangeThem() {
    assertThat(account.snapshot()).isUnmodifiable();
  }
}
