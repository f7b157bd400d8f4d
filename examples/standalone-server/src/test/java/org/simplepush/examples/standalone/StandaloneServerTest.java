package org.simplepush.examples.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The server as a process of its own, as operators run it. */
@Timeout(180)
class StandaloneServerTest {
  private static final String CHANNEL = "d9b746444f9746aab8fa9393985cd6cd";
  private static final String HELLO = "{\"messageType\":\"hello\",\"channelIDs\":[]}";
  private static final String REGISTER =
      "{\"messageType\":\"register\",\"channelID\":\"" + CHANNEL + "\"}";

  @TempDir private Path folder;
  private final HttpClient http = HttpClient.newHttpClient();

  private static String field(String name, String json) {
    Matcher matcher = Pattern.compile("\"" + name + "\":\"([^\"]+)\"").matcher(json);
    assertThat(matcher.find()).as(json).isTrue();
    return matcher.group(1);
  }

  private int put(String endpoint, long version) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(endpoint))
            .PUT(HttpRequest.BodyPublishers.ofString("version=" + version))
            .build();
    return http.send(request, BodyHandlers.ofString()).statusCode();
  }

  private String get(String url) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(url)).build();
    return http.send(request, BodyHandlers.ofString()).body();
  }

  @Test
  void deliversAndLeavesOnSigtermWith1001() throws Exception {
    String keys = folder.resolve("keys").toString();
    try (ServerProcess server = ServerProcess.start("--management-port", "0", "--key-file", keys)) {
      RawDevice device = new RawDevice(http, server.webSocket);
      device.say(HELLO);
      assertThat(device.next()).contains("\"status\":200");
      device.say(REGISTER);
      String endpoint = field("pushEndpoint", device.next());
      assertThat(endpoint).startsWith(server.endpoints + "/update/");
      assertThat(put(endpoint, 3)).isEqualTo(200);
      assertThat(device.next()).contains("\"version\":3");

      Process process = server.process;
      process.toHandle().destroy(); // Process.destroy would close its output too
      assertThat(device.next()).isEqualTo("closed 1001");
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isZero();
      server.awaitLog("The server stops");
      assertThat(server.awaitLog("The server has stopped"))
          .as("a time with its date and zone")
          .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}(Z|[+-]\\d\\d:\\d\\d) .*");
      assertThat(process.inputReader().readLine()).as("nothing but the ready line").isNull();
    }
  }

  @Test
  void wakesDevicesInTheNetworksGiven() throws Exception {
    try (ServerProcess server = ServerProcess.start("--wakeup", "127.0.0.0/8,2001:db8::/32")) {
      RawDevice device = new RawDevice(http, server.webSocket);
      String hello = "{\"messageType\":\"hello\",\"wakeup_hostport\":{\"ip\":\"%s\",\"port\":9}}";
      device.say(hello.formatted("10.0.0.1"));
      assertThat(device.next()).contains("\"status\":200");
      device.say(hello.formatted("127.0.0.1"));
      assertThat(device.next()).contains("\"status\":201");
    }
  }

  /** What a server that does not start says, and that it is told apart by its exit code. */
  private static String refusal(String... options) throws Exception {
    List<String> command = new ArrayList<>(ServerProcess.command());
    command.addAll(List.of("--port", "0", "--endpoint-port", "0"));
    command.addAll(List.of(options));
    Process process = new ProcessBuilder(command).start();
    try {
      List<String> lines = process.errorReader().lines().toList();
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isEqualTo(2);
      assertThat(process.inputReader().readLine()).as("no ready line").isNull();
      assertThat(lines).as("one sentence").hasSize(1);
      return lines.get(0);
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void keysOfAStoreThatLastsAreKeptRefusedRotatedAndStartedOver() throws Exception {
    String store = "sqlite:" + folder.resolve("store.db");
    String keyFile = folder.resolve("keys").toString();
    String hello = "{\"messageType\":\"hello\",\"uaid\":\"%s\",\"channelIDs\":[\"%s\"]}";
    String uaid;
    String first;
    try (ServerProcess server = ServerProcess.start("--store", store)) {
      RawDevice device = new RawDevice(http, server.webSocket);
      device.say(HELLO);
      uaid = field("uaid", device.next());
      device.say(REGISTER);
      first = field("pushEndpoint", device.next());
      server.kill();

      // The key file of another server is mounted here, or none where there was one.
      assertThat(refusal("--store", store, "--key-file", keyFile))
          .contains("The key file " + keyFile + " does not exist");
      assertThat(refusal("--store", store, "--key-file", keyFile, "--rotate-keys"))
          .contains("rotateKeys is for keys that the store keeps");

      String second;
      try (ServerProcess rotated = server.startAgain("--store", store, "--rotate-keys")) {
        RawDevice again = new RawDevice(http, rotated.webSocket);
        again.say(hello.formatted(uaid, CHANNEL));
        assertThat(again.next()).contains(uaid);
        again.say(REGISTER);
        second = field("pushEndpoint", again.next());
        assertThat(second).isNotEqualTo(first);
        assertThat(put(first, 1)).as("an endpoint of the old key").isEqualTo(200);
        assertThat(put(second, 2)).as("an endpoint of the new key").isEqualTo(200);
        rotated.kill();
      }
      String[] withFile = {"--store", store, "--key-file", keyFile};
      String[] startingOver = {"--store", store, "--key-file", keyFile, "--start-over"};
      try (ServerProcess startedOver = server.startAgain(startingOver)) {
        startedOver.awaitLog("1 user agents were dropped");
        RawDevice again = new RawDevice(http, startedOver.webSocket);
        again.say(hello.formatted(uaid, CHANNEL));
        assertThat(again.next()).contains("\"status\":200").doesNotContain(uaid);
        assertThat(put(second, 3)).as("an endpoint of a key that is gone").isEqualTo(404);
        startedOver.kill();
      }
      assertThat(refusal("--store", store)).contains("hand it in again (--key-file)");
      try (ServerProcess restarted = server.startAgain(withFile)) {
        assertThat(restarted.endpoints).isEqualTo(server.endpoints);
      }
    }
  }

  @Test
  void updateTakenBeforeKillingReachesTheDeviceAfterTheRestart() throws Exception {
    String[] options = {"--store", "sqlite:" + folder.resolve("store.db")};
    try (ServerProcess server = ServerProcess.start(options)) {
      RawDevice device = new RawDevice(http, server.webSocket);
      device.say(HELLO);
      String uaid = field("uaid", device.next());
      device.say(REGISTER);
      String endpoint = field("pushEndpoint", device.next());
      device.leave();
      assertThat(device.next()).startsWith("closed");
      assertThat(put(endpoint, 3)).isEqualTo(200);

      assertThat(server.kill()).isEqualTo(128 + 9);
      try (ServerProcess restarted = server.startAgain(options)) {
        RawDevice again = new RawDevice(http, restarted.webSocket);
        again.say(
            "{\"messageType\":\"hello\",\"uaid\":\"%s\",\"channelIDs\":[\"%s\"]}"
                .formatted(uaid, CHANNEL));
        assertThat(again.next()).contains("\"status\":200").contains(uaid);
        assertThat(again.next()).contains(CHANNEL).contains("\"version\":3");
        assertThat(put(endpoint, 4)).as("the old endpoint").isEqualTo(200);
        assertThat(again.next()).contains("\"version\":4");
      }
    }
  }

  @Test
  void managementTellsHealthVersionAndMetrics() throws Exception {
    try (ServerProcess server = ServerProcess.start("--management-port", "0")) {
      String base = server.management();
      assertThat(get(base + "/__heartbeat__")).isEqualTo("{\"status\":\"OK\",\"store\":\"OK\"}");
      assertThat(get(base + "/__lbheartbeat__")).isEqualTo("{\"status\":\"OK\"}");
      assertThat(get(base + "/__version__")).contains("version");
      assertThat(get(base + "/metrics")).contains("simplepush_connections 0.0");
    }
  }

  @Test
  void managementAnswersHeadAndSaysWhatItAllows() throws Exception {
    try (ServerProcess server = ServerProcess.start("--management-port", "0")) {
      URI heartbeat = URI.create(server.management() + "/__heartbeat__");
      HttpResponse<String> head =
          http.send(
              HttpRequest.newBuilder(heartbeat).method("HEAD", BodyPublishers.noBody()).build(),
              BodyHandlers.ofString());
      assertThat(head.statusCode()).isEqualTo(200);
      assertThat(head.body()).isEmpty();
      assertThat(head.headers().firstValueAsLong("Content-Length"))
          .hasValue(get(heartbeat.toString()).length());
      HttpResponse<String> post =
          http.send(
              HttpRequest.newBuilder(heartbeat).POST(BodyPublishers.noBody()).build(),
              BodyHandlers.ofString());
      assertThat(post.statusCode()).isEqualTo(405);
      assertThat(post.headers().firstValue("Allow")).hasValue("GET, HEAD");
    }
  }

  @Test
  void managementIsForThisMachineUnlessToldOtherwise() throws Exception {
    String[] everywhere = {
      "--host", "0.0.0.0", "--endpoint-url", "http://push.example.org", "--management-port", "0"
    };
    try (ServerProcess server = ServerProcess.start(everywhere)) {
      assertThat(server.management()).startsWith("http://127.0.0.1:");
    }
    String[] here = {"--management-port", "0", "--management-host", "[::1]"};
    try (ServerProcess server = ServerProcess.start(here)) {
      assertThat(get(server.management() + "/__lbheartbeat__")).contains("OK");
    }
  }

  @Test
  void hostMayBeWrittenAsInAUrl() throws Exception {
    try (ServerProcess server = ServerProcess.start("--host", "[::1]")) {
      assertThat(server.webSocket.getHost()).isEqualTo("[::1]");
      RawDevice device = new RawDevice(http, server.webSocket);
      device.say(HELLO);
      assertThat(device.next()).contains("\"status\":200");
    }
  }

  @Test
  void endpointsThatNobodyCanReachAreWarnedOf() throws Exception {
    try (ServerProcess server = ServerProcess.start("--host", "0.0.0.0")) {
      assertThat(server.awaitLog("Endpoints will begin with http://0.0.0.0:"))
          .contains("--endpoint-url");
    }
  }

  @Test
  void startsBesideAKubernetesServiceOfItsName() throws Exception {
    Map<String, String> environment =
        Map.of(
            "SIMPLEPUSH_PORT", "tcp://10.96.12.7:8080",
            "SIMPLEPUSH_SERVICE_HOST", "10.96.12.7",
            "SIMPLEPUSH_ENDPOINT_URL", "",
            "SIMPLEPUSH_PROT", "9");
    try (ServerProcess server = ServerProcess.startWith(environment)) {
      assertThat(server.endpoints.getHost()).isEqualTo("127.0.0.1");
      assertThat(server.awaitLog("WARN")).contains("SIMPLEPUSH_PROT stands for no option");
      assertThat(server.awaitLog("WARN")).contains("SIMPLEPUSH_PORT", "Kubernetes");
    }
  }

  @Test
  void portInUseIsOneSentenceAndExitCode1() throws Exception {
    try (ServerProcess server = ServerProcess.start()) {
      List<String> command = new ArrayList<>(ServerProcess.command());
      command.addAll(List.of("--port", String.valueOf(server.webSocket.getPort())));
      command.addAll(List.of("--endpoint-port", "0"));
      Process second = new ProcessBuilder(command).start();
      assertThat(second.inputReader().lines()).isEmpty();
      assertThat(second.errorReader().lines())
          .last()
          .asString()
          .contains("Port " + server.webSocket.getPort(), "already in use", "give a free port");
      assertThat(second.waitFor()).isEqualTo(1);
    }
  }

  @Test
  void servesTlsAndReadsTheCertificateAgainWhenItChanges() throws Exception {
    Path certificate = folder.resolve("cert.pem");
    Path key = folder.resolve("key.pem");
    new TestCertificates(folder).makeEc("first").write(certificate, key);
    try (ServerProcess server =
        ServerProcess.start("--tls-cert", certificate.toString(), "--tls-key", key.toString())) {
      assertThat(server.webSocket.getScheme()).isEqualTo("wss");
      assertThat(server.endpoints.getScheme()).isEqualTo("https");
      assertThat(subject(server.webSocket.getPort())).isEqualTo("CN=first");
      assertThat(subject(server.endpoints.getPort())).isEqualTo("CN=first");

      new TestCertificates(folder).makeEc("second").write(certificate, key);
      server.awaitLog("Serving the new certificate");
      assertThat(subject(server.webSocket.getPort())).isEqualTo("CN=second");
      assertThat(subject(server.endpoints.getPort())).isEqualTo("CN=second");
    }
  }

  @Test
  void onePemFileMayHoldCertificateAndKeyAndAByteOrderMark() throws Exception {
    Path certificate = folder.resolve("cert.pem");
    Path key = folder.resolve("key.pem");
    new TestCertificates(folder).makeEc("both").write(certificate, key);
    Path both = folder.resolve("both.pem");
    Files.writeString(
        both,
        "\uFEFF" + Files.readString(key) + "both: a comment\n" + Files.readString(certificate));
    Files.setPosixFilePermissions(both, PosixFilePermissions.fromString("rw-r--r--"));
    try (ServerProcess server =
        ServerProcess.start("--tls-cert", both.toString(), "--tls-key", both.toString())) {
      assertThat(subject(server.webSocket.getPort())).isEqualTo("CN=both");
      assertThat(server.awaitLog("can be read by every user")).contains(both.toString());
    }
  }

  /** Returns whose certificate a port shows now. */
  private static String subject(int port) throws Exception {
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {new TrustEverybody()}, new SecureRandom());
    try (SSLSocket socket =
        (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port)) {
      socket.startHandshake();
      X509Certificate shown = (X509Certificate) socket.getSession().getPeerCertificates()[0];
      return shown.getSubjectX500Principal().getName();
    }
  }

  @Test
  void whatStrangersSendIsNotLogged() throws Exception {
    String secret = "SeCrEtToKeNSeCrEtToKeNSeCrEtToKeN";
    try (ServerProcess server = ServerProcess.start()) {
      for (String request :
          List.of(
              "CONNECT /update/" + secret + " HTTP/1.1\r\nHost: test",
              "PUT / HTTP/1.1\r\nHost: /update/" + secret,
              "PUT / HTTP/1.1\r\nHost: a\r\nHost: /update/" + secret)) {
        try (Socket socket = new Socket(server.endpoints.getHost(), server.endpoints.getPort())) {
          socket.setSoTimeout(20_000);
          socket
              .getOutputStream()
              .write((request + "\r\n\r\n").getBytes(StandardCharsets.US_ASCII));
          assertThat(socket.getInputStream().read()).isEqualTo('H');
        }
      }
      assertThat(server.stop()).noneMatch(line -> line.contains(secret));
    }
  }
}
