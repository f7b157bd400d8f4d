package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.URI;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.server.fixtures.Firefox;
import org.simplepush.server.fixtures.RawHttp;

/**
 * Firefox, whose push client still speaks this protocol, as the device. Run with {@code mvn test
 * -Pfirefox -pl simplepush-server -am}.
 */
@Tag("firefox")
@Timeout(value = 240, unit = TimeUnit.SECONDS)
class FirefoxTest {
  @TempDir private Path home;

  private final EndpointKeys keys = EndpointKeys.ephemeral();
  private InMemoryVersionStore store = new InMemoryVersionStore();
  private PushServer server;
  private Firefox firefox;

  @BeforeEach
  void startBoth() throws Exception {
    server = start(0, 0);
    firefox = Firefox.start(home, server.webSocketUri());
  }

  @AfterEach
  void stopBoth() {
    if (firefox != null) {
      firefox.close();
    }
    server.close();
  }

  private PushServer start(int port, int endpointPort) throws Exception {
    return PushServer.builder()
        .port(port)
        .endpointPort(endpointPort)
        .store(store)
        .keys(keys)
        .build()
        .start();
  }

  /** Closes the server and starts another one on the same ports, with these versions. */
  private void restart(InMemoryVersionStore with) throws Exception {
    int port = server.port();
    int endpointPort = server.endpointPort();
    server.close();
    store = with;
    server = start(port, endpointPort);
  }

  private static int put(URI endpoint, String body) throws Exception {
    return RawHttp.put(endpoint, body).status();
  }

  @Test
  void subscribesReceivesAndSurvivesRestartsOfTheServer() throws Exception {
    URI endpoint = URI.create(firefox.expect("subscribed"));
    assertThat(put(endpoint, "version=1")).isEqualTo(200);
    assertThat(firefox.expect("push")).isEqualTo(endpoint.toString());
    assertThat(put(endpoint, "version=2")).isEqualTo(200);
    assertThat(firefox.expect("push")).isEqualTo(endpoint.toString());

    // The server comes back with all it knew: Firefox resumes and gets what it missed.
    restart(store);
    assertThat(put(endpoint, "version=3")).isEqualTo(200);
    assertThat(firefox.expect("push")).isEqualTo(endpoint.toString());

    // The server comes back and knows nothing: it must not hide that, and Firefox subscribes anew.
    restart(new InMemoryVersionStore());
    firefox.expect("dropped");
    URI fresh = URI.create(firefox.expect("subscribed"));
    assertThat(fresh).isNotEqualTo(endpoint);
    assertThat(put(endpoint, "version=4")).isEqualTo(410);
    assertThat(put(fresh, "")).isEqualTo(200);
    assertThat(firefox.expect("push")).isEqualTo(fresh.toString());
    firefox.expectNothingMore();
    await().untilAsserted(() -> assertThat(server.statistics().updatesAcknowledged()).isOne());
  }
}
