package org.simplepush.client.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.simplepush.client.PublicTypes.handlers;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.client.internal.run.HandlerThread;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.FakeLoop;
import org.simplepush.core.ChannelId;

/** What waits for an application, and when it is handed over. */
@Timeout(10)
class InboxTest {
  private static final ChannelId ONE = ChannelId.random();
  private static final ChannelId TWO = ChannelId.random();

  private final FakeLoop loop = new FakeLoop();
  private final Queue<Runnable> callbacks = new ArrayDeque<>();
  private final List<Object> told = new ArrayList<>();
  private final List<Message> handled = new ArrayList<>();
  private final List<Message> ignored = new ArrayList<>();
  private final Recorder owner = new Recorder();
  private boolean executorIsFull;
  private Error executorFailure;
  private Error ownerFailure;
  private Throwable failure;
  private final Inbox inbox =
      new Inbox("calendar", loop, this::execute, DeviceHarness.LONGEST, owner);

  private final class Recorder implements Inbox.Owner {
    private boolean wants = true;
    private boolean launches;
    private int launched;
    private int idle;

    @Override
    public void handled(Inbox inbox, Message message) {
      handled.add(message);
      if (ownerFailure != null) {
        throw ownerFailure;
      }
    }

    @Override
    public void ignored(Inbox inbox, Message message) {
      ignored.add(message);
    }

    @Override
    public boolean isWanted(Inbox inbox, Message message) {
      return wants;
    }

    @Override
    public void idle() {
      idle++;
    }

    @Override
    public boolean launch(Inbox inbox) {
      launched++;
      return launches;
    }
  }

  private void execute(Runnable task) {
    if (executorIsFull) {
      throw new RejectedExecutionException("full");
    }
    if (executorFailure != null) {
      throw executorFailure;
    }
    callbacks.add(task);
  }

