package org.simplepush.examples.embedspringboot;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.client.PushClient;
import org.simplepush.server.PushServer;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.boot.test.web.server.LocalServerPort;

/** The whole application, with a real device and a real application server. */
@Timeout(60)
@SpringBootTest(
    webEnvironment = WebEnvironment.RANDOM_PORT,
    properties = {"push.port=0", "push.endpoint-url=http://127.0.0.1/push"})
class EmbedSpringBootTest {
  @Autowired private PushServer pushServer;
  @LocalServerPort private int httpPort;

  @Test
  void versionTravelsThroughTheContainer() throws Exception {
    BlockingQueue<Long> versions = new LinkedBlockingQueue<>();
    try (PushClient device = PushClient.builder(pushServer.webSocketUri()).build().start()) {
      URI handedOut =
          device
              .application("calendar", message -> versions.add(message.version()))
              .register()
              .get();
      URI endpoint = new URI("http://127.0.0.1:" + httpPort + handedOut.getPath());
      HttpRequest put =
          HttpRequest.newBuilder(endpoint)
              .PUT(HttpRequest.BodyPublishers.ofString("version=7"))
              .build();
      assertThat(HttpClient.newHttpClient().send(put, BodyHandlers.ofString()).statusCode())
          .isEqualTo(200);
      assertThat(versions.poll(20, TimeUnit.SECONDS)).isEqualTo(7);
    }
  }
}
