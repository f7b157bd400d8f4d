package org.simplepush.client;

/**
 * An application that registers again itself when the push server has lost its endpoints.
 * Implemented by a {@link PushHandler}. Not called if that is an {@link EndpointReplacedHandler}
 * too: then the device registers, and hands over the lost and the new endpoint.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface PushRegisterHandler {
  /**
   * The push server has lost what it knew of this device: all endpoints this application had are
   * gone. The application registers again, passes the new endpoints to its application server, and
   * synchronises without waiting for a push, because versions may have been missed (protocol §2).
   * If this throws, or the process dies before the return is stored, it is called again later.
   *
   * @throws Exception if the application could not handle it now
   */
  void onPushRegister() throws Exception;
}
