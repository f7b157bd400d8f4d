package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.eventually;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.SharedMemoryStore;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.StoreException;
import org.simplepush.server.fixtures.DelayedStore;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.Json;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.TestServers;
import org.simplepush.server.fixtures.WireDevice;

/**
 * Two servers on one store, over real sockets. Every hint between them comes twice, and in any
 * order.
 */
@Timeout(60)
@ExtendWith(Hygiene.class)
class NodesWireTest {
  private final EndpointKeys keys = EndpointKeys.ephemeral();
  private ExecutorService bus;
  private volatile boolean busIsDead;
  private final AtomicInteger hintsUnderWay = new AtomicInteger();
  private SharedMemoryStore shared;
  private DelayedStore storeOfA;
  private PushServer a;
  private PushServer b;

  @BeforeEach
  void start() throws IOException {
    bus = Executors.newFixedThreadPool(3);
    shared = new SharedMemoryStore(new InMemoryVersionStore(), this::carry);
    storeOfA = new DelayedStore(shared);
    a = node(storeOfA).build().start();
    b = node(shared).build().start();
  }

  private void carry(Runnable hint) {
    for (int time = 0; time < 2 && !busIsDead; time++) {
      hintsUnderWay.incrementAndGet();
      bus.execute(
          () -> {
            try {
              hint.run();
            } finally {
              hintsUnderWay.decrementAndGet();
            }
          });
    }
  }

  private PushServer.Builder node(SharedVersionStore store) {
    WakeUp wakeUp = WakeUp.inNetworks("127.0.0.0/8").quietTime(Duration.ofMillis(100));
    return TestServers.server().store(store).keys(keys).wakeUp(wakeUp);
  }

  @AfterEach
  void end() {
    a.close();
    b.close();
    assertThat(shared.nodes()).isZero();
    bus.shutdownNow();
  }

  private static void put(PushServer node, URI endpoint, long version) throws Exception {
    assertThat(RawHttp.put(at(node, endpoint), "version=" + version).status()).isEqualTo(200);
  }

  /** The same endpoint, as a load balancer may send a request for it to this node. */
  private static URI at(PushServer node, URI endpoint) {
    return node.endpointUrl().resolve(endpoint.getRawPath());
  }

  @Test
  void updateOnOneNodeReachesADeviceOnTheOtherOnce() throws Exception {
    try (WireDevice device = WireDevice.fresh(a.port())) {
      URI endpoint = device.register(CHANNEL);
      for (long version = 1; version <= 50; version++) {
        put(version % 2 == 0 ? a : b, endpoint, version);
        device.expectUpdate(CHANNEL, version);
        device.acknowledge(CHANNEL, version);
      }
      eventually(() -> assertThat(a.statistics().hintsReceived()).isGreaterThanOrEqualTo(100));
      device.proveNothingCame();
    }
  }

  @Test
  void versionsThatServersPickGrowThoughTheirClocksDiffer() throws Exception {
    InstantSource late = InstantSource.offset(InstantSource.system(), Duration.ofHours(-3));
    InstantSource early = InstantSource.offset(InstantSource.system(), Duration.ofDays(2));
    try (PushServer slow = node(shared).clock(late).build().start();
        PushServer fast = node(shared).clock(early).build().start();
        WireDevice device = WireDevice.fresh(a.port())) {
      URI endpoint = device.register(CHANNEL);
      long last = -1;
      for (PushServer node : List.of(slow, a, fast, slow, b, a, slow, fast)) {
        assertThat(RawHttp.put(at(node, endpoint), "").status()).isEqualTo(200);
        long version = device.nextUpdates().get(CHANNEL);
        assertThat(version).isGreaterThan(last);
        device.acknowledge(CHANNEL, version);
        last = version;
      }
      device.proveNothingCame();
    }
  }

