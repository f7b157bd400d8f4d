package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.CloseCode;
import org.simplepush.server.ServerStatistics;
import org.simplepush.server.fixtures.SessionFixture;
import org.simplepush.server.fixtures.TestWire;

/** Protocol §§3, 4: register and unregister. */
@Timeout(10)
class SessionRegisterTest extends SessionFixture {
  @Test
  void registerIsAnsweredWithAnEndpointUnderTheBase() {
    TestWire wire = resumes();
    assertThat(register(wire, CHANNEL))
        .matches("https://push\\.example\\.org/update/[A-Za-z0-9_-]{64}");
    wire.hearsNothing();
  }

  @Test
  void registerAgainGivesTheSameEndpointAndKeepsTheVersion() {
    TestWire wire = resumes();
    String endpoint = register(wire, CHANNEL);
    put(endpoint, 7);
    wire.hears(notification(CHANNEL, 7));
    assertThat(register(wire, CHANNEL)).isEqualTo(endpoint);
    wire.hearsNothing();
    assertThat(pending()).containsExactly(updateOf(CHANNEL, 7));
    assertThat(put(endpoint, 7)).isEqualTo(200);
    wire.hearsNothing(); // 7 is still its version
  }

  @Test
  void endpointIsTheSameOnAnotherConnectionAndHoweverTheIdsAreSpelled() {
    TestWire before = resumes();
    String endpoint = register(before, CHANNEL);
    before.breaksOff();
    TestWire wire = resumes(CHANNEL);
    String spelled = CHANNEL.replace("-", "").toUpperCase(Locale.ROOT);
    assertThat(register(wire, spelled)).isEqualTo(endpoint);
  }

  @Test
  void channelIsEchoedAsTheDeviceSpellsItNow() {
    TestWire wire = resumes();
    String spelled = CHANNEL.replace("-", "").toUpperCase(Locale.ROOT);
    String endpoint = register(wire, spelled);
    put(endpoint, 1);
    wire.hears(notification(spelled, 1));
    register(wire, CHANNEL);
    put(endpoint, 2);
    wire.hears(notification(CHANNEL, 2));
    wire.says(ack(spelled, 2));
    assertThat(pending()).isEmpty();
    wire.says(unregister(spelled));
    wire.hears(unregistered(spelled));
    assertThat(put(endpoint, 3)).isEqualTo(410);
  }

  @Test
  void helloSpellsTheChannelsAnew() {
    registered().breaksOff();
    publish(CHANNEL, 1);
    String spelled = CHANNEL.toUpperCase(Locale.ROOT);
    TestWire wire = connects();
    wire.says(hello(UAID, spelled));
    wire.hears(greeting(UAID));
    wire.hears(notification(spelled, 1));
  }

  @Test
  void sameChannelOfTwoUserAgentsIsTwoChannels() {
    TestWire one = resumes();
    TestWire other = connects();
    other.says("{'messageType':'hello'}");
    uaidOf(other);
    String ones = register(one, CHANNEL);
    String others = register(other, CHANNEL);
    assertThat(ones).isNotEqualTo(others);
    put(ones, 1);
    one.hears(notification(CHANNEL, 1));
    other.hearsNothing();
    put(others, 2);
    other.hears(notification(CHANNEL, 2));
    one.hearsNothing();
  }

  @Test
  void registerOverTheLimitIsError503AndChangesNothing() {
    TestWire wire = resumes();
    for (int i = 0; i < MAX_CHANNELS; i++) {
      register(wire, channel(i));
    }
    wire.says(register(CHANNEL));
    wire.hears(
        "{'messageType':'register','channelID':'"
            + CHANNEL
            + "','status':503,'error':'This user agent has as many channels as it may'}");
    wire.isOpen();
    register(wire, channel(7)); // one it has
    wire.says(unregister(channel(0)));
    wire.hears(unregistered(channel(0)));
    register(wire, CHANNEL);
  }

  @Test
  void registerOfAUserAgentDroppedMeanwhileMakesTheDeviceSayHelloAgain() {
    TestWire wire = resumes();
    drop(UAID);
    wire.says(register(CHANNEL));
    wire.hears(
        "{'messageType':'register','channelID':'"
            + CHANNEL
            + "','status':500,'error':'Say hello again'}");
    wire.isClosed(CloseCode.GOING_AWAY);
  }

  @ParameterizedTest
  @ValueSource(strings = {"register", "unregister"})
  void requestsWithoutAChannelIdAreError401AndTheConnectionStaysOpen(String type) {
    TestWire wire = resumes();
    String error = "'status':401,'error':'channelID is missing or not a UUID'}";
    wire.says("{'messageType':'" + type + "'}");
    wire.hears("{'messageType':'" + type + "'," + error);
    wire.says("{'messageType':'" + type + "','channelID':null}");
    wire.hears("{'messageType':'" + type + "'," + error);
    wire.says("{'messageType':'" + type + "','channelID':7}");
    wire.hears("{'messageType':'" + type + "'," + error);
    wire.says("{'messageType':'" + type + "','channelID':'x'}");
    wire.hears("{'messageType':'" + type + "','channelID':'x'," + error);
    wire.says("{'messageType':'" + type + "','channelID':['" + CHANNEL + "']}");
    wire.hears("{'messageType':'" + type + "'," + error);
    wire.isOpen();
    register(wire, CHANNEL);
  }

