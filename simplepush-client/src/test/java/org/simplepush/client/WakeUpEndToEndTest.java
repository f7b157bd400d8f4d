package org.simplepush.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.client.internal.connection.Disconnected;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.VersionStore;
import org.simplepush.server.EndpointKeys;
import org.simplepush.server.PushServer;

/** The client and the real push server, which wakes it by real datagrams. */
@Timeout(180)
class WakeUpEndToEndTest {
  private final HttpClient http = HttpClient.newHttpClient();
  private final BlockingQueue<Long> versions = new LinkedBlockingQueue<>();
  private final BlockingQueue<String> connection = new LinkedBlockingQueue<>();
  private final EndpointKeys keys = EndpointKeys.ephemeral();
  private final DeviceStorage storage = DeviceStorage.inMemory();
  private final VersionStore store = new InMemoryVersionStore();
  private PushServer server;
  private PushClient device;

  @AfterEach
  void end() {
    if (device != null) {
      device.close();
    }
    server.close();
    store.close();
  }

  private static org.simplepush.server.WakeUp in(String network) {
    return org.simplepush.server.WakeUp.inNetworks(network)
        .quietTime(Duration.ofMillis(100))
        .interval(Duration.ofMillis(50));
  }

  private void serve(int port, org.simplepush.server.WakeUp wakeUp) throws IOException {
    server =
        PushServer.builder()
            .port(port)
            .endpointPort(0)
            .keys(keys)
            .store(store)
            .pingMinInterval(Duration.ZERO)
            .wakeUp(wakeUp)
            .build()
            .start();
  }

  private static DeviceWakeUp loopback() {
    return DeviceWakeUp.listenAt(new InetSocketAddress("127.0.0.1", 0));
  }

  private PushManager start(DeviceWakeUp wakeUp) throws IOException {
    device =
        PushClient.builder(server.webSocketUri())
            .storage(storage)
            .backoff(Duration.ofMillis(10), Duration.ofMillis(100))
            .wakeUp(wakeUp)
            .listener(
                new ConnectionListener() {
                  @Override
                  public void onConnected() {
                    connection.add("connected");
                  }

                  @Override
                  public void onDisconnected(Disconnected event) {
                    connection.add("disconnected");
                  }

                  @Override
                  public void onAsleep(Duration atMost) {
                    connection.add("asleep");
                  }
                })
            .build()
            .start();
    return device.application("calendar", message -> versions.add(message.version()));
  }

  /** Registers while the device is not sent to sleep: it might sleep before, and be woken by it. */
  private URI registeredBefore() throws Exception {
    try (PushClient awake =
        PushClient.builder(server.webSocketUri()).storage(storage).build().start()) {
      return awake.application("calendar", message -> {}).register().get(20, TimeUnit.SECONDS);
    }
  }

