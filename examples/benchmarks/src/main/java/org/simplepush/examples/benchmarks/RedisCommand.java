package org.simplepush.examples.benchmarks;

import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Says one command to a Redis on the loopback, on a connection of its own. */
final class RedisCommand {
  private static final int PATIENCE_MILLIS = 2000;

  private RedisCommand() {}

  /** Redis refused a command. */
  static final class Refused extends IOException {
    private static final long serialVersionUID = 1;

    private Refused(String why) {
      super(why);
    }
  }

  /**
   * Returns the answer: a String, a Long, a List of such, or null.
   *
   * @throws Refused if Redis answers with an error
   * @throws IOException if it does not answer within two seconds
   */
  static @Nullable Object ask(int port, String... words) throws IOException {
    try (Socket socket = new Socket()) {
      socket.setSoTimeout(PATIENCE_MILLIS);
      socket.connect(
          new InetSocketAddress(InetAddress.getLoopbackAddress(), port), PATIENCE_MILLIS);
      StringBuilder request = new StringBuilder("*" + words.length + "\r\n");
      for (String word : words) {
        request.append('$').append(word.length()).append("\r\n").append(word).append("\r\n");
      }
      socket.getOutputStream().write(request.toString().getBytes(StandardCharsets.ISO_8859_1));
      return read(new BufferedInputStream(socket.getInputStream()));
    }
  }

  /** The same of an answer that is text. */
  static String text(int port, String... words) throws IOException {
    return String.valueOf(ask(port, words));
  }

  /** The same of an answer that is a list of text. */
  static List<String> list(int port, String... words) throws IOException {
    return ask(port, words) instanceof List<?> list
        ? list.stream().map(String::valueOf).toList()
        : List.of();
  }

  /** Returns a field of what INFO or CLUSTER INFO says; empty if it is not there. */
  static String field(String info, String name) {
    Matcher matcher = Pattern.compile("(?m)^" + Pattern.quote(name) + ":(.*?)\r?$").matcher(info);
    return matcher.find() ? matcher.group(1) : "";
  }

  private static @Nullable Object read(InputStream in) throws IOException {
    String line = line(in);
    String rest = line.substring(1);
    return switch (line.charAt(0)) {
      case '+' -> rest;
      case ':' -> Long.valueOf(rest);
      case '-' -> throw new Refused(rest);
      case '$' -> bulk(in, Integer.parseInt(rest));
      case '*' -> {
        List<Object> list = new ArrayList<>();
        for (int i = Integer.parseInt(rest); i > 0; i--) {
          Object each = read(in);
          list.add(each == null ? "" : each);
        }
        yield list;
      }
      default -> throw new IOException("No answer of Redis: " + line);
    };
  }

  private static @Nullable String bulk(InputStream in, int length) throws IOException {
    if (length < 0) {
      return null;
    }
    byte[] bytes = in.readNBytes(length);
    in.skipNBytes(2);
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private static String line(InputStream in) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int c = in.read(); c != '\n'; c = in.read()) {
      if (c < 0) {
        throw new EOFException("The answer broke off");
      }
      if (c != '\r') {
        line.append((char) c);
      }
    }
    if (line.isEmpty()) {
      throw new IOException("An empty answer");
    }
    return line.toString();
  }
}
