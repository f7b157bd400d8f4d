package org.simplepush.client;

/**
 * What an application does when it is woken. Calls for one application come one at a time, on the
 * client's callback executor; applications do not wait for each other. Blocking here delays this
 * application's next message, and nothing else.
 */
@FunctionalInterface
public interface PushHandler {
  /**
   * An endpoint has a new version. The version is stored and acknowledged once this returns
   * normally, and from then on neither it nor an older one comes again. If this throws, or the
   * process dies before the version is stored, it is offered again, unless a newer one took its
   * place: so a handler may see a version twice, but only if it has not returned normally from it.
   *
   * @throws Exception if the application could not handle it now
   */
  void onPush(PushMessage message) throws Exception;

  /**
   * The push server has lost what it knew of this device: all endpoints this application had are
   * gone. The application registers anew, tells its application server, and synchronises without
   * waiting for a push, because versions may have been missed (protocol §2). If this throws, it is
   * called again later. The default does nothing.
   *
   * @throws Exception if the application could not handle it now
   */
  default void onPushRegister() throws Exception {}
}
