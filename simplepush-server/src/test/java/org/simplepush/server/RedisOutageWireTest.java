package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.eventually;
import static org.simplepush.server.fixtures.TestServers.publish;
import static org.simplepush.server.fixtures.TestServers.server;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.TestRequest;
import org.simplepush.server.fixtures.WireDevice;
import org.simplepush.server.redis.RedisProcess;
import org.simplepush.server.redis.RedisVersionStore;
import org.simplepush.server.redis.TcpProxy;

/** Devices of two servers whose Redis is away for a while. */
@Timeout(120)
class RedisOutageWireTest {
  private final List<AutoCloseable> open = new ArrayList<>();
  private final EndpointKeys keys = EndpointKeys.ephemeral();
  private RedisProcess redis;

  @BeforeEach
  void startRedis() throws Exception {
    redis = closing(RedisProcess.start());
  }

  @AfterEach
  void closeAll() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
  }

  private <T extends AutoCloseable> T closing(T closeable) {
    open.add(closeable);
    return closeable;
  }

  private PushServer start(int port) throws Exception {
    RedisVersionStore store =
        closing(RedisVersionStore.open("redis://127.0.0.1:" + port + "?timeout=20s"));
    return closing(server().keys(keys).store(store).build()).start();
  }

  @Test
  void comparisonThatTheStoreRefusesIsTriedAgainSoonAfterItsReturn() throws Exception {
    TcpProxy proxy = closing(new TcpProxy(redis.port()));
    PushServer here = start(proxy.port());
    PushServer there = start(redis.port());
    WireDevice device = closing(WireDevice.fresh(here.port()));
    URI endpoint = device.register(CHANNEL);
    publish(there, endpoint, 1);
    device.expectUpdate(CHANNEL, 1);
    device.acknowledge(CHANNEL, 1);
    device.proveNothingCame();

    proxy.silenceHints();
    publish(there, endpoint, 2); // its hint is lost
    redis.ask("CONFIG", "SET", "min-replicas-to-write", "1");
    long failures = here.statistics().storeFailures();
    eventually(() -> assertThat(here.statistics().hintsLost()).isPositive());
    eventually(() -> assertThat(here.statistics().storeFailures()).isGreaterThan(failures));
    redis.ask("CONFIG", "SET", "min-replicas-to-write", "0");

    // 60 s were the time to send again what is not acknowledged.
    RawWebSocket.Frame frame = device.socket().nextFrame(Duration.ofSeconds(30));
    assertThat(frame.text()).contains(CHANNEL);
  }

  @Test
  void healthIsGreenSoonAfterUpdatesAreTakenAgain() throws Exception {
    TcpProxy proxy = closing(new TcpProxy(redis.port()));
    RedisVersionStore store =
        closing(RedisVersionStore.open("redis://127.0.0.1:" + proxy.port() + "?timeout=1s"));
    PushServer server = closing(server().keys(keys).store(store).build()).start();
    WireDevice device = closing(WireDevice.fresh(server.port()));
    URI endpoint = device.register(CHANNEL);
    assertThat(isHealthy(server)).isTrue();

    for (int version = 1; version <= 3; version++) {
      proxy.silence();
      assertThat(isHealthy(server)).isFalse();
      String form = "version=" + version;
      while (statusOfPut(server, endpoint, form) != 200) {}
      long works = System.nanoTime();
      while (!isHealthy(server)) {}
      long red = System.nanoTime() - works;
      assertThat(Duration.ofNanos(red)).isLessThan(Duration.ofSeconds(6));
    }
  }

  private static int statusOfPut(PushServer server, URI endpoint, String form) {
    return server
        .endpointHandler()
        .handle(TestRequest.put(endpoint.getRawPath(), form))
        .toCompletableFuture()
        .join()
        .status();
  }

  private static boolean isHealthy(PushServer server) {
    return server
        .checkHealth()
        .handle((done, failure) -> failure == null)
        .toCompletableFuture()
        .join();
  }
}
