package org.simplepush.examples.benchmarks;

/** A measurement cannot be made; the message says why. */
class LoadException extends Exception {
  private static final long serialVersionUID = 1;

  LoadException(String message) {
    super(message);
  }
}
