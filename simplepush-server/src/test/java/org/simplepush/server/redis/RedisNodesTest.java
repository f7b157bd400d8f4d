package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.simplepush.server.redis.HeardWords.displacedWord;
import static org.simplepush.server.redis.HeardWords.published;

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
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore.Advance;
import org.simplepush.core.VersionStore.Registration;
import org.simplepush.core.VersionStore.Resumption;
import org.simplepush.server.SharedVersionStore.Basis;
import org.simplepush.server.SharedVersionStore.Comparison;
import org.simplepush.server.SharedVersionStore.Node;

/** Two nodes on one Redis: who is told what. */
class RedisNodesTest {
  static final Duration WEEK = Duration.ofDays(7);

  private static RedisProcess redis;

  private final Uaid uaid = Uaid.random();
  private final ChannelId channel = ChannelId.random();
  private final HeardWords heardHere = new HeardWords();
  private final HeardWords heardThere = new HeardWords();
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

  @BeforeEach
  void join() throws Exception {
    here = RedisVersionStore.open(uri());
    there = RedisVersionStore.open(uri());
    nodeHere = here.join(WEEK, heardHere);
    nodeThere = there.join(WEEK, heardThere);
    get(here.hello(uaid, List.of()));
    assertThat(get(here.register(uaid, channel, 9))).isEqualTo(Registration.REGISTERED);
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
    assertThat(comparison).isNotEqualTo(new Comparison.Unknown());
    return comparison instanceof Comparison.Claimed;
  }

  /** Whatever was said before has arrived when this was heard. */
  private void assertNothingElseHeard(HeardWords heard, Node node, RedisVersionStore store)
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

    assertThat(heardThere.next()).isEqualTo(published(uaid, channel.text(), 7));
    assertThat(heardThere.next()).isEqualTo(published(uaid, channel.text(), 8));
    assertNothingElseHeard(heardHere, nodeHere, here);
  }

  @Test
  void wordsSpellTheChannelAsTheDeviceDoes() throws Exception {
    ChannelId shouted = ChannelId.parse(channel.text().toUpperCase(Locale.ROOT));
    get(here.register(uaid, shouted, 9));
    claim(nodeThere, uaid, 1);

    get(here.advance(uaid, channel, Long.MAX_VALUE));

    assertThat(heardThere.next()).isEqualTo(published(uaid, shouted.text(), Long.MAX_VALUE));
  }

  @Test
  void whatIsStaleOrOfSomebodyUnknownIsNotTold() throws Exception {
    claim(nodeThere, uaid, 1);
    get(here.advance(uaid, channel, 7));
    assertThat(heardThere.next()).isEqualTo(published(uaid, channel.text(), 7));

    get(here.advance(uaid, channel, 7));
    get(here.advance(uaid, channel, 6));
    get(here.advance(Uaid.random(), channel, 9));

    assertNothingElseHeard(heardThere, nodeThere, there);
  }

  @Test
  void newestClaimWinsAndTheOtherNodeIsTold() throws Exception {
    Basis.Claim older = claim(nodeHere, uaid, 11);
    Basis.Claim newer = claim(nodeThere, uaid, 22);

    assertThat(heardHere.next()).isEqualTo(displacedWord(uaid, 11));
    assertThat(isClaimed(nodeHere, uaid, older)).isFalse();
    assertThat(isClaimed(nodeThere, uaid, newer)).isTrue();
    get(here.advance(uaid, channel, 7));
    assertThat(heardThere.next()).isEqualTo(published(uaid, channel.text(), 7));
    assertNothingElseHeard(heardHere, nodeHere, here);
  }

  @Test
  void claimOnTheSameNodeTellsNobody() throws Exception {
    Basis.Claim older = claim(nodeHere, uaid, 11);
    Basis.Claim newer = claim(nodeHere, uaid, 12);

    assertThat(isClaimed(nodeHere, uaid, older)).isFalse();
    assertThat(isClaimed(nodeHere, uaid, newer)).isTrue();
    assertNothingElseHeard(heardHere, nodeHere, here);
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
    assertThat(heardThere.next()).isEqualTo(published(uaid, channel.text(), 7));
  }

  @Test
  void releasedDeviceIsToldNothing() throws Exception {
    claim(nodeThere, uaid, 1);
    get(nodeThere.release(uaid, 1));

    get(here.advance(uaid, channel, 7));

    assertNothingElseHeard(heardThere, nodeThere, there);
  }

  @Test
  void comparisonRestoresWhatRedisHasForgotten() throws Exception {
    Basis.Claim older = claim(nodeHere, uaid, 11);
    Basis.Claim newer = claim(nodeThere, uaid, 22);
    redis.ask("HDEL", key(uaid), "r");

    assertThat(isClaimed(nodeThere, uaid, newer)).isTrue();

    get(here.advance(uaid, channel, 7));
    assertThat(heardThere.next()).isEqualTo(published(uaid, channel.text(), 7));
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
      assertThat(heardThere.next()).isEqualTo(published(device, channel.text(), round));
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
    assertThat(get(there.pending(device))).isEmpty();
    assertThat(get(here.hello(device, null))).isEqualTo(new Resumption.Unknown());
    assertThat(get(here.expire(Duration.ZERO))).isZero();

    get(there.hello(device, List.of()));
    get(there.register(device, channel, 1));
    get(here.advance(device, channel, 5));

    assertThat(heardThere.next()).isEqualTo(published(device, channel.text(), 5));
    assertThat(get(here.register(device, ChannelId.random(), 2)))
        .as("a claim is no channel")
        .isEqualTo(Registration.REGISTERED);
  }

  @Test
  void nodeThatHasLeftHearsNothing() throws Exception {
    claim(nodeThere, uaid, 1);
    nodeThere.close();
    nodeThere.close();
    HeardWords heardAnew = new HeardWords();
    Node anew = there.join(WEEK, heardAnew);

    get(here.advance(uaid, channel, 7));

    assertNothingElseHeard(heardAnew, anew, there);
    claim(anew, uaid, 1);
    assertThat(get(here.pending(uaid))).contains(List.of(new Update(channel, 7)));
  }

  @Test
  void listenerThatFailsHearsTheNextWord() throws Exception {
    HeardWords heard = new HeardWords();
    Node node =
        there.join(
            WEEK,
            new org.simplepush.server.SharedVersionStore.Listener() {
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
              public void wordsLost() {}
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
  void expiryIsLeftToRedisOnceANodeHasJoined() throws Exception {
    RedisVersionStore store = RedisVersionStore.open(uri());
    store.join(Duration.ofMillis(500), heardHere);
    Uaid device = Uaid.random();
    get(store.hello(device, List.of()));
    get(store.register(device, channel, 9));

    await()
        .atMost(20, SECONDS)
        .until(() -> get(here.advance(device, channel, 0)) instanceof Advance.Unknown);

    assertThat(get(store.expire(Duration.ofMillis(500)))).isZero();
    assertThat(get(store.hello(device, List.of(channel)))).isEqualTo(new Resumption.Unknown());
    store.close();
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
    assertThatThrownBy(() -> there.join(WEEK, heardThere)).isInstanceOf(StoreException.class);
  }
}
