package org.simplepush.client.internal.net;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.client.internal.connection.Transport;
import org.simplepush.client.testing.FakeServer;

/** The socket that wakes a device. */
@Timeout(60)
class WakeableTransportTest {
  private final ExecutorService readers = Executors.newCachedThreadPool();
  private final WakeableTransport transport =
      new WakeableTransport(
          new FakeServer(),
          new WakeableTransport.Settings(
              new InetSocketAddress(InetAddress.getLoopbackAddress(), 0),
              () -> InetAddress.getLoopbackAddress().getHostAddress(),
              null,
              Duration.ofMinutes(30)),
          readers);

  @AfterEach
  void stop() {
    transport.listenNoMore();
    readers.shutdown();
  }

  @Test
  void failureOfWhoIsRungEndsNothing() throws Exception {
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    AtomicInteger rung = new AtomicInteger();
    Transport.Doorbell doorbell =
        transport.listen(
            () -> {
              if (rung.incrementAndGet() == 1) {
                throw new OutOfMemoryError("one of this test");
              }
              heard.add("rung");
            });
    assertThat(doorbell).isNotNull();
    try (DatagramSocket sender = new DatagramSocket()) {
      DatagramPacket datagram =
          new DatagramPacket(
              new byte[1], 1, InetAddress.getLoopbackAddress(), doorbell.address().port());
      sender.send(datagram);
      sender.send(datagram);
    }
    assertThat(heard.poll(20, TimeUnit.SECONDS)).isEqualTo("rung");
  }

  @Test
  void deviceWhoseAddressCannotBeToldKeepsItsConnection() {
    WakeableTransport lost =
        new WakeableTransport(
            new FakeServer(),
            new WakeableTransport.Settings(
                new InetSocketAddress(0),
                () -> {
                  throw new StackOverflowError("one of this test");
                },
                null,
                Duration.ofMinutes(30)),
            readers);
    assertThat(lost.listen(() -> {})).isNull();
  }
}
