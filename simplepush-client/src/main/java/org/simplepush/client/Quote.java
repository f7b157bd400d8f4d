package org.simplepush.client;

/** What a server said in words, made fit for a log line and a sentence of ours. */
final class Quote {
  /** More than any sentence of a server that means well. */
  private static final int MAX_LENGTH = 200;

  private Quote() {}

  /** Returns the beginning of the text, with a question mark for each character not to be shown. */
  static String of(String text) {
    StringBuilder shown = new StringBuilder();
    text.codePoints()
        .limit(MAX_LENGTH)
        .map(character -> isShown(character) ? character : '?')
        .forEach(shown::appendCodePoint);
    return text.codePointCount(0, text.length()) > MAX_LENGTH ? shown + "…" : shown.toString();
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
