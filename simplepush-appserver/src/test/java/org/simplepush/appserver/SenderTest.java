package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.simplepush.appserver.FakeTransport.status;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import okhttp3.HttpUrl;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.internal.Backoff;

@Timeout(30)
class SenderTest {
  private static final Verdict ACCEPTED = new Verdict.Accepted();
  private static final Duration DEADLINE = Duration.ofMinutes(5);
  private static final Duration MAX_BACKOFF = Duration.ofMinutes(1);
  private static final Answer BROKEN = new Answer.Broken(Verdict.Cause.NETWORK, "No answer.");

  private final FakeTime time = new FakeTime();
  private final FakeTransport transport = new FakeTransport();
  private final Events events = new Events();

  /** Disturbs nothing. */
  private final NotifierListener thrower =
      new NotifierListener() {
        @Override
        public void onHostRecovered(HostRecovered event) {
          throw new IllegalStateException("thrown by the test's listener");
        }
      };

  private final Sender sender = sender(64, 256, 1000);

  private Sender sender(int maxPerHost, int maxConcurrent, int maxWaiting) {
    return new Sender(
        new Sender.Settings(
            DEADLINE,
            new Backoff(Duration.ofMillis(500), MAX_BACKOFF),
            Duration.ofMinutes(2),
            maxPerHost,
            maxConcurrent,
            maxWaiting),
        transport,
        time,
        new Random(1),
        Runnable::run,
        new Listeners(List.of(events, thrower)));
  }

  private static HttpUrl endpoint(String host, int n) {
    return HttpUrl.get("https://" + host + "/update/" + n);
  }

  private CompletableFuture<Verdict> send(HttpUrl endpoint, long version) {
    CompletableFuture<Verdict> future = new CompletableFuture<>();
    sender.submit(endpoint, version, future::complete);
    return future;
  }

  private CompletableFuture<Verdict> send(long version) {
    return send(endpoint("push.example", 0), version);
  }

  @AfterEach
  void nothingIsLeftBehind() {
    transport.answerAll(status(200));
    sender.close(Duration.ZERO);
    time.advance(Duration.ZERO);
    transport.answerAll(status(200));
    assertThat(sender.finished()).isDone();
    assertThat(sender.isEmpty()).isTrue();
  }

  @Nested
  class Collapse {
    @Test
    void oneOnTheWireAndTheNewestWaits() {
      var one = send(1);
      var three = send(3);
      var two = send(2);
      assertThat(transport.versions()).containsExactly(1L);

      transport.answer(status(200));
      assertThat(one).isCompletedWithValue(ACCEPTED);
      assertThat(List.of(two, three)).noneMatch(CompletableFuture::isDone);
      assertThat(transport.versions()).containsExactly(3L);

      transport.answer(status(200));
      assertThat(two).isCompletedWithValue(ACCEPTED);
      assertThat(three).isCompletedWithValue(ACCEPTED);
      assertThat(transport.wire).isEmpty();
      assertThat(transport.sent).isEqualTo(2);
    }

    @Test
    void olderOrSameVersionRidesOnTheRequestOnTheWire() {
      var seven = send(7);
      var again = send(7);
      var five = send(5);
      transport.answer(status(200));
      assertThat(List.of(seven, again, five))
          .allSatisfy(future -> assertThat(future).isCompletedWithValue(ACCEPTED));
      assertThat(transport.sent).isEqualTo(1);
    }

    @Test
    void thousandVersionsTakeTwoRequests() {
      List<CompletableFuture<Verdict>> all = new ArrayList<>();
      for (long version = 0; version < 1000; version++) {
        all.add(send(version));
      }
      transport.answer(status(200));
      assertThat(transport.versions()).containsExactly(999L);
      transport.answer(status(200));
      assertThat(all).allMatch(CompletableFuture::isDone);
      assertThat(transport.sent).isEqualTo(2);
    }