  private int put(URI endpoint, long version) throws Exception {
    String moved = endpoint.toString().replaceFirst(":\\d+/", ":" + server.endpointPort() + "/");
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(moved))
            .PUT(HttpRequest.BodyPublishers.ofString("version=" + version))
            .build();
    return http.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
  }

  private static <T> T next(BlockingQueue<T> queue) throws InterruptedException {
    T next = queue.poll(20, TimeUnit.SECONDS);
    assertThat(next).isNotNull();
    return next;
  }

  @Test
  void sleepingDeviceIsWokenForEachVersion() throws Exception {
    serve(0, in("127.0.0.0/8"));
    URI endpoint = registeredBefore();
    start(loopback());
    assertThat(next(connection)).isEqualTo("connected");
    for (long version = 1; version <= 5; version++) {
      assertThat(next(connection)).isEqualTo("asleep");
      assertThat(put(endpoint, version)).isEqualTo(200);
      assertThat(next(versions)).isEqualTo(version);
      assertThat(next(connection)).isEqualTo("connected");
    }
    assertThat(server.statistics().wakeUpsSent()).isGreaterThanOrEqualTo(5);
  }

  @Test
  void versionsPublishedWhileItFallsAsleepAreNotLost() throws Exception {
    serve(0, in("127.0.0.0/8").quietTime(Duration.ofMillis(1)));
    URI endpoint = start(loopback()).register().get(20, TimeUnit.SECONDS);
    for (long version = 1; version <= 300; version++) {
      assertThat(put(endpoint, version)).isEqualTo(200);
      assertThat(next(versions)).isEqualTo(version);
    }
  }

  @Test
  void deviceOutsideTheNetworksKeepsItsConnection() throws Exception {
    serve(0, in("10.0.0.0/8"));
    URI endpoint = start(loopback()).register().get(20, TimeUnit.SECONDS);
    assertThat(put(endpoint, 1)).isEqualTo(200);
    assertThat(next(versions)).isEqualTo(1);
    assertThat(next(connection)).isEqualTo("connected");
    assertThat(connection).isEmpty();
    assertThat(server.statistics().wakeUpsSent()).isZero();
    assertThat(server.statistics().sleeping()).isZero();
  }

  @Test
  void registerEndsSleep() throws Exception {
    serve(0, in("127.0.0.0/8"));
    PushManager calendar = start(loopback());
    calendar.register().get(20, TimeUnit.SECONDS);
    assertThat(next(connection)).isEqualTo("connected");
    assertThat(next(connection)).isEqualTo("asleep");
    URI second = calendar.register().get(20, TimeUnit.SECONDS);
    assertThat(put(second, 7)).isEqualTo(200);
    assertThat(next(versions)).isEqualTo(7);
  }

  /** The server that is back does not know whom to wake: the device asks by itself. */
  @Test
  void serverRestartDelaysAVersionByOneSleepAtMost() throws Exception {
    serve(0, in("127.0.0.0/8"));
    URI endpoint =
        start(loopback().maxSleep(Duration.ofSeconds(1))).register().get(20, TimeUnit.SECONDS);
    assertThat(next(connection)).isEqualTo("connected");
    assertThat(next(connection)).isEqualTo("asleep");
    int port = server.port();
    server.close();
    serve(port, in("127.0.0.0/8"));
    assertThat(put(endpoint, 7)).isEqualTo(200);
    assertThat(next(versions)).isEqualTo(7);
  }

  @Test
  void anyDatagramWakes() throws Exception {
    serve(0, in("127.0.0.0/8"));
    int port;
    try (DatagramSocket free = new DatagramSocket(new InetSocketAddress("127.0.0.1", 0))) {
      port = free.getLocalPort();
    }
    start(DeviceWakeUp.listenAt(new InetSocketAddress(port)).advertise("127.0.0.1"));
    assertThat(next(connection)).isEqualTo("connected");
    assertThat(next(connection)).isEqualTo("asleep");
    try (DatagramSocket stranger = new DatagramSocket()) {
      stranger.send(
          new DatagramPacket(new byte[100], 100, InetAddress.getByName("127.0.0.1"), port));
    }
    assertThat(next(connection)).isEqualTo("connected");
    assertThat(server.statistics().wakeUpsSent()).isZero();
  }

  @Test
  void portInUseMeansThatItKeepsItsConnection() throws Exception {
    serve(0, in("127.0.0.0/8"));
    try (DatagramSocket other = new DatagramSocket(new InetSocketAddress("127.0.0.1", 0))) {
      InetSocketAddress taken = new InetSocketAddress("127.0.0.1", other.getLocalPort());
      URI endpoint = start(DeviceWakeUp.listenAt(taken)).register().get(20, TimeUnit.SECONDS);
      assertThat(put(endpoint, 7)).isEqualTo(200);
      assertThat(next(versions)).isEqualTo(7);
      assertThat(next(connection)).isEqualTo("connected");
      assertThat(connection).isEmpty();
    }
  }

  @Test
  void closedDeviceLeavesNoSocketAndNoThread() throws Exception {
    serve(0, in("127.0.0.0/8"));
    InetSocketAddress here = new InetSocketAddress("127.0.0.1", 0);
    int port;
    try (DatagramSocket free = new DatagramSocket(here)) {
      port = free.getLocalPort();
    }
    InetSocketAddress chosen = new InetSocketAddress("127.0.0.1", port);
    start(DeviceWakeUp.listenAt(chosen));
    assertThat(next(connection)).isEqualTo("connected");
    assertThat(next(connection)).isEqualTo("asleep");
    device.close();
    await()
        .atMost(Duration.ofSeconds(20))
        .ignoreExceptions()
        .until(
            () -> {
              new DatagramSocket(chosen).close();
              return true;
            });
  }
}
