package org.simplepush.server;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.core.ChannelId;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.SharedVersionStore.Basis;
import org.simplepush.core.SharedVersionStore.Comparison;
import org.simplepush.core.SharedVersionStore.Greeting;
import org.simplepush.core.SharedVersionStore.Node;
import org.simplepush.core.SharedVersionStore.Registered;
import org.simplepush.core.SharedVersionStore.Removal;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore.Advance;
import org.simplepush.core.VersionStore.Registration;
import org.simplepush.core.VersionStore.Resumption;

/**
 * What every shared store promises beyond {@code VersionStoreContract}: who has the claim, and what
 * is not done any more. A long random run compares each answer and each word with those of the
 * store in memory with which every order of events is tried ({@link InterleavingsTest}); so what
 * holds there holds on the other store.
 */
@Timeout(120)
public abstract class SharedVersionStoreContract {
  private static final Duration WEEK = Duration.ofDays(7);

  private final Uaid uaid = Uaid.random();
  private final ChannelId one = ChannelId.random();
  private final ChannelId two = ChannelId.random();
  private final Words heardHere = new Words();
  private final Words heardThere = new Words();
  private List<SharedVersionStore> stores;
  private Node here;
  private Node there;

  /** Two views of one store, or twice the same: a node each joins them. */
  protected abstract List<SharedVersionStore> newStores() throws Exception;

  /** How many steps the random run takes. */
  protected abstract int randomSteps();

  /** What a node is told, in order. */
  private static final class Words implements SharedVersionStore.Listener {
    final BlockingQueue<String> words = new LinkedBlockingQueue<>();

    @Override
    public void published(Uaid uaid, Update update) {
      words.add("published " + uaid.value() + " " + text(update));
    }

    @Override
    public void displaced(Uaid uaid, long connection) {
      words.add("displaced " + uaid.value() + " " + connection);
    }

    @Override
    public void gone(Uaid uaid) {
      words.add("gone " + uaid.value());
    }

    @Override
    public void wordsLost() {
      words.add("lost");
    }

    String next() throws InterruptedException {
      return words.poll(20, SECONDS);
    }
  }

  @BeforeEach
  void join() throws Exception {
    stores = newStores();
    here = stores.get(0).join(WEEK, heardHere);
    there = stores.get(1).join(WEEK, heardThere);
  }

  @AfterEach
  void close() {
    stores.forEach(SharedVersionStore::close);
  }

  private static <T> T get(CompletionStage<T> stage) throws Exception {
    return stage.toCompletableFuture().get(20, SECONDS);
  }

  private static String text(Update update) {
    return update.channelId().text() + "=" + update.version();
  }

  /** A connection that has said hello and not shown itself. */
  private Basis.Seen seen(Node node, ChannelId... list) throws Exception {
    Greeting greeting = get(node.hello(uaid, List.of(list)));
    assertThat(greeting.resumption()).isInstanceOf(Resumption.Resumed.class);
    return greeting.seen();
  }

  private Basis.Claim settled(Node node, long connection, ChannelId... list) throws Exception {
    Comparison comparison = settle(node, connection, seen(node, list), list);
    return ((Comparison.Claimed) comparison).claim();
  }

  private Comparison settle(Node node, long connection, Basis.Seen seen, ChannelId... list)
      throws Exception {
    return get(node.settle(uaid, connection, seen, List.of(list)));
  }

  private boolean has(ChannelId channelId) throws Exception {
    return get(stores.get(0).register(uaid, channelId, 0)) == Registration.REGISTERED;
  }

  /** A user agent with both channels, connected here. */
  private Basis.Claim connected() throws Exception {
    Basis.Claim claim = settled(here, 1);
    get(here.register(uaid, claim, one, 9));
    get(here.register(uaid, claim, two, 9));
    return claim;
  }

  // A hello takes nothing away

  @Test
  void helloRemovesNoChannelAndDisplacesNobody() throws Exception {
    Basis.Claim claim = connected();
    get(stores.get(0).advance(uaid, one, 7));
    heardHere.next();
    get(stores.get(0).advance(uaid, two, 8));

    Greeting greeting = get(there.hello(uaid, List.of(one)));

    assertThat(greeting.resumption())
        .isEqualTo(new Resumption.Resumed(List.of(new Update(one, 7))));
    assertThat(has(two)).isTrue();
    assertThat(get(here.compare(uaid, claim))).isInstanceOf(Comparison.Claimed.class);
    assertThat(heardHere.next()).isEqualTo("published " + uaid.value() + " " + two.text() + "=8");
    get(stores.get(1).advance(uaid, two, 9));
    assertThat(heardHere.next()).isEqualTo("published " + uaid.value() + " " + two.text() + "=9");
  }