    @Test
    void signalWithoutVersionIsNotCoveredByARequestBegunBefore() {
      var first = send(Transport.NO_VERSION);
      var second = send(Transport.NO_VERSION);
      var third = send(Transport.NO_VERSION);
      transport.answer(status(200));
      assertThat(first).isCompletedWithValue(ACCEPTED);
      assertThat(List.of(second, third)).noneMatch(CompletableFuture::isDone);
      transport.answer(status(200));
      assertThat(third).isCompletedWithValue(ACCEPTED);
      assertThat(transport.sent).isEqualTo(2);
    }

    @Test
    void waitingSignalWithoutVersionReplacesWaitingVersion() {
      send(1);
      var two = send(2);
      var any = send(Transport.NO_VERSION);
      var three = send(3);
      transport.answer(status(200));
      assertThat(transport.versions()).containsExactly(Transport.NO_VERSION);
      transport.answer(status(200));
      assertThat(List.of(two, any, three)).allMatch(CompletableFuture::isDone);
    }

    @Test
    void goneIsTheVerdictOnWhatWaitsToo() {
      var one = send(1);
      var two = send(2);
      transport.answer(status(410));
      assertThat(one).isCompletedWithValue(new Verdict.Gone(410));
      assertThat(two).isCompletedWithValue(new Verdict.Gone(410));
      assertThat(transport.sent).isEqualTo(1);
    }

    @Test
    void failedVersionIsReplacedByTheOneThatWaits() {
      var one = send(1);
      var two = send(2);
      transport.answer(BROKEN);
      time.advance(MAX_BACKOFF);
      assertThat(transport.versions()).containsExactly(2L);
      transport.answer(status(200));
      assertThat(one).isCompletedWithValue(ACCEPTED);
      assertThat(two).isCompletedWithValue(ACCEPTED);
      assertThat(transport.sent).isEqualTo(2);
    }

    @Test
    void failedSignalWithoutVersionIsNotReplacedByAVersionThatWaits() {
      var any = send(Transport.NO_VERSION);
      var five = send(5);
      transport.answer(status(503));
      time.advance(MAX_BACKOFF);
      assertThat(transport.versions()).containsExactly(Transport.NO_VERSION);
      transport.answer(status(200));
      assertThat(any).isCompletedWithValue(ACCEPTED);
      assertThat(five).isCompletedWithValue(ACCEPTED);
      assertThat(transport.sent).isEqualTo(2);
    }

    @Test
    void staleIsSaidToEveryCallOfTheRequestThatWasAnsweredSoAndToNoOther() {
      var one = send(1);
      var three = send(3);
      var two = send(2);
      transport.answer(status(200));
      transport.answer(FakeTransport.stale());
      assertThat(one).isCompletedWithValue(ACCEPTED);
      assertThat(List.of(two, three))
          .allSatisfy(
              future -> assertThat(future).isCompletedWithValue(new Verdict.Accepted(true)));
      assertThat(sender.statistics().accepted()).isEqualTo(3);
      assertThat(sender.statistics().stale()).isEqualTo(2);
      assertThat(events.verdicts)
          .extracting(NotifierListener.Delivered::verdict)
          .containsExactly(ACCEPTED, new Verdict.Accepted(true), new Verdict.Accepted(true));
    }

    @Test
    void versionIsRaisedDuringBackOffWithoutCuttingItShort() {
      var one = send(1);
      transport.answer(status(503, Duration.ofSeconds(30)));
      var two = send(2);
      time.advance(Duration.ofSeconds(29));
      assertThat(transport.wire).isEmpty();
      time.advance(Duration.ofSeconds(2));
      assertThat(transport.versions()).containsExactly(2L);
      transport.answer(status(200));
      assertThat(one).isCompletedWithValue(ACCEPTED);
      assertThat(two).isCompletedWithValue(ACCEPTED);
    }

    @Test
    void endpointsDoNotCollapseWithEachOther() {
      send(endpoint("push.example", 1), 1);
      send(endpoint("push.example", 2), 1);
      assertThat(transport.wire).hasSize(2);
    }
  }

