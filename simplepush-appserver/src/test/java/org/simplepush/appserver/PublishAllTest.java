package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PublishAllTest {
  private static final int WINDOW = 64;

  private final MockWebServer server = new MockWebServer();
  private final Set<String> asked = ConcurrentHashMap.newKeySet();
  private volatile CountDownLatch gate = new CountDownLatch(0);
  private final Notifier notifier =
      Notifier.builder().permitHost("localhost").window(WINDOW).build();

  @BeforeEach
  void start() throws Exception {
    server.setDispatcher(
        new Dispatcher() {
          @Override
          public MockResponse dispatch(RecordedRequest request) throws InterruptedException {
            asked.add(request.getTarget());
            gate.await();
            String[] path = request.getTarget().split("/");
            return new MockResponse.Builder().code(Integer.parseInt(path[1])).build();
          }
        });
    server.start();
  }

  @AfterEach
  void stop() {
    gate.countDown();
    notifier.close();
    server.close();
  }

  /** An endpoint whose answers have {@code status}. */
  private URI endpoint(int status, int n) {
    return server.url("/" + status + "/" + n).uri();
  }

  private static Summary get(CompletableFuture<Summary> future) throws Exception {
    return future.get(30, TimeUnit.SECONDS);
  }

  @Test
  void everyEndpointGetsItsVerdict() throws Exception {
    List<URI> endpoints = new ArrayList<>();
    IntStream.range(0, 500).forEach(n -> endpoints.add(endpoint(200, n)));
    IntStream.range(0, 30).forEach(n -> endpoints.add(endpoint(410, n)));
    IntStream.range(0, 20).forEach(n -> endpoints.add(endpoint(400, n)));
    IntStream.range(0, 9).forEach(n -> endpoints.add(URI.create("http://10.0.0.1/" + n)));
    endpoints.add(URI.create("https://1.2.3.4.5/")); // looks like an address, and is none
    Collections.shuffle(endpoints, new java.util.Random(1));
    List<URI> heard = new ArrayList<>(); // calls come one at a time
    AtomicBoolean inCall = new AtomicBoolean();
    List<URI> gone = new ArrayList<>();

    Summary summary =
        get(
            notifier.publishAll(
                endpoints,
                7,
                (endpoint, verdict) -> {
                  assertThat(inCall.getAndSet(true)).isFalse();
                  heard.add(endpoint);
                  if (verdict instanceof Verdict.Gone) {
                    gone.add(endpoint);
                  }
                  inCall.set(false);
                }));

    assertThat(summary).isEqualTo(new Summary(500, 0, 30, 20, 10, 0, true));
    assertThat(summary.total()).isEqualTo(560);
    assertThat(heard).containsExactlyInAnyOrderElementsOf(endpoints);
    assertThat(gone).hasSize(30).allMatch(endpoint -> endpoint.getPath().startsWith("/410/"));
    assertThat(asked).hasSize(550);
  }

  @Test
  void noEndpointsAreDoneAtOnce() throws Exception {
    assertThat(get(notifier.publishAll(List.of(), 7, (endpoint, verdict) -> {})))
        .isEqualTo(new Summary(0, 0, 0, 0, 0, 0, true));
  }

  @Test
  void endpointsArePulledAsVerdictsCome() throws Exception {
    AtomicInteger pulled = new AtomicInteger();
    AtomicInteger done = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    Iterable<URI> lazy =
        Stream.iterate(0, n -> n + 1)
                .limit(2000)
                .map(
                    n -> {
                      int lead = pulled.incrementAndGet() - done.get();
                      most.accumulateAndGet(lead, Math::max);
                      return endpoint(200, n);
                    })
            ::iterator;
    Summary summary =
        get(notifier.publishAll(lazy, 7, (endpoint, verdict) -> done.incrementAndGet()));
    assertThat(summary.accepted()).isEqualTo(2000);
    assertThat(most.get()).isBetween(1, WINDOW);
  }

  @Test
  void slowListenerHoldsThePullingBack() throws Exception {
    CountDownLatch first = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    AtomicInteger pulled = new AtomicInteger();
    Iterable<URI> lazy =
        IntStream.range(0, 300)
                .mapToObj(
                    n -> {
                      pulled.incrementAndGet();
                      return endpoint(200, n);
                    })
            ::iterator;
    CompletableFuture<Summary> future =
        notifier.publishAll(
            lazy,
            7,
            (endpoint, verdict) -> {
              first.countDown();
              try {
                go.await();
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    assertThat(first.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(pulled.get()).isLessThanOrEqualTo(WINDOW + 1);
    go.countDown();
    assertThat(get(future).accepted()).isEqualTo(300);
  }

  @Test
  void listenerThatThrowsStopsNothing() throws Exception {
    List<URI> endpoints = IntStream.range(0, 5).mapToObj(n -> endpoint(200, n)).toList();
    Summary summary =
        get(
            notifier.publishAll(
                endpoints,
                7,
                (endpoint, verdict) -> {
                  throw new AssertionError("thrown by the test's listener");
                }));
    assertThat(summary.accepted()).isEqualTo(5);
  }

  @Test
  void iteratorThatThrowsFailsTheFutureAfterTheVerdicts() {
    AtomicInteger heard = new AtomicInteger();
    Iterable<URI> broken =
        IntStream.range(0, 10)
                .mapToObj(
                    n -> {
                      if (n == 5) {
                        throw new IllegalStateException("the database went away");
                      }
                      return endpoint(200, n);
                    })
            ::iterator;
    CompletableFuture<Summary> future =
        notifier.publishAll(broken, 7, (endpoint, verdict) -> heard.incrementAndGet());
    assertThatThrownBy(() -> get(future)).hasRootCauseMessage("the database went away");
    assertThat(heard.get()).isEqualTo(5);
  }

  @Test
  void cancelEndsThePulling() throws Exception {
    gate = new CountDownLatch(1);
    AtomicInteger pulled = new AtomicInteger();
    Iterator<URI> endless =
        IntStream.iterate(0, n -> n + 1)
            .mapToObj(
                n -> {
                  pulled.incrementAndGet();
                  return endpoint(200, n);
                })
            .iterator();
    CompletableFuture<Summary> future =
        notifier.publishAll(() -> endless, 7, (endpoint, verdict) -> {});
    future.cancel(true);
    gate.countDown();
    assertThatThrownBy(() -> get(future)).isInstanceOf(CancellationException.class);
    notifier.closeAsync().get(20, TimeUnit.SECONDS); // which waits for the fan-out to end
    assertThat(pulled.get()).isLessThanOrEqualTo(2 * WINDOW);
  }

  @Test
  void closeCutsAnEndlessFanOutShort() throws Exception {
    Notifier brief =
        Notifier.builder()
            .permitHost("localhost")
            .window(WINDOW)
            .drain(Duration.ofMillis(50))
            .build();
    CountDownLatch first = new CountDownLatch(1);
    CompletableFuture<Summary> future =
        brief.publishAll(
            Stream.iterate(0, n -> n + 1).map(n -> endpoint(200, n))::iterator,
            7,
            (endpoint, verdict) -> first.countDown());
    assertThat(first.await(20, TimeUnit.SECONDS)).isTrue();
    brief.close();
    assertThat(get(future).complete()).isFalse();
    assertThatThrownBy(() -> brief.publishAll(List.of(), 1, (endpoint, verdict) -> {}))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void closeDrainsAFanOutThatEnds() throws Exception {
    List<URI> endpoints = IntStream.range(0, 300).mapToObj(n -> endpoint(200, n)).toList();
    CompletableFuture<Summary> future =
        notifier.publishAll(endpoints, 7, (endpoint, verdict) -> {});
    notifier.close();
    assertThat(get(future)).isEqualTo(new Summary(300, 0, 0, 0, 0, 0, true));
  }
}
