package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.TestServers.eventually;
import static org.simplepush.server.fixtures.TestServers.server;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.server.fixtures.Certificates;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawSocket;

/** What is in front of the HTTP server of the JDK if that has TLS, and what it bounds. */
@Timeout(60)
@ExtendWith(Hygiene.class)
class JdkTlsFrontTest {
  /** The start of a ClientHello. */
  private static final String HALF_HANDSHAKE = "\u0016\u0003\u0001\u0000\u00c4\u0001\u0000";

  private static SSLContext tls;

  private final List<RawSocket> crowd = new ArrayList<>();

  @BeforeAll
  static void makeCertificate(@TempDir Path folder) throws Exception {
    tls = Certificates.selfSigned(folder.resolve("keystore.p12"));
  }

  @AfterEach
  void leave() throws IOException {
    for (RawSocket socket : crowd) {
      socket.close();
    }
  }

  private static long heldByRequests(PushServer server) {
    return server.statistics().memory().stream()
        .filter(use -> use.kind().equals("requests"))
        .findFirst()
        .orElseThrow()
        .used();
  }

  private static void assertServes(PushServer server) throws Exception {
    try (RawHttp http = RawHttp.connectTls(server.endpointPort(), tls)) {
      assertAnswered(http);
    }
  }

  private static void assertAnswered(RawHttp http) throws Exception {
    assertThat(http.exchange("PUT", "/update/x", "", "Content-Length: 0").status()).isEqualTo(404);
  }

  private RawSocket silent(PushServer server) throws IOException {
    RawSocket socket = RawSocket.connect(server.endpointPort());
    crowd.add(socket);
    return socket;
  }

  @Test
  void connectionsThatWereAnsweredTheLongestAgoMakeRoom() throws Exception {
    try (PushServer server = server().tls(tls).maxMemory(8 << 20).build().start();
        RawHttp busy = RawHttp.connectTls(server.endpointPort(), tls)) {
      assertAnswered(busy);
      for (int i = 0; i < 400; i++) { // twice as many as there is room for
        silent(server).write(HALF_HANDSHAKE);
        if (i % 20 == 0) {
          assertAnswered(busy);
        }
      }
      assertThat(crowd.get(0).readToEnd()).isEmpty();
      assertServes(server);
      assertAnswered(busy);
    }
  }

  @Test
  void whatConnectionsHeldIsLetGo() throws Exception {
    try (PushServer server = server().tls(tls).build().start()) {
      for (int i = 0; i < 20; i++) {
        silent(server);
        silent(server).write(HALF_HANDSHAKE);
        RawSocket idle = RawSocket.connectTls(server.endpointPort(), tls, null, 0);
        crowd.add(idle);
        RawSocket half = RawSocket.connectTls(server.endpointPort(), tls, null, 0);
        crowd.add(half);
        half.write(RawHttp.head("PUT", "/update/x", "Content-Length: 4000") + "version");
      }
      eventually(() -> assertThat(heldByRequests(server)).isGreaterThan(20 * 64 * 1024));
      leave();
      eventually(() -> assertThat(heldByRequests(server)).isZero());
      assertServes(server);
    }
  }

  @Test
  void addressHasItsShareOfConnections() throws Exception {
    try (PushServer server =
        server().tls(tls).maxConnectionsPerAddress(5).limitLoopback(true).build().start()) {
      for (int i = 0; i < 5; i++) {
        crowd.add(RawSocket.connectTls(server.endpointPort(), tls, null, 0));
      }
      assertThat(silent(server).readToEnd()).isEmpty();
      crowd.get(0).close();
      eventually(() -> assertServes(server));
    }
  }

  @Test
  void alertSaysWhyAHandshakeFails() throws Exception {
    try (PushServer server = server().tls(tls).build().start();
        RawSocket socket = silent(server)) {
      socket.write("\u0016\u0003\u0001\u0000\u0004\u0001\u0000\u0000\u0000"); // an empty hello
      byte[] alert = socket.readToEnd();
      assertThat(alert).hasSizeGreaterThanOrEqualTo(7);
      assertThat(alert[0]).as("record type").isEqualTo((byte) 21);
    }
  }

  @Test
  void clientThatReadsNoAnswersIsNotReadOnAndNobodyWaitsForIt() throws Exception {
    try (PushServer server = server().tls(tls).build().start()) {
      for (int i = 0; i < 10; i++) {
        RawSocket deaf = RawSocket.connectTls(server.endpointPort(), tls, null, 4 * 1024);
        crowd.add(deaf);
        String requests = RawHttp.head("GET", "/update/x", "Content-Length: 0").repeat(200);
        Thread sender =
            new Thread(
                () -> {
                  for (int j = 0; j < 100; j++) {
                    deaf.writeWhilePeerListens(requests.getBytes(StandardCharsets.US_ASCII));
                  }
                });
        sender.setDaemon(true);
        sender.start();
      }
      for (int i = 0; i < 20; i++) {
        assertServes(server);
      }
      assertThat(heldByRequests(server)).isLessThan(4 << 20);
    }
  }

  @Test
  void closingTheServerEndsIdleConnectionsInOrder() throws Exception {
    PushServer server = server().tls(tls).build().start();
    try (RawHttp kept = RawHttp.connectTls(server.endpointPort(), tls)) {
      assertAnswered(kept);
      RawSocket silent = silent(server);
      server.close();
      assertThat(kept.readToEnd()).isEmpty();
      assertThat(silent.readToEnd()).isEmpty();
    }
  }
}
