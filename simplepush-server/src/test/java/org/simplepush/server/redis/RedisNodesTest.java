package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.simplepush.server.redis.ReceivedHints.displacedHint;
import static org.simplepush.server.redis.ReceivedHints.goneHint;
import static org.simplepush.server.redis.ReceivedHints.published;

import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.simplepush.core.ChannelId;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.SharedVersionStore.Basis;
import org.simplepush.core.SharedVersionStore.Comparison;
import org.simplepush.core.SharedVersionStore.Greeting;
import org.simplepush.core.SharedVersionStore.Node;
import org.simplepush.core.SharedVersionStore.Registered;
import org.simplepush.core.SharedVersionStore.Removal;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore.Advance;
import org.simplepush.core.VersionStore.Pending;
import org.simplepush.core.VersionStore.Registration;
import org.simplepush.core.VersionStore.Resumption;
import org.simplepush.core.VersionStore.Unknown;

/** Two nodes on one Redis: who is told what. */
class RedisNodesTest {
  static final Duration WEEK = Duration.ofDays(7);

  private static RedisProcess redis;

  private final Uaid uaid = Uaid.random();
  private final ChannelId channel = ChannelId.random();
  private final ReceivedHints hintsHere = new ReceivedHints();
  private final ReceivedHints hintsThere = new ReceivedHints();
  private RedisVersionStore here;
  private RedisVersionStore there;
  private Node nodeHere;
  private Node nodeThere;

  private static String login;

  @BeforeAll
  static void startRedis() throws Exception {
    redis = RedisProcess.start();
    login = redis.allowDocumentedUser();
  }

  @AfterAll
  static void stopRedis() throws Exception {
    redis.close();
  }

  /** Where Redis is, for a user who may do what is needed and no more. */
  String uri() {
    return redis.uri(login);
  }

  /** Where everything of a user agent is. */
  RedisProcess serverOf(Uaid who) {
    return redis;
  }

  @BeforeEach
  void join() throws Exception {
    here = RedisVersionStore.open(uri());
    there = RedisVersionStore.open(uri());
    nodeHere = here.join(WEEK, hintsHere);
    nodeThere = there.join(WEEK, hintsThere);
    get(here.hello(uaid, List.of()));
    assertThat(get(here.register(uaid, channel, 9))).isEqualTo(new Registration.Registered());
  }

  @AfterEach
  void leave() {
    here.close();
    there.close();
  }

  private static String key(Uaid uaid) {
    return new String(Ids.key(uaid), US_ASCII);
  }

  static <T> T get(CompletionStage<T> stage) throws Exception {
    return stage.toCompletableFuture().get(20, SECONDS);
  }

  /** A device that is there connects. */
  static Basis.Claim claim(Node node, Uaid uaid, long connection) throws Exception {
    Basis.Seen seen = get(node.hello(uaid, null)).seen();
    return ((Comparison.Claimed) get(node.settle(uaid, connection, seen, null))).claim();
  }

  private static boolean isClaimed(Node node, Uaid uaid, Basis.Claim claim) throws Exception {
    Comparison comparison = get(node.compare(uaid, claim));
    assertThat(comparison).isNotEqualTo(new Unknown());
    return comparison instanceof Comparison.Claimed;
  }

  /** Whatever was said before has arrived when this was heard. */
  private void assertNothingElseHeard(ReceivedHints heard, Node node, RedisVersionStore store)
      throws Exception {
    Uaid mark = Uaid.random();
    get(store.hello(mark, List.of()));
    claim(node, mark, 0);
    get(store.register(mark, channel, 9));
    get(store.advance(mark, channel, 0));
    assertThat(heard.next()).isEqualTo(published(mark, channel.text(), 0));
  }

  @Test
  void whatIsPublishedAnywhereIsToldToTheNodeOfTheDeviceOnly() throws Exception {
    claim(nodeThere, uaid, 1);

    get(here.advance(uaid, channel, 7));
    get(there.advanceToNext(uaid, channel, 7));

    assertThat(hintsThere.next()).isEqualTo(published(uaid, channel.text(), 7));
    assertThat(hintsThere.next()).isEqualTo(published(uaid, channel.text(), 8));
    assertNothingElseHeard(hintsHere, nodeHere, here);
  }

