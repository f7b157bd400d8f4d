package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.OTHER_CHANNEL;

import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.server.fixtures.JdkFrontProcess;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.WireDevice;

/**
 * Strangers who keep more connections to the HTTP server of the JDK than may be idle: no request of
 * others is lost on a connection that the server had closed without saying so.
 */
@Timeout(60)
class KeptConnectionsWireTest {
  private static final int MOST_KEPT = 200;
  private static final int STRANGERS = MOST_KEPT + 100;
  private static final int PUTS = 50;

  private final List<RawHttp> strangers = new ArrayList<>();
  private JdkFrontProcess server;
  private WireDevice device;
  private RawHttp sender;

  @BeforeEach
  void start(@TempDir Path folder) throws Exception {
    server = JdkFrontProcess.start(folder, false);
    device = WireDevice.fresh(server.port);
    sender = RawHttp.connect(server.endpointPort);
  }

  @AfterEach
  void end() throws Exception {
    for (RawHttp each : strangers) {
      each.close();
    }
    sender.close();
    device.close();
    server.close();
  }

  /** Each sends a PUT and keeps its connection; returns how many the server keeps, too. */
  private int occupy(URI endpoint, int status) throws Exception {
    int kept = 0;
    for (int i = 0; i < STRANGERS; i++) {
      RawHttp stranger = RawHttp.connect(server.endpointPort);
      strangers.add(stranger);
      RawHttp.Response answer = stranger.putOn(endpoint, "version=1");
      assertThat(answer.status()).isEqualTo(status);
      if (answer.header("Connection") == null) {
        kept++;
      }
    }
    return kept;
  }

  @Test
  void strangersWithoutAnEndpointTakeHalfOfThePlaces() throws Exception {
    URI endpoint = device.register(CHANNEL);
    assertThat(sender.putOn(endpoint, "version=1").status()).isEqualTo(200);
    assertThat(occupy(endpoint.resolve("/update/x"), 404)).isLessThanOrEqualTo(MOST_KEPT / 2);
    for (int version = 2; version <= PUTS; version++) {
      RawHttp.Response answer = sender.putOn(endpoint, "version=" + version);
      assertThat(answer.status()).isEqualTo(200);
      assertThat(answer.header("Connection")).as("it is kept").isNull();
    }
    device.expectUpdate(CHANNEL, 1);
  }

  @Test
  void answerThatIsTheLastOnItsConnectionSaysSo() throws Exception {
    URI endpoint = device.register(CHANNEL);
    URI ofStrangers = device.register(OTHER_CHANNEL);
    assertThat(occupy(ofStrangers, 200)).isLessThanOrEqualTo(MOST_KEPT);
    int connections = 1;
    for (int version = 1; version <= PUTS; version++) {
      RawHttp.Response answer = sender.putOn(endpoint, "version=" + version);
      assertThat(answer.status()).isEqualTo(200);
      if ("close".equals(answer.header("Connection"))) {
        sender.close();
        sender = RawHttp.connect(server.endpointPort);
        connections++;
      }
    }
    assertThat(connections).isGreaterThan(1);
  }
}
