package org.simplepush.server.internal.endpoint;

import java.net.InetAddress;
import org.simplepush.server.EndpointServer;
import org.simplepush.server.internal.AddressCounts;
import org.simplepush.server.internal.ClientAddresses;
import org.simplepush.server.internal.Counters;
import org.simplepush.server.internal.MemoryAccount.Kind;
import org.simplepush.server.internal.Refusal;

/** The limits of application servers: those of devices per address, and a share of the memory. */
public final class RequestLimits implements EndpointServer.Limits {
  private final ClientAddresses addresses;
  private final int maxPerAddress;
  private final Counters counters;
  private final AddressCounts connections = new AddressCounts();

  public RequestLimits(ClientAddresses addresses, int maxPerAddress, Counters counters) {
    this.addresses = addresses;
    this.maxPerAddress = maxPerAddress;
    this.counters = counters;
  }

  @Override
  public boolean enter(InetAddress peer) {
    long key = addresses.peerKey(peer);
    if (connections.add(key) <= maxPerAddress) {
      return true;
    }
    connections.remove(key);
    counters.refusals.count(Refusal.ADDRESS);
    return false;
  }

  @Override
  public void leave(InetAddress peer) {
    connections.remove(addresses.peerKey(peer));
  }

  @Override
  public void hold(long bytes) {
    counters.memory.charge(Kind.REQUESTS, bytes);
  }

  @Override
  public void letGo(long bytes) {
    counters.memory.release(Kind.REQUESTS, bytes);
  }

  @Override
  public boolean isFull() {
    return counters.memory.isOver(Kind.REQUESTS);
  }

  @Override
  public void shed() {
    counters.memory.shed(Kind.REQUESTS);
  }
}
