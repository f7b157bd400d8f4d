package org.simplepush.client.internal.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.DeviceHarness.FragileStorage;
import org.simplepush.client.testing.FakeLoop;

/** When the state is saved, and who hears of it. */
@Timeout(10)
class StateSaverTest {
  private final FakeLoop loop = new FakeLoop();
  private final FragileStorage storage = new FragileStorage();
  private final List<String> events = new ArrayList<>();
  private String state = "";
  private final StateSaver journal =
      new StateSaver(
          loop, storage::save, () -> state, () -> events.add("all saved"), DeviceHarness.LONGEST);

  private final class Waiter implements StateSaver.Waiter {
    private final String name;

    private Waiter(String name) {
      this.name = name;
    }

    @Override
    public void saved() {
      events.add(name + " saved as " + storage.state);
    }

    @Override
    public void failed(Throwable cause) {
      events.add(name + " failed: " + cause.getMessage());
    }
  }

  private void settle() {
    while (loop.runOne()) {}
  }

  private void change(String newState) {
    loop.execute(
        () -> {
          state = newState;
          journal.changed();
        });
  }

  private void whenSaved(String name) {
    loop.execute(() -> journal.whenSaved(new Waiter(name)));
  }

  private void assertEvents(String... expected) {
    settle();
    assertThat(events).containsExactly(expected);
    events.clear();
  }

  @Test
  void manyChangesAreSavedAtOnceAndThenTold() {
    change("one");
    whenSaved("a");
    change("two");
    whenSaved("b");
    assertEvents("all saved", "a saved as two", "b saved as two");
    assertThat(storage.saves).isOne();
    assertThat(loop.timers()).isZero();
  }

  @Test
  void storageThatThrowsAnErrorIsTriedAgain() {
    storage.error = new StackOverflowError("one of this test");
    change("one");
    whenSaved("a");
    assertEvents("a failed: one of this test");
    storage.error = null;
    loop.runTimer(loop.elapsed() + Duration.ofSeconds(2).toNanos());
    assertEvents("all saved");
    assertThat(storage.state).isEqualTo("one");
  }

  @Test
  void waiterThatThrowsStopsNoOther() {
    StateSaver.Waiter failing =
        new StateSaver.Waiter() {
          @Override
          public void saved() {
            throw new OutOfMemoryError("one of this test");
          }

          @Override
          public void failed(Throwable cause) {
            throw new IllegalStateException("another one", cause);
          }
        };
    change("one");
    loop.execute(() -> journal.whenSaved(failing));
    whenSaved("a");
    assertEvents("all saved", "a saved as one");
    storage.broken = true;
    change("two");
    loop.execute(() -> journal.whenSaved(failing));
    whenSaved("b");
    assertEvents("b failed: the disk is full");
  }

  @Test
  void nothingIsSavedIfNothingChanged() {
    whenSaved("a");
    assertEvents("a saved as null");
    assertThat(storage.saves).isZero();
    change("one");
    settle();
    whenSaved("b");
    assertThat(storage.saves).isOne();
    assertEvents("all saved", "b saved as one");
    assertThat(storage.saves).isOne();
  }

  @Test
  void failureIsToldAndSavingTriedAgainWithBreaksThatGrowToAMinute() {
    storage.broken = true;
    change("one");
    whenSaved("a");
    assertEvents("a failed: the disk is full");
    for (int seconds : new int[] {2, 4, 8, 16, 32, 60, 60}) {
      storage.attempts = 0;
      advance(Duration.ofSeconds(seconds).minusNanos(1));
      assertThat(storage.attempts).isZero();
      advance(Duration.ofNanos(1));
      assertThat(storage.attempts).isOne();
    }
    assertEvents();
    storage.broken = false;
    advance(Duration.ofMinutes(1));
    assertEvents("all saved");
    assertThat(storage.state).isEqualTo("one");

    // And the breaks begin anew.
    storage.broken = true;
    change("two");
    settle();
    storage.broken = false;
    advance(Duration.ofSeconds(2));
    assertThat(storage.state).isEqualTo("two");
    assertThat(loop.timers()).isZero();
  }

  private void advance(Duration time) {
    long end = loop.elapsed() + time.toNanos();
    while (loop.runTimer(end)) {
      settle();
    }
  }

  @Test
  void whoAsksWhileItIsBrokenHearsOfTheNextAttempt() {
    storage.broken = true;
    change("one");
    settle();
    whenSaved("a");
    assertEvents("a failed: the disk is full");
    storage.broken = false;
    whenSaved("b");
    assertEvents("all saved", "b saved as one");
    advance(Duration.ofMinutes(1)); // the attempt that is still planned has nothing to do
    assertThat(storage.saves).isOne();
    assertEvents();
  }

  @Test
  void storageThatThrowsAnythingHasFailed() {
    storage.bug = new IllegalStateException("a bug of the storage");
    change("one");
    whenSaved("a");
    assertEvents("a failed: a bug of the storage");
  }
}
