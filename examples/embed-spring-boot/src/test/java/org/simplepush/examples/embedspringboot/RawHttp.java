package org.simplepush.examples.embedspringboot;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;

/** One HTTP/1.1 request, byte for byte as the test wrote it, and its answer. */
record RawHttp(int status, String head, String body) {
  /** Sends a request and then ends this half of the connection. */
  static RawHttp exchange(int port, String method, String path, String headers, String body)
      throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout(30_000);
      String request =
          method + " " + path + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n" + headers;
      socket
          .getOutputStream()
          .write((request + "\r\n" + body).getBytes(StandardCharsets.ISO_8859_1));
      socket.shutdownOutput();
      return parse(new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1));
    }
  }

  /** Status 0 if there was no answer. */
  private static RawHttp parse(String answer) {
    if (answer.isEmpty()) {
      return new RawHttp(0, "", "");
    }
    int end = answer.indexOf("\r\n\r\n");
    String status = answer.substring("HTTP/1.1 ".length(), "HTTP/1.1 200".length());
    return new RawHttp(
        Integer.parseInt(status), answer.substring(0, end), answer.substring(end + 4));
  }
}
