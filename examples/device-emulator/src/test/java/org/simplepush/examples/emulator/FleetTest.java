package org.simplepush.examples.emulator;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.server.PushServer;

/** Small fleets against a real server. */
@Timeout(180)
class FleetTest {
  @TempDir private Path folder;
  private PushServer server;

  @BeforeEach
  void startServer() throws IOException {
    server = server(0, 0);
  }

  @AfterEach
  void closeServer() {
    server.close();
  }

  private PushServer server(int port, int endpointPort) throws IOException {
    return PushServer.builder()
        .port(port)
        .endpointPort(endpointPort)
        .keyFile(folder.resolve("keys"))
        .build()
        .start();
  }

  private Emulator run(String... options) throws IOException {
    Stream<String> common =
        Stream.of("--server", server.webSocketUri().toString(), "--first-backoff", "200ms");
    return new Emulator(Stream.concat(common, Stream.of(options)).toArray(String[]::new));
  }

  private static Map<String, String> summary(List<String> lines) throws IOException {
    return Emulator.fields(lines.get(lines.size() - 1));
  }

  @Test
  void jsonLinesTellEndpointsPushesAndTheSummary() throws Exception {
    try (Emulator emulator =
        run("--devices", "5", "--apps", "2", "--publish", "20", "--duration", "3s", "--json")) {
      List<String> lines = emulator.remainingLines();
      assertThat(emulator.exitCode()).isZero();
      Map<String, Integer> events = new HashMap<>();
      for (String line : lines) {
        Map<String, String> fields = Emulator.fields(line);
        events.merge(fields.get("event"), 1, Integer::sum);
        if (fields.get("event").equals("endpoint")) {
          assertThat(fields).containsKeys("device", "app");
          assertThat(fields.get("endpoint")).startsWith(server.endpointUrl().toString());
        }
      }
      assertThat(events).containsEntry("endpoint", 10).containsEntry("connected", 5);
      assertThat(events.get("push")).as("at least the last word").isGreaterThanOrEqualTo(10);
      assertThat(summary(lines))
          .containsEntry("event", "summary")
          .containsEntry("good", "true")
          .containsEntry("registered", "10")
          .containsEntry("behind", "0");
    }
  }

  @Test
  void devicesThatDropSleepAndForgetLearnTheirLastVersion() throws Exception {
    try (Emulator emulator =
        run(
            Stream.of(
                    "--devices 10 --publish 50 --drop 3 --sleep 3 --sleep-for 500ms",
                    "--forget 3 --duration 5s --json")
                .flatMap(options -> Stream.of(options.split(" ")))
                .toArray(String[]::new))) {
      Map<String, String> summary = summary(emulator.remainingLines());
      assertThat(emulator.exitCode()).as("%s", summary).isZero();
      assertThat(summary).containsEntry("connected", "10").containsEntry("behind", "0");
      for (String what : List.of("dropped", "slept", "forgot", "connectionsLost")) {
        assertThat(Integer.parseInt(summary.get(what))).as(what).isPositive();
      }
    }
  }

  @Test
  void devicesSurviveARestartOfTheServerThatLosesItsStore() throws Exception {
    try (Emulator emulator = run("--devices", "10", "--publish", "20", "--json")) {
      for (int i = 0; i < 10; i++) {
        emulator.awaitLine("{\"event\":\"endpoint\"");
      }
      int port = server.webSocketUri().getPort();
      int endpointPort = server.endpointUrl().getPort();
      server.close();
      server = server(port, endpointPort);
      for (int i = 0; i < 10; i++) {
        emulator.awaitLine("{\"event\":\"endpoint\""); // a new one for each
      }
      emulator.awaitLine("{\"event\":\"push\""); // PUTs succeed again
      emulator.terminate();
      Map<String, String> summary = summary(emulator.remainingLines());
      assertThat(summary)
          .containsEntry("connectionsLost", "10")
          .containsEntry("pushRegisters", "10")
          .containsEntry("behind", "0")
          .containsEntry("good", "true");
    }
  }

