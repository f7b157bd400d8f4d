package org.simplepush.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class InMemoryVersionStoreTest extends VersionStoreContract {
  /** Starts just before the overflow of {@link System#nanoTime()}, which a store must survive. */
  private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 1_000);

  @Override
  protected VersionStore newStore() {
    return new InMemoryVersionStore(nanos::get);
  }

  @Override
  protected void advanceTime(Duration duration) {
    nanos.addAndGet(duration.toNanos());
  }

  @Test
  void everyStageIsCompleteWhenItIsReturned() {
    try (VersionStore store = new InMemoryVersionStore()) {
      Uaid uaid = Uaid.random();
      ChannelId channel = ChannelId.random();
      Update update = new Update(channel, 7);
      List<CompletionStage<?>> stages =
          List.of(
              store.hello(uaid, List.of()),
              store.register(uaid, channel, 1),
              store.advance(uaid, channel, 7),
              store.advanceToNext(uaid, channel, 7),
              store.pending(uaid),
              store.hello(uaid, List.of(channel)),
              store.acknowledge(uaid, List.of(update)),
              store.unregister(uaid, channel),
              store.drop(uaid),
              store.expire(Duration.ofDays(7)));

      assertThat(stages).allSatisfy(stage -> assertThat(stage.toCompletableFuture()).isDone());
    }
  }
}
