package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.OTHER_CHANNEL;
import static org.simplepush.server.fixtures.TestServers.eventually;
import static org.simplepush.server.fixtures.TestServers.server;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.SlowStore;
import org.simplepush.server.fixtures.WireDevice;
import org.simplepush.server.sqlite.SqliteVersionStore;

/** The limits of protocol §13 on real sockets, from several addresses of this machine. */
@Timeout(60)
@ExtendWith(Hygiene.class)
class LimitsWireTest {
  private static final String HERE = "127.0.0.1";
  private static final String ELSEWHERE = "127.0.0.2";

  private static RawWebSocket from(String address, PushServer server) throws Exception {
    return RawWebSocket.openFrom(address, server.port());
  }

  private static int status(RawWebSocket socket) throws Exception {
    socket.socket().write(RawWebSocket.request());
    return socket.response().status();
  }

  @Test
  void addressHasSoManyConnections() throws Exception {
    try (PushServer server =
            server().limitLoopback(true).maxConnectionsPerAddress(2).build().start();
        RawWebSocket one = from(HERE, server);
        RawWebSocket two = from(HERE, server)) {
      assertThat(status(one)).isEqualTo(101);
      assertThat(status(two)).isEqualTo(101);
      try (RawWebSocket three = from(HERE, server)) {
        three.socket().write(RawWebSocket.request());
        RawHttp.Head refused = three.response();
        assertThat(refused.status()).isEqualTo(429);
        assertThat(refused.header("Retry-After")).isEqualTo("60");
        three.socket().readToEnd();
      }
      try (RawWebSocket other = from(ELSEWHERE, server)) {
        assertThat(status(other)).isEqualTo(101);
      }
      assertThat(server.statistics().connectionsRefused()).isEqualTo(1);
      one.socket().halfClose();
      eventually(
          () -> {
            try (RawWebSocket again = from(HERE, server)) {
              assertThat(status(again)).isEqualTo(101);
            }
          });
    }
  }

  /** They say nothing, so nobody can tell them anything; and they must not fill the heap. */
  @Test
  void whoeverOpensConnectionsWithoutEndIsClosedUnanswered() throws Exception {
    try (PushServer server =
        server().limitLoopback(true).maxConnectionsPerAddress(1).build().start()) {
      List<RawWebSocket> silent = new ArrayList<>();
      try {
        for (int i = 0; i < 17; i++) { // one, and those that would be answered
          silent.add(from(HERE, server));
        }
        eventually(() -> assertThat(server.statistics().connections()).isEqualTo(17));
        try (RawWebSocket more = from(HERE, server)) {
          assertThat(more.socket().readToEnd()).isEmpty();
        }
        try (RawWebSocket other = from(ELSEWHERE, server)) {
          assertThat(status(other)).isEqualTo(101);
        }
      } finally {
        for (RawWebSocket each : silent) {
          each.close();
        }
      }
      eventually(() -> assertThat(server.statistics().connections()).isZero());
    }
  }

  @Test
  void connectionsInTotalAreBoundedForSilentOnesToo() throws Exception {
    try (PushServer server = server().maxConnections(1).build().start()) {
      List<RawWebSocket> silent = new ArrayList<>();
      try {
        for (int i = 0; i < 65; i++) { // one, and those that would be answered
          silent.add(from(HERE, server));
        }
        eventually(() -> assertThat(server.statistics().connections()).isEqualTo(65));
        try (RawWebSocket more = from(HERE, server)) {
          assertThat(more.socket().readToEnd()).isEmpty();
        }
        assertThat(status(silent.get(0))).isEqualTo(503);
      } finally {
        for (RawWebSocket each : silent) {
          each.close();
        }
      }
    }
  }

  @Test
  void loopbackIsExemptFromLimitsPerAddressByDefault() throws Exception {
    try (PushServer server =
            server()
                .maxConnectionsPerAddress(1)
                .newUserAgentsPerMinute(1)
                .newChannelsPerMinute(1)
                .build()
                .start();
        WireDevice one = WireDevice.fresh(server.port());
        WireDevice two = WireDevice.fresh(server.port())) {
      for (WireDevice device : List.of(one, two)) {
        device.register(CHANNEL);
        device.register(OTHER_CHANNEL);
      }
    }
  }

  @Test
  void channelsOfAnAddressAreSoManyAMinute() throws Exception {
    try (PushServer server = server().limitLoopback(true).newChannelsPerMinute(1).build().start();
        WireDevice device = WireDevice.fresh(server.port())) {
      device.register(CHANNEL);
      device
          .socket()
          .send("{\"messageType\":\"register\",\"channelID\":\"" + OTHER_CHANNEL + "\"}");
      assertThat(device.socket().nextText()).contains("\"status\":429,\"error\":\"Too many");
      device.proveNothingCame();
      assertThat(server.statistics().registrationsRefused()).isEqualTo(1);
    }
  }

  @Test
  void sqliteCountsWhatItHolds(@TempDir Path folder) throws Exception {
    try (SqliteVersionStore store = SqliteVersionStore.open(folder.resolve("push.db"));
        PushServer server = server().store(store).maxChannels(1).build().start();
        WireDevice device = WireDevice.fresh(server.port())) {
      device.register(CHANNEL);
      device
          .socket()
          .send("{\"messageType\":\"register\",\"channelID\":\"" + OTHER_CHANNEL + "\"}");
      assertThat(device.socket().nextText()).contains("\"status\":503");
      device.unregister(CHANNEL);
      device.register(OTHER_CHANNEL);
    }
  }

  @Test
  void limitsThatMakeNoSenseAreRefused() {
    PushServer.Builder builder = server();
    assertThatIllegalArgumentException().isThrownBy(() -> builder.maxConnectionsPerAddress(0));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.maxChannels(0));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.newChannelsPerMinute(0));
    assertThatIllegalArgumentException().isThrownBy(() -> builder.newUserAgentsPerMinute(-1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.trustedProxies("10.0.0.1"))
        .withMessageContaining("10.0.0.0/8");
    SlowStore uncounted = new SlowStore(new InMemoryVersionStore(), Runnable::run);
    assertThatIllegalStateException()
        .isThrownBy(() -> server().store(uncounted).maxChannels(5).build())
        .withMessageContaining("count");
  }
}
