package org.simplepush.client.internal.device;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;
import org.simplepush.client.internal.Failures;
import org.simplepush.client.internal.run.Loop;
import org.simplepush.core.internal.Backoff;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Saves the state after it changed, and calls back when it is saved. What changes while tasks of
 * the loop wait is saved together, so that many versions cost one write. Confined to the loop.
 */
final class StateSaver {
  private static final Logger log = LoggerFactory.getLogger(StateSaver.class);

  private static final Backoff RETRY = new Backoff(Duration.ofSeconds(2), Duration.ofMinutes(1));

  /** Waits for the changes made before it. */
  interface Waiter {
    /** They are saved. */
    void saved();

    /** They could not be saved now. It is tried again, but this waiter is not called again. */
    void failed(Throwable cause);
  }

  private final Loop loop;
  private final Device.Storage storage;
  private final Supplier<String> state;
  private final Runnable saved;
  private final RandomGenerator random;
  private List<Waiter> waiters = new ArrayList<>();
  private boolean changed;
  private boolean saveQueued;
  private int failures;

  /**
   * @param saved called whenever everything is saved, before those who wait for it
   */
  StateSaver(
      Loop loop,
      Device.Storage storage,
      Supplier<String> state,
      Runnable saved,
      RandomGenerator random) {
    this.loop = loop;
    this.storage = storage;
    this.state = state;
    this.saved = saved;
    this.random = random;
  }

  /** The state has changed. */
  void changed() {
    loop.assertCurrent();
    changed = true;
    queueSave();
  }

  /** Calls the waiter when everything changed so far is saved, which may be now. */
  void whenSaved(Waiter waiter) {
    loop.assertCurrent();
    if (changed) {
      waiters.add(waiter);
      queueSave();
    } else {
      waiter.saved();
    }
  }

  private void queueSave() {
    if (!saveQueued) {
      loop.execute(this::save);
      saveQueued = true;
    }
  }

  private void save() {
    saveQueued = false;
    if (!changed) {
      return;
    }
    List<Waiter> called = waiters;
    waiters = new ArrayList<>();
    try {
      storage.save(state.get());
    } catch (Throwable e) { // whatever it was: it is not saved
      failures++;
      Duration delay = RETRY.delay(failures, random);
      loop.schedule(delay, this::queueSave);
      log.warn("The device's state could not be saved; next attempt in {}", delay, e);
      called.forEach(waiter -> call(() -> waiter.failed(e)));
      return;
    }
    changed = false;
    failures = 0;
    call(saved);
    called.forEach(waiter -> call(waiter::saved));
  }

  /** Each is called, whatever another one throws. */
  private static void call(Runnable call) {
    try {
      call.run();
    } catch (RuntimeException | Error e) {
      Failures.log("What waited for the device's state to be saved failed", e);
    }
  }
}