  @Test
  void unregisterIsIdempotentAlsoForAChannelNobodyKnows() {
    TestWire wire = registered();
    wire.says(unregister(CHANNEL));
    wire.hears(unregistered(CHANNEL));
    wire.says(unregister(CHANNEL));
    wire.hears(unregistered(CHANNEL));
    wire.says(unregister(OTHER_CHANNEL));
    wire.hears(unregistered(OTHER_CHANNEL));
    wire.isOpen();
  }

  @Test
  void unregisterAfterAHelloWithoutUaidIsAnswered200() {
    TestWire wire = connects();
    wire.says("{'messageType':'hello','broadcasts':{},'use_webpush':true}");
    uaidOf(wire);
    wire.says(unregister(CHANNEL));
    wire.hears(unregistered(CHANNEL));
  }

  @Test
  void unregisterOfSomebodyElsesChannelLeavesItAlone() {
    TestWire owner = resumes();
    String endpoint = register(owner, CHANNEL);
    TestWire other = connects();
    other.says("{'messageType':'hello'}");
    uaidOf(other);
    other.says(unregister(CHANNEL));
    other.hears(unregistered(CHANNEL));
    assertThat(put(endpoint, 1)).isEqualTo(200);
    owner.hears(notification(CHANNEL, 1));
  }

  @Test
  void unregisteredEndpointIsGoneForGood() {
    TestWire wire = resumes();
    String endpoint = register(wire, CHANNEL);
    wire.says(unregister(CHANNEL));
    wire.hears(unregistered(CHANNEL));
    assertThat(put(endpoint, 1)).isEqualTo(410);
    wire.hearsNothing();
    wire.breaksOff();
    resumes().hearsNothing();
    assertThat(put(endpoint, 2)).isEqualTo(410);
  }

  @Test
  void whatWasPendingIsNotDeliveredAfterUnregister() {
    TestWire wire = registered();
    wire.writable = false;
    publish(CHANNEL, 7);
    wire.says(unregister(CHANNEL));
    wire.hears(unregistered(CHANNEL));
    wire.becomesWritable();
    wire.hearsNothing();
  }

  @Test
  void whatWasSentIsNotSentAgainAfterUnregister() {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    wire.says(unregister(CHANNEL));
    wire.hears(unregistered(CHANNEL));
    passes(java.time.Duration.ofMinutes(5));
    wire.hearsNothing();
  }

  @Test
  void updatePublishedBeforeUnregisterAndLateIsNotDelivered() {
    TestWire wire = registered();
    var late = raise(CHANNEL, 7);
    wire.says(unregister(CHANNEL));
    wire.hears(unregistered(CHANNEL));
    hint(late);
    wire.hearsNothing();
  }

  @Test
  void updateLateForAChannelThatWasNeverDeliveredToIsNotDeliveredAfterUnregister() {
    TestWire wire = registered();
    var late = raise(CHANNEL, 7);
    wire.writable = false;
    wire.says(unregister(CHANNEL));
    wire.hears(unregistered(CHANNEL));
    hint(late);
    wire.becomesWritable();
    wire.hearsNothing();
  }

  @Test
  void registerAgainReopensTheChannelFromTheStart() {
    TestWire wire = resumes();
    String endpoint = register(wire, CHANNEL);
    put(endpoint, 7);
    wire.hears(notification(CHANNEL, 7));
    wire.says(unregister(CHANNEL));
    wire.hears(unregistered(CHANNEL));
    assertThat(register(wire, CHANNEL)).isEqualTo(endpoint);
    wire.hearsNothing();
    put(endpoint, 1); // lower than before: it is another registration
    wire.hears(notification(CHANNEL, 1));
  }

  @Test
  void whatWasUnregisteredIsForgottenAfterAWhile() {
    TestWire wire = registered();
    wire.says(unregister(CHANNEL));
    wire.hears(unregistered(CHANNEL));
    assertThat(wire.session().remembered()).isOne(); // against late hints
    passes(Duration.ofMinutes(2));
    assertThat(wire.session().remembered()).isZero();
  }

  @Test
  void whatWasDoneIsCounted() {
    TestWire wire = connects();
    wire.says("{'messageType':'hello'}");
    uaidOf(wire);
    register(wire, CHANNEL);
    register(wire, OTHER_CHANNEL);
    wire.says(ack(CHANNEL, 1));
    wire.says(ack(OTHER_CHANNEL, 2));
    wire.says(unregister(CHANNEL));
    wire.hears(unregistered(CHANNEL));
    resumes();
    ServerStatistics statistics = counters.snapshot();
    assertThat(statistics.hellos()).isEqualTo(2);
    assertThat(statistics.uaidsAssigned()).isOne();
    assertThat(statistics.registers()).isEqualTo(2);
    assertThat(statistics.unregisters()).isOne();
    assertThat(statistics.updatesAcknowledged()).isEqualTo(2);
  }

  @Test
  void unregisteringWithoutEndCostsBoundedMemory() {
    TestWire wire = resumes();
    register(wire, CHANNEL);
    for (int i = 0; i < 5 * MAX_CHANNELS; i++) {
      wire.says(unregister(channel(i)));
      wire.hears(unregistered(channel(i)));
    }
    assertThat(wire.session().remembered()).isEqualTo(2 * MAX_CHANNELS);
    publish(CHANNEL, 7); // which goes on, though there is no room for what is retired
    wire.hears(notification(CHANNEL, 7));
  }
}
