package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.Base64;
import java.util.Random;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLContext;

/**
 * A WebSocket client written from RFC 6455 for the tests alone. It shares nothing with the code
 * under test and does only what it is told: it answers no ping and echoes no close frame.
 */
final class RawWebSocket implements AutoCloseable {
  static final int CONTINUATION = 0x0;
  static final int TEXT = 0x1;
  static final int BINARY = 0x2;
  static final int CLOSE = 0x8;
  static final int PING = 0x9;
  static final int PONG = 0xA;
  static final int FIN = 0x80;

  /** Protocol §1 gives whoever closes 2 s to end TCP; the rest is for a busy machine. */
  private static final Duration TCP_END = Duration.ofSeconds(10);

  private static final String KEY = "dGhlIHNhbXBsZSBub25jZQ==";
  private static final String GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

  /** A frame as it came; a server's frames are never masked. */
  record Frame(boolean fin, int reserved, int opcode, byte[] payload) {
    String text() {
      return new String(payload, StandardCharsets.UTF_8);
    }

    int closeCode() {
      return payload.length < 2 ? 1005 : ByteBuffer.wrap(payload).getShort() & 0xffff;
    }

    @Override
    public String toString() {
      return switch (opcode) {
        case CLOSE ->
            "close "
                + closeCode()
                + (payload.length > 2
                    ? " " + new String(payload, 2, payload.length - 2, StandardCharsets.UTF_8)
                    : "");
        case TEXT, CONTINUATION -> (opcode == TEXT ? "text " : "continuation ") + text();
        default -> "frame of opcode " + opcode + " and " + payload.length + " bytes";
      };
    }
  }

  private final RawSocket socket;
  private final Random masks = new Random(6455);

  private RawWebSocket(RawSocket socket) {
    this.socket = socket;
  }

  /** A TCP connection on which nothing was sent yet. */
  static RawWebSocket open(int port) throws IOException {
    return new RawWebSocket(RawSocket.connect(port));
  }

  /** A TCP connection from this address of this machine, on which nothing was sent yet. */
  static RawWebSocket openFrom(String address, int port) throws IOException {
    return new RawWebSocket(RawSocket.connectFrom(address, port));
  }

  /** Connects and shakes hands as a device does. */
  static RawWebSocket connect(int port) throws IOException, TimeoutException {
    return open(port).handshake("Sec-WebSocket-Protocol: push-notification");
  }

  /** A TLS connection on which nothing was sent yet. */
  static RawWebSocket openTls(int port, SSLContext context) throws IOException {
    return new RawWebSocket(RawSocket.connectTls(port, context, null, 0));
  }

  /** Like {@link #openTls}, on a connection that a proxy has begun with a header of its own. */
  static RawWebSocket openTlsBehind(byte[] header, int port, SSLContext context)
      throws IOException {
    return new RawWebSocket(RawSocket.connectTlsBehind(header, port, context));
  }

  static RawWebSocket connectTls(int port, SSLContext context)
      throws IOException, TimeoutException {
    return openTls(port, context).handshake("Sec-WebSocket-Protocol: push-notification");
  }

  static RawWebSocket connectTls(int port, SSLContext context, String version)
      throws IOException, TimeoutException {
    return new RawWebSocket(RawSocket.connectTls(port, context, version, 0))
        .handshake("Sec-WebSocket-Protocol: push-notification");
  }

  static RawWebSocket connectTls(int port, SSLContext context, int receiveBuffer)
      throws IOException, TimeoutException {
    return new RawWebSocket(RawSocket.connectTls(port, context, null, receiveBuffer))
        .handshake("Sec-WebSocket-Protocol: push-notification");
  }

  /** Connects with a receive buffer of this many bytes. */
  static RawWebSocket connect(int port, int receiveBuffer) throws IOException, TimeoutException {
    return new RawWebSocket(RawSocket.connect(port, receiveBuffer))
        .handshake("Sec-WebSocket-Protocol: push-notification");
  }

  /** A correct request with these header lines added. */
  static String request(String... headerLines) {
    StringBuilder request =
        new StringBuilder(
            "GET / HTTP/1.1\r\n"
                + "Host: 127.0.0.1\r\n"
                + "Upgrade: websocket\r\n"
                + "Connection: Upgrade\r\n"
                + "Sec-WebSocket-Key: "
                + KEY
                + "\r\n"
                + "Sec-WebSocket-Version: 13\r\n");
    for (String line : headerLines) {
      request.append(line).append("\r\n");
    }
    return request.append("\r\n").toString();
  }

  RawWebSocket handshake(String... headerLines) throws IOException, TimeoutException {
    socket.write(request(headerLines));
    assertAccepted(response());
    return this;
  }

  /** Reads the server's answer to the handshake. */
  RawHttp.Head response() throws IOException, TimeoutException {
    return RawHttp.Head.read(socket, RawSocket.deadline(RawSocket.TIMEOUT));
  }

  static void assertAccepted(RawHttp.Head response) {
    assertThat(response.status()).as("status of %s", response).isEqualTo(101);
    assertThat(response.header("Upgrade")).isEqualToIgnoringCase("websocket");
    assertThat(response.header("Connection")).isEqualToIgnoringCase("upgrade");
    assertThat(response.header("Sec-WebSocket-Accept")).isEqualTo(acceptOf(KEY));
  }

