package org.simplepush.examples.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The server as a process of its own, as operators run it. */
@Timeout(60)
class StandaloneServerTest {
  private static final Pattern READY = Pattern.compile("ready ws=(\\S+) endpoint=(\\S+)");

  @TempDir private Path folder;
  private final BlockingQueue<String> log = new LinkedBlockingQueue<>();
  private Process process;
  private URI webSocket;
  private URI endpoints;

  @AfterEach
  void end() {
    if (process != null) {
      process.destroyForcibly();
    }
  }

  private void start(String... options) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(StandaloneServer.class.getName());
    // After a restart the same ports as before.
    String port = String.valueOf(webSocket == null ? 0 : webSocket.getPort());
    String endpointPort = String.valueOf(endpoints == null ? 0 : endpoints.getPort());
    command.addAll(List.of("--port", port, "--endpoint-port", endpointPort));
    command.addAll(List.of(options));
    process = new ProcessBuilder(command).start();
    Process started = process;
    Thread pump = new Thread(() -> started.errorReader().lines().forEach(log::add));
    pump.setDaemon(true);
    pump.start();
    BufferedReader output = process.inputReader();
    Matcher ready = READY.matcher(String.valueOf(output.readLine()));
    assertThat(ready.matches()).as("%s", log).isTrue();
    webSocket = URI.create(ready.group(1));
    endpoints = URI.create(ready.group(2));
  }

  /** Waits for a line of the server's log. */
  private String awaitLog(String part) throws InterruptedException {
    while (true) {
      String line = log.poll(20, TimeUnit.SECONDS);
      assertThat(line).as("a line of the log with '%s'", part).isNotNull();
      if (line.contains(part)) {
        return line;
      }
    }
  }

  /** What the server said, in order; at last "closed" and the code. */
  static final class Device implements WebSocket.Listener {
    private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence text, boolean last) {
      heard.add(text.toString());
      socket.request(1);
      return null;
    }

    @Override
    public CompletionStage<?> onClose(WebSocket socket, int code, String reason) {
      heard.add("closed " + code);
      return null;
    }

    String next() throws InterruptedException {
      return heard.poll(20, TimeUnit.SECONDS);
    }
  }

  @Test
  void deliversAndLeavesOnSigtermWith1001() throws Exception {
    start("--management-port", "0", "--key-file", folder.resolve("keys").toString());
    HttpClient http = HttpClient.newHttpClient();
    Device device = new Device();
    WebSocket socket = http.newWebSocketBuilder().buildAsync(webSocket, device).join();
    socket.sendText("{\"messageType\":\"hello\",\"channelIDs\":[]}", true).join();
    assertThat(device.next()).contains("\"status\":200");
    socket
        .sendText(
            "{\"messageType\":\"register\",\"channelID\":\"d9b746444f9746aab8fa9393985cd6cd\"}",
            true)
        .join();
    Matcher endpoint = Pattern.compile("\"pushEndpoint\":\"([^\"]+)\"").matcher(device.next());
    assertThat(endpoint.find()).isTrue();
    assertThat(endpoint.group(1)).startsWith(endpoints + "/update/");
    HttpRequest put =
        HttpRequest.newBuilder(URI.create(endpoint.group(1)))
            .PUT(HttpRequest.BodyPublishers.ofString("version=3"))
            .build();
    assertThat(http.send(put, BodyHandlers.ofString()).statusCode()).isEqualTo(200);
    assertThat(device.next()).contains("\"version\":3");

    process.toHandle().destroy(); // Process.destroy would close its output too
    assertThat(device.next()).isEqualTo("closed 1001");
    assertThat(process.waitFor(10, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isIn(0, 143);
    assertThat(process.inputReader().readLine()).as("nothing but the ready line").isNull();
  }

  @Test
  void wakesDevicesInTheNetworksGiven() throws Exception {
    start("--wakeup", "127.0.0.0/8,2001:db8::/32");
    Device device = new Device();
    WebSocket socket =
        HttpClient.newHttpClient().newWebSocketBuilder().buildAsync(webSocket, device).join();
    String hello = "{\"messageType\":\"hello\",\"wakeup_hostport\":{\"ip\":\"%s\",\"port\":9}}";
    socket.sendText(hello.formatted("10.0.0.1"), true).join();
    assertThat(device.next()).contains("\"status\":200");
    socket.sendText(hello.formatted("127.0.0.1"), true).join();
    assertThat(device.next()).contains("\"status\":201");
  }

  @Test
  void updateTakenBeforeKillingReachesTheDeviceAfterTheRestart() throws Exception {
    String[] options = {
      "--store", "sqlite:" + folder.resolve("store.db"), "--key-file", folder + "/keys"
    };
    start(options);
    HttpClient http = HttpClient.newHttpClient();
    Device device = new Device();
    WebSocket socket = http.newWebSocketBuilder().buildAsync(webSocket, device).join();
    socket.sendText("{\"messageType\":\"hello\",\"channelIDs\":[]}", true).join();
    Matcher uaid = Pattern.compile("\"uaid\":\"([^\"]+)\"").matcher(device.next());
    assertThat(uaid.find()).isTrue();
    String channel = "d9b746444f9746aab8fa9393985cd6cd";
    socket
        .sendText("{\"messageType\":\"register\",\"channelID\":\"" + channel + "\"}", true)
        .join();
    Matcher endpoint = Pattern.compile("\"pushEndpoint\":\"([^\"]+)\"").matcher(device.next());
    assertThat(endpoint.find()).isTrue();
    socket.sendClose(WebSocket.NORMAL_CLOSURE, "").join();
    assertThat(device.next()).startsWith("closed");
    assertThat(put(http, endpoint.group(1), "version=3")).isEqualTo(200);

    process.toHandle().destroyForcibly();
    assertThat(process.waitFor()).isEqualTo(128 + 9);
    start(options);

    Device again = new Device();
    WebSocket anew = http.newWebSocketBuilder().buildAsync(webSocket, again).join();
    anew.sendText(
            "{\"messageType\":\"hello\",\"uaid\":\"%s\",\"channelIDs\":[\"%s\"]}"
                .formatted(uaid.group(1), channel),
            true)
        .join();
    assertThat(again.next()).contains("\"status\":200").contains(uaid.group(1));
    assertThat(again.next()).contains(channel).contains("\"version\":3");
    assertThat(put(http, endpoint.group(1), "version=4")).as("the old endpoint").isEqualTo(200);
    assertThat(again.next()).contains("\"version\":4");
  }

  private static int put(HttpClient http, String endpoint, String body) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(endpoint))
            .PUT(HttpRequest.BodyPublishers.ofString(body))
            .build();
    return http.send(request, BodyHandlers.ofString()).statusCode();
  }

  @Test
  void managementTellsHealthVersionAndMetrics() throws Exception {
    start("--management-port", "0");
    Matcher management =
        Pattern.compile("Management at (http://\\S+)/__heartbeat__")
            .matcher(awaitLog("Management at"));
    assertThat(management.find()).isTrue();
    String base = management.group(1);
    assertThat(get(base + "/__heartbeat__")).isEqualTo("{\"status\":\"OK\",\"store\":\"OK\"}");
    assertThat(get(base + "/__lbheartbeat__")).isEqualTo("{\"status\":\"OK\"}");
    assertThat(get(base + "/__version__")).contains("version");
    assertThat(get(base + "/metrics")).contains("simplepush_connections 0.0");
  }

  private static String get(String url) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(url)).build();
    return HttpClient.newHttpClient().send(request, BodyHandlers.ofString()).body();
  }

  @Test
  void portInUseIsOneSentenceAndExitCode1() throws Exception {
    start();
    Process second =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                StandaloneServer.class.getName(),
                "--port",
                String.valueOf(webSocket.getPort()),
                "--endpoint-port",
                "0")
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(second.waitFor()).isEqualTo(1);
  }

  @Test
  void servesTlsAndReadsTheCertificateAgainWhenItChanges() throws Exception {
    Path certificate = folder.resolve("cert.pem");
    Path key = folder.resolve("key.pem");
    writeIdentity("first", certificate, key);
    start("--tls-cert", certificate.toString(), "--tls-key", key.toString());
    assertThat(webSocket.getScheme()).isEqualTo("wss");
    assertThat(endpoints.getScheme()).isEqualTo("https");
    assertThat(subject(webSocket.getPort())).isEqualTo("CN=first");
    assertThat(subject(endpoints.getPort())).isEqualTo("CN=first");

    writeIdentity("second", certificate, key);
    awaitLog("Serving the new certificate");
    assertThat(subject(webSocket.getPort())).isEqualTo("CN=second");
    assertThat(subject(endpoints.getPort())).isEqualTo("CN=second");
  }

  /** Makes a self-signed certificate with the JDK's keytool and writes both PEM files. */
  private void writeIdentity(String name, Path certificate, Path key) throws Exception {
    Path store = folder.resolve(name + ".p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "a",
                "-dname",
                "CN=" + name,
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-storetype",
                "PKCS12",
                "-keystore",
                store.toString(),
                "-storepass",
                "secret")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(keytool.waitFor()).isZero();
    KeyStore keys = KeyStore.getInstance(store.toFile(), "secret".toCharArray());
    writePem(key, "PRIVATE KEY", keys.getKey("a", "secret".toCharArray()).getEncoded());
    writePem(certificate, "CERTIFICATE", keys.getCertificate("a").getEncoded());
  }

  private static void writePem(Path file, String type, byte[] content) throws IOException {
    String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
    Files.writeString(
        file, "-----BEGIN " + type + "-----\n" + text + "\n-----END " + type + "-----\n");
  }

  /** Returns whose certificate a port shows now. */
  private static String subject(int port) throws Exception {
    X509TrustManager everybody =
        new X509TrustManager() {
          @Override
          public void checkClientTrusted(X509Certificate[] chain, String type) {}

          @Override
          public void checkServerTrusted(X509Certificate[] chain, String type) {}

          @Override
          public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
          }
        };
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, new TrustManager[] {everybody}, new SecureRandom());
    try (SSLSocket socket =
        (SSLSocket) context.getSocketFactory().createSocket("127.0.0.1", port)) {
      socket.startHandshake();
      X509Certificate shown = (X509Certificate) socket.getSession().getPeerCertificates()[0];
      return shown.getSubjectX500Principal().getName();
    }
  }
}
