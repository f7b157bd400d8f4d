package org.simplepush.client;

import org.jspecify.annotations.Nullable;

/** What an application can do: handle versions, and whatever else it implements. */
record Handlers(
    PushHandler push,
    @Nullable EndpointReplacedHandler replaced,
    @Nullable PushRegisterHandler pushRegister,
    @Nullable RegisteredHandler registered,
    @Nullable SynchroniseHandler synchronise) {

  /** Hands a message to the application. */
  interface Call {
    void run() throws Exception;
  }

  static Handlers of(PushHandler handler) {
    return of(handler, handler instanceof EndpointReplacedHandler replaced ? replaced : null);
  }

  static Handlers of(PushHandler handler, @Nullable EndpointReplacedHandler replaced) {
    return new Handlers(
        handler,
        replaced,
        handler instanceof PushRegisterHandler pushRegister ? pushRegister : null,
        handler instanceof RegisteredHandler registered ? registered : null,
        handler instanceof SynchroniseHandler synchronise ? synchronise : null);
  }

  /** Returns what hands this message over; null if the application does not handle its kind. */
  @Nullable Call callFor(Inbox.Message message) {
    if (message instanceof Inbox.Push news) {
      return () -> push.onPush(new PushMessage(news.endpoint(), news.version()));
    }
    if (message instanceof Inbox.Replaced news) {
      EndpointReplacedHandler handler = replaced;
      return handler == null
          ? null
          : () -> handler.onEndpointReplaced(news.lost(), news.endpoint());
    }
    if (message instanceof Inbox.Registered news) {
      RegisteredHandler handler = registered;
      return handler == null ? null : () -> handler.onRegistered(news.tag(), news.endpoint());
    }
    if (message instanceof Inbox.PushRegister) {
      PushRegisterHandler handler = pushRegister;
      return handler == null ? null : handler::onPushRegister;
    }
    SynchroniseHandler handler = synchronise;
    return handler == null ? null : handler::onSynchronise;
  }
}
