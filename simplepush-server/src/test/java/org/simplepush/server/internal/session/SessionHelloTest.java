package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.CloseCode;
import org.simplepush.server.fixtures.SessionFixture;
import org.simplepush.server.fixtures.TestWire;

/** Protocol §2: every row of the table, and what is said around it. */
@Timeout(10)
class SessionHelloTest extends SessionFixture {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'messageType':'hello'}",
        "{'messageType':'hello','channelIDs':[]}",
        "{'messageType':'hello','channelIDs':null}",
        "{'messageType':'hello','uaid':null,'channelIDs':[]}",
        "{'messageType':'hello','uaid':'','channelIDs':[]}",
        "{'messageType':'hello','uaid':'','channelIDs':['" + CHANNEL + "']}",
        "{'messageType':'hello','uaid':'not a UUID','channelIDs':[]}",
        "{'messageType':'hello','uaid':'f6a1d7c1-8b1c-4c55-9f3c-3f0d1c0d9a0'}",
        "{'messageType':'hello','uaid':'f6a1d7c1-8b1c-4c55-9f3c+3f0d1c0d9a01'}"
      })
  void uaidMissingEmptyOrNoUuidIsAnsweredWithAFreshOne(String hello) {
    TestWire wire = connects();
    wire.says(hello);
    String uaid = uaidOf(wire);
    assertThat(UUID.fromString(uaid).version()).isEqualTo(4);
    assertThat(isKnown(uaid)).isTrue();
    wire.hearsNothing();
    wire.isOpen();
  }

  @Test
  void freshUaidsDiffer() {
    TestWire one = connects();
    TestWire other = connects();
    one.says("{'messageType':'hello'}");
    other.says("{'messageType':'hello'}");
    assertThat(uaidOf(one)).isNotEqualTo(uaidOf(other));
  }

  @Test
  void firefoxIsAcceptedAndUseWebpushNotEchoed() {
    TestWire wire = connects();
    wire.says("{'messageType':'hello','broadcasts':{},'use_webpush':true}");
    assertThat(uaidOf(wire)).isNotEmpty(); // exactly messageType, uaid and status
  }

  @Test
  void wakeUpFieldsAreAcceptedAndAnsweredWith200() {
    TestWire wire = connects();
    wire.says(
        "{'messageType':'hello','uaid':'"
            + UAID
            + "','channelIDs':[],'wakeup_hostport':{'ip':'192.0.2.7','port':5000},"
            + "'mobilenetwork':{'mcc':'214','mnc':'07'}}");
    wire.hears(greeting(UAID));
  }

  @Test
  void knownUaidIsResumedWhenEveryListedChannelIsKnown() {
    TestWire before = registered();
    before.breaksOff();
    resumes(CHANNEL).hearsNothing();
  }

  @Test
  void pendingUpdatesFollowTheHelloReplyAtOnce() {
    registered().breaksOff();
    publish(CHANNEL, 254);
    publish(CHANNEL, 255);
    TestWire wire = resumes(CHANNEL);
    wire.hears(notification(CHANNEL, 255));
    wire.hearsNothing();
  }

  @Test
  void channelsNotListedAreRemoved() {
    TestWire before = resumes();
    String kept = register(before, CHANNEL);
    String gone = register(before, OTHER_CHANNEL);
    before.breaksOff();
    publish(OTHER_CHANNEL, 3);
    resumes(CHANNEL).hearsNothing();
    assertThat(put(gone, 4)).isEqualTo(410);
    assertThat(put(kept, 4)).isEqualTo(200);
  }

  @Test
  void anEmptyListRemovesEveryChannelOfAKnownUaid() {
    TestWire before = resumes();
    String gone = register(before, CHANNEL);
    before.breaksOff();
    publish(CHANNEL, 3);
    resumes().hearsNothing();
    assertThat(put(gone, 4)).isEqualTo(410);
  }

  @Test
  void listedChannelThatIsNotKnownMeansAFreshUaidAndDropsTheOldOne() {
    TestWire before = resumes();
    String endpoint = register(before, CHANNEL);
    before.breaksOff();
    publish(CHANNEL, 3);
    TestWire wire = connects();
    wire.says(hello(UAID, CHANNEL, OTHER_CHANNEL));
    String fresh = uaidOf(wire);
    assertThat(fresh).isNotEqualTo(UAID);
    wire.hearsNothing(); // nothing of the old one's
    assertThat(isKnown(UAID)).isFalse();
    assertThat(isKnown(fresh)).isTrue();
    assertThat(put(endpoint, 4)).isEqualTo(410);
    wire.hearsNothing();
  }

  @Test
  void theFreshUaidWorksAtOnce() {
    resumes().breaksOff();
    TestWire wire = connects();
    wire.says(hello(UAID, CHANNEL));
    assertThat(uaidOf(wire)).isNotEqualTo(UAID);
    String endpoint = register(wire, CHANNEL);
    assertThat(put(endpoint, 1)).isEqualTo(200);
    wire.hears(notification(CHANNEL, 1));
  }

  @Test
  void unknownUaidWithNoChannelsIsAcceptedAsGiven() {
    TestWire wire = connects();
    wire.says(hello(UAID));
    wire.hears(greeting(UAID));
    assertThat(isKnown(UAID)).isTrue();
  }

  @Test
  void unknownUaidWithChannelsIsAnsweredWithAFreshOne() {
    TestWire wire = connects();
    wire.says(hello(UAID, CHANNEL));
    assertThat(uaidOf(wire)).isNotEqualTo(UAID);
    assertThat(isKnown(UAID)).isFalse();
  }

  @Test
  void knownUaidWithoutAListIsResumedWithAllItsChannels() {
    TestWire before = resumes();
    String endpoint = register(before, CHANNEL);
    before.breaksOff();
    publish(CHANNEL, 3);
    TestWire wire = connects();
    wire.says("{'messageType':'hello','uaid':'" + UAID + "'}");
    wire.hears(greeting(UAID));
    wire.hears(notification(CHANNEL, 3));
    assertThat(put(endpoint, 4)).isEqualTo(200);
    wire.hears(notification(CHANNEL, 4));
  }

  @Test
  void unknownUaidWithoutAListIsAnsweredWithAFreshOne() {
    TestWire wire = connects();
    wire.says("{'messageType':'hello','uaid':'" + UAID + "'}");
    assertThat(uaidOf(wire)).isNotEqualTo(UAID);
    assertThat(isKnown(UAID)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"'x'", "{}", "7", "[7]", "[null]", "[['x']]", "['']", "['not a UUID']"})
  void channelIdsOtherThanAnArrayOfUuidsAreError401AndMayBeCorrected(String channelIds) {
    TestWire wire = connects();
    wire.says("{'messageType':'hello','uaid':'" + UAID + "','channelIDs':" + channelIds + "}");
    wire.hears(
        "{'messageType':'hello','status':401,'error':'channelIDs is not an array of UUIDs'}");
    wire.isOpen();
    assertThat(isKnown(UAID)).isFalse();
    wire.says(hello(UAID));
    wire.hears(greeting(UAID));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'wakeup_hostport':{'ip':'192.0.2.7','port':0}",
        "'wakeup_hostport':'192.0.2.7:5000'",
        "'mobilenetwork':{'mcc':214,'mnc':7}",
        "'mobilenetwork':{'mcc':null,'mnc':null}",
        "'mobilenetwork':{'mcc':'214'},'wakeup_hostport':{'ip':'192.0.2.7'}",
        "'use_webpush':[],'broadcasts':7"
      })
  void hintNeverRefusesAHello(String hints) {
    TestWire before = registered();
    before.breaksOff();
    TestWire wire = connects();
    wire.says(
        "{'messageType':'hello','uaid':'"
            + UAID
            + "','channelIDs':['"
            + CHANNEL
            + "'],"
            + hints
            + "}");
    wire.hears(greeting(UAID));
    wire.isOpen();
  }

  /** Firefox never connects again after an answer without a UAID; closed, it is back in seconds. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'messageType':'hello','uaid':7}",
        "{'messageType':'hello','uaid':['" + UAID + "'],'broadcasts':{},'use_webpush':true}",
        "{'messageType':'hello','uaid':{},'channelIDs':null}",
        "{'messageType':'hello','uaid':'" + UAID + "','uaid':'" + UAID + "'}"
      })
  void malformedHelloWithoutAListIsClosedWithoutAnAnswer(String hello) {
    TestWire first = connects();
    first.says(hello);
    first.isClosed(CloseCode.POLICY_VIOLATION);
    TestWire second = resumes();
    second.says(hello);
    second.isClosed(CloseCode.POLICY_VIOLATION);
  }

  @Test
  void moreChannelsThanTheLimitDropTheUaidAndAssignAFreshOne() {
    registered().breaksOff();
    List<String> many = new ArrayList<>();
    for (int i = 0; i <= MAX_CHANNELS; i++) {
      many.add(channel(i));
    }
    TestWire wire = connects();
    wire.says(hello(UAID, many.toArray(String[]::new)));
    assertThat(uaidOf(wire)).isNotEqualTo(UAID);
    assertThat(isKnown(UAID)).isFalse();
  }

  @Test
  void asManyChannelsAsTheLimitAreResumed() {
    TestWire before = resumes();
    String[] all = new String[MAX_CHANNELS];
    for (int i = 0; i < all.length; i++) {
      all[i] = channel(i);
      register(before, all[i]);
    }
    before.breaksOff();
    resumes(all).isOpen();
  }

  @Test
  void newestConnectionWinsAndTheOlderIsClosed() {
    TestWire older = registered();
    TestWire newer = resumes(CHANNEL);
    older.turn();
    older.isClosed(CloseCode.POLICY_VIOLATION);
    publish(CHANNEL, 1);
    newer.hears(notification(CHANNEL, 1));
    assertThat(counters.takeovers.sum()).isEqualTo(1);
  }

  @Test
  void lateCloseOfTheOlderConnectionLeavesTheNewerConnected() {
    TestWire older = registered();
    TestWire newer = resumes(CHANNEL);
    older.breaksOff(); // before its loop heard of the takeover
    publish(CHANNEL, 1);
    newer.hears(notification(CHANNEL, 1));
    older.turn();
    publish(CHANNEL, 2);
    newer.hears(notification(CHANNEL, 2));
    assertThat(counters.takeovers.sum()).isZero(); // the older was gone by itself
  }

  @Test
  void secondHelloOfTheOlderConnectionDoesNotTakeTheUserAgentBack() {
    TestWire older = registered();
    TestWire newer = resumes(CHANNEL);
    older.saysBeforeTheLoopTurns(hello(UAID, CHANNEL)); // before its loop heard of the takeover
    older.turn();
    newer.turn();
    older.heardAll();
    older.isClosed(CloseCode.POLICY_VIOLATION);
    newer.isOpen();
    publish(CHANNEL, 1);
    newer.hears(notification(CHANNEL, 1));
  }

  @Test
  void spellingOfTheUaidDoesNotMakeItAnother() {
    TestWire older = registered();
    TestWire newer = connects();
    String spelled = UAID.replace("-", "").toUpperCase(java.util.Locale.ROOT);
    newer.says(hello(spelled, CHANNEL));
    newer.hears(greeting(spelled)); // echoed as this hello wrote it
    older.turn();
    older.isClosed(CloseCode.POLICY_VIOLATION);
  }

  @ParameterizedTest
  @ValueSource(strings = {"'uaid':'" + UAID + "',", "'uaid':'',", ""})
  void secondHelloWithTheSameOrNoUaidIsAnsweredAgainWithWhatIsPending(String uaid) {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    wire.says("{'messageType':'hello'," + uaid + "'channelIDs':[]}");
    wire.hears(greeting(UAID));
    wire.hears(notification(CHANNEL, 7));
    wire.hearsNothing();
    wire.isOpen();
    publish(CHANNEL, 8); // still connected, and the channel still there
    wire.hears(notification(CHANNEL, 8));
  }

  @Test
  void secondHelloDoesNotRepeatWhatWasAcknowledged() {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    wire.says(ack(CHANNEL, 7));
    wire.says(hello(UAID, CHANNEL));
    wire.hears(greeting(UAID));
    wire.hearsNothing();
  }

  @Test
  void secondHelloAfterAnAssignedUaidKeepsIt() {
    TestWire wire = connects();
    wire.says("{'messageType':'hello'}");
    String assigned = uaidOf(wire);
    wire.says("{'messageType':'hello'}");
    wire.hears(greeting(assigned));
  }

  @Test
  void secondHelloOfAUserAgentDroppedMeanwhileIsAnsweredWithAFreshUaid() {
    TestWire wire = registered();
    drop(UAID);
    wire.says(hello(UAID, CHANNEL));
    String fresh = uaidOf(wire);
    assertThat(fresh).isNotEqualTo(UAID);
    String endpoint = register(wire, CHANNEL);
    put(endpoint, 1);
    wire.hears(notification(CHANNEL, 1));
  }

  @Test
  void nothingOfALostUaidIsDeliveredToTheFreshOne() {
    TestWire wire = resumes();
    register(wire, CHANNEL);
    register(wire, OTHER_CHANNEL);
    publish(OTHER_CHANNEL, 6); // sent, and not acknowledged
    wire.hears(notification(OTHER_CHANNEL, 6));
    wire.writable = false;
    publish(CHANNEL, 7); // not even sent
    drop(UAID);
    wire.says(hello(UAID, CHANNEL, OTHER_CHANNEL));
    String fresh = uaidOf(wire);
    assertThat(fresh).isNotEqualTo(UAID);
    wire.becomesWritable();
    passes(Duration.ofMinutes(3)); // longer than until a redelivery
    wire.hearsNothing();
    String endpoint = register(wire, CHANNEL);
    put(endpoint, 1); // lower than what the lost one had
    wire.hears(notification(CHANNEL, 1));
  }

  @Test
  void secondHelloWithAnotherUaidIsError503AndClosed() {
    TestWire wire = registered();
    wire.says(hello(channel(1)));
    wire.hears(
        "{'messageType':'hello','status':503,"
            + "'error':'This connection already said hello as another user agent'}");
    wire.isClosed(CloseCode.POLICY_VIOLATION);
    assertThat(isKnown(UAID)).isTrue();
    assertThat(isKnown(channel(1))).isFalse();
  }

  @Test
  void noHelloWithin30SecondsIsClosedWith1008() {
    TestWire wire = connects();
    passes(Duration.ofSeconds(30).minusNanos(1));
    wire.isOpen();
    passes(Duration.ofNanos(1));
    wire.isClosed(CloseCode.POLICY_VIOLATION);
  }

  @Test
  void pingsAndBadHellosDoNotPostponeTheHelloTimeout() {
    TestWire wire = connects();
    passes(Duration.ofSeconds(29));
    wire.says("{}");
    wire.hears("{}");
    wire.says("{'messageType':'hello','channelIDs':7}");
    assertThat(wire.heard()).contains("\"status\":401");
    passes(Duration.ofSeconds(1));
    wire.isClosed(CloseCode.POLICY_VIOLATION);
  }

  @Test
  void deviceThatSaidHelloStaysConnected() {
    TestWire wire = resumes();
    passes(Duration.ofHours(5));
    wire.isOpen();
    wire.hearsNothing();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'messageType':'register','channelID':'" + CHANNEL + "'}",
        "{'messageType':'unregister','channelID':'" + CHANNEL + "'}"
      })
  void registerAndUnregisterBeforeHelloAreError401AndClosed(String request) {
    TestWire wire = connects();
    wire.says(request);
    String type = request.contains("un") ? "unregister" : "register";
    wire.hears(
        "{'messageType':'"
            + type
            + "','channelID':'"
            + CHANNEL
            + "','status':401,'error':'The first message must be hello'}");
    wire.isClosed(CloseCode.POLICY_VIOLATION);
  }

  @Test
  void ackBeforeHelloIsError401AndClosed() {
    TestWire wire = connects();
    wire.says(ack(CHANNEL, 1));
    wire.hears("{'messageType':'ack','status':401,'error':'The first message must be hello'}");
    wire.isClosed(CloseCode.POLICY_VIOLATION);
  }

  @Test
  void malformedRegisterBeforeHelloIsError401AndClosed() {
    TestWire wire = connects();
    wire.says("{'messageType':'register','channelID':'x'}");
    wire.hears(
        "{'messageType':'register','channelID':'x','status':401,"
            + "'error':'channelID is missing or not a UUID'}");
    wire.isClosed(CloseCode.POLICY_VIOLATION);
  }

  @Test
  void uaidsAreNotSharedByServers() {
    registered();
    SessionFixture other = new SessionFixture();
    TestWire there = other.connects();
    there.says(hello(UAID, CHANNEL));
    assertThat(uaidOf(there)).isNotEqualTo(UAID);
  }

  /** What was stuck in the network comes when the device has long gone on. */
  @Test
  void lateHelloOfAnOlderConnectionRemovesNothing() {
    TestWire stuck = connects();
    TestWire newer = resumes();
    register(newer, CHANNEL);
    register(newer, OTHER_CHANNEL);
    stuck.says(hello(UAID, CHANNEL));
    stuck.isClosed(CloseCode.POLICY_VIOLATION);
    newer.turn();
    newer.isOpen();
    publish(OTHER_CHANNEL, 7);
    newer.hears(notification(OTHER_CHANNEL, 7));
    newer.breaksOff();
    resumes(CHANNEL, OTHER_CHANNEL);
  }

  @Test
  void lateHelloWithTooManyChannelsDropsNobody() {
    TestWire stuck = connects();
    TestWire newer = resumes();
    String[] tooMany = new String[MAX_CHANNELS + 1];
    for (int i = 0; i < tooMany.length; i++) {
      tooMany[i] = channel(i);
    }
    stuck.says(hello(UAID, tooMany));
    stuck.isClosed(CloseCode.POLICY_VIOLATION);
    newer.turn();
    newer.isOpen();
    assertThat(isKnown(UAID)).isTrue();
  }
}
