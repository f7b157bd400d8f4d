package org.simplepush.appserver;

/** What a topic may be. */
final class Topics {
  private Topics() {}

  static void check(String topic) {
    if (topic.isEmpty() || topic.length() > 255) {
      throw new IllegalArgumentException(
          "A topic has 1 to 255 characters, but this had " + topic.length() + ".");
    }
  }
}
