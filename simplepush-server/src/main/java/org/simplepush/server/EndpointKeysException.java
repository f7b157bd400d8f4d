package org.simplepush.server;

import java.io.IOException;

/**
 * A push server cannot start with the endpoint keys it was given: they cannot be read, or they do
 * not belong to its store (protocol §8). The message is a sentence for the operator that says what
 * is wrong and what would be right.
 *
 * @since 0.1
 */
public final class EndpointKeysException extends IOException {
  private static final long serialVersionUID = 1;

  /** With what is wrong and what would be right. */
  public EndpointKeysException(String message) {
    super(message);
  }

  /** With what is wrong and what would be right, and what caused it. */
  public EndpointKeysException(String message, Throwable cause) {
    super(message, cause);
  }
}