  private static String acceptOf(String key) {
    try {
      MessageDigest sha1 = MessageDigest.getInstance("SHA-1");
      return Base64.getEncoder()
          .encodeToString(sha1.digest((key + GUID).getBytes(StandardCharsets.US_ASCII)));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  RawSocket socket() {
    return socket;
  }

  /** The bytes of one masked frame. */
  byte[] masked(int firstByte, byte[] payload) {
    byte[] mask = new byte[4];
    masks.nextBytes(mask);
    ByteBuffer frame = ByteBuffer.allocate(payload.length + 14);
    putHead(frame, firstByte, 0x80, payload.length);
    frame.put(mask);
    for (int i = 0; i < payload.length; i++) {
      frame.put((byte) (payload[i] ^ mask[i & 3]));
    }
    return bytesOf(frame);
  }

  static byte[] unmasked(int firstByte, byte[] payload) {
    ByteBuffer frame = ByteBuffer.allocate(payload.length + 10);
    putHead(frame, firstByte, 0, payload.length);
    return bytesOf(frame.put(payload));
  }

  /** The head of a masked frame that announces this many bytes. */
  static byte[] headAnnouncing(int firstByte, long length) {
    return bytesOf(
        ByteBuffer.allocate(14)
            .put((byte) firstByte)
            .put((byte) (0x80 | 127))
            .putLong(length)
            .putInt(0));
  }

  private static void putHead(ByteBuffer frame, int firstByte, int maskBit, int length) {
    frame.put((byte) firstByte);
    if (length < 126) {
      frame.put((byte) (maskBit | length));
    } else if (length < 1 << 16) {
      frame.put((byte) (maskBit | 126)).putShort((short) length);
    } else {
      frame.put((byte) (maskBit | 127)).putLong(length);
    }
  }

  private static byte[] bytesOf(ByteBuffer frame) {
    byte[] bytes = new byte[frame.position()];
    frame.flip().get(bytes);
    return bytes;
  }

  byte[] maskedText(String text) {
    return masked(FIN | TEXT, text.getBytes(StandardCharsets.UTF_8));
  }

  void send(byte[] bytes) throws IOException {
    socket.write(bytes);
  }

  void send(String text) throws IOException {
    send(maskedText(text));
  }

  /** Several messages in one write. */
  void sendAtOnce(String... texts) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (String text : texts) {
      all.writeBytes(maskedText(text));
    }
    send(all.toByteArray());
  }

  void sendByteByByte(String text) throws IOException {
    socket.writeByteByByte(maskedText(text));
  }

  /** One message in frames of these payloads. */
  void sendFragments(byte[]... fragments) throws IOException {
    for (int i = 0; i < fragments.length; i++) {
      int opcode = i == 0 ? TEXT : CONTINUATION;
      send(masked(i == fragments.length - 1 ? FIN | opcode : opcode, fragments[i]));
    }
  }

  void sendClose(int code) throws IOException {
    send(masked(FIN | CLOSE, ByteBuffer.allocate(2).putShort((short) code).array()));
  }

  /** The next frame of any kind. */
  Frame nextFrame() throws IOException, TimeoutException {
    return nextFrame(RawSocket.TIMEOUT);
  }

  Frame nextFrame(Duration timeout) throws IOException, TimeoutException {
    long deadline = RawSocket.deadline(timeout);
    int first = socket.read(deadline);
    if (first == -1) {
      throw new IOException("The server ended TCP without a close frame");
    }
    int second = socket.read(deadline);
    assertThat(second & 0x80).as("a server's frame must not be masked").isZero();
    long length = second & 0x7f;
    if (length == 126) {
      length = ByteBuffer.wrap(socket.readFully(2, deadline)).getShort() & 0xffff;
    } else if (length == 127) {
      length = ByteBuffer.wrap(socket.readFully(8, deadline)).getLong();
    }
    byte[] payload = socket.readFully(Math.toIntExact(length), deadline);
    return new Frame((first & FIN) != 0, first & 0x70, first & 0xf, payload);
  }

  /** The next message; pings before it are answered, and anything else is a failure. */
  String nextText() throws IOException, TimeoutException {
    return nextText(RawSocket.TIMEOUT);
  }

  String nextText(Duration timeout) throws IOException, TimeoutException {
    Frame frame = nextFrame(timeout);
    while (frame.opcode() == PING) {
      send(masked(FIN | PONG, frame.payload()));
      frame = nextFrame(timeout);
    }
    assertThat(frame.opcode()).as("opcode of %s", frame).isEqualTo(TEXT);
    assertThat(frame.reserved()).as("reserved bits").isZero();
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    text.writeBytes(frame.payload());
    while (!frame.fin()) {
      frame = nextFrame(timeout);
      assertThat(frame.opcode()).as("opcode of %s", frame).isEqualTo(CONTINUATION);
      text.writeBytes(frame.payload());
    }
    return text.toString(StandardCharsets.UTF_8);
  }

  /** The next message as {@link Json#read} gives it. */
  Object nextJson() throws IOException, TimeoutException {
    return Json.read(nextText());
  }

  /** The next frame is a close frame of this code, and TCP ends though we never echo it. */
  void expectClose(int code) throws IOException, TimeoutException {
    expectClose(code, RawSocket.TIMEOUT);
  }

  void expectClose(int code, Duration timeout) throws IOException, TimeoutException {
    Frame frame = nextFrame(timeout);
    assertThat(frame.opcode()).as("opcode of %s", frame).isEqualTo(CLOSE);
    assertThat(frame.closeCode()).as("code of %s", frame).isEqualTo(code);
    expectEnd();
  }

  /** Nothing more comes and TCP ends. */
  void expectEnd() throws IOException {
    try {
      byte[] rest = socket.readToEnd(RawSocket.deadline(TCP_END));
      assertThat(rest).as("bytes after the last frame").isEmpty();
    } catch (TimeoutException e) {
      fail("The server did not end TCP within " + TCP_END);
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
