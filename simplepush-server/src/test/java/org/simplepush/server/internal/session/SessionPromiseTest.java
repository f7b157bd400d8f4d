package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.server.EndpointHandler;
import org.simplepush.server.fixtures.DelayedStore;
import org.simplepush.server.fixtures.SessionFixture;
import org.simplepush.server.fixtures.TestRequest;
import org.simplepush.server.fixtures.TestWire;

/**
 * The promise itself: a registered device eventually learns the latest version, whatever is lost,
 * late, repeated, out of order, or fails in between. A device as the protocol wants it meets a
 * session over a store whose answers come late, in any order, or not at all.
 */
@Timeout(60)
class SessionPromiseTest extends SessionFixture {
  private static final Pattern UPDATE =
      Pattern.compile("\\{\"channelID\":\"([^\"]+)\",\"version\":(\\d+)}");
  private static final Pattern UAID_FIELD = Pattern.compile("\"uaid\":\"([^\"]+)\"");
  private static final Pattern CHANNEL_FIELD = Pattern.compile("\"channelID\":\"([^\"]+)\"");
  private static final Pattern ENDPOINT_FIELD =
      Pattern.compile("\"pushEndpoint\":\"[^/]+//[^/]+([^\"]+)\"");

  private Random random;

  // The device

  private TestWire wire;
  private String uaid = "";
  private int nextChannel;

  /** The last version heard of each registered channel, -1 if none. */
  private final Map<String, Long> channels = new HashMap<>();

  private final Map<String, Long> heardOnThisConnection = new HashMap<>();
  private final Deque<String> toAcknowledge = new ArrayDeque<>();

  // The application server

  private final Map<String, String> endpoints = new HashMap<>();

  /** The highest version answered with 200, of each channel. */
  private final Map<String, Long> accepted = new HashMap<>();

  // The store

  private final Deque<DelayedStore.Step<?>> asked = new ArrayDeque<>();
  private final List<DelayedStore.Step<?>> done = new ArrayList<>();

  private boolean connected() {
    return wire != null && !wire.isClosed();
  }

  private void connect() {
    wire = connects();
    toAcknowledge.clear();
    heardOnThisConnection.clear();
    wire.saysBeforeTheLoopTurns(
        hello(uaid, channels.keySet().toArray(String[]::new)).replace("['']", "[]"));
  }

  private void listen() {
    for (String message : wire == null ? List.<String>of() : wire.heardAll()) {
      if (message.startsWith("{\"messageType\":\"hello\"") && message.contains("\"status\":200")) {
        String given = field(UAID_FIELD, message);
        if (!given.equals(uaid)) {
          channels.clear();
          endpoints.clear();
          uaid = given;
        }
      } else if (message.contains("\"pushEndpoint\"")) {
        String channelId = field(CHANNEL_FIELD, message);
        channels.putIfAbsent(channelId, -1L);
        endpoints.put(channelId, field(ENDPOINT_FIELD, message));
      } else if (message.startsWith("{\"messageType\":\"notification\"")) {
        notified(message);
      }
    }
  }

  private void notified(String message) {
    Matcher updates = UPDATE.matcher(message);
    while (updates.find()) {
      String channelId = updates.group(1);
      long version = Long.parseLong(updates.group(2));
      assertThat(version)
          .as("versions on one connection never go back")
          .isGreaterThanOrEqualTo(heardOnThisConnection.getOrDefault(channelId, -1L));
      heardOnThisConnection.put(channelId, version);
      channels.computeIfPresent(channelId, (id, last) -> Math.max(last, version));
      toAcknowledge.add(ack(channelId, version));
    }
  }

  private static String field(Pattern pattern, String message) {
    Matcher matcher = pattern.matcher(message);
    assertThat(matcher.find()).as(message).isTrue();
    return matcher.group(1);
  }

  private void put(String channelId) {
    long version = accepted.getOrDefault(channelId, 0L) + random.nextInt(5) - 1;
    if (version < 0) {
      return;
    }
    EndpointHandler.Request request =
        TestRequest.put(endpoints.get(channelId), "version=" + version);
    this.endpoints()
        .handle(request)
        .thenAccept(
            response -> {
              assertThat(response.status()).isIn(200, 410, 503);
              if (response.status() == 200) {
                accepted.merge(channelId, version, Math::max);
              }
            });
  }

