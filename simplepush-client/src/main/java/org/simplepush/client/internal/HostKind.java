package org.simplepush.client.internal;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Where a host is, as far as its text says. Names other than {@code localhost} are not looked up:
 * what they resolve to can change, and is for others to decide.
 */
enum HostKind {
  /** A name, or an address anywhere. */
  ELSEWHERE("is elsewhere"),
  /** This computer, whichever that is. */
  LOOPBACK("is this computer, and the push server is elsewhere"),
  /** The network the computer is plugged into; clouds keep secrets there. */
  LINK_LOCAL("is link-local, and the push server is not"),
  /** No name and no address, though some resolvers make one of it. */
  INVALID("is neither a name nor an address");

  private static final String BYTE = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
  private static final Pattern IPV4 = Pattern.compile(BYTE + "(\\." + BYTE + "){3}");

  /** Why it may not be named by a server that is elsewhere. */
  private final String fault;

  HostKind(String fault) {
    this.fault = fault;
  }

  /**
   * Returns the kind of a host.
   *
   * @param host a name or an address, an IPv6 address in brackets
   */
  static HostKind of(String host) {
    String name = host.toLowerCase(Locale.ROOT);
    if (name.startsWith("[")) {
      return ofAddress(name);
    }
    if (name.endsWith(".")) { // the root of DNS, where every name ends
      name = name.substring(0, name.length() - 1);
    }
    if (name.equals("localhost") || name.endsWith(".localhost")) {
      return LOOPBACK;
    }
    String last = name.substring(name.lastIndexOf('.') + 1);
    if (!last.matches("\\d*|0x[0-9a-f]*")) {
      return ELSEWHERE;
    }
    // Resolvers also take 127.1, 0x7f.0.0.1 and 2130706433 for addresses.
    return IPV4.matcher(name).matches() ? ofAddress(name) : INVALID;
  }

  private static HostKind ofAddress(String literal) {
    InetAddress address;
    try {
      address = InetAddress.getByName(literal); // asks nobody, for it is no name
    } catch (UnknownHostException e) {
      return INVALID;
    }
    if (address.isLoopbackAddress() || address.isAnyLocalAddress()) {
      return LOOPBACK;
    }
    return address.isLinkLocalAddress() ? LINK_LOCAL : ELSEWHERE;
  }

  /**
   * Checks that a push server at one host may name this one to a device or its applications.
   *
   * @param server where the push server is
   * @param trusted whether a server elsewhere may name the own computer
   * @throws IllegalArgumentException with a sentence that says what would be right
   */
  void checkReachableFrom(HostKind server, boolean trusted) {
    boolean isTaken = this == ELSEWHERE || (this != INVALID && this == server);
    if (!isTaken && !(this == LOOPBACK && trusted)) {
      throw new IllegalArgumentException("The host " + fault);
    }
  }
}
