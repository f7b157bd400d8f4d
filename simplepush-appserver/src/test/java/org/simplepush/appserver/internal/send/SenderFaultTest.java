package org.simplepush.appserver.internal.send;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.appserver.testing.FakeTransport.status;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import okhttp3.HttpUrl;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.appserver.internal.CallbackExecutor;
import org.simplepush.appserver.internal.Time;
import org.simplepush.appserver.testing.FakeTime;
import org.simplepush.appserver.testing.FakeTransport;
import org.simplepush.appserver.testing.RecordingListener;
import org.simplepush.core.internal.Backoff;

/** Requests that are never answered, hosts that hold them, and parts that fail. */
@Timeout(60)
class SenderFaultTest {
  private static final Duration DEADLINE = Duration.ofMinutes(5);
  private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(30);
  private static final Outcome ACCEPTED = new Outcome.Accepted();

  private final FakeTime time = new FakeTime();
  private final FakeTransport transport = new FakeTransport();

  private static Sender sender(
      int maxConcurrent,
      int maxWaiting,
      Transport transport,
      Time time,
      Executor executor,
      SenderListener listener) {
    return new Sender(
        new Sender.Settings(
            DEADLINE,
            REQUEST_TIMEOUT,
            new Backoff(Duration.ofMillis(500), Duration.ofMinutes(1)),
            Duration.ofMinutes(2),
            64,
            maxConcurrent,
            maxWaiting),
        transport,
        time,
        new Random(1),
        new CallbackExecutor(executor),
        listener);
  }

  private Sender sender(int maxConcurrent, int maxWaiting) {
    return sender(
        maxConcurrent, maxWaiting, transport, time, Runnable::run, RecordingListener.NOBODY);
  }

  private static HttpUrl endpoint(String host, int n) {
    return HttpUrl.get("https://" + host + "/update/" + n);
  }

  private static CompletableFuture<Outcome> send(Sender sender, HttpUrl endpoint) {
    CompletableFuture<Outcome> future = new CompletableFuture<>();
    sender.submit(endpoint, 1, future::complete);
    return future;
  }

  private static void assertFailed(CompletableFuture<Outcome> future, Outcome.Cause cause) {
    assertThat(future)
        .isCompletedWithValueMatching(
            verdict -> verdict instanceof Outcome.Failed failed && failed.cause() == cause);
  }

  @Test
  void requestThatIsNeverAnsweredIsGivenUpAndTriedAgain() {
    Sender sender = sender(256, 1000);
    var one = send(sender, endpoint("push.example", 1));
    FakeTransport.Put lost = transport.wire.get(0);
    time.advance(REQUEST_TIMEOUT.minusNanos(1));
    assertThat(transport.cancelled).isEmpty();
    time.advance(Duration.ofNanos(1));
    assertThat(transport.cancelled).containsExactly(lost);
    assertThat(sender.statistics().onWire()).isZero();
    time.advance(Duration.ofSeconds(1));
    assertThat(transport.sent).isEqualTo(2);
    lost.onAnswer().accept(status(410)); // too late, and no longer asked
    assertThat(one).isNotDone();
    transport.answer(status(200));
    assertThat(one).isCompletedWithValue(ACCEPTED);
    assertThat(sender.isEmpty()).isTrue();
  }

  @Test
  void everyVerdictComesByDeadlineAndRequestTimeoutThoughNothingIsEverAnswered() {
    Sender sender = sender(256, 1000);
    List<CompletableFuture<Outcome>> all = new ArrayList<>();
    for (int n = 0; n < 100; n++) {
      all.add(send(sender, endpoint("host" + n % 10 + ".example", n)));
    }
    time.advance(DEADLINE.plus(REQUEST_TIMEOUT));
    assertThat(all).allSatisfy(each -> assertFailed(each, Outcome.Cause.TIMEOUT));
    assertThat(transport.wire).isEmpty();
    assertThat(sender.isEmpty()).isTrue();
  }

