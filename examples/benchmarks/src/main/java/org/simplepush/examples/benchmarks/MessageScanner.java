package org.simplepush.examples.benchmarks;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Reads what a push server sends to a device, without garbage where messages come often. Fields in
 * any order, unknown ones skipped. Confined to one thread.
 */
final class MessageScanner {
  enum Type {
    HELLO,
    REGISTER,
    NOTIFICATION,
    OTHER
  }

  private static final int MAX_DEPTH = 32;

  /** The message read last. */
  Type type = Type.OTHER;

  String typeName = "";
  int status;
  @Nullable String uaid;
  @Nullable String pushEndpoint;
  @Nullable String error;

  /** The number of the channel that a register reply names; see {@link Channel#id}. */
  int channel;

  /** How many entries the two arrays hold. */
  int updates;

  int[] channels = new int[16];
  long[] versions = new long[16];

  private byte[] bytes = {};
  private int at;
  private int end;

  /** The string read last, between its quotes. */
  private int stringFrom;

  private int stringTo;
  private boolean escaped;

  /**
   * Reads one message.
   *
   * @throws WireException if it is not one JSON object
   */
  void scan(byte[] array, int from, int to) throws WireException {
    bytes = array;
    at = from;
    end = to;
    type = Type.OTHER;
    typeName = "";
    status = 0;
    uaid = null;
    pushEndpoint = null;
    error = null;
    channel = -1;
    updates = 0;
    expect('{');
    if (peek() == '}') {
      return;
    }
    do {
      field();
    } while (more('}'));
  }

  private void field() throws WireException {
    string();
    int nameFrom = stringFrom;
    int nameTo = stringTo;
    expect(':');
    if (is(nameFrom, nameTo, "messageType")) {
      string();
      readType();
    } else if (is(nameFrom, nameTo, "updates")) {
      readUpdates();
    } else if (is(nameFrom, nameTo, "status")) {
      status = (int) number();
    } else if (is(nameFrom, nameTo, "uaid")) {
      uaid = text();
    } else if (is(nameFrom, nameTo, "pushEndpoint")) {
      pushEndpoint = text();
    } else if (is(nameFrom, nameTo, "error")) {
      error = text();
    } else if (is(nameFrom, nameTo, "channelID") && peek() == '"') {
      string();
      channel = channelNumber();
    } else {
      skip(0);
    }
  }

  private void readType() {
    if (is(stringFrom, stringTo, "notification")) {
      type = Type.NOTIFICATION;
      typeName = "notification";
      return;
    }
    typeName = new String(bytes, stringFrom, stringTo - stringFrom, StandardCharsets.UTF_8);
    type =
        switch (typeName.toLowerCase(Locale.ROOT)) {
          case "notification" -> Type.NOTIFICATION;
          case "hello" -> Type.HELLO;
          case "register" -> Type.REGISTER;
          default -> Type.OTHER;
        };
  }

  private void readUpdates() throws WireException {
    expect('[');
    if (peek() == ']') {
      at++;
      return;
    }
    do {
      if (updates == channels.length) {
        channels = Arrays.copyOf(channels, updates * 2);
        versions = Arrays.copyOf(versions, updates * 2);
      }
      int entryChannel = -1;
      long entryVersion = -1;
      expect('{');
      do {
        string();
        int nameFrom = stringFrom;
        int nameTo = stringTo;
        expect(':');
        if (is(nameFrom, nameTo, "channelID")) {
          string();
          entryChannel = channelNumber();
        } else if (is(nameFrom, nameTo, "version")) {
          entryVersion = number();
        } else {
          skip(0);
        }
      } while (more('}'));
      channels[updates] = entryChannel;
      versions[updates] = entryVersion;
      updates++;
    } while (more(']'));
  }

  /** The number that the last 8 hex digits of the string read last are; -1 if they are not. */
  private int channelNumber() {
    if (stringTo - stringFrom < 8) {
      return -1;
    }
    int number = 0;
    for (int i = stringTo - 8; i < stringTo; i++) {
      int digit = Character.digit(bytes[i], 16);
      if (digit < 0) {
        return -1;
      }
      number = number << 4 | digit;
    }
    return number;
  }

  /** Reads a number, or one in a string, that is not negative. */
  private long number() throws WireException {
    boolean quoted = peek() == '"';
    if (quoted) {
      at++;
    }
    int start = at;
    long number = 0;
    while (at < end && bytes[at] >= '0' && bytes[at] <= '9') {
      number = number * 10 + bytes[at++] - '0';
    }
    if (at == start || at - start > 19 || number < 0) {
      throw new WireException("A message has something else where a whole number belongs");
    }
    if (quoted) {
      expect('"');
    }
    return number;
  }

  private @Nullable String text() throws WireException {
    if (peek() != '"') {
      skip(0);
      return null;
    }
    string();
    String raw = new String(bytes, stringFrom, stringTo - stringFrom, StandardCharsets.UTF_8);
    if (!escaped) {
      return raw;
    }
    StringBuilder text = new StringBuilder(raw.length());
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      if (c != '\\') {
        text.append(c);
        continue;
      }
      c = raw.charAt(++i);
      switch (c) {
        case 'b' -> text.append('\b');
        case 'f' -> text.append('\f');
        case 'n' -> text.append('\n');
        case 'r' -> text.append('\r');
        case 't' -> text.append('\t');
        case 'u' -> {
          if (i + 4 >= raw.length()) {
            throw new WireException("A string ends inside an escape");
          }
          try {
            text.append((char) Integer.parseInt(raw, i + 1, i + 5, 16));
          } catch (NumberFormatException e) {
            throw new WireException("A string has a wrong escape");
          }
          i += 4;
        }
        default -> text.append(c);
      }
    }
    return text.toString();
  }

  private void string() throws WireException {
    expect('"');
    stringFrom = at;
    escaped = false;
    while (at < end) {
      byte c = bytes[at];
      if (c == '"') {
        stringTo = at++;
        return;
      }
      if (c == '\\') {
        escaped = true;
        at++;
      }
      at++;
    }
    throw new WireException("A message ends inside a string");
  }

  private void skip(int depth) throws WireException {
    if (depth > MAX_DEPTH) {
      throw new WireException("A message is nested deeper than " + MAX_DEPTH);
    }
    switch (peek()) {
      case '"' -> string();
      case '{', '[' -> {
        boolean object = bytes[at++] == '{';
        if (peek() == (object ? '}' : ']')) {
          at++;
          return;
        }
        do {
          if (object) {
            string();
            expect(':');
          }
          skip(depth + 1);
        } while (more(object ? '}' : ']'));
      }
      default -> {
        int start = at;
        while (at < end && ",}] \t\r\n".indexOf(bytes[at]) < 0) {
          at++;
        }
        if (at == start) {
          throw new WireException("A message lacks a value");
        }
      }
    }
  }

  private boolean is(int from, int to, String name) {
    if (to - from != name.length()) {
      return false;
    }
    for (int i = 0; i < name.length(); i++) {
      if (bytes[from + i] != name.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private boolean more(char close) throws WireException {
    int c = peek();
    at++;
    if (c != ',' && c != close) {
      throw new WireException("A message lacks a comma or '" + close + "'");
    }
    return c == ',';
  }

  private void expect(char c) throws WireException {
    if (peek() != c) {
      throw new WireException("A message lacks '" + c + "' where it belongs");
    }
    at++;
  }

  /** Returns what comes next after white space, without taking it. */
  private int peek() throws WireException {
    while (at < end) {
      byte c = bytes[at];
      if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
        return c;
      }
      at++;
    }
    throw new WireException("A message ends too early");
  }
}
