package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.TestServers.server;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.core.fixtures.LogCapture;
import org.simplepush.server.fixtures.Certificates;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.TestServers;

/**
 * What strangers send to the endpoint port leaves no trace in the log above debug, least of all an
 * endpoint. Two loggers of Jetty are off, as the documentation of {@code JettyEndpointServer} asks.
 */
@Timeout(60)
class StrangersInLogsWireTest {
  private static final String SECRET = "SeCrEtToKeNSeCrEtToKeNSeCrEtToKeN";
  private static final String PATH = "/update/" + SECRET;
  private static final String HOST = "Host: test\r\n";

  /** The first lines of requests, each completed by a host. */
  private static final List<String> REQUEST_LINES =
      List.of(
          "CONNECT " + PATH + " HTTP/1.1",
          "CONNECT http://test" + PATH + " HTTP/1.1",
          "PUT http://test" + PATH + " HTTP/1.1",
          "PUT http://test:99999" + PATH + " HTTP/1.1",
          "PUT http://user:" + SECRET + "@test/ HTTP/1.1",
          "PUT http://[" + SECRET + "]/ HTTP/1.1",
          "PUT https://test:" + SECRET + "/ HTTP/1.1",
          "PUT test" + PATH + " HTTP/1.1",
          "PUT :/" + PATH + " HTTP/1.1",
          "GET urn:" + PATH + " HTTP/1.1",
          "PUT /" + PATH + " HTTP/1.1",
          "PUT " + PATH + "%zz HTTP/1.1",
          "PUT " + PATH + "%c0%af HTTP/1.1",
          "PUT " + PATH + "\\ HTTP/1.1",
          "PUT " + PATH + "#x HTTP/1.1",
          "PUT " + PATH + "\u0000 HTTP/1.1",
          "PUT " + PATH + "\u00ff HTTP/1.1",
          "PUT " + PATH + "?x=%zz HTTP/1.1",
          "PUT " + PATH + " HTTP/2.0",
          "PUT " + PATH + " HTTP/9.9",
          "PUT " + PATH + " FTP/1.1",
          "PUT " + PATH,
          "TRACE " + PATH + " HTTP/1.1",
          "FOO " + PATH + " HTTP/1.1",
          "* " + PATH + " HTTP/1.1",
          "PUT " + PATH + "a".repeat(20_000) + " HTTP/1.1",
          "\u0000\u0001" + PATH);

  /** Fields of a request to an endpoint. */
  private static final List<String> FIELDS =
      List.of(
          "Host: a\r\nHost: " + SECRET,
          "Host: " + PATH,
          "Host: test:99999999",
          "Host: [::" + SECRET,
          "Expect: " + SECRET,
          "Expect: 100-continue\r\nContent-Length: 9",
          "Content-Length: -4",
          "Content-Length: " + SECRET,
          "Content-Length: 5\r\nContent-Length: 6",
          "Content-Length: 99999999999999999999",
          "Transfer-Encoding: " + SECRET,
          "Transfer-Encoding: chunked\r\nContent-Length: 6",
          "X: " + SECRET + "a".repeat(20_000),
          "X" + SECRET,
          ": " + SECRET,
          " folded " + SECRET,
          "X: \u0000" + SECRET,
          "Cookie: " + SECRET + "=\u0001;;=\"",
          "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: " + SECRET + "%",
          "Upgrade: websocket\r\nConnection: Upgrade",
          "Connection: close, " + SECRET);

  /** What is no such request. */
  private static final List<String> BYTES =
      List.of(
          "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SECRET,
          "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + SECRET,
          "PUT " + PATH + " HTTP/1.1\r\n" + HOST + "Transfer-Encoding: chunked\r\n\r\n" + SECRET,
          "PUT " + PATH + " HTTP/1.1\r\n" + HOST + "Content-Length: 50\r\n\r\n" + SECRET);

  private static List<String> requests() {
    List<String> all = new ArrayList<>(BYTES);
    REQUEST_LINES.forEach(line -> all.add(line + "\r\n" + HOST + "\r\n"));
    REQUEST_LINES.forEach(line -> all.add(line + "\r\n\r\n"));
    FIELDS.forEach(field -> all.add("PUT " + PATH + " HTTP/1.1\r\n" + HOST + field + "\r\n\r\n"));
    FIELDS.forEach(field -> all.add("PUT " + PATH + " HTTP/1.1\r\n" + field + "\r\n\r\n"));
    return all;
  }

  /** What the server says as long as it says something, and then nothing more is sent. */
  private static void exchange(RawHttp http, String request) throws Exception {
    http.socket().writeWhilePeerListens(request.getBytes(StandardCharsets.ISO_8859_1));
    http.socket().halfClose();
    http.socket().readToEnd();
  }

  private static void besiege(PushServer server, SSLContext tls) throws Exception {
    for (String request : requests()) {
      try (RawHttp http =
          tls == null
              ? RawHttp.connect(server.endpointPort())
              : RawHttp.connectTls(server.endpointPort(), tls)) {
        exchange(http, request);
      } catch (IOException connectionEnded) {
        // That is an answer, too.
      }
    }
  }

  @Test
  void nothingIsLogged(@TempDir Path folder) throws Exception {
    SSLContext tls = Certificates.selfSigned(folder.resolve("keystore.p12"));
    try (LogCapture log = new LogCapture()) {
      for (EndpointServer front : TestServers.ENDPOINT_SERVERS) {
        try (PushServer plain = server().endpointServer(front).build().start();
            PushServer secure = server().endpointServer(front).tls(tls).build().start()) {
          besiege(plain, null);
          besiege(secure, tls);
        }
      }
      assertThat(log.text().lines())
          .noneMatch(line -> line.contains(SECRET))
          .noneMatch(line -> line.matches(".*\\b(WARN|ERROR)\\b.*"))
          .noneMatch(line -> line.startsWith("\tat "));
    }
  }
}
