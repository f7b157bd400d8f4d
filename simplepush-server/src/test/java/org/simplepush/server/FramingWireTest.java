package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.Json.field;
import static org.simplepush.server.fixtures.Json.json;
import static org.simplepush.server.fixtures.RawWebSocket.BINARY;
import static org.simplepush.server.fixtures.RawWebSocket.CLOSE;
import static org.simplepush.server.fixtures.RawWebSocket.CONTINUATION;
import static org.simplepush.server.fixtures.RawWebSocket.FIN;
import static org.simplepush.server.fixtures.RawWebSocket.PING;
import static org.simplepush.server.fixtures.RawWebSocket.PONG;
import static org.simplepush.server.fixtures.RawWebSocket.TEXT;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.server;

import com.sun.management.ThreadMXBean;
import java.io.ByteArrayOutputStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.Json;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.TestServers;
import org.simplepush.server.fixtures.WireDevice;

/** Messages, frames and close codes of protocol §1, byte for byte. */
@Timeout(60)
@ExtendWith(Hygiene.class)
class FramingWireTest {
  private static final int LIMIT = 64 * 1024;
  private static final byte[] EMPTY = {};

  private static PushServer server;
  private RawWebSocket socket;

  @BeforeAll
  static void startServer() throws Exception {
    server = server().build().start();
  }

  @AfterAll
  static void closeServer() {
    server.close();
  }

  @BeforeEach
  void connect() throws Exception {
    socket = RawWebSocket.connect(server.port());
  }

