package org.simplepush.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.ClientMessage.Ack;
import org.simplepush.core.ClientMessage.Hello;
import org.simplepush.core.ClientMessage.Ignored;
import org.simplepush.core.ClientMessage.MobileNetwork;
import org.simplepush.core.ClientMessage.Nack;
import org.simplepush.core.ClientMessage.Ping;
import org.simplepush.core.ClientMessage.Register;
import org.simplepush.core.ClientMessage.Unregister;
import org.simplepush.core.ClientMessage.WakeUpAddress;
import org.simplepush.core.MalformedMessageException.Severity;

/** What a server understands of what user agents write. JSON is written with ' for ". */
@Timeout(20)
class ClientMessageReadingTest {
  private static final String A = "10000000-0000-4000-8000-00000000000a";
  private static final String B = "10000000-0000-4000-8000-00000000000b";
  private static final ChannelId CHANNEL_A = ChannelId.parse(A);
  private static final ChannelId CHANNEL_B = ChannelId.parse(B);

  private final MessageCodec codec = new MessageCodec();

  private ClientMessage read(String text) throws MalformedMessageException {
    return codec.readClientMessage(json(text));
  }

  private MalformedMessageException refusal(String text) {
    MalformedMessageException refusal =
        catchThrowableOfType(MalformedMessageException.class, () -> read(text));
    assertThat(refusal).as("refusal of %s", text).isNotNull();
    return refusal;
  }

  private void assertBadContent(String text, String field) {
    MalformedMessageException refusal = refusal(text);
    assertThat(refusal.severity()).as(text).isEqualTo(Severity.BAD_CONTENT);
    assertThat(refusal).hasMessageStartingWith(field + " is ");
    assertThat(refusal.toFailure().status()).isEqualTo(401);
    assertThat(refusal.toFailure().error()).isEqualTo(refusal.getMessage());
  }

  private static String json(String text) {
    return text.replace('\'', '"').replace("$A", A).replace("$B", B);
  }

  // hello

  @Test
  void helloWithEverything() throws Exception {
    assertThat(
            read(
                "{'messageType':'hello','uaid':'$A','channelIDs':['$A','$B'],"
                    + "'wakeup_hostport':{'ip':'10.1.2.3','port':4711},"
                    + "'mobilenetwork':{'mcc':'262','mnc':'07'}}"))
        .isEqualTo(
            new Hello(
                Uaid.parse(A),
                List.of(CHANNEL_A, CHANNEL_B),
                new WakeUpAddress("10.1.2.3", 4711),
                new MobileNetwork("262", "07")));
  }

  @Test
  void firstHelloOfFirefox() throws Exception {
    assertThat(read("{'messageType':'hello','broadcasts':{},'use_webpush':true}"))
        .isEqualTo(new Hello(null, null));
  }

