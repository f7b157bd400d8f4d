package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.SocketFactory;
import mockwebserver3.Dispatcher;
import mockwebserver3.MockResponse;
import mockwebserver3.MockWebServer;
import mockwebserver3.RecordedRequest;
import okhttp3.Dns;
import okhttp3.Protocol;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.appserver.internal.http.EndpointGuard;
import org.simplepush.appserver.testing.HostileServer;
import org.simplepush.appserver.testing.RawServer;

/** Push servers that misbehave, over real sockets. */
@Timeout(60)
class HostilePushServerTest {
  private static Notifier.Builder impatient() {
    return Notifier.builder()
        .permitHost("localhost")
        .deadline(Duration.ofMillis(1))
        .backoff(Duration.ofSeconds(20), Duration.ofSeconds(20));
  }

  private static Verdict publish(Notifier notifier, URI endpoint) throws Exception {
    return notifier.publish(endpoint, 7).get(20, TimeUnit.SECONDS);
  }

  private static Verdict verdictOn(RawServer.Behaviour behaviour) throws Exception {
    return verdictOn(behaviour, impatient());
  }

  private static Verdict verdictOn(RawServer.Behaviour behaviour, Notifier.Builder builder)
      throws Exception {
    try (RawServer server = new RawServer(behaviour);
        Notifier notifier = builder.build()) {
      return publish(notifier, server.endpoint());
    }
  }

  /** What does not end within a second; for others the timeout must not come first. */
  private static Notifier.Builder veryImpatient() {
    return impatient().requestTimeout(Duration.ofSeconds(1));
  }

  private static void assertFailed(Verdict verdict, Verdict.Cause cause) {
    assertThat(verdict)
        .isInstanceOfSatisfying(
            Verdict.Failed.class,
            failed -> {
              assertThat(failed.cause()).isEqualTo(cause);
              assertThat(failed.attempts()).isEqualTo(1);
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"stale\":true}", " {\n \"stale\" : true }\r\n"})
  void answerThatSaysStaleIsHeard(String body) throws Exception {
    assertThat(verdictOnBody(body)).isEqualTo(new Verdict.Accepted(true));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{}",
        "stale",
        "true",
        "{\"stale\":false}",
        "{\"stale\":\"true\"}",
        "{\"stale\":true",
        "[{\"stale\":true}]",
        "{\"stale\":true} and more",
        "{\"a\":{\"stale\":true}}",
        "<p>{\"stale\":true}</p>",
        "{\"stale\":\u0000true}"
      })
  void otherAnswersAreNotStale(String body) throws Exception {
    assertThat(verdictOnBody(body)).isEqualTo(new Verdict.Accepted(false));
  }

  @Test
  void longAnswerIsNotStale() throws Exception {
    String says = "{\"stale\":true}";
    assertThat(verdictOnBody(says + " ".repeat(64 - says.length())))
        .isEqualTo(new Verdict.Accepted(true));
    assertThat(verdictOnBody(says + " ".repeat(65 - says.length())))
        .isEqualTo(new Verdict.Accepted(false));
    assertThat(verdictOnBody(says + " ".repeat(100_000))).isEqualTo(new Verdict.Accepted(false));
  }

  private static Verdict verdictOnBody(String body) throws Exception {
    return verdictOn(
        (socket, out) ->
            out.write(
                RawServer.bytes(
                    "HTTP/1.1 200 OK\r\nContent-Length: " + body.length() + "\r\n\r\n" + body)));
  }

  @Test
  void answerThatNeverEndsTimesOut() throws Exception {
    assertFailed(
        verdictOn(
            (socket, out) -> {
              out.write(RawServer.bytes("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"));
              HostileServer.awaitClose(socket);
            },
            veryImpatient()),
        Verdict.Cause.TIMEOUT);
  }

  @Test
  void silenceTimesOut() throws Exception {
    assertFailed(
        verdictOn((socket, out) -> HostileServer.awaitClose(socket), veryImpatient()),
        Verdict.Cause.TIMEOUT);
  }

  @Test
  void endlessHeadersAreCutOff() throws Exception {
    AtomicLong written = new AtomicLong();
    assertFailed(
        verdictOn(
            (socket, out) -> {
              socket.setSendBufferSize(4096);
              out.write(RawServer.bytes("HTTP/1.1 200 OK\r\n"));
              byte[] header = RawServer.bytes("X-More: " + "x".repeat(1000) + "\r\n");
              while (true) {
                out.write(header); // until the other side has had enough
                written.addAndGet(header.length);
              }
            }),
        Verdict.Cause.NETWORK);
    assertThat(written.get()).isLessThan(16L << 20);
  }

