package org.simplepush.examples.quickstart;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.appserver.Notifier;
import org.simplepush.appserver.Verdict;
import org.simplepush.client.DeviceStorage;
import org.simplepush.client.PushClient;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.server.EndpointKeys;
import org.simplepush.server.PushServer;

/** What the README.md files show of devices does what it says, with a real push server. */
@Timeout(120)
class SnippetsTest {
  private final EndpointKeys keys = EndpointKeys.ephemeral();
  private PushServer server;

  /** The application and its application server. */
  private static final class Calendar extends Snippets {
    private final BlockingQueue<URI> told = new LinkedBlockingQueue<>();
    private final BlockingQueue<Long> versions = new LinkedBlockingQueue<>();

    @Override
    void synchronise(long version) {
      versions.add(version);
    }

    @Override
    void tellApplicationServer(URI endpoint) {
      told.add(endpoint);
    }

    @Override
    void replaceAtApplicationServer(URI old, URI endpoint) {
      told.add(old);
      told.add(endpoint);
    }

    @Override
    void forget(URI endpoint) {}

    @Override
    CompletionStage<Boolean> isKnown(String token) {
      return CompletableFuture.completedStage(true);
    }
  }

  private void serve(int port, int endpointPort) throws IOException {
    server =
        PushServer.builder()
            .port(port)
            .endpointPort(endpointPort)
            .keys(keys)
            .store(new InMemoryVersionStore())
            .build()
            .start();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
    T next = queue.poll(60, TimeUnit.SECONDS);
    assertThat(next).isNotNull();
    return next;
  }

  @Test
  void firstDeviceHasAWorkingEndpointAfterThePushServerLostItsState() throws Exception {
    serve(0, 0);
    Calendar calendar = new Calendar();
    try (PushClient device = calendar.device(server.webSocketUri(), DeviceStorage.inMemory());
        Notifier notifier = Notifier.builder().permitHost("127.0.0.1").build()) {
      assertThat(device).isNotNull();
      URI first = next(calendar.told);
      assertThat(notifier.publish(first, 1).get()).isInstanceOf(Verdict.Accepted.class);
      assertThat(next(calendar.versions)).isEqualTo(1);

      int port = server.port();
      int endpointPort = server.endpointPort();
      server.close();
      serve(port, endpointPort);
      assertThat(next(calendar.told)).isEqualTo(first);
      URI second = next(calendar.told);
      assertThat(notifier.publish(first, 2).get()).isInstanceOf(Verdict.Gone.class);
      assertThat(notifier.publish(second, 2).get()).isInstanceOf(Verdict.Accepted.class);
      assertThat(next(calendar.versions)).isEqualTo(2);
    }
  }
}
