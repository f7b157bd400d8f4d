package org.simplepush.redisuser;

import static java.util.concurrent.TimeUnit.SECONDS;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.simplepush.core.ChannelId;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.server.redis.RedisVersionStore;

/** A program that uses the store at a URI, with whatever Lettuce it was started with. */
public final class RedisUser {
  private RedisUser() {}

  /** Prints "works", or why the store cannot be opened. */
  public static void main(String[] arguments) throws Exception {
    try (RedisVersionStore store = RedisVersionStore.open(arguments[0])) {
      Uaid uaid = Uaid.random();
      ChannelId channel = ChannelId.random();
      CompletableFuture<Update> heard = new CompletableFuture<>();
      SharedVersionStore.Node node = store.join(Duration.ofDays(7), listener(heard));
      get(store.hello(uaid, List.of()));
      get(store.register(uaid, channel, 9));
      get(node.settle(uaid, 1, get(node.hello(uaid, null)).seen(), null));
      get(store.advance(uaid, channel, 7));
      get(store.check());
      System.out.println(get(heard).version() == 7 ? "works" : "hears wrongly");
    } catch (StoreException e) {
      System.out.println(e.getMessage());
    }
  }

  private static <T> T get(CompletionStage<T> stage) throws Exception {
    return stage.toCompletableFuture().get(20, SECONDS);
  }

  private static SharedVersionStore.Listener listener(CompletableFuture<Update> heard) {
    return new SharedVersionStore.Listener() {
      @Override
      public void published(Uaid uaid, Update update) {
        heard.complete(update);
      }

      @Override
      public void displaced(Uaid uaid, long connection) {}

      @Override
      public void gone(Uaid gone) {}

      @Override
      public void hintsLost() {}
    };
  }
}
