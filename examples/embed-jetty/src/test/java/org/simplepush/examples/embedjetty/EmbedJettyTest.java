package org.simplepush.examples.embedjetty;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
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

  private Socket begin(int bodyLength) throws IOException {
    Socket socket = new Socket(endpoint.getHost(), endpoint.getPort());
    socket.setSoTimeout(20_000);
    String head =
        "PUT %s HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n\r\n"
            .formatted(endpoint.getPath(), bodyLength);
    socket.getOutputStream().write((head + "v").getBytes(US_ASCII));
    return socket;
  }

  private static String status(Socket socket) throws IOException {
    return new String(socket.getInputStream().readNBytes(12), US_ASCII);
  }

  /** Jetty has 200 threads here. */
  @Test
  void slowBodiesLeaveThreadsOfTheContainer() throws Exception {
    List<Socket> slow = new ArrayList<>();
    try {
      for (int i = 0; i < 250; i++) {
        slow.add(begin(100));
      }
      assertThat(send("GET", endpoint.resolve("/other"), "").statusCode()).isEqualTo(404);
      assertThat(send("PUT", endpoint, "version=7").statusCode()).isEqualTo(503);
    } finally {
      for (Socket socket : slow) {
        socket.close();
      }
    }
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (send("PUT", endpoint, "version=7").statusCode() != 200) {
      assertThat(System.nanoTime()).as("the slow ones have left").isLessThan(deadline);
    }
  }

  @Test
  void bodyThatComesByteByByteAndNeverEndsIsCutOff() throws Exception {
    ScheduledExecutorService drip = Executors.newSingleThreadScheduledExecutor();
    try (Socket socket = begin(4_000)) {
      drip.scheduleAtFixedRate(() -> write(socket), 200, 200, TimeUnit.MILLISECONDS);
      assertThat(status(socket)).isEqualTo("HTTP/1.1 408");
    } finally {
      drip.shutdownNow();
    }
  }

  private static void write(Socket socket) {
    try {
      socket.getOutputStream().write('0');
    } catch (IOException e) {
      throw new UncheckedIOException(e); // ends the drip
    }
  }
}
