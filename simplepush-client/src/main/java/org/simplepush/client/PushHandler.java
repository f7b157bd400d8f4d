package org.simplepush.client;

import java.net.URI;

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

  /**
   * Nothing has woken the application for as long as {@link PushClient.Builder#synchroniseAfter}
   * says. It synchronises with its application server as if it had got a push, because versions may
   * have been missed in ways that nobody noticed: the push server drops devices that were away for
   * long, and may lose what it knew. If this throws, or the process dies before it returned, it is
   * called again. The default does nothing.
   *
   * @throws Exception if the application could not handle it now
   */
  default void onSynchronise() throws Exception {}

  /**
   * A register that was queued has been answered. If this throws, it is called again later; it may
   * also be called again if the process dies before the return is stored. The first version of the
   * endpoint comes after that. The default does nothing; the endpoint is in {@link
   * PushManager#registrations} then.
   *
   * @param tag what was passed to {@link PushManager#registerWhenPossible}
   * @param endpoint to be passed to the application server
   * @throws Exception if the application could not handle it now
   */
  default void onRegistered(String tag, URI endpoint) throws Exception {}

  /**
   * The device has got another endpoint in the place of one: because the push server has lost that
   * ({@link PushClient.Builder#replaceLostEndpoints}) or because it is old ({@link
   * PushClient.Builder#renewEndpoints}). The application tells its application server to use the
   * new one, returns when that is done, and synchronises without waiting for a push, because
   * versions may have been missed. Until this has returned normally it is called again later, with
   * yet another endpoint if the new one was lost meanwhile.
   *
   * <p>Until then no message names the new endpoint, and from then on none names the old one,
   * whichever a version was published to.
   *
   * <p>The default throws {@link UnsupportedOperationException}, by which the device knows that the
   * application cannot do this. It gives the new endpoint back. An old endpoint that works stays as
   * it is, and for a lost one the application gets {@link #onPushRegister}.
   *
   * @param old the endpoint that is lost, or will not be valid for much longer
   * @param endpoint the one that takes its place
   * @throws Exception if the application could not handle it now
   */
  default void onEndpointReplaced(URI old, URI endpoint) throws Exception {
    throw new UnsupportedOperationException("This application cannot replace an endpoint");
  }
}
