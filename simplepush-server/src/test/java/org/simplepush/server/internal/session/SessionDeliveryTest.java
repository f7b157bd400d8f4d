package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.Update;
import org.simplepush.server.fixtures.SessionFixture;
import org.simplepush.server.fixtures.TestWire;

/** Protocol §5: notification and ack. */
@Timeout(10)
class SessionDeliveryTest extends SessionFixture {
  private static final Duration INTERVAL = Duration.ofSeconds(60);
  private static final Duration A_MOMENT = Duration.ofNanos(1);

  @Test
  void updateIsSentWhenPublished() {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    wire.hearsNothing();
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1, Long.MAX_VALUE})
  void everyVersionIsDeliveredAsANumber(long version) {
    TestWire wire = registered();
    publish(CHANNEL, version);
    wire.hears(notification(CHANNEL, version));
    wire.says(ack(CHANNEL, version));
    assertThat(pending()).isEmpty();
  }

  @Test
  void versionThatIsNotHigherIsNotDelivered() {
    TestWire wire = resumes();
    String endpoint = register(wire, CHANNEL);
    put(endpoint, 7);
    wire.hears(notification(CHANNEL, 7));
    assertThat(put(endpoint, 7)).isEqualTo(200);
    assertThat(put(endpoint, 6)).isEqualTo(200);
    wire.hearsNothing();
    wire.says(ack(CHANNEL, 7));
    put(endpoint, 7);
    wire.hearsNothing();
    put(endpoint, 8);
    wire.hears(notification(CHANNEL, 8));
  }

  @Test
  void deviceThatMissedTwoGetsTheNewest() {
    registered().breaksOff();
    publish(CHANNEL, 254);
    publish(CHANNEL, 255);
    TestWire wire = resumes(CHANNEL);
    wire.hears(notification(CHANNEL, 255));
    wire.hearsNothing();
  }

  @Test
  void ackOfAnOlderVersionDoesNotClearTheNewer() {
    TestWire wire = registered();
    publish(CHANNEL, 10);
    wire.hears(notification(CHANNEL, 10));
    publish(CHANNEL, 11);
    wire.hears(notification(CHANNEL, 11));
    wire.says(ack(CHANNEL, 10));
    assertThat(pending()).containsExactly(updateOf(CHANNEL, 11));
    passes(INTERVAL);
    wire.hears(notification(CHANNEL, 11));
    wire.breaksOff();
    resumes(CHANNEL).hears(notification(CHANNEL, 11));
  }

  @Test
  void ackOfAnOlderVersionWhileTheHintOfTheNewerIsOnItsWay() {
    TestWire wire = registered();
    publish(CHANNEL, 10);
    wire.hears(notification(CHANNEL, 10));
    Update onItsWay = raise(CHANNEL, 11);
    wire.says(ack(CHANNEL, 10));
    assertThat(pending()).containsExactly(onItsWay);
    hint(onItsWay);
    wire.hears(notification(CHANNEL, 11));
  }

  @Test
  void highestVersionStaysPendingWhateverOrderTheyComeIn() {
    TestWire wire = registered();
    publish(CHANNEL, 13);
    wire.hears(notification(CHANNEL, 13));
    String endpoint = register(wire, CHANNEL);
    put(endpoint, 12);
    wire.hearsNothing();
    assertThat(pending()).containsExactly(updateOf(CHANNEL, 13));
    wire.breaksOff();
    resumes(CHANNEL).hears(notification(CHANNEL, 13));
  }

  @Test
  void ackOfTheVersionClearsIt() {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    wire.says(ack(CHANNEL, 7));
    wire.hearsNothing(); // no answer
    assertThat(pending()).isEmpty();
    passes(Duration.ofHours(1));
    wire.hearsNothing();
  }

  @Test
  void ackOfAHigherVersionClearsItAndTheNextIsDelivered() {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    wire.says(ack(CHANNEL, 100));
    assertThat(pending()).isEmpty();
    publish(CHANNEL, 8);
    wire.hears(notification(CHANNEL, 8));
    assertThat(pending()).containsExactly(updateOf(CHANNEL, 8));
  }

  @Test
  void acksMayBeBatchedStringsCodedAndUnknown() {
    TestWire wire = registered();
    register(wire, OTHER_CHANNEL);
    publish(CHANNEL, 7);
    publish(OTHER_CHANNEL, 8);
    wire.heardAll();
    wire.says(
        "{'messageType':'ack','updates':["
            + "{'channelID':'00000000-0000-4000-8000-000000000001','version':1},"
            + "{'channelID':'"
            + CHANNEL
            + "','version':'7','code':100},{'version':8,'channelID':'"
            + OTHER_CHANNEL
            + "','code':102,'extra':{'a':[1]}}]}");
    wire.hearsNothing();
    wire.isOpen();
    assertThat(pending()).isEmpty();
  }

  @Test
  void emptyAckIsAccepted() {
    TestWire wire = registered();
    wire.says("{'messageType':'ack','updates':[]}");
    wire.hearsNothing();
    wire.isOpen();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ",'updates':7",
        ",'updates':{}",
        ",'updates':null",
        ",'updates':[7]",
        ",'updates':[{}]",
        ",'updates':[{'channelID':'" + CHANNEL + "'}]",
        ",'updates':[{'channelID':'" + CHANNEL + "','version':-1}]",
        ",'updates':[{'channelID':'" + CHANNEL + "','version':1.5}]",
        ",'updates':[{'channelID':'" + CHANNEL + "','version':' 7'}]",
        ",'updates':[{'channelID':'" + CHANNEL + "','version':9223372036854775808}]",
        ",'updates':[{'channelID':'" + CHANNEL + "','version':7},{'channelID':'x','version':7}]"
      })
  void malformedAckIsError401AndClearsNothing(String updates) {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    wire.says("{'messageType':'ack'" + updates + "}");
    assertThat(wire.heard())
        .startsWith("{\"messageType\":\"ack\",\"status\":401,\"error\":\"updates is not ");
    wire.isOpen();
    assertThat(pending()).containsExactly(updateOf(CHANNEL, 7));
  }

  @Test
  void nackIsCountedAndDropsNothing() {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    wire.says("{'messageType':'nack','version':'7','code':301}");
    wire.hearsNothing();
    wire.isOpen();
    assertThat(counters.nacks.sum()).isEqualTo(1);
    assertThat(pending()).containsExactly(updateOf(CHANNEL, 7));
    passes(INTERVAL);
    wire.hears(notification(CHANNEL, 7));
  }

  @Test
  void unacknowledgedUpdateIsSentAgainAfterExactlyTheIntervalAndEachIntervalAgain() {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    for (int i = 0; i < 3; i++) {
      passes(INTERVAL.minus(A_MOMENT));
      wire.hearsNothing();
      passes(A_MOMENT);
      wire.hears(notification(CHANNEL, 7));
    }
    wire.says(ack(CHANNEL, 7));
    passes(INTERVAL.multipliedBy(3));
    wire.hearsNothing();
    assertThat(counters.updatesResent.sum()).isEqualTo(3);
  }

  @Test
  void eachUpdateIsSentAgainAtItsOwnTime() {
    TestWire wire = registered();
    register(wire, OTHER_CHANNEL);
    publish(CHANNEL, 7);
    passes(Duration.ofSeconds(10));
    publish(OTHER_CHANNEL, 8);
    wire.heardAll();
    passes(Duration.ofSeconds(50));
    wire.hears(notification(CHANNEL, 7));
    wire.hearsNothing();
    passes(Duration.ofSeconds(10));
    wire.hears(notification(OTHER_CHANNEL, 8));
    wire.hearsNothing();
    wire.says(ack(CHANNEL, 7));
    passes(INTERVAL);
    wire.hears(notification(OTHER_CHANNEL, 8));
    wire.hearsNothing();
  }

  @Test
  void pingsOldAcksAndLateHintsDoNotPostponeTheRepetition() {
    TestWire wire = registered();
    Update late = raise(CHANNEL, 6);
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    for (int i = 0; i < 2; i++) {
      passes(Duration.ofSeconds(25));
      wire.says("{}");
      wire.hears("{}");
      wire.says(ack(CHANNEL, 6));
      hint(late);
      wire.hearsNothing();
    }
    passes(Duration.ofSeconds(10));
    wire.hears(notification(CHANNEL, 7));
  }

  @Test
  void newerVersionIsSentAgainAnIntervalAfterItself() {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    passes(Duration.ofSeconds(30));
    publish(CHANNEL, 8);
    wire.hears(notification(CHANNEL, 8));
    passes(Duration.ofSeconds(30));
    wire.hearsNothing();
    passes(Duration.ofSeconds(30));
    wire.hears(notification(CHANNEL, 8));
    wire.hearsNothing();
  }

  @Test
  void sessionForgetsWhatIsDoneAndItsTimer() {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    wire.says(ack(CHANNEL, 7));
    passes(INTERVAL.multipliedBy(2));
    assertThat(wire.isTimerRunning(Wire.Timer.REDELIVERY)).isFalse();
    publish(CHANNEL, 8);
    wire.hears(notification(CHANNEL, 8));
    passes(INTERVAL);
    wire.hears(notification(CHANNEL, 8));
  }

  @Test
  void versionsNeverGoBackThoughALateHintComesAfterANewerWasAcknowledged() {
    TestWire wire = registered();
    Update late = raise(CHANNEL, 7);
    publish(CHANNEL, 8);
    wire.hears(notification(CHANNEL, 8));
    hint(late);
    wire.hearsNothing();
    wire.says(ack(CHANNEL, 8));
    hint(late);
    wire.hearsNothing();
    passes(INTERVAL.minus(A_MOMENT));
    hint(late);
    wire.hearsNothing();
    publish(CHANNEL, 9);
    wire.hears(notification(CHANNEL, 9));
  }

  @Test
  void hintThatComesTwiceIsDeliveredOnce() {
    TestWire wire = registered();
    Update update = raise(CHANNEL, 7);
    hint(update);
    hint(update);
    wire.hears(notification(CHANNEL, 7));
    wire.hearsNothing();
  }

  @Test
  void whatIsSupersededBeforeItCouldBeWrittenIsNeverSent() {
    TestWire wire = registered();
    register(wire, OTHER_CHANNEL);
    wire.writable = false;
    publish(CHANNEL, 1);
    publish(OTHER_CHANNEL, 5);
    publish(CHANNEL, 2);
    publish(CHANNEL, 3);
    wire.hearsNothing();
    wire.becomesWritable();
    wire.hears(
        "{'messageType':'notification','updates':[{'channelID':'"
            + CHANNEL
            + "','version':3},{'channelID':'"
            + OTHER_CHANNEL
            + "','version':5}]}");
    wire.hearsNothing();
  }

  @Test
  void whatIsAcknowledgedBeforeItCouldBeWrittenIsNeverSent() {
    TestWire wire = registered();
    wire.writable = false;
    publish(CHANNEL, 1);
    wire.says(ack(CHANNEL, 1));
    wire.becomesWritable();
    wire.hearsNothing();
    publish(CHANNEL, 2);
    wire.hears(notification(CHANNEL, 2));
  }

  @Test
  void endlessOverwritesForADeviceThatStopsReadingEndInOneUpdate() {
    TestWire wire = registered();
    wire.writable = false;
    for (int version = 1; version <= 100_000; version++) {
      publish(CHANNEL, version);
    }
    wire.becomesWritable();
    wire.hears(notification(CHANNEL, 100_000));
    wire.hearsNothing();
    assertThat(counters.updatesSent.sum()).isEqualTo(1);
  }

  @Test
  void redeliveryWaitsForADeviceThatStoppedReading() {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    wire.writable = false;
    passes(INTERVAL.multipliedBy(5));
    wire.hearsNothing();
    wire.becomesWritable();
    wire.hears(notification(CHANNEL, 7));
    wire.hearsNothing();
    passes(INTERVAL);
    wire.hears(notification(CHANNEL, 7));
  }

  @Test
  void updatesThatComeTogetherTravelInOneMessage() {
    TestWire wire = registered();
    register(wire, OTHER_CHANNEL);
    Update one = raise(CHANNEL, 1);
    Update other = raise(OTHER_CHANNEL, 2);
    wire.session().published(one);
    wire.session().published(other);
    wire.turn();
    wire.hears(
        "{'messageType':'notification','updates':[{'channelID':'"
            + CHANNEL
            + "','version':1},{'channelID':'"
            + OTHER_CHANNEL
            + "','version':2}]}");
    wire.hearsNothing();
  }

  @Test
  void manyPendingUpdatesTravelInSeveralMessagesEachChannelOnce() {
    TestWire before = resumes();
    String[] all = new String[MAX_CHANNELS];
    for (int i = 0; i < all.length; i++) {
      all[i] = channel(i);
      register(before, all[i]);
    }
    before.breaksOff();
    for (String each : all) {
      publish(each, 1);
    }
    TestWire wire = resumes(all);
    List<String> messages = wire.heardAll();
    List<String> channels = new ArrayList<>();
    List<Integer> counts = new ArrayList<>();
    for (String message : messages) {
      int before0 = channels.size();
      Matcher matcher = Pattern.compile("\"channelID\":\"([^\"]+)\"").matcher(message);
      while (matcher.find()) {
        channels.add(matcher.group(1));
      }
      counts.add(channels.size() - before0);
    }
    assertThat(counts).containsExactly(256, MAX_CHANNELS - 256);
    assertThat(channels).containsExactlyInAnyOrder(all);
  }

  @Test
  void pendingUpdatesWaitForADeviceThatDoesNotReadYet() {
    registered().breaksOff();
    publish(CHANNEL, 7);
    TestWire wire = connects();
    wire.writable = false;
    wire.says(hello(UAID, CHANNEL));
    wire.hears(greeting(UAID));
    wire.hearsNothing();
    publish(CHANNEL, 8);
    wire.becomesWritable();
    wire.hears(notification(CHANNEL, 8));
    wire.hearsNothing();
  }

  @Test
  void nothingIsSentAfterTheConnectionIsGone() {
    TestWire wire = registered();
    Update update = raise(CHANNEL, 7);
    wire.session().published(update);
    wire.breaksOff();
    wire.turn();
    passes(Duration.ofHours(1));
    wire.hearsNothing();
    resumes(CHANNEL).hears(notification(CHANNEL, 7));
  }

  @Test
  void connectionThatTurnsOutDeadWhileSendingIsForgotten() {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    wire.breaksAtNextSend = true;
    passes(INTERVAL);
    wire.hearsNothing();
    assertThat(wire.isTimerRunning(Wire.Timer.REDELIVERY)).isFalse();
    resumes(CHANNEL).hears(notification(CHANNEL, 7));
  }

  @Test
  void connectionThatTurnsOutDeadAtTheHelloReplyStartsNoTimer() {
    registered().breaksOff();
    publish(CHANNEL, 7);
    TestWire wire = connects();
    wire.breaksAtNextSend = true;
    wire.says(hello(UAID, CHANNEL));
    wire.hearsNothing();
    assertThat(wire.isTimerRunning(Wire.Timer.RECONCILE)).isFalse();
    assertThat(wire.isTimerRunning(Wire.Timer.REDELIVERY)).isFalse();
    assertThat(pending()).containsExactly(updateOf(CHANNEL, 7));
  }

  @Test
  void connectionThatTurnsOutDeadAtAPingAsksTheStoreNothing() {
    TestWire wire = registered();
    store.hold();
    wire.breaksAtNextSend = true;
    wire.says("{}");
    store.nothingAsked();
  }

  @Test
  void whatIsAcknowledgedBeforeItCouldBeWrittenIsForgottenToo() {
    TestWire wire = registered();
    wire.writable = false;
    publish(CHANNEL, 1);
    wire.says(ack(CHANNEL, 1));
    wire.becomesWritable();
    assertThat(wire.isTimerRunning(Wire.Timer.REDELIVERY)).isTrue();
    passes(INTERVAL);
    assertThat(wire.isTimerRunning(Wire.Timer.REDELIVERY)).isFalse();
  }
}
