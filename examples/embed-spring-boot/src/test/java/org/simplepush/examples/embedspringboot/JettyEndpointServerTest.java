package org.simplepush.examples.embedspringboot;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.simplepush.client.PushClient;
import org.simplepush.server.PushServer;
import org.simplepush.server.jetty.JettyEndpointServer;

/** The endpoint port on the Jetty whose version Spring Boot manages. */
@Timeout(60)
class JettyEndpointServerTest {
  private final BlockingQueue<Long> versions = new LinkedBlockingQueue<>();

  private static Response put(OkHttpClient http, URI endpoint, String body) throws Exception {
    return http.newCall(
            new Request.Builder()
                .url(endpoint.toString())
                .put(RequestBody.create(body.getBytes()))
                .build())
        .execute();
  }

  @ParameterizedTest
  @EnumSource(names = {"HTTP_1_1", "H2_PRIOR_KNOWLEDGE"})
  void servesUpdatesAndDrains(Protocol protocol) throws Exception {
    OkHttpClient http = new OkHttpClient.Builder().protocols(List.of(protocol)).build();
    PushServer server =
        PushServer.builder()
            .port(0)
            .endpointPort(0)
            .endpointServer(new JettyEndpointServer())
            .drain(Duration.ofMinutes(5))
            .build()
            .start();
    CompletableFuture<Void> closed;
    // Two, or closing would be over before the last update.
    try (PushClient device = PushClient.builder(server.webSocketUri()).build().start();
        PushClient other = PushClient.builder(server.webSocketUri()).build().start()) {
      URI endpoint =
          device
              .application("calendar", message -> versions.add(message.version()))
              .register()
              .get();
      other.application("calendar", message -> {}).register().get();
      try (Response response = put(http, endpoint, "version=7")) {
        assertThat(response.code()).isEqualTo(200);
        assertThat(response.protocol()).isEqualTo(protocol);
        assertThat(response.body().string()).isEqualTo("{}");
      }
      assertThat(versions.poll(30, TimeUnit.SECONDS)).isEqualTo(7);
      try (Response response = put(http, endpoint, "version=x")) {
        assertThat(response.code()).isEqualTo(400);
      }
      try (Response response = put(http, endpoint, "x".repeat(5000))) {
        assertThat(response.code()).isEqualTo(413);
      }
      closed = server.closeAsync();
      try (Response response = put(http, endpoint, "version=8")) {
        assertThat(response.code()).isEqualTo(200);
        assertThat(response.header("Connection"))
            .isEqualTo(protocol == Protocol.HTTP_1_1 ? "close" : null);
      }
    }
    closed.get(30, TimeUnit.SECONDS);
  }

  @Test
  void startsWithTls() throws Exception {
    PushServer.builder()
        .port(0)
        .endpointPort(0)
        .tls(SSLContext.getDefault())
        .endpointServer(new JettyEndpointServer())
        .build()
        .start()
        .close();
  }
}
