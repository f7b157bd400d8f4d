package org.simplepush.appserver;

/** Checks topics, and other names of rows in a table. */
final class Topics {
  private Topics() {}

  static void check(String topic) {
    checkLength("A topic", topic);
  }

  static void checkLength(String what, String text) {
    if (text.isEmpty() || text.length() > 255) {
      throw new IllegalArgumentException(
          what + " has 1 to 255 characters, but this had " + text.length() + ".");
    }
  }

  /** Checks how many endpoints of a topic are asked for at a time. */
  static void checkLimit(int limit) {
    if (limit < 1) {
      throw new IllegalArgumentException(
          "A page has 1 endpoint or more, but limit was " + limit + ".");
    }
  }
}
