package org.simplepush.server.internal;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The addresses that begin with the same bits, written as in CIDR. An IPv4 address mapped into IPv6
 * counts as the IPv4 address it stands for, in networks and addresses alike.
 *
 * @param address the first of them
 * @param prefixLength how many bits they share
 */
public record Network(InetAddress address, int prefixLength) {
  private static final Pattern V4 =
      Pattern.compile("(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})");

  /** Nothing that Java would look up as a name, and no zone. */
  private static final Pattern V6 = Pattern.compile("[0-9a-fA-F:][0-9a-fA-F:.]{1,44}");

  private static final Pattern PREFIX_LENGTH = Pattern.compile("0|[1-9]\\d{0,2}");

  /** How many bits come before an IPv4 address mapped into IPv6. */
  private static final int MAPPED_BITS = 96;

  /**
   * Reads a network.
   *
   * @throws IllegalArgumentException with a sentence that says what would be right
   */
  public static Network parse(String text) {
    int slash = text.indexOf('/');
    InetAddress address = slash < 0 ? null : literal(text.substring(0, slash));
    if (address == null || !PREFIX_LENGTH.matcher(text.substring(slash + 1)).matches()) {
      throw new IllegalArgumentException(
          "A network is written like 10.0.0.0/8 or 2001:db8::/32, but was '" + text + "'");
    }
    boolean mapped = address instanceof Inet4Address && text.indexOf(':') >= 0;
    int length = Integer.parseInt(text.substring(slash + 1)) - (mapped ? MAPPED_BITS : 0);
    int bits = address.getAddress().length * Byte.SIZE;
    if (length < 0 || length > bits) {
      int added = mapped ? MAPPED_BITS : 0;
      throw new IllegalArgumentException(
          "The prefix of '%s' must be %d to %d bits long".formatted(text, added, added + bits));
    }
    Network network = new Network(masked(address, length), length);
    if (!network.address.equals(address)) {
      throw new IllegalArgumentException(
          "'" + text + "' has bits behind its prefix; did you mean " + network + "?");
    }
    if (!network.hasUnicast()) {
      throw new IllegalArgumentException("'" + text + "' holds no address of a single device");
    }
    return network;
  }

  /** Returns the address that a text stands for, or null; never asks a name server. */
  public static @Nullable InetAddress literal(String text) {
    try {
      Matcher v4 = V4.matcher(text);
      if (v4.matches()) {
        byte[] bytes = new byte[4];
        for (int i = 0; i < bytes.length; i++) {
          String part = v4.group(i + 1);
          int number = Integer.parseInt(part);
          if (number > 255 || (part.length() > 1 && part.startsWith("0"))) {
            return null; // a leading zero means octal to some
          }
          bytes[i] = (byte) number;
        }
        return InetAddress.getByAddress(bytes);
      }
      if (text.indexOf(':') >= 0 && V6.matcher(text).matches()) {
        return InetAddress.getByName(text); // colons: an address or an error, not a name
      }
    } catch (UnknownHostException e) {
      return null;
    }
    return null;
  }

  private static InetAddress masked(InetAddress address, int length) {
    byte[] bytes = address.getAddress();
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] &= (byte) mask(length - i * Byte.SIZE);
    }
    return address(bytes);
  }

  /** Returns the address of these 4 or 16 bytes. */
  public static InetAddress address(byte[] bytes) {
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException("An address has 4 or 16 bytes", e);
    }
  }

  /** Returns a byte whose first so many bits are set. */
  private static int mask(int bits) {
    return bits >= Byte.SIZE ? 0xff : bits <= 0 ? 0 : 0xff << (Byte.SIZE - bits);
  }

  private int bits() {
    return address.getAddress().length * Byte.SIZE;
  }

  /** Whether the address is one of them. */
  public boolean contains(InetAddress other) {
    return other.getAddress().length == address.getAddress().length
        && masked(other, prefixLength).equals(address);
  }

  /** Whether some address is in both. */
  public boolean overlaps(Network other) {
    return contains(other.address) || other.contains(address);
  }

  /**
   * Whether the address belongs to this network and may be one device's. This machine and its link
   * must be listed as such: somebody who lists the whole Internet does not mean them.
   */
  public boolean permits(InetAddress other) {
    return contains(other)
        && isUnicast(other)
        && (!other.isLoopbackAddress() || address.isLoopbackAddress())
        && (!other.isLinkLocalAddress() || address.isLinkLocalAddress())
        && !isBroadcast(other);
  }

  private static boolean isUnicast(InetAddress address) {
    int first = address.getAddress()[0] & 0xff;
    boolean reserved = address instanceof Inet4Address && (first == 0 || first >= 240);
    return !address.isAnyLocalAddress() && !address.isMulticastAddress() && !reserved;
  }

  private boolean hasUnicast() {
    int first = address.getAddress()[0] & 0xff;
    int last = first | (~mask(prefixLength) & 0xff);
    if (address instanceof Inet4Address) {
      return first < 224 && last > 0;
    }
    return first < 255 && (prefixLength < bits() || !address.isAnyLocalAddress());
  }

  /** The first and the last address of an IPv4 network mean all of it. */
  private boolean isBroadcast(InetAddress other) {
    if (!(other instanceof Inet4Address) || prefixLength > 30) {
      return false;
    }
    byte[] bytes = other.getAddress();
    boolean allOnes = true;
    for (int i = 0; i < bytes.length; i++) {
      allOnes &= ((bytes[i] | mask(prefixLength - i * Byte.SIZE)) & 0xff) == 0xff;
    }
    return allOnes || other.equals(address);
  }

  @Override
  public String toString() {
    return address.getHostAddress() + "/" + prefixLength;
  }
}
