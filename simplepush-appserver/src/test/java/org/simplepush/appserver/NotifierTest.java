package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.net.InetAddress;
import java.net.URI;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class NotifierTest {
  private final MockWebServer server = new MockWebServer();
  private final Notifier notifier = Notifier.builder().permitHost("localhost").build();
  private URI endpoint = URI.create("http://unset.invalid/");

  @BeforeEach
  void start() throws Exception {
    server.start();
    endpoint = server.url("/update/token").uri();
  }

  @AfterEach
  void stop() {
    notifier.close();
    server.close();
  }

  private Verdict verdict(MockResponse answer) throws Exception {
    server.enqueue(answer);
    return notifier.publish(endpoint, 7).get(20, TimeUnit.SECONDS);
  }

  private static MockResponse status(int code) {
    return new MockResponse.Builder().code(code).build();
  }

  @Test
  void versionTravelsAsForm() throws Exception {
    assertThat(verdict(status(200))).isEqualTo(new Verdict.Accepted());
    RecordedRequest request = server.takeRequest();
    assertThat(request.getRequestLine()).isEqualTo("PUT /update/token HTTP/1.1");
    assertThat(request.getHeaders().get("Content-Type"))
        .isEqualTo("application/x-www-form-urlencoded");
    assertThat(request.getBody().utf8()).isEqualTo("version=7");
  }

  @Test
  void withoutVersionTheBodyIsEmpty() throws Exception {
    server.enqueue(status(200));
    assertThat(notifier.publish(endpoint).get(20, TimeUnit.SECONDS))
        .isEqualTo(new Verdict.Accepted());
    RecordedRequest request = server.takeRequest();
    assertThat(request.getBodySize()).isZero();
    assertThat(request.getHeaders().get("Content-Type")).isNull();
  }

  @ParameterizedTest
  @ValueSource(ints = {404, 410})
  void unknownEndpointIsGone(int code) throws Exception {
    assertThat(verdict(status(code))).isEqualTo(new Verdict.Gone(code));
  }

  @ParameterizedTest
  @ValueSource(ints = {400, 401, 403, 405, 413, 415, 418})
  void otherClientErrorIsRejected(int code) throws Exception {
    assertThat(verdict(status(code)))
        .isInstanceOfSatisfying(
            Verdict.Rejected.class, rejected -> assertThat(rejected.status()).isEqualTo(code));
  }

  @Test
  void retriesUntilServed() throws Exception {
    server.enqueue(new MockResponse.Builder().code(503).addHeader("Retry-After", "0").build());
    server.enqueue(status(500));
    assertThat(verdict(status(200))).isEqualTo(new Verdict.Accepted());
    assertThat(server.getRequestCount()).isEqualTo(3);
  }

  @Test
  void serverThatIsDownIsFailedAtTheDeadline() throws Exception {
    server.close();
    try (Notifier impatient =
        Notifier.builder().permitHost("localhost").deadline(Duration.ofMillis(1)).build()) {
      assertThat(impatient.publish(endpoint, 7).get(20, TimeUnit.SECONDS))
          .isInstanceOfSatisfying(
              Verdict.Failed.class,
              failed -> {
                assertThat(failed.cause()).isEqualTo(Verdict.Cause.NETWORK);
                assertThat(failed.reason()).doesNotContain("token", "localhost", "127.0.0.1");
              });
    }
  }

  /** As Docker and Compose give them; java.net.URI knows no host then. */
  @Test
  void namesWithUnderscoresAreCalled() throws Exception {
    server.enqueue(status(200));
    URI named = URI.create("http://push_server:" + server.getPort() + "/update/token");
    try (Notifier other =
        Notifier.builder()
            .permitHost("push_server")
            .dns(name -> List.of(InetAddress.getLoopbackAddress()))
            .build()) {
      assertThat(other.publish(named, 1).get(20, TimeUnit.SECONDS))
          .isEqualTo(new Verdict.Accepted());
    }
  }

  @Test
  void noThreadOutlivesClose() throws Exception {
    assertThat(verdict(status(200))).isEqualTo(new Verdict.Accepted());
    notifier.close();
    // Soon, because a thread that has nothing left to do may wait for a processor.
    await().atMost(Duration.ofSeconds(20)).until(() -> threads().isEmpty());
  }

  /** Returns the names of the threads of all notifiers that are alive. */
  private static List<String> threads() {
    Thread[] threads = new Thread[Thread.activeCount() + 50];
    int n = Thread.enumerate(threads);
    return Arrays.stream(threads, 0, n)
        .filter(Thread::isAlive)
        .map(Thread::getName)
        .filter(name -> name.startsWith("simplepush-notifier-"))
        .toList();
  }

  @Test
  void executorHandedInSurvivesClose() throws Exception {
    ExecutorService mine = Executors.newCachedThreadPool();
    try {
      Notifier other = Notifier.builder().permitHost("localhost").executor(mine).build();
      server.enqueue(status(200));
      assertThat(other.publish(endpoint, 1).get(20, TimeUnit.SECONDS))
          .isEqualTo(new Verdict.Accepted());
      other.close();
      assertThat(mine.submit(() -> "alive").get(20, TimeUnit.SECONDS)).isEqualTo("alive");
    } finally {
      mine.shutdown();
    }
  }

  @Test
  void metricsShowTheStatistics() throws Exception {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    new NotifierMetrics(notifier).bindTo(registry);
    assertThat(verdict(status(410))).isEqualTo(new Verdict.Gone(410));
    assertThat(registry.get("simplepush.notifier.calls").functionCounter().count()).isEqualTo(1);
    assertThat(registry.get("simplepush.notifier.requests").functionTimer().count()).isEqualTo(1);
    assertThat(registry.get("simplepush.notifier.waiting").gauge().value()).isZero();
    assertThat(
            registry
                .get("simplepush.notifier.verdicts")
                .tag("verdict", "gone")
                .functionCounter()
                .count())
        .isEqualTo(1);
    assertThat(registry.getMeters())
        .hasSize(14)
        .allSatisfy(
            meter ->
                assertThat(meter.getId().getDescription())
                    .as(meter.getId().getName())
                    .isNotBlank());
  }

  @Test
  void negativeVersionIsThrownByTheCall() {
    assertThatThrownBy(() -> notifier.publish(endpoint, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("-1");
  }

  @Test
  void closedNotifierTakesNothing() {
    notifier.close();
    assertThatThrownBy(() -> notifier.publish(endpoint, 1))
        .isInstanceOf(IllegalStateException.class);
  }
}
