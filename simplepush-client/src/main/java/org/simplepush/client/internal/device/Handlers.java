package org.simplepush.client.internal.device;

import java.net.URI;
import org.jspecify.annotations.Nullable;

/** What an application can do: handle versions, and maybe more; null is what it cannot do. */
public record Handlers(
    OnPush push,
    @Nullable OnReplaced replaced,
    @Nullable Call pushRegister,
    @Nullable OnRegistered registered,
    @Nullable Call synchronise) {

  /** Takes a new version. */
  public interface OnPush {
    void handle(URI endpoint, long version) throws Exception;
  }

  /** Takes an endpoint in the place of another one. */
  public interface OnReplaced {
    void handle(URI old, URI endpoint) throws Exception;
  }

  /** Takes the endpoint of a queued register. */
  public interface OnRegistered {
    void handle(String tag, URI endpoint) throws Exception;
  }

  /** Hands a message to the application. */
  public interface Call {
    void run() throws Exception;
  }

  /** Returns what hands this message over; null if the application does not handle its kind. */
  @Nullable Call callFor(Message message) {
    return switch (message.type()) {
      case PUSH -> callFor((Message.Push) message);
      case REGISTERED -> callFor((Message.Registered) message);
      case REPLACED -> callFor((Message.Replaced) message);
      case PUSH_REGISTER -> pushRegister;
      case SYNCHRONISE -> synchronise;
    };
  }

  private Call callFor(Message.Push message) {
    return () -> push.handle(message.endpoint(), message.version());
  }

  private @Nullable Call callFor(Message.Registered message) {
    OnRegistered handler = registered;
    return handler == null ? null : () -> handler.handle(message.tag(), message.endpoint());
  }

  private @Nullable Call callFor(Message.Replaced message) {
    OnReplaced handler = replaced;
    return handler == null ? null : () -> handler.handle(message.lost(), message.endpoint());
  }
}