  @Test
  void helloThatListsWhatIsNotThereDropsNobody() throws Exception {
    connected();

    Greeting greeting = get(there.hello(uaid, List.of(one, ChannelId.random())));

    assertThat(greeting.resumption()).isInstanceOf(Resumption.Diverged.class);
    assertThat(has(one)).isTrue();
  }

  @Test
  void settlingRemovesWhatIsNotListedAndTellsTheNodeThatHadTheClaim() throws Exception {
    Basis.Claim older = connected();
    get(stores.get(0).advance(uaid, one, 7));
    heardHere.next();

    Comparison comparison = settle(there, 5, seen(there, one), one);

    assertThat(comparison).isInstanceOf(Comparison.Claimed.class);
    Comparison.Claimed claimed = (Comparison.Claimed) comparison;
    assertThat(claimed.claim().connection()).isEqualTo(5);
    assertThat(claimed.claim().epoch()).isGreaterThan(older.epoch());
    assertThat(claimed.pending()).containsExactly(new Update(one, 7));
    assertThat(claimed.digest()).isEqualTo(SharedVersionStore.digest(one));
    assertThat(has(two)).isFalse();
    assertThat(heardHere.next()).isEqualTo("displaced " + uaid.value() + " 1");
    assertThat(get(here.compare(uaid, older))).isEqualTo(new Comparison.Superseded());
    get(stores.get(0).advance(uaid, one, 8));
    assertThat(heardThere.next()).isEqualTo("published " + uaid.value() + " " + one.text() + "=8");
  }

  // What comes late is not done

  @Test
  void lateSettlingChangesNothing() throws Exception {
    connected();
    Basis.Seen late = seen(here, one);
    Basis.Claim claim = settled(there, 5, one, two);

    assertThat(settle(here, 2, late, one)).isEqualTo(new Comparison.Superseded());

    assertThat(has(two)).isTrue();
    assertThat(get(there.compare(uaid, claim))).isInstanceOf(Comparison.Claimed.class);
  }

  @Test
  void lateSettlingIsSupersededByTheFirstRegisterOfAnotherThatHasNotSettled() throws Exception {
    connected();
    Basis.Seen late = seen(here, one);
    Basis.Seen newer = seen(there, one, two);
    ChannelId three = ChannelId.random();

    Registered registered = get(there.register(uaid, newer, three, 9)).orElseThrow();

    assertThat(registered.added()).isTrue();
    assertThat(settle(here, 2, late, one)).isEqualTo(new Comparison.Superseded());
    Comparison settled = settle(there, 5, (Basis.Seen) registered.basis(), one, two, three);
    assertThat(settled).isInstanceOf(Comparison.Claimed.class);
    assertThat(has(three)).isTrue();
  }

  @Test
  void lateRegisterUnregisterAndDropAreNotDone() throws Exception {
    Basis.Claim late = connected();
    Basis.Seen lateSeen = seen(here, one, two);
    Basis.Claim claim = settled(there, 5, one, two);
    ChannelId three = ChannelId.random();

    for (Basis basis : List.of(late, lateSeen)) {
      assertThat(get(here.register(uaid, basis, three, 9))).isEqualTo(Optional.empty());
      assertThat(get(here.unregister(uaid, basis, one))).isEqualTo(Removal.SUPERSEDED);
      assertThat(get(here.drop(uaid, basis))).isFalse();
    }

    assertThat(has(one)).isTrue();
    assertThat(has(three)).isFalse();
    assertThat(get(there.compare(uaid, claim))).isInstanceOf(Comparison.Claimed.class);
  }

  @Test
  void lateReleaseDoesNotEndANewerClaim() throws Exception {
    connected();
    settled(there, 5, one, two);

    get(here.release(uaid, 1));

    get(stores.get(0).advance(uaid, one, 7));
    assertThat(heardThere.next()).isEqualTo("published " + uaid.value() + " " + one.text() + "=7");
  }

  @Test
  void releasedClaimStillSupersedesOlderOnes() throws Exception {
    Basis.Claim older = connected();
    Basis.Seen seen = seen(here, one);
    settled(there, 5, one, two);
    get(there.release(uaid, 5));

    assertThat(get(here.compare(uaid, older))).isEqualTo(new Comparison.Superseded());
    assertThat(settle(here, 2, seen, one)).isEqualTo(new Comparison.Superseded());
    assertThat(has(two)).isTrue();
  }

