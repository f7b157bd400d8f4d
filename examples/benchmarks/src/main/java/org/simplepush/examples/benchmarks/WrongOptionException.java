package org.simplepush.examples.benchmarks;

/** An option of the command line is wrong or missing; the message says what would be right. */
final class WrongOptionException extends LoadException {
  private static final long serialVersionUID = 1;

  WrongOptionException(String message) {
    super(message);
  }
}