  @Test
  void storageKeepsEndpointsFromRunToRun() throws Exception {
    String[] options = {
      "--devices",
      "3",
      "--apps",
      "2",
      "--duration",
      "1s",
      "--storage",
      folder.resolve("devices").toString(),
    };
    assertThat(endpoints(options)).hasSize(6).isEqualTo(endpoints(options));
  }

  private List<String> endpoints(String... options) throws Exception {
    try (Emulator emulator = run(options)) {
      List<String> lines = emulator.remainingLines();
      assertThat(emulator.exitCode()).as("%s", lines).isZero();
      return lines.stream()
          .filter(line -> line.startsWith("device-"))
          .sorted()
          .collect(Collectors.toList());
    }
  }

  @Test
  void signalEndsItWithTheSummary() throws Exception {
    try (Emulator emulator = run("--devices", "2")) {
      emulator.awaitLine("device-2 app-1 http://");
      emulator.terminate();
      assertThat(emulator.remainingLines())
          .anyMatch(line -> line.matches("connected +2"))
          .last()
          .isEqualTo("All is well.");
      assertThat(emulator.exitCode()).isEqualTo(143);
    }
  }

  @Test
  void withoutAServerItFailsAndSaysWhy() throws Exception {
    server.close();
    String reason =
        "the connection could not be opened: 127.0.0.1:"
            + server.port()
            + " refused the connection; is the push server running there?";
    try (Emulator emulator = run("--devices", "3", "--duration", "1s", "--settle", "1s")) {
      assertThat(emulator.remainingLines())
          .anyMatch(line -> line.endsWith(" × " + reason))
          .last()
          .asString()
          .startsWith("Not well");
      assertThat(emulator.exitCode()).isEqualTo(1);
      assertThat(emulator.remainingErrors())
          .as("once for all devices")
          .singleElement()
          .asString()
          .matches("device-\\d is not connected: .*")
          .endsWith(reason);
    }
  }

  @Test
  void certificateThatIsNotTrustedIsNamed() throws Exception {
    try (PushServer tls = TlsServers.start(folder);
        Emulator emulator =
            new Emulator(
                "--server",
                "wss://localhost:" + tls.port() + "/",
                "--duration",
                "1s",
                "--settle",
                "1s",
                "--json")) {
      String reason =
          "the connection could not be opened: the server's TLS certificate is not trusted: unable"
              + " to find valid certification path to requested target";
      Map<String, String> event =
          Emulator.fields(emulator.awaitLine("{\"event\":\"disconnected\""));
      assertThat(event).containsEntry("reason", reason);
      assertThat(emulator.remainingLines()).last().asString().contains("\"reasons\":{\"" + reason);
    }
  }

  @Test
  void whatIsPublishedIsWhatTheServerAccepted() throws Exception {
    try (Emulator emulator =
        run(
            Stream.of(
                    "--devices 20 --start 20 --publish 300 --drop 3 --forget 3 --duration 3s --json")
                .flatMap(options -> Stream.of(options.split(" ")))
                .toArray(String[]::new))) {
      Map<String, String> summary = summary(emulator.remainingLines());
      assertThat(summary).containsEntry("good", "true");
      assertThat(Long.parseLong(summary.get("published")))
          .isGreaterThan(20)
          .isEqualTo(server.statistics().updatesAccepted());
    }
  }

  @Test
  void withoutATerminalThereIsNoProgress() throws Exception {
    try (Emulator emulator = run("--devices", "2", "--publish", "5", "--duration", "2s")) {
      assertThat(String.join("\n", emulator.remainingLines()))
          .contains("device-2 app-1 http://")
          .doesNotContain("\033", "connected,");
      assertThat(emulator.remainingErrors()).isEmpty();
    }
  }
}
