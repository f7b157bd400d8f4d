package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.eventually;
import static org.simplepush.server.fixtures.TestServers.publish;
import static org.simplepush.server.fixtures.TestServers.server;

import java.io.IOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.server.fixtures.Certificates;
import org.simplepush.server.fixtures.LoggedMessages;
import org.simplepush.server.fixtures.RawSocket;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.SlowStore;
import org.simplepush.server.fixtures.WireDevice;
import org.simplepush.server.internal.net.Connection;
import org.simplepush.server.internal.net.EventLoop;
import org.simplepush.server.internal.net.WebSocketServer;

/** What strangers can make a server hold, in total (protocol §13). */
@Timeout(120)
class MemoryWireTest {
  private static final long MEBIBYTE = 1 << 20;

  private final List<RawSocket> strangers = new ArrayList<>();

  @AfterEach
  void strangersLeave() throws IOException {
    for (RawSocket stranger : strangers) {
      stranger.close();
    }
  }

  private static ServerStatistics.MemoryUse use(PushServer server, String kind) {
    return server.statistics().memory().stream()
        .filter(one -> one.kind().equals(kind))
        .findFirst()
        .orElseThrow();
  }

  private RawWebSocket stranger(int port) throws Exception {
    RawWebSocket stranger = RawWebSocket.connect(port, 4 * 1024);
    strangers.add(stranger.socket());
    return stranger;
  }

  /** Requests that are refused, each with an answer that is longer. */
  private static byte[] manyRequests(RawWebSocket masks, int count) {
    byte[] request = masks.maskedText("{\"messageType\":\"register\"}");
    byte[] all = new byte[count * request.length];
    for (int i = 0; i < count; i++) {
      System.arraycopy(request, 0, all, i * request.length, request.length);
    }
    return all;
  }

  private static void assertServed(PushServer server, WireDevice device, URI endpoint, long version)
      throws Exception {
    publish(server, endpoint, version);
    device.expectUpdate(CHANNEL, version);
    device.acknowledge(CHANNEL, version);
  }

  @Test
  void devicesThatDoNotReadAreClosedWhenTheyHoldTooMuchAndOthersAreServed() throws Exception {
    try (PushServer server = server().maxMemory(4 * MEBIBYTE).build().start();
        WireDevice device = WireDevice.fresh(server.port())) {
      URI endpoint = device.register(CHANNEL);
      long limit = use(server, "backlog").limit();
      long most = 0;
      int count = 0;
      while (use(server, "backlog").shed() < 20) {
        RawWebSocket stranger = stranger(server.port());
        stranger.send(WireDevice.helloMessage(""));
        // As many as fill the buffers of the kernel, and what is kept of one.
        stranger.socket().writeWhilePeerListens(manyRequests(stranger, 1000));
        count++;
        assertThat(count).as("strangers, none of whom is closed").isLessThan(500);
        most = Math.max(most, use(server, "backlog").used());
        assertServed(server, device, endpoint, count);
      }
      // Each may hold as much as is kept of one before it gets no more answers.
      assertThat(most).isLessThan(limit + 64 * 1024).isGreaterThan(limit / 2);
      strangersLeave();
      eventually(() -> assertThat(use(server, "backlog").used()).isZero());
      eventually(() -> assertThat(use(server, "input").used()).isZero());
      device.proveNothingCame();
    }
  }

  @Test
  void deviceThatDoesNotReadCostsLittle() throws Exception {
    try (PushServer server = server().build().start()) {
      RawWebSocket stranger = stranger(server.port());
      stranger.send(WireDevice.helloMessage(""));
      byte[] requests = manyRequests(stranger, 1000);
      Thread writer =
          new Thread(
              () -> {
                while (!Thread.currentThread().isInterrupted()) {
                  stranger.socket().writeWhilePeerListens(requests);
                }
              });
      writer.start();
      eventually(() -> assertThat(use(server, "backlog").used()).isGreaterThan(32 * 1024));
      for (int i = 0; i < 100; i++) {
        assertThat(use(server, "backlog").used()).isLessThan(34 * 1024);
        assertThat(use(server, "input").used()).isLessThan(EventLoop.READ_BUFFER + 1024);
      }
      writer.interrupt();
      strangersLeave();
      writer.join();
      eventually(() -> assertThat(use(server, "backlog").used()).isZero());
      eventually(() -> assertThat(use(server, "input").used()).isZero());
    }
  }

