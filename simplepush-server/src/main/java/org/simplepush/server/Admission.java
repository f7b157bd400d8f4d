package org.simplepush.server;

import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.simplepush.core.internal.Checks;

/**
 * Decides which devices may connect (protocol §13), set with {@link PushServer.Builder#admission}.
 * It sees the request that opens a WebSocket, and may answer later: a token in a header can be
 * looked up, an address asked for elsewhere.
 *
 * <p>It is called on one thread of the server, for one device after another; that thread serves
 * nobody, so one that blocks keeps only other devices from being admitted. To decide about several
 * at the same time, return a stage that some other thread completes. A device waits for ten
 * seconds, or less if it must say hello sooner; then it is told 503, as it is if the hook throws,
 * fails or returns null, which is logged once a minute. If a device leaves before, the stage is
 * cancelled. Limits of connections are checked before; devices that are connected are not asked
 * about again.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface Admission {
  /**
   * Decides about one device.
   *
   * @param request how it wants to connect; may be kept until the stage completes
   * @return completes with the decision
   */
  CompletionStage<Decision> admit(Request request);

  /** The request that opens a WebSocket. Immutable. */
  interface Request {
    /**
     * Returns who the device is: the other end of the connection, or behind a {@linkplain
     * PushServer.Builder#trustedProxies trusted proxy} whom that names.
     */
    InetAddress address();

    /** Returns whether it connects to this server with TLS; a proxy in front may have ended it. */
    boolean isSecure();

    /** Returns the path, as it was sent, such as {@code /}. */
    String path();

    /** Returns what follows the question mark, as it was sent; empty if there is none. */
    String query();

    /**
     * Returns the values of all headers of this name, in their order.
     *
     * @param name in any case
     */
    List<String> headers(String name);
  }

  /** What becomes of a device. */
  sealed interface Decision {
    /** Returns that it may connect. */
    static Decision admit() {
      return new Admitted();
    }

    /** Returns that it may not, now or later: HTTP 403. */
    static Decision forbid() {
      return new Refused(403, Duration.ZERO);
    }

    /**
     * Returns that it comes too often: HTTP 429.
     *
     * @param retryAfter when it may come again, zero or more; told in whole seconds
     * @throws IllegalArgumentException if negative
     */
    static Decision tooMany(Duration retryAfter) {
      return new Refused(429, retryAfter);
    }

    /**
     * Returns that it cannot be served now: HTTP 503.
     *
     * @param retryAfter when it may come again, zero or more; told in whole seconds
     * @throws IllegalArgumentException if negative
     */
    static Decision unavailable(Duration retryAfter) {
      return new Refused(503, retryAfter);
    }
  }

  /** The device may connect. */
  record Admitted() implements Decision {}

  /**
   * The device may not connect.
   *
   * @param status 403 for ever, 429 or 503 for now
   * @param retryAfter when it may come again; zero if that is not told
   */
  record Refused(int status, Duration retryAfter) implements Decision {
    /**
     * Checks the status.
     *
     * @throws IllegalArgumentException if the status is another, or the time negative
     */
    public Refused {
      if (status != 403 && status != 429 && status != 503) {
        throw new IllegalArgumentException("status must be 403, 429 or 503, but was " + status);
      }
      Checks.notNegative("retryAfter", retryAfter);
    }
  }
}
