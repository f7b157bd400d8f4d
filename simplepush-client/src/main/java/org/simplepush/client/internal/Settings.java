package org.simplepush.client.internal;

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
 * @param maxMessageLength of the server, in bytes
 * @param allowInsecure whether {@code ws:} may be used to other hosts than this one
 * @param synchroniseAfter after how long without another call an application has to synchronise;
 *     null for never
 * @param renewal null if endpoints are kept
 */
public record Settings(
    URI server,
    Duration requestTimeout,
    Duration minPingInterval,
    Duration maxPingInterval,
    Backoff backoff,
    boolean allowInsecure,
    int maxMessageLength,
    @Nullable Duration synchroniseAfter,
    @Nullable Renewal renewal) {

  /** More than any push server needs: some put keys and a signature there. */
  static final int MAX_ENDPOINT_LENGTH = 2048;

  /** The longest wait of days. */
  public static final Duration LONGEST_WAIT = Duration.ofDays(366);

  /**
   * How endpoints are renewed.
   *
   * @param age after which an endpoint gets a successor
   * @param overlap how long it works after the application has handled that
   */
  public record Renewal(Duration age, Duration overlap) {}

  /**
   * Checks that a device may connect there.
   *
   * @throws IllegalArgumentException with a sentence that says what would be right
   */
  public static void checkTarget(URI target, boolean allowInsecure) {
    String scheme = target.getScheme() == null ? "" : target.getScheme().toLowerCase(Locale.ROOT);
    Authority authority = Authority.of(target);
    if (authority != null && authority.userInfo() != null) { // maybe a password: not repeated
      throw new IllegalArgumentException(
          "The address of a push server names no user; leave out what is before the @");
    }
    if (!scheme.equals("ws") && !scheme.equals("wss")) {
      throw new IllegalArgumentException(
          "The address of a push server starts with wss:// (or ws://), but was " + shown(target));
    }
    if (authority == null || target.getFragment() != null) {
      throw new IllegalArgumentException(
          "The address of a push server has a host and no fragment, but was " + shown(target));
    }
    if (authority.port() > 65535) {
      throw new IllegalArgumentException(
          "The port of a push server is 1 to 65535, but was " + authority.port());
    }
    if (scheme.equals("ws")
        && !allowInsecure
        && HostKind.of(authority.host()) != HostKind.LOOPBACK) {
      throw new IllegalArgumentException(
          "ws:// would send the device's secrets unencrypted to "
              + Quote.of(authority.host())
              + "; use wss://, or allowInsecure(true) in a network you trust");
    }
  }

  /** Returns the host of an address that was checked. */
  public static String host(URI target) {
    return Objects.requireNonNull(Authority.of(target)).host();
  }

  private static String shown(URI target) {
    return Quote.of(target.toString());
  }

  /**
   * Checks that a device may go where the server sends it: to a server that would do as the
   * configured one, not back to {@code ws:}, and not to what only this device or its link can
   * reach, unless the configured server is there too.
   *
   * @throws IllegalArgumentException with a sentence that says what would be right
   */
  public void checkRedirect(URI target) {
    checkTarget(target, allowInsecure);
    if (isSecure(server) && !isSecure(target)) {
      throw new IllegalArgumentException(
          "A server at wss:// sends devices to wss:// only, but this was to "
              + Quote.of(target.toString()));
    }
    HostKind.of(host(target)).checkReachableFrom(HostKind.of(host(server)), false);
  }

  private static boolean isSecure(URI target) {
    return "wss".equalsIgnoreCase(target.getScheme());
  }

  /**
   * Checks an endpoint that the server hands out: applications give it to their servers, which send
   * requests there. Its text is a secret, so the sentence does not repeat it.
   *
   * @throws IllegalArgumentException with a sentence that says what would be right
   */
  public void checkEndpoint(URI endpoint) {
    if (endpoint.toString().length() > MAX_ENDPOINT_LENGTH) {
      throw new IllegalArgumentException(
          "An endpoint has at most " + MAX_ENDPOINT_LENGTH + " characters");
    }
    String scheme = endpoint.getScheme() == null ? "" : endpoint.getScheme();
    if (!scheme.equalsIgnoreCase("https") && !scheme.equalsIgnoreCase("http")) {
      throw new IllegalArgumentException("An endpoint starts with https:// or http://");
    }
    Authority authority = Authority.of(endpoint);
    if (authority == null || authority.userInfo() != null || endpoint.getRawFragment() != null) {
      throw new IllegalArgumentException("An endpoint has a host, no user and no fragment");
    }
    if (authority.port() > 65535) {
      throw new IllegalArgumentException("The port of an endpoint is 1 to 65535");
    }
    HostKind.of(authority.host()).checkReachableFrom(HostKind.of(host(server)), allowInsecure);
  }
}
