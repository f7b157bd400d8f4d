package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.SharedMemoryStore;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.Json;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawSocket;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.TestServers;
import org.simplepush.server.fixtures.WireDevice;

/** A server that closes little by little. */
@Timeout(60)
@ExtendWith(Hygiene.class)
class DrainWireTest {
  /** More than a PUT waits for a server that closed its port and let go of the connection. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private final List<AutoCloseable> toClose = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    for (AutoCloseable one : toClose) {
      one.close();
    }
  }

  private <T extends AutoCloseable> T closed(T later) {
    toClose.add(later);
    return later;
  }

  private PushServer server(Duration drain) throws IOException {
    return closed(TestServers.server().drain(drain).build().start());
  }

  /** A device a second: seen after the first few are told, most are not, however busy we are. */
  @Test
  void devicesAreToldOneAfterAnotherAndUpdatesTakenMeanwhile() throws Exception {
    int count = 100;
    PushServer server = server(Duration.ofSeconds(count));
    List<WireDevice> devices = new ArrayList<>();
    List<URI> endpoints = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      WireDevice device = closed(WireDevice.fresh(server.port()));
      devices.add(device);
      endpoints.add(device.register(CHANNEL));
    }
    CompletableFuture<Void> closed = server.closeAsync();
    await()
        .atMost(Duration.ofSeconds(30))
        .until(() -> server.statistics().connections() <= count - 2);
    for (URI endpoint : endpoints) {
      assertThat(RawHttp.put(endpoint, "version=7").status()).isEqualTo(200);
    }
    assertThatExceptionOfType(ConnectException.class)
        .isThrownBy(() -> RawSocket.connect(server.port()).close());
    assertThatExceptionOfType(CompletionException.class)
        .isThrownBy(() -> server.checkHealth().toCompletableFuture().join())
        .withCauseInstanceOf(IllegalStateException.class);
    assertThat(server.closeAsync()).isNotDone();
    assertThat(closed).isNotDone();
    int updated = 0;
    for (WireDevice device : devices) {
      RawWebSocket.Frame frame = device.socket().nextFrame();
      if (frame.opcode() == RawWebSocket.TEXT) {
        updated++;
      } else {
        assertThat(frame.closeCode()).isEqualTo(1001);
      }
      device.leave();
    }
    assertThat(updated).isBetween(count / 2, count - 2);
    // All have gone, so there is nothing to wait for.
    closed.get(20, TimeUnit.SECONDS);
    server.closeAsync().get(20, TimeUnit.SECONDS);
    assertThatExceptionOfType(ConnectException.class)
        .isThrownBy(() -> RawHttp.put(endpoints.get(0), "version=8"));
  }

  @Test
  void everyDeviceIsToldInTheEnd() throws Exception {
    PushServer server = server(Duration.ofMillis(300));
    List<WireDevice> devices = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      devices.add(closed(WireDevice.fresh(server.port())));
    }
    CompletableFuture<Void> closed = server.closeAsync();
    for (WireDevice device : devices) {
      device.socket().expectClose(1001);
    }
    closed.get(20, TimeUnit.SECONDS);
  }

  @Test
  void closingIsImmediateIfThereIsNobodyToTell() throws Exception {
    PushServer server = server(Duration.ofDays(1));
    WireDevice.fresh(server.port()).close();
    server.closeAsync().get(20, TimeUnit.SECONDS);
    TestServers.server().drain(Duration.ofDays(1)).build().close(); // never started
  }

  @Test
  void drainTimeOutOfRangeIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PushServer.builder().drain(Duration.ofMillis(-1)))
        .withMessageContaining("drain");
  }

  @Test
  void devicesThatMoveToTheOtherNodeGetEverything() throws Exception {
    int count = 12;
    ExecutorService threads = Executors.newCachedThreadPool();
    SharedMemoryStore store = new SharedMemoryStore(new InMemoryVersionStore(), threads);
    EndpointKeys keys = EndpointKeys.ephemeral();
    PushServer.Builder builder = TestServers.server().store(store).keys(keys);
    PushServer a = closed(builder.drain(Duration.ofSeconds(3)).build().start());
    PushServer b = closed(builder.drain(Duration.ZERO).build().start());
    toClose.add(threads::shutdownNow);
    AtomicLong published = new AtomicLong();
    CompletableFuture<Long> last = new CompletableFuture<>();
    List<URI> endpoints = new ArrayList<>();
    List<Future<Void>> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      WireDevice device = closed(WireDevice.fresh(a.port()));
      endpoints.add(device.register(CHANNEL));
      all.add(threads.submit(() -> move(device, b.port(), last)));
    }
    CompletableFuture<Void> closed = a.closeAsync();
    int takenByA = 0;
    while (!closed.isDone()) {
      long version = published.incrementAndGet();
      for (URI endpoint : endpoints) {
        if (isTaken(endpoint, version)) {
          takenByA++;
        } else {
          URI there = b.endpointUrl().resolve(endpoint.getRawPath());
          assertThat(RawHttp.put(there, "version=" + version).status()).isEqualTo(200);
        }
      }
    }
    last.complete(published.incrementAndGet());
    for (URI endpoint : endpoints) {
      assertThat(isTaken(b.endpointUrl().resolve(endpoint.getRawPath()), published.get())).isTrue();
    }
    for (Future<Void> one : all) {
      one.get(20, TimeUnit.SECONDS);
    }
    assertThat(takenByA).isPositive();
  }

  private static boolean isTaken(URI endpoint, long version) {
    try {
      return RawHttp.put(endpoint, "version=" + version).status() == 200;
    } catch (Exception closedMeanwhile) {
      return false;
    }
  }

  /** Reads until it is told to go, and on the other node until it knows the last version. */
  private static Void move(WireDevice device, int port, CompletableFuture<Long> last)
      throws Exception {
    long version = 0;
    RawWebSocket.Frame frame = device.socket().nextFrame();
    while (frame.opcode() == RawWebSocket.TEXT) {
      version = WireDevice.updatesOf(Json.read(frame.text())).get(CHANNEL);
      frame = device.socket().nextFrame();
    }
    assertThat(frame.closeCode()).isEqualTo(1001);
    try (WireDevice moved = WireDevice.resumed(port, device.uaid(), CHANNEL)) {
      moved.acknowledge(CHANNEL, version);
      while (!last.isDone() || version < last.join()) {
        version = Math.max(version, moved.nextUpdates(PATIENCE).get(CHANNEL));
      }
    }
    return null;
  }
}
