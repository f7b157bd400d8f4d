package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.Json.field;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.channel;
import static org.simplepush.server.fixtures.TestServers.eventually;
import static org.simplepush.server.fixtures.TestServers.publish;
import static org.simplepush.server.fixtures.TestServers.server;

import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawSocket;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.SlowStore;
import org.simplepush.server.fixtures.WireDevice;

/** How connections begin and end, and what they may cost: slow, stalled, faulty and many peers. */
@Timeout(180)
@ExtendWith(Hygiene.class)
class ConnectionWireTest {
  private static final byte[] HANDSHAKE =
      RawWebSocket.request("Sec-WebSocket-Protocol: push-notification")
          .getBytes(StandardCharsets.US_ASCII);

  private static void awaitNoConnection(PushServer server) {
    eventually(() -> assertThat(server.statistics().connections()).isZero());
  }

  // Slow peers

  @Test
  void handshakeThatDripsIsCutOffAtTheDeadline() throws Exception {
    ScheduledExecutorService drip = Executors.newSingleThreadScheduledExecutor();
    try (PushServer server = server().helloTimeout(Duration.ofMillis(500)).build().start();
        RawWebSocket slow = RawWebSocket.open(server.port())) {
      // Never complete, however long either side is held up.
      slow.socket().write("GET / HTTP/1.1\r\nX-Slow: ");
      drip.scheduleWithFixedDelay(
          () -> slow.socket().writeWhilePeerListens(new byte[] {'x'}),
          0,
          20,
          TimeUnit.MILLISECONDS);
      assertThat(slow.response().status()).isEqualTo(408);
      slow.socket().readToEnd();
    } finally {
      drip.shutdownNow();
    }
  }

  @Test
  void peerThatSaysNothingIsCutOffAtTheDeadline() throws Exception {
    try (PushServer server = server().helloTimeout(Duration.ofMillis(200)).build().start();
        RawSocket silent = RawSocket.connect(server.port())) {
      silent.readToEnd();
    }
  }

  // The last words of a device

  @Test
  void ackRightBeforeTheEndCounts() throws Exception {
    try (PushServer server = server().build().start();
        WireDevice first = WireDevice.fresh(server.port())) {
      URI endpoint = first.register(CHANNEL);
      first.leave();
      for (int version = 1; version <= 50; version++) {
        publish(server, endpoint, version);
        try (WireDevice device = WireDevice.resumed(server.port(), first.uaid(), CHANNEL)) {
          device.expectUpdate(CHANNEL, version);
          device.acknowledge(CHANNEL, version);
        }
        awaitNoConnection(server);
        try (WireDevice device = WireDevice.resumed(server.port(), first.uaid(), CHANNEL)) {
          device.proveNothingCame();
        }
      }
    }
  }

  @Test
  void unregisterRightBeforeTheEndCounts() throws Exception {
    try (PushServer server = server().build().start()) {
      for (int i = 0; i < 50; i++) {
        URI endpoint;
        try (WireDevice device = WireDevice.fresh(server.port())) {
          endpoint = device.register(CHANNEL);
          device
              .socket()
              .send("{\"messageType\":\"unregister\",\"channelID\":\"" + CHANNEL + "\"}");
        }
        eventually(() -> assertThat(RawHttp.put(endpoint, "version=1").status()).isEqualTo(410));
      }
    }
  }

  @Test
  void wholePipelineRightBeforeTheEndCountsThoughTheStoreIsSlow() throws Exception {
    int count = 20;
    ExecutorService later = Executors.newSingleThreadExecutor();
    SlowStore store = new SlowStore(new InMemoryVersionStore(), later);
    try (PushServer server = server().store(store).build().start();
        WireDevice device = WireDevice.fresh(server.port())) {
      List<URI> endpoints = new ArrayList<>();
      String[] pipeline = new String[count];
      for (int i = 0; i < count; i++) {
        endpoints.add(device.register(channel(i)));
        pipeline[i] = "{\"messageType\":\"unregister\",\"channelID\":\"" + channel(i) + "\"}";
      }
      device.socket().sendAtOnce(pipeline);
      device.socket().socket().halfClose();
      for (int i = 0; i < count; i++) {
        assertThat(field(device.socket().nextJson(), "channelID")).isEqualTo(channel(i));
      }
      device.socket().expectEnd();
      for (URI endpoint : endpoints) {
        assertThat(RawHttp.put(endpoint, "version=1").status()).isEqualTo(410);
      }
    } finally {
      later.shutdown();
    }
  }