  @Test
  void hostsThatHoldRequestsGiveWayWhenOthersWait() {
    Sender sender = sender(16, 10_000);
    for (int hole = 0; hole < 120; hole++) {
      for (int n = 0; n < 8; n++) {
        send(sender, endpoint("hole" + hole + ".example", n));
      }
    }
    var good = send(sender, endpoint("good.example", 1));
    assertThat(transport.wire).hasSize(8); // half
    Duration waited = Duration.ZERO;
    while (!good.isDone()) {
      time.advance(Duration.ofSeconds(1));
      waited = waited.plusSeconds(1);
      transport.answerHost("good.example", status(200));
    }
    // 120 hosts, 8 at a time, each a tenth of the timeout.
    assertThat(waited).isLessThanOrEqualTo(Duration.ofSeconds(120 / 8 * 3 + 1));
    assertThat(good).isCompletedWithValue(ACCEPTED);
  }

  @Test
  void hostsThatProvedThemselvesAndThenHoldRequestsGiveWayToo() {
    Sender sender = sender(16, 10_000);
    for (int hole = 0; hole < 4; hole++) {
      send(sender, endpoint("hole" + hole + ".example", 0));
    }
    transport.answerAll(status(200));
    for (int hole = 0; hole < 4; hole++) {
      for (int n = 1; n < 9; n++) {
        send(sender, endpoint("hole" + hole + ".example", n));
      }
    }
    assertThat(transport.wire).hasSize(16); // all there are
    time.advance(Duration.ofSeconds(9));
    var good = send(sender, endpoint("good.example", 1));
    time.advance(Duration.ofSeconds(1));
    transport.answerHost("good.example", status(200));
    assertThat(good).isCompletedWithValue(ACCEPTED);
  }

  @Test
  void slowHostsHaveTheirTimeWhileNobodyWaits() {
    Sender sender = sender(16, 1000);
    var slow = send(sender, endpoint("slow.example", 1));
    time.advance(Duration.ofSeconds(29));
    transport.answer(status(200));
    assertThat(slow).isCompletedWithValue(ACCEPTED);
  }

  @Test
  void endpointsOfHostsThatDoNotAnswerLeaveRoomForTheOthers() {
    Sender sender = sender(256, 100);
    send(sender, endpoint("good.example", 0));
    transport.answer(status(200));
    for (int n = 0; n < 50; n++) {
      assertThat(send(sender, endpoint("hole.example", n))).isNotDone();
    }
    assertFailed(send(sender, endpoint("hole.example", 50)), Outcome.Cause.FULL);
    assertFailed(send(sender, endpoint("new.example", 1)), Outcome.Cause.FULL);
    for (int n = 0; n < 50; n++) {
      assertThat(send(sender, endpoint("good.example", n))).isNotDone();
    }
    assertFailed(send(sender, endpoint("good.example", 50)), Outcome.Cause.FULL);
    time.advance(DEADLINE.plus(REQUEST_TIMEOUT));
    assertThat(sender.isEmpty()).isTrue();
  }

  @Test
  void longEndpointsAndManyCallsCountForWhatTheyCost() {
    Sender sender = sender(256, 16);
    HttpUrl longest = HttpUrl.get("https://long.example/" + "x".repeat(4000));
    assertThat(send(sender, longest)).isNotDone();
    assertFailed(send(sender, endpoint("push.example", 1)), Outcome.Cause.FULL);
    for (int n = 1; n < 160; n++) {
      assertThat(send(sender, longest)).isNotDone();
    }
    assertFailed(send(sender, longest), Outcome.Cause.FULL);
    transport.answer(status(410));
    assertThat(sender.isEmpty()).isTrue();
    assertThat(send(sender, endpoint("push.example", 1))).isNotDone();
  }

  @Test
  void answersThatComeAtOnceDoNotOverflowTheStack() {
    Transport holdsTheFirst =
        new Transport() {
          @Override
          public Exchange put(HttpUrl endpoint, long version, Consumer<Answer> onAnswer) {
            if (!endpoint.host().equals("first.example")) {
              onAnswer.accept(status(503));
            }
            return () -> {};
          }

          @Override
          public void cancelAll() {}
        };
    Sender narrow =
        sender(1, 100_000, holdsTheFirst, time, Runnable::run, RecordingListener.NOBODY);
    send(narrow, endpoint("first.example", 1));
    List<CompletableFuture<Outcome>> all = new ArrayList<>();
    for (int n = 0; n < 5_000; n++) {
      all.add(send(narrow, endpoint("host" + n + ".example", n)));
    }
    time.advance(DEADLINE.plus(REQUEST_TIMEOUT)); // the first is given up, and all others go
    assertThat(all).allMatch(CompletableFuture::isDone);
    assertThat(narrow.isEmpty()).isTrue();
  }

