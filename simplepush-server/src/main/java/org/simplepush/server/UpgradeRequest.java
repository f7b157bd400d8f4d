package org.simplepush.server;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.MessageCodec;

/**
 * The HTTP request that opens a WebSocket (RFC 6455 §4.2.1), checked before the WebSocket engine
 * sees it: the engine takes requests without Upgrade or Connection, chooses a subprotocol for
 * whoever offers only others, and leaves refused connections open.
 */
final class UpgradeRequest {
  /** The largest head accepted; browsers send about 600 bytes. */
  static final int MAX_HEAD_LENGTH = 8 * 1024;

  private static final String UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade, close\r\n";

  private static final int KEY_LENGTH = 16;

  private UpgradeRequest() {}

  /** Whether a connection that begins with this byte can be HTTP; TLS, for one, cannot. */
  static boolean mayBegin(byte first) {
    return first >= 'A' && first <= 'Z';
  }

  /** Returns where the head ends, after its empty line, or -1 if it is not complete. */
  static int endOfHead(byte[] bytes, int from, int to) {
    for (int i = Math.max(from, 3); i < to; i++) {
      if (bytes[i] == '\n'
          && bytes[i - 1] == '\r'
          && bytes[i - 2] == '\n'
          && bytes[i - 3] == '\r') {
        return i + 1;
      }
    }
    return -1;
  }

  /** Returns the HTTP answer that refuses the request, or null if it is to be accepted. */
  static @Nullable String refusal(byte[] head, int length) {
    String[] lines = new String(head, 0, length, StandardCharsets.ISO_8859_1).split("\r\n", -1);
    String[] request = lines[0].split(" ", -1);
    if (request.length != 3 || !request[2].startsWith("HTTP/1.")) {
      return answer("400 Bad Request", "", "This is not an HTTP/1.1 request.");
    }
    Map<String, String> headers = new HashMap<>();
    for (int i = 1; i < lines.length && !lines[i].isEmpty(); i++) {
      int colon = lines[i].indexOf(':');
      if (colon <= 0) {
        return answer("400 Bad Request", "", "A header has no name.");
      }
      String name = lines[i].substring(0, colon).toLowerCase(Locale.ROOT);
      headers.merge(name, lines[i].substring(colon + 1).strip(), (a, b) -> a + "," + b);
    }
    if (!request[0].equals("GET")
        || !request[2].equals("HTTP/1.1")
        || !lists(headers.get("upgrade"), "websocket")
        || !lists(headers.get("connection"), "upgrade")) {
      return answer("426 Upgrade Required", UPGRADE, "This port speaks WebSocket.");
    }
    if (!"13".equals(headers.get("sec-websocket-version"))) {
      return answer(
          "426 Upgrade Required",
          UPGRADE + "Sec-WebSocket-Version: 13\r\n",
          "This port speaks version 13 of WebSocket.");
    }
    String key = headers.get("sec-websocket-key");
    if (key == null || !isKey(key)) {
      return answer("400 Bad Request", "", "Sec-WebSocket-Key is not 16 bytes in Base64.");
    }
    String protocols = headers.get("sec-websocket-protocol");
    // Case matters in the name of a subprotocol, and so does it to the engine.
    if (protocols != null && !items(protocols).contains(MessageCodec.SUBPROTOCOL)) {
      return answer(
          "400 Bad Request", "", "The only subprotocol here is " + MessageCodec.SUBPROTOCOL + ".");
    }
    return null;
  }

  private static boolean isKey(String text) {
    try {
      return text.length() == 24 && Base64.getDecoder().decode(text).length == KEY_LENGTH;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static boolean lists(@Nullable String header, String wanted) {
    return header != null && items(header).stream().anyMatch(wanted::equalsIgnoreCase);
  }

  private static List<String> items(String header) {
    return Arrays.stream(header.split(",", -1)).map(String::strip).toList();
  }

  /** Returns a complete HTTP answer after which the connection is closed. */
  static String answer(String status, String headers, String sentence) {
    return "HTTP/1.1 "
        + status
        + "\r\n"
        + headers
        + (headers.contains("Connection:") ? "" : "Connection: close\r\n")
        + "Content-Type: text/plain\r\nContent-Length: "
        + (sentence.length() + 1)
        + "\r\n\r\n"
        + sentence
        + "\n";
  }
}
