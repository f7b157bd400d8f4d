package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What all {@link Subscriptions} promise. */
@Timeout(60)
abstract class SubscriptionsContract {
  private Subscriptions subscriptions = new InMemorySubscriptions();

  /** Returns subscriptions without any topic. */
  abstract Subscriptions empty() throws Exception;

  @BeforeEach
  void begin() throws Exception {
    subscriptions = empty();
  }

  private static URI endpoint(int n) {
    return URI.create("https://push.example/update/secret" + n);
  }

  private List<URI> all(String topic) {
    List<URI> all = new ArrayList<>();
    subscriptions.endpoints(topic).forEach(all::add);
    return all;
  }

  @Test
  void endpointIsAddedOnce() {
    assertThat(subscriptions.add("calendar", endpoint(1))).isTrue();
    assertThat(subscriptions.add("calendar", endpoint(1))).isFalse();
    assertThat(subscriptions.add("Calendar", endpoint(1))).isTrue();
    assertThat(all("calendar")).containsExactly(endpoint(1));
    assertThat(all("Calendar")).containsExactly(endpoint(1));
    assertThat(all("other")).isEmpty();
  }

  @Test
  void newEndpointTakesThePlaceOfTheOld() {
    subscriptions.add("calendar", endpoint(1));
    assertThat(subscriptions.replace("calendar", endpoint(1), endpoint(2))).isTrue();
    assertThat(all("calendar")).containsExactly(endpoint(2));
    assertThat(subscriptions.replace("calendar", endpoint(1), endpoint(3))).isFalse();
    assertThat(all("calendar")).containsExactlyInAnyOrder(endpoint(2), endpoint(3));
    assertThat(subscriptions.replace("calendar", endpoint(2), endpoint(3))).isTrue();
    assertThat(all("calendar")).containsExactly(endpoint(3));
    assertThat(subscriptions.replace("calendar", endpoint(3), endpoint(3))).isTrue();
    assertThat(all("calendar")).containsExactly(endpoint(3));
  }

  @Test
  void removeIsForOneTopicAndPruneForAll() {
    for (String topic : List.of("a", "b", "c")) {
      subscriptions.add(topic, endpoint(1));
      subscriptions.add(topic, endpoint(2));
    }
    assertThat(subscriptions.remove("a", endpoint(1))).isTrue();
    assertThat(subscriptions.remove("a", endpoint(1))).isFalse();
    assertThat(all("a")).containsExactly(endpoint(2));
    assertThat(all("b")).hasSize(2);
    assertThat(subscriptions.prune(endpoint(1))).isEqualTo(2);
    assertThat(subscriptions.prune(endpoint(1))).isZero();
    assertThat(all("b")).containsExactly(endpoint(2));
    assertThat(all("c")).containsExactly(endpoint(2));
  }

  /** Java takes URIs for equal whose hosts differ in case only. */
  @Test
  void endpointsOfDifferentTextAreTwo() {
    URI lower = URI.create("https://push.example/update/secret");
    URI upper = URI.create("https://PUSH.example/update/secret");
    for (String topic : List.of("a", "b")) {
      assertThat(subscriptions.add(topic, lower)).isTrue();
      assertThat(subscriptions.add(topic, upper)).isTrue();
    }
    assertThat(subscriptions.remove("a", lower)).isTrue();
    assertThat(subscriptions.remove("a", upper)).isTrue();
    assertThat(all("a")).isEmpty();
    assertThat(subscriptions.prune(lower)).isEqualTo(1);
    assertThat(all("b")).extracting(URI::toString).containsExactly(upper.toString());
    assertThat(subscriptions.prune(upper)).isEqualTo(1);
    assertThat(all("b")).isEmpty();
  }

