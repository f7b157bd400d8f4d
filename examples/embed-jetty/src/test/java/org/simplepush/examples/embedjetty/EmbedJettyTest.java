package org.simplepush.examples.embedjetty;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.client.PushClient;

/** The endpoints in Jetty, with a real device and a real application server. */
@Timeout(60)
class EmbedJettyTest {
  private final BlockingQueue<Long> versions = new LinkedBlockingQueue<>();
  private EmbedJetty both;
  private PushClient device;
  private URI endpoint;

  @BeforeEach
  void start() throws Exception {
    both = new EmbedJetty(0, 0, URI.create("http://127.0.0.1"));
    device = PushClient.builder(both.webSocketUri()).build().start();
    URI handedOut =
        device.application("calendar", message -> versions.add(message.version())).register().get();
    // The port was not known when the public URL was: any free one.
    endpoint = new URI("http://127.0.0.1:" + both.httpPort() + handedOut.getPath());
  }

  @AfterEach
  void stop() throws Exception {
    device.close();
    both.stop();
  }

  private HttpResponse<String> send(String method, URI uri, String body) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(uri)
            .method(method, HttpRequest.BodyPublishers.ofString(body))
            .build();
    return HttpClient.newHttpClient().send(request, BodyHandlers.ofString());
  }

  @Test
  void versionTravelsThroughTheServlet() throws Exception {
    assertThat(endpoint.getPath()).startsWith("/push/update/");
    HttpResponse<String> answer = send("PUT", endpoint, "version=7");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo("{}");
    assertThat(answer.headers().firstValue("Content-Type")).hasValue("application/json");
    assertThat(versions.poll(20, TimeUnit.SECONDS)).isEqualTo(7);
  }

  @Test
  void refusalsAreTheSameAsThroughTheOwnPort() throws Exception {
    assertThat(send("PUT", endpoint, "version=x").statusCode()).isEqualTo(400);
    assertThat(send("PUT", endpoint, "version=7&data=x").statusCode()).isEqualTo(400);
    assertThat(send("PUT", endpoint, "version=" + "0".repeat(5000)).statusCode()).isEqualTo(413);
    HttpResponse<String> get = send("GET", endpoint, "");
    assertThat(get.statusCode()).isEqualTo(405);
    assertThat(get.headers().firstValue("Allow")).hasValue("PUT, OPTIONS");
    assertThat(send("PUT", endpoint.resolve("forged"), "version=7").statusCode()).isEqualTo(404);
  }
}
