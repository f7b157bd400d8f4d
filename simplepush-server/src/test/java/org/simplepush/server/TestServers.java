package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.awaitility.core.ThrowingRunnable;
import org.simplepush.server.jetty.JettyEndpointServer;

/** Settings that the tests on real sockets have in common. */
final class TestServers {
  static final String CHANNEL = "d9b74644-4f97-46aa-b8fa-9393985cd6cd";
  static final String OTHER_CHANNEL = "5a62b9f0-8e53-4a1c-8f4e-7c6ae0ea5a10";

  /** What can be behind the endpoint port: the HTTP server of the JDK, and Jetty. */
  static final List<EndpointServer> ENDPOINT_SERVERS =
      List.of(
          (binding, handler) ->
              JdkEndpointServer.start(
                  binding, null, handler, new FailureLog(null, System::nanoTime)),
          new JettyEndpointServer());

  private TestServers() {}

  /** A server on free ports that lets devices ping as often as they like, with two event loops. */
  static PushServer.Builder server() {
    return PushServer.builder()
        .port(0)
        .endpointPort(0)
        .pingMinInterval(Duration.ZERO)
        .eventLoops(2)
        .keys(EndpointKeys.ephemeral());
  }

  /** Publishes without HTTP in between. */
  static void publish(PushServer server, URI endpoint, long version) {
    EndpointHandler.Response response =
        server
            .endpointHandler()
            .handle(TestRequest.put(endpoint.getRawPath(), "version=" + version))
            .toCompletableFuture()
            .join();
    assertThat(response.status()).isEqualTo(200);
  }

  /** For what no message announces: asks again and again, soon. */
  static void eventually(ThrowingRunnable assertion) {
    await()
        .pollDelay(Duration.ZERO)
        .pollInterval(Duration.ofMillis(5))
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(assertion);
  }

  /** The n-th of many channels. */
  static String channel(int n) {
    return "00000000-0000-4000-8000-%012d".formatted(n);
  }
}