  @Test
  void hintsSpellTheChannelAsTheDeviceDoes() throws Exception {
    ChannelId shouted = ChannelId.parse(channel.text().toUpperCase(Locale.ROOT));
    get(here.register(uaid, shouted, 9));
    claim(nodeThere, uaid, 1);

    get(here.advance(uaid, channel, Long.MAX_VALUE));

    assertThat(hintsThere.next()).isEqualTo(published(uaid, shouted.text(), Long.MAX_VALUE));
  }

  @Test
  void whatIsStaleOrOfSomebodyUnknownIsNotTold() throws Exception {
    claim(nodeThere, uaid, 1);
    get(here.advance(uaid, channel, 7));
    assertThat(hintsThere.next()).isEqualTo(published(uaid, channel.text(), 7));

    get(here.advance(uaid, channel, 7));
    get(here.advance(uaid, channel, 6));
    get(here.advance(Uaid.random(), channel, 9));

    assertNothingElseHeard(hintsThere, nodeThere, there);
  }

  @Test
  void newestClaimWinsAndTheOtherNodeIsTold() throws Exception {
    Basis.Claim older = claim(nodeHere, uaid, 11);
    Basis.Claim newer = claim(nodeThere, uaid, 22);

    assertThat(hintsHere.next()).isEqualTo(displacedHint(uaid, 11));
    assertThat(isClaimed(nodeHere, uaid, older)).isFalse();
    assertThat(isClaimed(nodeThere, uaid, newer)).isTrue();
    get(here.advance(uaid, channel, 7));
    assertThat(hintsThere.next()).isEqualTo(published(uaid, channel.text(), 7));
    assertNothingElseHeard(hintsHere, nodeHere, here);
  }

  @Test
  void claimOnTheSameNodeTellsNobody() throws Exception {
    Basis.Claim older = claim(nodeHere, uaid, 11);
    Basis.Claim newer = claim(nodeHere, uaid, 12);

    assertThat(isClaimed(nodeHere, uaid, older)).isFalse();
    assertThat(isClaimed(nodeHere, uaid, newer)).isTrue();
    assertNothingElseHeard(hintsHere, nodeHere, here);
  }

  @Test
  void lateReleaseOfAnOldConnectionLeavesTheNewClaim() throws Exception {
    claim(nodeHere, uaid, 11);
    Basis.Claim newer = claim(nodeThere, uaid, 22);
    get(nodeHere.release(uaid, 11));
    assertThat(isClaimed(nodeThere, uaid, newer)).isTrue();

    claim(nodeThere, uaid, 23);
    get(nodeThere.release(uaid, 22));

    get(here.advance(uaid, channel, 7));
    assertThat(hintsThere.next()).isEqualTo(published(uaid, channel.text(), 7));
  }

  @Test
  void releasedDeviceIsToldNothing() throws Exception {
    claim(nodeThere, uaid, 1);
    get(nodeThere.release(uaid, 1));

    get(here.advance(uaid, channel, 7));

    assertNothingElseHeard(hintsThere, nodeThere, there);
  }

  @Test
  void comparisonRestoresWhatRedisHasForgotten() throws Exception {
    Basis.Claim older = claim(nodeHere, uaid, 11);
    Basis.Claim newer = claim(nodeThere, uaid, 22);
    serverOf(uaid).ask("HDEL", key(uaid), "r");

    assertThat(isClaimed(nodeThere, uaid, newer)).isTrue();

    get(here.advance(uaid, channel, 7));
    assertThat(hintsThere.next()).isEqualTo(published(uaid, channel.text(), 7));
    assertThat(isClaimed(nodeHere, uaid, older)).isFalse();
  }

  @Test
  void stepsTakeEffectInOrderAlthoughNobodyWaits() throws Exception {
    for (int round = 0; round < 50; round++) {
      Uaid device = Uaid.random();
      there.hello(device, List.of());
      nodeThere.settle(device, round, new Basis.Seen(""), null);
      there.register(device, channel, 9);
      CompletionStage<Advance> advance = there.advance(device, channel, round);

      get(advance);
      assertThat(hintsThere.next()).isEqualTo(published(device, channel.text(), round));
    }
  }

