package org.simplepush.client.internal.device;

import org.jspecify.annotations.Nullable;

/**
 * Takes the answer to a request of an application. One of the methods is called, once: by the
 * callback executor, or by the loop if the executor takes no more tasks.
 */
public interface Reply<T> {
  /**
   * The request was fulfilled.
   *
   * @param value null if there is nothing to say
   */
  void completed(@Nullable T value);

  /** The request failed. */
  void failed(RequestException failure);
}