  // Ends

  @Test
  void tcpEndsThoughTheDeviceNeverEchoesAClose() throws Exception {
    try (PushServer server = server().build().start();
        RawWebSocket socket = RawWebSocket.connect(server.port())) {
      socket.send("nonsense");
      socket.expectClose(1002);
      awaitNoConnection(server); // though our half is still open
    }
  }

  @Test
  void deviceThatEndsTcpWithoutACloseFrameIsForgotten() throws Exception {
    try (PushServer server = server().build().start();
        WireDevice orderly = WireDevice.fresh(server.port());
        WireDevice abrupt = WireDevice.fresh(server.port());
        WireDevice half = WireDevice.fresh(server.port())) {
      orderly.leave();
      abrupt.socket().socket().reset();
      half.socket().socket().halfClose();
      half.socket().expectEnd();
      awaitNoConnection(server);
    }
  }

  @Test
  void closingTheServerTellsEveryDevice1001() throws Exception {
    PushServer server = server().build().start();
    List<RawWebSocket> devices = new ArrayList<>();
    try {
      for (int i = 0; i < 20; i++) {
        devices.add(RawWebSocket.connect(server.port()));
      }
      devices.get(0).send(WireDevice.helloMessage(""));
      devices.get(0).nextJson();
      CompletableFuture<Void> closed = server.closeAsync();
      for (RawWebSocket device : devices) {
        device.expectClose(1001);
      }
      closed.get(20, TimeUnit.SECONDS);
      Assertions.assertThatExceptionOfType(ConnectException.class)
          .isThrownBy(() -> RawSocket.connect(server.port()).close());
      Assertions.assertThatExceptionOfType(ConnectException.class)
          .isThrownBy(() -> RawSocket.connect(server.endpointPort()).close());
    } finally {
      server.close();
      for (RawWebSocket device : devices) {
        device.close();
      }
    }
  }

  @Test
  void serverClosesInTimeThoughPeersStall() throws Exception {
    PushServer server = server().build().start();
    try (RawSocket silent = RawSocket.connect(server.port());
        RawSocket halfHead = RawSocket.connect(server.port());
        RawWebSocket halfFrame = RawWebSocket.connect(server.port());
        RawHttp halfRequest = RawHttp.connect(server.endpointPort())) {
      halfHead.write("GET / HT");
      halfFrame.send(RawWebSocket.headAnnouncing(RawWebSocket.FIN | RawWebSocket.TEXT, 100));
      halfRequest.send("PUT /upd");
      server.closeAsync().get(20, TimeUnit.SECONDS);
      silent.readToEnd();
      halfHead.readToEnd();
      halfFrame.expectClose(1001);
    } finally {
      server.close();
    }
  }

  // Faulty peers

  @Test
  void peersThatFailInEveryWayHarmNobody() throws Exception {
    try (PushServer server = server().build().start();
        WireDevice witness = WireDevice.fresh(server.port())) {
      URI endpoint = witness.register(CHANNEL);
      for (int round = 1; round <= 20; round++) {
        RawSocket.connect(server.port()).close();
        RawSocket.connect(server.port()).reset();
        leave(server, socket -> {}); // before hello
        leave(server, socket -> socket.send(WireDevice.helloMessage(""))); // before the answer
        leave(server, socket -> socket.send(socket.maskedText("{}{}"))); // before the close frame
        leave(server, socket -> socket.send(new byte[] {(byte) 0x81})); // half a header
        leave(
            server,
            socket ->
                socket.send(
                    RawWebSocket.headAnnouncing(RawWebSocket.FIN | RawWebSocket.TEXT, 60_000)));
        leave(server, socket -> socket.sendClose(1000)); // before the echo
        leave(server, socket -> socket.send(HANDSHAKE)); // a second handshake is garbage
        publish(server, endpoint, round);
        witness.expectUpdate(CHANNEL, round);
      }
      witness.leave();
      awaitNoConnection(server);
    }
  }

