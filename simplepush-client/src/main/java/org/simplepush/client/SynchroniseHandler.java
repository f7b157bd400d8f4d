package org.simplepush.client;

/**
 * An application that synchronises when nothing woke it for long. Implemented by a {@link
 * PushHandler}.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface SynchroniseHandler {
  /**
   * Nothing has woken the application for as long as {@link PushClient.Builder#synchroniseAfter}
   * says. It synchronises with its application server as if it had got a push, because versions may
   * have been missed in ways that nobody noticed: the push server drops devices that were away for
   * long, and may lose what it knew. If this throws, or the process dies before it returned, it is
   * called again.
   *
   * @throws Exception if the application could not handle it now
   */
  void onSynchronise() throws Exception;
}
