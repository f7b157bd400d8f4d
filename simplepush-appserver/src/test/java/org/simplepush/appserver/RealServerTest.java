package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.appserver.testing.Device;
import org.simplepush.server.PushServer;

/** From this library through the real push server to a device. */
@Timeout(60)
class RealServerTest {
  private final PushServer server = PushServer.builder().port(0).endpointPort(0).build();
  private final Notifier notifier = Notifier.builder().permitHost("127.0.0.1").build();

  @BeforeEach
  void start() throws Exception {
    server.start();
  }

  @AfterEach
  void stop() {
    notifier.close();
    server.close();
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(30, TimeUnit.SECONDS);
  }

  @Test
  void versionArrivesAtTheDevice() throws Exception {
    UUID channel = UUID.randomUUID();
    try (Device device = new Device(server.webSocketUri())) {
      URI endpoint = device.register(channel);
      assertThat(get(notifier.publish(endpoint, 7))).isEqualTo(new Verdict.Accepted());
      assertThat(device.notification()).contains(channel.toString(), "\"version\":7");
      assertThat(get(notifier.publish(endpoint, Long.MAX_VALUE - 1)))
          .isEqualTo(new Verdict.Accepted());
      assertThat(device.notification()).contains("\"version\":" + (Long.MAX_VALUE - 1));
      assertThat(get(notifier.publish(endpoint))).isEqualTo(new Verdict.Accepted());
      assertThat(device.notification()).contains("\"version\":" + Long.MAX_VALUE);
    }
  }

  @Test
  void lowerVersionIsStaleAndARepeatedOneIsNot() throws Exception {
    try (Device device = new Device(server.webSocketUri())) {
      URI endpoint = device.register(UUID.randomUUID());
      assertThat(get(notifier.publish(endpoint, 7))).isEqualTo(new Verdict.Accepted(false));
      assertThat(get(notifier.publish(endpoint, 7))).isEqualTo(new Verdict.Accepted(false));
      assertThat(get(notifier.publish(endpoint, 6))).isEqualTo(new Verdict.Accepted(true));
      assertThat(get(notifier.publish(endpoint, 8))).isEqualTo(new Verdict.Accepted(false));
    }
  }

  @Test
  void poisonedEndpointIsTold() throws Exception {
    try (Device device = new Device(server.webSocketUri());
        Notifier stranger = Notifier.builder().permitHost("127.0.0.1").build()) {
      URI endpoint = device.register(UUID.randomUUID());
      get(stranger.publish(endpoint, Long.MAX_VALUE));
      assertThat(get(notifier.publish(endpoint, 7))).isEqualTo(new Verdict.Accepted(true));
      assertThat(get(notifier.publish(endpoint))).isEqualTo(new Verdict.Accepted(true));
      assertThat(get(notifier.publishAll(List.of(endpoint), 8)))
          .isEqualTo(new Summary(1, 1, 0, 0, 0, 0, true));
      assertThat(notifier.statistics().stale()).isEqualTo(3);
    }
  }

  @Test
  void thousandVersionsAtOnceEndWithTheNewest() throws Exception {
    try (Device device = new Device(server.webSocketUri())) {
      URI endpoint = device.register(UUID.randomUUID());
      List<CompletableFuture<Verdict>> all = new ArrayList<>();
      for (long version = 1; version <= 1000; version++) {
        all.add(notifier.publish(endpoint, version));
      }
      for (CompletableFuture<Verdict> each : all) {
        assertThat(get(each)).isEqualTo(new Verdict.Accepted());
      }
      String last = device.notification();
      while (!last.contains("\"version\":1000}")) {
        last = device.notification();
      }
    }
  }

  @Test
  void unregisteredEndpointIsGoneAndAMadeUpOneToo() throws Exception {
    UUID channel = UUID.randomUUID();
    try (Device device = new Device(server.webSocketUri())) {
      URI endpoint = device.register(channel);
      device.unregister(channel);
      assertThat(get(notifier.publish(endpoint, 7))).isEqualTo(new Verdict.Gone(410));
      assertThat(get(notifier.publish(URI.create(server.endpointUrl() + "/update/made-up"), 7)))
          .isEqualTo(new Verdict.Gone(404));
    }
  }

  @Test
  void fanOutReachesEveryEndpoint() throws Exception {
    List<URI> endpoints = new ArrayList<>();
    try (Device device = new Device(server.webSocketUri())) {
      for (int n = 0; n < 500; n++) {
        device.askToRegister(UUID.randomUUID());
      }
      for (int n = 0; n < 500; n++) {
        endpoints.add(device.registered());
      }
      Summary summary = get(notifier.publishAll(endpoints, 7, (endpoint, verdict) -> {}));
      assertThat(summary).isEqualTo(new Summary(500, 0, 0, 0, 0, 0, true));
      int arrived = 0;
      while (arrived < 500) {
        arrived += device.notification().split("\"version\":7", -1).length - 1;
      }
      assertThat(arrived).isEqualTo(500);
    }
  }

  @Test
  void serverThatComesBackIsReached() throws Exception {
    int port = server.endpointPort();
    URI endpoint;
    try (Device device = new Device(server.webSocketUri())) {
      endpoint = device.register(UUID.randomUUID());
    }
    server.close();
    try (Notifier persistent =
        Notifier.builder()
            .permitHost("127.0.0.1")
            .backoff(Duration.ofMillis(20), Duration.ofMillis(100))
            .build()) {
      CompletableFuture<Verdict> verdict = persistent.publish(endpoint, 7);
      // It lost its keys, so that the verdict differs; what counts is that there is one.
      try (PushServer next = PushServer.builder().port(0).endpointPort(port).build().start()) {
        assertThat(next.endpointPort()).isEqualTo(port);
        assertThat(get(verdict)).isEqualTo(new Verdict.Gone(404));
      }
    }
  }
}
