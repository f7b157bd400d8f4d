package org.simplepush.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ProtocolException;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import mockwebserver3.MockResponse;
import okhttp3.OkHttpClient;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.simplepush.client.internal.connection.Disconnected;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.ScriptedServer;
import org.simplepush.server.PushServer;

/** A device that cannot connect says why, in a sentence and with the cause. */
@Timeout(60)
class ConnectFailureTest {
  /** Signed by itself. */
  private static final HeldCertificate CERTIFICATE =
      new HeldCertificate.Builder()
          .commonName("push.example.org")
          .addSubjectAlternativeName("push.example.org")
          .build();

  private PushClient client;

  @AfterEach
  void close() {
    if (client != null) {
      client.close();
    }
  }

  private static PushServer tlsServer() throws Exception {
    SSLContext tls =
        new HandshakeCertificates.Builder().heldCertificate(CERTIFICATE).build().sslContext();
    return PushServer.builder().port(0).endpointPort(0).tls(tls).build().start();
  }

  private static PushServer plainServer() throws Exception {
    return PushServer.builder().port(0).endpointPort(0).build().start();
  }

  /** A client that trusts the certificate, whatever host it is for. */
  private static OkHttpClient trusting() {
    HandshakeCertificates trust =
        new HandshakeCertificates.Builder()
            .addTrustedCertificate(CERTIFICATE.certificate())
            .build();
    return new OkHttpClient.Builder()
        .sslSocketFactory(trust.sslSocketFactory(), trust.trustManager())
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
