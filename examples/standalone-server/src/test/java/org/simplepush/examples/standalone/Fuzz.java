package org.simplepush.examples.standalone;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** What a stranger says by chance on one connection: almost right, or nonsense. */
final class Fuzz {
  private static final String CHANNEL = "d9b74644-4f97-46aa-b8fa-9393985cd6cd";

  private static final String UPGRADE =
      "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
          + "Sec-WebSocket-Protocol: push-notification\r\n\r\n";

  private static final List<String> MESSAGES =
      List.of(
          "{'messageType':'hello','uaid':'','channelIDs':[]}",
          "{'messageType':'hello','uaid':'" + CHANNEL + "','channelIDs':['" + CHANNEL + "']}",
          "{'messageType':'hello','broadcasts':{},'use_webpush':true}",
          "{'messageType':'hello','uaid':'','channelIDs':[],'wakeup_hostport':{'ip':'127.0.0.1',"
              + "'port':9},'mobilenetwork':{'mcc':'214','mnc':7}}",
          "{'messageType':'register','channelID':'" + CHANNEL + "'}",
          "{'messageType':'register','channelID':'" + CHANNEL.replace("-", "") + "'}",
          "{'messageType':'unregister','channelID':'" + CHANNEL + "'}",
          "{'messageType':'ack','updates':[{'channelID':'" + CHANNEL + "','version':7}]}",
          "{'messageType':'ping'}",
          "{}");

  private static final List<String> SCRAPS =
      List.of(
          "null",
          "9223372036854775808",
          "-1",
          "1e999",
          "\\ud800",
          "\0",
          "[[[[",
          "{'a':",
          "'",
          "]}",
          "true",
          "'messageType':'hello'",
          "\ud83d\ude00",
          "\u0085",
          "000000000000000");

  private static final List<String> METHODS =
      List.of(
          "PUT", "POST", "GET", "HEAD", "OPTIONS", "DELETE", "TRACE", "CONNECT", "PRI", "x", "");

  private static final List<String> VERSIONS =
      List.of("HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/9.9", "FTP", "");

  private static final List<String> FIELDS =
      List.of(
          "Host: a",
          "Host: b\r\nHost: c",
          "Content-Length: 9",
          "Content-Length: 0",
          "Content-Length: -4",
          "Content-Length: 99999999999999999999",
          "Content-Length: 5\r\nContent-Length: 6",
          "Transfer-Encoding: chunked",
          "Transfer-Encoding: chunked, gzip",
          "Content-Type: application/x-www-form-urlencoded",
          "Content-Type: text/plain; charset=utf-16",
          "Connection: close",
          "Connection: keep-alive, Upgrade",
          "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
          "Upgrade: websocket",
          "Expect: 100-continue",
          "Expect: x",
          "Origin: https://a.example",
          "X: " + "a".repeat(9_000),
          " folded",
          "X\0: \u00ff",
          ":");

  private static final List<String> BODIES =
      List.of(
          "version=7",
          "version=",
          "version=9223372036854775807",
          "version=-1&version=2",
          "version=%37&x=%",
          "4\r\nvers\r\n5\r\nion=8\r\n0\r\n\r\n",
          "ffffffffffffffff\r\nx",
          "0;x=" + "y".repeat(3_000) + "\r\n\r\n",
          "",
          "a=".repeat(5_000));

  private static final byte[] HTTP2_PREFACE = ascii("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

  private final Random random;

  Fuzz(long seed) {
    random = new Random(seed);
  }

  Random random() {
    return random;
  }

  // The port of devices

  /** A request to upgrade, and what a device says then. */
  byte[] ofDevice() {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(random.nextInt(8) == 0 ? mutated(ascii(UPGRADE)) : ascii(UPGRADE));
    if (random.nextInt(3) > 0) {
      frame(all, 0x81, ascii(json(MESSAGES.get(0))));
    }
    for (int i = random.nextInt(20); i >= 0; i--) {
      something(all);
    }
    return all.toByteArray();
  }

  private void something(ByteArrayOutputStream all) {
    switch (random.nextInt(10)) {
      case 0 -> frame(all, random.nextInt(256), bytes(random.nextInt(300)));
      case 1 -> frame(all, 0x89, bytes(random.nextInt(130)));
      case 2 -> { // a length that is a lie
        header(all, random.nextInt(256), 0x80, random.nextLong() >>> random.nextInt(64));
        all.writeBytes(bytes(random.nextInt(100)));
      }
      case 3 -> { // in pieces, with something in between
        byte[] message = message();
        int cut = random.nextInt(message.length + 1);
        frame(all, 0x01, Arrays.copyOf(message, cut));
        frame(all, random.nextBoolean() ? 0x89 : 0x8a, bytes(random.nextInt(5)));
        frame(all, 0x80, Arrays.copyOfRange(message, cut, message.length));
      }
      case 4 -> {
        for (int i = random.nextInt(100); i > 0; i--) {
          frame(all, 0x89, new byte[0]);
        }
      }
      case 5 -> { // not masked
        byte[] message = message();
        header(all, 0x81, 0, message.length);
        all.writeBytes(message);
      }
      case 6 -> frame(all, 0x88, bytes(random.nextInt(130)));
      default -> frame(all, 0x81, message());
    }
  }

  private void frame(ByteArrayOutputStream all, int first, byte[] payload) {
    header(all, first, 0x80, payload.length);
    byte[] mask = bytes(4);
    all.writeBytes(mask);
    for (int i = 0; i < payload.length; i++) {
      all.write(payload[i] ^ mask[i & 3]);
    }
  }

  private static void header(ByteArrayOutputStream all, int first, int maskBit, long length) {
    all.write(first);
    if (length >= 0 && length < 126) {
      all.write(maskBit | (int) length);
    } else if (length >= 0 && length < 1 << 16) {
      all.write(maskBit | 126);
      all.writeBytes(ByteBuffer.allocate(2).putShort((short) length).array());
    } else {
      all.write(maskBit | 127);
      all.writeBytes(ByteBuffer.allocate(8).putLong(length).array());
    }
  }

  private byte[] message() {
    StringBuilder text = new StringBuilder(json(any(MESSAGES)));
    for (int i = random.nextInt(3); i > 0; i--) {
      int from = random.nextInt(text.length() + 1);
      int to = Math.min(text.length(), from + random.nextInt(12));
      text.replace(from, to, json(any(SCRAPS)).repeat(random.nextInt(10) == 0 ? 1000 : 1));
    }
    byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
    return random.nextInt(4) == 0 ? mutated(bytes) : bytes;
  }

  private static String json(String text) {
    return text.replace('\'', '"');
  }

  // Ports of HTTP

  /**
   * Some requests, one behind the other, or HTTP/2.
   *
   * @param target a path that the server knows
   */
  byte[] ofHttp(String target) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    if (random.nextInt(8) == 0) {
      http2(all);
      return all.toByteArray();
    }
    for (int i = random.nextInt(5); i >= 0; i--) {
      byte[] request = ascii(request(target));
      all.writeBytes(random.nextInt(4) == 0 ? mutated(request) : request);
    }
    return all.toByteArray();
  }

