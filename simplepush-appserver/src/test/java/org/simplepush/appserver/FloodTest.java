package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import okhttp3.tls.HandshakeCertificates;
import okhttp3.tls.HeldCertificate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.appserver.internal.http.BoundedSockets;
import org.simplepush.appserver.testing.HostileServer;
import org.simplepush.appserver.testing.RawServer;

/** Push servers that send more than an answer, over HTTP/1.1 and HTTP/2. */
@Timeout(60)
class FloodTest {
  /** What the kernel takes on both sides before a server notices that nobody reads, and more. */
  private static final long BUFFERS = 24L << 20;

  private static final String SETTINGS = "000000040000000000";
  private static final String PING = "0000080600000000000123456789abcdef";

  private static final HeldCertificate CERTIFICATE =
      new HeldCertificate.Builder().addSubjectAlternativeName("localhost").build();
  private static final HandshakeCertificates OWN =
      new HandshakeCertificates.Builder().heldCertificate(CERTIFICATE).build();
  private static final HandshakeCertificates TRUSTED =
      new HandshakeCertificates.Builder().addTrustedCertificate(CERTIFICATE.certificate()).build();

  private static Notifier.Builder brief() {
    return Notifier.builder()
        .permitHost("localhost")
        .deadline(Duration.ofMillis(1))
        .requestTimeout(Duration.ofSeconds(2))
        .trustManager(TRUSTED.trustManager());
  }

  private static byte[] frames(String... hex) {
    return HexFormat.of().parseHex(String.join("", hex));
  }

  private static void assertVerdictAndNothingLeft(Notifier notifier, URI endpoint) {
    CompletableFuture<Verdict> verdict = notifier.publish(endpoint, 7);
    assertThat(verdict)
        .succeedsWithin(Duration.ofSeconds(20))
        .isNotInstanceOf(Verdict.Accepted.class);
    await().atMost(Duration.ofSeconds(20)).until(() -> notifier.sender().isEmpty());
  }

  private static HostileServer.Behaviour flooding(byte[] first, byte[] again, AtomicLong written) {
    byte[] more = new byte[Math.max(1, 4096 / again.length) * again.length];
    for (int n = 0; n < more.length; n++) {
      more[n] = again[n % again.length];
    }
    return (socket, out) -> {
      socket.setSendBufferSize(4096);
      out.write(first);
      while (true) {
        out.write(more);
        written.addAndGet(more.length);
      }
    };
  }

  @ParameterizedTest
  @CsvSource({
    "'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;', x",
    "'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 0",
    "'', 'HTTP/1.1 103 Early Hints\r\n\r\n'",
    "'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n', 'X: y\r\n'"
  })
  void endlessLinesAreCutOff(String first, String again) throws Exception {
    AtomicLong written = new AtomicLong();
    try (HostileServer server =
            new HostileServer(flooding(RawServer.bytes(first), RawServer.bytes(again), written));
        Notifier notifier = brief().build()) {
      assertVerdictAndNothingLeft(notifier, server.endpoint(1));
      await().atMost(Duration.ofSeconds(20)).until(() -> server.open() == 0);
      assertThat(written.get()).isLessThan(BUFFERS);
    }
  }

  /** A server with TLS that has agreed on HTTP/2. */
  private static HostileServer http2(HostileServer.Behaviour behaviour) throws IOException {
    ServerSocket plain = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    return new HostileServer(
        plain,
        (socket, ignored) -> {
          try (SSLSocket tls =
              (SSLSocket)
                  OWN.sslSocketFactory()
                      .createSocket(socket, "localhost", plain.getLocalPort(), true)) {
            tls.setUseClientMode(false);
            SSLParameters parameters = tls.getSSLParameters();
            parameters.setApplicationProtocols(new String[] {"h2"});
            tls.setSSLParameters(parameters);
            tls.startHandshake();
            behaviour.meet(tls, tls.getOutputStream());
          }
        });
  }

  private static URI https(HostileServer server) {
    return URI.create("https://localhost:" + server.port() + "/update/1");
  }