  @Test
  void releaseOfTheClaimThatAHelloSawDoesNotSupersedeIt() throws Exception {
    connected();
    Basis.Seen seen = seen(there, one, two);
    get(here.release(uaid, 1));

    assertThat(settle(there, 5, seen, one, two)).isInstanceOf(Comparison.Claimed.class);
  }

  @Test
  void ofTwoConnectionsToOneNodeTheOlderCannotSettleLast() throws Exception {
    settled(here, 1);
    settled(here, 3);
    Basis.Seen late = seen(here);

    assertThat(settle(here, 2, late)).isEqualTo(new Comparison.Superseded());
  }

  @Test
  void droppedUserAgentIsUnknownAndItsConnectionElsewhereIsTold() throws Exception {
    Basis.Claim claim = connected();

    assertThat(get(there.drop(uaid, seen(there, one, two)))).isTrue();

    assertThat(heardHere.next()).isEqualTo("displaced " + uaid.value() + " 1");
    assertThat(get(there.hello(uaid, null)).resumption()).isEqualTo(new Resumption.Unknown());
    assertThat(get(here.compare(uaid, claim))).isEqualTo(new Comparison.Superseded());
  }

  /** As after the store has lost its last steps: a claim is newer than any that the store knows. */
  @Test
  void lostClaimIsRestoredByItsNextStepAndWhoeverHadTheOlderIsTold() throws Exception {
    Basis.Claim older = connected();
    List<Basis.Claim> lost = new ArrayList<>();
    for (long epoch = older.epoch() + 1; epoch <= older.epoch() + 3; epoch++) {
      lost.add(new Basis.Claim(4 + epoch, epoch));
    }

    assertThat(get(there.register(uaid, lost.get(0), one, 9))).isPresent();
    assertThat(heardHere.next()).isEqualTo("displaced " + uaid.value() + " 1");
    assertThat(get(here.unregister(uaid, lost.get(1), one))).isEqualTo(Removal.REMOVED);
    assertThat(heardThere.next())
        .isEqualTo("displaced " + uaid.value() + " " + lost.get(0).connection());
    assertThat(get(there.compare(uaid, lost.get(2)))).isInstanceOf(Comparison.Claimed.class);
    assertThat(heardHere.next())
        .isEqualTo("displaced " + uaid.value() + " " + lost.get(1).connection());
    get(stores.get(0).advance(uaid, two, 7));
    assertThat(heardThere.next()).isEqualTo("published " + uaid.value() + " " + two.text() + "=7");
  }

  @Test
  void publishingWhatIsGoneTellsTheNodeThatHasTheClaim() throws Exception {
    Basis.Claim claim = connected();
    get(here.unregister(uaid, claim, one));

    assertThat(get(stores.get(1).advance(uaid, one, 7))).isEqualTo(new Advance.Unknown());

    assertThat(heardHere.next()).isEqualTo("gone " + uaid.value());
  }

  // The same as in memory

  private static final int USER_AGENTS = 3;
  private static final int CHANNELS = 4;

  /** Above all epochs that a store gives by its clock while the test lasts. */
  private static final long NEWER = 1_000_000_000;

  @Test
  void answersAndWordsAreThoseOfTheStoreInMemory() throws Exception {
    long seed = Long.getLong("contract.seed", System.nanoTime() & 0xffff);
    new RandomRun(seed).run(randomSteps());
  }

  /** The same random steps on this store and on the one in memory. */
  private final class RandomRun {
    private final long seed;
    private final Random random;
    private final SharedMemoryStore memory =
        new SharedMemoryStore(new InMemoryVersionStore(), Runnable::run);
    private final List<Words> expected = List.of(new Words(), new Words());
    private final List<Words> heard = List.of(heardHere, heardThere);
    private final List<Node> modelNodes =
        expected.stream().map(words -> memory.join(WEEK, words)).toList();
    private final List<Uaid> uaids =
        IntStream.range(0, USER_AGENTS).mapToObj(i -> Uaid.random()).toList();
    private final List<ChannelId> channels =
        IntStream.range(0, CHANNELS).mapToObj(i -> ChannelId.random()).toList();
    private final Map<Uaid, List<Connection>> connections = new HashMap<>();

    /** Each epoch in memory, and which it is in the store: each has a clock of its own. */
    private final Map<Uaid, NavigableMap<Long, Long>> epochs = new HashMap<>();

    private final long[] numbers = new long[2];
    private int step;
    private String last = "nothing";
    private int settles;
    private int superseded;