  private String request(String target) {
    boolean sensible = random.nextBoolean();
    StringBuilder request = new StringBuilder(sensible ? "PUT" : any(METHODS)).append(' ');
    request.append(target(target)).append(' ').append(sensible ? "HTTP/1.1" : any(VERSIONS));
    request.append(sensible ? "\r\nHost: a\r\n" : "\r\n");
    for (int i = random.nextInt(6); i > 0; i--) {
      request.append(any(FIELDS)).append("\r\n");
    }
    String body = any(BODIES);
    if (sensible) {
      request.append("Content-Length: ").append(body.length()).append("\r\n");
    }
    return request.append("\r\n").append(body).toString();
  }

  private String target(String known) {
    return switch (random.nextInt(8)) {
      case 0 -> "http://a:99999" + known;
      case 1 -> known + "?version=7&x=%zz";
      case 2 -> "/update/" + "%2e".repeat(random.nextInt(2_000));
      case 3 -> "*";
      case 4 -> new String(mutated(ascii(known)), StandardCharsets.ISO_8859_1);
      default -> known;
    };
  }

  private void http2(ByteArrayOutputStream all) {
    all.writeBytes(random.nextInt(8) == 0 ? mutated(HTTP2_PREFACE) : HTTP2_PREFACE);
    http2Frame(all, 4, 0, 0, new byte[0]); // SETTINGS
    for (int i = random.nextInt(30); i >= 0; i--) {
      int stream = random.nextInt(4) == 0 ? random.nextInt() : random.nextInt(8);
      http2Frame(all, random.nextInt(11), random.nextInt(256), stream, bytes(random.nextInt(200)));
    }
  }

  private void http2Frame(
      ByteArrayOutputStream all, int type, int flags, int stream, byte[] payload) {
    int announced = random.nextInt(20) == 0 ? random.nextInt(1 << 24) : payload.length;
    all.writeBytes(
        ByteBuffer.allocate(9)
            .putInt(announced << 8 | type)
            .put((byte) flags)
            .putInt(stream)
            .array());
    all.writeBytes(payload);
  }

  // TLS

  /** Records of TLS that hold what chance wants, perhaps behind the beginning of a greeting. */
  byte[] ofTls(byte[] clientHello) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    if (random.nextBoolean()) {
      all.writeBytes(random.nextBoolean() ? mutated(clientHello) : clientHello);
    }
    for (int i = random.nextInt(5); i > 0; i--) {
      byte[] payload = bytes(random.nextInt(400));
      all.write(random.nextInt(4) == 0 ? random.nextInt(256) : 20 + random.nextInt(4));
      all.write(3);
      all.write(random.nextInt(5));
      int announced = random.nextInt(8) == 0 ? random.nextInt(1 << 16) : payload.length;
      all.write(announced >> 8);
      all.write(announced);
      all.writeBytes(payload);
    }
    return all.toByteArray();
  }

  // Chance

  private <T> T any(List<T> of) {
    return of.get(random.nextInt(of.size()));
  }

  private byte[] mutated(byte[] bytes) {
    byte[] changed = bytes.clone();
    for (int i = random.nextInt(5); i > 0 && changed.length > 0; i--) {
      changed[random.nextInt(changed.length)] = (byte) random.nextInt();
    }
    return random.nextInt(4) == 0
        ? Arrays.copyOf(changed, random.nextInt(changed.length + 1))
        : changed;
  }

  private byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }
}
