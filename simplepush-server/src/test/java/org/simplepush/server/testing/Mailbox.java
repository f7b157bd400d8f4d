package org.simplepush.server.testing;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** What came to one endpoint, and how it is to be answered. Safe for use by many threads. */
final class Mailbox {
  private final Deque<OptionalLong> published = new ArrayDeque<>();
  private final Deque<Answer> next = new ArrayDeque<>();
  private @Nullable Answer always;
  private int requests;

  synchronized void requested() {
    requests++;
    notifyAll();
  }

  synchronized int requests() {
    return requests;
  }

  synchronized boolean awaitRequests(int count, Duration patience) throws InterruptedException {
    return await(() -> requests >= count, patience);
  }

  synchronized void published(OptionalLong version) {
    published.add(version);
    notifyAll();
  }

  /** Returns the next publication, or null if none came in time. */
  synchronized @Nullable OptionalLong take(Duration patience) throws InterruptedException {
    await(() -> !published.isEmpty(), patience);
    return published.poll();
  }

  synchronized List<OptionalLong> untaken() {
    return new ArrayList<>(published);
  }

  private boolean await(BooleanSupplier condition, Duration patience) throws InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    while (!condition.getAsBoolean()) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        return false;
      }
      TimeUnit.NANOSECONDS.timedWait(this, left);
    }
    return true;
  }

  synchronized void answerNext(List<Answer> answers) {
    next.addAll(answers);
  }

  /** Null: as usual again. */
  synchronized void answerAlways(@Nullable Answer answer) {
    always = answer;
    next.clear();
  }

  /** Returns how to answer now, or null if the test wants nothing special here. */
  synchronized @Nullable Answer nextAnswer() {
    Answer answer = next.poll();
    return answer != null ? answer : always;
  }

  synchronized void reset() {
    published.clear();
    next.clear();
    always = null;
    requests = 0;
  }
}