  private interface Step {
    void on(RawWebSocket socket) throws Exception;
  }

  /** Shakes hands, does the step and is gone: once orderly, once abruptly. */
  private static void leave(PushServer server, Step step) throws Exception {
    RawWebSocket orderly = RawWebSocket.connect(server.port());
    step.on(orderly);
    orderly.close();
    RawWebSocket abrupt = RawWebSocket.connect(server.port());
    step.on(abrupt);
    abrupt.socket().reset();
  }

  @Test
  void peersThatResetRightAfterTheirHandshakeLeaveNoZombie() throws Exception {
    try (PushServer server = server().build().start()) {
      for (int i = 0; i < 300; i++) {
        RawSocket socket = RawSocket.connect(server.port());
        socket.write(HANDSHAKE);
        if (i % 2 == 0) {
          socket.reset();
        } else {
          socket.close();
        }
      }
      eventually(() -> assertThat(server.statistics().connectionsOpened()).isEqualTo(300));
      awaitNoConnection(server);
    }
  }

  @Test
  void frameThatStallsHalfwayIsTakenWhenTheRestComes() throws Exception {
    try (PushServer server = server().build().start();
        WireDevice stalled = WireDevice.fresh(server.port());
        WireDevice other = WireDevice.fresh(server.port())) {
      byte[] frame = stalled.socket().maskedText("{\"messageType\":\"ping\"}");
      int half = frame.length / 2;
      stalled.socket().send(java.util.Arrays.copyOf(frame, half));
      other.proveNothingCame();
      stalled.socket().send(java.util.Arrays.copyOfRange(frame, half, frame.length));
      assertThat(stalled.socket().nextText()).isEqualTo("{}");
    }
  }

  // What a device may cost

  @Test
  void deviceThatStopsReadingGetsOnlyTheNewestOfEachChannelWhenItReadsAgain() throws Exception {
    int channels = 100;
    int versions = 1_000;
    String longText = "x".repeat(20_000);
    String noId = "{\"messageType\":\"register\",\"channelID\":\"" + longText + "\"}";
    // One loop for both: what waits for the one must outlast what is written to the other.
    try (PushServer server = server().eventLoops(1).build().start();
        WireDevice stalled = new WireDevice(RawWebSocket.connect(server.port(), 4 * 1024));
        WireDevice reading = WireDevice.fresh(server.port())) {
      stalled.hello("");
      List<URI> endpoints = new ArrayList<>();
      for (int i = 0; i < channels; i++) {
        endpoints.add(stalled.register(channel(i)));
      }
      URI other = reading.register(CHANNEL);
      for (int version = 1; version <= versions; version++) {
        for (URI endpoint : endpoints) {
          publish(server, endpoint, version);
        }
        if (version % 100 == 0) {
          publish(server, other, version);
          reading.expectUpdate(CHANNEL, version); // is served all the while
          reading.socket().send(noId);
          assertThat(reading.socket().nextText())
              .contains('"' + longText.substring(0, 64) + '"'); // protocol §7
        }
      }
      Map<String, Long> seen = new HashMap<>();
      long updates = 0;
      while (seen.size() < channels || seen.values().stream().anyMatch(v -> v < versions)) {
        for (Map.Entry<String, Long> update : stalled.nextUpdates().entrySet()) {
          Long earlier = seen.put(update.getKey(), update.getValue());
          assertThat(update.getValue()).isGreaterThan(earlier == null ? 0 : earlier);
          updates++;
        }
      }
      stalled.proveNothingCame();
      // What the kernel's buffers held, and one more of each channel.
      assertThat(updates).isLessThan((long) channels * versions / 20);
    }
  }

