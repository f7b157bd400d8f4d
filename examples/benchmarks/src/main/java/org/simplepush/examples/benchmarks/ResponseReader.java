package org.simplepush.examples.benchmarks;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Takes answers of HTTP/1.1 out of a buffer, one whole answer at a time: by {@code Content-Length},
 * in chunks, or without a body. Confined to one thread.
 */
final class ResponseReader {
  private static final int SWITCHING_PROTOCOLS = 101;

  /** The answer found last. */
  int status;

  /** Whether the server closes the connection after it. */
  boolean last;

  /** Its head, for messages and for the upgrade. */
  private byte[] array = {};

  private int headFrom;
  private int headTo;

  /**
   * Moves past the next whole answer.
   *
   * @param in a buffer with an array
   * @return whether there was one; if not, the buffer is as before
   * @throws WireException if this is no answer of HTTP/1.1
   */
  boolean next(ByteBuffer in) throws WireException {
    byte[] bytes = in.array();
    int start = in.arrayOffset() + in.position();
    int end = in.arrayOffset() + in.limit();
    int body = endOfHead(bytes, start, end);
    if (body < 0) {
      return false;
    }
    array = bytes;
    headFrom = start;
    headTo = body;
    status = status(bytes, start, body);
    String length = header("content-length");
    String connection = header("connection");
    last = connection != null && connection.equalsIgnoreCase("close");
    int answerEnd;
    if (status < 200 || status == 204 || status == 304) {
      answerEnd = body;
    } else if (length != null) {
      answerEnd = body + decimal(length);
    } else if ("chunked".equalsIgnoreCase(header("transfer-encoding"))) {
      answerEnd = endOfChunks(bytes, body, end);
    } else {
      throw new WireException("An answer with status " + status + " does not say how long it is");
    }
    if (answerEnd < 0 || answerEnd > end) {
      return false;
    }
    in.position(answerEnd - in.arrayOffset());
    return true;
  }

  /**
   * Checks that the answer found last opens a WebSocket for {@code accept}.
   *
   * @throws WireException if it does not
   */
  void checkUpgrade(String accept) throws WireException {
    if (status != SWITCHING_PROTOCOLS) {
      throw new WireException("The upgrade was answered with status " + status + ", not 101");
    }
    if (!accept.equals(header("sec-websocket-accept"))) {
      throw new WireException("The upgrade was answered with a wrong Sec-WebSocket-Accept");
    }
    String extensions = header("sec-websocket-extensions");
    if (extensions != null && !extensions.isEmpty()) {
      throw new WireException("The server chose an extension that was not offered");
    }
  }

  /** Returns the value of a header of the head found last, null if it is not there. */
  @Nullable String header(String lowerCaseName) {
    int line = headFrom;
    while (true) {
      line = endOfLine(array, line, headTo);
      if (line < 0 || line >= headTo) {
        return null;
      }
      int colon = line + lowerCaseName.length();
      if (colon < headTo && array[colon] == ':' && matches(line, lowerCaseName)) {
        int end = endOfLine(array, line, headTo);
        return new String(array, colon + 1, end - colon - 1, StandardCharsets.ISO_8859_1).strip();
      }
    }
  }

  private boolean matches(int at, String lowerCaseName) {
    for (int i = 0; i < lowerCaseName.length(); i++) {
      int c = array[at + i];
      int lower = c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
      if (lower != lowerCaseName.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private static int status(byte[] bytes, int from, int to) throws WireException {
    if (to - from < 14 || bytes[from] != 'H' || bytes[from + 5] != '1' || bytes[from + 8] != ' ') {
      throw new WireException("This is no answer of HTTP/1.1");
    }
    int status = 0;
    for (int i = from + 9; i < from + 12; i++) {
      status = status * 10 + bytes[i] - '0';
    }
    if (status < 100 || status > 999) {
      throw new WireException("An answer has no status of three digits");
    }
    return status;
  }

  private static int endOfHead(byte[] bytes, int from, int to) {
    for (int i = from + 3; i < to; i++) {
      if (bytes[i] == '\n' && bytes[i - 1] == '\r' && bytes[i - 2] == '\n') {
        return i + 1;
      }
    }
    return -1;
  }

  /** Returns where the next line begins, -1 if this one does not end. */
  private static int endOfLine(byte[] bytes, int from, int to) {
    for (int i = from; i < to; i++) {
      if (bytes[i] == '\n') {
        return i + 1;
      }
    }
    return -1;
  }

  /** Returns where the chunks end, -1 if they do not yet. */
  private static int endOfChunks(byte[] bytes, int from, int to) throws WireException {
    int at = from;
    while (true) {
      int data = endOfLine(bytes, at, to);
      if (data < 0) {
        return -1;
      }
      String size = new String(bytes, at, data - at, StandardCharsets.ISO_8859_1).strip();
      int extension = size.indexOf(';');
      int length;
      try {
        length = Integer.parseInt(extension < 0 ? size : size.substring(0, extension).strip(), 16);
      } catch (NumberFormatException e) {
        throw new WireException("A chunk begins with '" + size + "', not with its size");
      }
      if (length < 0 || length > to - data) {
        return -1;
      }
      at = data + length + 2; // the line end after the data; after the last chunk no trailers
      if (at > to) {
        return -1;
      }
      if (length == 0) {
        return at;
      }
    }
  }

  private static int decimal(String text) throws WireException {
    try {
      int number = Integer.parseInt(text);
      if (number >= 0 && number < 1 << 20) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw new WireException("Content-Length is '" + text + "', not a number");
    }
    throw new WireException("An answer of " + text + " bytes is more than this side reads");
  }
}
