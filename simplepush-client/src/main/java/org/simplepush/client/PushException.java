package org.simplepush.client;

import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.device.RequestException;

/**
 * Why a call of a {@link PushManager} failed; its future fails with this.
 *
 * @since 0.1
 */
public final class PushException extends Exception {
  private static final long serialVersionUID = 1;

  /** What went wrong, in kinds that a program can tell apart. */
  public enum Kind {
    /**
     * The push server could not be reached, or did not answer in time; the cause is what the last
     * attempt to connect met, if that was below the protocol. Trying again later can help.
     */
    NETWORK_ERROR("NetworkError"),
    /** The application has no such endpoint: unregistered, lost by the server, or never its own. */
    NOT_FOUND_ERROR("NotFoundError"),
    /** The application is installed without the permission {@code push}. */
    PERMISSION_DENIED_ERROR("PermissionDeniedError"),
    /**
     * The push server answered, and refused; {@link #status()} says how. Or it handed out an
     * endpoint that no application should use, and there is no status.
     */
    SERVER_ERROR("ServerError"),
    /** The device could not store its state; see the cause. */
    STORAGE_ERROR("StorageError"),
    /**
     * The client was closed, the application uninstalled or the endpoint unregistered before the
     * call was done.
     */
    ABORT_ERROR("AbortError");

    private final String errorName;

    Kind(String errorName) {
      this.errorName = errorName;
    }

    /** Returns the short name an application of Firefox OS would have seen: "NetworkError". */
    public String errorName() {
      return errorName;
    }
  }

  /** What went wrong. */
  private final Kind kind;

  /** What the server said, or none. */
  private final int status;

  private PushException(Kind kind, int status, String sentence, @Nullable Throwable cause) {
    super(kind.errorName() + ": " + sentence, cause);
    this.kind = kind;
    this.status = status;
  }

  /** Returns the exception that tells an application of this failure. */
  static PushException of(RequestException failure) {
    return new PushException(
        kind(failure.kind()),
        failure.status(),
        String.valueOf(failure.getMessage()),
        failure.getCause());
  }

  private static Kind kind(RequestException.Kind kind) {
    return switch (kind) {
      case NETWORK -> Kind.NETWORK_ERROR;
      case NOT_FOUND -> Kind.NOT_FOUND_ERROR;
      case PERMISSION_DENIED -> Kind.PERMISSION_DENIED_ERROR;
      case SERVER -> Kind.SERVER_ERROR;
      case STORAGE -> Kind.STORAGE_ERROR;
      case ABORTED -> Kind.ABORT_ERROR;
    };
  }

  /** Returns what went wrong. */
  public Kind kind() {
    return kind;
  }

  /** Returns the server's status, if the server refused (protocol §7). */
  public OptionalInt status() {
    return status == RequestException.NO_STATUS ? OptionalInt.empty() : OptionalInt.of(status);
  }

  /** Whether the same call can succeed later without anything being changed by the caller. */
  public boolean canRetry() {
    return switch (kind) {
      case NETWORK_ERROR, STORAGE_ERROR -> true;
      case SERVER_ERROR -> status == 409 || status == 429 || status >= 500;
      case NOT_FOUND_ERROR, PERMISSION_DENIED_ERROR, ABORT_ERROR -> false;
    };
  }
}
