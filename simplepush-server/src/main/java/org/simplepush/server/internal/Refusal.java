package org.simplepush.server.internal;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Why a connection, a user agent or a channel is refused. */
public enum Refusal {
  /** What came is not the handshake of this protocol. */
  HANDSHAKE(Kind.CONNECTION, null),
  /** Of which the server that counts them tells the operator. */
  FULL(Kind.CONNECTION, null),
  ADDRESS(
      Kind.CONNECTION,
      "Connections are refused: one address has as many as maxConnectionsPerAddress"
          + " (--max-connections-per-address) allows"),
  /** The embedder does not want it. */
  ADMISSION(Kind.CONNECTION, null),
  /** A PROXY header that is broken, or from a peer that is no trusted proxy. */
  PROXY(Kind.CONNECTION, null),
  USER_AGENT_RATE(
      Kind.REGISTRATION,
      "New user agents are refused: one address has as many a minute as newUserAgentsPerMinute"
          + " (--new-user-agents-per-minute) allows"),
  CHANNEL_RATE(
      Kind.REGISTRATION,
      "New channels are refused: one address has as many a minute as newChannelsPerMinute"
          + " (--new-channels-per-minute) allows"),
  STORE_FULL(
      Kind.REGISTRATION,
      "New user agents or channels are refused: the store holds as many as maxChannels"
          + " (--max-channels) allows");

  /** What is refused. */
  public enum Kind {
    CONNECTION,
    REGISTRATION
  }

  private final Kind kind;
  private final @Nullable String warning;

  Refusal(Kind kind, @Nullable String warning) {
    this.kind = kind;
    this.warning = warning;
  }

  public Kind kind() {
    return kind;
  }

  /** Returns what the operator is told of it here, if anything. */
  @Nullable String warning() {
    return warning;
  }

  /** Returns its name in metrics. */
  public String reason() {
    return name().toLowerCase(Locale.ROOT);
  }
}
