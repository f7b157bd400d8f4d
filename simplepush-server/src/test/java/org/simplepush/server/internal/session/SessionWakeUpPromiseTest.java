package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Queue;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.simplepush.core.CloseCode;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.server.WakeUp;
import org.simplepush.server.fixtures.DelayedStore;
import org.simplepush.server.fixtures.SessionFixture;
import org.simplepush.server.fixtures.TestWire;

/**
 * A device that connects only when it is woken learns the last version, however publishing, the
 * store's answers and falling asleep meet.
 */
@Timeout(60)
class SessionWakeUpPromiseTest extends SessionFixture {
  private static final Pattern VERSION = Pattern.compile("\"version\":(\\d+)");
  private static final int STEPS = 10_000;

  private final Queue<Update> hints = new ArrayDeque<>();
  private final Deque<DelayedStore.Step<?>> steps = new ArrayDeque<>();
  private TestWire wire;
  private boolean holding;
  private long published;
  private long learnt;
  private int sleeps;

  static LongStream seeds() {
    return LongStream.rangeClosed(1, 25);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void deviceThatOnlyComesWhenWokenLearnsTheLastVersion(long seed) {
    wakeUp(
        WakeUp.inNetworks("10.0.0.0/8")
            .quietTime(Duration.ofSeconds(2))
            .interval(Duration.ofSeconds(1)));
    wire = connects();
    sayHello("");
    wire.heardAll();
    wire.says(register(CHANNEL));
    wire.heardAll();

    Random random = new Random(seed);
    for (int i = 0; i < STEPS; i++) {
      step(random);
      if (i % 25 == 0) { // often, or the next version would make up for one that was lost
        settle();
        assertThat(learnt).isEqualTo(published);
      }
    }
    assertThat(published).isGreaterThan(50);
    assertThat(sleeps).isGreaterThan(10);
  }

  private void settle() {
    while (!hints.isEmpty()) {
      registry.deliver(Uaid.parse(UAID), hints.remove());
    }
    for (int i = 0; i < 5; i++) {
      wire.turn();
      answerAll();
      listen();
      passes(Duration.ofSeconds(1));
    }
  }

  private void step(Random random) {
    switch (random.nextInt(8)) {
      case 0 -> {
        if (random.nextInt(4) == 0) {
          hints.add(raise(CHANNEL, ++published));
        }
      }
      case 1 -> {
        if (!hints.isEmpty()) {
          registry.deliver(Uaid.parse(UAID), hints.remove());
        }
      }
      case 2 -> passes(Duration.ofMillis(random.nextInt(15_000)));
      case 3 -> {
        store.hold();
        holding = true;
      }
      case 4 -> {
        steps.addAll(store.takeAll());
        if (!steps.isEmpty()) {
          steps.remove().answers();
        }
      }
      case 5 -> answerAll();
      case 6 -> wire.turn();
      default -> listen();
    }
  }

  /** The store answers what it was asked, and from now on at once. */
  private void answerAll() {
    while (holding) {
      steps.addAll(store.takeAll());
      if (steps.isEmpty()) {
        store.holdNoMore();
        holding = false;
      } else {
        steps.remove().answers();
        wire.turn();
      }
    }
  }

  private void sayHello(String channels) {
    woken.clear();
    wire.says(
        "{'messageType':'hello','uaid':'%s','channelIDs':[%s],".formatted(UAID, channels)
            + "'wakeup_hostport':{'ip':'10.1.2.3','port':5000}}");
  }

  /** The device does what it does: acknowledges, and comes when it is woken. */
  private void listen() {
    for (String message : wire.heardAll()) {
      Matcher version = VERSION.matcher(message);
      if (version.find()) {
        learnt = Math.max(learnt, Long.parseLong(version.group(1)));
        if (!wire.isClosed()) {
          wire.says(ack(CHANNEL, learnt));
        }
      }
    }
    if (wire.isAsleep()) {
      if (!woken.isEmpty()) {
        sleeps++;
        comeBack();
      }
    } else if (wire.isClosed()) {
      wire.isClosed(CloseCode.TRY_AGAIN_LATER); // the store took too long for a hello
      comeBack();
    }
  }

  private void comeBack() {
    wire = connects();
    sayHello("'" + CHANNEL + "'");
  }
}