  @Nested
  class Retry {
    @ParameterizedTest
    @ValueSource(ints = {408, 429, 500, 502, 503, 504})
    void transientStatusIsRetried(int code) {
      var future = send(1);
      transport.answer(status(code));
      assertThat(future).isNotDone();
      time.advance(Duration.ofMillis(500));
      transport.answer(status(200));
      assertThat(future).isCompletedWithValue(ACCEPTED);
    }

    @Test
    void givesUpAtTheDeadlineWithTheLastReason() {
      var future = send(1);
      for (int minute = 0; minute < 6; minute++) {
        transport.answerAll(BROKEN);
        time.advance(Duration.ofMinutes(1));
      }
      assertThat(future.join())
          .isInstanceOfSatisfying(
              Verdict.Failed.class,
              failed -> {
                assertThat(failed.cause()).isEqualTo(Verdict.Cause.NETWORK);
                assertThat(failed.attempts()).isBetween(4, 6);
                assertThat(failed.reason()).isEqualTo("No answer.");
              });
      assertThat(transport.wire).isEmpty();
    }

    @Test
    void failsAtOnceWhenTheNextAttemptWouldBeTooLate() {
      var early = send(1);
      time.advance(DEADLINE.minusSeconds(30));
      var late = send(1);
      transport.answer(status(429, Duration.ofMinutes(1)));
      assertThat(early.join())
          .isInstanceOfSatisfying(
              Verdict.Failed.class,
              failed -> assertThat(failed.cause()).isEqualTo(Verdict.Cause.BUSY));
      assertThat(late).isNotDone();
    }

    @Test
    void retryAfterIsObeyedAndClamped() {
      send(1);
      transport.answer(status(503, Duration.ofDays(10_000)));
      time.advance(Duration.ofMinutes(2).minusMillis(1));
      assertThat(transport.wire).isEmpty();
      time.advance(Duration.ofMillis(502));
      assertThat(transport.wire).hasSize(1);
    }

    @Test
    void retryAfterZeroStillBacksOff() {
      var future = send(1);
      for (int i = 0; i < 40; i++) {
        transport.answerAll(status(503, Duration.ZERO));
        time.advance(Duration.ofSeconds(5));
      }
      assertThat(future).isNotDone();
      assertThat(transport.sent).isLessThan(30);
    }

    @Test
    void eachCallHasItsOwnDeadline() {
      var early = send(1);
      transport.answer(BROKEN);
      time.advance(DEADLINE.minusMinutes(1));
      var late = send(2);
      for (int i = 0; i < 4; i++) {
        transport.answerAll(BROKEN);
        time.advance(MAX_BACKOFF);
      }
      assertThat(early.join()).isInstanceOf(Verdict.Failed.class);
      assertThat(late).isNotDone();
      transport.answerAll(status(200));
      time.advance(MAX_BACKOFF);
      transport.answerAll(status(200));
      assertThat(late).isCompletedWithValue(ACCEPTED);
    }

    @Test
    void refusalWhileConnectingIsFinalAndNotHeldAgainstTheHost() {
      Verdict.Refused refused = new Verdict.Refused(Verdict.Check.ADDRESS, "Not public.");
      var future = send(1);
      transport.answer(new Answer.Barred(refused));
      assertThat(future).isCompletedWithValue(refused);
      assertThat(sender.limitOf("push.example", 443)).isEqualTo(8);
    }
  }

  @Nested
  class Hosts {
    private List<CompletableFuture<Verdict>> sendMany(String host, int from, int to) {
      List<CompletableFuture<Verdict>> all = new ArrayList<>();
      for (int n = from; n < to; n++) {
        all.add(send(endpoint(host, n), 1));
      }
      return all;
    }

    @Test
    void hostThatRefusesEverythingSeesFewerRequestsThenOnePerBackOff() {
      sendMany("storm.example", 0, 500);
      Duration asked = Duration.ofMinutes(1);
      while (!transport.wire.isEmpty()) {
        transport.answerAll(status(429, asked));
      }
      assertThat(transport.sent).isEqualTo(8 + 4 + 2 + 1);

      int before = transport.sent;
      time.advance(asked.minusMillis(1));
      assertThat(transport.sent).isEqualTo(before);
      time.advance(Duration.ofMillis(502));
      assertThat(transport.sent).isEqualTo(before + 1);
      transport.answer(status(429, asked));
      assertThat(transport.wire).isEmpty();
    }

