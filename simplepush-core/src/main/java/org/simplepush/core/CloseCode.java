package org.simplepush.core;

/**
 * Why a WebSocket of this protocol is closed (protocol §§1, 2, 6, 9).
 *
 * @since 0.1
 */
public enum CloseCode {
  /** The device has nothing more to say. */
  NORMAL(1000),
  /** The server shuts down or moves the device elsewhere; the device reconnects. */
  GOING_AWAY(1001),
  /** A message was not one JSON object within sane limits, or a frame broke RFC 6455. */
  PROTOCOL_ERROR(1002),
  /** A binary message; this protocol has none. */
  UNSUPPORTED_DATA(1003),
  /** A text message was not UTF-8. */
  INVALID_UTF8(1007),
  /**
   * No hello in time, pings too often, an unknown command, or a newer connection of the same user
   * agent took over.
   */
  POLICY_VIOLATION(1008),
  /** A message was larger than the limit. */
  TOO_BIG(1009),
  /** The server failed; the device reconnects. */
  INTERNAL_ERROR(1011),
  /** The server sheds load; the device reconnects later. */
  TRY_AGAIN_LATER(1013),
  /** The device shall listen for a UDP wake-up instead of reconnecting. */
  WAKE_UP(4774);

  private final int code;

  CloseCode(int code) {
    this.code = code;
  }

  /** {@return the number that travels in the close frame} */
  public int code() {
    return code;
  }
}
