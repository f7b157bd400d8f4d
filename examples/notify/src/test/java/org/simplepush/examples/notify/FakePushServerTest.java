package org.simplepush.examples.notify;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.simplepush.appserver.Notifier;
import org.simplepush.client.PushClient;
import org.simplepush.client.PushHandler;
import org.simplepush.client.PushManager;
import org.simplepush.client.PushMessage;
import org.simplepush.client.PushRegisterHandler;
import org.simplepush.server.testing.Answer;
import org.simplepush.server.testing.FakePushServer;

/** What README.md shows of tests; it also runs. */
@Timeout(60)
class FakePushServerTest {
  @RegisterExtension final FakePushServer push = new FakePushServer();

  @Test
  void publishesAgainWhatThePushServerWasTooBusyFor() throws Exception {
    URI endpoint = push.endpoint();
    push.answerNext(Answer.status(503).retryAfter(Duration.ofSeconds(1)));
    notifier.publish(endpoint, 7);
    assertThat(push.published(endpoint)).hasValue(7);
    assertThat(push.requests(endpoint)).isEqualTo(2);
  }

  @Test
  void registersAnewWhenThePushServerLostItsState() throws Exception {
    startDevice(push.webSocketUri());
    URI lost = calendar.takeEndpoint();
    push.accept().drop();
    push.loseState();
    assertThat(calendar.takeEndpoint()).isNotEqualTo(lost);
  }

  private final Notifier notifier = Notifier.builder().permitHost("127.0.0.1").build();
  private final Calendar calendar = new Calendar();
  private PushClient device;

  private void startDevice(URI server) throws IOException {
    device =
        PushClient.builder(server)
            .backoff(Duration.ofMillis(10), Duration.ofMillis(100))
            .build()
            .start();
    calendar.start(device);
  }

  @AfterEach
  void stop() {
    notifier.close();
    if (device != null) {
      device.close();
    }
  }

  /** An application that registers, and registers anew when it must. */
  private static final class Calendar implements PushHandler, PushRegisterHandler {
    private final BlockingQueue<URI> endpoints = new LinkedBlockingQueue<>();
    private PushManager manager;

    private void start(PushClient device) {
      manager = device.application("calendar", this);
      onPushRegister();
    }

    @Override
    public void onPush(PushMessage message) {}

    @Override
    public void onPushRegister() {
      manager.register().thenAccept(endpoints::add);
    }

    private URI takeEndpoint() throws InterruptedException {
      URI endpoint = endpoints.poll(20, TimeUnit.SECONDS);
      assertThat(endpoint).as("an endpoint").isNotNull();
      return endpoint;
    }
  }
}
