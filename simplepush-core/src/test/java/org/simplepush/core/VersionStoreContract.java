package org.simplepush.core;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.VersionStore.Advance;
import org.simplepush.core.VersionStore.Advance.Advanced;
import org.simplepush.core.VersionStore.Pending;
import org.simplepush.core.VersionStore.Registration;
import org.simplepush.core.VersionStore.Resumption;
import org.simplepush.core.VersionStore.Resumption.Diverged;
import org.simplepush.core.VersionStore.Resumption.Resumed;
import org.simplepush.core.VersionStore.Unknown;

/**
 * What every {@link VersionStore} promises. Extend it, supply an empty store and a way to move its
 * time, inherit the tests.
 *
 * @since 0.1
 */
@Timeout(60)
public abstract class VersionStoreContract {
  private static final int LIMIT = 100;
  private static final Advance REPEATED = new Advance.Repeated();
  private static final Advance STALE = new Advance.Stale();
  private static final Unknown UNKNOWN = new Unknown();
  private static final Resumption NOTHING_PENDING = new Resumed(List.of());

  private final Uaid uaid = Uaid.random();
  private final ChannelId channel = ChannelId.random();
  private final ChannelId other = ChannelId.random();

  private final ExecutorService threads = Executors.newCachedThreadPool();
  private VersionStore store;

  /**
   * Returns a new, empty store; closed after each test.
   *
   * @throws Exception if there is none to be had
   */
  protected abstract VersionStore newStore() throws Exception;

  /** Lets time pass for the store that {@link #newStore} returned last, by whole seconds. */
  protected abstract void advanceTime(Duration duration);

  /**
   * Opens what the store under test has left behind when it was closed; empty if it does not last.
   */
  protected Optional<VersionStore> leftBehind() throws Exception {
    return Optional.empty();
  }

  /** How many steps each run against the model takes; a slow store may want fewer. */
  protected int modelSteps() {
    return 10_000;
  }

  /** How often each race is run; a slow store may want fewer. */
  protected int rounds() {
    return 2_000;
  }

  /** How many steps each of several threads takes on one channel; a slow store may want fewer. */
  protected int contendingSteps() {
    return 30_000;
  }

  @BeforeEach
  void openStore() throws Exception {
    store = newStore();
  }

  /** The store under test. */
  final VersionStore store() {
    return store;
  }

  /** Goes on with another store, which is closed in place of the first. */
  final void goOnWith(VersionStore another) {
    store = another;
  }

  @AfterEach
  void closeStore() throws InterruptedException {
    threads.shutdownNow();
    store.close();
    assertThat(threads.awaitTermination(20, SECONDS)).as("every thread of the test ends").isTrue();
  }

  // hello

  @Test
  void unknownUserAgentWithoutChannelsIsCreated() throws Exception {
    assertThat(hello(uaid, List.of())).isEqualTo(NOTHING_PENDING);

    assertThat(get(store.pending(uaid))).isEqualTo(new Pending.Known(List.of()));
    assertThat(register(uaid, channel)).isEqualTo(new Registration.Registered());
  }

  @Test
  void unknownUserAgentThatListsChannelsStaysUnknown() throws Exception {
    assertThat(hello(uaid, List.of(channel))).isEqualTo(UNKNOWN);

    assertThat(get(store.pending(uaid))).isEqualTo(UNKNOWN);
  }

  @Test
  void unknownUserAgentWithoutListStaysUnknown() throws Exception {
    assertThat(hello(uaid, null)).isEqualTo(UNKNOWN);

    assertThat(get(store.pending(uaid))).isEqualTo(UNKNOWN);
  }

  @Test
  void knownUserAgentIsResumedWithEverythingPending() throws Exception {
    create(channel, other);
    advance(channel, 7);
    advance(other, 9);

    assertThat(resume(List.of(other, channel)))
        .containsExactlyInAnyOrder(new Update(channel, 7), new Update(other, 9));
  }

  @Test
  void helloLeavesPendingUpdatesPending() throws Exception {
    create(channel);
    advance(channel, 7);
    resume(List.of(channel));

    assertThat(resume(List.of(channel))).containsExactly(new Update(channel, 7));
  }

  @Test
  void helloLeavesVersionsAlone() throws Exception {
    create(channel);
    advance(channel, 7);
    acknowledge(new Update(channel, 7));

    assertThat(resume(List.of(channel))).isEmpty();
    assertThat(advance(channel, 7)).isEqualTo(REPEATED);
  }

  @Test
  void channelsNotListedAreRemoved() throws Exception {
    create(channel, other);
    advance(channel, 7);
    advance(other, 9);

    assertThat(resume(List.of(channel))).containsExactly(new Update(channel, 7));

    assertThat(advance(other, 10)).isEqualTo(UNKNOWN);
    assertThat(pending(uaid)).containsExactly(new Update(channel, 7));
  }

  @Test
  void emptyListRemovesEveryChannel() throws Exception {
    create(channel, other);
    advance(channel, 7);

    assertThat(resume(List.of())).isEmpty();

    assertThat(advance(channel, 8)).isEqualTo(UNKNOWN);
    assertThat(advance(other, 8)).isEqualTo(UNKNOWN);
    assertThat(pending(uaid)).isEmpty();
  }

  @Test
  void channelListedTwiceIsOneChannel() throws Exception {
    create(channel);
    advance(channel, 7);

    assertThat(resume(List.of(channel, channel))).containsExactly(new Update(channel, 7));
  }

  @Test
  void knownUserAgentWithoutListKeepsItsChannels() throws Exception {
    create(channel, other);
    advance(channel, 7);

    assertThat(resume(null)).containsExactly(new Update(channel, 7));

    assertThat(advance(other, 1)).isEqualTo(advanced(other, 1));
  }

  @Test
  void userAgentThatListsAnUnknownChannelIsDroppedInTheSameStep() throws Exception {
    create(channel);
    advance(channel, 7);

    assertThat(hello(uaid, List.of(channel, other))).isEqualTo(new Diverged());

    assertThat(get(store.pending(uaid))).isEqualTo(UNKNOWN);
    assertThat(advance(channel, 8)).isEqualTo(UNKNOWN);
    assertThat(hello(uaid, null)).isEqualTo(UNKNOWN);
  }

  @Test
  void channelOfAnotherUserAgentIsUnknownToThisOne() throws Exception {
    Uaid neighbour = Uaid.random();
    create(channel);
    hello(neighbour, List.of());

    assertThat(hello(neighbour, List.of(channel))).isEqualTo(new Diverged());

    assertThat(advance(channel, 1)).isEqualTo(advanced(channel, 1));
  }

  @Test
  void droppedUserAgentStartsAfreshUnderItsOldName() throws Exception {
    create(channel);
    advance(channel, 7);
    hello(uaid, List.of(other));

    create(channel);

    assertThat(pending(uaid)).isEmpty();
    assertThat(advance(channel, 1)).isEqualTo(advanced(channel, 1));
  }

  @Test
  void helloAdoptsTheSpellingOfTheList() throws Exception {
    create(channel);
    advance(channel, 7);
    ChannelId shouted = respelled(channel, 1);

    assertThat(texts(resume(List.of(shouted)))).containsExactly(shouted.text());
    assertThat(texts(pending(uaid))).containsExactly(shouted.text());
    assertThat(textOf(advance(channel, 8))).isEqualTo(shouted.text());
  }

