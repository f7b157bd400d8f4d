package org.simplepush.core.internal;

import java.net.URI;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The authority of a URL: user, host and port. {@link URI} reads them only if the host is a name as
 * DNS has it, and returns null for one with an underscore, such as Docker and Compose give.
 *
 * @param userInfo what is before the {@code @}, still encoded; null if there is none
 * @param host a name or an address, an IPv6 address in brackets
 * @param port -1 if there is none; not checked to be a port
 */
public record Authority(@Nullable String userInfo, String host, int port) {
  private static final Pattern NAME =
      Pattern.compile("(?:(.*)@)?([A-Za-z0-9._-]+)(?::([0-9]{0,9}))?");

  /** Reads the authority of a URL; returns null if it has none, or none with a host. */
  public static @Nullable Authority of(URI url) {
    if (url.getHost() != null) {
      return new Authority(url.getRawUserInfo(), url.getHost(), url.getPort());
    }
    String text = url.getRawAuthority();
    Matcher named = NAME.matcher(text == null ? "" : text);
    if (!named.matches()) {
      return null;
    }
    String port = named.group(3);
    return new Authority(
        named.group(1),
        named.group(2),
        port == null || port.isEmpty() ? -1 : Integer.parseInt(port));
  }

  /** Never shows the user, who may have a password. */
  @Override
  public String toString() {
    return port < 0 ? host : host + ":" + port;
  }
}
