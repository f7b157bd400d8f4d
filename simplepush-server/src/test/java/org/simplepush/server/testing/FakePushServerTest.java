package org.simplepush.server.testing;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The side for application servers, asked by an HTTP client that knows nothing of us. */
@Timeout(60)
class FakePushServerTest {
  @RegisterExtension final FakePushServer push = new FakePushServer();

  private final HttpClient http = HttpClient.newHttpClient();

  private static HttpRequest request(URI endpoint, String body) {
    return HttpRequest.newBuilder(endpoint)
        .PUT(BodyPublishers.ofString(body))
        .timeout(Duration.ofSeconds(20))
        .build();
  }

  private HttpResponse<String> put(URI endpoint, String body) throws Exception {
    return http.send(request(endpoint, body), BodyHandlers.ofString());
  }

  @Test
  void publishedVersionsComeInOrder() throws Exception {
    URI endpoint = push.endpoint();
    for (long version : new long[] {7, 9, 8}) {
      HttpResponse<String> response = put(endpoint, "version=" + version);
      assertThat(response.statusCode()).isEqualTo(200);
      assertThat(response.body()).isEqualTo(version == 8 ? "{\"stale\":true}" : "{}");
    }
    assertThat(put(endpoint, "").statusCode()).isEqualTo(200);
    assertThat(push.published(endpoint)).hasValue(7);
    assertThat(push.published(endpoint)).hasValue(9);
    assertThat(put(endpoint, "version=").statusCode()).isEqualTo(200);
    assertThat(push.published(endpoint)).hasValue(8);
    assertThat(push.published(endpoint)).isEmpty();
    assertThat(push.published(endpoint)).isEmpty();
    push.assertNothingMore();
    assertThat(push.requests(endpoint)).isEqualTo(5);
  }