  @Test
  void helloWithoutListKeepsTheSpelling() throws Exception {
    ChannelId compact = respelled(channel, 2);
    create(compact);
    advance(channel, 7);

    assertThat(texts(resume(null))).containsExactly(compact.text());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void userAgentIsKnownHoweverItIsSpelled(int spelling) throws Exception {
    create(channel);
    advance(channel, 7);
    Uaid respelled = Uaid.parse(spelled(uaid.value(), spelling));

    assertThat(hello(respelled, List.of(channel)))
        .isEqualTo(new Resumed(List.of(new Update(channel, 7))));
  }

  // register

  @Test
  void registeredChannelHasNoVersionAndNothingPending() throws Exception {
    create(channel);

    assertThat(pending(uaid)).isEmpty();
    assertThat(advance(channel, 0)).isEqualTo(advanced(channel, 0));
  }

  @Test
  void registeringAgainChangesNeitherVersionNorPending() throws Exception {
    create(channel, other);
    advance(channel, 7);
    advance(other, 9);
    acknowledge(new Update(other, 9));

    assertThat(register(uaid, channel)).isEqualTo(new Registration.Registered());
    assertThat(register(uaid, other)).isEqualTo(new Registration.Registered());

    assertThat(pending(uaid)).containsExactly(new Update(channel, 7));
    assertThat(advance(channel, 7)).isEqualTo(REPEATED);
    assertThat(advance(other, 9)).isEqualTo(REPEATED);
  }

  @Test
  void registeringAgainAdoptsTheSpelling() throws Exception {
    create(channel);
    advance(channel, 7);
    ChannelId mixed = respelled(channel, 3);

    register(uaid, mixed);

    assertThat(texts(pending(uaid))).containsExactly(mixed.text());
    assertThat(textOf(advance(channel, 8))).isEqualTo(mixed.text());
  }

  @Test
  void channelBeyondTheLimitIsRefused() throws Exception {
    create();
    ChannelId third = ChannelId.random();

    assertThat(get(store.register(uaid, channel, 2))).isEqualTo(new Registration.Registered());
    assertThat(get(store.register(uaid, other, 2))).isEqualTo(new Registration.Registered());
    assertThat(get(store.register(uaid, third, 2))).isEqualTo(new Registration.LimitReached());

    assertThat(advance(third, 1)).isEqualTo(UNKNOWN);
    assertThat(resume(List.of(channel, other))).isEmpty();
  }

  @Test
  void existingChannelIsRegisteredAgainAtTheLimit() throws Exception {
    create(channel);

    assertThat(get(store.register(uaid, respelled(channel, 1), 1)))
        .isEqualTo(new Registration.Registered());
  }

  @Test
  void unregisteredChannelMakesRoomForAnother() throws Exception {
    create(channel);
    get(store.unregister(uaid, channel));

    assertThat(get(store.register(uaid, other, 1))).isEqualTo(new Registration.Registered());
  }

  @Test
  void limitIsPerUserAgent() throws Exception {
    Uaid neighbour = Uaid.random();
    create(channel);
    hello(neighbour, List.of());

    assertThat(get(store.register(neighbour, other, 1))).isEqualTo(new Registration.Registered());
  }

  @Test
  void unknownUserAgentCannotRegister() throws Exception {
    assertThat(register(uaid, channel)).isEqualTo(UNKNOWN);

    assertThat(advance(channel, 1)).isEqualTo(UNKNOWN);
    assertThat(get(store.pending(uaid))).isEqualTo(UNKNOWN);
  }

  @Test
  void sameChannelIdUnderTwoUserAgentsIsTwoChannels() throws Exception {
    Uaid neighbour = Uaid.random();
    create(channel);
    hello(neighbour, List.of());
    register(neighbour, respelled(channel, 1));
    advance(channel, 7);

    assertThat(pending(neighbour)).isEmpty();
    assertThat(get(store.advance(neighbour, channel, 3))).isEqualTo(advanced(channel, 3));
    get(store.acknowledge(neighbour, List.of(new Update(channel, 9))));
    assertThat(pending(uaid)).containsExactly(new Update(channel, 7));
    assertThat(texts(pending(uaid))).containsExactly(channel.text());

    get(store.unregister(neighbour, channel));
    assertThat(pending(uaid)).containsExactly(new Update(channel, 7));

    get(store.drop(neighbour));
    assertThat(pending(uaid)).containsExactly(new Update(channel, 7));
  }

  // unregister and drop

  @Test
  void unregisteredChannelIsGoneWithWhatWasPending() throws Exception {
    create(channel, other);
    advance(channel, 7);
    advance(other, 9);

    assertThat(get(store.unregister(uaid, respelled(channel, 1)))).isNull();

    assertThat(pending(uaid)).containsExactly(new Update(other, 9));
    assertThat(advance(channel, 8)).isEqualTo(UNKNOWN);
    assertThat(hello(uaid, List.of(channel, other))).isEqualTo(new Diverged());
  }

  @Test
  void channelRegisteredAnewStartsWithoutVersion() throws Exception {
    create(channel);
    advance(channel, 7);
    get(store.unregister(uaid, channel));
    register(uaid, channel);

    assertThat(pending(uaid)).isEmpty();
    assertThat(advance(channel, 1)).isEqualTo(advanced(channel, 1));
  }

  @Test
  void unregisteringWhatIsUnknownChangesNothing() throws Exception {
    assertThat(get(store.unregister(uaid, channel))).isNull();
    assertThat(get(store.pending(uaid))).isEqualTo(UNKNOWN);

    create(channel);
    advance(channel, 7);
    assertThat(get(store.unregister(uaid, other))).isNull();
    assertThat(pending(uaid)).containsExactly(new Update(channel, 7));
  }

  @Test
  void droppedUserAgentIsGoneWithItsChannels() throws Exception {
    create(channel, other);
    advance(channel, 7);

    assertThat(get(store.drop(uaid))).isNull();

    assertThat(get(store.pending(uaid))).isEqualTo(UNKNOWN);
    assertThat(advance(channel, 8)).isEqualTo(UNKNOWN);
    assertThat(register(uaid, channel)).isEqualTo(UNKNOWN);
    assertThat(hello(uaid, List.of(channel, other))).isEqualTo(UNKNOWN);
  }

  @Test
  void droppingAnUnknownUserAgentChangesNothing() throws Exception {
    create(channel);
    advance(channel, 7);

    assertThat(get(store.drop(Uaid.random()))).isNull();

    assertThat(pending(uaid)).containsExactly(new Update(channel, 7));
  }

  // advance

  @Test
  void onlyWhatWasPendingCollapses() throws Exception {
    create(channel);

    assertThat(advance(channel, 1)).isEqualTo(advanced(channel, 1));
    assertThat(advance(channel, 2)).isEqualTo(collapsed(channel, 2));
    acknowledge(new Update(channel, 1));
    assertThat(advance(channel, 3)).isEqualTo(collapsed(channel, 3));
    acknowledge(new Update(channel, 3));
    assertThat(advance(channel, 4)).isEqualTo(advanced(channel, 4));
    assertThat(get(store.advanceToNext(uaid, channel, 0))).isEqualTo(collapsed(channel, 5));
  }

  @Test
  void higherVersionReplacesThePendingOne() throws Exception {
    create(channel);

    assertThat(advance(channel, 254)).isEqualTo(advanced(channel, 254));
    assertThat(advance(channel, 255)).isEqualTo(collapsed(channel, 255));

    assertThat(pending(uaid)).containsExactly(new Update(channel, 255));
  }

  @Test
  void versionNotHigherChangesNothing() throws Exception {
    create(channel);
    advance(channel, 7);

    assertThat(advance(channel, 7)).isEqualTo(REPEATED);
    assertThat(advance(channel, 6)).isEqualTo(STALE);
    assertThat(advance(channel, 0)).isEqualTo(STALE);

    assertThat(pending(uaid)).containsExactly(new Update(channel, 7));
  }

  @Test
  void staleVersionDoesNotMakeAnAcknowledgedChannelPending() throws Exception {
    create(channel);
    advance(channel, 7);
    acknowledge(new Update(channel, 7));

    assertThat(advance(channel, 7)).isEqualTo(REPEATED);
    assertThat(advance(channel, 6)).isEqualTo(STALE);

    assertThat(pending(uaid)).isEmpty();
  }

  @Test
  void versionZeroIsAVersionLikeAnyOther() throws Exception {
    create(channel);

    assertThat(advance(channel, 0)).isEqualTo(advanced(channel, 0));
    assertThat(pending(uaid)).containsExactly(new Update(channel, 0));
    assertThat(advance(channel, 0)).isEqualTo(REPEATED);
    acknowledge(new Update(channel, 0));
    assertThat(pending(uaid)).isEmpty();
  }

  @Test
  void highestVersionIsKeptExactly() throws Exception {
    create(channel);

    assertThat(advance(channel, Long.MAX_VALUE - 1))
        .isEqualTo(advanced(channel, Long.MAX_VALUE - 1));
    assertThat(advance(channel, Long.MAX_VALUE)).isEqualTo(collapsed(channel, Long.MAX_VALUE));
    assertThat(advance(channel, Long.MAX_VALUE)).isEqualTo(REPEATED);
    assertThat(advance(channel, Long.MAX_VALUE - 1)).isEqualTo(STALE);
    acknowledge(new Update(channel, Long.MAX_VALUE - 1));
    assertThat(pending(uaid)).containsExactly(new Update(channel, Long.MAX_VALUE));
    acknowledge(new Update(channel, Long.MAX_VALUE));
    assertThat(pending(uaid)).isEmpty();
  }

  @Test
  void unknownChannelAndUnknownUserAgentCannotAdvance() throws Exception {
    assertThat(advance(channel, 1)).isEqualTo(UNKNOWN);
    assertThat(get(store.advanceToNext(uaid, channel, 1))).isEqualTo(UNKNOWN);

    create(channel);
    assertThat(advance(other, 1)).isEqualTo(UNKNOWN);
    assertThat(get(store.advanceToNext(uaid, other, 1))).isEqualTo(UNKNOWN);
    assertThat(pending(uaid)).isEmpty();
  }

  @Test
  void negativeVersionIsRefusedByTheCallItself() throws Exception {
    create(channel);

    assertThatThrownBy(() -> store.advance(uaid, channel, -1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> store.advanceToNext(uaid, channel, Long.MIN_VALUE))
        .isInstanceOf(IllegalArgumentException.class);

    assertThat(pending(uaid)).isEmpty();
  }

  // advanceToNext

  @Test
  void nextVersionOfANewChannelIsTheLeastOneAllowed() throws Exception {
    create(channel, other);

    assertThat(get(store.advanceToNext(uaid, channel, 0))).isEqualTo(advanced(channel, 0));
    assertThat(get(store.advanceToNext(uaid, other, 1_000))).isEqualTo(advanced(other, 1_000));
    assertThat(pending(uaid))
        .containsExactlyInAnyOrder(new Update(channel, 0), new Update(other, 1_000));
  }

  @Test
  void nextVersionIsTheHigherOfTheTwo() throws Exception {
    create(channel);
    advance(channel, 7);

    assertThat(get(store.advanceToNext(uaid, channel, 3))).isEqualTo(collapsed(channel, 8));
    assertThat(get(store.advanceToNext(uaid, channel, 8))).isEqualTo(collapsed(channel, 9));
    assertThat(get(store.advanceToNext(uaid, channel, 10))).isEqualTo(collapsed(channel, 10));
    assertThat(get(store.advanceToNext(uaid, channel, 50))).isEqualTo(collapsed(channel, 50));
    assertThat(pending(uaid)).containsExactly(new Update(channel, 50));
  }

  @Test
  void nextVersionMakesAnAcknowledgedChannelPending() throws Exception {
    create(channel);
    advance(channel, 7);
    acknowledge(new Update(channel, 7));

    get(store.advanceToNext(uaid, channel, 0));

    assertThat(pending(uaid)).containsExactly(new Update(channel, 8));
  }

  @Test
  void afterTheHighestVersionThereIsNoNext() throws Exception {
    create(channel);
    advance(channel, Long.MAX_VALUE - 1);

    assertThat(get(store.advanceToNext(uaid, channel, 0)))
        .isEqualTo(collapsed(channel, Long.MAX_VALUE));
    assertThat(get(store.advanceToNext(uaid, channel, 0))).isEqualTo(STALE);
    assertThat(get(store.advanceToNext(uaid, channel, Long.MAX_VALUE))).isEqualTo(STALE);
    assertThat(pending(uaid)).containsExactly(new Update(channel, Long.MAX_VALUE));

    acknowledge(new Update(channel, Long.MAX_VALUE));
    assertThat(get(store.advanceToNext(uaid, channel, 0))).isEqualTo(STALE);
    assertThat(pending(uaid)).isEmpty();
  }

  // acknowledge

  @Test
  void acknowledgedVersionIsNoLongerPending() throws Exception {
    create(channel);
    advance(channel, 7);

    acknowledge(new Update(channel, 7));

    assertThat(pending(uaid)).isEmpty();
    assertThat(resume(List.of(channel))).isEmpty();
  }

  @Test
  void lateAcknowledgementOfSevenLeavesEightPending() throws Exception {
    create(channel);
    advance(channel, 7);
    advance(channel, 8);

    acknowledge(new Update(channel, 7));

    assertThat(pending(uaid)).containsExactly(new Update(channel, 8));
  }

  @Test
  void acknowledgementTellsWhatItClearedWithTheVersionThatWasPending() throws Exception {
    create(channel, other);
    advance(channel, 7);
    advance(other, 3);

    List<Update> cleared =
        get(store.acknowledge(uaid, List.of(new Update(channel, 7), new Update(other, 9))));

    assertThat(cleared).containsExactlyInAnyOrder(new Update(channel, 7), new Update(other, 3));
  }

  @Test
  void acknowledgementTellsNothingOfWhatItDidNotClear() throws Exception {
    create(channel, other);
    advance(channel, 8);

    List<Update> late = List.of(new Update(channel, 7));
    assertThat(get(store.acknowledge(uaid, late))).isEmpty();
    List<Update> neverPending = List.of(new Update(other, 7), new Update(ChannelId.random(), 7));
    assertThat(get(store.acknowledge(uaid, neverPending))).isEmpty();
    assertThat(get(store.acknowledge(uaid, List.of()))).isEmpty();
    List<Update> current = List.of(new Update(channel, 8));
    assertThat(get(store.acknowledge(Uaid.random(), current))).isEmpty();

    assertThat(pending(uaid)).containsExactly(new Update(channel, 8));
  }

  @Test
  void repeatedAcknowledgementTellsNothing() throws Exception {
    create(channel);
    advance(channel, 7);
    List<Update> seven = List.of(new Update(channel, 7));

    assertThat(get(store.acknowledge(uaid, seven))).containsExactly(new Update(channel, 7));
    assertThat(get(store.acknowledge(uaid, seven))).isEmpty();

    advance(channel, 8);
    List<Update> eightTwice = List.of(new Update(channel, 8), new Update(channel, 8));
    assertThat(get(store.acknowledge(uaid, eightTwice))).containsExactly(new Update(channel, 8));
  }

  @Test
  void acknowledgementTellsAChannelAsItsUserAgentSpelledIt() throws Exception {
    create(channel);
    advance(channel, 7);

    List<Update> cleared =
        get(store.acknowledge(uaid, List.of(new Update(respelled(channel, 1), 7))));

    assertThat(texts(cleared)).containsExactly(channel.text());
  }

  @Test
  void oneOfManyThatAcknowledgeAtTheSameTimeIsTold() throws Exception {
    create(channel);
    advance(channel, 7);
    List<Update> seven = List.of(new Update(channel, 7));

    List<List<Update>> cleared =
        atOnce(Collections.nCopies(4, () -> get(store.acknowledge(uaid, seven))));

    assertThat(cleared.stream().flatMap(List::stream)).containsExactly(new Update(channel, 7));
  }

  @Test
  void acknowledgementOfAHigherVersionClears() throws Exception {
    create(channel);
    advance(channel, 7);

    acknowledge(new Update(channel, 9));

    assertThat(pending(uaid)).isEmpty();
  }

  @Test
  void acknowledgementOfAHigherVersionDoesNotRaiseTheChannel() throws Exception {
    create(channel);
    advance(channel, 7);
    acknowledge(new Update(channel, 9));

    assertThat(advance(channel, 8)).isEqualTo(advanced(channel, 8));

    assertThat(pending(uaid)).containsExactly(new Update(channel, 8));
  }

  @Test
  void acknowledgingTwiceIsLikeOnce() throws Exception {
    create(channel);
    advance(channel, 7);
    acknowledge(new Update(channel, 7));
    acknowledge(new Update(channel, 7));

    assertThat(pending(uaid)).isEmpty();
    assertThat(advance(channel, 8)).isEqualTo(advanced(channel, 8));
    assertThat(pending(uaid)).containsExactly(new Update(channel, 8));
  }

  @Test
  void acknowledgementTouchesNoOtherChannel() throws Exception {
    create(channel, other);
    advance(channel, 7);
    advance(other, 7);

    acknowledge(new Update(channel, 7));

    assertThat(pending(uaid)).containsExactly(new Update(other, 7));
  }

  @Test
  void unknownChannelsInAnAcknowledgementArePassedOver() throws Exception {
    create(channel, other);
    advance(channel, 7);
    advance(other, 9);

    acknowledge(new Update(channel, 7), new Update(ChannelId.random(), 7), new Update(other, 9));

    assertThat(pending(uaid)).isEmpty();
    get(store.acknowledge(Uaid.random(), List.of(new Update(channel, 7))));
  }

  @Test
  void acknowledgementThatNamesAChannelTwiceCountsItsHighestVersion() throws Exception {
    create(channel, other);
    advance(channel, 7);
    advance(other, 7);

    acknowledge(
        new Update(channel, 7), new Update(channel, 5), new Update(other, 5), new Update(other, 7));

    assertThat(pending(uaid)).isEmpty();
  }

  @Test
  void emptyAcknowledgementChangesNothing() throws Exception {
    create(channel);
    advance(channel, 7);

    acknowledge();

    assertThat(pending(uaid)).containsExactly(new Update(channel, 7));
  }

  @Test
  void acknowledgementMayNotChangeTheSpelling() throws Exception {
    create(channel);
    advance(channel, 7);
    acknowledge(new Update(respelled(channel, 1), 7));
    assertThat(pending(uaid)).isEmpty();

    advance(respelled(channel, 2), 8);

    assertThat(texts(pending(uaid))).containsExactly(channel.text());
  }

  @Test
  void acknowledgementOfAChannelWithoutVersionChangesNothing() throws Exception {
    create(channel);

    acknowledge(new Update(channel, 7));

    assertThat(pending(uaid)).isEmpty();
    assertThat(advance(channel, 0)).isEqualTo(advanced(channel, 0));
  }

  // pending

  @Test
  void pendingIsUnknownForAnUnknownUserAgentAndAnEmptyListForAKnownOne() throws Exception {
    assertThat(get(store.pending(uaid))).isEqualTo(UNKNOWN);

    create(channel);

    assertThat(get(store.pending(uaid))).isEqualTo(new Pending.Known(List.of()));
  }

  @Test
  void readingWhatIsPendingLeavesItPending() throws Exception {
    create(channel);
    advance(channel, 7);
    pending(uaid);

    assertThat(pending(uaid)).containsExactly(new Update(channel, 7));
  }

  @Test
  void manyChannelsArePendingAtOnce() throws Exception {
    create();
    List<ChannelId> channels = Stream.generate(ChannelId::random).limit(LIMIT).toList();
    List<Update> expected = new ArrayList<>();
    for (int i = 0; i < LIMIT; i++) {
      register(uaid, channels.get(i));
      advance(channels.get(i), i);
      expected.add(new Update(channels.get(i), i));
    }

    assertThat(resume(channels)).containsExactlyInAnyOrderElementsOf(expected);

    get(store.acknowledge(uaid, expected.subList(0, LIMIT / 2)));
    assertThat(pending(uaid))
        .containsExactlyInAnyOrderElementsOf(expected.subList(LIMIT / 2, LIMIT));
  }

  @Test
  void returnedListsAreSnapshotsThatNobodyCanChange() throws Exception {
    create(channel, other);
    advance(channel, 7);
    List<Update> pending = pending(uaid);
    List<Update> resumed = resume(null);

    assertThatThrownBy(() -> pending.clear()).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> resumed.clear()).isInstanceOf(UnsupportedOperationException.class);

    advance(channel, 8);
    advance(other, 9);
    assertThat(pending).containsExactly(new Update(channel, 7));
    assertThat(resumed).containsExactly(new Update(channel, 7));
  }

  // expire

  @Test
  void userAgentNotSeenForThatLongIsDropped() throws Exception {
    create(channel);
    advance(channel, 7);
    advanceTime(Duration.ofDays(7));

    assertThat(get(store.expire(Duration.ofDays(7)))).isEqualTo(1);

    assertThat(get(store.pending(uaid))).isEqualTo(UNKNOWN);
    assertThat(advance(channel, 8)).isEqualTo(UNKNOWN);
    assertThat(hello(uaid, List.of(channel))).isEqualTo(UNKNOWN);
  }

  @Test
  void userAgentSeenMoreRecentlyIsKept() throws Exception {
    create(channel);
    advance(channel, 7);
    assertThat(get(store.expire(Duration.ofDays(7)))).isZero();
    advanceTime(Duration.ofDays(7).minusSeconds(1));

    assertThat(get(store.expire(Duration.ofDays(7)))).isZero();

    assertThat(pending(uaid)).containsExactly(new Update(channel, 7));
  }

  @Test
  void onlyTheUserAgentsNotSeenAreDroppedAndCounted() throws Exception {
    List<Uaid> old = Stream.generate(Uaid::random).limit(3).toList();
    List<Uaid> recent = Stream.generate(Uaid::random).limit(2).toList();
    for (Uaid each : old) {
      hello(each, List.of());
    }
    advanceTime(Duration.ofHours(1));
    for (Uaid each : recent) {
      hello(each, List.of());
    }
    advanceTime(Duration.ofHours(1));

    assertThat(get(store.expire(Duration.ofHours(2)))).isEqualTo(3);

    for (Uaid each : old) {
      assertThat(get(store.pending(each))).isEqualTo(UNKNOWN);
    }
    for (Uaid each : recent) {
      assertThat(get(store.pending(each))).isInstanceOf(Pending.Known.class);
    }
    assertThat(get(store.expire(Duration.ofHours(2)))).isZero();
  }

  @Test
  void helloRegisterUnregisterAcknowledgeAndPendingCountAsSeen() throws Exception {
    List<Callable<CompletionStage<?>>> sightings =
        List.of(
            () -> store.hello(uaid, List.of(channel)),
            () -> store.hello(uaid, null),
            () -> store.register(uaid, channel, LIMIT),
            () -> store.register(uaid, other, 1),
            () -> store.unregister(uaid, other),
            () -> store.acknowledge(uaid, List.of(new Update(other, 1))),
            () -> store.acknowledge(uaid, List.of()),
            () -> store.pending(uaid));
    create(channel);
    for (Callable<CompletionStage<?>> sighting : sightings) {
      advanceTime(Duration.ofMinutes(59));
      get(sighting.call());
      advanceTime(Duration.ofMinutes(59));
      assertThat(get(store.expire(Duration.ofMinutes(60)))).as("%s", sighting).isZero();
    }
  }

  @Test
  void whatApplicationServersPublishDoesNotCountAsSeen() throws Exception {
    create(channel);
    advanceTime(Duration.ofMinutes(59));
    advance(channel, 7);
    get(store.advanceToNext(uaid, channel, 0));
    advance(channel, 1);
    advanceTime(Duration.ofMinutes(1));

    assertThat(get(store.expire(Duration.ofMinutes(60)))).isEqualTo(1);
  }

  @Test
  void expiryOfAnEmptyStoreDropsNobody() throws Exception {
    assertThat(get(store.expire(Duration.ZERO))).isZero();
  }

  @Test
  void expiryAfterZeroDropsEverybody() throws Exception {
    create(channel);

    assertThat(get(store.expire(Duration.ZERO))).isEqualTo(1);

    assertThat(get(store.pending(uaid))).isEqualTo(UNKNOWN);
  }

  @Test
  void expiryAfterTheLongestDurationDropsNobody() throws Exception {
    create(channel);
    advanceTime(Duration.ofDays(1_000));

    assertThat(get(store.expire(Duration.ofSeconds(Long.MAX_VALUE)))).isZero();
  }

  @Test
  void negativeExpiryIsRefusedByTheCallItself() throws Exception {
    create(channel);

    assertThatThrownBy(() -> store.expire(Duration.ofNanos(-1)))
        .isInstanceOf(IllegalArgumentException.class);

    assertThat(get(store.pending(uaid))).isInstanceOf(Pending.Known.class);
  }

  // expireEmpty

  @Test
  void userAgentWithoutChannelIsDroppedSooner() throws Exception {
    Uaid empty = Uaid.random();
    create(channel);
    advance(channel, 7);
    hello(empty, List.of());
    advanceTime(Duration.ofMinutes(59));
    assertThat(get(store.expireEmpty(Duration.ofHours(1)))).isZero();
    advanceTime(Duration.ofMinutes(1));

    assertThat(get(store.expireEmpty(Duration.ofHours(1)))).isEqualTo(1);

    assertThat(hello(empty, null)).isEqualTo(UNKNOWN);
    assertThat(pending(uaid)).containsExactly(new Update(channel, 7));
    assertThat(get(store.expireEmpty(Duration.ofHours(1)))).isZero();
  }

  @Test
  void userAgentThatGaveUpItsLastChannelIsDroppedAnHourLater() throws Exception {
    create(channel, other);
    advanceTime(Duration.ofHours(2));
    get(store.unregister(uaid, channel));
    advanceTime(Duration.ofHours(2));
    assertThat(get(store.expireEmpty(Duration.ofHours(1)))).as("it has another").isZero();
    get(store.unregister(uaid, other));
    advanceTime(Duration.ofMinutes(59));
    assertThat(get(store.expireEmpty(Duration.ofHours(1)))).isZero();
    advanceTime(Duration.ofMinutes(1));

    assertThat(get(store.expireEmpty(Duration.ofHours(1)))).isEqualTo(1);

    assertThat(hello(uaid, null)).isEqualTo(UNKNOWN);
  }

  @Test
  void userAgentWhoseHelloListsNoChannelAnyMoreIsDroppedAnHourLater() throws Exception {
    create(channel);
    advanceTime(Duration.ofHours(2));
    assertThat(get(store.expireEmpty(Duration.ofHours(1)))).isZero();
    hello(uaid, List.of());
    advanceTime(Duration.ofMinutes(60));

    assertThat(get(store.expireEmpty(Duration.ofHours(1)))).isEqualTo(1);
  }

  @Test
  void userAgentThatRegistersLateLosesNothing() throws Exception {
    hello(uaid, List.of());
    advanceTime(Duration.ofMinutes(59));
    assertThat(register(uaid, channel)).isEqualTo(new Registration.Registered());
    advance(channel, 7);
    advanceTime(Duration.ofHours(3));

    assertThat(get(store.expireEmpty(Duration.ofHours(1)))).isZero();

    assertThat(pending(uaid)).containsExactly(new Update(channel, 7));
  }

  @Test
  void whoeverIsConnectedWithoutAChannelIsSeenAndKept() throws Exception {
    hello(uaid, List.of());
    for (int i = 0; i < 4; i++) {
      advanceTime(Duration.ofMinutes(35));
      assertThat(get(store.pending(uaid))).isInstanceOf(Pending.Known.class);
      assertThat(get(store.expireEmpty(Duration.ofHours(1)))).isZero();
    }
  }

  /** More than a store may want to look at in one go. */
  @Test
  void amongManyOnlyThoseWithoutChannelAreDropped() throws Exception {
    int many = 3_000;
    List<Uaid> all = Stream.generate(Uaid::random).limit(many).toList();
    List<CompletionStage<?>> steps = new ArrayList<>();
    for (int i = 0; i < many; i++) {
      steps.add(store.hello(all.get(i), List.of()));
      if (i % 3 == 0) {
        steps.add(store.register(all.get(i), channel, LIMIT));
      }
    }
    for (CompletionStage<?> step : steps) {
      get(step);
    }
    advanceTime(Duration.ofHours(1));

    assertThat(get(store.expireEmpty(Duration.ofHours(1)))).isEqualTo(many / 3 * 2);

    assertThat(get(store.pending(all.get(0)))).isInstanceOf(Pending.Known.class);
    assertThat(get(store.pending(all.get(1)))).isEqualTo(UNKNOWN);
    assertThat(get(store.expire(Duration.ZERO))).isEqualTo(many / 3);
  }

  @Test
  void negativeExpiryOfTheEmptyIsRefusedByTheCallItself() {
    assertThatThrownBy(() -> store.expireEmpty(Duration.ofNanos(-1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  // size

  /** Only of a store that counts. */
  @Test
  void sizeFollowsEveryStep() throws Exception {
    assertSize(0, 0);
    create(channel, other);
    assertSize(1, 2);
    register(uaid, other);
    get(store.register(uaid, ChannelId.random(), 2));
    assertSize(1, 2);
    get(store.unregister(uaid, channel));
    get(store.unregister(uaid, channel));
    assertSize(1, 1);
    register(uaid, channel);
    hello(uaid, List.of(other));
    assertSize(1, 1);
    hello(Uaid.random(), List.of());
    assertSize(2, 1);
    hello(uaid, List.of(ChannelId.random()));
    assertSize(1, 0);
    create(channel);
    get(store.drop(uaid));
    assertSize(1, 0);
    create(channel);
    get(store.expire(Duration.ZERO));
    assertSize(0, 0);
  }

  private void assertSize(long userAgents, long channels) {
    store
        .size()
        .ifPresent(size -> assertThat(size).isEqualTo(new VersionStore.Size(userAgents, channels)));
  }

  // check

  @Test
  void checkOfAStoreThatWorksChangesNothing() throws Exception {
    assertThat(get(store.check())).isNull();
    assertThat(get(store.expire(Duration.ZERO))).as("no user agent came into being").isZero();

    create(channel);
    advance(channel, 7);
    advanceTime(Duration.ofMinutes(60));
    assertThat(get(store.check())).isNull();

    assertThat(get(store.expire(Duration.ofMinutes(61)))).isZero();
    assertThat(get(store.expire(Duration.ofMinutes(60)))).as("nobody counts as seen").isEqualTo(1);
  }

  // close

  @Test
  void afterCloseEveryStageFails() throws Exception {
    create(channel);
    store.close();

    List<CompletionStage<?>> stages =
        List.of(
            store.hello(uaid, null),
            store.hello(uaid, List.of()),
            store.hello(Uaid.random(), List.of()),
            store.hello(uaid, List.of(channel)),
            store.register(uaid, channel, LIMIT),
            store.unregister(uaid, channel),
            store.drop(uaid),
            store.advance(uaid, channel, 1),
            store.advanceToNext(uaid, channel, 1),
            store.acknowledge(uaid, List.of(new Update(channel, 1))),
            store.pending(uaid),
            store.expire(Duration.ofDays(1)),
            store.expireEmpty(Duration.ofHours(1)),
            store.check());

    for (CompletionStage<?> stage : stages) {
      assertThatThrownBy(() -> get(stage))
          .isInstanceOf(ExecutionException.class)
          .hasCauseInstanceOf(StoreException.class);
    }
  }

  @Test
  void closingAgainIsHarmless() {
    store.close();
    store.close();
  }

  /** Half of the stages may fail, but none may stay incomplete, and none may lie. */
  @Test
  void everyStepUnderWayCompletesWhenTheStoreIsClosed() throws Exception {
    create(channel);
    CountDownLatch underWay = new CountDownLatch(1);
    List<Callable<List<CompletionStage<?>>>> callers = new ArrayList<>();
    AtomicLong confirmed = new AtomicLong(-1);
    AtomicLong asked = new AtomicLong(-1);
    for (int thread = 0; thread < 3; thread++) {
      callers.add(
          () -> {
            List<CompletionStage<?>> stages = new ArrayList<>();
            for (int i = 0; i < 300; i++) {
              long version = asked.incrementAndGet();
              stages.add(
                  store
                      .advance(uaid, channel, version)
                      .thenAccept(
                          advance -> {
                            if (advance instanceof Advance.Advanced) {
                              confirmed.accumulateAndGet(version, Math::max);
                            }
                          }));
              stages.add(store.pending(uaid));
              stages.add(store.acknowledge(uaid, List.of()));
              stages.add(store.expire(Duration.ofDays(1)));
              if (i == 100) {
                underWay.countDown();
              }
            }
            return stages;
          });
    }
    callers.add(
        () -> {
          underWay.await();
          store.close();
          return List.of();
        });

    for (List<CompletionStage<?>> stages : atOnce(callers)) {
      for (CompletionStage<?> stage : stages) {
        Throwable failure = get(stage.handle((done, thrown) -> thrown));
        if (failure != null) {
          Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
          assertThat(cause).isInstanceOf(StoreException.class);
        }
      }
    }
    Optional<VersionStore> reopened = leftBehind();
    if (reopened.isPresent()) {
      try (VersionStore again = reopened.get()) {
        List<Update> pending = ((Pending.Known) get(again.pending(uaid))).updates();
        assertThat(pending).hasSize(1);
        assertThat(pending.get(0).version()).isBetween(confirmed.get(), asked.get());
        assertThat(confirmed.get()).as("what was confirmed before it was closed").isNotNegative();
      }
    }
  }

  // order and concurrency

  @Test
  void stepsOfOneThreadTakeEffectInTheOrderAskedFor() throws Exception {
    int userAgents = 20;
    Map<Uaid, List<CompletionStage<?>>> stages = new LinkedHashMap<>();
    for (int i = 0; i < userAgents; i++) {
      stages.put(Uaid.random(), new ArrayList<>());
    }
    stages.forEach((each, steps) -> steps.add(store.hello(each, List.of())));
    stages.forEach((each, steps) -> steps.add(store.register(each, channel, LIMIT)));
    stages.forEach((each, steps) -> steps.add(store.advance(each, channel, 1)));
    stages.forEach((each, steps) -> steps.add(store.pending(each)));
    stages.forEach(
        (each, steps) -> steps.add(store.acknowledge(each, List.of(new Update(channel, 1)))));
    stages.forEach((each, steps) -> steps.add(store.pending(each)));
    stages.forEach((each, steps) -> steps.add(store.advance(each, channel, 1)));
    stages.forEach((each, steps) -> steps.add(store.unregister(each, channel)));
    stages.forEach((each, steps) -> steps.add(store.advance(each, channel, 2)));
    stages.forEach((each, steps) -> steps.add(store.register(each, channel, LIMIT)));
    stages.forEach((each, steps) -> steps.add(store.advanceToNext(each, channel, 0)));
    stages.forEach((each, steps) -> steps.add(store.hello(each, List.of(channel))));
    stages.forEach((each, steps) -> steps.add(store.drop(each)));
    stages.forEach((each, steps) -> steps.add(store.hello(each, List.of(channel))));

    for (List<CompletionStage<?>> steps : stages.values()) {
      List<Object> results = new ArrayList<>();
      for (CompletionStage<?> step : steps) {
        results.add(get(step));
      }
      assertThat(results)
          .containsExactly(
              NOTHING_PENDING,
              new Registration.Registered(),
              advanced(channel, 1),
              new Pending.Known(List.of(new Update(channel, 1))),
              List.of(new Update(channel, 1)),
              new Pending.Known(List.of()),
              REPEATED,
              null,
              UNKNOWN,
              new Registration.Registered(),
              advanced(channel, 0),
              new Resumed(List.of(new Update(channel, 0))),
              null,
              UNKNOWN);
    }
  }

  @Test
  void stepMayBeAskedForWhenAnotherCompletes() throws Exception {
    create(channel);

    CompletionStage<Pending> last =
        store
            .advance(uaid, channel, 7)
            .thenCompose(advance -> store.acknowledge(uaid, List.of()))
            .thenCompose(done -> store.advance(uaid, channel, 8))
            .thenCompose(advance -> store.pending(uaid));

    assertThat(get(last)).isEqualTo(new Pending.Known(List.of(new Update(channel, 8))));
  }

  /** One publication and when it was under way, on a clock that all threads share. */
  private record Publication(long version, Advance result, long start, long end) {}

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void highestOfConcurrentVersionsWins(long seed) throws Exception {
    int publishers = 4;
    int versions = contendingSteps();
    create(channel);
    AtomicLong clock = new AtomicLong();
    Random random = new Random(seed);
    List<Callable<List<Publication>>> tasks = new ArrayList<>();
    for (int i = 0; i < publishers; i++) {
      // Every thread publishes every version, in nearly the same order, so that they keep meeting.
      Map<Long, Integer> places = new HashMap<>();
      LongStream.rangeClosed(1, versions)
          .forEach(version -> places.put(version, (int) version + random.nextInt(16)));
      List<Long> order = new ArrayList<>(places.keySet());
      order.sort(Comparator.comparing(places::get));
      tasks.add(() -> publish(order, clock));
    }

    List<Publication> all = atOnce(tasks).stream().flatMap(List::stream).toList();

    assertThat(pending(uaid)).containsExactly(new Update(channel, versions));
    assertThat(advance(channel, versions)).isEqualTo(REPEATED);
    Publication[] raises = new Publication[versions + 1];
    for (Publication publication : all) {
      if (publication.result() instanceof Advanced advanced) {
        int version = (int) publication.version();
        require(advanced.update().version() == version, "raised to another version", publication);
        require(raises[version] == null, "raised twice", publication);
        raises[version] = publication;
      } else {
        boolean lower = publication.result().equals(STALE);
        require(
            lower || publication.result().equals(REPEATED), "neither raised nor not", publication);
        require(!lower || publication.version() < versions, "nothing is higher", publication);
      }
    }
    // Raises happened in the order of their versions, so none may have begun after a higher ended.
    long firstEndOfHigher = Long.MAX_VALUE;
    // What was stale had met its version or a higher one, whose raise had then begun.
    long[] firstStart = new long[versions + 1];
    long first = Long.MAX_VALUE;
    for (int version = versions; version > 0; version--) {
      Publication raise = raises[version];
      if (raise != null) {
        require(raise.start() < firstEndOfHigher, "raised after a higher version", raise);
        firstEndOfHigher = Math.min(firstEndOfHigher, raise.end());
        first = Math.min(first, raise.start());
      }
      firstStart[version] = first;
    }
    for (Publication publication : all) {
      if (publication.result().equals(REPEATED)) {
        Publication raise = raises[(int) publication.version()];
        require(raise != null && raise.start() < publication.end(), "never reached", publication);
      }
    }
    for (Publication publication : all) {
      require(firstStart[(int) publication.version()] < publication.end(), "lost", publication);
    }
  }

  /** An assertion for the many: it costs nothing while it holds. */
  private static void require(boolean holds, String otherwise, Object about) {
    if (!holds) {
      throw new AssertionError(otherwise + ": " + about);
    }
  }

  private List<Publication> publish(List<Long> versions, AtomicLong clock) throws Exception {
    List<CompletionStage<Publication>> stages = new ArrayList<>();
    for (long version : versions) {
      long start = clock.incrementAndGet();
      stages.add(
          store
              .advance(uaid, channel, version)
              .thenApply(
                  result -> new Publication(version, result, start, clock.incrementAndGet())));
    }
    List<Publication> publications = new ArrayList<>();
    for (CompletionStage<Publication> stage : stages) {
      publications.add(get(stage));
    }
    return publications;
  }

  @Test
  void concurrentNextVersionsAreAllDifferent() throws Exception {
    int publishers = 4;
    int each = contendingSteps();
    create(channel);

    List<List<Long>> versions =
        atOnce(
            Collections.nCopies(
                publishers,
                () -> {
                  List<CompletionStage<Advance>> stages =
                      IntStream.range(0, each)
                          .mapToObj(i -> store.advanceToNext(uaid, channel, 0))
                          .toList();
                  List<Long> mine = new ArrayList<>();
                  for (CompletionStage<Advance> stage : stages) {
                    mine.add(((Advanced) get(stage)).update().version());
                  }
                  return mine;
                }));

    boolean[] seen = new boolean[publishers * each];
    for (List<Long> mine : versions) {
      long last = -1;
      for (long version : mine) {
        require(version > last, "not in the order of one thread", version);
        require(!seen[(int) version], "given twice", version);
        seen[(int) version] = true;
        last = version;
      }
    }
    assertThat(pending(uaid)).containsExactly(new Update(channel, (long) publishers * each - 1));
  }

  @Test
  void acknowledgementRacingWithANewVersionNeverLosesIt() throws Exception {
    create(channel, other);
    advance(channel, 0);
    advance(other, 0);
    for (long round = 0; round < rounds(); round++) {
      long version = round;
      this.<Object>atOnce(
          List.of(
              () -> advance(channel, version + 1),
              () -> get(store.advanceToNext(uaid, other, 0)),
              () -> {
                acknowledge(new Update(channel, version), new Update(other, version));
                return version;
              }));

      assertThat(pending(uaid))
          .containsExactlyInAnyOrder(
              new Update(channel, version + 1), new Update(other, version + 1));
    }
  }

  @Test
  void acknowledgedVersionIsNotPendingAgainWhoeverRaces() throws Exception {
    create(channel);
    for (long round = 0; round < rounds(); round++) {
      long version = round;
      advance(channel, version);
      this.<Object>atOnce(
          List.of(
              () -> advance(channel, version),
              () -> register(uaid, channel),
              () -> resume(List.of(channel)),
              () -> {
                acknowledge(new Update(channel, version));
                return version;
              }));

      assertThat(pending(uaid)).isEmpty();
    }
  }

  @Test
  void limitHoldsHoweverManyRegisterAtOnce() throws Exception {
    for (int round = 0; round < Math.max(1, rounds() / 10); round++) {
      hello(uaid, List.of());
      List<Registration> registrations =
          atOnce(Collections.nCopies(8, () -> get(store.register(uaid, ChannelId.random(), 5))));

      assertThat(Collections.frequency(registrations, new Registration.Registered())).isEqualTo(5);
      assertThat(Collections.frequency(registrations, new Registration.LimitReached()))
          .isEqualTo(3);
    }
  }

  @Test
  void dropRacingWithOtherStepsLeavesNothingBehind() throws Exception {
    for (int round = 0; round < rounds(); round++) {
      create(channel);
      List<Object> results =
          atOnce(
              List.of(
                  () -> {
                    get(store.drop(uaid));
                    return "dropped";
                  },
                  () -> register(uaid, other),
                  () -> advance(channel, 7),
                  () -> hello(uaid, null)));

      assertThat(results.get(1)).isIn(new Registration.Registered(), UNKNOWN);
      assertThat(results.get(2)).isIn(advanced(channel, 7), UNKNOWN);
      assertThat(results.get(3))
          .isIn(UNKNOWN, NOTHING_PENDING, new Resumed(List.of(new Update(channel, 7))));
      assertThat(get(store.pending(uaid))).isEqualTo(UNKNOWN);
      assertThat(advance(channel, 8)).isEqualTo(UNKNOWN);
      assertThat(advance(other, 8)).isEqualTo(UNKNOWN);
      assertThat(register(uaid, channel)).isEqualTo(UNKNOWN);
    }
  }

  @Test
  void userAgentsStartingAfreshAtOnceHaveNoOldChannels() throws Exception {
    for (int round = 0; round < rounds(); round++) {
      create(channel);
      advance(channel, 7);
      List<Resumption> resumptions =
          atOnce(
              List.of(
                  () -> hello(uaid, List.of()),
                  () -> hello(uaid, List.of()),
                  () -> hello(uaid, List.of(channel, other)),
                  () -> hello(uaid, List.of())));

      assertThat(resumptions.get(2)).isIn(UNKNOWN, new Diverged());
      assertThat(List.of(resumptions.get(0), resumptions.get(1), resumptions.get(3)))
          .containsOnly(NOTHING_PENDING);
      assertThat(advance(channel, 8)).isEqualTo(UNKNOWN);
    }
  }

  @Test
  void userAgentSeenWhileExpiryRunsIsEitherKeptOrGone() throws Exception {
    for (int round = 0; round < rounds(); round++) {
      create(channel);
      advance(channel, 7);
      advanceTime(Duration.ofSeconds(60));
      List<Object> results =
          atOnce(
              List.of(
                  () -> get(store.expire(Duration.ofSeconds(60))), () -> get(store.pending(uaid))));

      if (results.get(0).equals(1)) {
        assertThat(results.get(1)).isEqualTo(UNKNOWN);
        assertThat(get(store.pending(uaid))).isEqualTo(UNKNOWN);
      } else {
        assertThat(results.get(0)).isEqualTo(0);
        assertThat(results.get(1)).isEqualTo(new Pending.Known(List.of(new Update(channel, 7))));
        assertThat(pending(uaid)).containsExactly(new Update(channel, 7));
        get(store.drop(uaid));
      }
    }
  }

  @Test
  void expiriesAtOnceCountEachUserAgentOnce() throws Exception {
    int userAgents = Math.max(10, rounds() / 5);
    for (int i = 0; i < userAgents; i++) {
      hello(Uaid.random(), List.of());
    }
    advanceTime(Duration.ofSeconds(60));

    List<Integer> dropped =
        atOnce(Collections.nCopies(4, () -> get(store.expire(Duration.ofSeconds(60)))));

    assertThat(dropped.stream().mapToInt(Integer::intValue).sum()).isEqualTo(userAgents);
  }

  // the model

  /**
   * Random steps on few user agents and channels, so that they meet, against a reference too plain
   * to be wrong. Steps are asked for without waiting, and compared at random moments.
   */
  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void agreesWithModel(long seed) throws Exception {
    Random random = new Random(seed);
    VersionStoreModel model = new VersionStoreModel();
    List<UUID> uaids = randomUuids(random, 4);
    List<UUID> channelIds = randomUuids(random, 7);
    List<String> log = new ArrayList<>();
    List<Expectation> underWay = new ArrayList<>();
    for (int i = 0; i < modelSteps(); i++) {
      Uaid who = Uaid.parse(spelled(pick(uaids, random), random.nextInt(4)));
      ChannelId which = ChannelId.parse(spelled(pick(channelIds, random), random.nextInt(4)));
      long version = random.nextInt(50) == 0 ? Long.MAX_VALUE - random.nextInt(3) : i / 20;
      version = Math.max(0, version - random.nextInt(4));
      int dice = random.nextInt(100);
      if (dice < 15) {
        List<ChannelId> list = model.someList(who, channelIds, random);
        log.add(i + ": hello " + who + " " + list);
        underWay.add(new Expectation(i, model.hello(who, list), store.hello(who, list)));
      } else if (dice < 30) {
        log.add(i + ": register " + who + " " + which);
        underWay.add(
            new Expectation(i, model.register(who, which, 5), store.register(who, which, 5)));
      } else if (dice < 36) {
        log.add(i + ": unregister " + who + " " + which);
        underWay.add(
            new Expectation(i, model.unregister(who, which), store.unregister(who, which)));
      } else if (dice < 37) {
        log.add(i + ": drop " + who);
        underWay.add(new Expectation(i, model.drop(who), store.drop(who)));
      } else if (dice < 60) {
        log.add(i + ": advance " + who + " " + which + " " + version);
        underWay.add(
            new Expectation(
                i, model.advance(who, which, version), store.advance(who, which, version)));
      } else if (dice < 70) {
        log.add(i + ": advanceToNext " + who + " " + which + " " + version);
        underWay.add(
            new Expectation(
                i,
                model.advanceToNext(who, which, version),
                store.advanceToNext(who, which, version)));
      } else if (dice < 85) {
        List<Update> updates = new ArrayList<>();
        for (int n = random.nextInt(4); n > 0; n--) {
          UUID id = pick(channelIds, random);
          updates.add(
              new Update(
                  ChannelId.parse(spelled(id, random.nextInt(4))),
                  Math.max(0, i / 20 - random.nextInt(4))));
        }
        log.add(i + ": acknowledge " + who + " " + updates);
        underWay.add(
            new Expectation(
                i, model.acknowledge(who, updates), store.acknowledge(who, List.copyOf(updates))));
      } else if (dice < 97) {
        log.add(i + ": pending " + who);
        underWay.add(new Expectation(i, model.pending(who), store.pending(who)));
      } else {
        // Expiry and time concern every user agent, so what is under way must end first.
        check(underWay, log, seed);
        // Minutes, because in some stores the time that the test takes passes too.
        int minutes = random.nextInt(20);
        int limit = 1 + random.nextInt(60);
        log.add(i + ": " + minutes + " min pass, expire after " + limit + " min");
        advanceTime(Duration.ofMinutes(minutes));
        model.pass(minutes);
        Duration age = Duration.ofMinutes(limit);
        underWay.add(new Expectation(i, model.expireEmpty(limit), store.expireEmpty(age)));
        check(underWay, log, seed);
        limit += random.nextInt(10);
        age = Duration.ofMinutes(limit);
        underWay.add(new Expectation(i, model.expire(limit), store.expire(age)));
        check(underWay, log, seed);
        store.size().ifPresent(size -> assertThat(size).isEqualTo(model.size()));
      }
      if (random.nextInt(10) == 0) {
        check(underWay, log, seed);
      }
    }
    check(underWay, log, seed);
  }

  private record Expectation(int step, String expected, CompletionStage<?> stage) {}

  private static void check(List<Expectation> underWay, List<String> log, long seed)
      throws Exception {
    for (Expectation expectation : underWay) {
      assertThat(described(get(expectation.stage())))
          .as(
              "step %d with seed %d, after%n%s",
              expectation.step(),
              seed,
              String.join("\n", log.subList(Math.max(0, log.size() - 60), log.size())))
          .isEqualTo(expectation.expected());
    }
    underWay.clear();
  }

  /** Describes a result with spellings, which {@code equals} overlooks. */
  private static String described(Object result) {
    if (result instanceof Resumed resumed) {
      return "Resumed " + described(resumed.pending());
    }
    if (result instanceof Pending.Known known) {
      return "Known " + described(known.updates());
    }
    if (result instanceof Advanced advanced) {
      return (advanced.collapsed() ? "Collapsed " : "Advanced ") + described(advanced.update());
    }
    if (result instanceof List<?> cleared) {
      return "cleared " + described(cleared);
    }
    if (result instanceof Record) {
      return result.getClass().getSimpleName();
    }
    return String.valueOf(result);
  }

  private static List<String> described(List<?> updates) {
    return updates.stream().map(update -> described((Update) update)).sorted().toList();
  }

  private static String described(Update update) {
    return update.channelId().text() + "=" + update.version();
  }

  // helpers

  /** Waits for a step. */
  static <T> T get(CompletionStage<T> stage) throws Exception {
    return stage.toCompletableFuture().get(20, SECONDS);
  }

  /**
   * Starts the tasks at the same moment, each in a thread of its own; returns their results in
   * order. Threads wait for each other awake: being woken takes longer than the steps of a store.
   */
  final <T> List<T> atOnce(List<? extends Callable<? extends T>> tasks) throws Exception {
    AtomicInteger ready = new AtomicInteger();
    List<Future<T>> futures = new ArrayList<>();
    for (Callable<? extends T> task : tasks) {
      futures.add(
          threads.submit(
              () -> {
                ready.incrementAndGet();
                for (int spins = 0; ready.get() < tasks.size(); spins++) {
                  if (spins < 1_000) {
                    Thread.onSpinWait();
                  } else if (Thread.interrupted()) {
                    throw new InterruptedException();
                  } else {
                    Thread.yield(); // there may be fewer processors than threads
                  }
                }
                return task.call();
              }));
    }
    List<T> results = new ArrayList<>();
    for (Future<T> future : futures) {
      results.add(future.get(40, SECONDS));
    }
    return results;
  }

  private void create(ChannelId... channels) throws Exception {
    assertThat(hello(uaid, List.of())).isEqualTo(NOTHING_PENDING);
    for (ChannelId each : channels) {
      assertThat(register(uaid, each)).isEqualTo(new Registration.Registered());
    }
  }

  private Resumption hello(Uaid who, List<ChannelId> channels) throws Exception {
    return get(store.hello(who, channels));
  }

  private List<Update> resume(List<ChannelId> channels) throws Exception {
    Resumption resumption = hello(uaid, channels);
    assertThat(resumption).isInstanceOf(Resumed.class);
    return ((Resumed) resumption).pending();
  }

  private Registration register(Uaid who, ChannelId which) throws Exception {
    return get(store.register(who, which, LIMIT));
  }

  private Advance advance(ChannelId which, long version) throws Exception {
    return get(store.advance(uaid, which, version));
  }

  private void acknowledge(Update... updates) throws Exception {
    get(store.acknowledge(uaid, List.of(updates)));
  }

  private List<Update> pending(Uaid who) throws Exception {
    Pending pending = get(store.pending(who));
    assertThat(pending).isInstanceOf(Pending.Known.class);
    return ((Pending.Known) pending).updates();
  }

  private static Advance advanced(ChannelId which, long version) {
    return new Advanced(new Update(which, version), false);
  }

  /** An older version was pending. */
  private static Advance collapsed(ChannelId which, long version) {
    return new Advanced(new Update(which, version), true);
  }

  private static List<String> texts(List<Update> updates) {
    return updates.stream().map(update -> update.channelId().text()).toList();
  }

  private static String textOf(Advance advance) {
    assertThat(advance).isInstanceOf(Advanced.class);
    return ((Advanced) advance).update().channelId().text();
  }

  private static ChannelId respelled(ChannelId id, int spelling) {
    return ChannelId.parse(spelled(id.value(), spelling));
  }

  /** The four ways in which devices write ids. */
  static String spelled(UUID id, int spelling) {
    String usual = id.toString();
    return switch (spelling) {
      case 0 -> usual;
      case 1 -> usual.toUpperCase(Locale.ROOT);
      case 2 -> usual.replace("-", "");
      default -> usual.replace("-", "").toUpperCase(Locale.ROOT);
    };
  }

  private static <T> T pick(List<T> list, Random random) {
    return list.get(random.nextInt(list.size()));
  }

  private static List<UUID> randomUuids(Random random, int count) {
    return Stream.generate(() -> new UUID(random.nextLong(), random.nextLong()))
        .limit(count)
        .toList();
  }
}