  /** Threads take turns, and one of them is where stages complete. */
  @Test
  void stepsOfSeveralThreadsTakeEffectInTheOrderOfTheirCalls() throws Exception {
    Thread main = Thread.currentThread();
    int rounds = 0;
    for (long version = 1; rounds < 500; version += 2) {
      long odd = version;
      CompletableFuture<CompletionStage<Advance>> second = new CompletableFuture<>();
      CountDownLatch asked = new CountDownLatch(1);
      here.pending(Uaid.random())
          .thenAccept(
              nothing -> {
                if (Thread.currentThread() != main) { // it was not complete before this was said
                  awaitUninterrupted(asked);
                  second.complete(here.advance(uaid, channel, odd + 1));
                } else {
                  second.complete(null);
                }
              });
      CompletionStage<Advance> first = here.advance(uaid, channel, odd);
      asked.countDown();

      assertThat(get(first)).isEqualTo(new Advance.Advanced(new Update(channel, odd), odd > 1));
      if (get(second) != null) {
        rounds++;
        assertThat(get(get(second)))
            .isEqualTo(new Advance.Advanced(new Update(channel, odd + 1), true));
      }
    }
  }

  private static void awaitUninterrupted(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void claimIsNoUserAgentAndNoChannelAndOutlivesOneThatIsDropped() throws Exception {
    Uaid device = Uaid.random();
    get(here.expire(Duration.ZERO));
    get(there.hello(device, List.of()));
    claim(nodeThere, device, 1);
    get(there.drop(device));
    assertThat(get(there.pending(device))).isEqualTo(new Unknown());
    assertThat(get(here.hello(device, null))).isEqualTo(new Unknown());
    assertThat(get(here.expire(Duration.ZERO))).isZero();

    get(there.hello(device, List.of()));
    get(there.register(device, channel, 1));
    get(here.advance(device, channel, 5));

    assertThat(hintsThere.next()).isEqualTo(published(device, channel.text(), 5));
    assertThat(get(here.register(device, ChannelId.random(), 2)))
        .as("a claim is no channel")
        .isEqualTo(new Registration.Registered());
  }

  private void isKept(ChannelId... channels) throws Exception {
    for (ChannelId one : channels) {
      assertThat(get(here.advanceToNext(uaid, one, 0))).isInstanceOf(Advance.Advanced.class);
    }
  }

  private static Greeting greeting(Node node, Uaid uaid, ChannelId... channels) throws Exception {
    return get(node.hello(uaid, List.of(channels)));
  }

  @Test
  void helloTakesNothingAway() throws Exception {
    ChannelId other = ChannelId.random();
    get(here.register(uaid, other, 9));
    Basis.Claim claim = claim(nodeThere, uaid, 1);
    get(here.advance(uaid, channel, 3));
    get(here.advance(uaid, other, 4));

    assertThat(greeting(nodeHere, uaid, channel).resumption())
        .isEqualTo(new Resumption.Resumed(List.of(new Update(channel, 3))));
    assertThat(greeting(nodeHere, uaid, ChannelId.random()).resumption())
        .isEqualTo(new Resumption.Diverged());
    assertThat(greeting(nodeHere, Uaid.random(), channel).resumption()).isEqualTo(new Unknown());
    assertThat(get(nodeHere.hello(Uaid.random(), null)).resumption()).isEqualTo(new Unknown());
    assertThat(greeting(nodeHere, Uaid.random()).resumption())
        .isEqualTo(new Resumption.Resumed(List.of()));

    assertThat(isClaimed(nodeThere, uaid, claim)).isTrue();
    isKept(channel, other);
  }

  @Test
  void settlingRemovesWhatIsNotListedAndSpellsTheRest() throws Exception {
    ChannelId other = ChannelId.random();
    get(here.register(uaid, other, 9));
    ChannelId shouted = ChannelId.parse(channel.text().toUpperCase(Locale.ROOT));
    get(here.advance(uaid, channel, 3));
    Basis.Seen seen = greeting(nodeHere, uaid, shouted).seen();
    get(here.advance(uaid, channel, 4));

    Comparison.Claimed settled =
        (Comparison.Claimed) get(nodeHere.settle(uaid, 1, seen, List.of(shouted)));

    assertThat(settled)
        .isEqualTo(
            new Comparison.Claimed(
                new Basis.Claim(1, settled.claim().epoch()),
                List.of(new Update(shouted, 4)),
                SharedVersionStore.digest(channel)));
    assertThat(get(here.advance(uaid, other, 1))).isEqualTo(new Unknown());
    assertThat(hintsHere.next()).isEqualTo(goneHint(uaid));
    get(here.advance(uaid, channel, 5));
    assertThat(hintsHere.next()).isEqualTo(published(uaid, shouted.text(), 5));
  }

  @Test
  void digestIsThatOfAllChannels() throws Exception {
    Basis.Claim claim = claim(nodeHere, uaid, 1);
    long digest = SharedVersionStore.digest(channel);
    for (int i = 0; i < 20; i++) {
      ChannelId more = ChannelId.random();
      digest ^= SharedVersionStore.digest(more);
      assertThat(get(nodeHere.register(uaid, claim, more, 99)))
          .contains(new Registered(new Registration.Registered(), true, claim));
      assertThat(get(nodeHere.register(uaid, claim, more, 99)))
          .contains(new Registered(new Registration.Registered(), false, claim));
      assertThat(get(nodeHere.compare(uaid, claim)))
          .isEqualTo(new Comparison.Claimed(claim, List.of(), digest));
    }
    assertThat(get(nodeHere.unregister(uaid, claim, channel))).isEqualTo(Removal.REMOVED);
    assertThat(get(nodeHere.unregister(uaid, claim, channel))).isEqualTo(Removal.ABSENT);
    assertThat(((Comparison.Claimed) get(nodeHere.compare(uaid, claim))).digest())
        .isEqualTo(digest ^ SharedVersionStore.digest(channel));
  }

  @Test
  void lateStepsAreSuperseded() throws Exception {
    Basis.Seen late = get(nodeHere.hello(uaid, null)).seen();
    Basis.Claim older = claim(nodeHere, uaid, 11);
    Basis.Claim newer = claim(nodeThere, uaid, 22);
    ChannelId other = ChannelId.random();

    for (Basis basis : List.of(late, older)) {
      assertThat(get(nodeHere.register(uaid, basis, other, 9))).isEmpty();
      assertThat(get(nodeHere.unregister(uaid, basis, channel))).isEqualTo(Removal.SUPERSEDED);
      assertThat(get(nodeHere.drop(uaid, basis))).isFalse();
    }
    assertThat(get(nodeHere.settle(uaid, 12, late, List.of())))
        .isEqualTo(new Comparison.Superseded());
    get(nodeHere.release(uaid, 11));

    assertThat(get(nodeThere.compare(uaid, newer)))
        .isEqualTo(new Comparison.Claimed(newer, List.of(), SharedVersionStore.digest(channel)));
    isKept(channel);
  }

  @Test
  void releasedClaimStillSupersedesLateSteps() throws Exception {
    Basis.Claim older = claim(nodeHere, uaid, 11);
    Basis.Claim newer = claim(nodeThere, uaid, 22);
    get(nodeThere.release(uaid, 22));

    assertThat(get(nodeHere.compare(uaid, older))).isEqualTo(new Comparison.Superseded());
    assertThat(claim(nodeHere, uaid, 12).epoch()).isGreaterThan(newer.epoch());
  }

  @Test
  void connectionThatHasNotSettledSupersedesOthersByRegistering() throws Exception {
    Basis.Claim claim = claim(nodeHere, uaid, 1);
    Basis.Seen late = greeting(nodeHere, uaid, channel).seen();
    Basis.Seen seen = greeting(nodeThere, uaid, channel).seen();
    ChannelId other = ChannelId.random();

    Registered registered = get(nodeThere.register(uaid, seen, other, 9)).orElseThrow();

    assertThat(registered.added()).isTrue();
    assertThat(get(nodeHere.settle(uaid, 2, late, List.of(channel))))
        .isEqualTo(new Comparison.Superseded());
    assertThat(((Comparison.Claimed) get(nodeHere.compare(uaid, claim))).claim())
        .as("the live one adopts the epoch")
        .isEqualTo(new Basis.Claim(1, claim.epoch() + 1));
    Basis.Seen basis = (Basis.Seen) registered.basis();
    assertThat(get(nodeThere.settle(uaid, 2, basis, List.of(channel, other))))
        .isInstanceOf(Comparison.Claimed.class);
    assertThat(hintsHere.next()).isEqualTo(displacedHint(uaid, 1));
    isKept(channel, other);
  }

  @Test
  void theSameForOneThatWasNeverConnected() throws Exception {
    Basis.Seen late = greeting(nodeHere, uaid, channel).seen();
    Basis.Seen seen = greeting(nodeThere, uaid, channel).seen();

    for (int i = 0; i < 3; i++) {
      ChannelId other = ChannelId.random();
      seen = (Basis.Seen) get(nodeThere.register(uaid, seen, other, 9)).orElseThrow().basis();
    }

    assertThat(get(nodeHere.settle(uaid, 2, late, List.of())))
        .isEqualTo(new Comparison.Superseded());
    assertThat(get(nodeThere.settle(uaid, 2, seen, null))).isInstanceOf(Comparison.Claimed.class);
    isKept(channel);
  }

  @Test
  void olderConnectionOfTheSameNodeDoesNotSettleAfterANewer() throws Exception {
    claim(nodeHere, uaid, 12);
    Basis.Seen seen = get(nodeHere.hello(uaid, null)).seen();
    assertThat(get(nodeHere.settle(uaid, 11, seen, List.of())))
        .isEqualTo(new Comparison.Superseded());
    isKept(channel);
  }

  @Test
  void claimThatWasRolledBackIsRestored() throws Exception {
    Basis.Claim older = claim(nodeHere, uaid, 11);
    String before = serverOf(uaid).ask("HGET", key(uaid), "r");
    Basis.Claim newer = claim(nodeThere, uaid, 22);
    serverOf(uaid).ask("HSET", key(uaid), "r", before);

    assertThat(isClaimed(nodeThere, uaid, newer)).isTrue();

    assertThat(isClaimed(nodeHere, uaid, older)).isFalse();
    get(here.advance(uaid, channel, 7));
    assertThat(hintsThere.next()).isEqualTo(published(uaid, channel.text(), 7));
  }

  @Test
  void droppedUserAgentIsToldToItsConnectionAndStaysSuperseded() throws Exception {
    Basis.Claim claim = claim(nodeThere, uaid, 22);
    Basis.Seen seen = get(nodeHere.hello(uaid, null)).seen();

    assertThat(get(nodeHere.drop(uaid, seen))).isTrue();

    assertThat(hintsThere.next()).isEqualTo(displacedHint(uaid, 22));
    assertThat(get(here.pending(uaid))).isEqualTo(new Unknown());
    get(here.hello(uaid, List.of()));
    assertThat(get(nodeThere.compare(uaid, claim))).isEqualTo(new Comparison.Superseded());
    assertThat(get(nodeThere.drop(uaid, claim))).isFalse();
  }

  @Test
  void publishingToAChannelThatIsGoneIsToldToTheNodeOfTheDevice() throws Exception {
    claim(nodeThere, uaid, 1);

    get(here.advance(uaid, ChannelId.random(), 7));
    assertThat(hintsThere.next()).isEqualTo(goneHint(uaid));
    get(there.drop(uaid));
    get(here.advance(uaid, channel, 7));
    assertThat(hintsThere.next()).isEqualTo(goneHint(uaid));

    get(nodeThere.release(uaid, 1));
    get(here.advance(uaid, channel, 7));
    assertNothingElseHeard(hintsThere, nodeThere, there);
  }

  /** A node of the version before this one writes no epoch, and knows of none. */
  @Test
  void claimOfANodeOfThePreviousVersionIsNewer() throws Exception {
    Basis.Claim claim = claim(nodeThere, uaid, 22);
    serverOf(uaid).ask("HSET", key(uaid), "r", "0123456789abcdef0123456789abcdef 7");

    assertThat(get(nodeThere.compare(uaid, claim))).isEqualTo(new Comparison.Superseded());

    Basis.Claim newer = claim(nodeThere, uaid, 23);
    assertThat(isClaimed(nodeThere, uaid, newer)).isTrue();
    serverOf(uaid).ask("PUBLISH", "simplepush:node:" + nodeOf(uaid), "d " + hex(uaid) + " 23:1");
    assertThat(hintsThere.next()).isEqualTo(displacedHint(uaid, 23));
  }

  private String nodeOf(Uaid who) throws Exception {
    String route = serverOf(who).ask("HGET", key(who), "r");
    return route.substring(0, route.indexOf(' '));
  }

  private static String hex(Uaid who) {
    return who.value().toString().replace("-", "");
  }

  @Test
  void nodeThatHasLeftHearsNothing() throws Exception {
    claim(nodeThere, uaid, 1);
    nodeThere.close();
    nodeThere.close();
    ReceivedHints hintsAnew = new ReceivedHints();
    Node anew = there.join(WEEK, hintsAnew);

    get(here.advance(uaid, channel, 7));

    assertNothingElseHeard(hintsAnew, anew, there);
    claim(anew, uaid, 1);
    assertThat(get(here.pending(uaid)))
        .isEqualTo(new Pending.Known(List.of(new Update(channel, 7))));
  }

  @Test
  void listenerThatFailsReceivesTheNextHint() throws Exception {
    ReceivedHints heard = new ReceivedHints();
    Node node =
        there.join(
            WEEK,
            new org.simplepush.core.SharedVersionStore.Listener() {
              @Override
              public void published(Uaid who, Update update) {
                heard.published(who, update);
                if (update.version() == 1) {
                  throw new IllegalStateException("meant to fail");
                }
              }

              @Override
              public void displaced(Uaid who, long connection) {}

              @Override
              public void gone(Uaid gone) {}

              @Override
              public void hintsLost() {}
            });
    claim(node, uaid, 1);

    get(here.advance(uaid, channel, 1));
    get(here.advance(uaid, channel, 2));

    assertThat(heard.next()).isEqualTo(published(uaid, channel.text(), 1));
    assertThat(heard.next()).isEqualTo(published(uaid, channel.text(), 2));
  }

  @Test
  void joinedStoreIsHealthy() throws Exception {
    assertThat(get(here.check())).isNull();
    assertThat(get(there.check())).isNull();
  }

  @Test
  void userAgentThatIsNotSeenIsSwept() throws Exception {
    try (RedisVersionStore store = RedisVersionStore.open(uri())) {
      store.join(Duration.ofMillis(500), hintsHere);
      Uaid device = Uaid.random();
      get(store.hello(device, List.of()));
      get(store.register(device, channel, 9));

      await()
          .atMost(20, SECONDS)
          .until(
              () -> {
                get(store.expire(Duration.ofMillis(500)));
                return get(here.advance(device, channel, 0)) instanceof Unknown;
              });

      assertThat(get(store.hello(device, List.of(channel)))).isEqualTo(new Unknown());
    }
  }

  @Test
  void afterCloseAMembershipFails() throws Exception {
    there.close();

    for (CompletionStage<?> stage :
        List.of(
            nodeThere.hello(uaid, null),
            nodeThere.settle(uaid, 1, new Basis.Seen(""), null),
            nodeThere.compare(uaid, new Basis.Claim(1, 1)),
            nodeThere.register(uaid, new Basis.Claim(1, 1), channel, 9),
            nodeThere.unregister(uaid, new Basis.Claim(1, 1), channel),
            nodeThere.drop(uaid, new Basis.Claim(1, 1)),
            nodeThere.release(uaid, 1))) {
      assertThatThrownBy(() -> get(stage)).hasCauseInstanceOf(StoreException.class);
    }
    nodeThere.close();
    assertThatThrownBy(() -> there.join(WEEK, hintsThere)).isInstanceOf(StoreException.class);
  }
}