  @Test
  void poisonedEndpointIsStaleFromThenOn() throws Exception {
    URI endpoint = push.endpoint();
    assertThat(push.publish(endpoint, Long.MAX_VALUE)).isEqualTo(200);
    HttpResponse<String> response = put(endpoint, "version=7");
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).isEqualTo("{\"stale\":true}");
    assertThat(push.published(endpoint)).hasValue(7);
  }

  @Test
  void publicationIsWaitedFor() throws Exception {
    URI endpoint = push.endpoint();
    CompletableFuture<Void> release = new CompletableFuture<>();
    push.answerNext(Answer.asUsual().once(release));
    http.sendAsync(request(endpoint, "version=1"), BodyHandlers.ofString());
    push.awaitRequests(endpoint, 1);
    push.assertNothingMore();
    release.complete(null);
    assertThat(push.published(endpoint)).hasValue(1);
  }

  @Test
  void endpointsAreApart() throws Exception {
    List<URI> endpoints = push.endpoints(1200);
    assertThat(new HashSet<>(endpoints)).hasSize(1200);
    put(endpoints.get(0), "version=1");
    put(endpoints.get(1199), "version=2");
    assertThat(push.published(endpoints.get(1199))).hasValue(2);
    assertThat(push.published(endpoints.get(0))).hasValue(1);
    assertThat(push.requests(endpoints.get(1))).isZero();
  }

  @Test
  void requestsAreJudgedByTheRealServer() throws Exception {
    URI endpoint = push.endpoint();
    assertThat(put(endpoint, "version=x").statusCode()).isEqualTo(400);
    assertThat(put(endpoint, "version=1&".repeat(1000)).statusCode()).isEqualTo(413);
    assertThat(put(URI.create(endpoint + "?version=1"), "").statusCode()).isEqualTo(400);
    assertThat(put(push.unknownEndpoint(), "version=1").statusCode()).isEqualTo(404);
    HttpRequest get = HttpRequest.newBuilder(endpoint).build();
    assertThat(http.send(get, BodyHandlers.ofString()).statusCode()).isEqualTo(405);
    push.loseState();
    assertThat(put(endpoint, "version=1").statusCode()).isEqualTo(410);
    push.assertNothingMore();
  }

  @ParameterizedTest
  @ValueSource(ints = {404, 410, 429, 500, 503})
  void scriptedStatusAcceptsNothing(int status) throws Exception {
    URI endpoint = push.endpoint();
    push.answerNext(2, Answer.status(status).retryAfter(Duration.ofSeconds(3)));
    for (int i = 0; i < 2; i++) {
      HttpResponse<String> response = put(endpoint, "version=1");
      assertThat(response.statusCode()).isEqualTo(status);
      assertThat(response.headers().firstValue("Retry-After")).hasValue("3");
      assertThat(response.headers().firstValue("Content-Type")).hasValue("application/json");
    }
    push.assertNothingMore();
    assertThat(put(endpoint, "version=1").statusCode()).isEqualTo(200);
    assertThat(push.published(endpoint)).hasValue(1);
    assertThat(push.requests(endpoint)).isEqualTo(3);
  }

  @Test
  void answersOfOneEndpointGoBeforeThoseForAll() throws Exception {
    URI one = push.endpoint();
    URI other = push.endpoint();
    push.answerNext(Answer.status(503));
    push.answerAlways(one, Answer.status(410));
    push.answerNext(one, Answer.status(429));
    assertThat(put(one, "version=1").statusCode()).isEqualTo(429);
    assertThat(put(one, "version=1").statusCode()).isEqualTo(410);
    assertThat(put(one, "version=1").statusCode()).isEqualTo(410);
    assertThat(put(other, "version=1").statusCode()).isEqualTo(503);
    push.answerAlways(one, Answer.asUsual());
    assertThat(put(one, "version=1").statusCode()).isEqualTo(200);
    push.answerNext(Answer.status(503));
    assertThat(put(one, "version=2").statusCode()).isEqualTo(503);
  }

  @Test
  void slowAnswerComesLate() throws Exception {
    URI endpoint = push.endpoint();
    push.answerNext(Answer.asUsual().after(Duration.ofMillis(200)));
    long asked = System.nanoTime();
    assertThat(put(endpoint, "version=1").statusCode()).isEqualTo(200);
    assertThat(Duration.ofNanos(System.nanoTime() - asked)).isGreaterThan(Duration.ofMillis(199));
  }

  @Test
  void silenceLastsUntilTheOtherSideGivesUp() throws Exception {
    URI endpoint = push.endpoint();
    push.answerNext(Answer.silence());
    HttpRequest impatient =
        HttpRequest.newBuilder(endpoint)
            .PUT(BodyPublishers.noBody())
            .timeout(Duration.ofSeconds(2)) // the request must get through in this time
            .build();
    assertThatThrownBy(() -> http.send(impatient, BodyHandlers.ofString()))
        .isInstanceOf(HttpTimeoutException.class);
    assertThat(push.requests(endpoint)).isEqualTo(1);
  }

  @Test
  void resetAndGarbageAreNoAnswer() throws Exception {
    URI endpoint = push.endpoint();
    push.answerAlways(endpoint, Answer.reset()); // the client tries once more by itself
    assertThatThrownBy(() -> put(endpoint, "version=1")).isInstanceOf(IOException.class);
    push.answerAlways(endpoint, Answer.garbage());
    assertThatThrownBy(() -> put(endpoint, "version=1")).isInstanceOf(IOException.class);
    push.assertNothingMore();
    push.answerAlways(endpoint, Answer.asUsual());
    assertThat(put(endpoint, "version=1").statusCode()).isEqualTo(200);
  }

  @Test
  void chunkedBodyAndKeepAliveAreUnderstood() throws Exception {
    URI endpoint = push.endpoint();
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), endpoint.getPort())) {
      for (int version = 1; version <= 2; version++) {
        String request =
            ("PUT " + endpoint.getPath() + " HTTP/1.1\r\n")
                + "Host: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
                + ("8\r\nversion=\r\n1\r\n" + version + "\r\n0\r\n\r\n");
        socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        assertThat(HttpHead.read(socket.getInputStream()).first()).contains("100 Continue");
        HttpHead answer = HttpHead.read(socket.getInputStream());
        assertThat(answer.first()).startsWith("HTTP/1.1 200");
        socket.getInputStream().readNBytes(Integer.parseInt(answer.header("content-length")));
        assertThat(push.published(endpoint)).hasValue(version);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Content-Length: 9\r\n\r\nversion=",
        "Transfer-Encoding: chunked\r\n\r\n8\r\nversion=\r\n",
      })
  void bodyThatBreaksOffIsNotPublished(String rest) throws Exception {
    URI endpoint = push.endpoint();
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), endpoint.getPort())) {
      String request = "PUT " + endpoint.getPath() + " HTTP/1.1\r\nHost: x\r\n" + rest;
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      socket.shutdownOutput();
      assertThat(socket.getInputStream().readAllBytes()).isEmpty();
    }
    push.assertNothingMore();
  }

  @Test
  void whatTheTestDidNotTakeIsTold() throws Exception {
    URI endpoint = push.endpoint();
    put(endpoint, "version=7");
    assertThatThrownBy(push::assertNothingMore)
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("version 7");
  }

  @Test
  void whatDoesNotComeIsAnAssertionError() throws Exception {
    try (FakePushServer impatient = new FakePushServer().patience(Duration.ofMillis(50)).start()) {
      URI endpoint = impatient.endpoint();
      impatient.answerNext(Answer.status(503));
      put(endpoint, "version=7");
      assertThatThrownBy(() -> impatient.published(endpoint))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("requests for it: 1");
      assertThatThrownBy(() -> impatient.awaitRequests(endpoint, 2))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("1 requests");
      assertThatThrownBy(impatient::accept).isInstanceOf(AssertionError.class);
    }
  }

  @Test
  void closeReleasesWhoeverWaitsAndStartIsPossibleAgain() throws Exception {
    FakePushServer other = new FakePushServer().start();
    URI endpoint = other.endpoint();
    other.answerNext(Answer.asUsual().after(Duration.ofHours(1)));
    CompletableFuture<?> waiting =
        http.sendAsync(request(endpoint, "version=1"), BodyHandlers.ofString());
    other.awaitRequests(endpoint, 1);
    other.close();
    assertThatThrownBy(waiting::join).hasCauseInstanceOf(IOException.class);
    assertThatThrownBy(other::endpoint)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("does not run");
    other.start();
    assertThat(put(other.endpoint(), "version=1").statusCode()).isEqualTo(200);
    assertThatThrownBy(other::start).isInstanceOf(IllegalStateException.class);
    other.close();
    other.close();
  }

  @Test
  void strangersAndWrongSettingsAreRefused() {
    assertThatThrownBy(() -> push.published(URI.create("http://127.0.0.1:1/update/x")))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Answer.status(200))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("asUsual");
    assertThatThrownBy(() -> Answer.reset().retryAfter(Duration.ofSeconds(1)))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> Answer.status(503).retryAfter(Duration.ofMillis(1500)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Answer.asUsual().after(Duration.ofSeconds(-1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> push.patience(Duration.ZERO))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
