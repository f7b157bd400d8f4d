package org.simplepush.client.internal.net;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.simplepush.client.internal.Failures;
import org.simplepush.client.internal.connection.Transport;
import org.simplepush.core.ClientMessage.MobileNetwork;
import org.simplepush.core.ClientMessage.WakeUpAddress;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Adds a socket for datagrams to a transport. Confined to the loop, but for what receives. */
public final class WakeableTransport implements Transport {
  private static final Logger log = LoggerFactory.getLogger(WakeableTransport.class);

  /**
   * Where and how long a sleeping device listens.
   *
   * @param local the address to listen at
   * @param ip returns the address that the server should send to; null if there is none now
   * @param maxSleep how long the device sleeps without a datagram
   */
  public record Settings(
      InetSocketAddress local,
      Supplier<@Nullable String> ip,
      @Nullable MobileNetwork mobileNetwork,
      Duration maxSleep) {}

  private final Transport connections;
  private final Settings settings;
  private final Executor readers;
  private @Nullable DatagramSocket socket;

  /**
   * @param readers runs what receives, as long as the device listens
   */
  public WakeableTransport(Transport connections, Settings settings, Executor readers) {
    this.connections = connections;
    this.settings = settings;
    this.readers = readers;
  }

  @Override
  public Connection connect(URI target, Events events) {
    return connections.connect(target, events);
  }

  @Override
  public @Nullable Doorbell listen(Runnable rung) {
    try {
      String ip = settings.ip().get();
      if (ip == null) {
        log.debug("The device has no address to be woken at");
        return null;
      }
      DatagramSocket open = socket;
      if (open == null || open.isClosed()) {
        open = new DatagramSocket(settings.local());
        socket = open;
        DatagramSocket opened = open;
        readers.execute(() -> receive(opened, rung));
      }
      return new Doorbell(
          new WakeUpAddress(ip, open.getLocalPort()),
          settings.mobileNetwork(),
          settings.maxSleep());
    } catch (IOException | RuntimeException | Error e) {
      log.warn("The device cannot be woken, and keeps its connection: {}", e.toString());
      listenNoMore();
      return null;
    }
  }

  /** What a datagram says does not matter: the server knows. */
  private static void receive(DatagramSocket socket, Runnable rung) {
    DatagramPacket packet = new DatagramPacket(new byte[1], 1);
    try {
      while (true) {
        socket.receive(packet);
        ring(rung);
      }
    } catch (IOException | RuntimeException | Error e) {
      if (socket.isClosed()) {
        log.debug("The device listens for datagrams no more");
      } else {
        socket.close();
        Failures.log("The device cannot be woken any more", e);
        ring(rung);
      }
    }
  }

  /** A datagram that is lost here is as one that was lost on its way; the next is heard. */
  private static void ring(Runnable rung) {
    try {
      rung.run();
    } catch (RuntimeException | Error e) {
      Failures.log("A datagram was not heard", e);
    }
  }

  @Override
  public void listenNoMore() {
    if (socket != null) {
      socket.close();
      socket = null;
    }
  }
}
