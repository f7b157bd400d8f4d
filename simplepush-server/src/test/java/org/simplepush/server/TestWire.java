package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.simplepush.core.CloseCode;
import org.simplepush.core.MessageCodec;
import org.simplepush.core.ServerMessage;
import org.simplepush.server.internal.ClientAddresses;

/**
 * A connection made of lists, and the session on it. Nothing happens by itself: tasks of other
 * threads wait for {@link #turn}, timers for {@link #runTimers}. Whoever touches what is confined
 * to the loop from outside of a task of this wire is refused.
 */
final class TestWire implements Session.Wire {
  private final MessageCodec codec;
  private final LongSupplier clock;
  private final Deque<String> sent = new ArrayDeque<>();
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final Map<Session.Timer, Long> dueAt = new EnumMap<>(Session.Timer.class);
  private boolean flushRequested;
  private CloseCode closedWith;
  final Session session;

  /** What the device has said while the session was busy. */
  private final Deque<Said> unheard = new ArrayDeque<>();

  /** A message, or if there is none a pong. */
  private record Said(String text, long at, long pong) {}

  /** Whether the device answers pings at once. */
  boolean answersPings = true;

  /** The last ping to the device; null if there was none. */
  Long pinged;

  /** Who runs a task of this wire just now; null if nobody does. */
  private volatile Thread running;

  /** How many tasks the caller may have run itself. */
  int mayRunHere;

  /** What limits per address know it by. */
  long address = ClientAddresses.EXEMPT;

  /** Whether the device reads. */
  boolean writable = true;

  /** Whether the socket turns out to be dead at the next write. */
  boolean breaksAtNextSend;

  TestWire(Session.Context context, LongSupplier clock) {
    this.codec = context.codec();
    this.clock = clock;
    this.running = Thread.currentThread();
    this.session = new Session(context, this);
    this.running = null;
  }

  /** Does something as the loop would. */
  void inTurn(Consumer<Session> task) {
    Thread before = running;
    assertThat(before).as("who runs a task at the same time").isIn(null, Thread.currentThread());
    running = Thread.currentThread();
    try {
      task.accept(session);
    } finally {
      running = before;
    }
  }

  private void assertInTurn() {
    assertThat(running).as("who runs a task of the loop").isSameAs(Thread.currentThread());
  }

  // What the session calls

  @Override
  public void send(ServerMessage message) {
    assertInTurn();
    assertThat(closedWith).as("close code when sending " + message).isNull();
    if (breaksAtNextSend) {
      end();
      writable = false;
      return;
    }
    sent.add(codec.write(message));
  }

  @Override
  public void ping(long payload, ServerMessage behind) {
    assertInTurn();
    pinged = payload;
    if (behind != null) {
      send(behind);
    }
    if (answersPings) {
      pongs(payload);
    }
  }

  @Override
  public boolean isWritable() {
    assertInTurn();
    return writable && closedWith == null;
  }

  @Override
  public boolean isAsked() {
    assertInTurn();
    return !unheard.isEmpty();
  }

  @Override
  public void close(CloseCode code, String reason) {
    assertInTurn();
    assertThat(closedWith).as("close code when closing again").isNull();
    assertThat(reason.length()).as("length of a close reason").isLessThan(124);
    closedWith = code;
    end();
  }

  /** What the device has said and nobody heard is left over. */
  private void end() {
    session.onClosed();
    List<Said> left = List.copyOf(unheard);
    unheard.clear();
    left.stream().filter(said -> said.text() != null).map(Said::text).forEach(session::onLeftOver);
  }

  @Override
  public void startTimer(Session.Timer timer, long delayNanos) {
    assertInTurn();
    assertThat(delayNanos).isNotNegative();
    // That of hellos and that of comparisons may be moved.
    if (timer != Session.Timer.RECONCILE && timer != Session.Timer.HELLO) {
      assertThat(dueAt).as("timers running").doesNotContainKey(timer);
    }
    dueAt.put(timer, clock.getAsLong() + delayNanos);
  }

