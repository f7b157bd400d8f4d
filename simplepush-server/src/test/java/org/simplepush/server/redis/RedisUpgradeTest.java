package org.simplepush.server.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.redis.ReceivedHints.displacedHint;
import static org.simplepush.server.redis.ReceivedHints.goneHint;
import static org.simplepush.server.redis.ReceivedHints.published;
import static org.simplepush.server.redis.RedisNodesTest.WEEK;
import static org.simplepush.server.redis.RedisNodesTest.claim;
import static org.simplepush.server.redis.RedisNodesTest.get;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.ChannelId;
import org.simplepush.core.SharedVersionStore.Basis;
import org.simplepush.core.SharedVersionStore.Comparison;
import org.simplepush.core.SharedVersionStore.Greeting;
import org.simplepush.core.SharedVersionStore.Node;
import org.simplepush.core.SharedVersionStore.Removal;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore.Advance;
import org.simplepush.core.VersionStore.Registration;
import org.simplepush.core.VersionStore.Resumption;
import org.simplepush.core.VersionStore.Unknown;

/** While an operator replaces one node after another, those of two versions share one Redis. */
class RedisUpgradeTest {
  private static RedisProcess redis;

  private final Uaid uaid = Uaid.random();
  private final ChannelId channel = ChannelId.random();
  private final ReceivedHints heard = new ReceivedHints();
  private RedisVersionStore store;
  private Node node;
  private PreviousNode previous;

  @BeforeAll
  static void startRedis() throws Exception {
    redis = RedisProcess.start();
  }

  @AfterAll
  static void stopRedis() throws Exception {
    redis.close();
  }

  @BeforeEach
  void join() throws Exception {
    store = RedisVersionStore.open(redis.uri());
    node = store.join(WEEK, heard);
    previous = new PreviousNode(redis);
  }

  @AfterEach
  void leave() {
    store.close();
    previous.close();
  }

  private Basis.Claim settle(long connection, Basis.Seen seen, List<ChannelId> channels)
      throws Exception {
    Comparison found = get(node.settle(uaid, connection, seen, channels));
    return ((Comparison.Claimed) found).claim();
  }

  private void createAtPrevious() throws Exception {
    previous.hello(uaid, 1, List.of());
    assertThat(previous.register(uaid, channel, 9)).isTrue();
  }

  @Test
  void deviceMovesToANewNode() throws Exception {
    createAtPrevious();
    assertThat(previous.advanceToNext(uaid, channel)).contains(0L);
    assertThat(previous.next()).isEqualTo(published(uaid, channel.text(), 0));

    Greeting greeting = get(node.hello(uaid, List.of(channel)));
    assertThat(greeting.resumption())
        .isEqualTo(new Resumption.Resumed(List.of(new Update(channel, 0))));
    get(store.advance(uaid, channel, 1));
    assertThat(previous.next()).isEqualTo(published(uaid, channel.text(), 1));
    settle(2, greeting.seen(), List.of(channel));

    assertThat(previous.next()).isEqualTo(displacedHint(uaid, 1));
    assertThat(previous.confirm(uaid, 1)).isFalse();
    previous.release(uaid, 1);
    assertThat(previous.advanceToNext(uaid, channel)).contains(2L);
    assertThat(heard.next()).isEqualTo(published(uaid, channel.text(), 2));
  }

  @Test
  void deviceMovesBackToANodeOfThePreviousVersion() throws Exception {
    createAtPrevious();
    Basis.Claim claim = claim(node, uaid, 2);
    assertThat(previous.next()).isEqualTo(displacedHint(uaid, 1));

    assertThat(previous.hello(uaid, 3, List.of(channel)))
        .isEqualTo(new Resumption.Resumed(List.of()));

    assertThat(heard.next()).isEqualTo(displacedHint(uaid, 2));
    assertThat(get(node.compare(uaid, claim))).isEqualTo(new Comparison.Superseded());
    assertThat(get(node.register(uaid, claim, ChannelId.random(), 9))).isEmpty();
    assertThat(get(node.unregister(uaid, claim, channel))).isEqualTo(Removal.SUPERSEDED);
    assertThat(get(node.drop(uaid, claim))).isFalse();
    get(node.release(uaid, 2));
    assertThat(previous.confirm(uaid, 3)).isTrue();
    get(store.advanceToNext(uaid, channel, 0));
    assertThat(previous.next()).isEqualTo(published(uaid, channel.text(), 0));
  }

