package org.simplepush.appserver.internal.send;

import java.util.function.Consumer;
import okhttp3.HttpUrl;
import org.simplepush.appserver.internal.Versions;

/** Sends single requests. It separates what decides what to send when from HTTP. */
public interface Transport {
  /** A request under way. */
  interface Exchange {
    /** Makes it end soon, whether it waits or is on the wire. Harmless if it has ended. */
    void cancel();
  }

  /**
   * Sends one PUT and returns without waiting. {@code onAnswer} is called at most once, on any
   * thread, perhaps before this returns. The HTTP engine may fail to call it, so the caller limits
   * the time.
   *
   * @param version 0 or more, or {@link Versions#NONE}
   */
  Exchange put(HttpUrl endpoint, long version, Consumer<Answer> onAnswer);

  /** Makes every request under way answer soon. */
  void cancelAll();
}
