package org.simplepush.examples.standalone;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Proxy;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.StoreException;
import org.simplepush.server.PushServer;

/** What load balancers and operators are told. */
@Timeout(60)
class HealthTest {
  private static final String OK = "{\"status\":\"OK\",\"store\":\"OK\"}";
  private static final String SICK = "{\"status\":\"ERROR\",\"store\":\"ERROR\"}";
  private static final String UP = "{\"status\":\"OK\"}";

  /** What a check of the shared store comes to. */
  private volatile CompletableFuture<Void> check = CompletableFuture.completedFuture(null);

  private final InMemoryVersionStore memory = new InMemoryVersionStore();

  private SharedVersionStore sharedStore() {
    Class<?>[] interfaces = {SharedVersionStore.class};
    return (SharedVersionStore)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            interfaces,
            (store, method, arguments) ->
                switch (method.getName()) {
                  case "check" -> check;
                  case "join" -> node();
                  default -> method.invoke(memory, arguments);
                });
  }

  /** Nobody connects here. */
  private SharedVersionStore.Node node() {
    Class<?>[] interfaces = {SharedVersionStore.Node.class};
    return (SharedVersionStore.Node)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            interfaces,
            (node, method, arguments) ->
                method.getReturnType() == void.class
                    ? null
                    : CompletableFuture.completedFuture(null));
  }

  private static HttpResponse<String> get(ManagementServer management, String path)
      throws Exception {
    URI uri = URI.create("http://127.0.0.1:" + management.port() + path);
    return HttpClient.newHttpClient()
        .send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString());
  }

  private static void isRed(ManagementServer management, String body) throws Exception {
    HttpResponse<String> heartbeat = get(management, "/__heartbeat__");
    assertThat(heartbeat.statusCode()).isEqualTo(503);
    assertThat(heartbeat.body()).isEqualTo(body);
    HttpResponse<String> process = get(management, "/__lbheartbeat__");
    assertThat(process.statusCode()).isEqualTo(200);
    assertThat(process.body()).isEqualTo(UP);
  }

  @Test
  void heartbeatIsRedIfTheSharedStoreOrItsBusDoesNotWork() throws Exception {
    try (PushServer server =
            PushServer.builder().port(0).endpointPort(0).store(sharedStore()).build().start();
        ManagementServer management = ManagementServer.start("127.0.0.1", 0, server)) {
      assertThat(get(management, "/__heartbeat__").body()).isEqualTo(OK);
      check = CompletableFuture.failedFuture(new StoreException("No word came back"));
      isRed(management, SICK);
      check = CompletableFuture.completedFuture(null);
      assertThat(get(management, "/__heartbeat__").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void heartbeatIsRedWhileTheServerDrains() throws Exception {
    try (PushServer server =
            PushServer.builder()
                .port(0)
                .endpointPort(0)
                .store(memory)
                .drain(Duration.ofDays(1))
                .build()
                .start();
        ManagementServer management = ManagementServer.start("127.0.0.1", 0, server)) {
      WebSocket device =
          HttpClient.newHttpClient()
              .newWebSocketBuilder()
              .buildAsync(server.webSocketUri(), new WebSocket.Listener() {})
              .join();
      CompletableFuture<Void> closed = server.closeAsync();
      isRed(management, "{\"status\":\"CLOSING\"}");
      assertThat(closed).isNotDone();
      device.abort();
      closed.join();
      isRed(management, "{\"status\":\"CLOSING\"}");
    }
  }

  @Test
  void halfRequestsDoNotKeepOthersWaiting() throws Exception {
    List<Socket> half = new ArrayList<>();
    try (ServerProcess server = ServerProcess.start("--management-port", "0")) {
      URI management = URI.create(server.management());
      for (int i = 0; i < 100; i++) {
        Socket socket = new Socket(management.getHost(), management.getPort());
        half.add(socket);
        socket.getOutputStream().write("GET /metrics HTTP/1.1\r\nHo".getBytes(US_ASCII));
      }
      HttpClient client = HttpClient.newHttpClient();
      for (String page : List.of("/__heartbeat__", "/__lbheartbeat__", "/metrics")) {
        HttpRequest request =
            HttpRequest.newBuilder(management.resolve(page))
                .timeout(Duration.ofSeconds(20))
                .build();
        assertThat(client.send(request, BodyHandlers.ofString()).statusCode()).isEqualTo(200);
      }
    } finally {
      for (Socket socket : half) {
        socket.close();
      }
    }
  }
}
