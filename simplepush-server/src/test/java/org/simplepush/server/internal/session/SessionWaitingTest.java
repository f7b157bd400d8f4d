package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.CloseCode;
import org.simplepush.core.Update;
import org.simplepush.server.EndpointHandler;
import org.simplepush.server.fixtures.DelayedStore;
import org.simplepush.server.fixtures.SessionFixture;
import org.simplepush.server.fixtures.TestWire;

/** A session over a store that answers later, or fails. */
@Timeout(10)
class SessionWaitingTest extends SessionFixture {
  private static String failed(String type, int status) {
    return failed(type, null, status);
  }

  private static String failed(String type, String channelId, int status) {
    String channel = channelId == null ? "" : "'channelID':'" + channelId + "',";
    return "{'messageType':'"
        + type
        + "',"
        + channel
        + "'status':"
        + status
        + ",'error':'Try again later'}";
  }

  private void answers(TestWire wire, String step) {
    store.next(step).answers();
    wire.hearsNothing(); // it is told on the loop only
    wire.turn();
  }

  private void fails(TestWire wire, String step) {
    store.next(step).fails();
    wire.turn();
  }

  @Test
  void answerIsSentOnlyWhenTheStoreHasAnswered() {
    store.hold();
    TestWire wire = connects();
    wire.says(hello(UAID));
    wire.hearsNothing();
    answers(wire, "hello");
    wire.hears(greeting(UAID));
    wire.says(register(CHANNEL));
    wire.hearsNothing();
    answers(wire, "register");
    endpointOf(wire, CHANNEL);
    wire.says(unregister(CHANNEL));
    wire.hearsNothing();
    answers(wire, "unregister");
    wire.hears(unregistered(CHANNEL));
  }

  @Test
  void requestsAreAnsweredInTheOrderSent() {
    store.hold();
    TestWire wire = connects();
    wire.says(hello(UAID));
    assertThat(wire.isBusy()).isTrue();
    wire.says(register(CHANNEL));
    wire.says("{}");
    wire.says(unregister(OTHER_CHANNEL));
    wire.says("{'messageType':'register','channelID':'x'}");
    wire.hearsNothing();
    answers(wire, "hello");
    wire.hears(greeting(UAID));
    assertThat(wire.isBusy()).isTrue();
    answers(wire, "register");
    endpointOf(wire, CHANNEL);
    wire.hears("{}");
    answers(wire, "pending"); // the ping's
    store.next("unregister").answers();
    wire.turn();
    wire.hears(unregistered(OTHER_CHANNEL));
    assertThat(wire.heard()).contains("\"status\":401");
    wire.hearsNothing();
    assertThat(wire.isBusy()).isFalse();
    store.nothingAsked();
  }

  @Test
  void storeIsAskedOneStepAtATime() {
    TestWire wire = resumes();
    store.hold();
    wire.says(register(CHANNEL));
    wire.says(unregister(CHANNEL));
    wire.says(register(CHANNEL));
    answers(wire, "register");
    endpointOf(wire, CHANNEL);
    answers(wire, "unregister");
    wire.hears(unregistered(CHANNEL));
    answers(wire, "register");
    endpointOf(wire, CHANNEL);
    store.nothingAsked();
  }

  @Test
  void waitingPingsAreJudgedByWhenTheyArrived() {
    TestWire wire = resumes();
    store.hold();
    wire.says(register(CHANNEL));
    wire.says("{}");
    passes(Duration.ofSeconds(20));
    wire.says("{}");
    passes(Duration.ofSeconds(20));
    wire.says("{}");
    store.holdNoMore();
    answers(wire, "register");
    endpointOf(wire, CHANNEL);
    assertThat(wire.heardAll()).containsExactly("{}", "{}", "{}");
    wire.isOpen();
  }

  @Test
  void failedHelloIsError503AndClosedWith1013WithNothingHalfDone() {
    registered().breaksOff();
    publish(CHANNEL, 7);
    store.hold();
    TestWire wire = connects();
    wire.says(hello(UAID, CHANNEL));
    fails(wire, "hello");
    wire.hears(failed("hello", 503));
    wire.isClosed(CloseCode.TRY_AGAIN_LATER);
    store.holdNoMore();
    resumes(CHANNEL).hears(notification(CHANNEL, 7));
    assertThat(counters.storeFailures.sum()).isEqualTo(1);
  }

