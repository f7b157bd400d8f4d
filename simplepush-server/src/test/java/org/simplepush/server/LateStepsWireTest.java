package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.OTHER_CHANNEL;
import static org.simplepush.server.fixtures.TestServers.eventually;
import static org.simplepush.server.fixtures.TestServers.publish;
import static org.simplepush.server.fixtures.TestServers.server;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.SharedMemoryStore;
import org.simplepush.core.Uaid;
import org.simplepush.core.VersionStore;
import org.simplepush.server.fixtures.DelayedStore;
import org.simplepush.server.fixtures.Json;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.SessionFixture;
import org.simplepush.server.fixtures.TestServers;
import org.simplepush.server.fixtures.WireDevice;
import org.simplepush.server.redis.RedisProcess;
import org.simplepush.server.redis.RedisVersionStore;
import org.simplepush.server.redis.TcpProxy;

/** Two servers on one Redis, of which the first one's steps come late; and a connection cut. */
@Timeout(120)
class LateStepsWireTest {
  private final List<AutoCloseable> open = new ArrayList<>();
  private final EndpointKeys keys = EndpointKeys.ephemeral();
  private RedisProcess redis;
  private TcpProxy proxy;
  private PushServer a;
  private PushServer b;

  @BeforeEach
  void start() throws Exception {
    redis = closing(RedisProcess.start());
    proxy = closing(new TcpProxy(redis.port()));
    a = start(proxy.port());
    b = start(redis.port());
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
    String uri = "redis://127.0.0.1:" + port + "?timeout=60s";
    RedisVersionStore store = closing(RedisVersionStore.open(uri));
    return closing(server().keys(keys).store(store).build()).start();
  }

  /** The device has the channels it has registered on the second server, and hears of them. */
  private void goesOn(WireDevice device, URI endpoint, URI other) throws Exception {
    device.proveNothingCame();
    publish(b, endpoint, 7);
    device.expectUpdate(CHANNEL, 7);
    publish(b, other, 8);
    device.expectUpdate(OTHER_CHANNEL, 8);
    device.close();
    closing(WireDevice.resumed(b.port(), device.uaid(), CHANNEL, OTHER_CHANNEL));
  }

  @Test
  void helloThatComesLateTakesNothingAway() throws Exception {
    WireDevice first = closing(WireDevice.fresh(a.port()));
    URI endpoint = first.register(CHANNEL);
    String uaid = first.uaid();
    first.close();
    RawWebSocket frozen = closing(RawWebSocket.connect(a.port()));
    proxy.holdRequests();
    frozen.send(WireDevice.helloMessage(uaid, CHANNEL));
    WireDevice device = closing(WireDevice.resumed(b.port(), uaid, CHANNEL));
    URI other = device.register(OTHER_CHANNEL);
    device.proveNothingCame(); // it has settled

    proxy.release();

    assertThat(frozen.nextFrame().opcode()).isEqualTo(RawWebSocket.PING); // which nobody answers
    assertThat(frozen.nextText()).contains(uaid);
    goesOn(device, endpoint, other);
    frozen.send("{}");
    assertThat(frozen.nextText()).isEqualTo("{}");
  }

  @Test
  void settlingThatComesLateTakesNothingAway() throws Exception {
    WireDevice first = closing(WireDevice.fresh(a.port()));
    URI endpoint = first.register(CHANNEL);
    String uaid = first.uaid();
    first.close();
    RawWebSocket frozen = closing(RawWebSocket.connect(a.port()));
    frozen.send(WireDevice.helloMessage(uaid, CHANNEL));
    RawWebSocket.Frame ping = frozen.nextFrame();
    assertThat(ping.opcode()).isEqualTo(RawWebSocket.PING);
    assertThat(frozen.nextText()).contains(uaid);
    proxy.holdRequests();
    frozen.send(frozen.masked(RawWebSocket.FIN | RawWebSocket.PONG, ping.payload()));
    WireDevice device = closing(WireDevice.resumed(b.port(), uaid, CHANNEL));
    URI other = device.register(OTHER_CHANNEL);
    device.proveNothingCame();

    proxy.release();

    assertThat(frozen.nextFrame().opcode()).as("asked again").isEqualTo(RawWebSocket.PING);
    goesOn(device, endpoint, other);
  }

