package org.simplepush.core;

import static org.junit.jupiter.api.Assertions.assertEquals;

/** What must hold for any text whatever. */
final class CodecProperties {
  private CodecProperties() {}

  /**
   * Reads the text as both sides would; checks that what was understood can be passed on, and that
   * the answer to what was not can be read.
   *
   * @return whether at least one side understood
   */
  static boolean check(MessageCodec codec, String text) {
    return checkClientMessage(codec, text) | checkServerMessage(codec, text);
  }

  private static boolean checkClientMessage(MessageCodec codec, String text) {
    ClientMessage message;
    try {
      message = codec.readClientMessage(text);
    } catch (MalformedMessageException e) {
      checkAnswer(codec, e);
      return false;
    }
    String canonical = codec.write(message);
    try {
      ClientMessage again = codec.readClientMessage(canonical);
      assertEquals(message, again);
      assertEquals(canonical, codec.write(again));
    } catch (MalformedMessageException e) {
      throw new AssertionError("cannot read what it wrote: " + canonical, e);
    }
    return true;
  }

  private static boolean checkServerMessage(MessageCodec codec, String text) {
    ServerMessage message;
    try {
      message = codec.readServerMessage(text);
    } catch (MalformedMessageException e) {
      checkAnswer(codec, e);
      return false;
    }
    checkWritten(codec, message);
    return true;
  }

  private static void checkAnswer(MessageCodec codec, MalformedMessageException e) {
    assertEquals(e.getMessage(), e.toFailure().error());
    checkWritten(codec, e.toFailure());
  }

  private static void checkWritten(MessageCodec codec, ServerMessage message) {
    String canonical = codec.write(message);
    try {
      ServerMessage again = codec.readServerMessage(canonical);
      assertEquals(message, again);
      assertEquals(canonical, codec.write(again));
    } catch (MalformedMessageException e) {
      throw new AssertionError("cannot read what it wrote: " + canonical, e);
    }
  }
}