  @Test
  void failedHelloWithoutUaidIsError503AndClosed() {
    store.hold();
    TestWire wire = connects();
    wire.says("{'messageType':'hello','channelIDs':[]}");
    fails(wire, "hello");
    wire.hears(failed("hello", 503));
    wire.isClosed(CloseCode.TRY_AGAIN_LATER);
  }

  /** Firefox never connects again after an answer without a UAID; closed, it is back in seconds. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'messageType':'hello'}",
        "{'messageType':'hello','uaid':'" + UAID + "'}",
        "{'messageType':'hello','uaid':'" + UAID + "','channelIDs':null}",
        "{'messageType':'hello','broadcasts':{},'use_webpush':true}",
      })
  void failedHelloWithoutAListIsClosedWith1013AndNotAnswered(String hello) {
    store.hold();
    TestWire wire = connects();
    wire.says(hello);
    fails(wire, "hello");
    wire.isClosed(CloseCode.TRY_AGAIN_LATER);
    assertThat(counters.storeFailures.sum()).isEqualTo(1);
  }

  @Test
  void helloWithoutAListThatFailsWhenAFreshUaidIsStoredIsNotAnsweredEither() {
    store.hold();
    TestWire wire = connects();
    wire.says("{'messageType':'hello','uaid':'" + UAID + "'}");
    answers(wire, "hello"); // unknown
    fails(wire, "hello"); // the fresh one's
    wire.isClosed(CloseCode.TRY_AGAIN_LATER);
  }

  /** Firefox would wait for ever. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'messageType':'hello','uaid':'" + UAID + "'}",
        "{'messageType':'hello','uaid':'" + UAID + "','channelIDs':['" + CHANNEL + "']}",
      })
  void helloThatTheStoreDoesNotAnswerInTimeIsClosedWith1013(String hello) {
    registered().breaksOff();
    store.hold();
    TestWire wire = connects();
    wire.says(hello);
    passes(Duration.ofSeconds(30).minusNanos(1));
    wire.isOpen();
    passes(Duration.ofNanos(1));
    wire.isClosed(CloseCode.TRY_AGAIN_LATER);
    assertThat(counters.storeFailures.sum()).isEqualTo(1);
    answers(wire, "hello"); // too late
    wire.isClosed(CloseCode.TRY_AGAIN_LATER);
    store.holdNoMore();
    publish(CHANNEL, 7);
    resumes(CHANNEL).hears(notification(CHANNEL, 7));
  }

  @Test
  void failedSecondHelloWithoutAListIsNotAnsweredEither() {
    TestWire wire = registered();
    store.hold();
    wire.says("{'messageType':'hello'}");
    fails(wire, "pending");
    wire.isClosed(CloseCode.TRY_AGAIN_LATER);
  }

  @Test
  void failedDropOfAUserAgentWithTooManyChannelsIsError503() {
    registered().breaksOff();
    String[] many = new String[MAX_CHANNELS + 1];
    for (int i = 0; i < many.length; i++) {
      many[i] = channel(i);
    }
    store.hold();
    TestWire wire = connects();
    wire.says(hello(UAID, many));
    fails(wire, "drop");
    wire.hears(failed("hello", 503));
    wire.isClosed(CloseCode.TRY_AGAIN_LATER);
    assertThat(isKnown(UAID)).isTrue();
  }

  @Test
  void failedSecondHelloIsError503AndClosed() {
    TestWire wire = registered();
    store.hold();
    wire.says(hello(UAID));
    fails(wire, "pending");
    wire.hears(failed("hello", 503));
    wire.isClosed(CloseCode.TRY_AGAIN_LATER);
  }

  @Test
  void failedRegisterIsError500AndTheConnectionStaysOpen() {
    TestWire wire = resumes();
    store.hold();
    wire.says(register(CHANNEL));
    fails(wire, "register");
    wire.hears(failed("register", CHANNEL, 500));
    wire.isOpen();
    store.holdNoMore();
    register(wire, CHANNEL);
  }

  @Test
  void failedUnregisterIsError500AndTheChannelStillWorks() {
    TestWire wire = resumes();
    String endpoint = register(wire, CHANNEL);
    store.hold();
    wire.says(unregister(CHANNEL));
    fails(wire, "unregister");
    wire.hears(failed("unregister", CHANNEL, 500));
    store.holdNoMore();
    assertThat(put(endpoint, 7)).isEqualTo(200);
    wire.hears(notification(CHANNEL, 7));
  }

  @Test
  void updateWhoseAckFailedIsOfferedAgainLater() {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    store.hold();
    wire.says(ack(CHANNEL, 7));
    fails(wire, "acknowledge");
    wire.hearsNothing();
    wire.isOpen();
    store.holdNoMore();
    passes(Duration.ofMinutes(35)); // compared with the store
    wire.hears(notification(CHANNEL, 7));
    wire.says(ack(CHANNEL, 7));
    assertThat(pending()).isEmpty();
  }

  @Test
  void failedComparisonWithTheStoreLeavesTheConnectionOpen() {
    TestWire wire = registered();
    store.hold();
    wire.says("{}");
    wire.hears("{}");
    fails(wire, "pending");
    wire.isOpen();
    passes(Duration.ofMinutes(35));
    raise(CHANNEL, 7);
    answers(wire, "pending");
    wire.hears(notification(CHANNEL, 7));
  }

  @Test
  void updatePublishedAfterTheStoreLookedButBeforeTheHelloReplyIsDelivered() {
    registered().breaksOff();
    store.hold();
    TestWire wire = connects();
    wire.says(hello(UAID, CHANNEL));
    DelayedStore.Step<?> hello = store.next("hello");
    hello.takesEffect();
    publish(CHANNEL, 7);
    wire.hearsNothing(); // the hello reply comes first
    hello.answers();
    wire.turn();
    wire.hears(greeting(UAID));
    wire.hears(notification(CHANNEL, 7));
    wire.hearsNothing();
  }

  @Test
  void updatePublishedBeforeTheStoreLooksIsDeliveredOnce() {
    registered().breaksOff();
    store.hold();
    TestWire wire = connects();
    wire.says(hello(UAID, CHANNEL));
    publish(CHANNEL, 7);
    answers(wire, "hello");
    wire.hears(greeting(UAID));
    wire.hears(notification(CHANNEL, 7));
    wire.hearsNothing();
  }

  @Test
  void newerOfTheStoresAnswerAndAHintIsDelivered() {
    registered().breaksOff();
    publish(CHANNEL, 7);
    store.hold();
    TestWire wire = connects();
    wire.says(hello(UAID, CHANNEL));
    DelayedStore.Step<?> hello = store.next("hello");
    hello.takesEffect();
    publish(CHANNEL, 8);
    hello.answers();
    wire.turn();
    wire.hears(greeting(UAID));
    wire.hears(notification(CHANNEL, 8));
    wire.hearsNothing();
  }

  @Test
  void updateIsSentWhileARequestWaits() {
    TestWire wire = registered();
    store.hold();
    wire.says(register(OTHER_CHANNEL));
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    answers(wire, "register");
    endpointOf(wire, OTHER_CHANNEL);
  }

  @Test
  void updatePublishedWhileUnregisterWaitsIsNotDeliveredAfterItsAnswer() {
    TestWire wire = registered();
    store.hold();
    wire.says(unregister(CHANNEL));
    Update late = raise(CHANNEL, 7);
    answers(wire, "unregister");
    wire.hears(unregistered(CHANNEL));
    hint(late);
    wire.hearsNothing();
  }

  @Test
  void storesAnswerThatIsOlderThanAHintDoesNotTakeTheVersionBack() {
    TestWire wire = registered();
    raise(CHANNEL, 7);
    store.hold();
    wire.says("{}");
    wire.hears("{}");
    DelayedStore.Step<?> pending = store.next("pending");
    pending.takesEffect();
    publish(CHANNEL, 8);
    wire.hears(notification(CHANNEL, 8));
    pending.answers();
    wire.turn();
    wire.hearsNothing();
  }

  @Test
  void takeoverWhileAStepIsInFlightClosesTheOlderAndItsAnswerIsDropped() {
    TestWire older = registered();
    store.hold();
    older.says(register(OTHER_CHANNEL));
    older.says(unregister(CHANNEL));
    DelayedStore.Step<?> inFlight = store.next("register");
    store.holdNoMore();
    TestWire newer = resumes(CHANNEL);
    older.turn();
    older.isClosed(CloseCode.POLICY_VIOLATION);
    inFlight.answers();
    older.turn();
    older.isClosed(CloseCode.POLICY_VIOLATION); // and the unregister was not done
    publish(CHANNEL, 7);
    newer.hears(notification(CHANNEL, 7));
  }

  @Test
  void takeoverDuringAHelloLeavesOnlyTheNewest() {
    registered().breaksOff();
    store.hold();
    TestWire older = connects();
    older.says(hello(UAID, CHANNEL));
    TestWire newer = connects();
    newer.says(hello(UAID, CHANNEL));
    store.next("hello").answers();
    older.turn(); // its answer and the takeover, in either order
    older.heardAll();
    older.isClosed(CloseCode.POLICY_VIOLATION);
    answers(newer, "hello");
    newer.hears(greeting(UAID));
    publish(CHANNEL, 7);
    newer.hears(notification(CHANNEL, 7));
  }

  @Test
  void connectionThatEndsWhileAHelloWaitsIsNotRegistered() {
    registered().breaksOff();
    store.hold();
    TestWire wire = connects();
    wire.says(hello(UAID, CHANNEL));
    wire.says(register(OTHER_CHANNEL));
    wire.breaksOff();
    store.next("hello").answers();
    wire.turn();
    publish(CHANNEL, 7);
    wire.hearsNothing();
    store.nothingAsked();
    assertThat(counters.hellos.sum()).isEqualTo(1); // the first connection's
  }

  @Test
  void connectionThatEndsWhileAFreshUaidIsAssignedIsNotRegistered() {
    store.hold();
    TestWire wire = connects();
    wire.says(hello(UAID, CHANNEL));
    answers(wire, "hello"); // unknown
    wire.breaksOff();
    store.next("hello").answers();
    wire.turn();
    wire.hearsNothing();
  }

  @Test
  void helloTimerDoesNotCloseADeviceWhoseLaterRequestWaitsForTheStore() {
    TestWire wire = resumes();
    store.hold();
    wire.says(register(CHANNEL));
    passes(Duration.ofSeconds(31));
    wire.isOpen();
    answers(wire, "register");
    endpointOf(wire, CHANNEL);
  }

  @Test
  void comparisonIsLeftOutWhileARequestWaits() {
    TestWire wire = registered();
    store.hold();
    wire.says(register(OTHER_CHANNEL));
    passes(Duration.ofMinutes(35));
    answers(wire, "register");
    endpointOf(wire, OTHER_CHANNEL);
    store.nothingAsked();
    passes(Duration.ofMinutes(35));
    answers(wire, "pending");
    wire.hearsNothing();
  }

  @Test
  void redeliveryGoesOnWhileARequestWaits() {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    store.hold();
    wire.says(register(OTHER_CHANNEL));
    passes(Duration.ofSeconds(60));
    wire.hears(notification(CHANNEL, 7));
  }

  /** Taken for "unknown", it would cost the device everything it has here. */
  @Test
  void answerWithNothingInItIsAFailureAndNoLossOfState() {
    registered().breaksOff();
    store.hold();
    TestWire wire = connects();
    wire.says(hello(UAID, CHANNEL));
    store.next("hello").answersNothing();
    wire.turn();
    assertThat(wire.heard()).contains("\"status\":503");
    wire.isClosed(CloseCode.TRY_AGAIN_LATER);
    store.holdNoMore();
    resumes(CHANNEL);
  }

