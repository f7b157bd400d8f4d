package org.simplepush.server.jetty;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.TestServers.awaitRelease;
import static org.simplepush.server.fixtures.TestServers.eventually;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.io.AbstractConnection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.ServerConnector;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.server.EndpointHandler;
import org.simplepush.server.EndpointServer;
import org.simplepush.server.fixtures.RawHttp;

/** Two threads that Jetty lets at one connection: the one that reads, and one that goes on. */
@Timeout(60)
class RequestTurnTest {
  /** A request that is being read as long as a test wants. */
  private static final class Held implements EndpointHandler {
    final CountDownLatch reading = new CountDownLatch(1);
    final CountDownLatch release = new CountDownLatch(1);

    @Override
    public CompletionStage<Response> handle(Request request) {
      reading.countDown();
      awaitRelease(release);
      return CompletableFuture.completedStage(new Response(204, Map.of(), ""));
    }

    @Override
    public int bodyLimit() {
      return 100;
    }
  }

  /** What Jetty has another thread run when an answer is complete. */
  private static final class GoesOn extends AbstractConnection implements Runnable {
    final CountDownLatch ran = new CountDownLatch(1);

    GoesOn(EndPoint endPoint) {
      super(endPoint, Runnable::run);
    }

    @Override
    public void onFillable() {}

    @Override
    public void run() {
      ran.countDown();
    }
  }

  @Test
  void connectionGoesOnWhenTheThreadThatReadsItHasFinished() throws Exception {
    Held held = new Held();
    RunningJetty jetty =
        RunningJetty.start(
            new EndpointServer.Binding(new InetSocketAddress("127.0.0.1", 0), null, "turn"),
            held,
            Duration.ofSeconds(30));
    try (RawHttp http = RawHttp.connect(jetty.port())) {
      http.send(RawHttp.head("PUT", "/update/x", "Content-Length: 0"));
      held.reading.await();
      ServerConnector connector = (ServerConnector) jetty.server().getConnectors()[0];
      GoesOn goesOn = new GoesOn(connector.getConnectedEndPoints().iterator().next());

      jetty.server().getThreadPool().execute(goesOn);

      eventually(
          () ->
              assertThat(Thread.getAllStackTraces().keySet())
                  .as("it waits for its turn")
                  .anyMatch(
                      thread ->
                          thread.getName().startsWith("turn-endpoint")
                              && thread.getState() == Thread.State.BLOCKED));
      assertThat(goesOn.ran.getCount()).isEqualTo(1);
      held.release.countDown();
      assertThat(goesOn.ran.await(20, TimeUnit.SECONDS)).isTrue();
      assertThat(http.response("PUT").status()).isEqualTo(204);
    } finally {
      held.release.countDown();
      jetty.close(Duration.ZERO);
    }
  }
}
