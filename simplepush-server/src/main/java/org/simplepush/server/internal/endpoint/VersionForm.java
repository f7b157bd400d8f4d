package org.simplepush.server.internal.endpoint;

import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.simplepush.core.Update;

/** Reads the version of an update from the form that carries it (protocol §8). */
final class VersionForm {
  /** A form without a version, or with an empty one: the server picks it. */
  static final long NO_VERSION = -1;

  /** What {@link #plainVersion} says of a body that needs a closer look. */
  private static final long NOT_PLAIN = -2;

  private static final String VERSION = "version";

  private static final byte[] VERSION_FIELD = "version=".getBytes(StandardCharsets.US_ASCII);

  /** The form is not one version. */
  static final class Malformed extends Exception {
    private static final long serialVersionUID = 1;

    /** Says why, to the sender. */
    final String sentence;

    Malformed(String sentence) {
      super(sentence, null, false, false);
      this.sentence = sentence;
    }
  }

  /** What was found so far. */
  private boolean given;

  private long version = NO_VERSION;

  private VersionForm() {}

  /** Reads the form as it was sent; leaves the buffer as it was. */
  static long parse(ByteBuffer body) throws Malformed {
    long version = plainVersion(body);
    return version == NOT_PLAIN ? parseText(text(body)) : version;
  }

  /** Reads a form that something else has taken apart: the values of each field. */
  static long parse(Map<String, List<String>> fields) throws Malformed {
    VersionForm form = new VersionForm();
    for (Map.Entry<String, List<String>> field : fields.entrySet()) {
      for (String value : field.getValue()) {
        form.add(field.getKey(), withoutLineEnd(value));
      }
    }
    return form.version;
  }

  /** Reads the body that nearly all senders write. */
  private static long plainVersion(ByteBuffer body) {
    int start = body.position();
    int end = body.limit();
    int digits = end - start - VERSION_FIELD.length;
    if (digits < 1 || digits > 18) { // 19 may be too many for a long
      return NOT_PLAIN;
    }
    for (byte expected : VERSION_FIELD) {
      if (body.get(start++) != expected) {
        return NOT_PLAIN;
      }
    }
    long version = 0;
    while (start < end) {
      int digit = body.get(start++) - '0';
      if (digit < 0 || digit > 9) {
        return NOT_PLAIN;
      }
      version = version * 10 + digit;
    }
    return version;
  }

  private static long parseText(String text) throws Malformed {
    VersionForm form = new VersionForm();
    for (String field : withoutLineEnd(text).split("&", -1)) {
      if (!field.isEmpty()) {
        int equals = field.indexOf('=');
        String name = equals < 0 ? field : field.substring(0, equals);
        form.add(decoded(name), equals < 0 ? "" : decoded(field.substring(equals + 1)));
      }
    }
    return form.version;
  }

  private void add(String name, String value) throws Malformed {
    if (!name.equals(VERSION)) {
      throw new Malformed("The body holds something other than version=N");
    }
    if (given) {
      throw new Malformed("The version is given twice");
    }
    given = true;
    if (!value.isEmpty()) {
      Long number = Update.parseVersion(value);
      if (number == null) {
        throw new Malformed("The version must be 0 to 2^63-1 in plain digits");
      }
      version = number;
    }
  }

  /** What an editor or a shell adds to a body; any other space is not a plain digit. */
  private static String withoutLineEnd(String text) {
    int end = text.length();
    while (end > 0 && (text.charAt(end - 1) == '\n' || text.charAt(end - 1) == '\r')) {
      end--;
    }
    return text.substring(0, end);
  }

  private static String text(ByteBuffer body) throws Malformed {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(body.duplicate()).toString();
    } catch (CharacterCodingException e) {
      throw new Malformed("The body is not UTF-8");
    }
  }

  private static String decoded(String text) throws Malformed {
    try {
      return URLDecoder.decode(text, StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new Malformed("The body is not a URL-encoded form");
    }
  }
}