  @Test
  void sinkThatThrowsKeepsNoVerdictFromTheOthers() {
    Sender sender = sender(256, 1000);
    Consumer<Outcome> broken =
        verdict -> {
          throw new StackOverflowError("thrown by the test's sink");
        };
    HttpUrl endpoint = endpoint("push.example", 1);
    sender.submit(endpoint, 1, broken);
    var one = send(sender, endpoint);
    sender.submit(endpoint, 1, broken);
    var two = send(sender, endpoint);
    transport.answer(status(200));
    assertThat(List.of(one, two))
        .allSatisfy(each -> assertThat(each).isCompletedWithValue(ACCEPTED));
  }

  /** Throws at the nth of all places where the sender calls something else. */
  private static final class Fault {
    private int left;
    private boolean thrown;

    /** The stack where it was thrown, for a test that fails. */
    private String at = "";

    Fault(int n) {
      left = n;
    }

    void mayThrow() {
      if (left-- == 0) {
        thrown = true;
        at = Arrays.toString(new Throwable().getStackTrace());
        throw new OutOfMemoryError("thrown by the test");
      }
    }
  }

  @Test
  void faultAnywhereCostsNobodyTheVerdict() {
    int places = 0;
    while (faultCostsNobodyTheVerdict(new Fault(places))) {
      places++;
    }
    assertThat(places).isGreaterThan(100);
  }

  /** Returns whether the fault came to pass. */
  private static boolean faultCostsNobodyTheVerdict(Fault fault) {
    FakeTime time = new FakeTime();
    FakeTransport wire = new FakeTransport();
    Time faultyTime =
        new Time() {
          @Override
          public long nanos() {
            fault.mayThrow();
            return time.nanos();
          }

          @Override
          public Timer after(Duration delay, Runnable task) {
            fault.mayThrow();
            return time.after(delay, () -> contain(task)); // as ThreadTime does
          }
        };
    Transport faultyTransport =
        new Transport() {
          @Override
          public Exchange put(HttpUrl endpoint, long version, Consumer<Answer> onAnswer) {
            fault.mayThrow();
            Exchange exchange = wire.put(endpoint, version, onAnswer);
            return () -> {
              fault.mayThrow();
              exchange.cancel();
            };
          }

          @Override
          public void cancelAll() {
            wire.cancelAll();
          }
        };
    Executor faultyExecutor =
        task -> {
          if (fault.left == 0) {
            fault.left--;
            fault.thrown = true;
            throw new RejectedExecutionException("thrown by the test");
          }
          fault.left--;
          task.run();
        };
    SenderListener faultyListener =
        new RecordingListener() {
          @Override
          public void attemptEnded(
              String host, int number, int status, Duration took, boolean retried) {
            fault.mayThrow();
          }

          @Override
          public void callEnded(Outcome outcome, Duration took) {
            fault.mayThrow();
          }
        };
    Sender sender = sender(4, 1000, faultyTransport, faultyTime, faultyExecutor, faultyListener);
    List<CompletableFuture<Outcome>> all = new ArrayList<>();
    int n = 0;
    for (Answer answer :
        List.of(status(200), status(503), status(410), status(429, Duration.ofSeconds(2)))) {
      for (int i = 0; i < 6; i++) {
        CompletableFuture<Outcome> future = new CompletableFuture<>();
        try {
          sender.submit(endpoint("host" + n % 3 + ".example", n++ % 5), n, future::complete);
          all.add(future);
        } catch (OutOfMemoryError e) { // the caller is told, and waits for nothing
          assertThat(fault.thrown).isTrue();
        }
      }
      if (!wire.wire.isEmpty()) {
        FakeTransport.Put first = wire.wire.get(0);
        contain(() -> wire.answerHost(first.endpoint().host(), answer));
      }
      time.advance(Duration.ofSeconds(2));
    }
    time.advance(DEADLINE.plus(REQUEST_TIMEOUT).plusSeconds(1));
    assertThat(all).as("fault at %s", fault.at).allMatch(CompletableFuture::isDone);
    assertThat(sender.statistics().onWire()).isZero();
    assertThat(sender.statistics().waiting()).isZero();
    return fault.thrown;
  }

  private static void contain(Runnable task) {
    try {
      task.run();
    } catch (OutOfMemoryError e) {
      assertThat(e).hasMessage("thrown by the test");
    }
  }
}
