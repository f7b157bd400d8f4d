package org.simplepush.server.internal.session;

import java.util.Locale;
import org.simplepush.core.ClientMessage;
import org.simplepush.core.ServerMessage.Failure;
import org.simplepush.server.internal.Refusal;

/** The replies to requests that fail. */
final class Failures {
  private Failures() {}

  static Failure of(ClientMessage request, int status, String sentence) {
    String channelId =
        request instanceof ClientMessage.Register register
            ? register.channelId().text()
            : request instanceof ClientMessage.Unregister unregister
                ? unregister.channelId().text()
                : null;
    String type = request.type().name().toLowerCase(Locale.ROOT);
    return new Failure(type, channelId, status, sentence);
  }

  static Failure refused(ClientMessage request, Refusal refusal) {
    return refusal == Refusal.STORE_FULL
        ? of(request, Failure.UNAVAILABLE, "This server has as many as it may; try again later")
        : of(request, Failure.TOO_MANY, "Too many come from this address; try again in a minute");
  }
}