  @Test
  void closeWhileARequestWaitsDropsTheInbox() {
    TestWire wire = registered();
    store.hold();
    wire.says(register(OTHER_CHANNEL));
    wire.says(register(channel(3)));
    wire.inTurn(session -> session.close(CloseCode.GOING_AWAY, "the server shuts down"));
    store.next("register").answers();
    wire.turn();
    wire.isClosed(CloseCode.GOING_AWAY);
    store.nothingAsked();
  }

  @Test
  void whatTheDeviceHasHandledAndGivenUpIsNotedThoughTheConnectionHasEnded() {
    TestWire wire = registered();
    publish(CHANNEL, 7);
    wire.hears(notification(CHANNEL, 7));
    store.hold();
    wire.says(register(OTHER_CHANNEL));
    wire.says(ack(CHANNEL, 7));
    wire.says(register(channel(3)));
    wire.says(unregister(CHANNEL));
    wire.breaksOff();
    store.next("register").answers();
    wire.turn();
    store.next("acknowledge").answers();
    assertThat(pending()).isEmpty();
    store.next("unregister").answers();
    store.nothingAsked();
    wire.hearsNothing();
  }

  @Test
  void whatADeviceHasGivenUpIsKeptIfItHasConnectedAnew() {
    TestWire wire = registered();
    store.hold();
    wire.says(register(OTHER_CHANNEL));
    wire.says(unregister(CHANNEL));
    store.holdNoMore();
    register(resumes(CHANNEL), CHANNEL);
    wire.turn(); // it is taken over
    wire.isClosed(CloseCode.POLICY_VIOLATION);
    store.next("register").answers();
    wire.turn();
    store.nothingAsked();
    publish(CHANNEL, 7);
  }

