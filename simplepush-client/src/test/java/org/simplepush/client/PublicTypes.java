package org.simplepush.client;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.simplepush.client.internal.device.Handlers;
import org.simplepush.client.internal.device.KnownEndpoint;
import org.simplepush.client.internal.device.Reply;

/** Gives tests of the device what applications see of it, by the adapters that they use. */
public final class PublicTypes {
  private PublicTypes() {}

  /** Returns a reply that completes the future as it would an application's. */
  public static <T> Reply<T> reply(CompletableFuture<T> result) {
    return Adapters.reply(result);
  }

  /** The same for the endpoints of an application. */
  public static Reply<List<KnownEndpoint>> registrations(
      CompletableFuture<List<PushRegistration>> result) {
    return Adapters.reply(result, Adapters::registrations);
  }

  /** Returns what a handler can do. */
  public static Handlers handlers(PushHandler handler) {
    return Adapters.handlers(handler);
  }

  /** The same with what takes endpoints in the place of others. */
  public static Handlers handlers(PushHandler handler, EndpointReplacedHandler replaced) {
    return Adapters.handlers(handler, replaced);
  }
}
