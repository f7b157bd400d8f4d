package org.simplepush.core;

/**
 * A {@link VersionStore} could not do what it was asked; it may or may not have happened.
 *
 * @since 0.1
 */
public final class StoreException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /**
   * Says what failed, for the operator: it is logged, never sent to a peer.
   *
   * @param sentence what could not be done; names no UAID, channel or endpoint
   */
  public StoreException(String sentence) {
    super(sentence);
  }

  /**
   * Says what failed, for the operator: it is logged, never sent to a peer.
   *
   * @param sentence what could not be done; names no UAID, channel or endpoint
   * @param cause what the database said
   */
  public StoreException(String sentence, Throwable cause) {
    super(sentence, cause);
  }
}