  @Override
  public void flushSoon() {
    assertInTurn();
    flushRequested = true;
  }

  @Override
  public long now() {
    assertInTurn();
    return clock.getAsLong();
  }

  @Override
  public boolean isCurrent() {
    return running == Thread.currentThread();
  }

  @Override
  public void execute(Runnable task) {
    tasks.add(task);
  }

  @Override
  public void executeHere(Runnable task) {
    mayRunHere++;
    execute(task); // as if the loop were busy: what comes later can be tested only so
  }

  @Override
  public long address() {
    return address;
  }

  // What the test calls

  /** The device says something, and the loop does all that follows. */
  void says(String json) {
    saysBeforeTheLoopTurns(json);
    turn();
  }

  /** The device says something; what other threads have left for the loop still waits. */
  void saysBeforeTheLoopTurns(String json) {
    unheard.add(new Said(json.replace('\'', '"'), clock.getAsLong(), 0));
    inTurn(this::listen);
  }

  /** The device answers the last ping, behind what it has said before. */
  void answersPing() {
    pongs(pinged);
    inTurn(this::listen);
    turn();
  }

  /** A pong is on its way. */
  void pongs(long payload) {
    unheard.add(new Said(null, clock.getAsLong(), payload));
  }

  private void listen(Session one) {
    while (!unheard.isEmpty() && !one.isBusy()) {
      Said next = unheard.remove();
      if (next.text() == null) {
        one.onPong(next.pong());
      } else {
        one.onMessage(next.text(), next.at());
      }
    }
  }

  /** Runs what other threads have left for the loop, then flushes if asked to. */
  void turn() {
    inTurn(
        one -> {
          for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
            listen(one);
          }
          if (flushRequested) {
            flushRequested = false;
            one.flush();
          }
        });
  }

  /** Runs the timers that are due. */
  void runTimers() {
    for (Session.Timer timer : Session.Timer.values()) {
      Long due = dueAt.get(timer);
      if (due != null && due - clock.getAsLong() <= 0) {
        dueAt.remove(timer);
        inTurn(one -> one.onTimer(timer));
      }
    }
    turn();
  }

  /** The device reads again. */
  void becomesWritable() {
    writable = true;
    inTurn(Session::flush);
  }

  /** The connection is gone, without a word. */
  void breaksOff() {
    inTurn(one -> end());
  }

  /** Whether a request of the device waits for the store. */
  boolean isBusy() {
    boolean[] busy = new boolean[1];
    inTurn(one -> busy[0] = one.isBusy());
    return busy[0];
  }

  boolean isTimerRunning(Session.Timer timer) {
    return dueAt.containsKey(timer);
  }

  boolean isTimerRunning() {
    return !dueAt.isEmpty();
  }

  Duration untilNextTimer() {
    long now = clock.getAsLong();
    return Duration.ofNanos(
        dueAt.values().stream().mapToLong(due -> due - now).min().orElseThrow());
  }

  // What the test expects

  /** Takes the next message to the device. */
  String heard() {
    assertThat(sent).as("messages to the device").isNotEmpty();
    return sent.remove();
  }

  /** Takes all messages to the device. */
  List<String> heardAll() {
    List<String> all = new ArrayList<>(sent);
    sent.clear();
    return all;
  }

  /** The next message is this one, in which ' stands for ". */
  void hears(String json) {
    assertThat(heard()).isEqualTo(json.replace('\'', '"'));
  }

  void hearsNothing() {
    assertThat(sent).isEmpty();
  }

  /** The connection was closed with this code, and nothing else was said. */
  void isClosed(CloseCode code) {
    assertThat(sent).isEmpty();
    assertThat(closedWith).isEqualTo(code);
  }

  /** Whether the session has ended this connection. */
  boolean isClosed() {
    return closedWith != null;
  }

  /** Whether the session has left the device to sleep. */
  boolean isAsleep() {
    return closedWith == CloseCode.WAKE_UP;
  }

  void isOpen() {
    assertThat(closedWith).as("close code").isNull();
  }
}