    /** What a connection knows of both stores. */
    private static final class Connection {
      final int node;
      final long number;
      Basis basis;
      Basis modelBasis;

      Connection(int node, long number) {
        this.node = node;
        this.number = number;
      }
    }

    RandomRun(long seed) {
      this.seed = seed;
      this.random = new Random(seed);
    }

    void run(int steps) throws Exception {
      for (step = 0; step < steps; step++) {
        somethingHappens();
        for (int node = 0; node < 2; node++) {
          for (String word = expected.get(node).words.poll();
              word != null;
              word = expected.get(node).words.poll()) {
            assertThat(heard.get(node).next()).as(where()).isEqualTo(word);
          }
        }
      }
      assertThat(heard).as(where()).allMatch(words -> words.words.isEmpty());
      assertThat(settles).as(where()).isGreaterThan(steps / 100);
      assertThat(superseded).as(where()).isGreaterThan(steps / 100);
    }

    private String where() {
      return "seed %d, step %d: %s".formatted(seed, step, last);
    }

    private <T> T same(T answer, T model) {
      assertThat(describe(answer)).as(where()).isEqualTo(describe(model));
      return answer;
    }

    private NavigableMap<Long, Long> epochs(Uaid uaid) {
      return epochs.computeIfAbsent(uaid, none -> new TreeMap<>(Map.of(0L, 0L)));
    }

    /** Claims of the same connection, and as new beside all others of the same store. */
    private void same(Uaid uaid, Basis basis, Basis model) {
      if (!(basis instanceof Basis.Claim claim) || !(model instanceof Basis.Claim modelClaim)) {
        return;
      }
      assertThat(claim.connection()).as(where()).isEqualTo(modelClaim.connection());
      NavigableMap<Long, Long> all = epochs(uaid);
      all.putIfAbsent(modelClaim.epoch(), claim.epoch());
      assertThat(claim.epoch()).as(where()).isEqualTo(all.get(modelClaim.epoch()));
      assertThat(List.copyOf(all.values())).as(where()).isSorted().doesNotHaveDuplicates();
    }

    /** With spellings, which equality overlooks; routes and epochs are each store's own. */
    private String describe(Object value) {
      if (value instanceof Update update) {
        return text(update);
      } else if (value instanceof List<?> list) {
        return list.stream().map(this::describe).sorted().toList().toString();
      } else if (value instanceof Optional<?> optional) {
        return "optional " + optional.map(this::describe).orElse("nothing");
      } else if (value instanceof Resumption.Resumed resumed) {
        return "resumed " + describe(resumed.pending());
      } else if (value instanceof Greeting greeting) {
        return describe(greeting.resumption());
      } else if (value instanceof Comparison.Claimed claimed) {
        return "claimed " + describe(claimed.pending()) + claimed.digest();
      } else if (value instanceof Registered registered) {
        return registered.registration() + " " + registered.added();
      } else if (value instanceof Advance.Advanced advanced) {
        return describe(advanced.update()) + advanced.collapsed();
      }
      return String.valueOf(value);
    }

    private <T> T any(List<T> of) {
      return of.get(random.nextInt(of.size()));
    }

    private ChannelId anyChannel() {
      String text = any(channels).text();
      return ChannelId.parse(random.nextInt(4) == 0 ? text.toUpperCase(Locale.ROOT) : text);
    }

    private List<ChannelId> anyList() {
      if (random.nextInt(4) == 0) {
        return null;
      }
      List<ChannelId> list = new ArrayList<>();
      for (ChannelId channel : channels) {
        if (random.nextInt(3) > 0) {
          list.add(
              random.nextInt(4) == 0
                  ? ChannelId.parse(channel.text().toUpperCase(Locale.ROOT))
                  : channel);
        }
      }
      return list;
    }

