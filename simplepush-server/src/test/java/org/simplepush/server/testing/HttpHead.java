package org.simplepush.server.testing;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The head of an HTTP request or answer.
 *
 * @param bytes as it came, with the empty line
 * @param first the first line
 * @param headers by lower-case name; of a repeated one the last
 */
record HttpHead(byte[] bytes, String first, Map<String, String> headers) {
  private static final int MAX_LENGTH = 64 << 10;

  /** Reads a head; returns null if the stream ended before it. */
  static @Nullable HttpHead read(InputStream in) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    String first = line(in, bytes);
    if (first == null) {
      return null;
    }
    Map<String, String> headers = new HashMap<>();
    while (true) {
      String line = line(in, bytes);
      if (line == null) {
        throw new EOFException("The connection ended within a head");
      }
      if (line.isEmpty()) {
        return new HttpHead(bytes.toByteArray(), first, headers);
      }
      int colon = line.indexOf(':');
      if (colon > 0) {
        headers.put(
            line.substring(0, colon).toLowerCase(Locale.ROOT), line.substring(colon + 1).strip());
      }
    }
  }

  /** Reads a line without its end; returns null if the stream ended before it. */
  private static @Nullable String line(InputStream in, ByteArrayOutputStream all)
      throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    for (int b = in.read(); b != '\n'; b = in.read()) {
      if (b < 0 && line.size() == 0) {
        return null;
      }
      if (b < 0) {
        throw new EOFException("The connection ended within a line");
      }
      if (all.size() > MAX_LENGTH) {
        throw new IOException("A head has more than " + MAX_LENGTH + " bytes");
      }
      all.write(b);
      line.write(b);
    }
    all.write('\n');
    return line.toString(StandardCharsets.ISO_8859_1).stripTrailing();
  }

  @Nullable String header(String lowerCaseName) {
    return headers.get(lowerCaseName);
  }

  boolean has(String lowerCaseName, String value) {
    return value.equalsIgnoreCase(headers.get(lowerCaseName));
  }

  /** Reads the body that this head announces. */
  byte[] readBody(DataInputStream in) throws IOException {
    if (!has("transfer-encoding", "chunked")) {
      String length = header("content-length");
      return exactly(length == null ? 0 : number(length, 10), in);
    }
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    while (true) {
      String size = line(in, new ByteArrayOutputStream());
      if (size == null) {
        throw new EOFException("The connection ended within a body");
      }
      int length = number(size.split(";", 2)[0].strip(), 16);
      body.writeBytes(exactly(length, in));
      line(in, new ByteArrayOutputStream()); // what ends a chunk, or the body
      if (length == 0) {
        return body.toByteArray();
      }
    }
  }

  /** A body that breaks off may look like another one. */
  private static byte[] exactly(int length, DataInputStream in) throws IOException {
    byte[] bytes = new byte[length];
    in.readFully(bytes);
    return bytes;
  }

  private static int number(String digits, int radix) throws IOException {
    try {
      return Math.max(0, Integer.parseInt(digits, radix));
    } catch (NumberFormatException e) {
      throw new IOException("Not the length of a body: " + digits, e);
    }
  }
}