  @Test
  void newestConnectionWinsAndTheLateEndOfTheOldDoesNotHarmIt() throws Exception {
    WireDevice device = WireDevice.fresh(a.port());
    URI endpoint = device.register(CHANNEL);
    String uaid = device.uaid();
    for (long round = 1; round <= 30; round++) {
      PushServer here = round % 2 == 0 ? a : b;
      PushServer there = round % 2 == 0 ? b : a;
      WireDevice next = WireDevice.resumed(here.port(), uaid, CHANNEL);
      device.socket().expectClose(1008);
      device.close();
      eventually(() -> assertThat(there.statistics().connections()).isZero());
      put(there, endpoint, round);
      next.expectUpdate(CHANNEL, round);
      next.acknowledge(CHANNEL, round);
      // Else the second hint of this version may come to the device's next connection here.
      eventually(() -> assertThat(hintsUnderWay).hasValue(0));
      next.proveNothingCame();
      device = next;
    }
    device.close();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void deviceThatMovesWhileUpdatesArePublishedEverywhereMissesNothing(long seed) throws Exception {
    Random random = new Random(seed);
    WireDevice device = WireDevice.fresh(a.port());
    URI endpoint = device.register(CHANNEL);
    String uaid = device.uaid();
    AtomicLong published = new AtomicLong();
    AtomicBoolean stop = new AtomicBoolean();
    ExecutorService thread = Executors.newSingleThreadExecutor();
    Future<?> puts =
        thread.submit(
            () -> {
              while (!stop.get()) {
                put(published.get() % 2 == 0 ? a : b, endpoint, published.get() + 1);
                published.incrementAndGet();
              }
              return null;
            });
    long version = 0;
    for (int round = 0; round < 60; round++) {
      WireDevice next =
          WireDevice.resumed(random.nextBoolean() ? a.port() : b.port(), uaid, CHANNEL);
      if (random.nextBoolean()) {
        device.leave();
      }
      version = readUntil(next, 0, published.get() + random.nextInt(5));
      device.close();
      device = next;
    }
    stop.set(true);
    puts.get(20, TimeUnit.SECONDS);
    thread.shutdownNow();
    readUntil(device, version, published.get());
    device.close();
  }

  /** Reads on until this connection has brought at least this version. */
  private static long readUntil(WireDevice device, long version, long atLeast) throws Exception {
    long last = version;
    while (last < atLeast) {
      last = device.nextUpdates().get(CHANNEL);
    }
    return last;
  }

  @Test
  void afterLostHintsTheDeviceIsCaughtUpWithoutAsking() throws Exception {
    try (WireDevice device = WireDevice.fresh(a.port())) {
      URI endpoint = device.register(CHANNEL);
      busIsDead = true;
      put(b, endpoint, 7);
      busIsDead = false;
      shared.hintsLost();
      device.expectUpdate(CHANNEL, 7);
    }
  }

  @Test
  void afterLostHintsAConnectionThatIsOverIsClosed() throws Exception {
    WireDevice old = WireDevice.fresh(a.port());
    old.proveNothingCame(); // it has settled
    busIsDead = true;
    WireDevice device = WireDevice.resumed(b.port(), old.uaid());
    device.proveNothingCame(); // so has this one
    busIsDead = false;
    shared.hintsLost();
    old.socket().expectClose(1008);
    device.proveNothingCame();
    old.close();
    device.close();
  }

  @Test
  void updateOnOneNodeWakesADeviceThatSleepsOnTheOther() throws Exception {
    String uaid;
    URI endpoint;
    try (WireDevice awake = WireDevice.fresh(a.port())) {
      uaid = awake.uaid();
      endpoint = awake.register(CHANNEL);
    }
    try (DatagramSocket radio = new DatagramSocket(new InetSocketAddress("127.0.0.1", 0));
        WireDevice device = WireDevice.connect(a.port())) {
      radio.setSoTimeout(20_000);
      String at = "\"wakeup_hostport\":{\"ip\":\"127.0.0.1\",\"port\":%d},\"uaid\"";
      device
          .socket()
          .send(
              WireDevice.helloMessage(uaid, CHANNEL)
                  .replace("\"uaid\"", at.formatted(radio.getLocalPort())));
      // It may be sent to sleep any moment from now on.
      assertThat(Json.field(device.socket().nextJson(), "status")).isEqualTo(201L);
      device.socket().expectClose(4774);
      put(b, endpoint, 7);
      radio.receive(new DatagramPacket(new byte[64], 64));
      assertThat(a.statistics().wakeUpsSent()).isPositive();
      assertThat(b.statistics().wakeUpsSent()).isZero();
      try (WireDevice back = WireDevice.resumed(b.port(), uaid, CHANNEL)) {
        back.expectUpdate(CHANNEL, 7);
        eventually(() -> assertThat(a.statistics().sleeping()).isZero());
      }
    }
  }

  @Test
  void helloIsRefusedWhileTheStoreIsAwayAndConnectedDevicesStay() throws Exception {
    try (WireDevice device = WireDevice.fresh(a.port());
        WireDevice other = WireDevice.connect(a.port())) {
      URI endpoint = device.register(CHANNEL);
      storeOfA.failAtOnce(DelayedStore.away());
      other.socket().send(WireDevice.helloMessage(""));
      assertThat(Json.field(other.socket().nextJson(), "status")).isEqualTo(503L);
      other.socket().expectClose(1013);
      assertThat(RawHttp.put(at(a, endpoint), "version=7").status()).isEqualTo(503);
      device.proveNothingCame();
      put(b, endpoint, 8); // whose way to the store is not broken
      device.expectUpdate(CHANNEL, 8);
      storeOfA.failAtOnce(null);
      device.proveNothingCame();
    }
  }

  @Test
  void startFailsWithASentenceIfTheStoreIsAwayAndReleasesItsPorts() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    DelayedStore away = new DelayedStore(shared);
    away.failAtOnce(DelayedStore.away());
    PushServer c = node(away).port(port).build();
    assertThatThrownBy(c::start)
        .isInstanceOf(IOException.class)
        .hasMessage("The shared store cannot be joined: The database is away");
    away.failAtOnce(null);
    try (PushServer again = node(away).port(port).build().start()) {
      assertThat(shared.nodes()).isEqualTo(3);
      assertThat(again.port()).isEqualTo(port);
    }
    assertThat(shared.nodes()).isEqualTo(2);
    c.close();
  }

  @Test
  void nodeThatCannotBindIsNoNode() {
    PushServer c = node(shared).port(a.port()).build();
    assertThatThrownBy(c::start).isInstanceOf(IOException.class);
    PushServer d = node(shared).endpointPort(a.endpointPort()).build();
    assertThatThrownBy(d::start).isInstanceOf(IOException.class);
    assertThat(shared.nodes()).isEqualTo(2);
  }

  @Test
  void healthTellsOfABusThatIsDead() {
    a.checkHealth().toCompletableFuture().join();
    busIsDead = true;
    assertThatThrownBy(() -> a.checkHealth().toCompletableFuture().join())
        .isInstanceOf(CompletionException.class)
        .hasCauseInstanceOf(StoreException.class);
    busIsDead = false;
    List.of(a, b).forEach(node -> node.checkHealth().toCompletableFuture().join());
  }
}
