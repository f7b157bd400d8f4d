package org.simplepush.client.internal;

import org.jspecify.annotations.Nullable;

/** What a server said in words, made fit for a log line and a sentence of ours. */
public final class Quote {
  /** As many characters as an error may repeat (protocol §7). */
  static final int MAX_LENGTH = 64;

  /** As many characters of the message of an exception, which is Java's and may repeat others. */
  private static final int MAX_MESSAGE_LENGTH = 200;

  private Quote() {}

  /** Returns the beginning of the text, with a question mark for each character not to be shown. */
  public static String of(String text) {
    return beginning(text, MAX_LENGTH);
  }

  /** The same for the message of an exception. */
  public static String message(String text) {
    return beginning(text, MAX_MESSAGE_LENGTH);
  }

  private static String beginning(String text, int maxLength) {
    StringBuilder shown = new StringBuilder();
    text.codePoints()
        .limit(maxLength)
        .map(character -> isShown(character) ? character : '?')
        .forEach(shown::appendCodePoint);
    return text.codePointCount(0, text.length()) > maxLength ? shown + "…" : shown.toString();
  }

  /** Returns the exception, or null if it or a cause of it repeats much of what a server sent. */
  public static @Nullable Throwable withShortMessages(Throwable exception) {
    for (Throwable cause = exception; cause != null; cause = cause.getCause()) {
      String message = cause.getMessage();
      if (message != null && message.length() > 2 * MAX_MESSAGE_LENGTH) {
        return null;
      }
    }
    return exception;
  }

  /** No control characters: they could forge lines of a log, or command a terminal. */
  private static boolean isShown(int character) {
    return switch (Character.getType(character)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          false;
      default -> true;
    };
  }
}