  @Test
  void hintForTheUaidThatWasLostDoesNotReachTheFreshOne() {
    registered().breaksOff();
    TestWire wire = connects();
    Update late = raise(CHANNEL, 255); // not yet handed over
    store.hold();
    wire.says(hello(UAID, CHANNEL, OTHER_CHANNEL));
    Session found = wire.session(); // by the thread that hands it over, and sleeps
    answers(wire, "hello"); // some channel is unknown
    answers(wire, "hello"); // of the fresh UAID
    store.holdNoMore();
    assertThat(uaidOf(wire)).isNotEqualTo(UAID);
    String endpoint = register(wire, CHANNEL);
    found.published(late);
    wire.turn();
    wire.hearsNothing();
    put(endpoint, 1); // would be held to be older than 255
    wire.hears(notification(CHANNEL, 1));
  }

  @Test
  void onlyAnUpdateThatTheStoreAnswersAtOnceMayBeDeliveredByItsPublisher() {
    TestWire wire = resumes();
    String endpoint = register(wire, CHANNEL);
    put(endpoint, 1);
    wire.hears(notification(CHANNEL, 1));
    assertThat(wire.mayRunHere).as("answered on the publisher's thread").isEqualTo(1);
    store.hold();
    CompletionStage<EndpointHandler.Response> later = endpoints.handle(putRequest(endpoint, 2));
    store.next("advance").answers(); // on a thread of the store's, perhaps under its lock
    assertThat(later.toCompletableFuture()).isCompleted();
    wire.turn();
    wire.hears(notification(CHANNEL, 2));
    hint(raise(CHANNEL, 3));
    wire.hears(notification(CHANNEL, 3));
    assertThat(wire.mayRunHere).as("after two that came from the store").isEqualTo(1);
  }

  static List<Throwable> waysToFail() {
    return List.of(
        DelayedStore.away(),
        new CancellationException("cancelled"),
        new CompletionException("without a cause", null));
  }

  @ParameterizedTest
  @MethodSource("waysToFail")
  void storeThatFailsAtOnceIsAFailureWhateverItSays(Throwable failure) {
    failure.setStackTrace(new StackTraceElement[0]); // it is logged
    TestWire wire = registered();
    store.failAtOnce(failure);
    wire.says(register(OTHER_CHANNEL));
    wire.hears(failed("register", OTHER_CHANNEL, 500));
    wire.says(unregister(CHANNEL));
    wire.hears(failed("unregister", CHANNEL, 500));
    wire.says(ack(CHANNEL, 1));
    wire.hearsNothing();
    wire.says("{}");
    wire.hears("{}");
    wire.isOpen();
    assertThat(counters.storeFailures.sum()).isEqualTo(4);
    wire.says(hello(UAID));
    wire.hears(failed("hello", 503));
    wire.isClosed(CloseCode.TRY_AGAIN_LATER);
  }
}
