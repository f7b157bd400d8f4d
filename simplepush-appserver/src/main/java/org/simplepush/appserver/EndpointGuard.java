package org.simplepush.appserver;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import okhttp3.Dns;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;

/**
 * Keeps requests away from where strangers have no business to send us. Endpoints come from
 * devices; one that names a machine of our own network would have us knock there (server-side
 * request forgery).
 *
 * <p>The URL is checked before it is queued, as OkHttp understands it and not as another parser
 * might. Addresses are checked here as OkHttp's resolver: what passes is what the connection is
 * made to, so that a name that changes its address in between gains nothing. Addresses written into
 * the URL, for which OkHttp asks no resolver, are checked with the URL. Thread-safe.
 */
final class EndpointGuard implements Dns {
  /** Longer endpoints are refused; ours have about 150 characters. */
  static final int MAX_ENDPOINT_LENGTH = 4096;

  /** What OkHttp takes for an address and hands to {@link InetAddress}, not to its resolver. */
  private static final Pattern LITERAL = Pattern.compile("[0-9a-fA-F]*:[0-9a-fA-F:.]*|[0-9.]+");

  /**
   * The most addresses of a host that are tried. Who runs its name server could have us knock at
   * thousands.
   */
  private static final int MAX_ADDRESSES = 8;

  private static final String OCTET = "(25[0-5]|2[0-4]\\d|1?\\d?\\d)";

  /** Four numbers up to 255: Java would look 1.2.3.4.5 or 999.1.1.1 up as a name. */
  private static final Pattern IPV4 = Pattern.compile(OCTET + "(\\." + OCTET + "){3}");

  private final Set<String> permittedHosts;
  private final Set<Integer> permittedPorts;
  private final Dns resolver;

  /**
   * Creates a guard.
   *
   * @param permittedHosts go unchecked; as OkHttp writes them
   * @param permittedPorts besides 443
   */
  EndpointGuard(Set<String> permittedHosts, Set<Integer> permittedPorts, Dns resolver) {
    this.permittedHosts = Set.copyOf(permittedHosts);
    this.permittedPorts = Set.copyOf(permittedPorts);
    this.resolver = resolver;
  }

  /** A URL that passed, or the refusal. */
  record Checked(@Nullable HttpUrl url, Verdict.@Nullable Refused refusal) {}

  /**
   * Whether an endpoint is worth storing: short enough, and text that every database can hold. All
   * others are refused.
   */
  static boolean isStorable(URI endpoint) {
    String text = endpoint.toString();
    if (text.length() > MAX_ENDPOINT_LENGTH) {
      return false;
    }
    for (int i = 0; i < text.length(); i++) {
      if (Character.isSurrogate(text.charAt(i))) {
        boolean pair =
            i + 1 < text.length() && Character.isSurrogatePair(text.charAt(i), text.charAt(i + 1));
        if (!pair) {
          return false;
        }
        i++;
      }
    }
    return true;
  }

  /** Checks all that can be told without looking the host up. Throws nothing. */
  Checked check(URI endpoint) {
    // OkHttp, like a browser, would make a host of what follows in https:x and https:///x.
    boolean complete = endpoint.getRawAuthority() != null && isStorable(endpoint);
    HttpUrl url = complete ? parse(endpoint.toString()) : null;
    if (url == null) {
      boolean otherScheme =
          complete
              && endpoint.getScheme() != null
              && !"http".equalsIgnoreCase(endpoint.getScheme())
              && !"https".equalsIgnoreCase(endpoint.getScheme());
      return otherScheme
          ? refuseScheme()
          : refuse(
              Verdict.Check.URL,
              "An endpoint is an absolute https URL with a host, of at most "
                  + MAX_ENDPOINT_LENGTH
                  + " characters.");
    }
    if (!url.username().isEmpty() || !url.password().isEmpty() || url.fragment() != null) {
      return refuse(
          Verdict.Check.URL, "An endpoint has no user name, no password and no fragment.");
    }
    if (permittedHosts.contains(url.host())) {
      return new Checked(url, null);
    }
    if (!url.isHttps()) {
      return refuseScheme();
    }
    if (url.port() != 443 && !permittedPorts.contains(url.port())) {
      return refuse(Verdict.Check.PORT, "The port of an endpoint is 443 or one allowed here.");
    }
    if (isLiteral(url.host()) && !isPublic(url.host())) {
      return new Checked(null, refusedAddress());
    }
    return new Checked(url, null);
  }

  /** Returns null for what OkHttp does not understand, in whichever way it says so. */
  private static @Nullable HttpUrl parse(String text) {
    try {
      return HttpUrl.parse(text);
    } catch (RuntimeException e) {
      return null; // its message may quote the endpoint
    }
  }

  /** Whether OkHttp takes {@code host} for an address, and asks no resolver. */
  static boolean isLiteral(String host) {
    return LITERAL.matcher(host).matches();
  }

  private static Checked refuseScheme() {
    return refuse(Verdict.Check.SCHEME, "The scheme of an endpoint is https.");
  }

  private static Checked refuse(Verdict.Check check, String reason) {
    return new Checked(null, new Verdict.Refused(check, reason));
  }

  static Verdict.Refused refusedAddress() {
    return new Verdict.Refused(
        Verdict.Check.ADDRESS,
        "The host of an endpoint has public addresses only: not loopback, private or reserved.");
  }

  @Override
  public List<InetAddress> lookup(String hostname) throws UnknownHostException {
    List<InetAddress> addresses = resolver.lookup(hostname);
    // One address that is not public condemns all: an honest push server has none.
    if (!permittedHosts.contains(hostname)
        && !addresses.stream().allMatch(PublicAddresses::contains)) {
      throw new BarredException();
    }
    return addresses.size() <= MAX_ADDRESSES ? addresses : addresses.subList(0, MAX_ADDRESSES);
  }

  /** Whether a host that OkHttp takes for an address is one, whole and public. */
  private static boolean isPublic(String literal) {
    boolean whole = literal.contains(":") || IPV4.matcher(literal).matches();
    return whole && PublicAddresses.contains(parseLiteral(literal));
  }

  /** Returns the address that {@code literal} is, which is whole: Java looks up what is not. */
  static InetAddress parseLiteral(String literal) {
    try {
      return InetAddress.getByName(literal);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("Not an address.", e);
    }
  }

  /** Returns how OkHttp writes {@code host}, which is a name or an address without a port. */
  static String canonicalHost(String host) {
    boolean bare6 = host.indexOf(':') >= 0 && !host.startsWith("[");
    HttpUrl url = HttpUrl.parse("https://" + (bare6 ? "[" + host + "]" : host) + "/");
    if (url == null
        || url.port() != 443
        || host.isEmpty()
        || !url.encodedPath().equals("/")
        || url.query() != null
        || url.fragment() != null
        || !url.username().isEmpty()) {
      throw new IllegalArgumentException(
          "A host is a name or an address, without scheme, port or path, but it was " + host + ".");
    }
    return url.host();
  }

  /** The host has an address that is not public. */
  static final class BarredException extends UnknownHostException {
    private static final long serialVersionUID = 1;

    BarredException() {
      super("An address of the host is not public");
    }
  }
}
