package org.simplepush.appserver.internal.send;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.simplepush.appserver.testing.FakeTransport.status;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.random.RandomGenerator;
import okhttp3.HttpUrl;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.appserver.internal.CallbackExecutor;
import org.simplepush.appserver.internal.Versions;
import org.simplepush.appserver.internal.http.EndpointGuard;
import org.simplepush.appserver.testing.FakeTime;
import org.simplepush.appserver.testing.FakeTransport;
import org.simplepush.appserver.testing.RecordingListener;
import org.simplepush.core.internal.Backoff;

@Timeout(30)
class SenderTest {
  private static final Outcome ACCEPTED = new Outcome.Accepted();
  private static final Duration DEADLINE = Duration.ofMinutes(5);

  /** Of requests that tests answer when they like; those on timeouts have another. */
  private static final Duration REQUEST_TIMEOUT = Duration.ofDays(1);

  private static final Duration MAX_BACKOFF = Duration.ofMinutes(1);
  private static final Answer BROKEN = new Answer.Broken(Outcome.Cause.NETWORK, "No answer.");

  private final FakeTime time = new FakeTime();
  private final FakeTransport transport = new FakeTransport();

  /** What it throws disturbs nothing. */
  private final RecordingListener events =
      new RecordingListener() {
        @Override
        public void hostRecovered(String host, Duration failed) {
          super.hostRecovered(host, failed);
          throw new IllegalStateException("thrown by the test's listener");
        }
      };

  private final Sender sender = sender(64, 256, 1000);

  private static Sender.Settings settings(int maxPerHost, int maxConcurrent, int maxWaiting) {
    return new Sender.Settings(
        DEADLINE,
        REQUEST_TIMEOUT,
        new Backoff(Duration.ofMillis(500), MAX_BACKOFF),
        Duration.ofMinutes(2),
        maxPerHost,
        maxConcurrent,
        maxWaiting);
  }

  private Sender sender(int maxPerHost, int maxConcurrent, int maxWaiting) {
    return new Sender(
        settings(maxPerHost, maxConcurrent, maxWaiting),
        transport,
        time,
        new Random(1),
        new CallbackExecutor(Runnable::run),
        events);
  }

  private static HttpUrl endpoint(String host, int n) {
    return HttpUrl.get("https://" + host + "/update/" + n);
  }

  private CompletableFuture<Outcome> send(HttpUrl endpoint, long version) {
    CompletableFuture<Outcome> future = new CompletableFuture<>();
    sender.submit(endpoint, version, future::complete);
    return future;
  }

  private CompletableFuture<Outcome> send(long version) {
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
      List<CompletableFuture<Outcome>> all = new ArrayList<>();
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
      var first = send(Versions.NONE);
      var second = send(Versions.NONE);
      var third = send(Versions.NONE);
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
      var any = send(Versions.NONE);
      var three = send(3);
      transport.answer(status(200));
      assertThat(transport.versions()).containsExactly(Versions.NONE);
      transport.answer(status(200));
      assertThat(List.of(two, any, three)).allMatch(CompletableFuture::isDone);
    }

