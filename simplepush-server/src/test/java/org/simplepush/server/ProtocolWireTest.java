package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.Json.field;
import static org.simplepush.server.fixtures.Json.json;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.OTHER_CHANNEL;
import static org.simplepush.server.fixtures.TestServers.channel;
import static org.simplepush.server.fixtures.TestServers.server;

import java.net.URI;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.Json;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.SlowStore;
import org.simplepush.server.fixtures.WireDevice;

/** What a device sees of protocol §§2–7 on the wire: answers, errors, close codes, deadlines. */
@Timeout(60)
@ExtendWith(Hygiene.class)
class ProtocolWireTest {
  private static final String REGISTER =
      "{\"messageType\":\"register\",\"channelID\":\"" + CHANNEL + "\"}";

  /** A deadline that is waited for, but not missed by a device of a busy machine. */
  private static final Duration ENOUGH_TO_ANSWER = Duration.ofSeconds(2);

  private static PushServer server;

  @BeforeAll
  static void startServer() throws Exception {
    server = server().build().start();
  }

  @AfterAll
  static void closeServer() {
    server.close();
  }

  private static void assertError(Object answer, String messageType, int status) {
    assertThat(field(answer, "messageType")).isEqualTo(messageType);
    assertThat(field(answer, "status")).as("status of %s", answer).isEqualTo((long) status);
    assertThat(Json.text(answer, "error")).isNotBlank().doesNotContain("Exception", "org.");
  }

  // Hello

  @Test
  void helloWithoutUaidGetsAFreshOne() throws Exception {
    try (WireDevice one = WireDevice.fresh(server.port());
        WireDevice two = WireDevice.fresh(server.port())) {
      assertThat(UUID.fromString(one.uaid())).isNotEqualTo(UUID.fromString(two.uaid()));
    }
  }

