package org.simplepush.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ProtocolException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509TrustManager;
import mockwebserver3.MockResponse;
import okhttp3.OkHttpClient;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.simplepush.client.internal.connection.Disconnected;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.ScriptedServer;
import org.simplepush.server.PushServer;

/** A device that cannot connect says why, in a sentence and with the cause. */
@Timeout(60)
class ConnectFailureTest {
  private static final char[] PASSWORD = "password".toCharArray();

  /** Of {@code CN=push.example.org}, signed by itself. */
  private static KeyStore identity;

  private PushClient client;

  @BeforeAll
  static void makeIdentity(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("keystore.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-keystore",
                file.toString(),
                "-storetype",
                "PKCS12",
                "-storepass",
                new String(PASSWORD),
                "-alias",
                "server",
                "-keyalg",
                "EC",
                "-dname",
                "CN=push.example.org",
                "-ext",
                "san=dns:push.example.org")
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(keytool.waitFor(50, TimeUnit.SECONDS)).isTrue();
    identity = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(file)) {
      identity.load(in, PASSWORD);
    }
  }

  @AfterEach
  void close() {
    if (client != null) {
      client.close();
    }
  }

  private static PushServer tlsServer() throws Exception {
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(identity, PASSWORD);
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(keys.getKeyManagers(), null, null);
    return PushServer.builder().port(0).endpointPort(0).tls(tls).build().start();
  }

  private static PushServer plainServer() throws Exception {
    return PushServer.builder().port(0).endpointPort(0).build().start();
  }

  /** A client that trusts the certificate, whatever host it is for. */
  private static OkHttpClient trusting() throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("server", identity.getCertificate("server"));
    TrustManagerFactory managers =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    managers.init(trusted);
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(null, managers.getTrustManagers(), null);
    return new OkHttpClient.Builder()
        .sslSocketFactory(tls.getSocketFactory(), (X509TrustManager) managers.getTrustManagers()[0])
        .build();
  }

  private ConnectionListener.Disconnected connect(String server) throws Exception {
    return connect(server, new OkHttpClient());
  }

  /** Returns what the listener hears; a register hears the same. */
  private ConnectionListener.Disconnected connect(String server, OkHttpClient okHttp)
      throws Exception {
    BlockingQueue<ConnectionListener.Disconnected> events = new LinkedBlockingQueue<>();
    client =
        PushClient.builder(URI.create(server))
            .okHttpClient(okHttp)
            .backoff(Duration.ofHours(20), Duration.ofHours(20)) // one attempt
            .requestTimeout(Duration.ofSeconds(5))
            .listener(
                new ConnectionListener() {
                  @Override
                  public void onDisconnected(Disconnected event) {
                    events.add(event);
                  }
                })
            .build()
            .start();
    ConnectionListener.Disconnected event = events.poll(30, TimeUnit.SECONDS);
    assertThat(event).as("what the listener heard").isNotNull();
    assertThat(event.failures()).isEqualTo(1);
    return event;
  }

  private static void assertSays(
      ConnectionListener.Disconnected event, String sentence, Class<? extends Throwable> cause) {
    assertThat(event.reason()).isEqualTo("the connection could not be opened: " + sentence);
    assertThat(event.cause()).isInstanceOf(cause);
  }

  private static int closedPort() throws Exception {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  @Test
  void serverThatIsNotThere() throws Exception {
    String place = "127.0.0.1:" + closedPort();
    ConnectionListener.Disconnected event = connect("ws://" + place + "/");
    assertSays(
        event,
        place + " refused the connection; is the push server running there?",
        ConnectException.class);
    CompletableFuture<URI> endpoint = client.application("calendar", message -> {}).register();
    Throwable thrown = catchThrowable(() -> endpoint.get(30, TimeUnit.SECONDS));
    assertThat(thrown).isInstanceOf(ExecutionException.class);
    PushException failure = (PushException) thrown.getCause();
    assertThat(failure.kind()).isEqualTo(PushException.Kind.NETWORK_ERROR);
    assertThat(failure).hasMessageEndingWith(": " + event.reason()).hasCause(event.cause());
  }

  @Test
  void hostThatIsUnknown() throws Exception {
    assertSays(
        connect("wss://nobody.invalid/"),
        "the host name nobody.invalid is unknown",
        UnknownHostException.class);
  }

  @Test
  void hostThatDoesNotAnswer() throws Exception {
    try (ServerSocket mute = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String place = "127.0.0.1:" + mute.getLocalPort();
      OkHttpClient hasty = new OkHttpClient.Builder().readTimeout(Duration.ofMillis(200)).build();
      assertSays(
          connect("ws://" + place + "/", hasty),
          place + " did not answer in time",
          SocketTimeoutException.class);
    }
  }

  @Test
  void certificateThatIsNotTrusted() throws Exception {
    try (PushServer server = tlsServer()) {
      assertSays(
          connect("wss://localhost:" + server.port() + "/"),
          "the server's TLS certificate is not trusted: unable to find valid certification path to"
              + " requested target",
          SSLHandshakeException.class);
    }
  }

  @Test
  void certificateOfAnotherHost() throws Exception {
    try (PushServer server = tlsServer()) {
      assertSays(
          connect("wss://localhost:" + server.port() + "/", trusting()),
          "the server's TLS certificate is not one of localhost",
          SSLPeerUnverifiedException.class);
    }
  }

  @Test
  void serverWithoutTls() throws Exception {
    try (PushServer server = plainServer()) {
      ConnectionListener.Disconnected event = connect("wss://localhost:" + server.port() + "/");
      assertThat(event.reason())
          .startsWith("the connection could not be opened: ")
          .endsWith("is it a ws:// address?");
      assertThat(event.cause()).isNotNull();
    }
  }

  @Test
  void serverThatWantsTls() throws Exception {
    try (PushServer server = tlsServer()) {
      ConnectionListener.Disconnected event = connect("ws://localhost:" + server.port() + "/");
      assertThat(event.reason())
          .startsWith("the connection could not be opened: localhost:" + server.port() + " ")
          .endsWith("is it a wss:// address?");
      assertThat(event.cause()).isNotNull();
    }
  }

  @Test
  void somethingElseThanAWebServer() throws Exception {
    try (ServerSocket mail = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread greeter =
          new Thread(
              () -> {
                try (Socket socket = mail.accept()) {
                  socket.getOutputStream().write("220 mail.example.org ESMTP\r\n".getBytes());
                  socket.getInputStream().readAllBytes();
                } catch (IOException e) {
                  throw new AssertionError(e);
                }
              });
      greeter.start();
      String place = "127.0.0.1:" + mail.getLocalPort();
      assertSays(
          connect("ws://" + place + "/"),
          "what answered at " + place + " does not speak HTTP; is it a wss:// address?",
          ProtocolException.class);
      greeter.join();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "302 | ; devices do not follow redirects",
        "404 | ; is it the address of a push server?",
        "403 | ; it does not let this device in",
        "503 | ; it is busy",
        "500 | ''",
        "200 | ''"
      })
  void httpServerThatDoesNotUpgrade(int status, String hint) throws Exception {
    try (ScriptedServer server = new ScriptedServer()) {
      server.answerHandshake(new MockResponse.Builder().code(status).build());
      ConnectionListener.Disconnected event = connect(server.uri().toString());
      assertSays(
          event,
          "the server answered the WebSocket handshake with HTTP "
              + status
              + " instead of 101"
              + hint,
          ProtocolException.class);
    }
  }

  @Test
  void endpointPortInsteadOfTheWebSocketPort() throws Exception {
    try (PushServer server = plainServer()) {
      ConnectionListener.Disconnected event =
          connect("ws://localhost:" + server.endpointPort() + "/");
      assertThat(event.reason())
          .contains("HTTP 40")
          .endsWith("; is it the address of a push server?");
    }
  }

  @Test
  void serverOfAnotherSubprotocol() throws Exception {
    try (ScriptedServer server = new ScriptedServer()) {
      server.answerWithSubprotocol("mqtt");
      ConnectionListener.Disconnected event = connect(server.uri().toString());
      assertThat(event.reason())
          .isEqualTo(
              "the connection could not be opened: the server chose the WebSocket subprotocol mqtt,"
                  + " but a push server speaks push-notification");
      assertThat(event.cause()).isNull();
      server.accept().assertCut();
    }
  }

  @Test
  void handshakeThatIsBroken() throws Exception {
    try (ScriptedServer server = new ScriptedServer()) {
      server.answerHandshake(
          new MockResponse.Builder()
              .code(101)
              .addHeader("Connection", "Upgrade")
              .addHeader("Upgrade", "websocket")
              .addHeader("Sec-WebSocket-Accept", "wrong")
              .build());
      ConnectionListener.Disconnected event = connect(server.uri().toString());
      assertThat(event.reason())
          .startsWith(
              "the connection could not be opened: the server's WebSocket handshake is broken: ");
    }
  }

  @Test
  void connectionThatBreaksLaterHasACauseToo() throws Exception {
    try (ScriptedServer server = new ScriptedServer()) {
      CountDownLatch connected = new CountDownLatch(1);
      BlockingQueue<ConnectionListener.Disconnected> events = new LinkedBlockingQueue<>();
      client =
          PushClient.builder(server.uri())
              .listener(
                  new ConnectionListener() {
                    @Override
                    public void onConnected() {
                      connected.countDown();
                    }

                    @Override
                    public void onDisconnected(Disconnected event) {
                      events.add(event);
                    }
                  })
              .build()
              .start();
      server.greet(DeviceHarness.UAID.text());
      assertThat(connected.await(30, TimeUnit.SECONDS)).isTrue();
      server.cut();
      ConnectionListener.Disconnected event = events.poll(30, TimeUnit.SECONDS);
      assertThat(event.reason()).startsWith("the connection ended: ");
      assertThat(event.cause()).isInstanceOf(IOException.class);
    }
  }
}
