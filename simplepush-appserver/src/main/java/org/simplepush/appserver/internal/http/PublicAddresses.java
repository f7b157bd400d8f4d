package org.simplepush.appserver.internal.http;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.List;

/**
 * Knows which addresses belong to the open Internet, from the registries of special-purpose
 * addresses that IANA keeps (RFC 6890 and what was added since).
 */
final class PublicAddresses {
  /** IPv4 addresses that do not belong, or not only, to the open Internet. */
  private static final List<Block> NOT_PUBLIC_4 =
      List.of(
          block("0.0.0.0", 8), // "this network", unspecified
          block("10.0.0.0", 8), // private
          block("100.64.0.0", 10), // carrier-grade NAT
          block("127.0.0.0", 8), // loopback
          block("169.254.0.0", 16), // link-local, and the metadata service of every cloud
          block("172.16.0.0", 12), // private
          block("192.0.0.0", 24), // protocol assignments
          block("192.0.2.0", 24), // documentation
          block("192.88.99.0", 24), // relays of 6to4
          block("192.168.0.0", 16), // private
          block("198.18.0.0", 15), // benchmarks
          block("198.51.100.0", 24), // documentation
          block("203.0.113.0", 24), // documentation
          block("224.0.0.0", 4), // multicast
          block("240.0.0.0", 4)); // reserved, broadcast

  /**
   * Only this part of IPv6 is handed out. The rest is not public: loopback, unspecified, unique
   * local, link-local, site-local, multicast, IPv4 in IPv6 (mapped, compatible, translated) and
   * NAT64, through which any IPv4 address could be written.
   */
  private static final Block GLOBAL_UNICAST = block("2000::", 3);

  private static final List<Block> NOT_PUBLIC_6 =
      List.of(
          block("2001::", 23), // protocol assignments: Teredo, ORCHID, benchmarks
          block("2001:db8::", 32), // documentation
          block("2002::", 16), // 6to4: any IPv4 address again
          block("3fff::", 20)); // documentation

  private PublicAddresses() {}

  static boolean contains(InetAddress address) {
    byte[] bytes = address.getAddress();
    if (address instanceof Inet6Address) {
      return GLOBAL_UNICAST.contains(bytes)
          && NOT_PUBLIC_6.stream().noneMatch(block -> block.contains(bytes));
    }
    return NOT_PUBLIC_4.stream().noneMatch(block -> block.contains(bytes));
  }

  private static final class Block {
    private final byte[] prefix;
    private final int bits;

    Block(byte[] prefix, int bits) {
      this.prefix = prefix;
      this.bits = bits;
    }

    boolean contains(byte[] address) {
      for (int i = 0; i * 8 < bits; i++) {
        int mask = bits - i * 8 >= 8 ? 0xff : 0xff << (8 - (bits - i * 8)) & 0xff;
        if ((address[i] & mask) != (prefix[i] & mask)) {
          return false;
        }
      }
      return true;
    }
  }

  private static Block block(String address, int bits) {
    return new Block(EndpointGuard.parseLiteral(address).getAddress(), bits);
  }
}
