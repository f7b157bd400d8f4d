package org.simplepush.server.internal.session;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.simplepush.core.ClientMessage;
import org.simplepush.server.WakeUp;
import org.simplepush.server.internal.Network;

/**
 * Who may sleep, and how to wake them; each is explained at its setter in {@link WakeUp}.
 *
 * @param mobileNetworks empty if any will do
 */
public record WakeUpSettings(
    List<Network> networks,
    Set<String> mobileNetworks,
    Duration quietTime,
    Duration interval,
    int attempts,
    int maxSleeping) {
  /** Copies the networks of both kinds. */
  public WakeUpSettings {
    networks = List.copyOf(networks);
    mobileNetworks = Set.copyOf(mobileNetworks);
  }

  /** Returns where a device may be sent datagrams, or null if it asks for none or may not. */
  @Nullable InetSocketAddress permitted(ClientMessage.Hello hello) {
    ClientMessage.WakeUpAddress claimed = hello.wakeUp();
    if (claimed == null || !isPermitted(hello.mobileNetwork())) {
      return null;
    }
    InetAddress address = Network.literal(claimed.ip());
    if (address == null || networks.stream().noneMatch(network -> network.permits(address))) {
      return null;
    }
    return new InetSocketAddress(address, claimed.port());
  }

  private boolean isPermitted(ClientMessage.@Nullable MobileNetwork network) {
    return mobileNetworks.isEmpty()
        || (network != null && mobileNetworks.contains(network.mcc() + "-" + network.mnc()));
  }
}