  /** Its connection at the new node has ended; the route keeps the epoch. */
  @Test
  void releasedClaimOfANewNodeIsReplacedAndTellsNobody() throws Exception {
    createAtPrevious();
    Basis.Claim claim = claim(node, uaid, 2);
    get(node.release(uaid, 2));
    assertThat(previous.next()).isEqualTo(displacedHint(uaid, 1));

    previous.hello(uaid, 3, List.of(channel));
    assertThat(previous.confirm(uaid, 3)).isTrue();
    assertThat(get(node.compare(uaid, claim))).isEqualTo(new Comparison.Superseded());
    previous.release(uaid, 3);

    Basis.Claim next = claim(node, uaid, 4);
    assertThat(get(node.compare(uaid, claim))).isEqualTo(new Comparison.Superseded());
    assertThat(get(node.compare(uaid, next))).isInstanceOf(Comparison.Claimed.class);
    assertThat(heard.forget("")).isFalse();
  }

  /** Between its hello and its pong somebody connects elsewhere. */
  @Test
  void helloThatIsOvertakenByANodeOfThePreviousVersionDoesNotSettle() throws Exception {
    createAtPrevious();
    previous.release(uaid, 1);
    Greeting late = get(node.hello(uaid, List.of()));

    previous.hello(uaid, 3, List.of(channel));

    assertThat(get(node.settle(uaid, 2, late.seen(), List.of())))
        .isEqualTo(new Comparison.Superseded());
    assertThat(get(node.register(uaid, late.seen(), ChannelId.random(), 9))).isEmpty();
    assertThat(previous.hello(uaid, 3, List.of(channel)))
        .isEqualTo(new Resumption.Resumed(List.of()));
  }

  /** A register before the pong raises the epoch of the route, whoever wrote that. */
  @Test
  void registerBeforeThePongKeepsTheRouteOfANodeOfThePreviousVersion() throws Exception {
    createAtPrevious();
    ChannelId more = ChannelId.random();
    Greeting greeting = get(node.hello(uaid, List.of(channel)));
    Basis seen = get(node.register(uaid, greeting.seen(), more, 9)).orElseThrow().basis();

    get(store.advance(uaid, channel, 1));
    assertThat(previous.next()).isEqualTo(published(uaid, channel.text(), 1));
    settle(2, (Basis.Seen) seen, List.of(channel, more));
    assertThat(previous.next()).isEqualTo(displacedHint(uaid, 1));
  }

  @Test
  void whatANewNodeSaysOfAChannelThatIsGoneIsPassedOver() throws Exception {
    createAtPrevious();
    claim(node, uaid, 2);
    assertThat(previous.next()).isEqualTo(displacedHint(uaid, 1));
    previous.hello(uaid, 3, List.of(channel));
    assertThat(heard.next()).isEqualTo(displacedHint(uaid, 2));

    assertThat(get(store.advance(uaid, ChannelId.random(), 1))).isEqualTo(new Unknown());

    get(store.advance(uaid, channel, 1));
    assertThat(previous.next()).isEqualTo(published(uaid, channel.text(), 1));
    claim(node, uaid, 4);
    assertThat(previous.advanceToNext(uaid, ChannelId.random())).isEmpty();
    get(store.advance(uaid, ChannelId.random(), 1));
    assertThat(heard.next()).isEqualTo(goneHint(uaid));
  }

  @Test
  void userAgentThatIsDroppedAtOneIsGoneAtTheOther() throws Exception {
    createAtPrevious();
    Basis.Claim claim = claim(node, uaid, 2);
    assertThat(get(node.drop(uaid, claim))).isTrue();
    assertThat(previous.hello(uaid, 3, List.of(channel))).isEqualTo(new Unknown());
    assertThat(previous.hello(uaid, 3, List.of())).isEqualTo(new Resumption.Resumed(List.of()));
    assertThat(previous.register(uaid, channel, 9)).isTrue();

    Basis.Claim next = claim(node, uaid, 4);
    previous.drop(uaid);
    assertThat(get(node.compare(uaid, next))).isEqualTo(new Unknown());
  }

  /** Where a device of the random run is connected; null if it is not. */
  private record Place(PreviousNode previous, Newer newer, long number, Basis.Claim claim) {}

  private record Newer(RedisVersionStore store, Node node, ReceivedHints heard) {}

  /** One device that moves among two nodes of each version, and what was published to it. */
  private final class Walk {
    final Random random;
    final List<PreviousNode> olders;
    final List<Newer> newers;
    final List<ChannelId> channels = new ArrayList<>();
    final Map<String, Long> versions = new TreeMap<>();
    final Map<String, Update> pending = new TreeMap<>();
    Place place;
    long numbers;

    Walk(long seed, List<PreviousNode> olders, List<Newer> newers) {
      random = new Random(seed);
      this.olders = olders;
      this.newers = newers;
    }