  private EndpointHandler endpoints() {
    return super.endpoints;
  }

  /** The store does what it is asked in that order, and answers in any. */
  private void storeGoesOn(boolean mayFail) {
    asked.addAll(store.takeAll());
    if (!asked.isEmpty() && random.nextBoolean()) {
      DelayedStore.Step<?> step = asked.remove();
      if (mayFail && random.nextInt(12) == 0) {
        step.fails(); // and did nothing
      } else {
        step.takesEffect();
        done.add(step);
      }
    }
    if (!done.isEmpty() && random.nextBoolean()) {
      DelayedStore.Step<?> step = done.remove(random.nextInt(done.size()));
      if (mayFail && random.nextInt(12) == 0) {
        step.fails(); // though it did it
      } else {
        step.answers();
      }
    }
  }

  private void somethingHappens() {
    switch (random.nextInt(12)) {
      case 0 -> {
        if (!connected() || random.nextInt(20) == 0) {
          connect(); // perhaps while the older connection is still there
        }
      }
      case 1 -> {
        if (connected() && random.nextInt(10) == 0) {
          wire.breaksOff();
          wire = null;
        }
      }
      case 2 -> {
        if (connected() && !uaid.isEmpty() && channels.size() < 4) {
          wire.saysBeforeTheLoopTurns(register(channel(nextChannel++)));
        }
      }
      case 3 -> {
        if (connected() && channels.size() > 2 && random.nextInt(10) == 0) {
          String channelId = channels.keySet().iterator().next();
          channels.remove(channelId); // locally first
          endpoints.remove(channelId);
          wire.saysBeforeTheLoopTurns(unregister(channelId));
        }
      }
      case 4, 5, 6 -> {
        List<String> all = new ArrayList<>(endpoints.keySet());
        if (!all.isEmpty()) {
          put(all.get(random.nextInt(all.size())));
        }
      }
      case 7, 8 -> {
        if (connected() && !toAcknowledge.isEmpty()) {
          wire.saysBeforeTheLoopTurns(toAcknowledge.remove());
        }
      }
      case 9 -> {
        if (connected()) {
          wire.writable = random.nextBoolean();
          wire.inTurn(Conversation::flush);
        }
      }
      case 10 -> passes(Duration.ofSeconds(random.nextInt(20)));
      default -> {
        if (random.nextInt(200) == 0 && !uaid.isEmpty()) {
          drop(uaid); // the server lost its state
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
  void registeredDeviceLearnsTheLatestVersionInTheEnd(long seed) {
    random = new Random(seed);
    pingMinInterval(Duration.ZERO);
    store.hold();
    for (int step = 0; step < 3000; step++) {
      somethingHappens();
      storeGoesOn(true);
      if (wire != null && random.nextBoolean()) {
        wire.turn();
        listen();
      }
    }
    untilQuiet();
    for (int i = 0; i < 5; i++) { // peace: the device reconnects if it must, reads, and pings
      if (!connected()) {
        connect();
        untilQuiet();
      }
      wire.becomesWritable();
      passes(Duration.ofSeconds(61));
      wire.saysBeforeTheLoopTurns("{}");
      untilQuiet();
      if (i == 2) { // whatever happened before, a new registration works
        wire.saysBeforeTheLoopTurns(register(channel(nextChannel++)));
        untilQuiet();
        channels.keySet().forEach(this::put);
        channels.keySet().forEach(this::put);
      }
    }
    assertThat(channels).as("channels registered in the end").isNotEmpty();
    channels.forEach(
        (channelId, last) ->
            assertThat(last).isGreaterThanOrEqualTo(accepted.getOrDefault(channelId, -1L)));
    assertThat(pending(uaid)).isEmpty();
  }

  private void untilQuiet() {
    for (int i = 0; i < 100; i++) {
      for (int j = 0; j < 20; j++) {
        storeGoesOn(false);
      }
      if (wire != null) {
        wire.turn();
        listen();
        while (connected() && !toAcknowledge.isEmpty()) {
          wire.saysBeforeTheLoopTurns(toAcknowledge.remove());
        }
      }
    }
  }
}
