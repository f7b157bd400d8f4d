package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.core.ChannelId;
import org.simplepush.core.CloseCode;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.server.fixtures.SessionFixture;
import org.simplepush.server.fixtures.TestWire;

/** Who is connected; the sessions are real, and what reaches them is seen on their wires. */
@Timeout(30)
class SessionRegistryTest extends SessionFixture {
  private static final Uaid OWNER = Uaid.parse(UAID);
  private static final Update UPDATE = updateOf(CHANNEL, 1);

  @Test
  void newestConnectionDisplacesTheOlder() {
    TestWire older = resumes();
    TestWire newer = connects();
    newer.says(hello(Uaid.random().text()));
    registry.connect(OWNER, newer.session());
    older.turn();
    newer.turn();
    older.isClosed(CloseCode.POLICY_VIOLATION);
    newer.isOpen();
  }

  @Test
  void connectingAgainDoesNotDisplaceItself() {
    TestWire wire = resumes(); // only who has said hello can be displaced
    registry.connect(OWNER, wire.session());
    wire.turn();
    wire.isOpen();
    registry.deliver(OWNER, UPDATE);
    wire.turn();
    wire.hears(notification(CHANNEL, 1));
  }

  @Test
  void updateReachesTheLiveConnectionOnly() {
    TestWire older = resumes();
    TestWire newer = resumes();
    registry.deliver(OWNER, UPDATE);
    newer.turn();
    newer.hears(notification(CHANNEL, 1));
    older.turn();
    older.isClosed(CloseCode.POLICY_VIOLATION);
  }

  @Test
  void lateGoodbyeOfTheOlderDoesNotForgetTheNewer() {
    TestWire older = resumes();
    TestWire newer = resumes();
    registry.disconnect(OWNER, older.session());
    registry.deliver(OWNER, UPDATE);
    newer.turn();
    newer.hears(notification(CHANNEL, 1));
  }

  @Test
  void updateForNobodyIsPassedOver() {
    TestWire wire = resumes();
    registry.disconnect(OWNER, wire.session());
    registry.deliver(OWNER, UPDATE);
    registry.deliver(Uaid.random(), UPDATE);
    wire.turn();
    wire.hearsNothing();
  }

  /** Whoever is next must not suffer from what happened to one, wherever that stands. */
  @Test
  void everybodyElseIsComparedAfterSomeWhereThatFails() {
    List<Uaid> owners = List.of(OWNER, Uaid.random(), Uaid.random());
    List<TestWire> wires = new ArrayList<>();
    for (Uaid owner : owners) {
      TestWire wire = connects();
      wire.says(hello(owner.text()));
      wire.hears(greeting(owner.text()));
      register(wire, CHANNEL);
      wires.add(wire);
    }
    for (int i = 0; i < wires.size(); i++) {
      for (TestWire wire : wires) {
        wire.fault = new StackOverflowError("for all but one");
      }
      TestWire well = wires.get(i);
      well.fault = null;
      store.advance(owners.get(i), ChannelId.parse(CHANNEL), 7); // which nobody is told
      registry.compareAll();
      well.turn();
      wires.forEach(wire -> wire.fault = null);
      passes(Duration.ofSeconds(10));
      well.hears(notification(CHANNEL, 7));
    }
  }

  @Test
  void ofConnectionsThatComeTogetherExactlyOneStays() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      for (int round = 0; round < 200; round++) {
        List<TestWire> wires = List.of(connects(), connects(), connects(), connects());
        CompletableFuture<?>[] all =
            wires.stream()
                .map(wire -> CompletableFuture.runAsync(() -> wire.says(hello(UAID)), threads))
                .toArray(CompletableFuture[]::new);
        CompletableFuture.allOf(all).get(20, TimeUnit.SECONDS);
        wires.forEach(TestWire::turn);
        List<TestWire> open = wires.stream().filter(wire -> !wire.isClosed()).toList();
        assertThat(open).hasSize(1);
        open.get(0).inTurn(session -> session.close(CloseCode.GOING_AWAY, "next round"));
        registry.disconnect(OWNER, open.get(0).session());
      }
    } finally {
      threads.shutdownNow();
    }
  }
}
