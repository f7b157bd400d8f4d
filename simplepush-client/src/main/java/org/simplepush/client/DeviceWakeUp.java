package org.simplepush.client;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.net.WakeableTransport;
import org.simplepush.core.ClientMessage.MobileNetwork;
import org.simplepush.core.internal.Checks;

/**
 * How a device lets itself be woken by UDP instead of keeping its connection (protocol §9), if the
 * push server does that in the device's network. This is the device's side; which networks a push
 * server wakes devices in is a setting of the server. Immutable: each setting returns a copy.
 *
 * <pre>{@code
 * DeviceWakeUp.listenAt(new InetSocketAddress("10.7.0.12", 0)).mobileNetwork("214", "07")
 * }</pre>
 *
 * @since 0.1
 */
public final class DeviceWakeUp {
  private final InetSocketAddress local;

  /** Null until it is known where datagrams reach the device. */
  private final @Nullable Supplier<@Nullable String> ip;

  private final @Nullable MobileNetwork mobileNetwork;
  private final Duration maxSleep;

  private DeviceWakeUp(
      InetSocketAddress local,
      @Nullable Supplier<@Nullable String> ip,
      @Nullable MobileNetwork mobileNetwork,
      Duration maxSleep) {
    this.local = local;
    this.ip = ip;
    this.mobileNetwork = mobileNetwork;
    this.maxSleep = maxSleep;
  }

  /**
   * Listens at this address, and asks the push server to send there. If it is the wildcard address,
   * say with {@link #advertise(String)} where to send.
   *
   * @param address port 0 is any free one
   * @throws IllegalArgumentException if it is not resolved
   */
  public static DeviceWakeUp listenAt(InetSocketAddress address) {
    if (address.isUnresolved()) {
      throw new IllegalArgumentException(
          "The address to listen at must be one of this device, but was " + address);
    }
    DeviceWakeUp unknown = new DeviceWakeUp(address, null, null, Duration.ofMinutes(30));
    if (address.getAddress().isAnyLocalAddress()) {
      return unknown;
    }
    String withZone = address.getAddress().getHostAddress();
    int zone = withZone.indexOf('%'); // means nothing elsewhere
    return unknown.advertise(zone < 0 ? withZone : withZone.substring(0, zone));
  }

  /**
   * Asks the push server to send datagrams to this address, which reaches the device; an IP
   * address, not a name.
   */
  public DeviceWakeUp advertise(String ip) {
    Objects.requireNonNull(ip, "ip");
    return advertise(() -> ip);
  }

  /**
   * As {@link #advertise(String)}, for a device whose address changes. Null means that it cannot be
   * woken where it is. Called before each hello and before the device goes to sleep, by the thread
   * that serves the connection, so it must not block. If it throws, the device keeps its
   * connection.
   */
  public DeviceWakeUp advertise(Supplier<@Nullable String> ip) {
    return new DeviceWakeUp(local, Objects.requireNonNull(ip, "ip"), mobileNetwork, maxSleep);
  }

  /**
   * Tells the push server in which mobile network the device is, too. Default: nothing.
   *
   * @param mcc mobile country code, three digits
   * @param mnc mobile network code, two or three digits
   * @throws IllegalArgumentException if they are not
   */
  public DeviceWakeUp mobileNetwork(String mcc, String mnc) {
    if (!mcc.matches("\\d{3}") || !mnc.matches("\\d{2,3}")) {
      throw new IllegalArgumentException(
          "A mobile network is like 214 and 07, but was " + mcc + " and " + mnc);
    }
    return new DeviceWakeUp(local, ip, new MobileNetwork(mcc, mnc), maxSleep);
  }

  /**
   * How long the device sleeps without a datagram before it connects to ask, less a small random
   * part. Datagrams get lost, and a push server that restarts forgets whom to wake: what is missed
   * then comes this late. Default 30 min.
   *
   * @throws IllegalArgumentException if under a millisecond or over a day
   */
  public DeviceWakeUp maxSleep(Duration maxSleep) {
    Checks.range("maxSleep", maxSleep, Checks.MILLISECOND, Checks.DAY);
    return new DeviceWakeUp(local, ip, mobileNetwork, maxSleep);
  }

  /**
   * Returns what the device's socket needs to know.
   *
   * @throws IllegalArgumentException if it is not known where to wake the device
   */
  WakeableTransport.Settings settings() {
    if (ip == null) {
      throw new IllegalArgumentException(
          "The device listens at all its addresses; say with advertise() where to wake it");
    }
    return new WakeableTransport.Settings(local, ip, mobileNetwork, maxSleep);
  }
}