  private void hears(Object message) throws Exception {
    told.add(message);
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure != null) {
      throw (Exception) failure;
    }
  }

  /** An application that handles versions and lost endpoints. */
  private final Handlers handlers =
      new Handlers(
          (endpoint, version) -> hears(version), null, () -> hears("push-register"), null, null);

  private static Message.Push push(ChannelId channelId, long version) {
    return new Message.Push(channelId, endpoint(channelId), version, channelId);
  }

  private static URI endpoint(ChannelId channelId) {
    return DeviceHarness.endpoint(channelId);
  }

  private void run(Runnable task) {
    loop.execute(task);
    settle();
  }

  private <T> T ask(Supplier<T> question) {
    List<T> answer = new ArrayList<>();
    loop.run(() -> answer.add(question.get()));
    return answer.get(0);
  }

  private void settle() {
    boolean more = true;
    while (more) {
      settleLoop();
      Runnable callback = callbacks.poll();
      more = callback != null;
      if (more) {
        callback.run();
      }
    }
  }

  private void settleLoop() {
    while (loop.runOne()) {}
  }

  private void advance(Duration time) {
    long end = loop.elapsed() + time.toNanos();
    while (loop.runTimer(end)) {
      settle();
    }
  }

  /** The application is told nothing for so long, and then this. */
  private void assertToldAfter(Duration time, Object... messages) {
    told.clear();
    advance(time.minusNanos(1));
    assertThat(told).isEmpty();
    advance(Duration.ofNanos(1));
    assertThat(told).containsExactly(messages);
    told.clear();
  }

  @Test
  void failedHandlerIsCalledAgainWithBreaksThatGrowToFiveMinutes() {
    run(() -> inbox.attach(handlers));
    failure = new Exception("not now");
    run(() -> inbox.offer(push(ONE, 1)));
    for (int seconds = 2; seconds <= 256; seconds *= 2) {
      assertToldAfter(Duration.ofSeconds(seconds), 1L);
    }
    assertToldAfter(Duration.ofMinutes(5), 1L);
    failure = null;
    assertToldAfter(Duration.ofMinutes(5), 1L);
    assertThat(handled).containsExactly(push(ONE, 1));
    assertThat(loop.timers()).isZero();
  }

  @Test
  void errorIsAFailureAndAnInterruptionStaysOne() {
    run(() -> inbox.attach(handlers));
    failure = new StackOverflowError();
    run(() -> inbox.offer(push(ONE, 1)));
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    assertToldAfter(Duration.ofSeconds(2), 1L);
    failure = new InterruptedException();
    assertToldAfter(Duration.ofSeconds(4), 1L);
    assertThat(Thread.interrupted()).isTrue();
    failure = null;
    assertToldAfter(Duration.ofSeconds(8), 1L);
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void executorThatTakesNothingIsAskedAgain() {
    executorIsFull = true;
    run(() -> inbox.attach(handlers));
    run(() -> inbox.offer(push(ONE, 1)));
    assertThat(owner.idle).isPositive();
    executorIsFull = false;
    assertToldAfter(Duration.ofSeconds(2), 1L);
  }

  @Test
  void handlerKnowsThatItIsOne() {
    List<Boolean> inside = new ArrayList<>();
    run(() -> inbox.attach(handlers(message -> inside.add(HandlerThread.isCurrent()))));
    run(() -> inbox.offer(push(ONE, 1)));
    assertThat(inside).containsExactly(true);
    assertThat(HandlerThread.isCurrent()).isFalse();
  }

  @Test
  void newerVersionEndsTheBreakOfAnOlderOne() {
    run(() -> inbox.attach(handlers));
    failure = new Exception("not now");
    run(() -> inbox.offer(push(ONE, 1)));
    failure = null;
    run(() -> inbox.offer(push(ONE, 1)));
    assertThat(told).containsExactly(1L);
    run(() -> inbox.offer(push(ONE, 2)));
    assertThat(told).containsExactly(1L, 2L);
    assertThat(loop.timers()).isZero();
  }

  @Test
  void lossThatComesWhileOneIsHandledIsToldAfterIt() {
    run(() -> inbox.attach(handlers));
    loop.execute(() -> inbox.offer(new Message.PushRegister()));
    settleLoop();
    loop.execute(() -> inbox.offer(new Message.PushRegister()));
    loop.execute(() -> inbox.offer(new Message.PushRegister()));
    settle();
    assertThat(told).containsExactly("push-register", "push-register");
  }

  @Test
  void failureOfWhatIsWaitingAgainOrNotWantedIsTheEndOfIt() {
    run(() -> inbox.attach(handlers));
    failure = new Exception("not now");
    owner.wants = false;
    run(() -> inbox.offer(push(ONE, 1)));
    assertThat(loop.timers()).isZero();
    owner.wants = true;
    told.clear();
    loop.execute(() -> inbox.offer(push(TWO, 1)));
    settleLoop();
    loop.execute(() -> inbox.offer(push(TWO, 2)));
    settle();
    assertThat(told).containsExactly(1L, 2L);
    assertThat(loop.timers()).isOne();
  }

  @Test
  void ownerHearsWhenNothingRuns() {
    run(() -> inbox.attach(handlers));
    loop.execute(() -> inbox.offer(push(ONE, 1)));
    loop.execute(() -> inbox.offer(push(TWO, 2)));
    settleLoop();
    assertThat(ask(inbox::isBusy)).isTrue();
    assertThat(ask(() -> inbox.isHandling(push(ONE, 1)))).isTrue();
    assertThat(ask(() -> inbox.isHandling(push(TWO, 2)))).isFalse();
    assertThat(ask(() -> inbox.isWaiting(push(TWO, 2)))).isTrue();
    callbacks.remove().run();
    settleLoop();
    assertThat(owner.idle).isZero(); // the next one runs
    settle();
    assertThat(owner.idle).isOne();
    assertThat(ask(inbox::isBusy)).isFalse();
    assertThat(ask(() -> inbox.isHandling(push(TWO, 2)))).isFalse();
    assertThat(ask(() -> inbox.isWaiting(push(TWO, 2)))).isFalse();
  }

  @Test
  void whatIsHeldWaitsForItsRelease() {
    run(() -> inbox.attach(handlers));
    run(() -> inbox.hold(ONE));
    run(() -> inbox.offer(push(ONE, 1)));
    run(() -> inbox.offer(push(TWO, 2)));
    assertThat(told).containsExactly(2L);
    run(() -> inbox.release(ONE));
    assertThat(told).containsExactly(2L, 1L);
  }

  @Test
  void whatIsForgottenIsHeldNoMore() {
    run(() -> inbox.attach(handlers));
    run(() -> inbox.hold(ONE));
    run(() -> inbox.offer(push(ONE, 1)));
    run(() -> inbox.forget(ONE));
    run(() -> inbox.offer(push(ONE, 2)));
    assertThat(told).containsExactly(2L);
  }

  @Test
  void whatIsForgottenIsNotRepeated() {
    run(() -> inbox.attach(handlers));
    failure = new Exception("not now");
    run(() -> inbox.offer(push(ONE, 1)));
    run(() -> inbox.forget(push(ONE, 1)));
    assertThat(loop.timers()).isZero();
    run(() -> inbox.forget(push(TWO, 1))); // never there
  }

  @Test
  void renamedMessageKeepsItsBreak() {
    run(() -> inbox.attach(handlers(message -> hears(message.endpoint()))));
    failure = new Exception("not now");
    run(() -> inbox.offer(push(ONE, 1)));
    run(() -> inbox.rename(ONE, TWO, endpoint(TWO)));
    run(() -> inbox.rename(ONE, TWO, endpoint(TWO))); // nothing is left
    failure = null;
    assertToldAfter(Duration.ofSeconds(2), endpoint(TWO));
    assertThat(handled).containsExactly(new Message.Push(TWO, endpoint(TWO), 1, ONE));
  }

  @Test
  void stoppedInboxHandsOverNothingAndHasNoTimers() {
    run(() -> inbox.attach(handlers));
    failure = new Exception("not now");
    run(() -> inbox.offer(push(ONE, 1)));
    loop.execute(() -> inbox.offer(push(TWO, 1)));
    settleLoop();
    run(inbox::stop); // a handler runs, and it fails
    assertThat(loop.timers()).isZero();
    run(() -> inbox.offer(push(ONE, 2)));
    assertThat(told).containsExactly(1L, 1L);
  }

  @Test
  void applicationIsStartedAgainWithBreaksThatGrow() {
    owner.launches = true;
    run(() -> inbox.offer(push(ONE, 1)));
    assertThat(owner.launched).isOne();
    assertThat(ask(inbox::isBusy)).isTrue();
    int launched = 1;
    for (int seconds = 2; seconds <= 8; seconds *= 2) {
      run(() -> inbox.launched(new Exception("not now")));
      assertThat(ask(inbox::isBusy)).isFalse();
      run(() -> inbox.offer(push(ONE, 2)));
      advance(Duration.ofSeconds(seconds).minusNanos(1));
      assertThat(owner.launched).isEqualTo(launched);
      advance(Duration.ofNanos(1));
      assertThat(owner.launched).isEqualTo(++launched);
    }
    run(() -> inbox.launched(null)); // it was started, and does not attach
    advance(Inbox.LAUNCH_TIME.plusSeconds(16).minusNanos(1));
    assertThat(owner.launched).isEqualTo(launched);
    advance(Duration.ofNanos(1));
    assertThat(owner.launched).isEqualTo(launched + 1);

    // One that attaches begins anew, and need not be started meanwhile.
    run(() -> inbox.launched(null));
    run(() -> inbox.attach(handlers));
    assertThat(loop.timers()).isZero();
    assertThat(told).containsExactly(2L);
    run(inbox::detach);
    run(() -> inbox.offer(push(ONE, 3)));
    assertThat(owner.launched).isEqualTo(launched + 2);
    run(() -> inbox.launched(new Exception("not now")));
    advance(Duration.ofSeconds(2));
    assertThat(owner.launched).isEqualTo(launched + 3);
  }

  @Test
  void deviceThatStartsNothingIsAskedForEachMessage() {
    run(() -> inbox.offer(push(ONE, 1)));
    run(() -> inbox.offer(push(ONE, 2)));
    assertThat(owner.launched).isEqualTo(2);
    run(inbox::detach);
    assertThat(owner.launched).isEqualTo(3);
  }

  @Test
  void stopEndsAStartThatIsPlannedAndWaitsForOneUnderWay() {
    owner.launches = true;
    run(() -> inbox.offer(push(ONE, 1)));
    run(() -> inbox.launched(new Exception("not now")));
    assertThat(loop.timers()).isOne();
    run(inbox::stop);
    assertThat(loop.timers()).isZero();

    Inbox other = new Inbox("mail", loop, this::execute, DeviceHarness.LONGEST, owner);
    run(() -> other.offer(push(ONE, 1)));
    run(other::stop);
    assertThat(owner.idle).isZero();
    run(() -> other.launched(null));
    assertThat(owner.idle).isOne();
    assertThat(loop.timers()).isZero();
  }

  @Test
  void messageThatIsNotHandledIsNamedWhenItComesAndAtEachAttach() {
    Message.Synchronise message = new Message.Synchronise();
    run(() -> inbox.offer(message)); // not known yet
    assertThat(ignored).isEmpty();
    run(() -> inbox.attach(handlers));
    assertThat(ignored).containsExactly(message);
    run(() -> inbox.offer(message));
    assertThat(ignored).hasSize(2);
    run(() -> inbox.offer(push(ONE, 1)));
    assertThat(told).containsExactly(1L);
    assertThat(ignored).hasSize(2);
    run(inbox::detach);
    owner.launched = 0;
    run(() -> inbox.offer(message));
    assertThat(owner.launched).isZero();
  }

  @Test
  void clearedInboxIsAsNew() {
    owner.launches = true;
    run(() -> inbox.attach(handlers));
    failure = new Exception("not now");
    run(() -> inbox.offer(push(ONE, 1)));
    run(() -> inbox.hold(TWO));
    run(inbox::clear);
    assertThat(loop.timers()).isZero();
    assertThat(ask(() -> inbox.isWaiting(push(ONE, 1)))).isFalse();
    assertThat(ask(inbox::handlers)).isNull();
    told.clear();
    run(() -> inbox.offer(push(TWO, 1)));
    assertThat(owner.launched).isOne();
    run(() -> inbox.launched(new Exception("not now")));
    run(inbox::clear);
    assertThat(loop.timers()).isZero();
    run(() -> inbox.offer(push(TWO, 2)));
    run(() -> inbox.launched(new Exception("not now")));
    advance(Duration.ofSeconds(2)); // the breaks begin anew
    assertThat(owner.launched).isEqualTo(3);
    assertThat(told).isEmpty();
  }

  @Test
  void handlerThatRunsWhenTheInboxIsClearedIsWaitedForAndNotHeard() {
    run(() -> inbox.attach(handlers));
    loop.execute(() -> inbox.offer(push(ONE, 1)));
    settleLoop();
    run(
        () -> {
          inbox.clear();
          assertThat(inbox.isBusy()).isTrue();
          assertThat(inbox.isHandling(push(ONE, 1))).isFalse();
          inbox.attach(handlers);
          inbox.offer(push(TWO, 2));
        });
    assertThat(told).containsExactly(1L, 2L);
    assertThat(handled).containsExactly(push(TWO, 2));
    run(() -> inbox.offer(push(ONE, 3)));
    assertThat(handled).hasSize(2);
  }

  @Test
  void messageThatNoThreadCouldBeHadForIsHandedOverLater() {
    run(() -> inbox.attach(handlers));
    executorFailure = new OutOfMemoryError("unable to create native thread: of this test");
    run(() -> inbox.offer(push(ONE, 1)));
    executorFailure = null;
    assertThat(told).isEmpty();
    loop.runTimer(loop.elapsed() + Duration.ofSeconds(2).toNanos());
    settle();
    assertThat(told).containsExactly(1L);
  }

  @Test
  void nextMessageIsHandedOverWhateverBecameOfThisOne() {
    run(() -> inbox.attach(handlers));
    ownerFailure = new OutOfMemoryError("one of this test");
    loop.execute(() -> inbox.offer(push(ONE, 1)));
    loop.execute(() -> inbox.offer(push(TWO, 2)));
    assertThatThrownBy(this::settle).isSameAs(ownerFailure);
    ownerFailure = null;
    settle();
    assertThat(told).containsExactly(1L, 2L);
    assertThat(ask(inbox::isBusy)).isFalse();
  }
}
