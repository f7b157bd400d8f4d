package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.Json.field;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.eventually;
import static org.simplepush.server.fixtures.TestServers.publish;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.Json;
import org.simplepush.server.fixtures.TestServers;
import org.simplepush.server.fixtures.WireDevice;

/** Protocol §9 on real sockets. */
@Timeout(60)
@ExtendWith(Hygiene.class)
class WakeUpWireTest {
  private DatagramSocket radio;
  private PushServer server;

  @BeforeEach
  void listen() throws IOException {
    radio = new DatagramSocket(new InetSocketAddress("127.0.0.1", 0));
    radio.setSoTimeout(20_000);
  }

  @AfterEach
  void end() {
    radio.close();
    server.close();
  }

  private void serve(WakeUp wakeUp) throws IOException {
    server = TestServers.server().wakeUp(wakeUp.quietTime(Duration.ofMillis(100))).build().start();
  }

  /** Says hello, and where it listens; returns the status of the answer. */
  private Object hello(WireDevice device, String uaid, String ip, int port, String... channelIds)
      throws Exception {
    String hello = WireDevice.helloMessage(uaid, channelIds);
    device
        .socket()
        .send(
            hello.replace(
                "\"uaid\"",
                "\"wakeup_hostport\":{\"ip\":\"%s\",\"port\":%d},\"uaid\"".formatted(ip, port)));
    Object reply = device.socket().nextJson();
    lastUaid = Json.text(reply, "uaid");
    return field(reply, "status");
  }

  private String lastUaid;

  /**
   * A device that registered before it says where it listens: from then on it may be sent to sleep
   * any moment, so nothing else must be left to do.
   */
  private URI registersAndSleeps(String ip, int port) throws Exception {
    URI endpoint;
    try (WireDevice awake = WireDevice.fresh(server.port())) {
      endpoint = awake.register(CHANNEL);
      lastUaid = awake.uaid();
    }
    try (WireDevice device = WireDevice.connect(server.port())) {
      assertThat(hello(device, lastUaid, ip, port, CHANNEL)).isEqualTo(201L);
      device.socket().expectClose(4774);
    }
    return endpoint;
  }

  private DatagramPacket datagram() throws IOException {
    DatagramPacket packet = new DatagramPacket(new byte[2000], 2000);
    radio.receive(packet);
    return packet;
  }

  @Test
  void deviceSleepsIsWokenAndGetsTheVersion() throws Exception {
    serve(WakeUp.inNetworks("127.0.0.0/8").interval(Duration.ofMillis(50)));
    URI endpoint = registersAndSleeps("127.0.0.1", radio.getLocalPort());
    assertThat(server.statistics().sleeping()).isOne();
    publish(server, endpoint, 7);
    DatagramPacket packet = datagram();
    assertThat(packet.getLength()).isBetween(1, 32);
    assertThat(packet.getAddress()).isEqualTo(InetAddress.getByName("127.0.0.1"));
    WireDevice back = WireDevice.connect(server.port());
    assertThat(hello(back, lastUaid, "127.0.0.1", radio.getLocalPort(), CHANNEL)).isEqualTo(201L);
    back.expectUpdate(CHANNEL, 7);
    back.acknowledge(CHANNEL, 7);
    back.socket().expectClose(4774);
    back.close();
  }

  @Test
  void lostDatagramsAreRepeatedUntilTheAttemptsAreOver() throws Exception {
    serve(WakeUp.inNetworks("127.0.0.0/8").interval(Duration.ofMillis(20)).attempts(3));
    URI endpoint = registersAndSleeps("127.0.0.1", radio.getLocalPort());
    publish(server, endpoint, 7);
    datagram();
    datagram();
    datagram();
    assertThat(server.statistics().wakeUpsSent()).isEqualTo(3);
    publish(server, endpoint, 8);
    datagram(); // the device was not given up
  }

  @Test
  void deviceThatDoesNotListenIsNotMissed() throws Exception {
    serve(WakeUp.inNetworks("127.0.0.0/8").interval(Duration.ofMillis(10)).attempts(3));
    int nobody = radio.getLocalPort();
    radio.close();
    URI endpoint = registersAndSleeps("127.0.0.1", nobody);
    publish(server, endpoint, 7);
    eventually(() -> assertThat(server.statistics().wakeUpsSent()).isEqualTo(3));
    WireDevice back = WireDevice.connect(server.port());
    assertThat(hello(back, lastUaid, "127.0.0.1", nobody, CHANNEL)).isEqualTo(201L);
    back.expectUpdate(CHANNEL, 7);
    back.close();
  }

  /** That nothing came is told by a datagram sent later, which comes first. */
  @Test
  void addressOutsideTheNetworksIsNeverSentTo() throws Exception {
    serve(WakeUp.inNetworks("127.0.0.2/32"));
    WireDevice outside = WireDevice.connect(server.port());
    assertThat(hello(outside, "", "127.0.0.1", radio.getLocalPort())).isEqualTo(200L);
    URI endpoint = outside.register(CHANNEL);
    try (DatagramSocket other = new DatagramSocket(new InetSocketAddress("127.0.0.2", 0))) {
      other.setSoTimeout(20_000);
      URI insideEndpoint = registersAndSleeps("127.0.0.2", other.getLocalPort());
      outside.proveNothingCame(); // it is still connected
      outside.leave();
      eventually(() -> assertThat(server.statistics().connections()).isZero());
      publish(server, endpoint, 7);
      publish(server, insideEndpoint, 7);
      other.receive(new DatagramPacket(new byte[64], 64));
    }
    assertThat(server.statistics().wakeUpsSent()).isOne();
    radio.setSoTimeout(1);
    assertThat(silence()).isTrue();
  }

  private boolean silence() throws IOException {
    try {
      datagram();
      return false;
    } catch (SocketTimeoutException e) {
      return true;
    }
  }

  @Test
  void mappedAddressIsTheIpv4AddressItStandsFor() throws Exception {
    serve(WakeUp.inNetworks("127.0.0.0/8"));
    URI endpoint = registersAndSleeps("::ffff:127.0.0.1", radio.getLocalPort());
    publish(server, endpoint, 7);
    datagram();
  }

  @Test
  void serverThatRestartsHasForgottenWhoSleepsButNotWhatIsPending() throws Exception {
    InMemoryVersionStore store = new InMemoryVersionStore();
    EndpointKeys keys = EndpointKeys.ephemeral();
    WakeUp wakeUp = WakeUp.inNetworks("127.0.0.0/8").quietTime(Duration.ofMillis(100));
    server = TestServers.server().wakeUp(wakeUp).store(store).keys(keys).build().start();
    URI endpoint = registersAndSleeps("127.0.0.1", radio.getLocalPort());
    server.close();
    server = TestServers.server().wakeUp(wakeUp).store(store).keys(keys).build().start();
    publish(server, endpoint, 7);
    assertThat(server.statistics().wakeUpsSent()).isZero();
    WireDevice back = WireDevice.connect(server.port());
    assertThat(hello(back, lastUaid, "127.0.0.1", radio.getLocalPort(), CHANNEL)).isEqualTo(201L);
    back.expectUpdate(CHANNEL, 7);
    back.close();
    store.close();
  }
}
