package org.simplepush.server.redis;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.ClientOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.core.ChannelId;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;

/** A store that is closed while Redis owes it answers: every stage completes all the same. */
@Timeout(60)
@Tag("process")
class RedisCloseTest {
  private final Uaid uaid = Uaid.random();
  private final ChannelId channel = ChannelId.random();

  private List<CompletableFuture<?>> ask(RedisVersionStore store, int times) {
    List<CompletableFuture<?>> stages = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      stages.add(store.advance(uaid, channel, i).toCompletableFuture());
      stages.add(store.pending(uaid).toCompletableFuture());
      stages.add(store.expire(Duration.ofDays(7)).toCompletableFuture());
      stages.add(store.check().toCompletableFuture());
    }
    return stages;
  }

  private static void assertAllComplete(List<CompletableFuture<?>> stages) throws Exception {
    for (CompletableFuture<?> stage : stages) {
      try {
        stage.get(20, SECONDS);
      } catch (ExecutionException e) {
        assertThat(e).hasCauseInstanceOf(StoreException.class);
      }
    }
  }

  /** One who is interrupted does not wait for the answers. */
  @Test
  void stagesCompleteWhenTheStoreIsClosedByOneWhoIsInterrupted() throws Exception {
    try (RedisProcess redis = RedisProcess.start();
        TcpProxy proxy = new TcpProxy(redis.port())) {
      RedisVersionStore store = RedisVersionStore.open(proxy.uri("10s"));
      store.hello(uaid, List.of()).toCompletableFuture().get(20, SECONDS);
      proxy.holdAnswers();
      List<CompletableFuture<?>> stages = ask(store, 100);
      Thread closing = new Thread(store::close);
      closing.start();
      closing.interrupt();
      closing.join();
      await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(() -> assertThat(threads()).as("its threads").isEmpty());
      proxy.release();
      assertAllComplete(stages);
      assertAllComplete(ask(store, 1));
    }
  }

  private static List<String> threads() {
    return Thread.getAllStackTraces().keySet().stream()
        .map(Thread::getName)
        .filter(name -> name.startsWith("simplepush-store-redis") || name.startsWith("lettuce-"))
        .toList();
  }

  /** Lettuce may answer what was under way only when all is closed. */
  @Test
  void replyThatComesAfterTheEndStillCompletesItsStage() throws Exception {
    try (RedisProcess redis = RedisProcess.start()) {
      Redis connected =
          RedisConnector.connect(RedisAddress.parse(redis.uri()), ClientOptions.create());
      CompletableFuture<String> reply = new CompletableFuture<>();
      CompletionStage<String> stage = connected.ask(null, () -> reply, answer -> answer);
      Thread closing = new Thread(connected::close);
      closing.start();
      closing.interrupt();
      closing.join();
      reply.complete("late");
      assertThat(stage.toCompletableFuture().get(20, SECONDS)).isEqualTo("late");
    }
  }

  @Test
  void replyWhoseReadingEndsInAnErrorFailsItsStage() throws Exception {
    try (RedisProcess redis = RedisProcess.start()) {
      Redis connected =
          RedisConnector.connect(RedisAddress.parse(redis.uri()), ClientOptions.create());
      CompletionStage<String> stage =
          connected.ask(
              null,
              () -> CompletableFuture.completedStage("an answer"),
              answer -> {
                throw new NoClassDefFoundError("broken");
              });
      assertAllComplete(List.of(stage.toCompletableFuture()));
      connected.close();
    }
  }

  @Test
  void stagesCompleteHoweverCloseAndStepsMeet() throws Exception {
    try (RedisProcess redis = RedisProcess.start()) {
      for (int round = 0; round < 10; round++) {
        RedisVersionStore store = RedisVersionStore.open(redis.uri());
        List<CompletableFuture<?>> stages = new ArrayList<>();
        CompletableFuture<Void> begun = new CompletableFuture<>();
        Thread asking =
            new Thread(
                () -> {
                  stages.addAll(ask(store, 20));
                  begun.complete(null);
                  stages.addAll(ask(store, 100));
                });
        asking.start();
        begun.get(20, SECONDS);
        Thread closing = new Thread(store::close);
        closing.start();
        if (round % 2 == 0) {
          closing.interrupt();
        }
        asking.join();
        closing.join();
        assertAllComplete(stages);
      }
    }
  }
}
