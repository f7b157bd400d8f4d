package org.simplepush.client;

import java.net.URI;

/**
 * An application that queues registers. Implemented by a {@link PushHandler}.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface RegisteredHandler {
  /**
   * A register that was queued has been answered. If this throws, it is called again later; it may
   * also be called again if the process dies before the return is stored. The first version of the
   * endpoint comes after that.
   *
   * @param tag what was passed to {@link PushManager#registerWhenPossible}
   * @param endpoint to be passed to the application server
   * @throws Exception if the application could not handle it now
   */
  void onRegistered(String tag, URI endpoint) throws Exception;
}
