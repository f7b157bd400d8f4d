package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.server.fixtures.Certificates;
import org.simplepush.server.fixtures.JdkFrontProcess;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawSocket;

/**
 * Clients that begin requests and never end them, more than the HTTP server of the JDK has threads,
 * while no time limit of the JDK helps.
 */
@Timeout(60)
class SlowRequestsWireTest {
  private static final int SLOW = 300;

  private static final String HALF_HEAD = "PUT /update/x HTTP/1.1\r\nHost: te";

  private static final String HALF_BODY =
      RawHttp.head("PUT", "/update/x", "Content-Length: 100") + "versi";

  /** The start of a ClientHello. */
  private static final String HALF_HANDSHAKE = "\u0016\u0003\u0001\u0000\u00c4\u0001\u0000";

  private final List<RawSocket> slow = new ArrayList<>();

  private void begin(int port, String part) throws IOException {
    for (int i = 0; i < SLOW; i++) {
      RawSocket socket = RawSocket.connect(port);
      slow.add(socket);
      socket.write(part);
    }
  }

  private void assertServes(RawHttp kept) throws Exception {
    for (int i = 0; i < 3; i++) {
      assertThat(kept.exchange("PUT", "/update/x", "", "Content-Length: 0").status())
          .isEqualTo(404);
    }
  }

  private void leave() throws IOException {
    for (RawSocket socket : slow) {
      socket.close();
    }
  }

  @Test
  void halfRequestsDoNotKeepOthersWaiting(@TempDir Path folder) throws Exception {
    try (JdkFrontProcess server = JdkFrontProcess.start(folder, false);
        RawHttp kept = RawHttp.connect(server.endpointPort)) {
      assertServes(kept);
      begin(server.endpointPort, HALF_HEAD);
      assertServes(kept);
      begin(server.endpointPort, HALF_BODY);
      assertServes(kept);
      try (RawHttp fresh = RawHttp.connect(server.endpointPort)) {
        assertServes(fresh);
      }
    } finally {
      leave();
    }
  }

  @Test
  void halfHandshakesDoNotKeepOthersWaiting(@TempDir Path folder) throws Exception {
    Path keystore = folder.resolve("keystore.p12");
    SSLContext tls = Certificates.selfSigned(keystore);
    try (JdkFrontProcess server = JdkFrontProcess.start(keystore, true);
        RawHttp kept = RawHttp.connectTls(server.endpointPort, tls)) {
      assertServes(kept);
      begin(server.endpointPort, HALF_HANDSHAKE);
      assertServes(kept);
      try (RawHttp fresh = RawHttp.connectTls(server.endpointPort, tls)) {
        assertServes(fresh);
      }
    } finally {
      leave();
    }
  }
}
