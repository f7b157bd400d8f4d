package org.simplepush.appserver;

import java.util.function.Consumer;
import okhttp3.HttpUrl;

/** Sends single requests; the seam between deciding what to send when, and HTTP. */
interface Transport {
  /** Stands for "the push server picks the version". */
  long NO_VERSION = -1;

  /** A request under way. */
  interface Exchange {
    /** Ends it soon, whether it still waits or is on the wire; harmless if it has ended. */
    void cancel();
  }

  /**
   * Sends one PUT and returns at once. {@code onAnswer} is called at most once, on any thread,
   * perhaps before this returns. It is not called if the HTTP engine fails to, so whoever calls
   * this limits the time.
   *
   * @param version 0 or more, or {@link #NO_VERSION}
   */
  Exchange put(HttpUrl endpoint, long version, Consumer<Answer> onAnswer);

  /** Makes every request under way answer soon. */
  void cancelAll();
}