    @Test
    void limitGrowsBackWithSuccess() {
      sendMany("push.example", 0, 900);
      transport.answerAll(BROKEN);
      assertThat(sender.limitOf("push.example", 443)).isEqualTo(4);
      int seen = 0;
      for (int round = 0; round < 10; round++) {
        assertThat(transport.wire.size()).isGreaterThanOrEqualTo(seen);
        seen = transport.wire.size();
        transport.answerAll(status(200));
      }
      assertThat(sender.limitOf("push.example", 443)).isBetween(12, 14);
    }

    @Test
    void limitDoesNotGrowWhileItHoldsNothingBack() {
      for (int n = 0; n < 500; n++) {
        send(endpoint("push.example", n), 1);
        transport.answer(status(200));
      }
      assertThat(sender.limitOf("push.example", 443)).isEqualTo(8);
    }

    @Test
    void limitStaysUnderItsMaximum() {
      sendMany("push.example", 0, 1000);
      for (int round = 0; round < 200; round++) {
        for (int n = 0; n < 64; n++) {
          send(endpoint("push.example", round * 64 + n), 1);
        }
        assertThat(transport.wire.size()).isLessThanOrEqualTo(64);
        transport.answerAll(status(200));
      }
      assertThat(sender.limitOf("push.example", 443)).isEqualTo(64);
    }

    @Test
    void requestsThatFailTogetherCountOnce() {
      sendMany("push.example", 0, 8);
      transport.answerAll(BROKEN);
      assertThat(sender.limitOf("push.example", 443)).isEqualTo(4);
    }

    @Test
    void goneAndRejectedAreSignsOfHealth() {
      sendMany("push.example", 0, 100);
      transport.answerAll(status(404));
      transport.answerAll(status(400));
      assertThat(sender.limitOf("push.example", 443)).isGreaterThan(8);
    }

    @Test
    void hostThatIsDownDoesNotHoldUpOthers() {
      sendMany("down.example", 0, 500);
      var others = sendMany("up.example", 0, 500);
      while (transport.wire.stream().anyMatch(put -> put.endpoint().host().equals("up.example"))) {
        transport.answerHost("up.example", status(200));
      }
      assertThat(others).allMatch(CompletableFuture::isDone);
      assertThat(transport.wire).hasSize(8);
    }

    @Test
    void blackHolesTogetherLeaveHalfOfTheRequestsToTheOthers() {
      var good = send(endpoint("good.example", 0), 1);
      transport.answer(status(200));
      assertThat(good).isCompletedWithValue(ACCEPTED);
      for (int hole = 0; hole < 100; hole++) {
        sendMany("hole" + hole + ".example", 0, 8);
      }
      assertThat(transport.wire).hasSize(128);
      var others = sendMany("good.example", 1, 100);
      assertThat(transport.wire).hasSize(128 + 8);
      for (int round = 0; round < 20; round++) {
        transport.answerHost("good.example", status(200));
      }
      assertThat(others).allMatch(CompletableFuture::isDone);
    }

    @Test
    void hostThatAnswersLeavesTheQueueOfTheBlackHoles() {
      var good = sendMany("good.example", 0, 1);
      for (int n = 0; n < 2; n++) {
        for (int hole = 0; hole < 127; hole++) {
          send(endpoint("hole" + hole + ".example", n), 1);
        }
      }
      good.addAll(sendMany("good.example", 1, 20)); // at the end of the queue
      assertThat(transport.wire).hasSize(128);
      for (int round = 0; round < 20; round++) {
        transport.answerHost("good.example", status(200));
      }
      assertThat(good).allMatch(CompletableFuture::isDone);
    }

