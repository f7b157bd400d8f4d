package org.simplepush.server.redis;

import static org.simplepush.server.redis.RedisNodesTest.get;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;

/** Redis servers and stores of one test, closed after it in the reverse order. */
abstract class RedisFixture {
  final Uaid uaid = Uaid.random();
  final ChannelId channel = ChannelId.random();
  final ReceivedHints heard = new ReceivedHints();
  private final List<AutoCloseable> open = new ArrayList<>();

  @AfterEach
  void closeAll() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
  }

  <T extends AutoCloseable> T closing(T closeable) {
    open.add(closeable);
    return closeable;
  }

  RedisProcess redis(String... options) throws Exception {
    return closing(RedisProcess.start(options));
  }

  /** One that takes the bus for dead if it does not hear itself in two seconds. */
  RedisVersionStore store(String uri) {
    return closing(
        RedisVersionStore.open(
            uri, new RedisVersionStore.Settings(Duration.ofSeconds(2), () -> 0)));
  }

  void create(RedisVersionStore store) throws Exception {
    get(store.hello(uaid, List.of()));
    get(store.register(uaid, channel, 9));
  }
}
