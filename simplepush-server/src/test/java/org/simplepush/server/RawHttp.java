package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;

/** An HTTP/1.1 client that sends what the test wrote, byte for byte, on one connection. */
final class RawHttp implements AutoCloseable {
  /** Status line and headers of an answer. */
  record Head(String statusLine, List<String> headerLines) {
    static Head read(RawSocket socket, long deadline) throws IOException, TimeoutException {
      String statusLine = socket.readLine(deadline);
      if (statusLine == null) {
        throw new IOException("The server ended TCP without an answer");
      }
      List<String> headerLines = new ArrayList<>();
      for (String line = socket.readLine(deadline);
          line != null && !line.isEmpty();
          line = socket.readLine(deadline)) {
        headerLines.add(line);
      }
      return new Head(statusLine, headerLines);
    }

    int status() {
      assertThat(statusLine).matches("HTTP/1\\.1 \\d{3}( .*)?");
      return Integer.parseInt(statusLine.substring(9, 12));
    }

    /** The value of a header that comes once, or null. */
    String header(String name) {
      List<String> values = headers(name);
      assertThat(values).as(name).hasSizeLessThanOrEqualTo(1);
      return values.isEmpty() ? null : values.get(0);
    }

    List<String> headers(String name) {
      List<String> values = new ArrayList<>();
      for (String line : headerLines) {
        if (line.regionMatches(true, 0, name + ":", 0, name.length() + 1)) {
          values.add(line.substring(name.length() + 1).trim());
        }
      }
      return values;
    }
  }

  /** An answer read to its end. */
  record Response(Head head, String body) {
    int status() {
      return head.status();
    }

    String header(String name) {
      return head.header(name);
    }
  }

  private final RawSocket socket;

  private RawHttp(RawSocket socket) {
    this.socket = socket;
  }

  static RawHttp connect(int port) throws IOException {
    return new RawHttp(RawSocket.connect(port));
  }

  static RawHttp connect(URI endpoint) throws IOException {
    return connect(endpoint.getPort());
  }

  static RawHttp connectTls(int port, SSLContext context) throws IOException {
    return connectTls(port, context, null);
  }

  static RawHttp connectTls(int port, SSLContext context, String version) throws IOException {
    return new RawHttp(RawSocket.connectTls(port, context, version, 0));
  }

  /** One PUT on a connection of its own. */
  static Response put(URI endpoint, String body) throws IOException, TimeoutException {
    try (RawHttp http = connect(endpoint)) {
      return http.putOn(endpoint, body);
    }
  }

  /** One PUT; the connection stays open. */
  Response putOn(URI endpoint, String body) throws IOException, TimeoutException {
    return exchange(
        "PUT",
        endpoint.getRawPath(),
        body,
        "Content-Type: application/x-www-form-urlencoded",
        "Content-Length: " + body.length());
  }

  /** One request with Host and these headers only. */
  Response exchange(String method, String path, String body, String... headerLines)
      throws IOException, TimeoutException {
    send(head(method, path, headerLines) + body);
    return response(method);
  }

  static String head(String method, String path, String... headerLines) {
    StringBuilder head = new StringBuilder(method + " " + path + " HTTP/1.1\r\nHost: test\r\n");
    for (String line : headerLines) {
      head.append(line).append("\r\n");
    }
    return head.append("\r\n").toString();
  }

  void send(String bytes) throws IOException {
    socket.write(bytes);
  }

  RawSocket socket() {
    return socket;
  }

  Response response() throws IOException, TimeoutException {
    return response("PUT");
  }

  Response response(String method) throws IOException, TimeoutException {
    long deadline = RawSocket.deadline(RawSocket.TIMEOUT);
    Head head = Head.read(socket, deadline);
    return new Response(head, new String(body(method, head, deadline), StandardCharsets.UTF_8));
  }

  private byte[] body(String method, Head head, long deadline)
      throws IOException, TimeoutException {
    if (method.equals("HEAD") || head.status() / 100 == 1 || head.status() == 204) {
      return new byte[0];
    }
    String length = head.header("Content-Length");
    if (length != null) {
      return socket.readFully(Integer.parseInt(length), deadline);
    }
    if ("chunked".equalsIgnoreCase(head.header("Transfer-Encoding"))) {
      ByteArrayOutputStream body = new ByteArrayOutputStream();
      int size;
      do {
        size = Integer.parseInt(socket.readLine(deadline), 16);
        body.writeBytes(socket.readFully(size, deadline));
        assertThat(socket.readLine(deadline)).as("the end of a chunk").isEmpty();
      } while (size > 0);
      return body.toByteArray();
    }
    return socket.readToEnd(deadline);
  }

  /** TCP ends; whatever comes before is returned. */
  String readToEnd() throws IOException, TimeoutException {
    return new String(socket.readToEnd(), StandardCharsets.ISO_8859_1);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
