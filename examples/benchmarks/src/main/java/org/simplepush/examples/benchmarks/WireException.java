package org.simplepush.examples.benchmarks;

import java.io.IOException;

/** The server sent what a SimplePush server must not send. */
final class WireException extends IOException {
  private static final long serialVersionUID = 1;

  WireException(String message) {
    super(message);
  }
}
