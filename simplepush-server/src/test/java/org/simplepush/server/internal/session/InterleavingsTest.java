package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.simplepush.server.fixtures.NodesWorld.Bound.APPLIED_AGAIN;
import static org.simplepush.server.fixtures.NodesWorld.Bound.COMPARES;
import static org.simplepush.server.fixtures.NodesWorld.Bound.DOUBLED;
import static org.simplepush.server.fixtures.NodesWorld.Bound.FORGOTTEN;
import static org.simplepush.server.fixtures.NodesWorld.Bound.LATE;
import static org.simplepush.server.fixtures.NodesWorld.Bound.LOST;
import static org.simplepush.server.fixtures.NodesWorld.Bound.MOVES;
import static org.simplepush.server.fixtures.NodesWorld.Bound.PUBLISHES;
import static org.simplepush.server.fixtures.NodesWorld.Bound.REGISTERS;
import static org.simplepush.server.fixtures.NodesWorld.Bound.RESETS;
import static org.simplepush.server.fixtures.NodesWorld.Bound.ROLLED_BACK;
import static org.simplepush.server.fixtures.NodesWorld.Bound.TIMEOUTS;
import static org.simplepush.server.fixtures.NodesWorld.Bound.UNREGISTERS;

import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.simplepush.server.fixtures.Interleavings;
import org.simplepush.server.fixtures.NodesWorld;
import org.simplepush.server.fixtures.NodesWorld.Bounds;

/**
 * Every order of events of two nodes, a device, a publisher and a store that they share, within
 * some bounds each. CONTRIBUTING.md, "Claims and hellos", says what must hold.
 */
@Tag("long")
public class InterleavingsTest {
  /** Where the state of a search goes that finds nothing. */
  private static final long MAX_STATES = 20_000_000;

  private static final Bounds DEVICE = new Bounds(true, Map.of());
  private static final Bounds FIREFOX = new Bounds(false, Map.of());

  static Stream<Bounds> small() {
    return Stream.of(
        DEVICE.and(MOVES, 2).and(REGISTERS, 1),
        DEVICE.and(MOVES, 1).and(REGISTERS, 1).and(UNREGISTERS, 1),
        DEVICE.and(MOVES, 1).and(PUBLISHES, 1).and(LOST, 1),
        DEVICE.and(MOVES, 1).and(PUBLISHES, 1).and(DOUBLED, 1),
        DEVICE.and(MOVES, 2).and(TIMEOUTS, 1),
        DEVICE.and(MOVES, 2).and(LATE, 1),
        DEVICE.and(MOVES, 1).and(REGISTERS, 1).and(COMPARES, 1).and(ROLLED_BACK, 2),
        DEVICE
            .and(MOVES, 1)
            .and(REGISTERS, 1)
            .and(COMPARES, 1)
            .and(ROLLED_BACK, 3)
            .and(APPLIED_AGAIN, 1)
            .and(FORGOTTEN, 1),
        FIREFOX.and(MOVES, 1).and(REGISTERS, 1).and(COMPARES, 1).and(ROLLED_BACK, 3),
        FIREFOX
            .and(MOVES, 1)
            .and(REGISTERS, 1)
            .and(COMPARES, 1)
            .and(ROLLED_BACK, 3)
            .and(APPLIED_AGAIN, 1)
            .and(FORGOTTEN, 1),
        FIREFOX.and(MOVES, 2).and(UNREGISTERS, 1),
        FIREFOX.and(MOVES, 1).and(REGISTERS, 1).and(COMPARES, 1).and(LATE, 1));
  }

  @ParameterizedTest
  @MethodSource("small")
  @Timeout(300)
  void everyOrderKeepsThePromise(Bounds bounds) {
    search(bounds);
  }

