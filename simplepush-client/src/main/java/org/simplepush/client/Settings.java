package org.simplepush.client;

import java.net.URI;
import java.time.Duration;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.internal.Authority;
import org.simplepush.core.internal.Backoff;

/**
 * How a device behaves.
 *
 * @param allowInsecure whether {@code ws:} may be used to other hosts than this one
 * @param synchroniseAfter how long an application may be left in peace before it is told to
 *     synchronise; null if it never is
 * @param renewal null if endpoints are kept
 */
record Settings(
    URI server,
    Duration requestTimeout,
    Duration minPingInterval,
    Duration maxPingInterval,
    Backoff backoff,
    boolean allowInsecure,
    @Nullable Duration synchroniseAfter,
    @Nullable Renewal renewal) {

  /** The longest wait of days. */
  static final Duration LONGEST_WAIT = Duration.ofDays(366);

  /**
   * How endpoints are renewed.
   *
   * @param age after which an endpoint gets a successor
   * @param overlap how long it works after the application has taken that
   */
  record Renewal(Duration age, Duration overlap) {}

  /**
   * Checks that a device may connect there.
   *
   * @throws IllegalArgumentException with a sentence that says what would be right
   */
  static void checkTarget(URI target, boolean allowInsecure) {
    String scheme = target.getScheme() == null ? "" : target.getScheme().toLowerCase(Locale.ROOT);
    Authority authority = Authority.of(target);
    if (authority != null && authority.userInfo() != null) { // maybe a password: not repeated
      throw new IllegalArgumentException(
          "The address of a push server names no user; leave out what is before the @");
    }
    if (!scheme.equals("ws") && !scheme.equals("wss")) {
      throw new IllegalArgumentException(
          "The address of a push server starts with wss:// (or ws://), but was " + target);
    }
    if (authority == null || target.getFragment() != null) {
      throw new IllegalArgumentException(
          "The address of a push server has a host and no fragment, but was " + target);
    }
    if (authority.port() > 65535) {
      throw new IllegalArgumentException(
          "The port of a push server is 1 to 65535, but was " + authority.port());
    }
    if (scheme.equals("ws") && !allowInsecure && !isLoopback(authority.host())) {
      throw new IllegalArgumentException(
          "ws:// would send the device's secrets unencrypted to "
              + authority.host()
              + "; use wss://, or allowInsecure(true) in a network you trust");
    }
  }

  /** Returns the host of an address that was checked. */
  static String host(URI target) {
    return Objects.requireNonNull(Authority.of(target)).host();
  }

  /** Looks at the text alone: what a name resolves to can change, and is for others to decide. */
  private static boolean isLoopback(String host) {
    String name = host.toLowerCase(Locale.ROOT);
    return name.equals("localhost")
        || name.endsWith(".localhost")
        || name.equals("[::1]")
        || name.matches("127(\\.\\d{1,3}){3}");
  }
}
