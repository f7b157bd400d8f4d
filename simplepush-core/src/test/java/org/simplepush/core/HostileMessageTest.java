package org.simplepush.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.MalformedMessageException.Severity;

/** Text that is no message at all, and messages beyond every limit. */
@Timeout(20)
class HostileMessageTest {
  private static final String ID = "10000000-0000-4000-8000-00000000000a";

  private final MessageCodec codec = new MessageCodec();

  private static MalformedMessageException refusal(MessageCodec codec, String text) {
    MalformedMessageException byServer =
        catchThrowableOfType(MalformedMessageException.class, () -> codec.readClientMessage(text));
    MalformedMessageException byDevice =
        catchThrowableOfType(MalformedMessageException.class, () -> codec.readServerMessage(text));
    assertThat(byServer).as("server, %.100s", text).isNotNull();
    assertThat(byDevice).as("device, %.100s", text).isNotNull();
    assertThat(byDevice).hasMessage(byServer.getMessage());
    assertThat(byDevice.severity()).isEqualTo(byServer.severity());
    return byServer;
  }

  private void assertNotAMessage(String text) {
    MalformedMessageException refusal = refusal(codec, text);
    assertThat(refusal.severity()).as("%.100s", text).isEqualTo(Severity.NOT_A_MESSAGE);
    assertThat(refusal.toFailure().messageType()).isNull();
    assertThat(refusal.toFailure().channelId()).isNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "\n",
        "\u0000",
        "\ufeff{}",
        "hello",
        "null",
        "true",
        "1",
        "-",
        "\"\"",
        "\"hello\"",
        "[]",
        "[{}]",
        "{",
        "}",
        "{]",
        "{}}",
        "{}{}",
        "{} {}",
        "{},",
        "{}x",
        "{} 1",
        "{}null",
        "{}[",
        "{}\u0000",
        "{} //",
        "/**/{}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":'b'}",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":1.}",
        "{\"a\":1e}",
        "{\"a\":0x1}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":undefined}",
        "{\"a\":True}",
        "{\"a\":nul}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\u0001\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u12G4\"}",
        "{\"a\":\"}",
        "{\"a:1}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1;\"b\":2}",
        "{\"a\":[1}",
        "{\"a\":[1,]}",
        "{\"a\":{]}",
        "{\"messageType\":\"hello\"}{\"messageType\":\"hello\"}",
        "{\"messageType\":\"hello\"}\n{\"messageType\":\"hello\"}",
        "{\"messageType\":\"hello\"} trailing garbage",
        "{\"messageType\":\"ping\"}}",
        "<xml/>",
        "messageType=hello",
        "GET / HTTP/1.1\r\n\r\n",
      })
  void whatIsNotOneJsonObjectIsNoMessage(String text) {
    assertNotAMessage(text);
  }

  static Stream<String> everyMessage() {
    MessageSamples samples = new MessageSamples(1);
    MessageCodec codec = new MessageCodec();
    return Stream.concat(
        samples.oneOfEachClientMessage().stream().map(codec::write),
        samples.oneOfEachServerMessage().stream().map(codec::write));
  }

  @ParameterizedTest
  @MethodSource("everyMessage")
  void truncatedMessageIsNoMessage(String text) {
    for (int length = 0; length < text.length(); length++) {
      assertNotAMessage(text.substring(0, length));
    }
  }

  @Test
  void whiteSpaceAroundAMessageIsAllowed() throws Exception {
    assertThat(codec.readClientMessage(" \t\r\n{ \"messageType\" : \"nack\" }\n\n"))
        .isEqualTo(new ClientMessage.Nack());
  }

  @ParameterizedTest
  @ValueSource(ints = {40, 1_000, 30_000})
  void deepNestingIsNoMessage(int depth) {
    assertNotAMessage("[".repeat(depth));
    assertNotAMessage("{\"a\":".repeat(depth / 5 + 33));
    assertNotAMessage("{\"x\":" + "[".repeat(depth) + "]".repeat(depth) + "}");
    assertNotAMessage("{\"uaid\":" + "[".repeat(depth) + "]".repeat(depth) + "}");
    assertNotAMessage("{\"updates\":" + "[".repeat(depth) + "]".repeat(depth) + "}");
    assertNotAMessage("{\"channelIDs\":[" + "[".repeat(depth) + "]".repeat(depth) + "]}");
    assertNotAMessage(
        "{\"updates\":[{\"version\":" + "[".repeat(depth) + "]".repeat(depth) + "}]}");
    assertNotAMessage("{\"wakeup_hostport\":{\"ip\":" + "[".repeat(depth));
  }

  @Test
  void nestingAsDeepAsOtherDialectsNeedIsAllowed() throws Exception {
    String junk = "[".repeat(31) + "]".repeat(31);

    assertThat(codec.readClientMessage("{\"x\":" + junk + ",\"messageType\":\"nack\"}"))
        .isEqualTo(new ClientMessage.Nack());
    for (String hint : List.of("wakeup_hostport", "mobilenetwork", "broadcasts", "use_webpush")) {
      String hello = "{\"messageType\":\"hello\",\"" + hint + "\":" + junk + "}";
      assertThat(codec.readClientMessage(hello)).isEqualTo(new ClientMessage.Hello(null, null));
    }
    assertNotAMessage("{\"messageType\":\"hello\",\"broadcasts\":[" + junk + "]}");
  }

  @ParameterizedTest
  @ValueSource(ints = {65, 1_000, 60_000})
  void hugeNumberIsNoMessageWhereverItStands(int digits) {
    String number = "9".repeat(digits);
    assertNotAMessage("{\"x\":" + number + "}");
    assertNotAMessage("{\"x\":-" + number + "}");
    assertNotAMessage("{\"x\":[" + number + "]}");
    assertNotAMessage("{\"x\":0." + number + "}");
    assertNotAMessage("{\"x\":1e" + number + "}");
    assertNotAMessage("{\"uaid\":" + number + "}");
    assertNotAMessage("{\"status\":" + number + "}");
    assertNotAMessage("{\"updates\":[{\"version\":" + number + "}]}");
  }

  @Test
  void numberThatNoMachineHoldsIsSkippedAtOnce() throws Exception {
    assertThat(codec.readClientMessage("{\"x\":1e999999999,\"messageType\":\"nack\"}"))
        .isEqualTo(new ClientMessage.Nack());
    MalformedMessageException refusal =
        catchThrowableOfType(
            MalformedMessageException.class,
            () ->
                codec.readClientMessage(
                    "{\"messageType\":\"ack\",\"updates\":[{\"channelID\":\""
                        + ID
                        + "\",\"version\":1e999999999}]}"));
    assertThat(refusal.severity()).isEqualTo(Severity.BAD_CONTENT);
  }

  @Test
  void longNamesAndStringsUpToTheLimitAreRead() throws Exception {
    String longName = "n".repeat(30_000);
    String longText = "t".repeat(30_000);

    assertThat(
            codec.readClientMessage(
                "{\"" + longName + "\":\"" + longText + "\",\"messageType\":\"nack\"}"))
        .isEqualTo(new ClientMessage.Nack());
  }

  @Test
  void longIdIsJustNoUuid() {
    MalformedMessageException refusal =
        refusal(
            codec, "{\"messageType\":\"register\",\"channelID\":\"" + "a".repeat(60_000) + "\"}");

    assertThat(refusal.severity()).isEqualTo(Severity.BAD_CONTENT);
  }

  @Test
  void messageOfTheMaximumLengthIsRead() throws Exception {
    String frame = "{\"messageType\":\"nack\",\"x\":\"\"}";
    int room = MessageCodec.DEFAULT_MAX_MESSAGE_LENGTH - frame.length();
    String longest = frame.replace("\"\"", "\"" + "x".repeat(room) + "\"");

    assertThat(longest).hasSize(64 * 1024);
    assertThat(codec.readClientMessage(longest)).isEqualTo(new ClientMessage.Nack());
    assertNotAMessage(longest + " ");
  }

  @Test
  void lengthLimitIsTheOneAskedFor() throws Exception {
    MessageCodec small = new MessageCodec(22);

    assertThat(small.readClientMessage("{\"messageType\":\"nack\"}"))
        .isEqualTo(new ClientMessage.Nack());
    assertThat(refusal(small, "{\"messageType\":\"nack\" }"))
        .hasMessage("the message is longer than 22 characters");
    assertThat(new MessageCodec(Integer.MAX_VALUE).readClientMessage("{}"))
        .isEqualTo(new ClientMessage.Ping());
  }

  @Test
  void lengthLimitIsPositive() {
    assertThatThrownBy(() -> new MessageCodec(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new MessageCodec(-1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void helloOfAThousandChannelsIsRead() throws Exception {
    List<ChannelId> channels = Stream.generate(ChannelId::random).limit(1_000).toList();
    ClientMessage hello = new ClientMessage.Hello(Uaid.random(), channels);

    assertThat(codec.readClientMessage(codec.write(hello))).isEqualTo(hello);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"pushEndpoint\":s3cr3t}",
        "{\"pushEndpoint\":\"s3cr3t\"",
        "{\"pushEndpoint\":\"s3cr3t\\x\"}",
        "{\"pushEndpoint\":\"s3cr3t\n\"}",
        "{s3cr3t}",
        "s3cr3t",
        "{} s3cr3t",
        "{\"s3cr3t\":s3cr3t}",
        "{\"messageType\":\"hello\",\"uaid\":[\"s3cr3t\"]}",
        "{\"messageType\":\"hello\",\"channelIDs\":[\"s3cr3t\"]}",
        "{\"messageType\":\"ack\",\"updates\":[{\"channelID\":\"s3cr3t\"}]}",
      })
  void refusalQuotesNothing(String text) {
    MalformedMessageException refusal =
        catchThrowableOfType(MalformedMessageException.class, () -> codec.readClientMessage(text));

    assertThat(refusal.toString()).doesNotContain("s3cr3t");
    assertThat(refusal.toFailure().toString()).doesNotContain("s3cr3t");
    assertThat(refusal.getCause()).isNull();
  }

  @Test
  void refusalSaysWhereTheParserStopped() {
    assertThat(refusal(codec, "{\"messageType\":\"hello\",}"))
        .hasMessage("the message is not JSON within sane limits, at character 23");
  }

  @Test
  void refusalCostsNoStackTrace() {
    assertThat(refusal(codec, "x").getStackTrace()).isEmpty();
  }
}
