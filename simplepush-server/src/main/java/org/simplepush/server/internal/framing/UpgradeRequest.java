package org.simplepush.server.internal.framing;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.MessageCodec;

/**
 * The HTTP request that opens a WebSocket (RFC 6455 §4.2.1), and the answer. The WebSocket engine
 * does not see it: it would take requests without Upgrade or Connection, choose a subprotocol for
 * whoever offers only others, leave refused connections open, and make more garbage than all the
 * rest of connecting and registering.
 */
public final class UpgradeRequest {
  /** The largest head accepted; browsers send about 600 bytes. */
  public static final int MAX_HEAD_LENGTH = 8 * 1024;

  private static final String UPGRADE = "Upgrade: websocket\r\nConnection: Upgrade, close\r\n";

  private static final int KEY_LENGTH = 16;

  /** What a server appends to the key to show that it understood (RFC 6455 §4.2.2). */
  private static final String ACCEPT_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

  private static final String END_OF_LINE = "\r\n";

  /** Method, target and version, if it is right. */
  private final String[] request;

  private final boolean headersAreNamed;

  /** All of the head. */
  private final String text;

  // The headers that matter, each null if there is none; several of a name are joined by commas.
  private @Nullable String upgrade;
  private @Nullable String connection;
  private @Nullable String version;
  private @Nullable String key;
  private @Nullable String protocols;
  private @Nullable String forwardedFor;

  /** Whether a connection that begins with this byte can be HTTP; TLS, for one, cannot. */
  public static boolean mayBegin(byte first) {
    return first >= 'A' && first <= 'Z';
  }

  /** Returns where the head ends, after its empty line, or -1 if it is not complete. */
  public static int endOfHead(byte[] bytes, int from, int to) {
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

  /**
   * Reads a request.
   *
   * @param length where its head ends
   */
  public UpgradeRequest(byte[] head, int length) {
    text = new String(head, 0, length, StandardCharsets.ISO_8859_1);
    int end = text.indexOf(END_OF_LINE);
    request = text.substring(0, end).split(" ", -1);
    boolean named = true;
    for (int at = end + 2; !text.startsWith(END_OF_LINE, at); at = end + 2) {
      end = text.indexOf(END_OF_LINE, at);
      int colon = text.indexOf(':', at);
      if (colon <= at || colon > end) {
        named = false;
        break;
      }
      upgrade = header("Upgrade", upgrade, text, at, colon, end);
      connection = header("Connection", connection, text, at, colon, end);
      version = header("Sec-WebSocket-Version", version, text, at, colon, end);
      key = header("Sec-WebSocket-Key", key, text, at, colon, end);
      protocols = header("Sec-WebSocket-Protocol", protocols, text, at, colon, end);
      forwardedFor = header("X-Forwarded-For", forwardedFor, text, at, colon, end);
    }
    headersAreNamed = named;
  }

  /** Returns the values of a header so far, with what this line adds to them if it is that one. */
  private static @Nullable String header(
      String name, @Nullable String before, String text, int from, int colon, int end) {
    if (colon - from != name.length() || !text.regionMatches(true, from, name, 0, colon - from)) {
      return before;
    }
    String value = text.substring(colon + 1, end).strip();
    return before == null ? value : before + "," + value;
  }

  /** Returns the HTTP answer that refuses the request, or null if it is to be accepted. */
  public @Nullable String refusal() {
    if (request.length != 3 || !request[2].startsWith("HTTP/1.")) {
      return answer("400 Bad Request", "", "This is not an HTTP/1.1 request.");
    }
    if (!headersAreNamed) {
      return answer("400 Bad Request", "", "A header has no name.");
    }
    if (!request[0].equals("GET")
        || !request[2].equals("HTTP/1.1")
        || !lists(upgrade, "websocket"::equalsIgnoreCase)
        || !lists(connection, "upgrade"::equalsIgnoreCase)) {
      return answer("426 Upgrade Required", UPGRADE, "This port speaks WebSocket.");
    }
    if (!"13".equals(version)) {
      return answer(
          "426 Upgrade Required",
          UPGRADE + "Sec-WebSocket-Version: 13\r\n",
          "This port speaks version 13 of WebSocket.");
    }
    if (key == null || !isKey(key)) {
      return answer("400 Bad Request", "", "Sec-WebSocket-Key is not 16 bytes in Base64.");
    }
    // Case matters in the name of a subprotocol.
    if (protocols != null && !lists(protocols, MessageCodec.SUBPROTOCOL::equals)) {
      return answer(
          "400 Bad Request", "", "The only subprotocol here is " + MessageCodec.SUBPROTOCOL + ".");
    }
    return null;
  }

  /** Returns what {@code X-Forwarded-For} says; several headers are one list. */
  public List<String> forwardedFor() {
    return forwardedFor == null ? List.of() : List.of(forwardedFor);
  }

  /** Returns the path, for a request that is not refused. */
  public String path() {
    int query = request[1].indexOf('?');
    return query < 0 ? request[1] : request[1].substring(0, query);
  }

  /** Returns what follows the question mark; empty if there is none. */
  public String query() {
    int query = request[1].indexOf('?');
    return query < 0 ? "" : request[1].substring(query + 1);
  }

  /** Returns the values of all headers of a name, for a request that is not refused. */
  public List<String> headers(String name) {
    List<String> values = new ArrayList<>();
    int end = text.indexOf(END_OF_LINE);
    for (int at = end + 2; !text.startsWith(END_OF_LINE, at); at = end + 2) {
      end = text.indexOf(END_OF_LINE, at);
      String value = header(name, null, text, at, text.indexOf(':', at), end);
      if (value != null) {
        values.add(value);
      }
    }
    return List.copyOf(values);
  }

  private static boolean isKey(String text) {
    try {
      return text.length() == 24 && Base64.getDecoder().decode(text).length == KEY_LENGTH;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static boolean lists(@Nullable String header, Predicate<String> wanted) {
    if (header != null) {
      for (String item : header.split(",", -1)) {
        if (wanted.test(item.strip())) {
          return true;
        }
      }
    }
    return false;
  }

  /** Returns the HTTP answer that accepts a request which is not refused. */
  public String acceptance() {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Accept: "
        + Base64.getEncoder().encodeToString(sha1(key + ACCEPT_SUFFIX))
        + (protocols == null ? "" : "\r\nSec-WebSocket-Protocol: " + MessageCodec.SUBPROTOCOL)
        + "\r\nServer: SimplePush\r\n\r\n";
  }

  /**
   * Returns the HTTP answer that refuses a request which is as it should be.
   *
   * @param status 403, 429 or 503
   * @param retryAfter when to try again; zero if that is not told
   */
  public static String refused(int status, Duration retryAfter) {
    long seconds = retryAfter.plusNanos(999_999_999).toSeconds();
    String headers = seconds == 0 ? "" : "Retry-After: " + seconds + END_OF_LINE;
    return switch (status) {
      case 403 -> answer("403 Forbidden", headers, "This device may not connect.");
      case 429 -> answer("429 Too Many Requests", headers, "Too many connections come from there.");
      default -> answer("503 Service Unavailable", headers, "Too many connections; try later.");
    };
  }

  private static byte[] sha1(String text) {
    try {
      return MessageDigest.getInstance("SHA-1").digest(text.getBytes(StandardCharsets.ISO_8859_1));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-1", e);
    }
  }

  /** Returns a complete HTTP answer after which the connection is closed. */
  public static String answer(String status, String headers, String sentence) {
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
