package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.VersionStore;
import org.simplepush.server.fixtures.Firefox;
import org.simplepush.server.fixtures.Json;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.SlowStore;
import org.simplepush.server.internal.EndpointTokens;
import org.simplepush.server.redis.RedisProcess;
import org.simplepush.server.redis.RedisVersionStore;
import org.simplepush.server.redis.TcpProxy;

/**
 * Whatever makes the server turn Firefox away, Firefox comes back by itself and gets what is
 * published. Its page asks for nothing after it has subscribed: a request would make Firefox
 * connect in any case. Run with {@code mvn test -Pfirefox -pl simplepush-server -am}.
 */
@Tag("firefox")
@Timeout(value = 240, unit = TimeUnit.SECONDS)
class FirefoxOutageTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  /** How a Redis goes away that comes back with all it knew. */
  enum Outage {
    /** The process does nothing: commands time out. */
    STOPPED {
      @Override
      void begin(RedisProcess redis) throws Exception {
        redis.signal("STOP");
      }

      @Override
      void end(RedisProcess redis) throws Exception {
        redis.signal("CONT");
      }
    },
    /** The process is gone: connections are refused. */
    KILLED {
      @Override
      void begin(RedisProcess redis) {
        redis.kill();
      }

      @Override
      void end(RedisProcess redis) throws Exception {
        redis.restart();
      }
    };

    abstract void begin(RedisProcess redis) throws Exception;

    abstract void end(RedisProcess redis) throws Exception;
  }

  @TempDir private Path home;

  private final EndpointKeys keys = EndpointKeys.ephemeral();
  private PushServer server;

  /** Firefox's way to the server. */
  private TcpProxy way;

  private Firefox firefox;
  private URI endpoint;

  /** Firefox subscribes at a server on this store, and gets a first push. */
  private void subscribe(VersionStore store, int maxConnections) throws Exception {
    server =
        PushServer.builder()
            .port(0)
            .endpointPort(0)
            .store(store)
            .keys(keys)
            .maxConnections(maxConnections)
            .helloTimeout(Duration.ofSeconds(10)) // of the store, too
            .build()
            .start();
    way = new TcpProxy(server.port());
    firefox = Firefox.start(home, URI.create("ws://127.0.0.1:" + way.port() + "/"));
    endpoint = URI.create(firefox.expect("subscribed"));
    assertReceives(1);
  }

  @AfterEach
  void stopAll() throws Exception {
    if (firefox != null) {
      firefox.close();
    }
    if (way != null) {
      way.close();
    }
    if (server != null) {
      server.close();
    }
  }

  private void assertReceives(long version) throws Exception {
    assertThat(RawHttp.put(endpoint, "version=" + version).status()).isEqualTo(200);
    assertThat(firefox.expect("push")).isEqualTo(endpoint.toString());
    firefox.expectNothingMore();
  }

  @ParameterizedTest
  @EnumSource
  void comesBackThoughTheStoreWasAwayDuringItsHello(Outage outage) throws Exception {
    try (RedisProcess redis = RedisProcess.start("--appendonly", "yes", "--appendfsync", "always");
        RedisVersionStore store =
            RedisVersionStore.open("redis://127.0.0.1:" + redis.port() + "?timeout=2s")) {
      subscribe(store, 1000);
      ServerStatistics before = server.statistics();
      outage.begin(redis);
      way.cut();
      // The first is turned away, and so is the second, which Firefox makes by itself.
      await()
          .atMost(PATIENCE)
          .until(() -> server.statistics().connectionsOpened() >= before.connectionsOpened() + 2);
      assertThat(server.statistics().hellos()).isEqualTo(before.hellos());
      outage.end(redis);
      await()
          .atMost(PATIENCE)
          .until(() -> RawHttp.put(endpoint, "version=2").status() == 200); // Redis is back
      assertThat(firefox.expect("push")).isEqualTo(endpoint.toString());
      assertReceives(3);
      stopAll(); // before the store
    }
  }

  @Test
  void comesBackThoughTheStoreNeverAnsweredItsHello() throws Exception {
    AtomicBoolean silent = new AtomicBoolean();
    SlowStore store =
        new SlowStore(
            new InMemoryVersionStore(),
            task -> {
              if (!silent.get()) {
                task.run();
              }
            });
    subscribe(store, 1000);
    long opened = server.statistics().connectionsOpened();
    silent.set(true);
    way.cut();
    await()
        .atMost(PATIENCE)
        .until(() -> server.statistics().connectionsOpened() >= opened + 2); // waited, came again
    silent.set(false);
    assertReceives(2);
  }

  @Test
  void comesBackAfterAnotherConnectionTookOverAndPolicyClosedItsOwn() throws Exception {
    subscribe(new InMemoryVersionStore(), 1000);
    String path = endpoint.getRawPath();
    String token = path.substring(EndpointTokens.PATH.length());
    String uaid = new EndpointTokens(keys.keys()).open(token).uaid().text();
    try (RawWebSocket usurper = RawWebSocket.connect(server.port())) {
      usurper.send("{\"messageType\":\"hello\",\"uaid\":\"" + uaid + "\"}");
      assertThat(Json.text(usurper.nextJson(), "uaid")).isEqualTo(uaid);
      usurper.expectClose(1008, PATIENCE); // Firefox has been closed, and is back
    }
    assertReceives(2);
  }

  @Test
  void comesBackWhenThereIsRoomAgain() throws Exception {
    subscribe(new InMemoryVersionStore(), 1);
    try (RawWebSocket squatter = takeTheOnlyPlace()) {
      long refused = server.statistics().connectionsRefused();
      await().atMost(PATIENCE).until(() -> server.statistics().connectionsRefused() >= refused + 2);
      assertThat(server.statistics().connections()).isPositive();
      squatter.send("{}");
      assertThat(squatter.nextText()).isEqualTo("{}"); // has kept its place
    }
    assertReceives(2); // at once, or from the store when Firefox is back
  }

  /** Until it is faster than Firefox, which is back half a second after it was cut off. */
  private RawWebSocket takeTheOnlyPlace() throws IOException, TimeoutException {
    while (true) {
      way.cut();
      RawWebSocket socket = RawWebSocket.open(server.port());
      socket.socket().write(RawWebSocket.request());
      if (socket.response().status() == 101) {
        return socket;
      }
      socket.close();
    }
  }
}
