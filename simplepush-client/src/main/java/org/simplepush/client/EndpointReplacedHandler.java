package org.simplepush.client;

import java.net.URI;

/**
 * An application that can use another endpoint in place of one. The device registers the new
 * endpoint. Implemented by a {@link PushHandler}, or handed in beside it: {@link
 * PushClient#application(String, PushHandler, EndpointReplacedHandler)}.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface EndpointReplacedHandler {
  /**
   * An endpoint has a successor: because the push server has lost it, because it is old ({@link
   * PushClient.Builder#renewEndpoints}), or because the application asked for it ({@link
   * PushManager#replace}). The application tells its application server to use the new one, and
   * then synchronises without waiting for a push, because versions may have been missed. Until this
   * has returned normally it is called again later, with yet another endpoint if the new one is
   * lost too.
   *
   * <p>Until then no message names the new endpoint, and from then on none names the old one.
   *
   * @param old the endpoint that is lost, or will not be valid for much longer
   * @param endpoint the one that takes its place
   * @throws Exception if the application could not handle it now
   */
  void onEndpointReplaced(URI old, URI endpoint) throws Exception;
}
