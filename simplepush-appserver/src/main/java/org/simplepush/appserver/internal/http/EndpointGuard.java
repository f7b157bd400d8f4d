package org.simplepush.appserver.internal.http;

import java.net.InetAddress;
import java.net.URI;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import okhttp3.Dns;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;
import org.simplepush.appserver.internal.EndpointText;
import org.simplepush.appserver.internal.send.EndpointCheck;
import org.simplepush.appserver.internal.send.Outcome;

/**
 * Refuses endpoints that lead into our own network. Endpoints come from devices, so a stranger
 * could have us send requests to a machine there (server-side request forgery).
 *
 * <p>The URL is checked before it is queued, as OkHttp understands it and not as another parser
 * might. Addresses are checked here as OkHttp's resolver: the connection is made to the addresses
 * that passed, so a name gains nothing by changing its address in between. Addresses written into
 * the URL, for which OkHttp asks no resolver, are checked with the URL. Thread-safe.
 */
public final class EndpointGuard implements EndpointCheck, Dns {
  /** What OkHttp takes for an address and hands to {@link InetAddress}, not to its resolver. */
  private static final Pattern LITERAL = Pattern.compile("[0-9a-fA-F]*:[0-9a-fA-F:.]*|[0-9.]+");

  /** The most addresses of a host that are tried: its name server may know thousands. */
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
  public EndpointGuard(Set<String> permittedHosts, Set<Integer> permittedPorts, Dns resolver) {
    this.permittedHosts = Set.copyOf(permittedHosts);
    this.permittedPorts = Set.copyOf(permittedPorts);
    this.resolver = resolver;
  }

  @Override
  public Checked check(URI endpoint) {
    // OkHttp, like a browser, would make a host of what follows in https:x and https:///x.
    boolean complete = endpoint.getRawAuthority() != null && EndpointText.isStorable(endpoint);
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
              Outcome.Check.URL,
              "An endpoint is an absolute https URL with a host, of at most "
                  + EndpointText.MAX_LENGTH
                  + " characters.");
    }
    if (!url.username().isEmpty() || !url.password().isEmpty() || url.fragment() != null) {
      return refuse(
          Outcome.Check.URL, "An endpoint has no user name, no password and no fragment.");
    }
    if (permittedHosts.contains(url.host())) {
      return new Checked(url, null);
    }
    if (!url.isHttps()) {
      return refuseScheme();
    }
    if (url.port() != 443 && !permittedPorts.contains(url.port())) {
      return refuse(Outcome.Check.PORT, "The port of an endpoint is 443 or one allowed here.");
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
    return refuse(Outcome.Check.SCHEME, "The scheme of an endpoint is https.");
  }

  private static Checked refuse(Outcome.Check check, String reason) {
    return new Checked(null, new Outcome.Refused(check, reason));
  }

  /** Returns the refusal of a host with an address that is not public. */
  public static Outcome.Refused refusedAddress() {
    return new Outcome.Refused(
        Outcome.Check.ADDRESS,
        "The host of an endpoint has public addresses only: not loopback, private or reserved.");
  }

  @Override
  public List<InetAddress> lookup(String hostname) throws UnknownHostException {
    List<InetAddress> addresses = resolver.lookup(hostname);
    // One address that is not public is enough to refuse the host: an honest push server has none.
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
  public static String canonicalHost(String host) {
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