    @Test
    void goneIsTheVerdictOnWhatWaitsToo() {
      var one = send(1);
      var two = send(2);
      transport.answer(status(410));
      assertThat(one).isCompletedWithValue(new Outcome.Gone(410));
      assertThat(two).isCompletedWithValue(new Outcome.Gone(410));
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
      var any = send(Versions.NONE);
      var five = send(5);
      transport.answer(status(503));
      time.advance(MAX_BACKOFF);
      assertThat(transport.versions()).containsExactly(Versions.NONE);
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
              future -> assertThat(future).isCompletedWithValue(new Outcome.Accepted(true)));
      assertThat(sender.statistics().outcomes().accepted()).isEqualTo(3);
      assertThat(sender.statistics().outcomes().stale()).isEqualTo(2);
      assertThat(events.outcomes)
          .extracting(RecordingListener.Delivered::outcome)
          .containsExactly(ACCEPTED, new Outcome.Accepted(true), new Outcome.Accepted(true));
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
              Outcome.Failed.class,
              failed -> {
                assertThat(failed.cause()).isEqualTo(Outcome.Cause.NETWORK);
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
              Outcome.Failed.class,
              failed -> assertThat(failed.cause()).isEqualTo(Outcome.Cause.BUSY));
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
      assertThat(early.join()).isInstanceOf(Outcome.Failed.class);
      assertThat(late).isNotDone();
      transport.answerAll(status(200));
      time.advance(MAX_BACKOFF);
      transport.answerAll(status(200));
      assertThat(late).isCompletedWithValue(ACCEPTED);
    }

    @Test
    void refusalWhileConnectingIsFinalAndNotHeldAgainstTheHost() {
      Outcome.Refused refused = new Outcome.Refused(Outcome.Check.ADDRESS, "Not public.");
      var future = send(1);
      transport.answer(new Answer.Barred(refused));
      assertThat(future).isCompletedWithValue(refused);
      assertThat(sender.limitOf("push.example", 443)).isEqualTo(8);
    }
  }

  @Nested
  class Hosts {
    private List<CompletableFuture<Outcome>> sendMany(String host, int from, int to) {
      List<CompletableFuture<Outcome>> all = new ArrayList<>();
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
      assertThat(hopeless.join()).isEqualTo(BROKEN.lastOutcome(0));

      time.advance(MAX_BACKOFF);
      assertThat(transport.wire).hasSize(1);
      transport.answer(status(200));
      var hopeful = send(endpoint("down.example", 2), 1);
      transport.answerAll(status(200));
      assertThat(hopeful).isCompletedWithValue(ACCEPTED);
    }
  }

  /** Draws zero always: a back-off then is as short as it can be, and no time is by chance. */
  private Sender exact(int maxPerHost, int maxConcurrent, Executor executor) {
    return new Sender(
        settings(maxPerHost, maxConcurrent, 1000),
        transport,
        time,
        (RandomGenerator) () -> 0L,
        new CallbackExecutor(executor),
        events);
  }

  private static CompletableFuture<Outcome> send(Sender sender, HttpUrl endpoint, long version) {
    CompletableFuture<Outcome> future = new CompletableFuture<>();
    sender.submit(endpoint, version, future::complete);
    return future;
  }

  private static void assertFailed(
      CompletableFuture<Outcome> future, Outcome.Cause cause, int attempts) {
    assertThat(future)
        .isCompletedWithValueMatching(
            verdict ->
                verdict instanceof Outcome.Failed failed
                    && failed.cause() == cause
                    && failed.attempts() == attempts);
  }

  /** What depends on exact times. */
  @Nested
  class Exactly {
    private final List<Runnable> tasks = new ArrayList<>();
    private final Sender sender = exact(1, 256, Runnable::run);
    private final HttpUrl first = endpoint("push.example", 1);
    private final HttpUrl second = endpoint("push.example", 2);

    @Test
    void attemptAtTheDeadlineIsNotTooLate() {
      var one = SenderTest.send(sender, first, 1);
      time.advance(DEADLINE.minusMinutes(2));
      transport.answer(status(503, Duration.ofMinutes(2)));
      assertThat(one).isNotDone();
      time.advance(Duration.ofMinutes(2));
      transport.answerAll(status(200));
      assertThat(one).isDone();
    }

    @Test
    void attemptAfterTheDeadlineIsTooLate() {
      var one = SenderTest.send(sender, first, 1);
      time.advance(DEADLINE.minusMinutes(2).plusNanos(1));
      transport.answer(status(503, Duration.ofMinutes(2)));
      assertFailed(one, Outcome.Cause.SERVER_ERROR, 1);
      assertThat(sender.statistics().waiting()).isZero();
    }

    @Test
    void pausesAndTimesAreCounted() {
      SenderTest.send(sender, first, 1);
      time.advance(Duration.ofSeconds(3));
      transport.answer(status(503, Duration.ofMinutes(1)));
      SenderStatistics paused = sender.statistics();
      assertThat(paused.waiting()).isEqualTo(1);
      assertThat(paused.onWire()).isZero();
      assertThat(paused.hostsPaused()).isEqualTo(1);
      assertThat(paused.hostPauses()).isEqualTo(1);
      assertThat(paused.requestTime()).isEqualTo(Duration.ofSeconds(3));
      assertThat(sender.isPaused("push.example", 443)).isTrue();
      assertThat(sender.isPaused("other.example", 443)).isFalse();

      time.advance(Duration.ofMinutes(1));
      assertThat(sender.isPaused("push.example", 443)).isFalse();
      assertThat(sender.statistics().hostsPaused()).isZero();
      assertThat(sender.statistics().onWire()).isEqualTo(1);
      time.advance(Duration.ofSeconds(2));
      transport.answer(status(503, Duration.ofMinutes(1)));
      assertThat(sender.statistics().hostPauses()).isEqualTo(2);
      assertThat(sender.statistics().requestTime()).isEqualTo(Duration.ofSeconds(5));
      assertThat(events.pauses)
          .containsExactly(
              new RecordingListener.HostPaused(
                  "push.example", Duration.ofMinutes(1), Duration.ZERO),
              new RecordingListener.HostPaused(
                  "push.example", Duration.ofMinutes(1), Duration.ofSeconds(62)));
      assertThat(events.attempts)
          .extracting(RecordingListener.Attempt::took)
          .containsExactly(Duration.ofSeconds(3), Duration.ofSeconds(2));
      time.advance(Duration.ofMinutes(1));
      transport.answer(status(200));
      assertThat(events.recoveries)
          .containsExactly(
              new RecordingListener.HostRecovered("push.example", Duration.ofSeconds(122)));
    }

    @Test
    void hostIsDownAfterAWholeDeadlineAndNotBefore() {
      SenderTest.send(sender, first, 1);
      for (int pause = 0; pause < 3; pause++) { // until 6 minutes have passed
        transport.answer(status(503, Duration.ofMinutes(2)));
        if (pause < 2) {
          SenderTest.send(sender, second, 1);
          time.advance(Duration.ofMinutes(2));
        }
      }
      time.advance(Duration.ofMinutes(1).minusNanos(1));
      assertThat(SenderTest.send(sender, endpoint("push.example", 3), 1)).isNotDone();
      time.advance(Duration.ofNanos(1));
      assertFailed(
          SenderTest.send(sender, endpoint("push.example", 4), 1), Outcome.Cause.SERVER_ERROR, 0);
    }

    @Test
    void whatExpiresInTheQueueSaysWhatItsOwnAttemptCameTo() {
      var tried = SenderTest.send(sender, first, 1);
      var next = SenderTest.send(sender, second, 1);
      var never = SenderTest.send(sender, endpoint("push.example", 3), 1);
      transport.answer(BROKEN);
      time.advance(DEADLINE.minusMinutes(1));
      transport.answer(status(503, Duration.ofMinutes(2)));
      assertFailed(next, Outcome.Cause.SERVER_ERROR, 1);
      assertThat(List.of(tried, never)).noneMatch(CompletableFuture::isDone);
      time.advance(Duration.ofMinutes(1));
      assertFailed(tried, Outcome.Cause.NETWORK, 1);
      assertFailed(never, Outcome.Cause.SERVER_ERROR, 0);
      assertThat(sender.isEmpty()).isTrue();
    }

    @Test
    void whatIsOnTheWireAtTheDeadlineIsDecidedByItsAnswer() {
      var one = SenderTest.send(sender, first, 1);
      time.advance(DEADLINE.plusSeconds(1));
      assertThat(one).isNotDone();
      transport.answer(status(503));
      assertFailed(one, Outcome.Cause.SERVER_ERROR, 1);
    }

    @Test
    void endpointThatExpiredIsPassedOverInTheLineOfHosts() {
      Sender narrow = exact(8, 1, Runnable::run);
      SenderTest.send(narrow, first, 1);
      var other = SenderTest.send(narrow, endpoint("other.example", 1), 1);
      time.advance(DEADLINE);
      assertFailed(other, Outcome.Cause.TIMEOUT, 0);
      var third = SenderTest.send(narrow, endpoint("third.example", 1), 1);
      transport.answer(status(200));
      transport.answer(status(200));
      assertThat(third).isCompletedWithValue(ACCEPTED);
      assertThat(transport.sent).isEqualTo(2);
    }

    @Test
    void noMoreRequestsThanAllowedAreOnTheWire() {
      Sender narrow = exact(8, 4, Runnable::run);
      for (int n = 0; n < 10; n++) {
        SenderTest.send(narrow, endpoint("push.example", n), 1);
      }
      assertThat(transport.wire).hasSize(2); // half, for it has yet to answer
      transport.answerFirst(status(200));
      assertThat(transport.wire).hasSize(4);
      while (!transport.wire.isEmpty()) {
        transport.answerFirst(status(200));
        assertThat(transport.wire.size()).isLessThanOrEqualTo(4);
      }
      assertThat(transport.sent).isEqualTo(10);
    }

    @Test
    void hostsThatProvedThemselvesAndOthersTakeTurns() {
      Sender narrow = exact(8, 1, Runnable::run);
      SenderTest.send(narrow, endpoint("proven.example", 0), 1);
      transport.answer(status(200));
      for (int n = 1; n < 9; n++) {
        SenderTest.send(narrow, endpoint("proven.example", n), 1);
        SenderTest.send(narrow, endpoint("new" + n + ".example", n), 1);
      }
      List<Boolean> proven = new ArrayList<>();
      while (!transport.wire.isEmpty()) {
        proven.add(transport.wire.get(0).endpoint().host().equals("proven.example"));
        transport.answer(status(200));
      }
      assertThat(proven).hasSize(16);
      for (int n = 2; n < 14; n++) {
        assertThat(proven.get(n)).isNotEqualTo(proven.get(n - 1));
      }
    }

    @Test
    void verdictsOfTimersAreHandedOverElsewhere() {
      Sender elsewhere = exact(1, 256, tasks::add);
      SenderTest.send(elsewhere, first, 1);
      var late = SenderTest.send(elsewhere, second, 1);
      time.advance(DEADLINE);
      assertThat(late).isNotDone();
      assertThat(tasks).hasSize(1);
      tasks.remove(0).run();
      assertThat(late).isDone();
      transport.answer(status(200));
      time.advance(DEADLINE);
      assertThat(tasks).isEmpty(); // nothing is nothing to do
    }

    @Test
    void executorThatTakesNoTasksLosesNoVerdict() {
      Sender alone =
          exact(
              1,
              256,
              task -> {
                throw new RejectedExecutionException("shut down");
              });
      SenderTest.send(alone, first, 1);
      var late = SenderTest.send(alone, second, 1);
      time.advance(DEADLINE);
      assertFailed(late, Outcome.Cause.TIMEOUT, 0);
    }

    @Test
    void thousandIdleHostsAreRemembered() {
      SenderTest.send(sender, first, 1);
      transport.answer(status(400));
      time.advance(Duration.ofMinutes(1));
      for (int n = 0; n < 1023; n++) {
        SenderTest.send(sender, endpoint("host" + n + ".example", 1), 1);
        transport.answer(status(200));
      }
      assertThat(sender.limitOf("push.example", 443)).isEqualTo(1);
      SenderTest.send(sender, endpoint("one.example", 1), 1);
      transport.answer(status(200));
      assertThat(sender.limitOf("push.example", 443)).isZero();
      assertThat(sender.limitOf("host0.example", 443)).isEqualTo(1);

      SenderTest.send(sender, endpoint("host0.example", 1), 1); // not idle, so not forgotten
      for (int n = 0; n < 1100; n++) {
        SenderTest.send(sender, endpoint("more" + n + ".example", 1), 1);
        transport.answerHost("more" + n + ".example", status(200));
      }
      assertThat(sender.limitOf("host0.example", 443)).isEqualTo(1);
      assertThat(sender.limitOf("host1.example", 443)).isZero();
    }

    @Test
    void hostThatIsDownIsForgottenLikeAnyOther() {
      SenderTest.send(sender, first, 1);
      for (int pause = 0; pause < 4; pause++) {
        transport.answerAll(status(503, Duration.ofMinutes(2)));
        if (pause < 3) {
          SenderTest.send(sender, second, 1);
          time.advance(Duration.ofMinutes(2));
        }
      }
      assertFailed(
          SenderTest.send(sender, endpoint("push.example", 3), 1), Outcome.Cause.SERVER_ERROR, 0);
      time.advance(DEADLINE);
      transport.answerAll(status(503, Duration.ofMinutes(2)));
      assertFailed(
          SenderTest.send(sender, endpoint("push.example", 4), 1), Outcome.Cause.SERVER_ERROR, 0);
      assertThat(sender.statistics().waiting()).isZero();
      for (int n = 0; n < 1024; n++) {
        assertThat(sender.limitOf("push.example", 443)).isEqualTo(1);
        SenderTest.send(sender, endpoint("host" + n + ".example", 1), 1);
        transport.answer(status(200));
      }
      assertThat(sender.limitOf("push.example", 443)).isZero();
    }

    @Test
    void eachExpiresAtItsOwnTimeThoughNothingElseHappens() {
      SenderTest.send(sender, first, 1);
      var early = SenderTest.send(sender, second, 1);
      time.advance(Duration.ofMinutes(1));
      var late = SenderTest.send(sender, endpoint("push.example", 3), 1);
      assertThat(sender.isEmpty()).isFalse();
      time.advance(DEADLINE.minusMinutes(1));
      assertThat(early).isDone();
      time.advance(Duration.ofMinutes(1).minusNanos(1));
      assertThat(late).isNotDone();
      time.advance(Duration.ofNanos(1));
      assertFailed(late, Outcome.Cause.TIMEOUT, 0);
    }

    @Test
    void fanOutThatHangsIsNotWaitedForAfterTheDrainTime() {
      sender.fanoutBegins();
      sender.close(Duration.ofSeconds(1));
      assertThat(sender.finished()).isNotDone();
      time.advance(Duration.ofSeconds(1));
      assertThat(sender.finished()).isDone();
    }

    @Test
    void firstCloseSaysHowLongTheDrainIs() {
      SenderTest.send(sender, first, 1);
      sender.close(Duration.ofHours(1));
      sender.close(Duration.ofSeconds(1));
      time.advance(Duration.ofMinutes(59));
      assertThat(sender.finished()).isNotDone();
      time.advance(Duration.ofMinutes(1));
      assertThat(sender.finished()).isDone();
      assertThat(sender.isClosed()).isTrue();
    }

    @Test
    void closeOfAnIdleSenderWaitsForNothing() {
      assertThat(sender.isClosed()).isFalse();
      sender.close(Duration.ofHours(1));
      assertThat(sender.finished()).isDone();
      assertThat(sender.isClosed()).isTrue();
      assertThat(time.timers()).isZero();
      assertThatThrownBy(sender::checkOpen).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(sender::fanoutBegins).isInstanceOf(IllegalStateException.class);
    }

    @Test
    void drainThatIsOverStopsRetries() {
      var one = SenderTest.send(sender, first, 1);
      transport.answer(status(503, Duration.ofMinutes(1)));
      sender.close(Duration.ofSeconds(1));
      time.advance(Duration.ofSeconds(1));
      assertFailed(one, Outcome.Cause.CLOSED, 1);
      assertThat(time.timers())
          .isEqualTo(3); // of deadline, requests and the host's pause, not of it
      time.advance(DEADLINE);
      assertThat(transport.sent).isEqualTo(1);
    }

    @Test
    void fanOutMaySendWhileTheSenderDrainsAndEndsIt() {
      sender.fanoutBegins();
      sender.close(Duration.ofHours(1));
      CompletableFuture<Outcome> during = new CompletableFuture<>();
      sender.submitFromFanout(first, 1, during::complete);
      transport.answer(status(200));
      assertThat(during).isCompletedWithValue(ACCEPTED);
      assertThat(sender.finished()).isNotDone();
      sender.fanoutEnds();
      assertThat(sender.finished()).isDone();
      CompletableFuture<Outcome> after = new CompletableFuture<>();
      sender.submitFromFanout(second, 1, after::complete);
      assertFailed(after, Outcome.Cause.CLOSED, 0);
    }
  }

  @Nested
  class Limits {
    @Test
    void tooManyWaitingEndpointsFail() {
      send(endpoint("push.example", 0), 1);
      transport.answer(status(200));
      for (int n = 0; n < 1000; n++) {
        assertThat(send(endpoint("push.example", n), 1)).isNotDone();
      }
      assertThat(send(endpoint("push.example", 1000), 1).join())
          .isInstanceOfSatisfying(
              Outcome.Failed.class,
              failed -> assertThat(failed.cause()).isEqualTo(Outcome.Cause.FULL));
      assertThat(send(endpoint("push.example", 1), 2)).isNotDone(); // collapses: not one more
    }

    @Test
    void endpointThatNobodyWaitsForAnyMoreIsNotAsked() {
      for (int n = 0; n < Lane.INITIAL_LIMIT; n++) {
        send(endpoint("push.example", n), 1);
      }
      var late = send(endpoint("push.example", 99), 1);
      time.advance(DEADLINE);
      assertThat(late.join()).isInstanceOf(Outcome.Failed.class);
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
              Outcome.Failed.class,
              failed -> {
                assertThat(failed.cause()).isEqualTo(Outcome.Cause.TIMEOUT);
                assertThat(failed.attempts()).isZero();
              });
      transport.answer(status(200));
      assertThat(transport.wire).isEmpty();
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
      List<Outcome> refused = new ArrayList<>();
      sender.refuse(EndpointGuard.refusedAddress(), refused::add);
      assertThat(refused).containsExactly(EndpointGuard.refusedAddress());
      send(endpoint("slow.example", 0), 1);
      time.advance(Duration.ofSeconds(3));
      transport.answer(status(500, Duration.ofHours(1)));
      time.advance(DEADLINE);
      transport.answerAll(status(500, Duration.ofHours(1)));

      SenderStatistics now = sender.statistics();
      assertThat(now.waiting()).isZero();
      assertThat(now.onWire()).isZero();
      assertThat(now.calls()).isEqualTo(8);
      assertThat(now.collapsed()).isEqualTo(2);
      assertThat(now.requests()).isEqualTo(6);
      assertThat(now.retries()).isEqualTo(2);
      assertThat(now.outcomes().accepted()).isEqualTo(4);
      assertThat(now.outcomes().gone()).isEqualTo(1);
      assertThat(now.outcomes().rejected()).isEqualTo(1);
      assertThat(now.outcomes().refused()).isEqualTo(1);
      assertThat(now.outcomes().failed()).isEqualTo(1);
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
              RecordingListener.Attempt::number,
              RecordingListener.Attempt::status,
              RecordingListener.Attempt::retried)
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
      assertThat(events.recoveries.get(0).failed()).isEqualTo(Duration.ofSeconds(44));
      assertThat(events.outcomes)
          .singleElement()
          .satisfies(
              event -> {
                assertThat(event.outcome()).isEqualTo(ACCEPTED);
                assertThat(event.took()).isEqualTo(Duration.ofSeconds(44));
              });
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
      List<Outcome> heard = new ArrayList<>();
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
                          Outcome.Failed.class,
                          failed -> assertThat(failed.cause()).isEqualTo(Outcome.Cause.CLOSED)));
      assertThat(transport.wire).isEmpty();
    }
  }
}
