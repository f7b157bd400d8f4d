package org.simplepush.client.internal.device;

import org.jspecify.annotations.Nullable;

/** Why a request of an application failed. The message is a sentence without its full stop. */
public final class RequestException extends Exception {
  private static final long serialVersionUID = 1;

  /** What {@link #status()} is if the server did not refuse. */
  public static final int NO_STATUS = 0;

  /** What went wrong. */
  public enum Kind {
    NETWORK,
    NOT_FOUND,
    PERMISSION_DENIED,
    SERVER,
    STORAGE,
    ABORTED
  }

  /** What went wrong. */
  private final Kind kind;

  /** What the server answered, or {@link #NO_STATUS}. */
  private final int status;

  private RequestException(Kind kind, int status, String sentence, @Nullable Throwable cause) {
    super(sentence, cause);
    this.kind = kind;
    this.status = status;
  }

  public static RequestException network(String sentence, @Nullable Throwable cause) {
    return new RequestException(Kind.NETWORK, NO_STATUS, sentence, cause);
  }

  public static RequestException notFound(String sentence) {
    return new RequestException(Kind.NOT_FOUND, NO_STATUS, sentence, null);
  }

  public static RequestException server(int status, String sentence) {
    return new RequestException(
        Kind.SERVER, status, "the push server answered " + status + ": " + sentence, null);
  }

  public static RequestException badEndpoint(String sentence) {
    return new RequestException(
        Kind.SERVER,
        NO_STATUS,
        "the push server handed out an endpoint that is of no use: " + sentence,
        null);
  }

  public static RequestException storage(String sentence, Throwable cause) {
    return new RequestException(Kind.STORAGE, NO_STATUS, sentence, cause);
  }

  public static RequestException aborted(String sentence) {
    return new RequestException(Kind.ABORTED, NO_STATUS, sentence, null);
  }

  public static RequestException closed() {
    return aborted("the client was closed");
  }

  public static RequestException permissionDenied() {
    return new RequestException(
        Kind.PERMISSION_DENIED,
        NO_STATUS,
        "the application's manifest does not ask for the permission \"push\"",
        null);
  }

  public Kind kind() {
    return kind;
  }

  /** Returns what the server answered, or {@link #NO_STATUS}. */
  public int status() {
    return status;
  }
}
