package org.simplepush.core;

import org.jspecify.annotations.Nullable;

/**
 * A message could not be read. Its {@linkplain #getMessage() message} is a sentence that may be
 * sent to the peer: it quotes nothing secret.
 *
 * @since 0.1
 */
public final class MalformedMessageException extends Exception {
  private static final long serialVersionUID = 1;

  /** How bad it is, and so what the server does (protocol §7). */
  public enum Severity {
    /** Not one JSON object within sane limits: the connection is closed with 1002. */
    NOT_A_MESSAGE,
    /** No or an unknown {@code messageType}: answered with 401, then closed. */
    UNKNOWN_TYPE,
    /** A known message with a missing or ill-typed field: answered with 401, stays open. */
    BAD_CONTENT,
    /**
     * An ill-typed hello without {@code channelIDs}: closed with 1008 and not answered. Only
     * Firefox says hello like that, and after an answer without a UAID it never connects again.
     */
    UNANSWERED
  }

  /** How bad it is. */
  private final Severity severity;

  /** As sent, but no more than 64 characters. */
  private final @Nullable String messageType;

  /** As sent, but no more than 64 characters. */
  private final @Nullable String channelId;

  MalformedMessageException(
      Severity severity,
      @Nullable String messageType,
      @Nullable String channelId,
      String sentence) {
    // No cause: a parser's exception may quote the message. No stack: peers can provoke it at will.
    super(sentence, null, false, false);
    this.severity = severity;
    this.messageType = messageType;
    this.channelId = channelId;
  }

  /** {@return how bad it is} */
  public Severity severity() {
    return severity;
  }

  /** {@return the answer a server gives, with status 401} */
  public ServerMessage.Failure toFailure() {
    return new ServerMessage.Failure(
        messageType, channelId, ServerMessage.Failure.MALFORMED, String.valueOf(getMessage()));
  }
}
