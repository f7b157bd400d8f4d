package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.TestServers.eventually;
import static org.simplepush.server.fixtures.TestServers.server;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.eclipse.jetty.server.Response;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.LoggedMessages;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawSocket;
import org.simplepush.server.jetty.JettyEndpointServer;

/** Many connections to the endpoint port on Jetty, and what they may hold (protocol §13). */
@Timeout(60)
@ExtendWith(Hygiene.class)
class CrowdedEndpointWireTest {
  private static final int KB = 1024;

  private final List<RawHttp> crowd = new ArrayList<>();

  private static PushServer.Builder jetty() {
    return server().endpointServer(new JettyEndpointServer());
  }

  private RawHttp connect(PushServer server) throws IOException {
    RawHttp http = RawHttp.connect(server.endpointPort());
    crowd.add(http);
    return http;
  }

  private static void assertAnswered(RawHttp http) throws Exception {
    assertThat(http.exchange("PUT", "/update/x", "", "Content-Length: 0").status()).isEqualTo(404);
  }

  /**
   * One that came in the midst of a burst may have been closed with it: then it comes again, as
   * senders do.
   */
  private static void assertNewSenderIsAnswered(PushServer server) throws Exception {
    long deadline = RawSocket.deadline(RawSocket.TIMEOUT);
    boolean answered = false;
    while (!answered) {
      try (RawHttp fresh = RawHttp.connect(server.endpointPort())) {
        assertAnswered(fresh);
        answered = true;
      } catch (IOException closed) {
        assertThat(System.nanoTime()).as("time of %s", closed).isLessThan(deadline);
      }
    }
  }

  private static ServerStatistics.MemoryUse requests(PushServer server) {
    return server.statistics().memory().stream()
        .filter(use -> use.kind().equals("requests"))
        .findFirst()
        .orElseThrow();
  }

  private static long heldByRequests(PushServer server) {
    return requests(server).used();
  }

  private static long shed(PushServer server) {
    return requests(server).shed();
  }

  @AfterEach
  void leave() throws IOException {
    for (RawHttp http : crowd) {
      http.close();
    }
  }

  @Test
  void idleConnectionHoldsLittle() throws Exception {
    int count = 500;
    MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
    try (PushServer server = jetty().build().start()) {
      assertAnswered(connect(server));
      memory.gc();
      long before = memory.getHeapMemoryUsage().getUsed();
      for (int i = 0; i < count; i++) {
        RawHttp http = connect(server);
        for (int request = 0; request < 3; request++) {
          http.exchange(
              "PUT",
              "/update/x",
              "version=7",
              "User-Agent: application/" + i,
              "Content-Type: application/x-www-form-urlencoded",
              "Content-Length: 9");
        }
      }
      eventually(
          () -> {
            memory.gc();
            long each = (memory.getHeapMemoryUsage().getUsed() - before) / count;
            // Both ends are in this process, and the client's has a buffer of 16 KB.
            assertThat(each).isLessThan(32 * KB);
          });
    }
  }

  @Test
  void longestIdleConnectionsMakeRoomForNewOnes() throws Exception {
    try (PushServer server = jetty().maxMemory(16 << 20).build().start()) {
      for (int i = 0; i < 1_000; i++) { // three shares of the memory
        assertAnswered(connect(server));
      }
      assertThat(crowd.get(0).readToEnd()).isEmpty();
      assertNewSenderIsAnswered(server);
      leave();
      eventually(() -> assertThat(heldByRequests(server)).isZero());
    }
  }

  @Test
  void silentConnectionsMakeRoomForNewOnes() throws Exception {
    try (PushServer server = jetty().maxMemory(16 << 20).build().start()) {
      for (int i = 0; i < 1_000; i++) {
        connect(server);
      }
      assertNewSenderIsAnswered(server);
      leave();
      eventually(() -> assertThat(heldByRequests(server)).isZero());
    }
  }

  @Test
  void unfinishedHeadsAreBoundedInTotal() throws Exception {
    String manyFields = "a:\n".repeat(4 * KB); // takes the server a hundred bytes for three
    try (PushServer server = jetty().maxMemory(64 << 20).build().start()) {
      for (int i = 0; i < 200; i++) {
        connect(server)
            .socket()
            .writeWhilePeerListens(
                ("PUT /update/x HTTP/1.1\r\nHost: test\r\n" + manyFields)
                    .getBytes(StandardCharsets.US_ASCII));
      }
      eventually(() -> assertThat(shed(server)).isGreaterThan(100));
      assertNewSenderIsAnswered(server);
      leave();
      eventually(() -> assertThat(heldByRequests(server)).isZero());
    }
  }

  @Test
  void unfinishedBodiesAreBoundedInTotal() throws Exception {
    try (LoggedMessages jettyLog = LoggedMessages.of(Response.class);
        PushServer server = jetty().maxMemory(16 << 20).build().start()) {
      for (int i = 0; i < 600; i++) {
        connect(server)
            .socket()
            .writeWhilePeerListens(
                RawHttp.head("PUT", "/update/x", "Content-Length: 4000")
                    .concat("version")
                    .getBytes(StandardCharsets.US_ASCII));
      }
      eventually(() -> assertThat(shed(server)).isGreaterThan(100));
      assertNewSenderIsAnswered(server);
      leave();
      eventually(() -> assertThat(heldByRequests(server)).isZero());
      assertThat(jettyLog.warnings()).as("what would hold endpoints").isEmpty();
    }
  }

  @Test
  void addressHasItsShareOfConnections() throws Exception {
    try (PushServer server =
        jetty().maxConnectionsPerAddress(5).limitLoopback(true).build().start()) {
      for (int i = 0; i < 5; i++) {
        assertAnswered(connect(server));
      }
      assertThat(connect(server).readToEnd()).isEmpty();
      try (RawSocket elsewhere = RawSocket.connectFrom("127.0.0.2", server.endpointPort())) {
        elsewhere.write(RawHttp.head("PUT", "/update/x", "Content-Length: 0"));
        assertThat(elsewhere.readLine(RawSocket.deadline(RawSocket.TIMEOUT))).contains("404");
      }
      crowd.get(0).close();
      assertNewSenderIsAnswered(server);
    }
  }

  @Test
  void tooManyFieldsAreRefused() throws Exception {
    try (PushServer server = jetty().build().start()) {
      URI endpoint = URI.create("http://localhost:" + server.endpointPort() + "/update/x");
      String[] fields = new String[100];
      for (int i = 0; i < fields.length; i++) {
        fields[i] = "X" + i + ": 1";
      }
      assertThat(connect(server).exchange("PUT", endpoint.getRawPath(), "", fields).status())
          .isEqualTo(431);
    }
  }
}
