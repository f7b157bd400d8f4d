package org.simplepush.core.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.ThreadFactory;
import org.junit.jupiter.api.Test;

class DaemonThreadsTest {
  @Test
  void threadsDoNotKeepTheProcessAlive() {
    assertThat(DaemonThreads.make("waker", () -> {}).isDaemon()).isTrue();
    assertThat(DaemonThreads.named("waker").newThread(() -> {}).isDaemon()).isTrue();
    assertThat(DaemonThreads.numbered("waker-").newThread(() -> {}).isDaemon()).isTrue();
  }

  @Test
  void threadsAreCalledAfterWhatTheyAreFor() {
    ThreadFactory one = DaemonThreads.named("waker");
    assertThat(one.newThread(() -> {}).getName()).isEqualTo("waker");
    assertThat(one.newThread(() -> {}).getName()).isEqualTo("waker");
    ThreadFactory many = DaemonThreads.numbered("reader-");
    assertThat(many.newThread(() -> {}).getName()).isEqualTo("reader-1");
    assertThat(many.newThread(() -> {}).getName()).isEqualTo("reader-2");
  }
}
