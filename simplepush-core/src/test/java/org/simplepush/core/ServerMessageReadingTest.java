package org.simplepush.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.net.URI;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.MalformedMessageException.Severity;
import org.simplepush.core.ServerMessage.Failure;
import org.simplepush.core.ServerMessage.Hello;
import org.simplepush.core.ServerMessage.Notification;
import org.simplepush.core.ServerMessage.Ping;
import org.simplepush.core.ServerMessage.Redirect;
import org.simplepush.core.ServerMessage.Register;
import org.simplepush.core.ServerMessage.Unregister;

/** What a device understands of what servers write. JSON is written with ' for ". */
@Timeout(20)
class ServerMessageReadingTest {
  private static final String A = "10000000-0000-4000-8000-00000000000a";
  private static final ChannelId CHANNEL = ChannelId.parse(A);
  private static final Uaid UAID = Uaid.parse(A);

  private final MessageCodec codec = new MessageCodec();

  private ServerMessage read(String text) throws MalformedMessageException {
    return codec.readServerMessage(json(text));
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
  }

  private static String json(String text) {
    return text.replace('\'', '"').replace("$A", A);
  }

  @Test
  void helloOfStatus200() throws Exception {
    assertThat(read("{'messageType':'hello','uaid':'$A','status':200}")).isEqualTo(new Hello(UAID));
  }

  @Test
  void helloOfStatus201AnnouncesWakeUp() throws Exception {
    assertThat(read("{'messageType':'hello','uaid':'$A','status':201}"))
        .isEqualTo(new Hello(UAID, true));
  }

  @Test
  void helloOfAnotherStatusOfTheTwoHundredsAnnouncesNothing() throws Exception {
    assertThat(read("{'messageType':'hello','uaid':'$A','status':202}")).isEqualTo(new Hello(UAID));
  }

  @Test
  void statusIsTakenFor200IfThereIsNone() throws Exception {
    assertThat(read("{'messageType':'hello','uaid':'$A'}")).isEqualTo(new Hello(UAID));
  }

  @Test
  void redirectThatAnswersNothingIsAFailure() throws Exception {
    assertThat(read("{'status':307,'redirect':'wss://x.example.org/'}"))
        .isEqualTo(new Failure(null, null, 307, "status 307"));
  }

  @Test
  void halfASurrogatePairIsNoUri() {
    assertBadContent(
        "{'messageType':'register','channelID':'$A','pushEndpoint':'https://h/\\ud800'}",
        "pushEndpoint");
    assertBadContent(
        "{'messageType':'hello','status':307,'redirect':'wss://h/\\udc00'}", "redirect");
  }