  @Test
  void whatIsSentWhileTheStoreIsSlowIsKeptAsItCame() throws Exception {
    Deque<Runnable> steps = new ArrayDeque<>(); // of one loop only
    AtomicBoolean slow = new AtomicBoolean(true);
    Executor later =
        task -> {
          if (slow.get()) {
            steps.add(task);
          } else {
            task.run();
          }
        };
    SlowStore store = new SlowStore(new InMemoryVersionStore(), later);
    try (PushServer server = server().eventLoops(1).store(store).build().start();
        RawWebSocket device = RawWebSocket.connect(server.port())) {
      int pings = 4000;
      String[] messages = new String[pings + 1];
      messages[0] = WireDevice.helloMessage("");
      Arrays.fill(messages, 1, messages.length, "{}");
      device.sendAtOnce(messages);
      eventually(() -> assertThat(use(server, "input").used()).isPositive());
      assertThat(use(server, "input").used()).as("8 bytes each").isLessThan(40_000);
      server
          .webSockets()
          .loop(0)
          .execute(
              () -> {
                slow.set(false);
                steps.forEach(Runnable::run);
              });
      assertThat(device.nextText()).contains("hello");
      for (int i = 0; i < pings; i++) {
        assertThat(device.nextText()).isEqualTo("{}");
      }
      eventually(() -> assertThat(use(server, "input").used()).isZero());
    }
  }

  @Test
  void halfMessagesAreChargedAsAnnouncedAndClosedWhenTheyAreTooMany() throws Exception {
    try (PushServer server = server().maxMemory(4 * MEBIBYTE).build().start();
        WireDevice device = WireDevice.fresh(server.port())) {
      URI endpoint = device.register(CHANNEL);
      long limit = use(server, "input").limit();
      int count = 0;
      while (use(server, "input").shed() < 5) {
        RawWebSocket stranger = stranger(server.port());
        byte[] whole = stranger.maskedText("\u00e9".repeat(30_000));
        stranger.send(Arrays.copyOf(whole, 100));
        count++;
        assertThat(count).as("strangers, none of whom is closed").isLessThan(500);
        assertServed(server, device, endpoint, count);
        assertThat(use(server, "input").used()).isLessThan(limit + 64 * 1024);
      }
      assertThat(count).isLessThan((int) (limit / 60_000 + 10));
      strangersLeave();
      eventually(() -> assertThat(use(server, "input").used()).isZero());
    }
  }

  /** Each sends half of something and stays, until five are closed; fewer than {@code most} do. */
  private void strangersSend(
      byte[] half, int most, PushServer server, WireDevice device, URI endpoint) throws Exception {
    int count = 0;
    while (use(server, "input").shed() < 5) {
      RawSocket stranger = RawSocket.connect(server.port());
      strangers.add(stranger);
      ServerStatistics.MemoryUse before = use(server, "input");
      stranger.writeWhilePeerListens(half);
      count++;
      assertThat(count).as("strangers, none of whom is closed").isLessThan(most);
      assertServed(server, device, endpoint, count);
      // Or more would come than were asked for, while the server has yet to read these.
      eventually(
          () ->
              assertThat(use(server, "input"))
                  .matches(now -> now.used() > before.used() || now.shed() > before.shed()));
    }
  }

  @Test
  void halfUpgradeRequestsAreChargedAndClosedWhenTheyAreTooMany() throws Exception {
    byte[] half = ("GET / HTTP/1.1\r\nX: " + "x".repeat(7000)).getBytes(StandardCharsets.US_ASCII);
    try (PushServer server = server().maxMemory(MEBIBYTE).build().start();
        WireDevice device = WireDevice.fresh(server.port())) {
      URI endpoint = device.register(CHANNEL);
      strangersSend(half, 500, server, device, endpoint);
      strangersLeave();
      eventually(() -> assertThat(use(server, "input").used()).isZero());
    }
  }

  @Test
  void handshakesOfTlsAreChargedUntilTheyAreOver(@TempDir Path folder) throws Exception {
    SSLContext tls = Certificates.selfSigned(folder.resolve("keystore.p12"));
    try (PushServer server = server().tls(tls).build().start()) {
      ByteBuffer hello = ByteBuffer.allocate(32 * 1024);
      SSLEngine client = tls.createSSLEngine();
      client.setUseClientMode(true);
      client.wrap(ByteBuffer.allocate(0), hello);
      RawSocket stranger = RawSocket.connect(server.port());
      strangers.add(stranger);
      stranger.write(Arrays.copyOf(hello.array(), hello.position()));
      eventually(() -> assertThat(use(server, "input").used()).isGreaterThan(8 * 1024));
      strangersLeave();
      eventually(() -> assertThat(use(server, "input").used()).isZero());
      try (WireDevice device = new WireDevice(RawWebSocket.connectTls(server.port(), tls))) {
        device.hello("");
        assertThat(use(server, "input").used()).isZero();
        assertThat(use(server, "connections").used()).isEqualTo(7 * 1024);
      }
    }
  }

