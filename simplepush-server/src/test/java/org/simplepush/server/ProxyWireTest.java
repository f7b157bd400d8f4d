package org.simplepush.server;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.TestServers.eventually;
import static org.simplepush.server.fixtures.TestServers.server;

import java.io.ByteArrayOutputStream;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.server.fixtures.Certificates;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.LoggedMessages;
import org.simplepush.server.fixtures.RawSocket;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.internal.ClientAddresses;
import org.simplepush.server.internal.Refusal;

/** Who a device is behind a proxy: X-Forwarded-For and the PROXY protocol, byte for byte. */
@Timeout(60)
@ExtendWith(Hygiene.class)
class ProxyWireTest {
  private static final String SIGNATURE = "0D0A0D0A000D0A515549540A";

  /** From 203.0.113.9:4711 to 192.0.2.1:443. */
  private static final String ADDRESSES_V4 = "CB007109" + "C0000201" + "1267" + "01BB";

  /** From 2001:db8:1:2::9 to 2001:db8::1. */
  private static final String ADDRESSES_V6 =
      "20010DB8000100020000000000000009" + "20010DB8000000000000000000000001" + "1267" + "01BB";

  private final BlockingQueue<InetAddress> seen = new LinkedBlockingQueue<>();

  /** A server that trusts 127.0.0.1 and tells the test who comes. */
  private PushServer.Builder behindProxy() {
    return server()
        .trustedProxies("127.0.0.1/32")
        .admission(
            request -> {
              seen.add(request.address());
              return CompletableFuture.completedStage(Admission.Decision.admit());
            });
  }

  private String nextSeen() throws Exception {
    InetAddress address = seen.poll(20, TimeUnit.SECONDS);
    assertThat(address).isNotNull();
    return address.getHostAddress();
  }

