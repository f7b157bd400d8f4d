package org.simplepush.server;

import java.io.IOException;

/**
 * A push server cannot start with the endpoint keys it was given: they cannot be read, or they do
 * not belong to its store (protocol §8). The message is a sentence for the operator that says what
 * is wrong and what would be right.
 */
public final class EndpointKeysException extends IOException {
  private static final long serialVersionUID = 1;

  EndpointKeysException(String message) {
    super(message);
  }

  EndpointKeysException(String message, Throwable cause) {
    super(message, cause);
  }
}