  static Stream<Bounds> large() {
    return Stream.of(
        DEVICE.and(MOVES, 1).and(REGISTERS, 1).and(PUBLISHES, 1),
        FIREFOX.and(MOVES, 1).and(REGISTERS, 1).and(PUBLISHES, 1),
        DEVICE.and(MOVES, 2).and(RESETS, 1).and(UNREGISTERS, 1),
        DEVICE.and(MOVES, 2).and(PUBLISHES, 1).and(LOST, 1),
        DEVICE.and(MOVES, 2).and(REGISTERS, 1).and(TIMEOUTS, 1),
        DEVICE.and(MOVES, 2).and(REGISTERS, 1).and(LATE, 1),
        FIREFOX.and(MOVES, 2).and(REGISTERS, 1).and(LATE, 1),
        DEVICE.and(MOVES, 2).and(COMPARES, 2),
        DEVICE.and(MOVES, 1).and(REGISTERS, 1).and(UNREGISTERS, 1).and(COMPARES, 1).and(LATE, 1),
        DEVICE.and(MOVES, 2).and(REGISTERS, 1).and(ROLLED_BACK, 2),
        DEVICE
            .and(MOVES, 1)
            .and(REGISTERS, 1)
            .and(PUBLISHES, 1)
            .and(ROLLED_BACK, 3)
            .and(APPLIED_AGAIN, 1),
        FIREFOX.and(MOVES, 2).and(REGISTERS, 1).and(ROLLED_BACK, 3).and(APPLIED_AGAIN, 1),
        FIREFOX
            .and(MOVES, 1)
            .and(REGISTERS, 1)
            .and(COMPARES, 1)
            .and(LATE, 1)
            .and(ROLLED_BACK, 3)
            .and(APPLIED_AGAIN, 1)
            .and(FORGOTTEN, 1),
        FIREFOX
            .and(MOVES, 1)
            .and(REGISTERS, 1)
            .and(UNREGISTERS, 1)
            .and(COMPARES, 1)
            .and(ROLLED_BACK, 3)
            .and(APPLIED_AGAIN, 1));
  }

  @ParameterizedTest
  @MethodSource("large")
  @Timeout(1200)
  @EnabledIfSystemProperty(named = "interleavings", matches = "large")
  void everyOrderOfMoreEventsKeepsThePromise(Bounds bounds) {
    System.out.println(bounds + ": " + search(bounds)); // what a bound costs is worth knowing
  }

  private static String search(Bounds bounds) {
    return new Interleavings<>(() -> new NodesWorld(bounds), MAX_STATES).search();
  }

  // The search itself

  /** Two counters and a sum of both, each of which can be raised twice. */
  private static final class Counts implements Interleavings.World<String> {
    private static final List<String> NAMES = List.of("left", "right", "both");

    private final int[] counts = new int[3];
    private final Set<String> seen;
    private final String forbidden;

    Counts(Set<String> seen, String forbidden) {
      this.seen = seen;
      this.forbidden = forbidden;
    }

    @Override
    public List<String> possible() {
      return NAMES.stream().filter(name -> counts[NAMES.indexOf(name)] < 2).toList();
    }

    @Override
    public int touches(String event) {
      return NAMES.indexOf(event) + 1;
    }

    @Override
    public String describe(String event) {
      return event + " is raised";
    }

    @Override
    public void happens(String event) {
      counts[NAMES.indexOf(event)]++;
      if (Arrays.toString(counts).equals(forbidden)) {
        throw new AssertionError("It is forbidden");
      }
    }

    @Override
    public Interleavings.Digest digest() {
      seen.add(Arrays.toString(counts));
      return Interleavings.Digest.EMPTY.and(Arrays.toString(counts));
    }

    @Override
    public boolean isQuiet() {
      return possible().isEmpty();
    }

    @Override
    public void ends() {
      seen.add("the end");
    }
  }

  private static void search(Set<String> seen, String forbidden, long maxStates) {
    new Interleavings<>(() -> new Counts(seen, forbidden), maxStates).search();
  }

  @Test
  void everyStateIsReached() {
    Set<String> seen = new HashSet<>();

    search(seen, "none", 27);

    assertThat(seen).hasSize(27 + 1).contains("[2, 0, 1]", "[0, 2, 1]", "the end");
  }

  @Test
  void orderThatBreaksARuleIsTold() {
    assertThatThrownBy(() -> search(new HashSet<>(), "[0, 1, 2]", 27))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("It is forbidden, after:")
        .hasMessageContaining("both is raised")
        .hasMessageContaining("right is raised");
  }

  @Test
  void tooManyStatesAreNotPassedOverInSilence() {
    assertThatThrownBy(() -> search(new HashSet<>(), "none", 26))
        .hasMessageContaining("more than 26 states");
  }
}
