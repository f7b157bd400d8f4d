package org.simplepush.server;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Searches every order of the events of a small world, each from its start, and stops at the first
 * that breaks a rule.
 *
 * <p>Orders that differ only in events that have nothing to do with each other are tried once: a
 * state that was reached before is not left a second time, and an event that was tried first is put
 * to sleep until something touches what it touches (sleep sets; Godefroid, "Partial-Order Methods
 * for the Verification of Concurrent Systems", 1996, with state matching). Neither leaves out a
 * state.
 */
final class Interleavings<E> {
  /** What is searched. The same events always lead to the same state. */
  interface World<E> {
    /** The events that can happen now, in a fixed order. */
    List<E> possible();

    /** The parts of the world that an event touches, a bit each. Others commute with it. */
    int touches(E event);

    /** What is about to happen, for people. */
    String describe(E event);

    /**
     * An event that is possible happens.
     *
     * @throws AssertionError if that breaks a rule
     */
    void happens(E event);

    /** Tells states apart from which different things can follow. */
    Digest digest();

    /** Whether nothing is on its way. */
    boolean isQuiet();

    /**
     * Lets everything run to its good end. Nothing else happens in this world any more.
     *
     * @throws AssertionError if something is not as it should be then
     */
    void ends();
  }

  /** 128 bits that are never equal by chance. */
  record Digest(long high, long low) {
    static final Digest EMPTY = new Digest(0x6a09e667f3bcc908L, 0xbb67ae8584caa73bL);

    Digest and(long value) {
      long h = mix(high ^ value * 0x9e3779b97f4a7c15L);
      long l = mix(low + Long.rotateLeft(value, 32) * 0xc2b2ae3d27d4eb4fL + 1);
      return new Digest(h + l, l ^ Long.rotateLeft(h, 17));
    }

    Digest and(String text) {
      Digest digest = and(text.length());
      long eight = 0;
      for (int i = 0; i < text.length(); i++) {
        eight = eight << 8 | text.charAt(i) & 0xff;
        if ((i & 7) == 7) {
          digest = digest.and(eight);
          eight = 0;
        }
      }
      return digest.and(eight);
    }

    private static long mix(long z) {
      z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
      z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
      return z ^ (z >>> 31);
    }
  }

  private final Supplier<? extends World<E>> start;
  private final long maxStates;

  /** Which events were asleep when a state was last left: all others were tried from there. */
  private final Map<Digest, Set<E>> asleep = new HashMap<>();

  /** Each event once, for there are very many sets of them. */
  private final Map<E, E> known = new HashMap<>();

  private final List<E> path = new ArrayList<>();
  private long events;
  private long ends;
  private int longest;

  /**
   * @param start makes a new world
   * @param maxStates how many to look at; one more is a failure of the search
   */
  Interleavings(Supplier<? extends World<E>> start, long maxStates) {
    this.start = start;
    this.maxStates = maxStates;
  }

  /**
   * Tries every order.
   *
   * @return what was looked at, for people
   * @throws AssertionError with the order that breaks a rule
   */
  String search() {
    World<E> world = start.get();
    explore(world, Set.of());
    return "%d states, %d events, %d ends, at most %d events in an order"
        .formatted(asleep.size(), events, ends, longest);
  }

  private void explore(World<E> world, Set<E> sleeping) {
    Digest digest = world.digest();
    Set<E> before = asleep.get(digest);
    List<E> toTry = new ArrayList<>(world.possible());
    Set<E> tried;
    if (before == null) {
      toTry.removeAll(sleeping);
      tried = new HashSet<>(sleeping);
      if (asleep.size() >= maxStates) {
        throw new IllegalStateException("There are more than " + maxStates + " states");
      }
    } else {
      toTry.removeIf(event -> !before.contains(event) || sleeping.contains(event));
      tried = new HashSet<>(sleeping);
      tried.retainAll(before);
    }
    asleep.put(digest, Set.copyOf(tried));
    longest = Math.max(longest, path.size());
    World<E> here = world;
    if (before == null && world.isQuiet()) {
      ends++;
      checked("everything runs to its end", world::ends);
      here = null;
    }
    for (E event : toTry) {
      if (here == null) {
        here = replay();
      }
      World<E> now = here;
      int touched = now.touches(event);
      Set<E> next = new HashSet<>();
      for (E other : tried) {
        if ((now.touches(other) & touched) == 0) {
          next.add(other);
        }
      }
      path.add(event);
      events++;
      checked(null, () -> now.happens(event));
      explore(now, next);
      path.remove(path.size() - 1);
      tried.add(known.computeIfAbsent(event, itself -> itself));
      here = null;
    }
  }

  private World<E> replay() {
    World<E> world = start.get();
    for (E event : path) {
      world.happens(event);
    }
    return world;
  }

  private void checked(String last, Runnable step) {
    try {
      step.run();
    } catch (AssertionError | RuntimeException e) {
      StringBuilder story = new StringBuilder(String.valueOf(e.getMessage())).append(", after:");
      World<E> world = start.get();
      for (int i = 0; i < path.size(); i++) {
        E event = path.get(i);
        story.append("\n %2d. %s".formatted(i + 1, world.describe(event)));
        if (i < path.size() - 1 || last != null) {
          world.happens(event);
        }
      }
      if (last != null) {
        story.append("\n     ").append(last);
      }
      throw new AssertionError(story.toString(), e);
    }
  }
}
