package org.simplepush.server;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.simplepush.core.internal.Checks;
import org.simplepush.server.internal.Network;
import org.simplepush.server.internal.session.WakeUpSettings;

/**
 * Which devices a {@link PushServer} wakes by UDP instead of keeping their connections, and how
 * (protocol §9). Immutable: each setting returns a copy.
 *
 * <pre>{@code
 * PushServer.builder().wakeUp(WakeUp.inNetworks("10.0.0.0/8").quietTime(Duration.ofSeconds(30)))
 * }</pre>
 *
 * @since 0.1
 */
public final class WakeUp {
  private static final Pattern MOBILE_NETWORK = Pattern.compile("\\d{3}-\\d{2,3}");

  private final List<Network> networks;
  private final Set<String> mobileNetworks;
  private final Duration quietTime;
  private final Duration interval;
  private final int attempts;
  private final int maxSleeping;

  private WakeUp(
      List<Network> networks,
      Set<String> mobileNetworks,
      Duration quietTime,
      Duration interval,
      int attempts,
      int maxSleeping) {
    this.networks = networks;
    this.mobileNetworks = mobileNetworks;
    this.quietTime = quietTime;
    this.interval = interval;
    this.attempts = attempts;
    this.maxSleeping = maxSleeping;
  }

  /**
   * Wakes devices at addresses in these networks, and sends nothing to any other address, whatever
   * a device claims. Addresses of groups, broadcast addresses and 240.0.0.0/4 are never sent to;
   * loopback and link-local addresses only if a network listed lies within their range.
   *
   * @param networks like {@code 10.0.0.0/8} or {@code 2001:db8::/32}; one or more
   * @throws IllegalArgumentException if one is not written so, or two overlap
   */
  public static WakeUp inNetworks(String... networks) {
    List<Network> parsed = new ArrayList<>();
    for (String text : networks) {
      Network network = Network.parse(text);
      for (Network earlier : parsed) {
        if (earlier.overlaps(network)) {
          throw new IllegalArgumentException(
              "The networks " + earlier + " and " + network + " overlap; leave one of them out");
        }
      }
      parsed.add(network);
    }
    if (parsed.isEmpty()) {
      throw new IllegalArgumentException("Name a network to wake devices in, like 10.0.0.0/8");
    }
    return new WakeUp(
        List.copyOf(parsed), Set.of(), Duration.ofSeconds(10), Duration.ofSeconds(5), 5, 100_000);
  }

  /**
   * Wakes only devices that say they are in one of these mobile networks, besides being in the
   * {@linkplain #inNetworks networks}. For networks whose private addresses mean others elsewhere.
   * It is the device's word; an address is never permitted by it. Default: whatever they say.
   *
   * @param mobileNetworks mobile country code and mobile network code, like {@code 214-07}; one or
   *     more
   * @throws IllegalArgumentException if one is not written so
   */
  public WakeUp mobileNetworks(String... mobileNetworks) {
    if (mobileNetworks.length == 0) {
      throw new IllegalArgumentException("Name a mobile network, like 214-07");
    }
    for (String text : mobileNetworks) {
      if (!MOBILE_NETWORK.matcher(text).matches()) {
        throw new IllegalArgumentException(
            "A mobile network is written like 214-07, but was '" + text + "'");
      }
    }
    return new WakeUp(networks, Set.of(mobileNetworks), quietTime, interval, attempts, maxSleeping);
  }

  /**
   * How long a connection must be silent, with nothing to deliver, before it is closed and the
   * device left to sleep. Default 10 s.
   *
   * @throws IllegalArgumentException if under a millisecond or over a day
   */
  public WakeUp quietTime(Duration quietTime) {
    Checks.range("quietTime", quietTime, Checks.MILLISECOND, Checks.DAY);
    return new WakeUp(networks, mobileNetworks, quietTime, interval, attempts, maxSleeping);
  }

  /**
   * How far apart datagrams to one address and port are at least. Also the break before the first
   * repetition, which doubles with each. Default 5 s.
   *
   * @throws IllegalArgumentException if under a millisecond or over a day
   */
  public WakeUp interval(Duration interval) {
    Checks.range("interval", interval, Checks.MILLISECOND, Checks.DAY);
    return new WakeUp(networks, mobileNetworks, quietTime, interval, attempts, maxSleeping);
  }

  /**
   * How many datagrams a device is sent, since any may be lost, before it is left alone until the
   * next update. Default 5, which are sent within 75 s.
   *
   * @param attempts 1 to 20
   * @throws IllegalArgumentException if out of range
   */
  public WakeUp attempts(int attempts) {
    Checks.range("attempts", attempts, 1, 20);
    return new WakeUp(networks, mobileNetworks, quietTime, interval, attempts, maxSleeping);
  }

  /**
   * How many devices may sleep, at about 300 bytes each; further ones stay connected. Default
   * 100,000.
   *
   * @throws IllegalArgumentException if not positive
   */
  public WakeUp maxSleeping(int maxSleeping) {
    Checks.positive("maxSleeping", maxSleeping);
    return new WakeUp(networks, mobileNetworks, quietTime, interval, attempts, maxSleeping);
  }

  WakeUpSettings settings() {
    return new WakeUpSettings(networks, mobileNetworks, quietTime, interval, attempts, maxSleeping);
  }
}