  @ParameterizedTest
  @ValueSource(strings = {PING, SETTINGS, "0000040800000000000000000001", "000000020000000001"})
  void framesWithoutEndAreCutOff(String frame) throws Exception {
    AtomicLong written = new AtomicLong();
    try (HostileServer server = http2(flooding(frames(SETTINGS), frames(frame), written));
        Notifier notifier = brief().build()) {
      assertVerdictAndNothingLeft(notifier, https(server));
      await().atMost(Duration.ofSeconds(20)).until(() -> server.open() == 0);
      assertThat(written.get()).isLessThan(BUFFERS);
    }
  }

  @Test
  void oddFramesGetAVerdict() throws Exception {
    Map<String, String> kinds = new LinkedHashMap<>();
    kinds.put("silence", SETTINGS);
    kinds.put("goes away", SETTINGS + "0000080700000000000000000000000000");
    kinds.put("refuses the stream", SETTINGS + "00000403000000000100000007");
    kinds.put("cancels the stream", SETTINGS + "00000403000000000100000008");
    kinds.put("no window", "000006040000000000000400000000");
    kinds.put("bad setting", "000006040000000000000500000000");
    kinds.put("window that overflows", SETTINGS + "00000408000000000" + "07fffffff");
    kinds.put("half a frame", "0000ff04");
    kinds.put("longest frame", "ffffff0000000000010102");
    kinds.put("status that is none", SETTINGS + "00000401050000000148022d31");
    kinds.put("push", SETTINGS + "00000505040000000100000002" + "82");
    Map<String, HostileServer> servers = new LinkedHashMap<>();
    Map<String, CompletableFuture<Verdict>> verdicts = new LinkedHashMap<>();
    try (Notifier notifier = brief().build()) {
      for (Map.Entry<String, String> kind : kinds.entrySet()) {
        byte[] answer = frames(kind.getValue());
        HostileServer server =
            http2(
                (socket, out) -> {
                  out.write(answer);
                  HostileServer.awaitClose(socket);
                });
        servers.put(kind.getKey(), server);
        verdicts.put(kind.getKey(), notifier.publish(https(server), 7));
      }
      for (Map.Entry<String, CompletableFuture<Verdict>> each : verdicts.entrySet()) {
        assertThat(each.getValue())
            .as(each.getKey())
            .succeedsWithin(Duration.ofSeconds(20))
            .isNotInstanceOf(Verdict.Accepted.class);
        // However often the engine tries again by itself.
        HostileServer server = servers.get(each.getKey());
        assertThat(server.connections.get()).as(each.getKey()).isLessThan(10);
      }
      await().atMost(Duration.ofSeconds(20)).until(() -> notifier.sender().isEmpty());
    } finally {
      for (HostileServer server : servers.values()) {
        server.close();
      }
    }
  }

  @Test
  void handshakeThatStallsTimesOut() throws Exception {
    try (HostileServer server =
            new HostileServer((socket, out) -> HostileServer.awaitClose(socket));
        Notifier notifier = brief().build()) {
      assertThat(notifier.publish(https(server), 7))
          .succeedsWithin(Duration.ofSeconds(20))
          .isInstanceOfSatisfying(
              Verdict.Failed.class,
              failed -> assertThat(failed.cause()).isEqualTo(Verdict.Cause.TIMEOUT));
    }
  }

  /** The bound is per request, not per connection. */
  @Test
  void connectionThatBehavesIsKept() throws Exception {
    String answer = "HTTP/1.1 200 OK\r\nX: " + "y".repeat(4000) + "\r\nContent-Length: 2\r\n\r\n{}";
    try (HostileServer server = new HostileServer(HostileServer.answering(answer));
        Notifier notifier = brief().build()) {
      for (int n = 0; n < 2 * BoundedSockets.MAX_BYTES / 4000; n++) {
        assertThat(notifier.publish(server.endpoint(1), n))
            .succeedsWithin(Duration.ofSeconds(20))
            .isEqualTo(new Verdict.Accepted());
      }
      assertThat(server.connections).hasValue(1);
    }
  }
}