  /** Whatever this connection went through, the next one is served as ever. */
  @AfterEach
  void serverStillServes() throws Exception {
    socket.close();
    try (WireDevice device = WireDevice.fresh(server.port())) {
      device.proveNothingCame();
    }
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  /** A ping of this many bytes: unknown fields are ignored. */
  private static String pingOf(int bytes) {
    String start = "{\"messageType\":\"ping\",\"x\":\"";
    return start + "x".repeat(bytes - start.length() - 2) + "\"}";
  }

  private void expectPong() throws Exception {
    assertThat(socket.nextText()).isEqualTo("{}");
  }

  // Text in all its shapes

  @Test
  void oneFrame() throws Exception {
    socket.send("{}");
    expectPong();
  }

  @Test
  void byteByByte() throws Exception {
    socket.sendByteByByte("{\"messageType\":\"hello\",\"uaid\":\"\",\"channelIDs\":[]}");
    assertThat(field(socket.nextJson(), "status")).isEqualTo(200L);
  }

  @Test
  void fragments() throws Exception {
    socket.sendFragments(utf8("{"), utf8("\"messageType\":"), EMPTY, utf8("\"ping\"}"));
    expectPong();
  }

  @Test
  void fragmentsOfOneByteEach() throws Exception {
    byte[] message = utf8("{\"messageType\":\"ping\"}");
    byte[][] fragments = new byte[message.length][];
    for (int i = 0; i < message.length; i++) {
      fragments[i] = new byte[] {message[i]};
    }
    socket.sendFragments(fragments);
    expectPong();
  }

  @Test
  void lastFragmentMayBeEmpty() throws Exception {
    socket.sendFragments(utf8("{}"), EMPTY);
    expectPong();
  }

  @Test
  void controlFramesMayComeBetweenFragments() throws Exception {
    socket.send(socket.masked(TEXT, utf8("{")));
    socket.send(socket.masked(FIN | PING, utf8("between")));
    socket.send(socket.masked(FIN | PONG, EMPTY));
    socket.send(socket.masked(FIN | CONTINUATION, utf8("}")));
    RawWebSocket.Frame pong = socket.nextFrame();
    assertThat(pong.opcode()).isEqualTo(PONG);
    assertThat(pong.text()).isEqualTo("between");
    expectPong();
  }

  @Test
  void utf8MayBeSplitBetweenFragments() throws Exception {
    byte[] message = utf8("{\"messageType\":\"x\u00e4\u20ac\ud83d\ude00\"}");
    byte[][] fragments = new byte[message.length][];
    for (int i = 0; i < message.length; i++) {
      fragments[i] = new byte[] {message[i]};
    }
    socket.sendFragments(fragments);
    Object answer = socket.nextJson();
    assertThat(field(answer, "messageType")).isEqualTo("x\u00e4\u20ac\ud83d\ude00");
    assertThat(field(answer, "status")).isEqualTo(401L);
    socket.expectClose(1008);
  }

  @Test
  void manyMessagesInOneSegmentAreAnsweredInOrder() throws Exception {
    String register = "{\"messageType\":\"register\",\"channelID\":\"%s\"}";
    String unregister = "{\"messageType\":\"unregister\",\"channelID\":\"%s\"}";
    socket.sendAtOnce(
        WireDevice.helloMessage(""),
        register.formatted(CHANNEL),
        "{}",
        unregister.formatted(CHANNEL),
        register.formatted("zzz"),
        "{}");
    assertThat(field(socket.nextJson(), "messageType")).isEqualTo("hello");
    assertThat(field(socket.nextJson(), "messageType")).isEqualTo("register");
    expectPong();
    assertThat(field(socket.nextJson(), "messageType")).isEqualTo("unregister");
    assertThat(field(socket.nextJson(), "status")).isEqualTo(401L);
    expectPong();
  }

  @Test
  void manyPipelinedMessagesAreAnsweredEachInOrder() throws Exception {
    int count = 500;
    socket.send(WireDevice.helloMessage(""));
    socket.nextJson();
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (int i = 0; i < count; i++) {
      all.writeBytes(
          socket.maskedText(
              "{\"messageType\":\"register\",\"channelID\":\"" + TestServers.channel(i) + "\"}"));
    }
    socket.send(all.toByteArray());
    for (int i = 0; i < count; i++) {
      assertThat(field(socket.nextJson(), "channelID")).isEqualTo(TestServers.channel(i));
    }
  }

  // Control frames

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 125})
  void pingFrameIsAnsweredByAPongFrame(int length) throws Exception {
    byte[] payload = new byte[length];
    java.util.Arrays.fill(payload, (byte) 0xfe);
    socket.send(socket.masked(FIN | PING, payload));
    RawWebSocket.Frame pong = socket.nextFrame();
    assertThat(pong.opcode()).isEqualTo(PONG);
    assertThat(pong.fin()).isTrue();
    assertThat(pong.payload()).isEqualTo(payload);
  }

  @Test
  void pongFrameNobodyAskedForIsIgnored() throws Exception {
    socket.send(socket.masked(FIN | PONG, utf8("here I am")));
    socket.send("{}");
    expectPong();
  }

  @ParameterizedTest
  @ValueSource(ints = {PING, PONG, CLOSE})
  void controlFrameOver125BytesIs1002(int opcode) throws Exception {
    socket.send(socket.masked(FIN | opcode, new byte[126]));
    socket.expectClose(1002);
  }

  @ParameterizedTest
  @ValueSource(ints = {PING, PONG, CLOSE})
  void fragmentedControlFrameIs1002(int opcode) throws Exception {
    socket.send(socket.masked(opcode, EMPTY));
    socket.expectClose(1002);
  }

  // Closing

  @ParameterizedTest
  @ValueSource(ints = {1000, 1001, 3000, 4999})
  void closeIsAnsweredWithItsCodeAndTcpEnds(int code) throws Exception {
    socket.sendClose(code);
    socket.expectClose(code);
  }

  @Test
  void closeWithoutCodeIsAnsweredAndTcpEnds() throws Exception {
    socket.send(socket.masked(FIN | CLOSE, EMPTY));
    RawWebSocket.Frame frame = socket.nextFrame();
    assertThat(frame.opcode()).isEqualTo(CLOSE);
    assertThat(frame.closeCode()).isIn(1000, 1005);
    socket.expectEnd();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65535})
  void closeWithACodeThatMustNotBeSentIs1002(int code) throws Exception {
    socket.sendClose(code);
    socket.expectClose(1002);
  }

  @Test
  void closeOfOneByteIs1002() throws Exception {
    socket.send(socket.masked(FIN | CLOSE, new byte[1]));
    socket.expectClose(1002);
  }

  @Test
  void closeReasonThatIsNotUtf8IsRefused() throws Exception {
    socket.send(socket.masked(FIN | CLOSE, HexFormat.of().parseHex("03e8ff")));
    RawWebSocket.Frame frame = socket.nextFrame();
    assertThat(frame.opcode()).isEqualTo(CLOSE);
    assertThat(frame.closeCode()).isIn(1002, 1007);
    socket.expectEnd();
  }

  @Test
  void nothingIsAnsweredAfterAClose() throws Exception {
    ByteArrayOutputStream both = new ByteArrayOutputStream();
    both.writeBytes(socket.masked(FIN | CLOSE, HexFormat.of().parseHex("03e8")));
    both.writeBytes(socket.maskedText("{}"));
    socket.send(both.toByteArray());
    socket.expectClose(1000);
  }

  @Test
  void messageRightBeforeACloseIsAnswered() throws Exception {
    ByteArrayOutputStream both = new ByteArrayOutputStream();
    both.writeBytes(socket.maskedText("{}"));
    both.writeBytes(socket.masked(FIN | CLOSE, HexFormat.of().parseHex("03e8")));
    socket.send(both.toByteArray());
    expectPong();
    socket.expectClose(1000);
  }

  // What this protocol has not

  @Test
  void binaryIs1003() throws Exception {
    socket.send(socket.masked(FIN | BINARY, utf8("{}")));
    socket.expectClose(1003);
  }

  @Test
  void fragmentedBinaryIs1003() throws Exception {
    socket.send(socket.masked(BINARY, utf8("{")));
    socket.send(socket.masked(FIN | CONTINUATION, utf8("}")));
    socket.expectClose(1003);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ff", // never in UTF-8
        "c0af", // overlong
        "c080", // overlong NUL
        "eda080", // half of a surrogate pair
        "f4908080", // beyond U+10FFFF
        "e282", // cut off
        "7b227822 3a22ff227d", // within a string
      })
  void invalidUtf8Is1007(String hex) throws Exception {
    socket.send(socket.masked(FIN | TEXT, HexFormat.of().parseHex(hex.replace(" ", ""))));
    socket.expectClose(1007);
  }

  @Test
  void invalidUtf8OverFragmentsIs1007() throws Exception {
    socket.sendFragments(HexFormat.of().parseHex("7b22e2"), HexFormat.of().parseHex("28a1227d"));
    socket.expectClose(1007);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "x",
        "{",
        "}",
        "[]",
        "[{}]",
        "null",
        "1",
        "\"{}\"",
        "{}{}",
        "{} x",
        "{'messageType':'ping'}",
        "{\"messageType\":\"ping\",}",
        "{\"messageType\":}",
        "{messageType:\"ping\"}",
        "{\"a\":NaN}",
        "{\"a\":01}",
        "// {}\n{}",
        "\ufeff{}x",
      })
  void textThatIsNotOneJsonObjectIs1002(String text) throws Exception {
    socket.send(text);
    socket.expectClose(1002);
  }

  @ParameterizedTest
  @CsvSource({"[,]", "{\"a\":,}"})
  void deepNestingIs1002(String open, String close) throws Exception {
    int depth = 9_000;
    socket.send("{\"x\":" + open.repeat(depth) + "1" + close.repeat(depth) + "}");
    socket.expectClose(1002);
  }

  @Test
  void numberOfManyDigitsIs1002() throws Exception {
    socket.send("{\"x\":" + "9".repeat(60_000) + "}");
    socket.expectClose(1002);
  }

  // Limits

  @Test
  void messageAtTheLimitIsTaken() throws Exception {
    socket.send(pingOf(LIMIT));
    expectPong();
  }

  @Test
  void messageAtTheLimitInFragmentsIsTaken() throws Exception {
    byte[] message = utf8(pingOf(LIMIT));
    socket.sendFragments(
        java.util.Arrays.copyOf(message, LIMIT / 2),
        java.util.Arrays.copyOfRange(message, LIMIT / 2, LIMIT));
    expectPong();
  }

  @Test
  void messageOverTheLimitIs1009() throws Exception {
    socket.socket().writeWhilePeerListens(socket.maskedText(pingOf(LIMIT + 1)));
    socket.expectClose(1009);
  }

  @Test
  void messageOverTheLimitInFragmentsIs1009() throws Exception {
    byte[] message = utf8(pingOf(LIMIT + 1));
    socket.send(socket.masked(TEXT, java.util.Arrays.copyOf(message, LIMIT)));
    socket.send(socket.masked(FIN | CONTINUATION, new byte[] {message[LIMIT]}));
    socket.expectClose(1009);
  }

  @Test
  void fragmentsWithoutEndAre1009() throws Exception {
    socket.send(socket.masked(TEXT, utf8("{")));
    byte[] fragment = socket.masked(CONTINUATION, EMPTY);
    ByteArrayOutputStream many = new ByteArrayOutputStream();
    for (int i = 0; i < 10_000; i++) {
      many.writeBytes(fragment);
    }
    socket.socket().writeWhilePeerListens(many.toByteArray());
    socket.expectClose(1009);
  }

  @ParameterizedTest
  @ValueSource(longs = {LIMIT + 1, Integer.MAX_VALUE, 1L << 40, Long.MAX_VALUE})
  void frameThatAnnouncesTooMuchIs1009BeforeItComes(long length) throws Exception {
    socket.send(RawWebSocket.headAnnouncing(FIN | TEXT, length));
    socket.expectClose(1009);
  }

  @Test
  void frameThatAnnouncesTooMuchCostsNoMemory() throws Exception {
    socket.send("{}");
    expectPong();
    long before = bytesAllocatedByLoops();
    socket.send(RawWebSocket.headAnnouncing(FIN | TEXT, 1_000_000_000));
    socket.expectClose(1009);
    assertThat(bytesAllocatedByLoops() - before).isLessThan(1_000_000);
  }

  private static long bytesAllocatedByLoops() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    String prefix = "simplepush-" + server.port() + "-loop";
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith(prefix))
        .mapToLong(loop -> threads.getThreadAllocatedBytes(loop.getId()))
        .sum();
  }

  @Test
  void frameWhoseLengthIsNegativeIsRefused() throws Exception {
    socket.send(RawWebSocket.headAnnouncing(FIN | TEXT, Long.MIN_VALUE));
    RawWebSocket.Frame frame = socket.nextFrame();
    assertThat(frame.opcode()).isEqualTo(CLOSE);
    assertThat(frame.closeCode()).isIn(1002, 1009);
    socket.expectEnd();
  }

  @Test
  void hugeContinuationIs1009() throws Exception {
    socket.send(socket.masked(TEXT, utf8("{")));
    socket.send(RawWebSocket.headAnnouncing(FIN | CONTINUATION, 1L << 40));
    socket.expectClose(1009);
  }

  // Frames that break RFC 6455

  @Test
  void unmaskedFrameIs1002() throws Exception {
    socket.send(RawWebSocket.unmasked(FIN | TEXT, utf8("{}")));
    socket.expectClose(1002);
  }

  @Test
  void unmaskedControlFrameIs1002() throws Exception {
    socket.send(RawWebSocket.unmasked(FIN | PING, EMPTY));
    socket.expectClose(1002);
  }

  @ParameterizedTest
  @ValueSource(ints = {0x40, 0x20, 0x10, 0x70})
  void reservedBitIs1002(int bits) throws Exception {
    socket.send(socket.masked(FIN | bits | TEXT, utf8("{}")));
    socket.expectClose(1002);
  }

  @ParameterizedTest
  @ValueSource(ints = {3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF})
  void reservedOpcodeIs1002(int opcode) throws Exception {
    socket.send(socket.masked(FIN | opcode, utf8("{}")));
    socket.expectClose(1002);
  }

  @Test
  void continuationOfNothingIs1002() throws Exception {
    socket.send(socket.masked(FIN | CONTINUATION, utf8("{}")));
    socket.expectClose(1002);
  }

  @Test
  void newMessageBeforeTheEndOfTheLastIs1002() throws Exception {
    socket.send(socket.masked(TEXT, utf8("{")));
    socket.send(socket.masked(FIN | TEXT, utf8("{}")));
    socket.expectClose(1002);
  }

  @Test
  void messageBeforeABrokenFrameIsAnswered() throws Exception {
    ByteArrayOutputStream both = new ByteArrayOutputStream();
    both.writeBytes(socket.maskedText("{}"));
    both.writeBytes(RawWebSocket.unmasked(FIN | TEXT, utf8("{}")));
    both.writeBytes(socket.maskedText("{}"));
    socket.send(both.toByteArray());
    expectPong();
    socket.expectClose(1002);
  }

  @Test
  void nothingIsDoneAfterInvalidUtf8() throws Exception {
    ByteArrayOutputStream both = new ByteArrayOutputStream();
    both.writeBytes(socket.masked(FIN | TEXT, new byte[] {(byte) 0xff}));
    both.writeBytes(socket.maskedText("{}"));
    socket.send(both.toByteArray());
    socket.expectClose(1007);
  }

  @Test
  void longReasonDoesNotPreventTheClose() throws Exception {
    socket.send("{\"messageType\":" + "nonsense".repeat(1_000) + "}");
    socket.expectClose(1002);
  }

  // Ids and fields on the wire

  @ParameterizedTest
  @ValueSource(
      strings = {
        "D9B74644-4F97-46AA-B8FA-9393985CD6CD",
        "d9b746444f9746aab8fa9393985cd6cd",
        "D9b74644-4f97-46AA-b8fa-9393985cd6cd"
      })
  void channelIdIsEchoedAsWritten(String channelId) throws Exception {
    WireDevice device = new WireDevice(socket);
    device.hello("");
    java.net.URI endpoint = device.register(channelId);
    assertThat(RawHttp.put(endpoint, "version=3").status()).isEqualTo(200);
    device.expectUpdate(channelId, 3);
    device.unregister(channelId);
  }

  @Test
  void messageTypeIgnoresCaseAndFieldNamesDoNot() throws Exception {
    socket.send("{\"messageType\":\"HeLLo\",\"UAID\":5,\"uaid\":\"\",\"channelIDs\":[]}");
    Object hello = socket.nextJson();
    assertThat(field(hello, "messageType")).isEqualTo("hello");
    assertThat(field(hello, "status")).isEqualTo(200L);
    socket.send("{\"messageType\":\"REGISTER\",\"channelid\":\"" + CHANNEL + "\"}");
    Object answer = socket.nextJson();
    assertThat(field(answer, "messageType")).asString().isEqualToIgnoringCase("register");
    assertThat(field(answer, "status")).isEqualTo(401L);
  }

  @Test
  void unknownFieldsOfEveryKindAreIgnored() throws Exception {
    socket.send(
        "{\"a\":[1,{\"b\":[]}],\"messageType\":\"ping\",\"c\":{\"messageType\":\"x\"},\"d\":null,"
            + "\"e\":1.5e10,\"f\":true}");
    expectPong();
  }

  @Test
  void firefoxsFirstHelloIsAnsweredWithoutUseWebpush() throws Exception {
    socket.send("{\"messageType\":\"hello\",\"broadcasts\":{},\"use_webpush\":true}");
    Object hello = socket.nextJson();
    assertThat(hello)
        .isEqualTo(
            json("{'messageType':'hello','uaid':'" + Json.text(hello, "uaid") + "','status':200}"));
  }

  @Test
  void ackFurtherMessagesOfFirefoxGetNoAnswer() throws Exception {
    WireDevice device = new WireDevice(socket);
    device.hello("");
    for (String message :
        List.of(
            "{\"messageType\":\"broadcast_subscribe\",\"broadcasts\":{\"a\":\"\\\"0\\\"\"}}",
            "{\"messageType\":\"purge\"}",
            "{\"messageType\":\"nack\",\"version\":\"\",\"code\":301}",
            "{\"messageType\":\"ack\",\"updates\":[{\"channelID\":\""
                + CHANNEL
                + "\",\"version\":1,\"code\":102}]}")) {
      socket.send(message);
    }
    device.proveNothingCame();
  }
}