  @Test
  void endlessBodyIsNotRead() throws Exception {
    AtomicLong written = new AtomicLong();
    try (RawServer server =
            new RawServer(
                (socket, out) -> {
                  socket.setSendBufferSize(4096);
                  out.write(
                      RawServer.bytes("HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n"));
                  byte[] junk = new byte[1024];
                  while (true) {
                    out.write(junk);
                    written.addAndGet(junk.length);
                  }
                });
        Notifier notifier = impatient().build()) {
      assertThat(publish(notifier, server.endpoint())).isEqualTo(new Verdict.Accepted());
      assertThatThrownBy(() -> server.ended.get(20, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .hasCauseInstanceOf(IOException.class);
      assertThat(written.get()).isLessThan(16L << 20);
    }
  }

  @Test
  void resetInMidAnswerIsABrokenConnection() throws Exception {
    assertFailed(
        verdictOn(
            (socket, out) -> {
              out.write(RawServer.bytes("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"));
              socket.setSoLinger(true, 0);
            }),
        Verdict.Cause.NETWORK);
  }

  @Test
  void garbageIsABrokenConnection() throws Exception {
    assertFailed(
        verdictOn((socket, out) -> out.write(RawServer.bytes("SSH-2.0-OpenSSH_9.9\r\n"))),
        Verdict.Cause.NETWORK);
  }

  @Test
  void redirectIsNotFollowed() throws Exception {
    try (MockWebServer inside = new MockWebServer();
        MockWebServer outside = new MockWebServer();
        Notifier notifier = impatient().build()) {
      inside.start();
      outside.start();
      for (int code : new int[] {301, 302, 303, 307, 308}) {
        outside.enqueue(
            new MockResponse.Builder()
                .code(code)
                .addHeader("Location", "http://127.0.0.1:" + inside.getPort() + "/admin")
                .build());
        assertThat(publish(notifier, outside.url("/update/token").uri()))
            .isInstanceOfSatisfying(
                Verdict.Refused.class,
                refused -> assertThat(refused.check()).isEqualTo(Verdict.Check.REDIRECT));
      }
      assertThat(inside.getRequestCount()).isZero();
    }
  }

  /** Notes where connections would go, and makes none. */
  private static final class NoSockets extends SocketFactory {
    final Queue<InetAddress> asked = new ConcurrentLinkedQueue<>();

    @Override
    public Socket createSocket() {
      return new Socket() {
        @Override
        public void connect(SocketAddress address, int timeout) throws IOException {
          asked.add(((InetSocketAddress) address).getAddress());
          throw new ConnectException("not in a test");
        }
      };
    }

    @Override
    public Socket createSocket(String host, int port) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Socket createSocket(String host, int port, InetAddress local, int localPort) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Socket createSocket(InetAddress host, int port) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort) {
      throw new UnsupportedOperationException();
    }
  }

  @Test
  void nameThatChangesItsAddressBetweenCheckAndUseGainsNothing() throws Exception {
    InetAddress open = InetAddress.getByName("1.1.1.1");
    Queue<List<InetAddress>> answers = new ConcurrentLinkedQueue<>();
    answers.add(List.of(open));
    Dns rebinding =
        host -> {
          List<InetAddress> next = answers.poll();
          return next != null ? next : List.of(InetAddress.getLoopbackAddress());
        };
    NoSockets sockets = new NoSockets();
    try (Notifier notifier =
        Notifier.builder()
            .dns(rebinding)
            .socketFactory(sockets)
            .backoff(Duration.ofMillis(1), Duration.ofMillis(1))
            .build()) {
      // The first attempt connects where the check looked; the second is refused by the check.
      assertThat(publish(notifier, URI.create("https://push.example/update/token")))
          .isEqualTo(Adapters.verdict(EndpointGuard.refusedAddress()));
    }
    assertThat(sockets.asked).containsOnly(open);
  }

  @Test
  void stormOf429SeesFewerRequestsNotMore() throws Exception {
    try (MockWebServer server = new MockWebServer()) {
      server.setDispatcher(
          new Dispatcher() {
            @Override
            public MockResponse dispatch(RecordedRequest request) {
              return new MockResponse.Builder().code(429).addHeader("Retry-After", "60").build();
            }
          });
      server.start();
      Notifier notifier =
          Notifier.builder()
              .permitHost("localhost")
              .deadline(Duration.ofSeconds(30))
              .drain(Duration.ZERO)
              .build();
      for (int n = 0; n < 1000; n++) {
        notifier.publish(server.url("/update/" + n).uri(), 7);
      }
      await().until(() -> notifier.sender().isPaused("localhost", server.getPort()));
      notifier.close();
      // At most, because an answer that overtakes another halves the limit earlier.
      assertThat(server.getRequestCount()).isBetween(4, 8 + 4 + 2 + 1);
    }
  }

  @Test
  void http2OverTlsWithATrustedCertificate() throws Exception {
    HeldCertificate certificate =
        new HeldCertificate.Builder().addSubjectAlternativeName("localhost").build();
    HandshakeCertificates own =
        new HandshakeCertificates.Builder().heldCertificate(certificate).build();
    HandshakeCertificates trusted =
        new HandshakeCertificates.Builder()
            .addTrustedCertificate(certificate.certificate())
            .build();
    try (MockWebServer server = new MockWebServer()) {
      server.useHttps(own.sslSocketFactory());
      server.setProtocols(List.of(Protocol.HTTP_2, Protocol.HTTP_1_1));
      server.start();
      URI endpoint = server.url("/update/token").uri();
      try (Notifier stranger = impatient().build()) {
        assertFailed(publish(stranger, endpoint), Verdict.Cause.TLS);
      }
      try (Notifier notifier =
          Notifier.builder().permitHost("localhost").trustManager(trusted.trustManager()).build()) {
        for (int i = 0; i < 3; i++) {
          server.enqueue(new MockResponse.Builder().code(200).body("{}").build());
          assertThat(publish(notifier, endpoint)).isEqualTo(new Verdict.Accepted());
          RecordedRequest request = server.takeRequest();
          assertThat(request.getVersion()).isEqualTo("HTTP/2");
          assertThat(request.getExchangeIndex()).isEqualTo(i); // all on one connection
        }
      }
    }
  }

  @Test
  void connectionIsKeptAliveOverHttp1() throws Exception {
    try (MockWebServer server = new MockWebServer();
        Notifier notifier = impatient().build()) {
      server.start();
      for (int i = 0; i < 3; i++) {
        server.enqueue(new MockResponse.Builder().code(200).body("x".repeat(4096)).build());
        publish(notifier, server.url("/update/token").uri());
        assertThat(server.takeRequest().getExchangeIndex()).isEqualTo(i);
      }
    }
  }
}
