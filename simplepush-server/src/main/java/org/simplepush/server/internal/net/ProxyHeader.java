package org.simplepush.server.internal.net;

import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.simplepush.server.internal.Network;

/**
 * Looks whether a connection begins with a header of the PROXY protocol, version 1 or 2, which
 * comes before everything else, TLS included. Stands in front of the transport until that is known,
 * which is when the first bytes have come; then the connection goes on without it.
 */
final class ProxyHeader implements Transport {
  private static final byte[] V1 = "PROXY ".getBytes(StandardCharsets.US_ASCII);

  private static final byte[] V2 = {
    '\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'
  };

  private static final int MAX_V1 = 107;

  /** Of version 2: the signature, version and command, family, and how much follows. */
  private static final int V2_START = 16;

  /** More than addresses and what proxies are known to add. */
  private static final int MAX_V2 = 4096;

  /** As many bytes at a time as any transport can take. */
  private static final int MAX_READ = 16 * 1024;

  private static final int NOT_COMPLETE = -1;

  private final SocketChannel channel;
  private final boolean trusted;
  private final Transport inner;
  private byte[] begun = {};
  private Result result = Result.UNKNOWN;
  private @Nullable InetAddress client;

  /** What has become of it. */
  enum Result {
    /** Too few bytes have come. */
    UNKNOWN,
    /** The connection begins without a header. */
    NONE,
    /** There was a header; it may name a client. */
    READ,
    /** What begins like a header is none. */
    MALFORMED,
    /** There is a header, but the peer is no trusted proxy. */
    UNTRUSTED
  }

  /**
   * Looks at the beginning of a connection.
   *
   * @param trusted whether the peer is a proxy that may send such a header
   */
  ProxyHeader(SocketChannel channel, boolean trusted, Transport inner) {
    this.channel = channel;
    this.trusted = trusted;
    this.inner = inner;
  }

  Result result() {
    return result;
  }

  /** Returns what is behind the header. */
  Transport inner() {
    return inner;
  }

  /** Returns the client that the header names; null if it names none. */
  @Nullable InetAddress client() {
    return client;
  }

  @Override
  public int read(ByteBuffer into) throws IOException {
    int start = into.position();
    into.put(begun).limit(Math.min(into.capacity(), into.position() + MAX_READ));
    int read = channel.read(into);
    into.limit(into.capacity());
    if (read < 0) {
      return -1;
    }
    int end = into.position();
    byte[] first = new byte[Math.min(end - start, MAX_V2)];
    into.get(start, first);
    int length = look(first);
    if (result != Result.NONE && result != Result.READ) {
      begun = first;
      into.position(start);
      return result == Result.UNKNOWN ? 0 : -1;
    }
    into.limit(end).position(start + length);
    into.compact().position(start + (end - start - length));
    return inner.take(into, start);
  }

  /** Returns how long the header is, if it is known; notes what it says. */
  private int look(byte[] bytes) {
    int length = 0;
    if (!trusted) {
      boolean isWhole = bytes.length >= V2.length && (begins(bytes, V1) || begins(bytes, V2));
      result = isWhole ? Result.UNTRUSTED : Result.NONE;
    } else if (begins(bytes, V1)) {
      length = readV1(bytes);
    } else if (begins(bytes, V2)) {
      length = readV2(bytes);
    } else {
      result = Result.NONE;
    }
    return Math.max(0, length);
  }

  /** Whether all that has come of it is as it should be. */
  private static boolean begins(byte[] bytes, byte[] signature) {
    int length = Math.min(bytes.length, signature.length);
    return Arrays.equals(bytes, 0, length, signature, 0, length);
  }

  private int readV1(byte[] bytes) {
    String text = new String(bytes, 0, Math.min(bytes.length, MAX_V1), StandardCharsets.ISO_8859_1);
    int end = text.indexOf("\r\n");
    if (end < 0) {
      result = text.length() == MAX_V1 ? Result.MALFORMED : Result.UNKNOWN;
      return NOT_COMPLETE;
    }
    String[] parts = text.substring(0, end).split(" ", -1);
    boolean hasAddresses =
        parts.length == 6 && (parts[1].equals("TCP4") || parts[1].equals("TCP6"));
    client = hasAddresses ? Network.literal(parts[2]) : null;
    boolean isKnown = parts[1].equals("UNKNOWN") || client != null;
    result = isKnown ? Result.READ : Result.MALFORMED;
    return end + 2;
  }

  private int readV2(byte[] bytes) {
    if (bytes.length < V2_START) {
      result = Result.UNKNOWN;
      return NOT_COMPLETE;
    }
    int following = ByteBuffer.wrap(bytes).getShort(14) & 0xffff;
    int length = V2_START + following;
    if (length > MAX_V2) {
      result = Result.MALFORMED;
      return NOT_COMPLETE;
    }
    if (bytes.length < length) {
      result = Result.UNKNOWN;
      return NOT_COMPLETE;
    }
    int family = (bytes[13] & 0xf0) >> 4;
    result =
        switch (bytes[12]) {
          case 0x20 -> Result.READ; // the proxy's own connection, to see whether we are here
          case 0x21 ->
              switch (family) {
                case 0, 3 -> Result.READ; // no IP address
                case 1 -> readAddress(bytes, 4, following >= 12);
                case 2 -> readAddress(bytes, 16, following >= 36);
                default -> Result.MALFORMED;
              };
          default -> Result.MALFORMED;
        };
    return length;
  }

  private Result readAddress(byte[] bytes, int length, boolean isThere) {
    if (!isThere) {
      return Result.MALFORMED;
    }
    client = Network.address(Arrays.copyOfRange(bytes, V2_START, V2_START + length));
    return Result.READ;
  }

  @Override
  public int take(ByteBuffer into, int from) throws IOException {
    return inner.take(into, from);
  }

  @Override
  public void write(ByteBuffer from) throws IOException {
    inner.write(from);
  }

  @Override
  public int unwritten() {
    return inner.unwritten();
  }

  @Override
  public int undecoded() {
    return begun.length + inner.undecoded();
  }

  @Override
  public void endOutput() throws IOException {
    inner.endOutput();
  }
}
