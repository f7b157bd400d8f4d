package org.simplepush.client.internal;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Logs what must not end the thread that met it. */
public final class Failures {
  private static final Logger log = LoggerFactory.getLogger(Failures.class);

  private Failures() {}

  /**
   * Logs a failure of the device. Never throws: to log takes memory too, and a failure may fail to
   * print itself.
   */
  public static void log(String sentence, Throwable failure) {
    try {
      log.error(sentence, failure);
    } catch (Throwable unloggable) {
      // There is no one left to tell, and the caller has to go on.
    }
  }

  /** The same for a failure of the user's code. */
  public static void warn(String sentence, Throwable failure) {
    try {
      log.warn(sentence, failure);
    } catch (Throwable unloggable) {
      // As above.
    }
  }
}
