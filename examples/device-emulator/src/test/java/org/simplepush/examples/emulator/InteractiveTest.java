package org.simplepush.examples.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.server.PushServer;

/** One device, typed to through a pipe. */
@Timeout(180)
class InteractiveTest {
  @TempDir private Path folder;
  private PushServer server;

  @BeforeEach
  void startServer() throws Exception {
    server = PushServer.builder().port(0).endpointPort(0).build().start();
  }

  @AfterEach
  void closeServer() {
    server.close();
  }

  private Emulator run() throws Exception {
    return new Emulator(
        "--server",
        server.webSocketUri().toString(),
        "--first-backoff",
        "200ms",
        "--storage",
        folder.toString(),
        "--interactive");
  }

  private static int put(String endpoint, long version) throws Exception {
    HttpRequest put =
        HttpRequest.newBuilder(URI.create(endpoint))
            .PUT(HttpRequest.BodyPublishers.ofString("version=" + version))
            .build();
    return HttpClient.newHttpClient().send(put, BodyHandlers.discarding()).statusCode();
  }

  private static String lastWord(String line) {
    return line.substring(line.lastIndexOf(' ') + 1);
  }

  @Test
  void personInstallsRegistersAndSeesPushesArrive() throws Exception {
    try (Emulator device = run()) {
      device.awaitLine("connected");
      device.type("install mail");
      assertThat(device.awaitLine("installed")).isEqualTo("installed mail");
      device.type("register mail");
      String endpoint = lastWord(device.awaitLine("endpoint 1 mail http"));
      assertThat(put(endpoint, 7)).isEqualTo(200);
      assertThat(device.awaitLine("push")).isEqualTo("push mail 1 version 7");

      device.type("list");
      device.awaitLine("application mail");
      assertThat(device.awaitLine("  1")).startsWith("  1 version ").endsWith(endpoint);

      device.type("install calendar");
      device.type("registrations mail");
      device.awaitLine("application mail");
      assertThat(device.awaitLine("  1")).endsWith(endpoint);
      device.type("list");
      device.awaitLine("application calendar");
      device.awaitLine("application mail");

      device.type("unregister 1");
      device.awaitLine("unregistered 1");
      device.type("list");
      device.type("uninstall mail");
      assertThat(device.awaitLine("uninstalled")).isEqualTo("uninstalled mail");
      device.type("quit");
      assertThat(device.exitCode()).isZero();
      assertThat(put(endpoint, 8)).isEqualTo(410);
    }
  }

  @Test
  void whatHappenedWhileOfflineArrivesOnline() throws Exception {
    try (Emulator device = run()) {
      device.awaitLine("connected");
      device.type("install mail");
      device.type("register mail");
      String endpoint = lastWord(device.awaitLine("endpoint 1 mail http"));
      device.type("offline");
      device.awaitLine("disconnected");
      assertThat(put(endpoint, 254)).isEqualTo(200);
      assertThat(put(endpoint, 255)).isEqualTo(200);
      device.type("online");
      device.awaitLine("connected");
      String push = device.awaitLine("push");
      assertThat(push).as("the versions have collapsed").isEqualTo("push mail 1 version 255");
    }
  }

  @Test
  void queuedRegisterIsAnsweredOnceOnline() throws Exception {
    try (Emulator device = run()) {
      device.type("install mail");
      device.type("offline");
      device.awaitLine("offline");
      device.type("register-later mail");
      device.awaitLine("queued");
      device.type("online");
      device.awaitLine("endpoint 1 mail http");
    }
  }

  @Test
  void mistakesAreExplainedAndTheEndOfInputIsTheEnd() throws Exception {
    try (Emulator device = run()) {
      device.type("dance");
      assertThat(device.awaitLine("error")).contains("no dance");
      device.type("dance mail");
      assertThat(device.awaitLine("error")).contains("no dance");
      device.type("register");
      assertThat(device.awaitLine("error")).isEqualTo("error: write register APP");
      device.type("list mail twice");
      assertThat(device.awaitLine("error")).isEqualTo("error: write list [APP]");
      device.type("offline mail");
      assertThat(device.awaitLine("error")).isEqualTo("error: write offline alone");
      device.type("registrations mail");
      assertThat(device.awaitLine("error")).contains("no application mail");
      device.type("register mail");
      assertThat(device.awaitLine("error")).contains("install it first");
      device.type("unregister 5");
      assertThat(device.awaitLine("error")).contains("no endpoint 5");
      device.type("help");
      device.awaitLine("quit ");
      device.endInput();
      assertThat(device.exitCode()).isZero();
    }
  }

  @Test
  void deviceThatCannotConnectSaysWhy() throws Exception {
    try (PushServer tls = TlsServers.start(folder);
        Emulator device =
            new Emulator("--server", "wss://localhost:" + tls.port() + "/", "--interactive")) {
      assertThat(device.awaitLine("disconnected"))
          .contains("the server's TLS certificate is not trusted: ")
          .contains("; next attempt in ");
      device.type("install mail");
      device.type("register mail");
      assertThat(device.awaitLine("error: NetworkError"))
          .contains("the server's TLS certificate is not trusted: ");
    }
  }

  @Test
  void installedApplicationsAreThereAfterARestart() throws Exception {
    String endpoint;
    try (Emulator device = run()) {
      device.type("install mail");
      device.type("register mail");
      endpoint = lastWord(device.awaitLine("endpoint 1 mail http"));
      device.endInput();
      assertThat(device.exitCode()).isZero();
    }
    assertThat(put(endpoint, 3)).isEqualTo(200);
    try (Emulator device = run()) {
      device.awaitLine("installed mail");
      assertThat(device.awaitLine("push")).isEqualTo("push mail 1 version 3");
    }
  }
}