    private void somethingHappens() throws Exception {
      Uaid uaid = any(uaids);
      List<Connection> all = connections.computeIfAbsent(uaid, none -> new ArrayList<>());
      if (all.isEmpty() || random.nextInt(8) == 0) {
        int node = random.nextInt(2);
        all.add(new Connection(node, ++numbers[node]));
        if (all.size() > 4) {
          all.remove(0);
        }
      }
      Connection connection = any(all);
      Node node = connection.node == 0 ? here : there;
      Node model = modelNodes.get(connection.node);
      SharedVersionStore store = stores.get(random.nextInt(2));
      ChannelId channel = anyChannel();
      if (random.nextInt(20) == 0 && connection.basis instanceof Basis.Claim claim) {
        // As if the store had lost what it did since.
        Map.Entry<Long, Long> newest = epochs(uaid).lastEntry();
        long newer = random.nextBoolean() ? NEWER : 0;
        connection.basis = new Basis.Claim(claim.connection(), newest.getValue() + newer);
        connection.modelBasis = new Basis.Claim(claim.connection(), newest.getKey() + newer);
        same(uaid, connection.basis, connection.modelBasis);
      }
      Basis basis = connection.basis;
      Basis modelBasis = connection.modelBasis;
      int what = basis == null ? 0 : random.nextInt(15);
      switch (what) {
        case 0 -> {
          List<ChannelId> list = basis == null && random.nextBoolean() ? List.of() : anyList();
          last = "hello " + connection.node + " " + connection.number + " " + list;
          Greeting greeting = get(node.hello(uaid, list));
          Greeting expectedGreeting = get(model.hello(uaid, list));
          same(greeting, expectedGreeting);
          connection.basis = greeting.seen();
          connection.modelBasis = expectedGreeting.seen();
        }
        case 1, 2, 3 -> {
          List<ChannelId> list = anyList();
          last = "settle or compare " + connection.node + " " + connection.number + " " + list;
          Comparison comparison;
          Comparison expectedComparison;
          if (basis instanceof Basis.Seen seen) {
            settles++;
            List<ChannelId> there = list == null ? null : existing(uaid, list);
            comparison = get(node.settle(uaid, connection.number, seen, there));
            expectedComparison =
                get(model.settle(uaid, connection.number, (Basis.Seen) modelBasis, there));
          } else {
            comparison = get(node.compare(uaid, (Basis.Claim) basis));
            expectedComparison = get(model.compare(uaid, (Basis.Claim) modelBasis));
          }
          same(comparison, expectedComparison);
          if (comparison instanceof Comparison.Claimed claimed) {
            connection.basis = claimed.claim();
            connection.modelBasis = ((Comparison.Claimed) expectedComparison).claim();
            same(uaid, connection.basis, connection.modelBasis);
          } else if (comparison instanceof Comparison.Superseded) {
            superseded++;
          }
        }
        case 4, 5, 6 -> {
          int limit = 1 + random.nextInt(CHANNELS);
          last = "register " + connection.node + " " + connection.number + " " + basis;
          Optional<Registered> registered = get(node.register(uaid, basis, channel, limit));
          Optional<Registered> expectedOne = get(model.register(uaid, modelBasis, channel, limit));
          same(registered, expectedOne);
          if (registered.isPresent()) {
            connection.basis = registered.get().basis();
            connection.modelBasis = expectedOne.orElseThrow().basis();
            same(uaid, connection.basis, connection.modelBasis);
          }
        }
        case 7 -> {
          last = "unregister " + connection.node + " " + connection.number + " " + basis;
          same(
              get(node.unregister(uaid, basis, channel)),
              get(model.unregister(uaid, modelBasis, channel)));
        }
        case 8 -> {
          if (random.nextInt(4) == 0) {
            last = "drop " + connection.node + " " + connection.number + " " + basis;
            same(get(node.drop(uaid, basis)), get(model.drop(uaid, modelBasis)));
          }
        }
        case 9 -> {
          last = "release " + connection.node + " " + connection.number;
          same(
              get(node.release(uaid, connection.number)),
              get(model.release(uaid, connection.number)));
        }
        case 10, 11, 12 -> {
          long version = random.nextInt(100);
          last = "advance";
          same(
              get(store.advance(uaid, channel, version)),
              get(memory.advance(uaid, channel, version)));
        }
        case 13 -> {
          List<Update> updates = List.of(new Update(channel, random.nextInt(100)));
          last = "acknowledge";
          same(get(store.acknowledge(uaid, updates)), get(memory.acknowledge(uaid, updates)));
        }
        default -> {
          last = "pending";
          same(get(store.pending(uaid)), get(memory.pending(uaid)));
        }
      }
    }

    /** A device does not list what it was not told of. */
    private List<ChannelId> existing(Uaid uaid, List<ChannelId> list) throws Exception {
      List<ChannelId> existing = new ArrayList<>();
      for (ChannelId channel : list) {
        if (get(memory.hello(uaid, null)) instanceof Resumption.Resumed
            && get(memory.register(uaid, channel, 0)) == Registration.REGISTERED) {
          get(stores.get(0).register(uaid, channel, 0));
          existing.add(channel);
        }
      }
      return existing;
    }
  }
}