    @Test
    void hostDownForAWholeDeadlineFailsCallsAtOnceButForOne() {
      send(endpoint("down.example", 0), 1);
      while (!time.isAfterStart(DEADLINE.plusMinutes(1))) {
        transport.answerAll(BROKEN);
        send(endpoint("down.example", 0), 1);
        time.advance(Duration.ofSeconds(1));
      }
      transport.answerAll(BROKEN);
      var hopeless = send(endpoint("down.example", 1), 1);
      assertThat(hopeless.join()).isEqualTo(BROKEN.lastVerdict(0));

      time.advance(MAX_BACKOFF);
      assertThat(transport.wire).hasSize(1);
      transport.answer(status(200));
      var hopeful = send(endpoint("down.example", 2), 1);
      transport.answerAll(status(200));
      assertThat(hopeful).isCompletedWithValue(ACCEPTED);
    }
  }

  @Nested
  class Limits {
    @Test
    void tooManyWaitingEndpointsFail() {
      sender.submit(endpoint("push.example", 0), 1, verdict -> {});
      for (int n = 1; n < 1000; n++) {
        send(endpoint("push.example", n), 1);
      }
      assertThat(send(endpoint("push.example", 1000), 1).join())
          .isInstanceOfSatisfying(
              Verdict.Failed.class,
              failed -> assertThat(failed.cause()).isEqualTo(Verdict.Cause.FULL));
      assertThat(send(endpoint("push.example", 1), 2)).isNotDone(); // collapses: not one more
    }

    @Test
    void endpointThatNobodyWaitsForAnyMoreIsNotAsked() {
      for (int n = 0; n < Lane.INITIAL_LIMIT; n++) {
        send(endpoint("push.example", n), 1);
      }
      var late = send(endpoint("push.example", 99), 1);
      time.advance(DEADLINE);
      assertThat(late.join()).isInstanceOf(Verdict.Failed.class);
      transport.answerAll(status(200));
      assertThat(transport.wire).isEmpty();
      assertThat(transport.sent).isEqualTo((int) Lane.INITIAL_LIMIT);
      assertThat(sender.isEmpty()).isTrue();
      assertThat(sender.statistics().waiting()).isZero();
    }

    @Test
    void whatWaitsInTheQueueExpiresToo() {
      send(1);
      var two = send(2);
      time.advance(DEADLINE);
      assertThat(two.join())
          .isInstanceOfSatisfying(
              Verdict.Failed.class,
              failed -> {
                assertThat(failed.cause()).isEqualTo(Verdict.Cause.TIMEOUT);
                assertThat(failed.attempts()).isZero();
              });
      assertThat(transport.wire).hasSize(1);
    }
  }

  @Nested
  class Observed {
    @Test
    void everyCounterMovesAsItsDescriptionSays() {
      send(1);
      send(2); // waits
      send(2); // collapses with the one that waits
      send(1); // likewise
      transport.answer(status(503));
      time.advance(Duration.ofMillis(500));
      transport.answer(status(200));
      send(endpoint("gone.example", 0), 1);
      transport.answer(status(410));
      send(endpoint("odd.example", 0), 1);
      transport.answer(status(400));
      sender.refuse(EndpointGuard.refusedAddress(), verdict -> {});
      send(endpoint("slow.example", 0), 1);
      time.advance(Duration.ofSeconds(3));
      transport.answer(status(500, Duration.ofHours(1)));
      time.advance(DEADLINE);
      transport.answerAll(status(500, Duration.ofHours(1)));

      NotifierStatistics now = sender.statistics();
      assertThat(now.waiting()).isZero();
      assertThat(now.onWire()).isZero();
      assertThat(now.calls()).isEqualTo(8);
      assertThat(now.collapsed()).isEqualTo(2);
      assertThat(now.requests()).isEqualTo(6);
      assertThat(now.retries()).isEqualTo(2);
      assertThat(now.accepted()).isEqualTo(4);
      assertThat(now.gone()).isEqualTo(1);
      assertThat(now.rejected()).isEqualTo(1);
      assertThat(now.refused()).isEqualTo(1);
      assertThat(now.failed()).isEqualTo(1);
      assertThat(now.requestTime()).isGreaterThanOrEqualTo(Duration.ofSeconds(3));
    }