  @Test
  void channelThatRedisLostIsNoticedAtThePing() throws Exception {
    WireDevice device = closing(WireDevice.fresh(a.port()));
    URI endpoint = device.register(CHANNEL);
    device.proveNothingCame();
    device.register(OTHER_CHANNEL); // answered after the comparison of that ping
    assertThat(a.statistics().digestMismatches()).isZero();
    lose(device.uaid(), CHANNEL);

    device.socket().send("{}");

    assertThat(device.socket().nextText()).isEqualTo("{}");
    device.socket().expectClose(1001);
    assertThat(a.statistics().digestMismatches()).isOne();
    WireDevice again = closing(WireDevice.connect(b.port()));
    assertThat(again.hello(device.uaid(), CHANNEL, OTHER_CHANNEL)).isNotEqualTo(device.uaid());
    assertThat(endpoint).isNotEqualTo(again.register(CHANNEL));
  }

  @Test
  void channelThatRedisLostIsNoticedWhenSomebodyPublishes() throws Exception {
    RawWebSocket device = closing(RawWebSocket.connect(a.port()));
    device.send("{\"messageType\":\"hello\"}"); // as Firefox does
    String uaid = Json.text(device.nextJson(), "uaid");
    device.send("{\"messageType\":\"register\",\"channelID\":\"" + CHANNEL + "\"}");
    URI endpoint = URI.create(Json.text(device.nextJson(), "pushEndpoint"));
    lose(uaid, CHANNEL);

    assertThat(RawHttp.put(b.endpointUrl().resolve(endpoint.getRawPath()), "version=1").status())
        .isEqualTo(410);

    device.expectClose(1001, Duration.ofSeconds(30));
    assertThat(a.statistics().goneHints()).isOne();
    RawWebSocket again = closing(RawWebSocket.connect(a.port()));
    again.send("{\"messageType\":\"hello\",\"uaid\":\"" + uaid + "\"}");
    assertThat(Json.text(again.nextJson(), "uaid")).isNotEqualTo(uaid);
  }

  private void lose(String uaid, String channelId) throws Exception {
    UUID id = UUID.fromString(channelId);
    byte[] field =
        HexFormat.of()
            .parseHex(
                HexFormat.of().toHexDigits(id.getMostSignificantBits())
                    + HexFormat.of().toHexDigits(id.getLeastSignificantBits()));
    String key = "simplepush:" + Uaid.parse(uaid).value().toString().replace("-", "");
    assertThat(
            redis.ask("HDEL", key, new String(field, java.nio.charset.StandardCharsets.ISO_8859_1)))
        .isEqualTo(":1");
  }

  @Test
  void deviceThatAnswersNoPingIsClosed() throws Exception {
    RedisVersionStore store = closing(RedisVersionStore.open("redis://127.0.0.1:" + redis.port()));
    PushServer hasty =
        closing(server().keys(keys).store(store).helloTimeout(Duration.ofSeconds(1)).build());
    hasty.start();
    RawWebSocket dead = closing(RawWebSocket.connect(hasty.port()));
    dead.send(WireDevice.helloMessage(""));
    assertThat(dead.nextFrame().opcode()).isEqualTo(RawWebSocket.PING);
    assertThat(dead.nextText()).contains("\"hello\"");
    dead.expectClose(1001);
  }

  /** What was read behind a request that waits is not lost with the connection. */
  @Test
  void acknowledgementThatWasReadIsCarriedOutThoughTheConnectionIsReset() throws Exception {
    InMemoryVersionStore memory = new InMemoryVersionStore();
    DelayedStore store = new DelayedStore(new SharedMemoryStore(memory, hint -> {}));
    PushServer alone = closing(server().store(store).eventLoops(1).build()).start();
    WireDevice device = closing(WireDevice.fresh(alone.port()));
    URI endpoint = device.register(CHANNEL);
    publish(alone, endpoint, 7);
    device.expectUpdate(CHANNEL, 7);
    store.hold();
    String register = "{\"messageType\":\"register\",\"channelID\":\"%s\"}";
    device
        .socket()
        .sendAtOnce(
            register.formatted(OTHER_CHANNEL),
            register.formatted(TestServers.channel(3)),
            SessionFixture.ack(CHANNEL, 7).replace('\'', '"'));
    List<DelayedStore.Step<?>> steps = new ArrayList<>();
    eventually(() -> assertThat(steps.addAll(store.takeAll())).isTrue());
    device.socket().socket().reset();

    steps.get(0).answers(); // the reply meets a closed socket
    store.holdNoMore();
    store.takeAll().forEach(DelayedStore.Step::answers);

    Uaid uaid = Uaid.parse(device.uaid());
    eventually(
        () ->
            assertThat(memory.pending(uaid).toCompletableFuture().join())
                .isEqualTo(new VersionStore.Pending.Known(List.of())));
  }
}
