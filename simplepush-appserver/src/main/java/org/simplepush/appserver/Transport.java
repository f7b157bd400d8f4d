package org.simplepush.appserver;

import java.util.function.Consumer;
import okhttp3.HttpUrl;

/** Sends single requests; the seam between deciding what to send when, and HTTP. */
interface Transport {
  /** Stands for "the push server picks the version". */
  long NO_VERSION = -1;

  /**
   * Sends one PUT and returns at once. {@code onAnswer} is called exactly once, on any thread,
   * perhaps before this returns.
   *
   * @param version 0 or more, or {@link #NO_VERSION}
   */
  void put(HttpUrl endpoint, long version, Consumer<Answer> onAnswer);

  /** Makes every request under way answer soon. */
  void cancelAll();
}