  @Test
  void idsAreKeptAsWritten() throws Exception {
    String id = "ABCDEF0000004000800000000000000a";
    Hello hello = (Hello) read("{'messageType':'hello','uaid':'" + id + "'}");
    assertThat(hello.uaid().text()).isEqualTo(id);
    Notification notification =
        (Notification)
            read(
                "{'messageType':'notification','updates':[{'channelID':'"
                    + id
                    + "','version':1}]}");
    assertThat(notification.updates().get(0).channelId().text()).isEqualTo(id);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ",'uaid':null", ",'uaid':''", ",'uaid':'x'", ",'uaid':7"})
  void helloNeedsAUaid(String field) {
    assertBadContent("{'messageType':'hello','status':200" + field + "}", "uaid");
  }

  @ParameterizedTest
  @ValueSource(strings = {"null", "'200'", "200.0", "true", "[]", "{}", "99999999999"})
  void statusIsAnInteger(String status) {
    assertBadContent("{'messageType':'hello','uaid':'$A','status':" + status + "}", "status");
  }

  @Test
  void statusGivenTwiceIsMalformed() {
    assertBadContent("{'messageType':'hello','uaid':'$A','status':200,'status':200}", "status");
  }

  @Test
  void redirect() throws Exception {
    assertThat(read("{'messageType':'hello','status':307,'redirect':'wss://b.example/'}"))
        .isEqualTo(new Redirect(URI.create("wss://b.example/")));
    assertThat(read("{'messageType':'HELLO','status':307,'redirect':'wss://b.example','uaid':1}"))
        .isEqualTo(new Redirect(URI.create("wss://b.example")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ",'redirect':null",
        ",'redirect':1",
        ",'redirect':''",
        ",'redirect':'b.example'",
        ",'redirect':'//b.example/'",
        ",'redirect':'wss://b example/'",
        ",'redirect':'wss://a/','redirect':'wss://a/'"
      })
  void redirectNeedsATarget(String field) {
    assertBadContent("{'messageType':'hello','status':307" + field + "}", "redirect");
  }

  @Test
  void onlyAHelloIsRedirected() throws Exception {
    assertThat(
            read("{'messageType':'register','channelID':'$A','status':307,'redirect':'wss://b/'}"))
        .isEqualTo(new Failure("register", A, 307, "status 307"));
  }

  @Test
  void register() throws Exception {
    assertThat(
            read(
                "{'messageType':'register','status':200,'channelID':'$A',"
                    + "'pushEndpoint':'https://push.example/update/abc-_~'}"))
        .isEqualTo(new Register(CHANNEL, URI.create("https://push.example/update/abc-_~")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ",'pushEndpoint':null",
        ",'pushEndpoint':1",
        ",'pushEndpoint':['https://a/s3cr3t']",
        ",'pushEndpoint':''",
        ",'pushEndpoint':'/update/s3cr3t'",
        ",'pushEndpoint':'https://a/ s3cr3t'",
        ",'pushEndpoint':'https://a/s3cr3t%'",
        ",'pushEndpoint':'https://[s3cr3t'",
        ",'pushEndpoint':'https://a/s3cr3t','pushEndpoint':'https://a/s3cr3t'",
      })
  void registerNeedsAnEndpointAndNeverQuotesIt(String field) {
    String text = "{'messageType':'register','status':200,'channelID':'$A'" + field + "}";
    assertBadContent(text, "pushEndpoint");
    assertThat(refusal(text).toString()).doesNotContain("s3cr3t");
    assertThat(refusal(text).toFailure().toString()).doesNotContain("s3cr3t");
    assertThat(refusal(text).getCause()).isNull();
  }

  @Test
  void registerNeedsAChannelId() {
    assertBadContent(
        "{'messageType':'register','status':200,'pushEndpoint':'https://a/'}", "channelID");
  }

  @Test
  void descriptionOfARegisterLeavesTheEndpointOut() {
    assertThat(new Register(CHANNEL, URI.create("https://a/s3cr3t")).toString())
        .doesNotContain("s3cr3t")
        .contains(CHANNEL.toString());
  }

  @Test
  void unregister() throws Exception {
    assertThat(read("{'messageType':'unregister','channelID':'$A','status':200}"))
        .isEqualTo(new Unregister(CHANNEL));
    assertBadContent("{'messageType':'unregister','status':200}", "channelID");
  }

  @Test
  void notification() throws Exception {
    assertThat(
            read(
                "{'messageType':'notification','updates':[{'channelID':'$A','version':7},"
                    + "{'channelID':'$A','version':'9223372036854775807'}]}"))
        .isEqualTo(
            new Notification(List.of(new Update(CHANNEL, 7), new Update(CHANNEL, Long.MAX_VALUE))));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ",'updates':null",
        ",'updates':{}",
        ",'updates':[null]",
        ",'updates':[{}]",
        ",'updates':[{'channelID':'$A','version':-1}]",
        ",'updates':[{'channelID':'$A','version':'x','version':7}]",
        ",'updates':[{'channelID':'$A','version':1.0}]",
        ",'updates':[{'channelID':'$A','version':9223372036854775808}]"
      })
  void notificationNeedsUpdates(String field) {
    assertBadContent("{'messageType':'notification'" + field + "}", "updates");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", "{'messageType':'ping'}", "{'messageType':'ping','status':200}"})
  void ping(String text) throws Exception {
    assertThat(read(text)).isEqualTo(new Ping());
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 409, 429, 500, 503, 100, 199, 300, 404, 599, 0, -1, 4774})
  void everyOtherStatusIsAFailure(int status) throws Exception {
    assertThat(
            read(
                "{'messageType':'Register','channelID':'As Sent','status':"
                    + status
                    + ",'error':'too bad'}"))
        .isEqualTo(new Failure("Register", "As Sent", status, "too bad"));
  }

  @Test
  void helloCanFailToo() throws Exception {
    assertThat(read("{'messageType':'hello','status':429,'uaid':''}"))
        .isEqualTo(new Failure("hello", null, 429, "status 429"));
  }

  @Test
  void failureNeedsNothingButItsStatus() throws Exception {
    assertThat(read("{'status':401}")).isEqualTo(new Failure(null, null, 401, "status 401"));
    assertThat(read("{'status':307}")).isEqualTo(new Failure(null, null, 307, "status 307"));
    assertThat(read("{'status':307,'messageType':7,'redirect':'wss://b/'}"))
        .isEqualTo(new Failure(null, null, 307, "status 307"));
    assertThat(read("{'status':401,'error':'bad'}")).isEqualTo(new Failure(null, null, 401, "bad"));
    assertThat(read("{'messageType':7,'channelID':{},'status':500,'error':[]}"))
        .isEqualTo(new Failure(null, null, 500, "status 500"));
    assertThat(read("{'messageType':'helo','status':401}"))
        .isEqualTo(new Failure("helo", null, 401, "status 401"));
  }

  @ParameterizedTest
  @ValueSource(ints = {200, 201, 299})
  void everyStatusOfTheTwoHundredsIsSuccess(int status) throws Exception {
    assertThat(read("{'messageType':'unregister','channelID':'$A','status':" + status + "}"))
        .isEqualTo(new Unregister(CHANNEL));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'messageType':'broadcast','broadcasts':{}}",
        "{'messageType':'ack','updates':[]}",
        "{'messageType':null}",
        "{'status':200}",
        "{'uaid':'$A','status':200}",
      })
  void unknownTypesAreToldApartFromBadContent(String text) {
    assertThat(refusal(text).severity()).isEqualTo(Severity.UNKNOWN_TYPE);
  }

  @Test
  void fieldsOfOtherMessagesDoNotMatter() throws Exception {
    assertThat(
            read(
                "{'messageType':'unregister','channelID':'$A','status':200,'uaid':1,'updates':1,"
                    + "'pushEndpoint':1,'redirect':1,'error':1,'channelIDs':1,"
                    + "'use_webpush':true,'env':'x'}"))
        .isEqualTo(new Unregister(CHANNEL));
  }
}
