package org.simplepush.client.internal.device;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.simplepush.client.internal.connection.Connector;
import org.simplepush.client.internal.connection.KeepAlive;
import org.simplepush.client.internal.run.Loop;
import org.simplepush.client.internal.run.ScheduledLoop;
import org.simplepush.client.testing.DeviceHarness;
import org.simplepush.client.testing.FakeLoop;

/** What is confined to the loop refuses whoever is not a task of it. */
class ConfinementTest {
  /** They return what never changes. */
  private static final Set<String> NOT_CONFINED = Set.of("Inbox.application");

  static Stream<Arguments> entries() {
    DeviceHarness h = new DeviceHarness();
    h.start();
    KeepAlive keepAlive =
        new KeepAlive(
            h.loop, DeviceHarness.PING, DeviceHarness.PING, new LinkedHashMap<>(), () -> {});
    return Stream.of(
            h.device,
            keepAlive,
            new Inbox("calendar", h.loop, h.callbacks::add, DeviceHarness.LONGEST, h.device),
            new StateSaver(h.loop, h.storage::save, () -> "", () -> {}, DeviceHarness.LONGEST),
            new Deadlines(new LinkedHashMap<>(), h.loop, DeviceHarness.LONGEST, h.device, () -> {}),
            new Connector(h.settings, h.loop, h.server, DeviceHarness.LONGEST, keepAlive, h.device))
        .flatMap(
            confined ->
                Arrays.stream(confined.getClass().getDeclaredMethods())
                    .filter(method -> isEntry(confined.getClass(), method))
                    .sorted(Comparator.comparing(Method::toString)) // the JVM orders at will
                    .map(method -> Arguments.of(confined, Named.of(nameOf(method), method))));
  }

  /** What interfaces ask for is called by others of these classes, in a task already. */
  private static boolean isEntry(Class<?> type, Method method) {
    int modifiers = method.getModifiers();
    return !method.isSynthetic()
        && !Modifier.isPrivate(modifiers)
        && !Modifier.isStatic(modifiers)
        && !NOT_CONFINED.contains(nameOf(method))
        && Arrays.stream(type.getInterfaces())
            .flatMap(asked -> Arrays.stream(asked.getMethods()))
            .noneMatch(asked -> asked.getName().equals(method.getName()));
  }

  private static String nameOf(Method method) {
    return method.getDeclaringClass().getSimpleName() + "." + method.getName();
  }

  @ParameterizedTest
  @MethodSource("entries")
  void entryFromOutsideOfATaskIsRefused(Object confined, Method entry) {
    Object[] nothing =
        Arrays.stream(entry.getParameterTypes())
            .map(type -> type == boolean.class ? (Object) false : type == int.class ? 0 : null)
            .toArray();
    entry.setAccessible(true); // of another package
    assertThatThrownBy(() -> entry.invoke(confined, nothing))
        .isInstanceOf(InvocationTargetException.class)
        .cause()
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("task of the loop");
  }

  @Test
  void fakeLoopTellsATaskFromACallbackOnTheSameThread() {
    FakeLoop loop = new FakeLoop();
    boolean[] inTask = {false};
    loop.execute(() -> inTask[0] = loop.isCurrent());
    assertThat(loop.runOne()).isTrue();
    assertThat(inTask[0]).isTrue();
    assertThat(loop.isCurrent()).isFalse();
    assertThatThrownBy(loop::nanoTime).isInstanceOf(AssertionError.class);
    assertThatThrownBy(loop::wallTime).isInstanceOf(AssertionError.class);
    assertThatThrownBy(() -> loop.schedule(Duration.ZERO, () -> {}))
        .isInstanceOf(AssertionError.class);
  }

  @Test
  void realLoopKeepsTimersToItsTasks() throws Exception {
    ScheduledExecutorService thread = Executors.newSingleThreadScheduledExecutor();
    try {
      ScheduledLoop loop =
          new ScheduledLoop(thread, Executors::newSingleThreadScheduledExecutor, failure -> {});
      assertThatThrownBy(() -> loop.schedule(Duration.ZERO, () -> {}))
          .isInstanceOf(AssertionError.class);
      Loop.Timer[] timer = new Loop.Timer[1];
      loop.execute(() -> timer[0] = loop.schedule(Duration.ofDays(1), () -> {}));
      thread.submit(() -> {}).get();
      assertThatThrownBy(timer[0]::cancel).isInstanceOf(AssertionError.class);
    } finally {
      thread.shutdownNow();
    }
  }
}