  @Test
  void helloIsAnsweredWithPendingUpdatesAtOnce() throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      URI endpoint = device.register(CHANNEL);
      device.leave();
      RawHttp.put(endpoint, "version=3");
      try (WireDevice again = WireDevice.resumed(server.port(), device.uaid(), CHANNEL)) {
        again.expectUpdate(CHANNEL, 3);
        again.acknowledge(CHANNEL, 3);
        again.proveNothingCame();
      }
      try (WireDevice again = WireDevice.resumed(server.port(), device.uaid(), CHANNEL)) {
        again.proveNothingCame();
      }
    }
  }

  @Test
  void uaidWrittenWithoutDashesIsEchoedSo() throws Exception {
    String uaid = UUID.randomUUID().toString().replace("-", "").toUpperCase();
    try (WireDevice device = WireDevice.connect(server.port())) {
      assertThat(device.hello(uaid)).isEqualTo(uaid);
    }
  }

  @Test
  void newestConnectionOfAUserAgentWins() throws Exception {
    try (WireDevice old = WireDevice.fresh(server.port())) {
      URI endpoint = old.register(CHANNEL);
      try (WireDevice fresh = WireDevice.resumed(server.port(), old.uaid(), CHANNEL)) {
        old.socket().expectClose(1008);
        RawHttp.put(endpoint, "version=1");
        fresh.expectUpdate(CHANNEL, 1);
      }
    }
  }

  @Test
  void secondHelloOfTheSameUserAgentIsAnsweredAgain() throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      URI endpoint = device.register(CHANNEL);
      RawHttp.put(endpoint, "version=1");
      device.expectUpdate(CHANNEL, 1);
      String uaid = device.uaid();
      assertThat(device.hello(uaid, CHANNEL)).isEqualTo(uaid);
      device.expectUpdate(CHANNEL, 1);
      assertThat(device.hello("", CHANNEL)).isEqualTo(uaid);
      device.expectUpdate(CHANNEL, 1);
    }
  }

  @Test
  void secondHelloOfAnotherUserAgentIs503AndCloses() throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      device.socket().send(WireDevice.helloMessage(UUID.randomUUID().toString()));
      assertError(device.socket().nextJson(), "hello", 503);
      device.socket().expectClose(1008);
    }
  }

  @Test
  void noHelloInTimeIs1008() throws Exception {
    try (PushServer strict = server().helloTimeout(ENOUGH_TO_ANSWER).build().start();
        RawWebSocket silent = RawWebSocket.connect(strict.port());
        RawWebSocket pinging = RawWebSocket.connect(strict.port())) {
      pinging.send("{}");
      assertThat(pinging.nextText()).isEqualTo("{}");
      silent.expectClose(1008);
      pinging.expectClose(1008);
      assertThat(strict.statistics().hellos()).isZero();
    }
  }

  @Test
  void helloThatTheStoreNeverAnswersIs1013() throws Exception {
    SlowStore silent = new SlowStore(new InMemoryVersionStore(), task -> {});
    try (PushServer strict =
            server().store(silent).helloTimeout(Duration.ofMillis(500)).build().start();
        RawWebSocket firefox = RawWebSocket.connect(strict.port());
        RawWebSocket device = RawWebSocket.connect(strict.port())) {
      firefox.send("{\"messageType\":\"hello\",\"use_webpush\":true}");
      device.send(WireDevice.helloMessage("", CHANNEL));
      firefox.expectClose(1013);
      device.expectClose(1013);
      assertThat(strict.statistics().storeFailures()).isEqualTo(2);
    }
  }

  @Test
  void helloInTimeStopsTheDeadline() throws Exception {
    try (PushServer strict = server().helloTimeout(ENOUGH_TO_ANSWER).build().start();
        WireDevice device = WireDevice.fresh(strict.port());
        RawWebSocket silent = RawWebSocket.connect(strict.port())) {
      silent.expectClose(1008); // connected later, so the device's own deadline is over too
      device.proveNothingCame();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'mobilenetwork':{'mcc':214,'mnc':7}",
        "'mobilenetwork':{'mcc':null,'mnc':null}",
        "'mobilenetwork':{'mcc':'214'}",
        "'mobilenetwork':'214-07'",
        "'wakeup_hostport':{'ip':'10.1.2.3'}",
        "'wakeup_hostport':{'ip':'10.1.2.3','port':null}",
        "'wakeup_hostport':{'ip':'10.1.2.3','port':'0'}",
        "'wakeup_hostport':{'ip':null,'port':5000}",
        "'wakeup_hostport':[]",
        "'wakeup_hostport':{'ip':'10.1.2.3','port':99999},'mobilenetwork':{'mcc':[],'mnc':{}}",
        "'use_webpush':7,'broadcasts':'x'",
        "'x':[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]",
      })
  void hintNeverRefusesAHello(String hints) throws Exception {
    String uaid = UUID.randomUUID().toString();
    String hello = "{'messageType':'hello','uaid':'" + uaid + "','channelIDs':[]," + hints + "}";
    try (WireDevice device = WireDevice.connect(server.port())) {
      device.socket().send(hello.replace('\'', '"'));
      assertThat(device.socket().nextJson())
          .isEqualTo(json("{'messageType':'hello','uaid':'" + uaid + "','status':200}"));
      device.proveNothingCame();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"100", "null", "'x'", "{'a':[]}"})
  void codeOfAnAckMayBeAnything(String code) throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      URI endpoint = device.register(CHANNEL);
      RawHttp.put(endpoint, "version=7");
      device.expectUpdate(CHANNEL, 7);
      String ack =
          "{'messageType':'ack','updates':[{'channelID':'"
              + CHANNEL
              + "','version':7,'code':"
              + code
              + "}]}";
      device.socket().send(ack.replace('\'', '"'));
      device.proveNothingCame();
      device.hello(device.uaid(), CHANNEL);
      device.proveNothingCame(); // it is not pending any more
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"messageType\":\"hello\",\"uaid\":7,\"use_webpush\":true}",
        "{\"messageType\":\"hello\",\"uaid\":[],\"channelIDs\":null}",
      })
  void malformedHelloWithoutAListIsClosedWithoutAnAnswer(String hello) throws Exception {
    try (RawWebSocket socket = RawWebSocket.connect(server.port())) {
      socket.send(hello);
      socket.expectClose(1008);
    }
  }

  // Before hello

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"messageType\":\"register\",\"channelID\":\"" + CHANNEL + "\"}",
        "{\"messageType\":\"unregister\",\"channelID\":\"" + CHANNEL + "\"}",
        "{\"messageType\":\"ack\",\"updates\":[]}",
      })
  void commandBeforeHelloIs401AndCloses(String command) throws Exception {
    try (RawWebSocket socket = RawWebSocket.connect(server.port())) {
      socket.send(command);
      assertError(socket.nextJson(), Json.text(Json.read(command), "messageType"), 401);
      socket.expectClose(1008);
    }
  }

  @Test
  void commandBeforeHelloKeepsItsChannelId() throws Exception {
    try (RawWebSocket socket = RawWebSocket.connect(server.port())) {
      socket.send(REGISTER);
      assertThat(field(socket.nextJson(), "channelID")).isEqualTo(CHANNEL);
    }
  }

  @Test
  void pingBeforeHelloIsAnswered() throws Exception {
    try (RawWebSocket socket = RawWebSocket.connect(server.port())) {
      socket.send("{\"messageType\":\"PING\"}");
      assertThat(socket.nextText()).isEqualTo("{}");
      new WireDevice(socket).hello("");
    }
  }

  // Errors

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"messageType\":\"register\"}",
        "{\"messageType\":\"register\",\"channelID\":7}",
        "{\"messageType\":\"register\",\"channelID\":null}",
        "{\"messageType\":\"register\",\"channelID\":\"\"}",
        "{\"messageType\":\"register\",\"channelID\":\"not a uuid\"}",
        "{\"messageType\":\"register\",\"channelID\":[]}",
        "{\"messageType\":\"unregister\"}",
        "{\"messageType\":\"unregister\",\"channelID\":{}}",
        "{\"messageType\":\"ack\"}",
        "{\"messageType\":\"ack\",\"updates\":{}}",
        "{\"messageType\":\"ack\",\"updates\":[7]}",
        "{\"messageType\":\"ack\",\"updates\":[{\"channelID\":\"" + CHANNEL + "\"}]}",
        "{\"messageType\":\"ack\",\"updates\":[{\"channelID\":\""
            + CHANNEL
            + "\",\"version\":-1}]}",
        "{\"messageType\":\"hello\",\"channelIDs\":7}",
        "{\"messageType\":\"hello\",\"channelIDs\":[7]}",
      })
  void badContentIs401AndTheConnectionStays(String command) throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      device.socket().send(command);
      assertError(device.socket().nextJson(), Json.text(Json.read(command), "messageType"), 401);
      device.proveNothingCame();
    }
  }

  @Test
  void badChannelIdIsEchoedIfItIsAString() throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      device.socket().send("{\"messageType\":\"register\",\"channelID\":\"not a uuid\"}");
      assertThat(field(device.socket().nextJson(), "channelID")).isEqualTo("not a uuid");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"nonsense", "", "notification", "hello "})
  void unknownMessageTypeIs401AndCloses(String type) throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      device.socket().send("{\"messageType\":\"" + type + "\"}");
      assertError(device.socket().nextJson(), type, 401);
      device.socket().expectClose(1008);
    }
  }

  @Test
  void moreChannelsThanAllowedIs503() throws Exception {
    try (PushServer small = server().maxChannelsPerUserAgent(2).build().start();
        WireDevice device = WireDevice.fresh(small.port())) {
      device.register(channel(1));
      device.register(channel(2));
      device.socket().send(REGISTER);
      Object answer = device.socket().nextJson();
      assertError(answer, "register", 503);
      assertThat(field(answer, "channelID")).isEqualTo(CHANNEL);
      device.register(channel(2)); // it has this one
      device.unregister(channel(1));
      device.register(CHANNEL);
    }
  }

  @Test
  void failingStoreIs500AndRevealsNothing() throws Exception {
    InMemoryVersionStore store = new InMemoryVersionStore();
    try (PushServer failing = server().store(store).build().start();
        WireDevice device = WireDevice.fresh(failing.port())) {
      store.close();
      device.socket().send(REGISTER);
      assertError(device.socket().nextJson(), "register", 500);
      device.socket().send("{\"messageType\":\"unregister\",\"channelID\":\"" + CHANNEL + "\"}");
      assertError(device.socket().nextJson(), "unregister", 500);
      try (RawWebSocket late = RawWebSocket.connect(failing.port())) {
        late.send(WireDevice.helloMessage(""));
        assertError(late.nextJson(), "hello", 503);
        late.expectClose(1013);
      }
      try (RawWebSocket firefox = RawWebSocket.connect(failing.port())) {
        firefox.send("{\"messageType\":\"hello\",\"broadcasts\":{},\"use_webpush\":true}");
        firefox.expectClose(1013);
      }
    }
  }

  // Unregister and notification

  @Test
  void unregisterIsIdempotent() throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      device.unregister(CHANNEL);
      device.register(CHANNEL);
      device.unregister(CHANNEL);
      device.unregister(CHANNEL);
    }
  }

  @Test
  void sameChannelOfTwoUserAgentsIsTwoChannels() throws Exception {
    try (WireDevice one = WireDevice.fresh(server.port());
        WireDevice two = WireDevice.fresh(server.port())) {
      URI ofOne = one.register(CHANNEL);
      URI ofTwo = two.register(CHANNEL);
      assertThat(ofOne).isNotEqualTo(ofTwo);
      RawHttp.put(ofOne, "version=1");
      one.expectUpdate(CHANNEL, 1);
      two.unregister(CHANNEL);
      RawHttp.put(ofOne, "version=2");
      one.expectUpdate(CHANNEL, 2);
      two.proveNothingCame();
    }
  }

  @Test
  void unacknowledgedUpdateIsSentAgainUntilItIs() throws Exception {
    try (PushServer eager = server().redeliveryInterval(Duration.ofMillis(100)).build().start();
        WireDevice device = WireDevice.fresh(eager.port())) {
      URI endpoint = device.register(CHANNEL);
      URI other = device.register(OTHER_CHANNEL);
      RawHttp.put(endpoint, "version=5");
      device.expectUpdate(CHANNEL, 5);
      device.expectUpdate(CHANNEL, 5);
      device.expectUpdate(CHANNEL, 5);
      device.acknowledge(CHANNEL, 5);
      device.drainUpdates(); // what was on its way when it was acknowledged
      // The redeliveries of the other channel come without this one.
      RawHttp.put(other, "version=1");
      device.expectUpdate(OTHER_CHANNEL, 1);
      device.expectUpdate(OTHER_CHANNEL, 1);
      device.expectUpdate(OTHER_CHANNEL, 1);
    }
  }

  @Test
  void versionOfAnAckMayBeAString() throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      RawHttp.put(device.register(CHANNEL), "version=5");
      device.expectUpdate(CHANNEL, 5);
      device
          .socket()
          .send(
              "{\"messageType\":\"ack\",\"updates\":[{\"channelID\":\""
                  + CHANNEL
                  + "\",\"version\":\"5\"}]}");
      device.hello(device.uaid(), CHANNEL);
      device.proveNothingCame();
    }
  }

  @Test
  void severalUpdatesTravelInOneMessage() throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      URI one = device.register(CHANNEL);
      URI other = device.register(OTHER_CHANNEL);
      device.leave();
      RawHttp.put(one, "version=1");
      RawHttp.put(other, "version=2");
      try (WireDevice again =
          WireDevice.resumed(server.port(), device.uaid(), CHANNEL, OTHER_CHANNEL)) {
        assertThat(again.nextUpdates()).isEqualTo(Map.of(CHANNEL, 1L, OTHER_CHANNEL, 2L));
      }
    }
  }

  // Ping

  @ParameterizedTest
  @ValueSource(
      strings = {"{}", " { } ", "{\"messageType\":\"ping\"}", "{\"messageType\":\"Ping\"}"})
  void pingIsAnswered(String ping) throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      device.socket().send(ping);
      assertThat(device.socket().nextText()).isEqualTo("{}");
    }
  }

  @Test
  void pingsTooOftenAre1008ButABurstOfTwoIsForgiven() throws Exception {
    try (PushServer strict = server().pingMinInterval(Duration.ofSeconds(20)).build().start();
        WireDevice device = WireDevice.fresh(strict.port())) {
      device.socket().sendAtOnce("{}", "{}", "{}");
      assertThat(device.socket().nextText()).isEqualTo("{}");
      assertThat(device.socket().nextText()).isEqualTo("{}");
      device.socket().expectClose(1008);
    }
  }

  @Test
  void pingFramesAreNotCounted() throws Exception {
    try (PushServer strict = server().pingMinInterval(Duration.ofSeconds(20)).build().start();
        WireDevice device = WireDevice.fresh(strict.port())) {
      RawWebSocket socket = device.socket();
      for (int i = 0; i < 20; i++) {
        socket.send(socket.masked(RawWebSocket.FIN | RawWebSocket.PING, new byte[] {(byte) i}));
        RawWebSocket.Frame pong = socket.nextFrame();
        assertThat(pong.opcode()).isEqualTo(RawWebSocket.PONG);
        assertThat(pong.payload()).containsExactly(i);
      }
      device.proveNothingCame();
    }
  }

  @Test
  void answerToAPingIsExactlyTwoBytes() throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      device.socket().send("{\"messageType\":\"ping\",\"x\":1}");
      RawWebSocket.Frame frame = device.socket().nextFrame();
      assertThat(frame.payload()).hasSize(2);
      assertThat(Json.read(frame.text())).isEqualTo(json("{}"));
    }
  }

  // Probing

  @Test
  void silentDeviceIsProbedWithPingFramesAndStaysIfItAnswers() throws Exception {
    try (PushServer probing = server().probeInterval(ENOUGH_TO_ANSWER).build().start();
        WireDevice device = WireDevice.fresh(probing.port())) {
      RawWebSocket socket = device.socket();
      for (int i = 0; i < 3; i++) {
        RawWebSocket.Frame ping = socket.nextFrame();
        assertThat(ping.opcode()).isEqualTo(RawWebSocket.PING);
        socket.send(socket.masked(RawWebSocket.FIN | RawWebSocket.PONG, ping.payload()));
      }
      socket.send("{}");
      RawWebSocket.Frame frame = socket.nextFrame();
      while (frame.opcode() == RawWebSocket.PING) {
        frame = socket.nextFrame();
      }
      assertThat(frame.text()).isEqualTo("{}");
    }
  }

  @Test
  void deviceThatDoesNotAnswerAProbeIsGone() throws Exception {
    try (PushServer probing = server().probeInterval(ENOUGH_TO_ANSWER).build().start();
        WireDevice device = WireDevice.fresh(probing.port())) {
      assertThat(device.socket().nextFrame().opcode()).isEqualTo(RawWebSocket.PING);
      device.socket().expectEnd();
    }
  }
}
