package org.simplepush.server;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.BeforeEach;
import org.simplepush.core.InMemoryVersionStore;

/** Two servers that share a store, whose words wait to be let arrive. */
abstract class TwoNodesFixture {
  final Deque<Runnable> words = new ArrayDeque<>();
  final SharedMemoryStore shared = new SharedMemoryStore(new InMemoryVersionStore(), words::add);
  final EndpointKeys keys = EndpointKeys.ephemeral();
  final SessionFixture a = new SessionFixture(shared, keys);
  final SessionFixture b = new SessionFixture(shared, keys);

  @BeforeEach
  void anyPing() {
    a.pingMinInterval(Duration.ZERO);
    b.pingMinInterval(Duration.ZERO);
  }

  /** Every word on its way arrives. */
  void wordsArrive() {
    while (!words.isEmpty()) {
      words.remove().run();
    }
    turn();
  }

  void turn() {
    a.turn();
    b.turn();
  }

  void passes(Duration duration) {
    turn();
    a.passes(duration);
    b.passes(duration);
  }

  static void ping(TestWire wire) {
    wire.says("{}");
    wire.hears("{}");
  }
}
