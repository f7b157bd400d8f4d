package org.simplepush.client;

import java.net.URI;

/**
 * An application that can take another endpoint in the place of one. The device registers the new
 * endpoint by itself. Implemented by a {@link PushHandler}, or handed in beside it: {@link
 * PushClient#application(String, PushHandler, EndpointReplacedHandler)}.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface EndpointReplacedHandler {
  /**
   * The device has got another endpoint in the place of one: because the push server has lost that,
   * because it is old ({@link PushClient.Builder#renewEndpoints}), or because the application asked
   * for it ({@link PushManager#replace}). The application tells its application server to use the
   * new one, and then synchronises without waiting for a push, because versions may have been
   * missed. Until this has returned normally it is called again later, with yet another endpoint if
   * the new one was lost meanwhile.
   *
   * <p>Until then no message names the new endpoint, and from then on none names the old one.
   *
   * @param old the endpoint that is lost, or will not be valid for much longer
   * @param endpoint the one that takes its place
   * @throws Exception if the application could not handle it now
   */
  void onEndpointReplaced(URI old, URI endpoint) throws Exception;
}
