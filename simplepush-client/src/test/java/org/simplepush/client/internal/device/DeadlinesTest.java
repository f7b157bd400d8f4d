package org.simplepush.client.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.client.internal.device.Deadlines.Deadline;
import org.simplepush.client.internal.device.Deadlines.Synchronise;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.FakeLoop;

/** Waits of days, without days. The longest wait and the longest break are drawn. */
@Timeout(10)
class DeadlinesTest implements Deadlines.Owner {
  private static final Duration WAIT = Duration.ofHours(24);

  /** A 24th is added. */
  private static final Duration LENGTH = Duration.ofHours(25);

  private static final Duration SHORT_WAIT = Duration.ofSeconds(24);
  private static final Duration SHORT_LENGTH = Duration.ofSeconds(25);
  private static final Deadline A = new Synchronise("a");
  private static final Deadline B = new Synchronise("b");
  private static final Deadline SHORT = new Synchronise("short");
  private static final Duration INSTANT = Duration.ofNanos(1);

  private final FakeLoop loop = new FakeLoop();
  private final Map<Deadline, Long> stored = new LinkedHashMap<>();
  private final List<Deadline> due = new ArrayList<>();
  private final Set<Deadline> impossible = new HashSet<>();
  private final Map<Deadline, Integer> asked = new HashMap<>();
  private Runnable whenDue = () -> {};
  private int changes;
  private int timersRun;
  private Deadlines deadlines;

  @BeforeEach
  void create() {
    deadlines = new Deadlines(stored, loop, DeviceHarness.LONGEST, this, () -> changes++);
  }

  @Override
  public Duration waitFor(Deadline deadline) {
    return deadline.equals(SHORT) ? SHORT_WAIT : WAIT;
  }

  @Override
  public boolean isPossible(Deadline deadline) {
    asked.merge(deadline, 1, Integer::sum);
    return !impossible.contains(deadline);
  }

  @Override
  public void due(Deadline deadline) {
    due.add(deadline);
    whenDue.run();
  }

  private void start() {
    loop.run(deadlines::start);
  }

  private void set(Deadline deadline) {
    loop.run(() -> deadlines.set(deadline));
  }

  private void cancel(Deadline deadline) {
    loop.run(() -> deadlines.cancel(deadline));
  }

  private void awake() {
    loop.run(deadlines::awake);
  }

  private void advance(Duration duration) {
    long end = loop.elapsed() + duration.toNanos();
    while (loop.runTimer(end)) {
      timersRun++;
    }
  }

  private void assertDue(Deadline... expected) {
    assertThat(due).containsExactly(expected);
    due.clear();
  }

  /** One that was stored, and is over by the wall clock. */
  private void storeOver(Deadline deadline) {
    stored.put(deadline, loop.clock());
  }

  private void store(Deadline deadline, Duration left) {
    stored.put(deadline, loop.clock() + left.toMillis());
  }

  @Test
  void waitIsOverAfterItsLengthAndABreak() {
    start();
    set(A);
    assertThat(stored).containsEntry(A, loop.clock() + LENGTH.toMillis());
    assertThat(changes).isEqualTo(1);
    advance(LENGTH.plus(Deadlines.MAX_BREAK).minus(INSTANT));
    assertDue();
    advance(INSTANT);
    assertDue(A);
  }

  @Test
  void shortWaitsAreFollowedByShortBreaks() {
    start();
    set(SHORT);
    advance(SHORT_LENGTH.plus(SHORT_WAIT.dividedBy(Deadlines.SPREAD)).minus(INSTANT));
    assertDue();
    advance(INSTANT);
    assertDue(SHORT);
  }

  @Test
  void whatIsOverIsReleasedOneAtATimeAndOnce() {
    storeOver(A);
    storeOver(B);
    start();
    advance(Deadlines.MAX_BREAK);
    assertThat(due).hasSize(1);
    advance(Deadlines.MAX_BREAK.minus(INSTANT));
    assertThat(due).hasSize(1);
    advance(INSTANT);
    assertThat(due).containsExactlyInAnyOrder(A, B);
    assertThat(loop.timers()).as("nothing is left to look at").isZero();
    awake();
    advance(Duration.ofDays(10)); // the owner has set neither again
    assertThat(due).hasSize(2);
  }

  @Test
  void whatIsOverIsReleasedAgainOnceItWasSetAgain() {
    storeOver(A);
    start();
    whenDue = () -> deadlines.set(A);
    advance(Deadlines.MAX_BREAK);
    assertDue(A);
    advance(LENGTH);
    assertDue();
    advance(Deadlines.MAX_BREAK);
    assertDue(A);
  }

  @Test
  void impossibleOneIsAskedAgainAfterAWhileAndHoldsUpNoOther() {
    impossible.add(A);
    storeOver(A);
    storeOver(B);
    start();
    advance(Deadlines.MAX_BREAK);
    assertDue(B);
    asked.clear();
    advance(Deadlines.LOOK.multipliedBy(8));
    assertThat(asked).isEqualTo(Map.of(A, 8));
    assertDue();
    impossible.clear();
    advance(Deadlines.LOOK);
    assertDue();
    advance(Deadlines.MAX_BREAK);
    assertDue(A);
  }

  @Test
  void whatBecameImpossibleDuringTheBreakIsNotReleased() {
    storeOver(A);
    start();
    impossible.add(A);
    advance(Deadlines.MAX_BREAK);
    assertDue();
    impossible.clear();
    advance(Deadlines.LOOK.plus(Deadlines.MAX_BREAK));
    assertDue(A);
  }

