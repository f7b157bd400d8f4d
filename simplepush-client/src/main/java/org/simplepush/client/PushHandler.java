package org.simplepush.client;

/**
 * What an application does when it is woken. Calls for one application come one at a time, on the
 * client's callback executor; applications do not wait for each other. Blocking here delays this
 * application's next message, and nothing else.
 *
 * <p>A handler that is only a lambda handles new versions and nothing else. What else an
 * application can do, the same object says by further interfaces, for which the same rules hold:
 *
 * <ul>
 *   <li>{@link EndpointReplacedHandler}: take another endpoint in the place of one that is lost,
 *       old or no longer trusted
 *   <li>{@link PushRegisterHandler}: register again after the push server has lost the endpoints
 *   <li>{@link RegisteredHandler}: take an endpoint that was asked for with {@link
 *       PushManager#registerWhenPossible}
 *   <li>{@link SynchroniseHandler}: synchronise when nothing woke it for long
 * </ul>
 *
 * <p>Every application needs one of the first two: a push server may lose what it knows, and then
 * the endpoints do not work any more. If an application lacks the handler for a message, the
 * message is kept, and a warning says so, now and at each start.
 *
 * @since 0.1
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
}
