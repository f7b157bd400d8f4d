package org.simplepush.server.internal;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out who a connection or a request comes from, as far as the limits per address care: behind
 * a proxy that is trusted, its client. Safe for use by many threads.
 */
public final class ClientAddresses {
  /** The key of whoever is exempt from limits per address. */
  public static final long EXEMPT = 0;

  private static final Logger log = LoggerFactory.getLogger(ClientAddresses.class);

  /** The key of this machine's IPv6 address is that of its IPv4 address. */
  private static final long LOOPBACK = 0x7f00_0001;

  private final List<Network> trusted;
  private final boolean limitLoopback;
  private final AtomicBoolean warned = new AtomicBoolean();

  /**
   * Knows the proxies of one server.
   *
   * @param trusted the networks of proxies whose word counts
   * @param limitLoopback whether limits per address hold for this machine too
   */
  public ClientAddresses(List<Network> trusted, boolean limitLoopback) {
    this.trusted = List.copyOf(trusted);
    this.limitLoopback = limitLoopback;
  }

  /** Whether this is the address of a trusted proxy. */
  public boolean trusts(InetAddress peer) {
    for (Network network : trusted) {
      if (network.contains(peer)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Returns the client of a request: the last address that no trusted proxy has, read from the
   * right, because whatever stands further left may be invented.
   *
   * @param peer who sent the request: the other end of the connection, or what a PROXY header says
   * @param forwardedFor all values of {@code X-Forwarded-For}, in their order
   */
  public InetAddress client(InetAddress peer, List<String> forwardedFor) {
    if (forwardedFor.isEmpty()) {
      return peer;
    }
    if (!trusts(peer)) {
      warnOfUntrusted("X-Forwarded-For", peer);
      return peer;
    }
    String[] hops = String.join(",", forwardedFor).split(",", -1);
    InetAddress client = peer;
    for (int i = hops.length - 1; i >= 0 && trusts(client); i--) {
      InetAddress hop = address(hops[i].strip());
      if (hop == null) {
        return client; // "unknown", or nothing to be relied on
      }
      client = hop;
    }
    return client;
  }

  /** Some proxies add the port. */
  private static @Nullable InetAddress address(String hop) {
    int bracket = hop.indexOf(']');
    if (hop.startsWith("[") && bracket > 0) {
      return Network.literal(hop.substring(1, bracket));
    }
    int colon = hop.indexOf(':');
    boolean hasPort = colon >= 0 && colon == hop.lastIndexOf(':');
    return Network.literal(hasPort ? hop.substring(0, colon) : hop);
  }

  /**
   * Says once that a peer names a client and is not believed: if it is the operator's proxy, all
   * devices seem to be one address.
   *
   * @param how the header
   */
  public void warnOfUntrusted(String how, InetAddress peer) {
    if (!warned.getAndSet(true)) {
      log.warn(
          "{} sends {}, but is no trusted proxy, so whatever comes through it counts as one address;"
              + " if it is your proxy, name its network with trustedProxies (--trusted-proxies)",
          peer.getHostAddress(),
          how);
    }
  }

  /**
   * Returns what to count the other end of a connection under as long as nothing is known but that:
   * {@link #EXEMPT} for a trusted proxy, which brings many clients, else the {@link #key}.
   */
  public long peerKey(InetAddress peer) {
    return trusts(peer) ? EXEMPT : key(peer);
  }

  /**
   * Returns what to count an address under: the whole address of IPv4, the first 64 bits of IPv6,
   * because a single customer has as many as the rest can name; {@link #EXEMPT} for this machine
   * unless it is limited too.
   */
  public long key(InetAddress address) {
    if (address.isLoopbackAddress() && !limitLoopback) {
      return EXEMPT;
    }
    byte[] bytes = address.getAddress();
    if (bytes.length == 4) {
      return Integer.toUnsignedLong(ByteBuffer.wrap(bytes).getInt());
    }
    // The ranges of the two do not meet: IPv6 assigns nothing that begins with so many zeros.
    return address.isLoopbackAddress() ? LOOPBACK : ByteBuffer.wrap(bytes).getLong();
  }
}