  @Test
  void waitThatBeginsAnewDuringTheBreakIsNotOver() {
    storeOver(A);
    start();
    advance(Deadlines.MAX_BREAK.minus(INSTANT));
    set(A);
    advance(LENGTH);
    assertDue();
    advance(Deadlines.MAX_BREAK);
    assertDue(A);
  }

  @Test
  void waitThatIsCancelledDuringTheBreakIsNotOver() {
    storeOver(A);
    start();
    cancel(A);
    assertThat(stored).isEmpty();
    advance(Duration.ofDays(3));
    assertDue();
    assertThat(loop.timers()).isZero();
  }

  @Test
  void breakIsNotLengthenedByConnectionsNorByOtherWaits() {
    storeOver(A);
    start();
    for (int seconds = 0; seconds < 59; seconds++) {
      advance(Duration.ofSeconds(1));
      awake();
      set(SHORT);
      set(B);
    }
    assertDue();
    advance(Duration.ofSeconds(1));
    assertDue(A);
  }

  @Test
  void deviceThatOnlyWaitsLooksFourTimesAnHour() {
    start();
    set(A);
    set(B);
    advance(Duration.ofHours(24));
    assertThat(timersRun).isEqualTo(24 * 4);
    set(A); // begun anew as often as it may be
    set(A);
    assertThat(loop.timers()).isEqualTo(1);
  }

  @Test
  void shorterWaitIsLookedAtWhenItEnds() {
    start();
    set(A);
    set(SHORT);
    assertThat(loop.timers()).as("the timer was brought forward").isEqualTo(1);
    advance(SHORT_LENGTH.plusSeconds(1));
    assertDue(SHORT);
    advance(Deadlines.LOOK);
    set(SHORT);
    set(A); // puts nothing off
    advance(SHORT_LENGTH.plusSeconds(1));
    assertDue(SHORT);
  }

  @Test
  void soonestOfManyIsLookedAtInTime() {
    store(A, Duration.ofMinutes(7));
    store(SHORT, Duration.ofSeconds(20));
    store(B, Duration.ofMinutes(10));
    start();
    advance(Duration.ofSeconds(21));
    assertDue(SHORT);
    advance(Duration.ofMinutes(8));
    assertDue(A);
    advance(Duration.ofMinutes(3));
    assertDue(B);
    assertThat(timersRun).as("no more than two for each").isEqualTo(6);
  }

  @Test
  void whatIsStoredGoesOnWhereItWas() {
    store(A, Duration.ofHours(3));
    start();
    assertThat(changes).isZero();
    advance(Duration.ofHours(3).plus(Deadlines.MAX_BREAK).minus(INSTANT));
    assertDue();
    advance(INSTANT);
    assertDue(A);
  }

  @Test
  void longestWaitThatCanBeIsKept() {
    store(A, LENGTH);
    start();
    assertThat(changes).isZero();
  }

  @Test
  void waitThatIsLongerThanItCanBeBeginsAnew() {
    store(A, LENGTH.plusMillis(1)); // the clock was set back since
    start();
    assertThat(changes).isEqualTo(1);
    assertThat(stored).containsEntry(A, loop.clock() + LENGTH.toMillis());
    assertThat(loop.timers()).isEqualTo(1);
    advance(LENGTH.plus(Deadlines.MAX_BREAK));
    assertDue(A);
  }

  @Test
  void clockThatIsSetBackDelaysNothing() {
    start();
    set(A);
    loop.setClock(Duration.ofDays(-100));
    advance(LENGTH.plus(Deadlines.MAX_BREAK));
    assertDue(A);
  }

  @Test
  void timeThatNoTimerNoticedIsFoundByTheNextLook() {
    start();
    set(A);
    loop.setClock(LENGTH);
    advance(Deadlines.LOOK.plus(Deadlines.MAX_BREAK).minus(INSTANT));
    assertDue();
    advance(INSTANT);
    assertDue(A);
  }

  @Test
  void timeThatNoTimerNoticedIsFoundAtOnceWhenTheDeviceConnects() {
    start();
    set(A);
    loop.setClock(LENGTH);
    awake();
    advance(Deadlines.MAX_BREAK);
    assertDue(A);
    assertThat(loop.timers()).isZero();
  }

  @Test
  void nothingHappensBeforeStartAndAfterStop() {
    set(A);
    awake();
    assertThat(loop.timers()).isZero();
    loop.setClock(LENGTH);
    start();
    assertThat(loop.timers()).isEqualTo(1);
    loop.run(deadlines::stop);
    assertThat(loop.timers()).isZero();
    awake();
    set(B);
    loop.run(deadlines::stop); // once more
    assertThat(loop.timers()).isZero();
  }

  @Test
  void ownerMayStopWhatIsReleased() {
    storeOver(A);
    storeOver(B);
    start();
    whenDue = deadlines::stop;
    advance(Deadlines.MAX_BREAK);
    assertThat(due).hasSize(1);
    assertThat(loop.timers()).isZero();
  }

  @Test
  void cancelledWaitIsForgottenAndAnUnknownOneChangesNothing() {
    start();
    set(A);
    loop.run(() -> assertThat(deadlines.contains(A)).isTrue());
    loop.run(() -> assertThat(deadlines.contains(B)).isFalse());
    cancel(B);
    assertThat(changes).isEqualTo(1);
    cancel(A);
    assertThat(changes).isEqualTo(2);
    loop.run(() -> assertThat(deadlines.contains(A)).isFalse());
    advance(Duration.ofDays(3));
    assertDue();
  }
}
