package org.simplepush.client;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Hears what happens to a client's connection; nobody has to act on it. Calls come one at a time,
 * in order, on the client's callback executor. What they throw is logged.
 *
 * @since 0.1
 */
public interface ConnectionListener {
  /** The push server has accepted the device's hello. */
  default void onConnected() {}

  /** A connection was lost, or an attempt to connect failed. The client tries again. */
  default void onDisconnected(Disconnected event) {}

  /**
   * The push server has closed the connection and will wake the device with a datagram ({@link
   * PushClient.Builder#wakeUp}).
   *
   * @param atMost after this long the device connects without one
   */
  default void onAsleep(Duration atMost) {}

  /**
   * How a connection or an attempt ended.
   *
   * @param closeCode the WebSocket close code, or 1006 if there was none
   * @param reason a sentence for people, without its full stop: "the connection could not be
   *     opened: push.example.org:443 refused the connection; is the push server running there?"
   * @param failures how many attempts in a row have failed now, 1 or more
   * @param retryIn how long until the next attempt
   * @param cause what went wrong below the protocol, such as a {@link java.net.ConnectException},
   *     an {@link java.net.UnknownHostException} or an {@link javax.net.ssl.SSLException}; null if
   *     it is all in the reason
   */
  record Disconnected(
      int closeCode, String reason, int failures, Duration retryIn, @Nullable Throwable cause) {}
}
