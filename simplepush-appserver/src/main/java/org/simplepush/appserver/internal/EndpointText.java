package org.simplepush.appserver.internal;

import java.net.URI;

/** What is known of an endpoint before anybody understands it as a URL. */
public final class EndpointText {
  /** Longer endpoints are refused; ours have about 150 characters. */
  public static final int MAX_LENGTH = 4096;

  private EndpointText() {}

  /**
   * Whether an endpoint can be stored: it is short enough, and text that every database can hold.
   * All others are refused.
   */
  public static boolean isStorable(URI endpoint) {
    String text = endpoint.toString();
    if (text.length() > MAX_LENGTH) {
      return false;
    }
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        boolean pair =
            i + 1 < text.length() && Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1));
        if (!pair) {
          return false;
        }
        i++;
      }
    }
    return true;
  }
}