  private static byte[] hex(String hex) {
    return HexFormat.of().parseHex(hex);
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  /** The header as hex, or as text if it begins so. */
  private static byte[] header(String header) {
    return header.startsWith("PROXY")
        ? (header + "\r\n").getBytes(US_ASCII)
        : hex(
            header
                .replace("v4", ADDRESSES_V4)
                .replace("v6", ADDRESSES_V6)
                .replace("sig", SIGNATURE)
                .replace(" ", ""));
  }

  // X-Forwarded-For

  @Test
  void forwardedForOfATrustedProxyIsBelieved() throws Exception {
    try (PushServer server = behindProxy().maxConnectionsPerAddress(1).build().start();
        RawWebSocket one =
            RawWebSocket.open(server.port())
                .handshake("X-Forwarded-For: 198.51.100.1, 203.0.113.9")) {
      assertThat(nextSeen()).isEqualTo("203.0.113.9");
      try (RawWebSocket two = RawWebSocket.open(server.port())) {
        two.socket().write(RawWebSocket.request("x-forwarded-for: 203.0.113.9"));
        assertThat(two.response().status()).isEqualTo(429);
      }
      try (RawWebSocket other =
          RawWebSocket.open(server.port()).handshake("X-Forwarded-For: 203.0.113.10")) {
        assertThat(nextSeen()).isEqualTo("203.0.113.10");
        other.socket().halfClose();
      }
      one.socket().halfClose();
      eventually(() -> assertThat(server.statistics().connections()).isZero());
      try (RawWebSocket again =
          RawWebSocket.open(server.port()).handshake("X-Forwarded-For: 203.0.113.9")) {
        assertThat(nextSeen()).isEqualTo("203.0.113.9");
        again.socket().halfClose();
      }
    }
  }

  @Test
  void forwardedForOfAnybodyElseIsPassedOverAndWarnedOfOnce() throws Exception {
    try (LoggedMessages log = LoggedMessages.of(ClientAddresses.class);
        PushServer server = behindProxy().build().start()) {
      for (int i = 0; i < 3; i++) {
        try (RawWebSocket socket = RawWebSocket.openFrom("127.0.0.2", server.port())) {
          socket.handshake("X-Forwarded-For: 203.0.113.9");
          assertThat(nextSeen()).isEqualTo("127.0.0.2");
        }
      }
      assertThat(log.warnings())
          .singleElement()
          .asString()
          .contains("127.0.0.2 sends X-Forwarded-For", "--trusted-proxies");
    }
  }

  // The PROXY protocol

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "PROXY TCP4 203.0.113.9 192.0.2.1 4711 443 | 203.0.113.9",
        "PROXY TCP6 2001:db8:1:2::9 2001:db8::1 4711 443 | 2001:db8:1:2:0:0:0:9",
        "PROXY UNKNOWN | 127.0.0.1",
        "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535 | 127.0.0.1",
        "sig 21 11 000C v4 | 203.0.113.9",
        "sig 21 21 0024 v6 | 2001:db8:1:2:0:0:0:9",
        "sig 21 11 0013 v4 03 0004 DEADBEEF | 203.0.113.9", // and what a proxy adds
        "sig 20 00 0000 | 127.0.0.1", // the proxy itself
        "sig 20 11 000C v4 | 127.0.0.1",
        "sig 21 00 0000 | 127.0.0.1", // an address that is none of IP
      })
  void headerOfATrustedProxyIsBelieved(String header, String client) throws Exception {
    byte[] before = header(header);
    byte[] request = RawWebSocket.request().getBytes(US_ASCII);
    try (PushServer server = behindProxy().build().start()) {
      try (RawWebSocket atOnce = RawWebSocket.open(server.port())) {
        atOnce.socket().write(join(before, request));
        RawWebSocket.assertAccepted(atOnce.response());
        assertThat(nextSeen()).isEqualTo(client);
        assertServes(atOnce);
      }
      try (RawWebSocket inPieces = RawWebSocket.open(server.port())) {
        inPieces.socket().writeByteByByte(join(before, request));
        RawWebSocket.assertAccepted(inPieces.response());
        assertThat(nextSeen()).isEqualTo(client);
        assertServes(inPieces);
      }
    }
  }

  private static void assertServes(RawWebSocket socket) throws Exception {
    socket.send("{}");
    assertThat(socket.nextText()).isEqualTo("{}");
  }

  @ParameterizedTest
  @ValueSource(strings = {"PROXY TCP4 203.0.113.9 192.0.2.1 4711 443", "sig 21 11 000C v4"})
  void headerComesBeforeTls(String header, @TempDir Path folder) throws Exception {
    SSLContext tls = Certificates.selfSigned(folder.resolve("keystore.p12"));
    try (PushServer server = behindProxy().tls(tls).build().start()) {
      try (RawWebSocket socket =
          RawWebSocket.openTlsBehind(header(header), server.port(), tls).handshake()) {
        assertThat(nextSeen()).isEqualTo("203.0.113.9");
        assertServes(socket);
      }
      try (RawWebSocket direct = RawWebSocket.openTls(server.port(), tls).handshake()) {
        assertThat(nextSeen()).isEqualTo("127.0.0.1");
        assertServes(direct);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "PROXY",
        "PROXY TCP4",
        "PROXY TCP4 203.0.113.9 192.0.2.1 4711",
        "PROXY TCP4 evil.example.org 192.0.2.1 4711 443",
        "PROXY TCP4 203.0.113.999 192.0.2.1 4711 443",
        "PROXY  TCP4 203.0.113.9 192.0.2.1 4711 443",
        "PROXY UDP4 203.0.113.9 192.0.2.1 4711 443",
        "sig 31 11 000C v4", // version 3
        "sig 22 11 000C v4", // no command
        "sig 21 11 0004 CB007109", // too short
        "sig 21 21 000C v4",
        "sig 21 41 000C v4", // no family
        "sig 21 11 FFFF v4", // 64 KB of additions
      })
  void brokenHeaderIsRefused(String header) throws Exception {
    try (PushServer server = behindProxy().build().start();
        RawSocket socket = RawSocket.connect(server.port())) {
      socket.write(join(header(header), RawWebSocket.request().getBytes(US_ASCII)));
      // What is no header at all is taken for a request, and told so.
      assertThat(new String(socket.readToEnd(), US_ASCII)).doesNotContain(" 101 ");
      assertThat(seen).isEmpty();
      eventually(() -> assertThat(server.statistics().connectionsRefused()).isEqualTo(1));
    }
  }

  @Test
  void headerOfAnybodyElseIsRefusedAndWarnedOfOnce(@TempDir Path folder) throws Exception {
    SSLContext tls = Certificates.selfSigned(folder.resolve("keystore.p12"));
    for (SSLContext context : new SSLContext[] {null, tls}) {
      PushServer.Builder builder = context == null ? server() : server().tls(context);
      try (LoggedMessages log = LoggedMessages.of(ClientAddresses.class);
          PushServer server = builder.build().start()) {
        for (String header :
            List.of("PROXY TCP4 203.0.113.9 192.0.2.1 4711 443", "sig 21 11 000C v4")) {
          try (RawSocket socket = RawSocket.connect(server.port())) {
            socket.write(join(header(header), RawWebSocket.request().getBytes(US_ASCII)));
            assertThat(socket.readToEnd()).isEmpty();
          }
        }
        assertThat(log.warnings()).singleElement().asString().contains("a PROXY header");
        assertThat(server.refusals().sum(Refusal.PROXY)).isEqualTo(2);
      }
    }
  }

  /** An hour of it would name as many clients as a stranger likes: they are bounded in total. */
  @Test
  void headerThatNeverEndsIsNotKeptForLong() throws Exception {
    try (PushServer server = behindProxy().build().start();
        RawSocket socket = RawSocket.connect(server.port())) {
      socket.writeWhilePeerListens(("PROXY " + "x".repeat(200)).getBytes(US_ASCII));
      assertThat(socket.readToEnd()).isEmpty();
    }
  }

  @Test
  void connectionsBehindAProxyAreCountedByTheirClient() throws Exception {
    byte[] header = header("sig 21 11 000C v4");
    byte[] other = header.clone();
    ByteBuffer.wrap(other).putInt(16, 0xCB00710A);
    byte[] request = RawWebSocket.request().getBytes(US_ASCII);
    try (PushServer server = behindProxy().maxConnectionsPerAddress(1).build().start();
        RawWebSocket one = RawWebSocket.open(server.port());
        RawWebSocket two = RawWebSocket.open(server.port());
        RawWebSocket three = RawWebSocket.open(server.port())) {
      one.socket().write(join(header, request));
      assertThat(one.response().status()).isEqualTo(101);
      two.socket().write(join(header, request));
      assertThat(two.response().status()).isEqualTo(429);
      three.socket().write(join(other, request));
      assertThat(three.response().status()).isEqualTo(101);
    }
  }
}
