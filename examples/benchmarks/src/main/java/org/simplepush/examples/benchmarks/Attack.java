package org.simplepush.examples.benchmarks;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Strangers that misuse a server in the same way, a bounded number at once and at a bounded rate.
 * When one is refused or ends, another follows. Confined to its loop.
 */
final class Attack {
  /** How often new ones connect. */
  private static final long CONNECT_MILLIS = 100;

  /** Each attack comes from so many addresses of its own. */
  private static final int ADDRESSES = 16;

  /** What a stranger does; one object a connection. */
  interface Maker {
    Attacker make(Attack attack, SiegeTarget target);
  }

  /**
   * How an attack goes.
   *
   * @param atOnce how many connections it holds at most
   * @param perSecond how many it opens in a second, if it may
   * @param actMillis how often {@link Attacker#act} is called; 0 is never
   */
  record Plan(String name, int atOnce, int perSecond, int actMillis, Maker maker) {}

  final Plan plan;

  private final SiegeTarget target;
  private final int number;
  private final Set<Attacker> open = new HashSet<>();
  private double due;
  private boolean over;

  // What happened

  int attempts;

  /** Refused: with 429, 503, close code 1008 or 1013, or without a connection. */
  int refused;

  /** Ended by the server in another way, or after that. */
  int ended;

  /** Answers and messages that came. */
  int answers;

  int mostAtOnce;

  Attack(Plan plan, int number, SiegeTarget target) {
    this.plan = plan;
    this.number = number;
    this.target = target;
  }

  void start() {
    connectMore();
    if (plan.actMillis() > 0) {
      act();
    }
  }

  private void connectMore() {
    if (over) {
      return;
    }
    due = Math.min(due + plan.perSecond() * CONNECT_MILLIS / 1000.0, plan.perSecond());
    while (due >= 1 && open.size() < plan.atOnce()) {
      due--;
      Attacker next = plan.maker().make(this, target);
      open.add(next);
      next.begin(source(attempts++));
    }
    mostAtOnce = Math.max(mostAtOnce, open.size());
    target.timers().after(CONNECT_MILLIS, this::connectMore);
  }

  private void act() {
    if (over) {
      return;
    }
    for (Attacker each : List.copyOf(open)) {
      if (each.isEstablished()) {
        each.act();
      }
    }
    target.timers().after(plan.actMillis(), this::act);
  }

  private InetSocketAddress source(int attempt) {
    byte[] address = {127, 100, (byte) number, (byte) (1 + attempt % ADDRESSES)};
    try {
      return new InetSocketAddress(InetAddress.getByAddress(address), 0);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("Four bytes are an address", e);
    }
  }

  /** Notes that a connection ended, from either side. */
  void gone(Attacker attacker) {
    open.remove(attacker);
  }

  int openNow() {
    return open.size();
  }

  /** Ends it, and all its connections. */
  void stop() {
    over = true;
    for (Attacker each : List.copyOf(open)) {
      each.leave();
    }
  }
}
