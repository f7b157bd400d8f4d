package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.TestServers.channel;
import static org.simplepush.server.fixtures.TestServers.publish;
import static org.simplepush.server.fixtures.TestServers.server;

import java.net.URI;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.ChannelId;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.Uaid;
import org.simplepush.core.VersionStore;
import org.simplepush.server.DeliveryListener.Delivered;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.LoggedMessages;
import org.simplepush.server.fixtures.WireDevice;
import org.simplepush.server.internal.node.DeliveryReports;

/** What the embedder hears of acknowledgements that a device on a socket sends. */
@Timeout(120)
@ExtendWith(Hygiene.class)
class DeliveryListenerWireTest {
  private static final String CHANNEL = channel(1);
  private static final String OTHER = channel(2);

  private final BlockingQueue<Delivered> heard = new LinkedBlockingQueue<>();

  private Delivered next() throws InterruptedException {
    Delivered delivered = heard.poll(60, TimeUnit.SECONDS);
    assertThat(delivered).isNotNull();
    return delivered;
  }

  private static void acknowledge(WireDevice device, String channelId, long version, String code)
      throws Exception {
    device
        .socket()
        .send(
            ("{\"messageType\":\"ack\",\"updates\":"
                    + "[{\"channelID\":\"%s\",\"version\":%d,\"code\":%s}]}")
                .formatted(channelId, version, code));
  }

  @Test
  void acknowledgedVersionIsReportedWhenTheStoreHasIt() throws Exception {
    VersionStore store = new InMemoryVersionStore();
    BlockingQueue<VersionStore.Pending> pending = new LinkedBlockingQueue<>();
    DeliveryListener listener =
        delivered -> {
          pending.add(store.pending(delivered.uaid()).toCompletableFuture().join());
          heard.add(delivered);
        };
    Instant start = Instant.now();
    try (store;
        PushServer server = server().store(store).deliveryListener(listener).build().start();
        WireDevice device = WireDevice.fresh(server.port())) {
      URI endpoint = device.register(CHANNEL);
      publish(server, endpoint, 7);
      device.expectUpdate(CHANNEL, 7);
      device.acknowledge(CHANNEL, 7);

      Delivered delivered = next();
      assertThat(delivered.uaid()).isEqualTo(Uaid.parse(device.uaid()));
      assertThat(delivered.channelId()).isEqualTo(ChannelId.parse(CHANNEL));
      assertThat(delivered.version()).isEqualTo(7);
      assertThat(delivered.code()).isEqualTo(100);
      assertThat(delivered.at()).isBetween(start, Instant.now());
      assertThat(pending.remove()).isEqualTo(new VersionStore.Pending.Known(List.of()));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"101", "102"})
  void whatADeviceDidNotHandOverIsNotReported(String code) throws Exception {
    try (PushServer server = server().deliveryListener(heard::add).build().start();
        WireDevice device = WireDevice.fresh(server.port())) {
      URI endpoint = device.register(CHANNEL);
      publish(server, endpoint, 7);
      device.expectUpdate(CHANNEL, 7);
      acknowledge(device, CHANNEL, 7, code);
      device.proveNothingCame();

      publish(server, endpoint, 8);
      device.expectUpdate(CHANNEL, 8);
      acknowledge(device, CHANNEL, 8, "103");

      Delivered delivered = next();
      assertThat(delivered.version()).isEqualTo(8);
      assertThat(delivered.code()).isEqualTo(103);
      assertThat(heard).isEmpty();
    }
  }

  @Test
  void repeatedAndLateAcknowledgementsAreNotReported() throws Exception {
    try (PushServer server = server().deliveryListener(heard::add).build().start();
        WireDevice device = WireDevice.fresh(server.port())) {
      URI endpoint = device.register(CHANNEL);
      publish(server, endpoint, 7);
      device.expectUpdate(CHANNEL, 7);
      publish(server, endpoint, 8);
      device.expectUpdate(CHANNEL, 8);
      device.acknowledge(CHANNEL, 7); // 8 is pending
      device.acknowledge(CHANNEL, 9);
      device.acknowledge(CHANNEL, 9);
      URI other = device.register(OTHER);
      publish(server, other, 1);
      device.expectUpdate(OTHER, 1);
      device.acknowledge(OTHER, 1);

      assertThat(next().version()).as("what was pending").isEqualTo(8);
      assertThat(next().channelId()).isEqualTo(ChannelId.parse(OTHER));
      assertThat(heard).isEmpty();
    }
  }

  @Test
  void listenerThatThrowsHearsTheNextDelivery() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    DeliveryListener listener =
        delivered -> {
          switch (calls.incrementAndGet()) {
            case 1 -> throw new IllegalStateException("meant to fail");
            case 2 -> throw new NoClassDefFoundError("meant to fail");
            default -> heard.add(delivered);
          }
        };
    try (LoggedMessages log = LoggedMessages.of(DeliveryReports.class);
        PushServer server = server().deliveryListener(listener).build().start();
        WireDevice device = WireDevice.fresh(server.port())) {
      URI endpoint = device.register(CHANNEL);
      for (int version = 1; version <= 3; version++) {
        publish(server, endpoint, version);
        device.expectUpdate(CHANNEL, version);
        device.acknowledge(CHANNEL, version);
        device.proveNothingCame(); // the next version must not replace it before it is stored
      }

      assertThat(next().version()).isEqualTo(3);
      assertThat(log.warnings()).as("once a minute").hasSize(1);
    }
  }

  @Test
  void listenerThatIsSlowDelaysNoDevice() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    DeliveryListener listener =
        delivered -> {
          heard.add(delivered);
          assertThat(await(release)).isTrue();
        };
    try (PushServer server = server().deliveryListener(listener).build().start();
        WireDevice device = WireDevice.fresh(server.port())) {
      URI endpoint = device.register(CHANNEL);
      for (int version = 1; version <= 20; version++) {
        publish(server, endpoint, version);
        device.expectUpdate(CHANNEL, version);
        device.acknowledge(CHANNEL, version);
        device.proveNothingCame();
      }
      assertThat(next().version()).isEqualTo(1);
      assertThat(heard).as("one call at a time").isEmpty();

      release.countDown();
      for (int version = 2; version <= 20; version++) {
        assertThat(next().version()).as("in order").isEqualTo(version);
      }
    }
  }

  private static boolean await(CountDownLatch latch) {
    try {
      return latch.await(60, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void serverMayBeClosedByItsListener() throws Exception {
    AtomicReference<PushServer> running = new AtomicReference<>();
    CompletableFuture<Void> closed = new CompletableFuture<>();
    DeliveryListener listener =
        delivered -> {
          running.get().close();
          closed.complete(null);
        };
    try (PushServer server = server().deliveryListener(listener).build().start();
        WireDevice device = WireDevice.fresh(server.port())) {
      running.set(server);
      URI endpoint = device.register(CHANNEL);
      publish(server, endpoint, 7);
      device.expectUpdate(CHANNEL, 7);
      device.acknowledge(CHANNEL, 7);

      assertThat(closed).succeedsWithin(Duration.ofSeconds(60));
    }
  }
}