    void connect() throws Exception {
      Place before = place;
      long number = ++numbers;
      List<ChannelId> list = random.nextInt(4) == 0 ? null : List.copyOf(channels);
      List<Update> found;
      if (random.nextBoolean()) {
        PreviousNode at = olders.get(random.nextInt(2));
        found = ((Resumption.Resumed) at.hello(uaid, number, list)).pending();
        place = new Place(at, null, number, null);
      } else {
        Newer at = newers.get(random.nextInt(2));
        Greeting greeting = get(at.node().hello(uaid, list));
        Comparison.Claimed claimed =
            (Comparison.Claimed) get(at.node().settle(uaid, number, greeting.seen(), list));
        found = claimed.pending();
        place = new Place(null, at, number, claimed.claim());
      }
      assertThat(found).containsExactlyInAnyOrderElementsOf(pending.values());
      if (before != null) {
        if (before.previous() != place.previous() || before.newer() != place.newer()) {
          assertThat(next(before)).isEqualTo(displacedHint(uaid, before.number()));
        }
        assertThat(isClaim(before)).isFalse();
        release(before);
      }
    }

    String next(Place at) throws Exception {
      return at.previous() != null ? at.previous().next() : at.newer().heard().next();
    }

    boolean isClaim(Place at) throws Exception {
      return at.previous() != null
          ? at.previous().confirm(uaid, at.number())
          : get(at.newer().node().compare(uaid, at.claim())) instanceof Comparison.Claimed;
    }

    void release(Place at) throws Exception {
      if (at.previous() != null) {
        at.previous().release(uaid, at.number());
      } else {
        get(at.newer().node().release(uaid, at.number()));
      }
    }

    void disconnect() throws Exception {
      if (place != null) {
        release(place);
        place = null;
      }
    }

    void register() throws Exception {
      if (place == null) {
        return;
      }
      ChannelId added = ChannelId.random();
      if (place.previous() != null) {
        assertThat(place.previous().register(uaid, added, 1_000)).isTrue();
      } else {
        assertThat(
                get(place.newer().node().register(uaid, place.claim(), added, 1_000))
                    .orElseThrow()
                    .registration())
            .isEqualTo(new Registration.Registered());
      }
      channels.add(added);
    }

    void unregister() throws Exception {
      if (place == null || channels.size() < 2) {
        return;
      }
      ChannelId removed = channels.remove(random.nextInt(channels.size()));
      if (place.previous() != null) {
        place.previous().unregister(uaid, removed);
      } else {
        assertThat(get(place.newer().node().unregister(uaid, place.claim(), removed)))
            .isEqualTo(Removal.REMOVED);
      }
      versions.remove(removed.text());
      pending.remove(removed.text());
    }

    void publish() throws Exception {
      if (channels.isEmpty()) {
        return;
      }
      ChannelId to = channels.get(random.nextInt(channels.size()));
      long version = versions.merge(to.text(), 0L, (last, first) -> last + 1);
      if (random.nextBoolean()) {
        assertThat(olders.get(random.nextInt(2)).advanceToNext(uaid, to)).contains(version);
      } else {
        assertThat(get(newers.get(random.nextInt(2)).store().advanceToNext(uaid, to, 0)))
            .isInstanceOf(Advance.Advanced.class);
      }
      pending.put(to.text(), new Update(to, version));
      if (place != null) {
        assertThat(next(place)).isEqualTo(published(uaid, to.text(), version));
      }
    }

    void acknowledge() throws Exception {
      if (place == null || pending.isEmpty()) {
        return;
      }
      Update update = pending.values().iterator().next();
      if (place.previous() != null) {
        place.previous().acknowledge(uaid, update);
      } else {
        get(place.newer().store().acknowledge(uaid, List.of(update)));
      }
      pending.remove(update.channelId().text());
    }

    void step() throws Exception {
      switch (random.nextInt(10)) {
        case 0, 1, 2 -> connect();
        case 3 -> disconnect();
        case 4 -> register();
        case 5 -> unregister();
        case 6 -> acknowledge();
        case 7 -> {
          if (place != null) {
            assertThat(isClaim(place)).isTrue();
          }
        }
        default -> publish();
      }
    }
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void deviceThatMovesAmongBothLearnsEveryVersionAtOnce(long seed) throws Exception {
    ReceivedHints hintsToo = new ReceivedHints();
    try (PreviousNode previousToo = new PreviousNode(redis);
        RedisVersionStore storeToo = RedisVersionStore.open(redis.uri())) {
      List<Newer> newers =
          List.of(
              new Newer(store, node, heard),
              new Newer(storeToo, storeToo.join(WEEK, hintsToo), hintsToo));
      Walk walk = new Walk(seed, List.of(previous, previousToo), newers);
      walk.connect();
      for (int i = 0; i < 300; i++) {
        walk.step();
      }
    }
  }
}
