package org.simplepush.appserver;

/**
 * The database behind {@link Subscriptions} or an {@link Outbox} did not do what it was asked; it
 * may or may not have happened. Trying again does no harm.
 *
 * @since 0.1
 */
public final class StorageException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /**
   * Says what failed.
   *
   * @param sentence what could not be done; names no endpoint
   * @param cause what the database said
   */
  public StorageException(String sentence, Throwable cause) {
    super(sentence, cause);
  }
}
