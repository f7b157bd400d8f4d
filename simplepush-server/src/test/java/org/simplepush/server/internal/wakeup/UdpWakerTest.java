package org.simplepush.server.internal.wakeup;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.server.fixtures.LoggedMessages;
import org.simplepush.server.internal.FailureLog;

/** What the waker's own thread does with repetitions that fail. */
@Timeout(30)
class UdpWakerTest {
  private final UdpWaker waker = new UdpWaker(new FailureLog(null, System::nanoTime));

  @BeforeEach
  void open() throws Exception {
    waker.open("simplepush-test");
  }

  @AfterEach
  void close() {
    waker.close();
  }

  @Test
  void repetitionThatFailsIsReportedAndTheNextOnesAreMade() throws Exception {
    CompletableFuture<Thread> next = new CompletableFuture<>();
    try (LoggedMessages log = LoggedMessages.of(UdpWaker.class)) {
      waker.schedule(
          0,
          () -> {
            throw new StackOverflowError("meant to fail");
          });
      waker.schedule(1, () -> next.complete(Thread.currentThread()));
      assertThat(next.get(20, TimeUnit.SECONDS).getName()).isEqualTo("simplepush-test-waker");
      assertThat(log.errors()).containsExactly("A wake-up could not be repeated");
    }
  }
}