  @Test
  void halfRecordsOfTlsAreChargedAndClosedWhenTheyAreTooMany(@TempDir Path folder)
      throws Exception {
    SSLContext tls = Certificates.selfSigned(folder.resolve("keystore.p12"));
    byte[] half = new byte[16_000];
    half[0] = 22; // handshake, of TLS 1.2, of 16,384 bytes
    half[1] = 3;
    half[2] = 3;
    half[3] = 0x40;
    half[5] = 1; // a ClientHello
    try (PushServer server = server().tls(tls).maxMemory(2 * MEBIBYTE).build().start()) {
      try (WireDevice device = new WireDevice(RawWebSocket.connectTls(server.port(), tls))) {
        device.hello("");
        URI endpoint = device.register(CHANNEL);
        strangersSend(half, 50, server, device, endpoint);
      }
      strangersLeave();
      eventually(() -> assertThat(use(server, "input").used()).isZero());
      eventually(() -> assertThat(use(server, "connections").used()).isZero());
    }
  }

  @Test
  void connectionsAreAsManyAsMemoryAllowsAndTheRestIsRefused() throws Exception {
    try (PushServer server = server().maxMemory(MEBIBYTE).build().start()) {
      long places = use(server, "connections").limit() / WebSocketServer.CONNECTION;
      for (int i = 0; i < places + 200; i++) {
        strangers.add(RawSocket.connect(server.port()));
      }
      eventually(() -> assertThat(server.statistics().connectionsOpened()).isGreaterThan(places));
      eventually(() -> assertThat(use(server, "connections").shed()).isGreaterThan(100));
      // Some more are heard, to be told so.
      assertThat(server.statistics().connections()).isLessThanOrEqualTo(places + 64);
      strangersLeave();
      eventually(() -> assertThat(use(server, "connections").used()).isZero());
      try (WireDevice device = WireDevice.fresh(server.port())) {
        device.proveNothingCame();
      }
    }
  }

  @Test
  void strangersMakeRoomForDevicesAndDevicesWithChannelsStay() throws Exception {
    int places = 64;
    try (PushServer server = server().maxConnections(places).build().start()) {
      try (WireDevice known = WireDevice.fresh(server.port())) {
        URI endpoint = known.register(CHANNEL);
        List<RawWebSocket> withoutChannel = new ArrayList<>();
        for (int i = 0; i < places - 3; i++) {
          RawWebSocket stranger = stranger(server.port());
          stranger.send(WireDevice.helloMessage(""));
          assertThat(stranger.nextText()).contains("hello");
          withoutChannel.add(stranger);
        }
        // They may take some seconds to become known, and then have to make room for who comes.
        eventually(
            () -> {
              WireDevice.fresh(server.port()).close();
              assertThat(use(server, "connections").shed()).isPositive();
            });
        int asked = 0;
        for (RawWebSocket stranger : withoutChannel) {
          stranger.socket().writeWhilePeerListens(stranger.maskedText("{}"));
          RawWebSocket.Frame frame = stranger.nextFrame();
          if (frame.opcode() == RawWebSocket.CLOSE) {
            assertThat(frame.closeCode()).isEqualTo(1013);
            asked++;
          }
        }
        assertThat(asked).isBetween(1, places / 2);
        assertServed(server, known, endpoint, 1);
      }
    }
  }

  @Test
  void pingBehindACloseIsNoTrouble() throws Exception {
    try (PushServer server = server().build().start();
        LoggedMessages connection = LoggedMessages.of(Connection.class)) {
      for (int i = 0; i < 3; i++) {
        try (RawWebSocket socket = RawWebSocket.connect(server.port())) {
          byte[] close =
              socket.masked(RawWebSocket.FIN | RawWebSocket.CLOSE, new byte[] {3, (byte) 232});
          byte[] ping = socket.masked(RawWebSocket.FIN | 9, new byte[0]);
          byte[] both = Arrays.copyOf(close, close.length + ping.length);
          System.arraycopy(ping, 0, both, close.length, ping.length);
          socket.send(both);
          socket.expectClose(1000, Duration.ofSeconds(20));
        }
      }
      assertThat(connection.errors()).isEmpty();
    }
  }
}
