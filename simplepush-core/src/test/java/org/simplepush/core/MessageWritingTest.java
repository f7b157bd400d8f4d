package org.simplepush.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.core.ClientMessage.MobileNetwork;
import org.simplepush.core.ClientMessage.WakeUpAddress;
import org.simplepush.core.ServerMessage.Failure;

/** The exact text of every message, as the protocol shows it; JSON is written with ' for ". */
@Timeout(20)
class MessageWritingTest {
  private static final String A = "10000000-0000-4000-8000-00000000000a";
  private static final String B = "ABCDEF0000004000800000000000000B";
  private static final Uaid UAID = Uaid.parse(A);
  private static final ChannelId CHANNEL_A = ChannelId.parse(A);
  private static final ChannelId CHANNEL_B = ChannelId.parse(B);

  private final MessageCodec codec = new MessageCodec();

  private void assertWritten(ClientMessage message, String text) {
    assertThat(codec.write(message)).isEqualTo(json(text));
  }

  private void assertWritten(ServerMessage message, String text) {
    assertThat(codec.write(message)).isEqualTo(json(text));
    assertThat(bytes(message)).asString(StandardCharsets.UTF_8).isEqualTo(json(text));
  }

  private byte[] bytes(ServerMessage message) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      codec.write(message, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static String json(String text) {
    return text.replace('\'', '"').replace("$A", A).replace("$B", B);
  }

  @Test
  void hello() {
    assertWritten(
        new ClientMessage.Hello(
            UAID,
            List.of(CHANNEL_A, CHANNEL_B),
            new WakeUpAddress("10.1.2.3", 4711),
            new MobileNetwork("262", "07")),
        "{'messageType':'hello','uaid':'$A','channelIDs':['$A','$B'],"
            + "'wakeup_hostport':{'ip':'10.1.2.3','port':4711},"
            + "'mobilenetwork':{'mcc':'262','mnc':'07'}}");
  }

  @Test
  void helloWithoutUaidSaysSo() {
    assertWritten(
        new ClientMessage.Hello(null, List.of()),
        "{'messageType':'hello','uaid':'','channelIDs':[]}");
  }

  @Test
  void helloThatDoesNotSayItsChannelsHasNoList() {
    assertWritten(new ClientMessage.Hello(UAID, null), "{'messageType':'hello','uaid':'$A'}");
  }

  @Test
  void register() {
    assertWritten(
        new ClientMessage.Register(CHANNEL_B), "{'messageType':'register','channelID':'$B'}");
  }

  @Test
  void unregister() {
    assertWritten(
        new ClientMessage.Unregister(CHANNEL_B), "{'messageType':'unregister','channelID':'$B'}");
  }

  @Test
  void ack() {
    assertWritten(
        new ClientMessage.Ack(
            List.of(new Update(CHANNEL_A, 7), new Update(CHANNEL_B, Long.MAX_VALUE))),
        "{'messageType':'ack','updates':[{'channelID':'$A','version':7},"
            + "{'channelID':'$B','version':9223372036854775807}]}");
  }

  @Test
  void ackWithCodes() {
    assertWritten(
        new ClientMessage.Ack(
            List.of(new Update(CHANNEL_A, 7), new Update(CHANNEL_B, 8)), List.of(100, 102)),
        "{'messageType':'ack','updates':[{'channelID':'$A','version':7,'code':100},"
            + "{'channelID':'$B','version':8,'code':102}]}");
  }

  @Test
  void nackPingAndIgnored() {
    assertWritten(new ClientMessage.Nack(), "{'messageType':'nack'}");
    assertWritten(new ClientMessage.Ping(), "{}");
    assertWritten(new ClientMessage.Ignored("purge"), "{'messageType':'purge'}");
  }

  @Test
  void helloReply() {
    assertWritten(
        new ServerMessage.Hello(UAID), "{'messageType':'hello','uaid':'$A','status':200}");
    assertWritten(
        new ServerMessage.Hello(UAID, true), "{'messageType':'hello','uaid':'$A','status':201}");
  }

  @Test
  void redirect() {
    assertWritten(
        new ServerMessage.Redirect(URI.create("wss://b.example/")),
        "{'messageType':'hello','status':307,'redirect':'wss://b.example/'}");
  }

  @Test
  void registerReply() {
    assertWritten(
        new ServerMessage.Register(CHANNEL_B, URI.create("https://push.example/update/token")),
        "{'messageType':'register','status':200,'channelID':'$B',"
            + "'pushEndpoint':'https://push.example/update/token'}");
  }

  @Test
  void unregisterReply() {
    assertWritten(
        new ServerMessage.Unregister(CHANNEL_B),
        "{'messageType':'unregister','channelID':'$B','status':200}");
  }

  @Test
  void notification() {
    assertWritten(
        new ServerMessage.Notification(List.of(new Update(CHANNEL_A, 7), new Update(CHANNEL_B, 0))),
        "{'messageType':'notification','updates':[{'channelID':'$A','version':7},"
            + "{'channelID':'$B','version':0}]}");
  }

  @Test
  void pingReply() {
    assertWritten(new ServerMessage.Ping(), "{}");
  }

  @Test
  void failure() {
    assertWritten(
        new Failure("register", A, Failure.UNAVAILABLE, "the limit is reached"),
        "{'messageType':'register','channelID':'$A','status':503,'error':'the limit is reached'}");
    assertWritten(
        new Failure("hello", null, Failure.TOO_MANY, "come back later"),
        "{'messageType':'hello','status':429,'error':'come back later'}");
    assertWritten(
        new Failure(null, null, Failure.MALFORMED, "messageType is missing"),
        "{'status':401,'error':'messageType is missing'}");
  }

  @Test
  void whatPeersWroteIsEscapedInTheEcho() {
    assertThat(codec.write(new Failure("a\"b\\c\u0000\n", "\u2028", 401, "</script>")))
        .isEqualTo(
            "{\"messageType\":\"a\\\"b\\\\c\\u0000\\n\",\"channelID\":\"\u2028\","
                + "\"status\":401,\"error\":\"</script>\"}");
  }

  @Test
  void whatUtf8CannotSayIsReplaced() {
    assertThat(bytes(new Failure("\uD83D\uDE00 \uDE00", "\uD83D", 401, "é")))
        .asString(StandardCharsets.UTF_8)
        .isEqualTo(
            json("{'messageType':'\uD83D\uDE00 ?','channelID':'?','status':401,'error':'é'}"));
  }
}
