package org.simplepush.client.internal.connection;

import java.time.Duration;
import java.util.Map;
import org.simplepush.client.internal.run.Loop;

/**
 * Decides how long the server may be silent before it is pinged. Between two different bounds it
 * learns that for each network: what forgets idle connections there (NAT, firewalls) is found by
 * trying longer and longer silences until one breaks, and then halving the gap. Confined to the
 * loop.
 */
public final class KeepAlive {
  /** Networks remembered; the one not seen for longest is forgotten first. */
  static final int MAX_NETWORKS = 64;

  /** After so many pings that were answered, what once broke may have been an accident. */
  static final int HOLDS_TO_FORGET = 20;

  /** What {@link Learned#breaks} is when nothing has broken. */
  public static final Duration NEVER = Duration.ofDays(36_500);

  /**
   * What is known of a network.
   *
   * @param holds the longest silence after which a ping was answered
   * @param breaks the shortest one after which none was
   */
  public record Learned(Duration holds, Duration breaks) {}

  private final Loop loop;
  private final Duration min;
  private final Duration max;
  private final Map<String, Learned> networks;
  private final Runnable changed;
  private String network = "";
  private int answeredWhileSettled;

  /**
   * @param loop what this is confined to
   * @param networks what was learned before, oldest first; kept up to date
   * @param changed called after something was learned
   */
  public KeepAlive(
      Loop loop, Duration min, Duration max, Map<String, Learned> networks, Runnable changed) {
    this.loop = loop;
    this.min = min;
    this.max = max;
    this.networks = networks;
    this.changed = changed;
  }

  /** The device is in this network now. */
  void network(String name) {
    loop.assertCurrent();
    if (!name.equals(network)) {
      network = name;
      answeredWhileSettled = 0;
    }
  }

  private Learned learned() {
    Learned known = networks.getOrDefault(network, new Learned(min, NEVER));
    return new Learned(clamp(known.holds()), known.breaks());
  }

  private Duration clamp(Duration duration) {
    return duration.compareTo(min) < 0 ? min : duration.compareTo(max) > 0 ? max : duration;
  }

  /** Returns how long the server may be silent before it is pinged. */
  Duration interval() {
    loop.assertCurrent();
    Learned learned = learned();
    if (isSettled(learned)) {
      return learned.holds();
    }
    if (learned.breaks().equals(NEVER)) {
      // The first silence is the shortest; only what held is doubled.
      return networks.containsKey(network) ? clamp(learned.holds().multipliedBy(2)) : min;
    }
    return clamp(learned.holds().plus(learned.breaks()).dividedBy(2));
  }

  /** Closer is not worth another broken connection. */
  private static boolean isSettled(Learned learned) {
    Duration gap = learned.breaks().minus(learned.holds());
    return gap.compareTo(learned.holds().dividedBy(8)) <= 0;
  }

  /** A ping after this silence was answered. */
  void held(Duration silence) {
    loop.assertCurrent();
    if (min.equals(max)) {
      return;
    }
    Learned learned = learned();
    int longer = silence.compareTo(learned.holds());
    if (longer < 0) {
      return; // a ping for another reason
    }
    if (isSettled(learned)) {
      if (++answeredWhileSettled >= HOLDS_TO_FORGET) {
        answeredWhileSettled = 0;
        learn(new Learned(learned.holds(), NEVER));
      }
    } else if (longer > 0 || !networks.containsKey(network)) {
      learn(new Learned(clamp(silence), learned.breaks()));
    }
  }

  /** A ping after this silence was not answered, and yet the server could be reached again. */
  void broke(Duration silence) {
    loop.assertCurrent();
    if (min.equals(max)) {
      return;
    }
    answeredWhileSettled = 0;
    Learned learned = learned();
    // If not even what held before holds now, nothing is known but the bound.
    Duration holds = silence.compareTo(learned.holds()) > 0 ? learned.holds() : min;
    learn(new Learned(holds, silence));
  }

  private void learn(Learned learned) {
    networks.remove(network); // so that it becomes the youngest
    networks.put(network, learned);
    if (networks.size() > MAX_NETWORKS) {
      networks.remove(networks.keySet().iterator().next());
    }
    changed.run();
  }
}