  @Test
  void pagesTellOfEachEndpointOnce() {
    List<URI> added = IntStream.range(0, 25).mapToObj(SubscriptionsContract::endpoint).toList();
    added.forEach(endpoint -> subscriptions.add("calendar", endpoint));
    List<URI> seen = new ArrayList<>();
    String from = null;
    int pages = 0;
    do {
      Subscriptions.Page page = subscriptions.page("calendar", from, 10);
      assertThat(page.endpoints()).hasSizeLessThanOrEqualTo(10);
      assertThat(page.toString()).doesNotContain("secret");
      seen.addAll(page.endpoints());
      from = page.next();
      pages++;
      page.endpoints().forEach(subscriptions::prune); // as one does who is told that they are gone
    } while (from != null);
    assertThat(seen).containsExactlyInAnyOrderElementsOf(added);
    assertThat(pages).isEqualTo(3);
    assertThat(all("calendar")).isEmpty();
  }

  @Test
  void thousandsAreIterated() {
    List<URI> added = IntStream.range(0, 2500).mapToObj(SubscriptionsContract::endpoint).toList();
    added.forEach(endpoint -> subscriptions.add("calendar", endpoint));
    assertThat(all("calendar")).containsExactlyInAnyOrderElementsOf(added);
  }

  @Test
  void pageHasRoomForOneAtLeast() {
    subscriptions.add("calendar", endpoint(1));
    for (int limit : new int[] {0, -1}) {
      assertThatThrownBy(() -> subscriptions.page("calendar", null, limit))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("A page has 1 endpoint or more, but limit was " + limit + ".");
    }
  }

  @Test
  void topicIsOneTo255Characters() {
    assertThatThrownBy(() -> subscriptions.add("", endpoint(1)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> subscriptions.page("x".repeat(256), null, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("256");
    assertThat(subscriptions.add("ü'\"%_".repeat(50), endpoint(1))).isTrue();
    assertThat(all("ü'\"%_".repeat(50))).containsExactly(endpoint(1));
  }

  @Test
  void toStringTellsNoEndpoint() {
    subscriptions.add("calendar", endpoint(1));
    assertThat(subscriptions.toString()).doesNotContain("secret", "push.example");
  }

  @Test
  void manyThreadsAddEachEndpointOnce() throws Exception {
    // Not the common pool, which has one thread where there are two processors.
    ExecutorService threads = Executors.newFixedThreadPool(4);
    int added = 0;
    try {
      List<Future<Integer>> adding = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        adding.add(
            threads.submit(
                () ->
                    (int)
                        IntStream.range(0, 50)
                            .filter(n -> subscriptions.add("calendar", endpoint(n)))
                            .count()));
      }
      for (Future<Integer> each : adding) {
        added += each.get(30, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
    }
    assertThat(added).isEqualTo(50);
    assertThat(all("calendar")).hasSize(50);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void agreesWithAModel(long seed) {
    Random random = new Random(seed);
    TreeMap<String, Set<URI>> model = new TreeMap<>();
    for (String topic : List.of("a", "b", "c")) {
      model.put(topic, new HashSet<>());
    }
    for (int i = 0; i < 300; i++) {
      String topic = List.of("a", "b", "c").get(random.nextInt(3));
      URI one = endpoint(random.nextInt(8));
      URI two = endpoint(random.nextInt(8));
      Set<URI> expected = model.get(topic);
      switch (random.nextInt(4)) {
        case 0 -> assertThat(subscriptions.add(topic, one)).isEqualTo(expected.add(one));
        case 1 -> assertThat(subscriptions.remove(topic, one)).isEqualTo(expected.remove(one));
        case 2 -> {
          assertThat(subscriptions.replace(topic, one, two)).isEqualTo(expected.remove(one));
          expected.add(two);
        }
        default -> {
          long in = model.values().stream().filter(set -> set.remove(one)).count();
          assertThat(subscriptions.prune(one)).isEqualTo((int) in);
        }
      }
      assertThat(all(topic)).containsExactlyInAnyOrderElementsOf(expected);
    }
  }
}