  @Test
  void deviceThatSendsButDoesNotReadIsNotReadForEver() throws Exception {
    try (PushServer server = server().build().start();
        WireDevice other = WireDevice.fresh(server.port());
        SocketChannel channel = SocketChannel.open();
        Selector selector = Selector.open();
        RawWebSocket masks = RawWebSocket.connect(server.port())) {
      channel.setOption(StandardSocketOptions.SO_SNDBUF, 64 * 1024);
      channel.setOption(StandardSocketOptions.SO_RCVBUF, 64 * 1024);
      channel.connect(new InetSocketAddress("127.0.0.1", server.port()));
      channel.write(ByteBuffer.wrap(HANDSHAKE));
      channel.configureBlocking(false);
      channel.register(selector, SelectionKey.OP_WRITE);
      byte[] ping = masks.maskedText("{}");
      ByteBuffer pings = ByteBuffer.allocate(1_000 * ping.length);
      while (pings.hasRemaining()) {
        pings.put(ping);
      }
      long limit = 256L << 20;
      long written = 0;
      pings.flip();
      while (written < limit && selector.select(1_000) > 0) {
        selector.selectedKeys().clear();
        written += channel.write(pings);
        if (!pings.hasRemaining()) {
          pings.rewind();
        }
      }
      assertThat(written).as("bytes the server read without an end").isLessThan(limit);
      other.proveNothingCame();
    }
  }

  @Test
  void oneConnectionTooManyIsRefusedWith503() throws Exception {
    try (PushServer server = server().maxConnections(2).build().start();
        WireDevice first = WireDevice.fresh(server.port());
        WireDevice second = WireDevice.fresh(server.port())) {
      try (RawWebSocket third = RawWebSocket.open(server.port())) {
        third.socket().write(HANDSHAKE);
        RawHttp.Head answer = third.response();
        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.header("Retry-After")).matches("[1-9][0-9]*");
        third.socket().readToEnd();
      }
      second.proveNothingCame();
      first.leave();
      eventually(() -> assertThat(server.statistics().connections()).isOne());
      WireDevice.fresh(server.port()).close();
    }
  }

  @Test
  void manyDevicesAreAllServed() throws Exception {
    int count = 1_000;
    List<WireDevice> devices = new ArrayList<>();
    PushServer server = server().build().start();
    try {
      List<URI> endpoints = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        WireDevice device = WireDevice.fresh(server.port());
        devices.add(device);
        endpoints.add(device.register(CHANNEL));
      }
      for (URI endpoint : endpoints) {
        publish(server, endpoint, 1);
      }
      for (WireDevice device : devices) {
        device.expectUpdate(CHANNEL, 1);
      }
      assertThat(server.statistics().connections()).isEqualTo(count);
      CompletableFuture<Void> closed = server.closeAsync();
      for (WireDevice device : devices) {
        device.socket().expectClose(1001);
        device.close();
      }
      closed.get(20, TimeUnit.SECONDS);
    } finally {
      server.close();
      for (WireDevice device : devices) {
        device.close();
      }
    }
  }

  @Test
  void stormOfReconnectsIsServed() throws Exception {
    int count = 50;
    int rounds = 20;
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try (PushServer server = server().build().start()) {
      List<Future<?>> done = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        done.add(
            threads.submit(
                () -> {
                  String uaid;
                  URI endpoint;
                  try (WireDevice device = WireDevice.fresh(server.port())) {
                    uaid = device.uaid();
                    endpoint = device.register(CHANNEL);
                  }
                  for (int round = 1; round <= rounds; round++) {
                    publish(server, endpoint, round);
                    WireDevice device = WireDevice.resumed(server.port(), uaid, CHANNEL);
                    device.expectUpdate(CHANNEL, round);
                    if (round % 2 == 0) {
                      device.close();
                    } else {
                      device.socket().socket().reset();
                    }
                  }
                  return null;
                }));
      }
      for (Future<?> each : done) {
        each.get(50, TimeUnit.SECONDS);
      }
      awaitNoConnection(server);
    } finally {
      threads.shutdownNow();
    }
  }
}