  @Test
  void laterHelloOfFirefox() throws Exception {
    assertThat(
            read(
                "{'messageType':'hello','broadcasts':{'remote-settings/monitor_changes':'v1'},"
                    + "'use_webpush':true,'uaid':'$A'}"))
        .isEqualTo(new Hello(Uaid.parse(A), null));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "null",
        "10000000-0000-4000-8000-00000000000",
        "10000000-0000-4000-8000-00000000000aa",
        "1000000000004000800000000000000",
        "1000000000004000800000000000000aa",
        "g0000000-0000-4000-8000-00000000000a",
        "1000000000004000-8000-00000000000a-a",
        "10000000_0000_4000_8000_00000000000a",
        "{10000000-0000-4000-8000-00000000000a}",
        "١0000000-0000-4000-8000-00000000000a",
      })
  void uaidThatIsNoUuidCountsAsNone(String uaid) throws Exception {
    assertThat(read("{'messageType':'hello','uaid':'" + uaid + "','channelIDs':[]}"))
        .isEqualTo(new Hello(null, List.of()));
  }

  @Test
  void nullCountsAsMissingInAHello() throws Exception {
    assertThat(
            read(
                "{'messageType':'hello','uaid':null,'channelIDs':null,'wakeup_hostport':null,"
                    + "'mobilenetwork':null,'use_webpush':null,'broadcasts':null}"))
        .isEqualTo(new Hello(null, null));
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "1.5", "true", "[]", "['$A']", "{}", "{'a':{'b':[1]}}"})
  void uaidOfAnotherTypeIsMalformed(String uaid) {
    assertBadContent("{'messageType':'hello','channelIDs':[],'uaid':" + uaid + "}", "uaid");
    assertBadContent("{'messageType':'hello','uaid':" + uaid + ",'channelIDs':['$A']}", "uaid");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'uaid':1",
        "'uaid':['$A']",
        "'uaid':{}",
        "'uaid':true,'channelIDs':null",
        "'channelIDs':null,'uaid':false",
        "'uaid':'$A','uaid':'$A'",
        "'uaid':null,'uaid':null",
      })
  void illTypedHelloWithoutChannelIdsMustNotBeAnswered(String fields) {
    MalformedMessageException refusal = refusal("{'messageType':'hello'," + fields + "}");
    assertThat(refusal.severity()).isEqualTo(Severity.UNANSWERED);
    assertThat(refusal).hasMessage("uaid is not a string");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1",
        "'$A'",
        "true",
        "{}",
        "{'0':'$A'}",
        "[null]",
        "[1]",
        "['']",
        "['x']",
        "['$A',{}]",
        "[['$A']]",
        "[[[]],'$A']",
        "['$A','x','$B']",
        "[{'channelIDs':['$A']}]"
      })
  void channelIdsThatAreNoArrayOfUuidsAreMalformed(String channelIds) {
    assertBadContent(
        "{'messageType':'hello','channelIDs':" + channelIds + ",'uaid':''}", "channelIDs");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "null",
        "1",
        "true",
        "'10.1.2.3:4711'",
        "[]",
        "['10.1.2.3',4711]",
        "{}",
        "{'ip':'10.1.2.3'}",
        "{'port':4711}",
        "{'ip':1,'port':4711}",
        "{'ip':null,'port':4711}",
        "{'ip':['10.1.2.3'],'port':4711}",
        "{'ip':'10.1.2.3','port':0}",
        "{'ip':'10.1.2.3','port':'0'}",
        "{'ip':'10.1.2.3','port':-1}",
        "{'ip':'10.1.2.3','port':65536}",
        "{'ip':'10.1.2.3','port':'65536'}",
        "{'ip':'10.1.2.3','port':4294967297}",
        "{'ip':'10.1.2.3','port':9999999999999999999999}",
        "{'ip':'10.1.2.3','port':4711.0}",
        "{'ip':'10.1.2.3','port':'4711.0'}",
        "{'ip':'10.1.2.3','port':''}",
        "{'ip':'10.1.2.3','port':' 4711'}",
        "{'ip':'10.1.2.3','port':'any'}",
        "{'ip':'10.1.2.3','port':null}",
        "{'ip':'10.1.2.3','port':true}",
        "{'ip':'10.1.2.3','port':[4711]}",
        "{'ip':'10.1.2.3','port':{'port':4711}}",
        "{'ip':'10.1.2.3','port':4711,'port':4711}",
        "{'ip':{'ip':'10.1.2.3','port':4711}}",
        "null,'wakeup_hostport':{'ip':'10.1.2.3','port':4711}",
        "{'ip':'10.1.2.3','port':4711},'wakeup_hostport':{'ip':'10.1.2.3','port':4711}",
      })
  void wakeUpAddressThatIsNoneCountsAsAbsent(String address) throws Exception {
    assertThat(
            read(
                "{'messageType':'hello','wakeup_hostport':"
                    + address
                    + ",'uaid':'$A','channelIDs':['$B'],'mobilenetwork':{'mcc':'1','mnc':'2'}}"))
        .isEqualTo(new Hello(Uaid.parse(A), List.of(CHANNEL_B), null, new MobileNetwork("1", "2")));
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1",
    "65535, 65535",
    "'\"1\"', 1",
    "'\"65535\"', 65535",
    "'\"0004711\"', 4711",
  })
  void portIsANumberOrAStringOfDigits(String written, int port) throws Exception {
    assertThat(
            read("{'messageType':'hello','wakeup_hostport':{'ip':'::1','port':" + written + "}}"))
        .isEqualTo(new Hello(null, null, new WakeUpAddress("::1", port), null));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "null",
        "1",
        "true",
        "''",
        "'262-07'",
        "[]",
        "['262','07']",
        "{}",
        "{'mcc':'262'}",
        "{'mnc':'07'}",
        "{'mcc':null,'mnc':null}",
        "{'mcc':'262','mnc':null}",
        "{'mcc':null,'mnc':'07'}",
        "{'mcc':262,'mnc':null}",
        "{'mcc':-1,'mnc':7}",
        "{'mcc':262,'mnc':-1}",
        "{'mcc':262.0,'mnc':7}",
        "{'mcc':262,'mnc':7e0}",
        "{'mcc':9223372036854775808,'mnc':7}",
        "{'mcc':[262],'mnc':'07'}",
        "{'mcc':'262','mnc':{}}",
        "{'mcc':'262','mnc':true}",
        "{'mcc':'262','mnc':'07','mcc':'262'}",
        "null,'mobilenetwork':{'mcc':'262','mnc':'07'}",
        "{'mcc':'262','mnc':'07'},'mobilenetwork':{'mcc':'262','mnc':'07'}",
      })
  void mobileNetworkThatIsNoneCountsAsAbsent(String network) throws Exception {
    assertThat(
            read(
                "{'messageType':'hello','mobilenetwork':"
                    + network
                    + ",'uaid':'$A','channelIDs':['$B'],'wakeup_hostport':{'ip':'::1','port':1}}"))
        .isEqualTo(new Hello(Uaid.parse(A), List.of(CHANNEL_B), new WakeUpAddress("::1", 1), null));
  }

  /** Early Firefox OS wrote numbers, which have no leading zeros. */
  @ParameterizedTest
  @CsvSource({
    "'\"262\"', '\"07\"', 262, 07",
    "262, 7, 262, 07",
    "262, '\"07\"', 262, 07",
    "'\"310\"', 410, 310, 410",
    "1, 0, 001, 00",
    "1, 1, 001, 01",
    "1, 12345, 001, 12345",
  })
  void mobileNetworkIsWrittenWithNumbersOrStrings(
      String mccWritten, String mncWritten, String mcc, String mnc) throws Exception {
    assertThat(
            read(
                "{'messageType':'hello','mobilenetwork':{'mcc':"
                    + mccWritten
                    + ",'mnc':"
                    + mncWritten
                    + "}}"))
        .isEqualTo(new Hello(null, null, null, new MobileNetwork(mcc, mnc)));
  }

  @Test
  void mobileNetworkInNumbersHasTheSameDigitsInEveryLanguage() throws Exception {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
    try {
      assertThat(read("{'messageType':'hello','mobilenetwork':{'mcc':262,'mnc':7}}"))
          .isEqualTo(new Hello(null, null, null, new MobileNetwork("262", "07")));
    } finally {
      Locale.setDefault(before);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'use_webpush':false",
        "'use_webpush':'yes'",
        "'use_webpush':{'a':[1]}",
        "'broadcasts':[]",
        "'broadcasts':'x'",
        "'broadcasts':{'a':{'b':null}}",
        "'use_webpush':true,'use_webpush':false",
        "'status':'x'",
        "'updates':7",
        "'channelID':[]",
        "'version':{}",
        "'':''",
      })
  void whatAHelloDoesNotNeedNeverRefusesIt(String field) throws Exception {
    assertThat(read("{" + field + ",'messageType':'hello','uaid':'$A'}"))
        .isEqualTo(new Hello(Uaid.parse(A), null));
  }

  // register and unregister

  @Test
  void register() throws Exception {
    assertThat(read("{'messageType':'register','channelID':'$A'}"))
        .isEqualTo(new Register(CHANNEL_A));
  }

  @Test
  void unregister() throws Exception {
    assertThat(read("{'messageType':'unregister','channelID':'$A'}"))
        .isEqualTo(new Unregister(CHANNEL_A));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ",'channelID':null",
        ",'channelID':''",
        ",'channelID':1",
        ",'channelID':['$A']",
        ",'channelID':{'channelID':'$A'}",
        ",'channelID':'not a UUID'",
        ",'channelId':'$A'",
        ",'channelID':'$A','channelID':'$A'"
      })
  void registerAndUnregisterNeedAChannelId(String field) {
    assertBadContent("{'messageType':'register'" + field + "}", "channelID");
    assertBadContent("{'messageType':'unregister'" + field + "}", "channelID");
  }

  @Test
  void refusalEchoesTypeAndChannelAsSent() {
    ServerMessage.Failure failure =
        refusal("{'messageType':'Register','channelID':'My Channel'}").toFailure();

    assertThat(failure.messageType()).isEqualTo("Register");
    assertThat(failure.channelId()).isEqualTo("My Channel");
    assertThat(failure.status()).isEqualTo(401);
  }

  @Test
  void refusalEchoesNothingThatWasNotAString() {
    ServerMessage.Failure failure = refusal("{'messageType':'ack','channelID':7}").toFailure();

    assertThat(failure.messageType()).isEqualTo("ack");
    assertThat(failure.channelId()).isNull();
  }

  // ack and nack

  @Test
  void ackOfSeveralUpdates() throws Exception {
    assertThat(
            read(
                "{'messageType':'ack','updates':[{'channelID':'$A','version':7},"
                    + "{'version':0,'channelID':'$B','code':101}]}"))
        .isEqualTo(
            new Ack(
                List.of(new Update(CHANNEL_A, 7), new Update(CHANNEL_B, 0)),
                List.of(Ack.HANDLED, Ack.NOT_DECODABLE)));
  }

  @Test
  void emptyAck() throws Exception {
    assertThat(read("{'messageType':'ack','updates':[]}")).isEqualTo(new Ack(List.of()));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "7, 7",
    "'\"7\"', 7",
    "'\"007\"', 7",
    "1792000000000, 1792000000000",
    "9223372036854775807, 9223372036854775807",
    "'\"9223372036854775807\"', 9223372036854775807",
    "'\"0000000000000000000009223372036854775807\"', 9223372036854775807",
  })
  void versionIsANumberOrAStringOfDigits(String written, long version) throws Exception {
    assertThat(
            read("{'messageType':'ack','updates':[{'channelID':'$A','version':" + written + "}]}"))
        .isEqualTo(new Ack(List.of(new Update(CHANNEL_A, version))));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "-1",
        "-0",
        "1.0",
        "1.5",
        "1e3",
        "1E3",
        "9223372036854775808",
        "18446744073709551617",
        "999999999999999999999999999999",
        "'9223372036854775808'",
        "''",
        "' 7'",
        "'7 '",
        "'+7'",
        "'-7'",
        "'7.0'",
        "'0x7'",
        "'seven'",
        "'٧'",
        "'7\\u0000'",
        "'00000000000000000000000000000000000000007'",
        "true",
        "null",
        "[]",
        "[7]",
        "{}",
        "{'version':7}",
      })
  void otherVersionsAreMalformed(String version) {
    assertBadContent(
        "{'messageType':'ack','updates':[{'channelID':'$A','version':" + version + "}]}",
        "updates");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ",'updates':null",
        ",'updates':1",
        ",'updates':'$A'",
        ",'updates':{}",
        ",'updates':{'channelID':'$A','version':7}",
        ",'updates':[null]",
        ",'updates':[1]",
        ",'updates':['$A']",
        ",'updates':[[]]",
        ",'updates':[[{'channelID':'$A','version':7}]]",
        ",'updates':[{}]",
        ",'updates':[{'channelID':'$A'}]",
        ",'updates':[{'version':7}]",
        ",'updates':[{'channelID':'x','version':7}]",
        ",'updates':[{'channelID':null,'version':7}]",
        ",'updates':[{'channelID':['$A'],'version':7}]",
        ",'updates':[{'channelID':'$A','Version':7}]",
        ",'updates':[{'channelID':'$A','version':7,'version':7}]",
        ",'updates':[{'channelID':'$A','version':'x','version':7}]",
        ",'updates':[{'version':null,'channelID':'$A','version':7}]",
        ",'updates':[{'channelID':'$A','channelID':'$A','version':7}]",
        ",'updates':[{'channelID':'$A','version':7},{}]",
        ",'updates':[{},{'channelID':'$A','version':7}]",
        ",'updates':[],'updates':[]",
        ",'Updates':[]",
      })
  void ackNeedsUpdates(String field) {
    assertBadContent("{'messageType':'ack'" + field + "}", "updates");
  }

  /** Firefox gives one. What is no number counts as none: an ack is never refused for its code. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "100",
        "1e3",
        "'101'",
        "null",
        "true",
        "[]",
        "{'code':[1]}",
        "99999999999",
        "101,'code':101"
      })
  void codeThatSaysHandledOrIsNoNumberIsLikeNone(String code) throws Exception {
    assertThat(readAckWithCode(code)).isEqualTo(new Ack(List.of(new Update(CHANNEL_A, 7))));
  }

  @ParameterizedTest
  @ValueSource(ints = {101, 102, 0, -1, 103, Integer.MAX_VALUE})
  void otherCodesOfAnAckAreKept(int code) throws Exception {
    Ack ack = readAckWithCode(String.valueOf(code));

    assertThat(ack).isEqualTo(new Ack(List.of(new Update(CHANNEL_A, 7)), List.of(code)));
    assertThat(ack.code(0)).isEqualTo(code);
  }

  private Ack readAckWithCode(String code) throws Exception {
    return (Ack)
        read(
            "{'messageType':'ack','code':102,'updates':[{'channelID':'$A','code':"
                + code
                + ",'version':7}]}");
  }

  @Test
  void codesOfAnAckStayWithTheirUpdates() throws Exception {
    Ack ack =
        (Ack)
            read(
                "{'messageType':'ack','updates':[{'channelID':'$A','version':7},"
                    + "{'channelID':'$B','version':8,'code':100},"
                    + "{'code':102,'channelID':'$A','version':9},"
                    + "{'channelID':'$B','version':10}]}");

    assertThat(ack.codes()).containsExactly(100, 100, 102, 100);
    assertThat(ack.code(2)).isEqualTo(Ack.NOT_DELIVERED);
    assertThat(ack.code(3)).isEqualTo(Ack.HANDLED);
  }

  @Test
  void ackHasACodeForEachUpdateOrNone() {
    List<Update> one = List.of(new Update(CHANNEL_A, 7));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Ack(one, List.of(101, 102)))
        .withMessage("An ack must have a code for each of its 1 updates or none, but has 2");
    assertThat(new Ack(one, List.of(Ack.HANDLED))).isEqualTo(new Ack(one));
  }

  @Test
  void whatWasNotDecodedOrNotDeliveredIsNotDelivered() {
    assertThat(Ack.isDelivered(Ack.HANDLED)).isTrue();
    assertThat(Ack.isDelivered(103)).isTrue();
    assertThat(Ack.isDelivered(Ack.NOT_DECODABLE)).isFalse();
    assertThat(Ack.isDelivered(Ack.NOT_DELIVERED)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'messageType':'nack'}",
        "{'messageType':'nack','version':'x','code':301}",
        "{'messageType':'nack','version':null,'code':null,'channelID':7}",
        "{'messageType':'nack','updates':'anything'}",
        "{'messageType':'nack','updates':[{'channelID':'x','version':-1}]}",
      })
  void nackSaysNothingElse(String text) throws Exception {
    assertThat(read(text)).isEqualTo(new Nack());
  }

  // ping and what is ignored

  @ParameterizedTest
  @ValueSource(
      strings = {"{}", " { } ", "\n{\t}\r\n", "{'messageType':'ping'}", "{'messageType':'PING'}"})
  void ping(String text) throws Exception {
    assertThat(read(text)).isEqualTo(new Ping());
  }

  @Test
  void messagesOfOtherDialectsAreIgnored() throws Exception {
    assertThat(read("{'messageType':'purge'}")).isEqualTo(new Ignored("purge"));
    assertThat(read("{'messageType':'broadcast_subscribe','broadcasts':{'a':'b'}}"))
        .isEqualTo(new Ignored("broadcast_subscribe"));
    assertThat(read("{'messageType':'Broadcast_Subscribe'}"))
        .isEqualTo(new Ignored("broadcast_subscribe"));
  }

  // types and fields

  @ParameterizedTest
  @ValueSource(strings = {"hello", "Hello", "HELLO", "hElLo"})
  void messageTypeIsComparedIgnoringCase(String type) throws Exception {
    assertThat(read("{'messageType':'" + type + "'}")).isEqualTo(new Hello(null, null));
  }

  @Test
  void messageTypeIsComparedAlikeInEveryLanguage() throws Exception {
    Locale before = Locale.getDefault();
    Locale.setDefault(Locale.forLanguageTag("tr"));
    try {
      assertThat(read("{'messageType':'REGISTER','channelID':'$A'}"))
          .isEqualTo(new Register(CHANNEL_A));
    } finally {
      Locale.setDefault(before);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'messagetype':'hello'}",
        "{'MessageType':'hello'}",
        "{'uaid':''}",
        "{'':''}",
        "{'x':{}}",
        "{'messageType':null}",
        "{'messageType':1}",
        "{'messageType':['hello']}",
        "{'messageType':{'messageType':'hello'}}",
        "{'messageType':''}",
        "{'messageType':'helo'}",
        "{'messageType':'hello '}",
        "{'messageType':'notification','updates':[]}",
        "{'messageType':'hello','messageType':'hello'}",
        "{'messageType':null,'messageType':'hello'}",
        "{'messageType':'hello','messageType':null}",
        "{'messageType':'ﬁnd'}",
      })
  void unknownTypesAreToldApartFromBadContent(String text) {
    MalformedMessageException refusal = refusal(text);
    assertThat(refusal.severity()).isEqualTo(Severity.UNKNOWN_TYPE);
    assertThat(refusal).hasMessageStartingWith("messageType is ");
    assertThat(refusal.toFailure().status()).isEqualTo(401);
  }

  @Test
  void unknownTypeIsEchoedAsSent() {
    assertThat(refusal("{'messageType':'HeLo'}").toFailure().messageType()).isEqualTo("HeLo");
    assertThat(refusal("{'messageType':1}").toFailure().messageType()).isNull();
    assertThat(refusal("{'x':1}").toFailure().messageType()).isNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'messageType':'hello','UAID':'$A','channelids':['$A'],'CHANNELIDS':1}",
        "{'messageType':'hello','Uaid':1,'Wakeup_hostport':1,'MobileNetwork':1}",
      })
  void fieldNamesAreCaseSensitive(String text) throws Exception {
    assertThat(read(text)).isEqualTo(new Hello(null, null));
  }

  @Test
  void unknownFieldsAreIgnoredOnEveryLevel() throws Exception {
    String junk = "'x':{'uaid':'$B','y':[{'channelID':1},[[]],null,1e5,'\\u0041']}";
    assertThat(
            read(
                "{"
                    + junk
                    + ",'messageType':'hello','uaid':'$A',"
                    + "'wakeup_hostport':{"
                    + junk
                    + ",'ip':'10.1.2.3',"
                    + junk
                    + ",'port':1},'mobilenetwork':{"
                    + junk
                    + ",'mcc':'1','mnc':'2'},"
                    + junk
                    + "}"))
        .isEqualTo(
            new Hello(
                Uaid.parse(A),
                null,
                new WakeUpAddress("10.1.2.3", 1),
                new MobileNetwork("1", "2")));
    assertThat(
            read("{'messageType':'ack','updates':[{" + junk + ",'channelID':'$A','version':1}]}"))
        .isEqualTo(new Ack(List.of(new Update(CHANNEL_A, 1))));
  }

  @Test
  void fieldsOfOtherMessagesDoNotMatter() throws Exception {
    assertThat(
            read(
                "{'messageType':'register','channelID':'$A','uaid':1,'channelIDs':'x','updates':{},"
                    + "'status':'x','pushEndpoint':[],'redirect':1,'error':{},"
                    + "'wakeup_hostport':[],'mobilenetwork':0}"))
        .isEqualTo(new Register(CHANNEL_A));
    assertThat(read("{'messageType':'hello','channelID':1,'updates':1,'status':null}"))
        .isEqualTo(new Hello(null, null));
    assertThat(read("{'messageType':'ping','uaid':{}}")).isEqualTo(new Ping());
  }

  @Test
  void typeMayComeLast() throws Exception {
    assertThat(
            read(
                "{'updates':[{'version':7,'channelID':'$A'}],'channelID':'$B','messageType':'ack'}"))
        .isEqualTo(new Ack(List.of(new Update(CHANNEL_A, 7))));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'uaid':'$A','uaid':'$A','channelIDs':[]",
        "'uaid':'$A','channelIDs':[],'uaid':null",
        "'uaid':null,'uaid':'$A','channelIDs':['$A']",
        "'uaid':null,'uaid':null,'channelIDs':[]",
        "'channelIDs':[],'channelIDs':[]",
        "'channelIDs':['$A'],'x':1,'channelIDs':null",
        "'channelIDs':null,'channelIDs':null",
      })
  void fieldGivenTwiceIsMalformed(String fields) {
    String field = fields.substring(1, fields.indexOf('\'', 1));
    assertBadContent("{'messageType':'hello'," + fields + "}", field);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "10000000-0000-4000-8000-00000000000a",
        "ABCDEF00-0000-4000-8000-00000000000A",
        "abcdef00-0000-4000-8000-00000000000A",
        "abcdef0000004000800000000000000a",
        "ABCDEF0000004000800000000000000A",
        "aBcDeF0000004000800000000000000a",
        "00000000-0000-0000-0000-000000000000",
        "ffffffffffffffffffffffffffffffff",
      })
  void idsAreKeptAsWritten(String id) throws Exception {
    Hello hello =
        (Hello) read("{'messageType':'hello','uaid':'" + id + "','channelIDs':['" + id + "']}");
    assertThat(hello.uaid().text()).isEqualTo(id);
    assertThat(hello.channelIds()).extracting(ChannelId::text).containsExactly(id);
    Register register = (Register) read("{'messageType':'register','channelID':'" + id + "'}");
    assertThat(register.channelId().text()).isEqualTo(id);
    Ack ack =
        (Ack) read("{'messageType':'ack','updates':[{'channelID':'" + id + "','version':1}]}");
    assertThat(ack.updates().get(0).channelId().text()).isEqualTo(id);
  }

  @Test
  void escapedTextIsTheSameText() throws Exception {
    assertThat(
            read(
                "{'message\\u0054ype':'\\u0068ello',"
                    + "'uaid':'\\u0031\\u0030000000-0000-4000-8000-00000000000a'}"))
        .isEqualTo(new Hello(Uaid.parse(A), null));
  }
}
