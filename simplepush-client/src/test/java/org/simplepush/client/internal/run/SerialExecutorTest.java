package org.simplepush.client.internal.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.RejectedExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** On an executor that runs when the test says so. */
@Timeout(10)
class SerialExecutorTest {
  private final Queue<Runnable> asked = new ArrayDeque<>();
  private final List<String> ran = new ArrayList<>();
  private boolean rejecting;
  private final SerialExecutor serial =
      new SerialExecutor(
          task -> {
            if (rejecting) {
              throw new RejectedExecutionException();
            }
            asked.add(task);
          });

  private void execute(String name) {
    serial.execute(() -> ran.add(name));
  }

  private void runAsked() {
    asked.remove().run();
  }

  @Test
  void tasksRunInOrderAndTheExecutorIsAskedOnceForMany() {
    execute("a");
    execute("b");
    assertThat(asked).hasSize(1);
    assertThat(ran).isEmpty();
    runAsked();
    assertThat(ran).containsExactly("a", "b");
    execute("c");
    assertThat(asked).as("asked again after a rest").hasSize(1);
    runAsked();
    assertThat(ran).containsExactly("a", "b", "c");
  }

  @Test
  void taskOfATaskRunsAfterItAndWithoutAsking() {
    serial.execute(
        () -> {
          execute("inner");
          ran.add("outer");
        });
    runAsked();
    assertThat(ran).containsExactly("outer", "inner");
    assertThat(asked).isEmpty();
  }

  @Test
  void taskThatThrowsStopsNoOther() {
    serial.execute(
        () -> {
          throw new IllegalStateException("one of this test");
        });
    serial.execute(
        () -> {
          throw new AssertionError("another one");
        });
    execute("a");
    runAsked();
    assertThat(ran).containsExactly("a");
  }

  /** As for want of memory, when a log line fails too. */
  @Test
  void failureThatCannotBeLoggedStopsNothing() {
    List<Throwable> failures = new ArrayList<>();
    SerialExecutor strict =
        new SerialExecutor(
            asked::add,
            failure -> {
              failures.add(failure);
              throw new IllegalStateException("another one of this test");
            });
    Error unprintable =
        new Error() {
          private static final long serialVersionUID = 1;

          @Override
          public String toString() {
            throw new OutOfMemoryError("one of this test");
          }
        };
    strict.execute(
        () -> {
          throw unprintable;
        });
    strict.execute(() -> ran.add("a"));
    runAsked();
    strict.execute(() -> ran.add("b"));
    runAsked();
    assertThat(ran).containsExactly("a", "b");
    assertThat(failures).containsExactly(unprintable);
  }

  /** A compiler of another language lets it pass. */
  @Test
  void checkedExceptionOfATaskStopsNoOther() {
    serial.execute(() -> SerialExecutorTest.<RuntimeException>sneak(new Exception("of this test")));
    execute("a");
    runAsked();
    assertThat(ran).containsExactly("a");
  }

  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void sneak(Throwable exception) throws T {
    throw (T) exception;
  }

  /** There is no memory for another thread, say. */
  @Test
  void taskThatTheExecutorHadNoMeansForRunsBeforeTheNext() {
    List<Error> troubles = new ArrayList<>(List.of(new OutOfMemoryError("one of this test")));
    SerialExecutor poor =
        new SerialExecutor(
            task -> {
              if (!troubles.isEmpty()) {
                throw troubles.remove(0);
              }
              asked.add(task);
            });
    assertThatThrownBy(() -> poor.execute(() -> ran.add("a"))).isInstanceOf(OutOfMemoryError.class);
    poor.execute(() -> ran.add("b"));
    runAsked();
    assertThat(ran).containsExactly("a", "b");
  }

  @Test
  void onlyATaskIsCurrent() {
    boolean[] inTask = new boolean[1];
    serial.execute(() -> inTask[0] = serial.isCurrent());
    assertThat(serial.isCurrent()).isFalse();
    runAsked();
    assertThat(inTask[0]).isTrue();
    assertThat(serial.isCurrent()).isFalse();
  }

  @Test
  void taskThatIsRejectedNeverRuns() {
    rejecting = true;
    assertThatThrownBy(() -> execute("rejected")).isInstanceOf(RejectedExecutionException.class);
    rejecting = false;
    execute("a");
    assertThat(asked).hasSize(1);
    runAsked();
    assertThat(ran).containsExactly("a");
  }

  @Test
  void wakeAsksAgainForWhatTheExecutorHasThrownAway() {
    serial.wake();
    assertThat(asked).as("there is nothing to do").isEmpty();
    execute("a");
    asked.clear();
    serial.wake();
    runAsked();
    assertThat(ran).containsExactly("a");
  }

  @Test
  void wakeThatIsRejectedSaysSo() {
    execute("a");
    rejecting = true;
    assertThatThrownBy(serial::wake).isInstanceOf(RejectedExecutionException.class);
  }

  /** The executor has several threads: here it runs a second request inside of the first. */
  @Test
  void executorThatIsAskedTwiceRunsNothingTwiceOrAtOnce() {
    serial.execute(
        () -> {
          serial.wake();
          assertThat(asked).as("it runs already").hasSize(1);
          runAsked();
          assertThat(serial.isCurrent()).as("still this one").isTrue();
          ran.add("a");
        });
    execute("b");
    serial.wake();
    assertThat(asked).hasSize(2);
    runAsked();
    assertThat(ran).containsExactly("a", "b");
  }
}
