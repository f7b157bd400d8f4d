package org.simplepush.client.internal.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** However a reader ends, somebody hears of it. */
@Timeout(60)
class ReaderThreadsTest {
  private final BlockingQueue<Object> heard = new LinkedBlockingQueue<>();
  private final BlockingQueue<Thread> died = new LinkedBlockingQueue<>();
  private final ReaderThreads readers =
      new ReaderThreads(
          task -> {
            Thread thread = new Thread(task, "reader of this test");
            thread.setUncaughtExceptionHandler((dead, failure) -> died.add(dead));
            return thread;
          });

  @AfterEach
  void shutDown() {
    readers.shutdown();
  }

  private void hear(Throwable failure) {
    heard.add(failure == null ? "the end" : failure);
  }

  @Test
  void endOfATaskIsHeardOnce() throws Exception {
    readers.execute(() -> ReaderThreads.atEnd(this::hear));
    assertThat(heard.poll(20, TimeUnit.SECONDS)).isEqualTo("the end");
    readers.execute(() -> heard.add("another task, perhaps on the same thread"));
    assertThat(heard.poll(20, TimeUnit.SECONDS)).isNotEqualTo("the end");
    readers.shutdown();
    assertThat(readers.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
    assertThat(heard).isEmpty();
  }

  @Test
  void errorOfATaskIsHeardAndEndsNoThread() throws Exception {
    Error error = new OutOfMemoryError("one of this test");
    readers.execute(
        () -> {
          ReaderThreads.atEnd(this::hear);
          throw error;
        });
    assertThat(heard.poll(20, TimeUnit.SECONDS)).isSameAs(error);
    readers.execute(
        () -> {
          throw error; // nobody wants to hear of it
        });
    readers.shutdown();
    assertThat(readers.awaitTermination(20, TimeUnit.SECONDS)).isTrue();
    assertThat(died).isEmpty();
  }
}
