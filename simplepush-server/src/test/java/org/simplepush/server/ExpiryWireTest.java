package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.OTHER_CHANNEL;
import static org.simplepush.server.fixtures.TestServers.eventually;
import static org.simplepush.server.fixtures.TestServers.publish;
import static org.simplepush.server.fixtures.TestServers.server;

import java.net.URI;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.VersionStore.Size;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.WireDevice;
import org.simplepush.server.internal.session.ServerSettings;

/** Protocol §10: who is dropped when, on real sockets and in a store whose time is the test's. */
@Timeout(60)
@ExtendWith(Hygiene.class)
class ExpiryWireTest {
  private final AtomicLong nanos = new AtomicLong();
  private final InMemoryVersionStore store = new InMemoryVersionStore(nanos::get);

  private PushServer start() throws Exception {
    return server().store(store).expiryInterval(Duration.ofMillis(20)).build().start();
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
  }

  @Test
  void whoeverLeavesWithoutAChannelIsDroppedAfterAnHour() throws Exception {
    try (PushServer server = start()) {
      WireDevice never = WireDevice.fresh(server.port());
      WireDevice noMore = WireDevice.fresh(server.port());
      noMore.register(CHANNEL);
      noMore.unregister(CHANNEL);
      WireDevice honest = WireDevice.fresh(server.port());
      URI endpoint = honest.register(CHANNEL);
      for (WireDevice device : new WireDevice[] {never, noMore, honest}) {
        device.leave();
      }
      eventually(() -> assertThat(server.statistics().connections()).isZero());
      assertThat(store.size()).contains(new Size(3, 1));

      pass(Duration.ofMinutes(61));
      eventually(() -> assertThat(store.size()).contains(new Size(1, 1)));
      assertThat(server.statistics().userAgentsExpired()).isEqualTo(2);

      publish(server, endpoint, 7);
      try (WireDevice back = WireDevice.resumed(server.port(), honest.uaid(), CHANNEL)) {
        back.expectUpdate(CHANNEL, 7);
      }
      try (WireDevice back = WireDevice.connect(server.port())) {
        // What it had registered in the meantime, it learns here that it must do again.
        assertThat(back.hello(noMore.uaid(), OTHER_CHANNEL)).isNotEqualTo(noMore.uaid());
      }
    }
  }

  /** Somebody who only says hello must not keep others from coming. */
  @Test
  void whoeverHasNoChannelMakesRoomWhenTheStoreIsFull() throws Exception {
    try (PushServer server =
        server()
            .store(store)
            .maxChannels(3)
            .expiryInterval(Duration.ofMillis(20))
            .build()
            .start()) {
      try (WireDevice honest = WireDevice.fresh(server.port());
          WireDevice stranger = WireDevice.fresh(server.port());
          WireDevice another = WireDevice.fresh(server.port());
          RawWebSocket refused = RawWebSocket.connect(server.port())) {
        URI endpoint = honest.register(CHANNEL);
        refused.send(WireDevice.helloMessage(""));
        assertThat(refused.nextText()).contains("\"status\":503");
        assertThat(store.size()).contains(new Size(3, 1));
        assertThat(stranger.uaid()).isNotEqualTo(another.uaid());

        pass(Duration.ofMinutes(1));
        eventually(() -> assertThat(store.size()).contains(new Size(1, 1)));
        publish(server, endpoint, 7);
        honest.expectUpdate(CHANNEL, 7);
        WireDevice.fresh(server.port()).close();
      }
    }
  }

  @Test
  void deviceThatIsConnectedIsSeenInTimeAndKept() throws Exception {
    ServerSettings settings =
        new ServerSettings(
            Duration.ofSeconds(30),
            Duration.ZERO,
            Duration.ofSeconds(60),
            Duration.ofDays(1), // a rare probe
            Duration.ofDays(7),
            1,
            1024);
    assertThat(settings.reconcileInterval()).isLessThan(Duration.ofMinutes(59));
    try (PushServer server = start();
        WireDevice device = WireDevice.fresh(server.port())) {
      for (int i = 0; i < 5; i++) {
        pass(Duration.ofMinutes(40));
        device.proveNothingCame(); // the server looks into its store as it does now and then
      }
      device.register(CHANNEL);
      assertThat(store.size()).contains(new Size(1, 1));
    }
  }
}