    @Test
    void listenerHearsOfAttemptsVerdictsAndHosts() {
      send(1);
      for (int i = 0; i < 4; i++) {
        transport.answer(status(429, Duration.ofSeconds(10)));
        time.advance(Duration.ofSeconds(11));
      }
      transport.answer(status(200));
      assertThat(events.attempts)
          .extracting(
              NotifierListener.Attempt::number,
              NotifierListener.Attempt::status,
              NotifierListener.Attempt::retried)
          .containsExactly(
              tuple(1, 429, true),
              tuple(2, 429, true),
              tuple(3, 429, true),
              tuple(4, 429, true),
              tuple(5, 200, false));
      assertThat(events.pauses).hasSize(1);
      assertThat(events.pauses.get(0).host()).isEqualTo("push.example");
      assertThat(events.pauses.get(0).pause()).isGreaterThanOrEqualTo(Duration.ofSeconds(10));
      assertThat(events.recoveries).hasSize(1);
      assertThat(events.recoveries.get(0).failed()).isGreaterThan(Duration.ofSeconds(40));
      assertThat(events.verdicts)
          .singleElement()
          .satisfies(
              event -> {
                assertThat(event.verdict()).isEqualTo(ACCEPTED);
                assertThat(event.took()).isEqualTo(Duration.ofSeconds(44));
              });
    }
  }

  private static final class Events implements NotifierListener {
    final List<Attempt> attempts = new ArrayList<>();
    final List<Delivered> verdicts = new ArrayList<>();
    final List<HostPaused> pauses = new ArrayList<>();
    final List<HostRecovered> recoveries = new ArrayList<>();

    @Override
    public void onAttempt(Attempt event) {
      attempts.add(event);
    }

    @Override
    public void onVerdict(Delivered event) {
      verdicts.add(event);
    }

    @Override
    public void onHostPaused(HostPaused event) {
      pauses.add(event);
    }

    @Override
    public void onHostRecovered(HostRecovered event) {
      recoveries.add(event);
    }
  }

  @Nested
  class Close {
    @Test
    void drainsWhatWasTaken() {
      var one = send(1);
      var two = send(2);
      sender.close(Duration.ofSeconds(10));
      assertThatThrownBy(() -> send(3)).isInstanceOf(IllegalStateException.class);
      transport.answer(status(200));
      assertThat(sender.finished()).isNotDone();
      transport.answer(status(200));
      assertThat(sender.finished()).isDone();
      assertThat(one).isCompletedWithValue(ACCEPTED);
      assertThat(two).isCompletedWithValue(ACCEPTED);
    }

    @Test
    void lastExpiryEndsTheDrain() {
      Sender oneAtATime = sender(1, 256, 1000);
      List<Verdict> heard = new ArrayList<>();
      oneAtATime.submit(endpoint("push.example", 1), 1, heard::add);
      oneAtATime.submit(endpoint("push.example", 2), 1, heard::add);
      time.advance(DEADLINE.minusMinutes(1));
      transport.answer(status(503, Duration.ofMinutes(2))); // the host is left alone for as long
      assertThat(heard).hasSize(1);
      oneAtATime.close(Duration.ofHours(1));
      assertThat(oneAtATime.finished()).isNotDone();
      time.advance(Duration.ofMinutes(1));
      assertThat(heard).hasSize(2);
      assertThat(oneAtATime.finished()).isDone();
    }

    @Test
    void afterTheDrainTimeTheRestFails() {
      var one = send(1);
      var two = send(2);
      sender.close(Duration.ofSeconds(10));
      time.advance(Duration.ofSeconds(10));
      assertThat(sender.finished()).isDone();
      assertThat(List.of(one, two))
          .allSatisfy(
              future ->
                  assertThat(future.join())
                      .isInstanceOfSatisfying(
                          Verdict.Failed.class,
                          failed -> assertThat(failed.cause()).isEqualTo(Verdict.Cause.CLOSED)));
      assertThat(transport.wire).isEmpty();
    }
  }
}
