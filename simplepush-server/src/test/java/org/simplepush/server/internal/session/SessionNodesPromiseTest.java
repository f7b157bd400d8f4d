package org.simplepush.server.internal.session;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.SharedMemoryStore;
import org.simplepush.server.WakeUp;
import org.simplepush.server.fixtures.DelayedStore;
import org.simplepush.server.fixtures.SessionFixture;
import org.simplepush.server.fixtures.TestWire;
import org.simplepush.server.internal.EndpointTokens;

/**
 * The promise on several nodes: devices come to any of them, sleep, come back, acknowledge late;
 * hints between the nodes are lost, doubled and late; the store answers late or fails; nodes die
 * without a word. In the end every device knows the last version that was accepted anywhere.
 */
@Timeout(60)
class SessionNodesPromiseTest {
  private static final Pattern UPDATE =
      Pattern.compile("\\{\"channelID\":\"([^\"]+)\",\"version\":(\\d+)}");
  private static final Pattern UAID_FIELD = Pattern.compile("\"uaid\":\"([^\"]+)\"");
  private static final Pattern CHANNEL_FIELD = Pattern.compile("\"channelID\":\"([^\"]+)\"");
  private static final Pattern ENDPOINT_FIELD = Pattern.compile("\"pushEndpoint\":\"([^\"]+)\"");
  private static final int STEPS = 6000;

  private Random random;
  private final List<Runnable> hints = new ArrayList<>();
  private final SharedMemoryStore shared =
      new SharedMemoryStore(new InMemoryVersionStore(), hints::add);
  private final List<byte[]> keys = List.of(EndpointTokens.randomKey());
  private final List<Node> nodes = new ArrayList<>();
  private final List<Device> devices = new ArrayList<>();
  private int deaths;
  private int sleeps;
  private int moves;

  /** A push server, and how far the store is with what it was asked. */
  private final class Node {
    final SessionFixture server = new SessionFixture(shared, keys);
    final Deque<DelayedStore.Step<?>> asked = new ArrayDeque<>();
    final List<DelayedStore.Step<?>> done = new ArrayList<>();

    Node() {
      server.wakeUp(WakeUp.inNetworks("10.0.0.0/8").quietTime(Duration.ofSeconds(5)));
      server.pingMinInterval(Duration.ZERO);
      server.store.hold();
    }

    /** The store does what this node asks in its order, and answers in any. */
    boolean storeGoesOn(boolean mayFail) {
      asked.addAll(server.store.takeAll());
      if (!asked.isEmpty() && (!mayFail || random.nextBoolean())) {
        DelayedStore.Step<?> step = asked.remove();
        if (mayFail && random.nextInt(20) == 0) {
          step.fails(); // and did nothing
        } else {
          step.takesEffect();
          done.add(step);
        }
      }
      if (!done.isEmpty() && (!mayFail || random.nextBoolean())) {
        DelayedStore.Step<?> step = done.remove(random.nextInt(done.size()));
        if (mayFail && random.nextInt(20) == 0) {
          step.fails(); // though it did it
        } else {
          step.answers();
        }
      }
      return !asked.isEmpty() || !done.isEmpty();
    }
  }

  /** A user agent, and what its application server knows. */
  private final class Device {
    final InetSocketAddress address;
    String uaid = "";
    Node node;
    TestWire wire;
    int nextChannel;

    /** The last version heard of each channel, -1 if none. */
    final Map<String, Long> channels = new HashMap<>();

    final Queue<String> toAcknowledge = new ArrayDeque<>();
    final Map<String, String> endpoints = new HashMap<>();

    /** The highest version answered with 200, of each endpoint. */
    final Map<String, Long> accepted = new HashMap<>();

    Device(int number) {
      address = new InetSocketAddress("10.0.0." + number, 5000);
    }

    boolean isConnected() {
      return wire != null && !wire.isClosed();
    }

    boolean isAsleep() {
      return wire != null && wire.isAsleep() && !node.server.woken.contains(address);
    }

    /** Connects to any node; what was there before is perhaps still open on its side. */
    void connect() {
      Node next = any(nodes);
      moves += next == node ? 0 : 1;
      node = next;
      node.server.woken.remove(address);
      if (wire != null) {
        wire.answersPings = false; // the device is there no longer
      }
      wire = node.server.connects();
      toAcknowledge.clear();
      String hello = SessionFixture.hello(uaid, channels.keySet().toArray(String[]::new));
      String at = "'wakeup_hostport':{'ip':'" + address.getHostString() + "','port':5000},'uaid'";
      wire.saysBeforeTheLoopTurns(hello.replace("'uaid'", at));
    }

    void listen() {
      for (String message : wire == null ? List.<String>of() : wire.heardAll()) {
        if (message.startsWith("{\"messageType\":\"hello\"") && message.contains("\"status\":20")) {
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
          Matcher updates = UPDATE.matcher(message);
          while (updates.find()) {
            long version = Long.parseLong(updates.group(2));
            channels.computeIfPresent(updates.group(1), (id, last) -> Math.max(last, version));
            toAcknowledge.add(SessionFixture.ack(updates.group(1), version));
          }
        }
      }
    }

    void say(String message) {
      if (isConnected() && !uaid.isEmpty()) {
        wire.saysBeforeTheLoopTurns(message);
      }
    }

    void register() {
      if (channels.size() < 3) {
        say(SessionFixture.register(SessionFixture.channel(nextChannel++)));
      }
    }

    void acknowledge() {
      if (!toAcknowledge.isEmpty()) {
        say(toAcknowledge.remove());
      }
    }

    void publish() {
      if (endpoints.isEmpty()) {
        return;
      }
      String endpoint = any(List.copyOf(endpoints.values()));
      long version = Math.max(0, accepted.getOrDefault(endpoint, 0L) + random.nextInt(4) - 1);
      any(nodes)
          .server
          .endpoints
          .handle(SessionFixture.putRequest(endpoint, version))
          .thenAccept(
              response -> {
                assertThat(response.status()).isIn(200, 410, 503);
                if (response.status() == 200) {
                  accepted.merge(endpoint, version, Math::max);
                }
              });
    }

    void knowsWhatWasAccepted() {
      endpoints.forEach(
          (channelId, endpoint) ->
              assertThat(channels.get(channelId))
                  .isGreaterThanOrEqualTo(accepted.getOrDefault(endpoint, -1L)));
    }
  }

  private <T> T any(List<T> of) {
    return of.get(random.nextInt(of.size()));
  }

  private static String field(Pattern pattern, String message) {
    Matcher matcher = pattern.matcher(message);
    assertThat(matcher.find()).as(message).isTrue();
    return matcher.group(1);
  }

  private void somethingHappens() {
    Device device = any(devices);
    Node node = any(nodes);
    switch (random.nextInt(16)) {
      case 0 -> {
        if (random.nextInt(8) == 0
            || (!device.isConnected() && (!device.isAsleep() || random.nextInt(20) == 0))) {
          device.connect();
        }
      }
      case 1 -> {
        if (device.isConnected() && random.nextInt(10) == 0) {
          device.wire.breaksOff();
          device.wire = null;
          device.node = null;
        }
      }
      case 2 -> device.register();
      case 3, 4 -> device.publish();
      case 5, 6 -> device.acknowledge();
      case 7, 8 -> {
        if (!hints.isEmpty()) {
          hints.remove(random.nextInt(hints.size())).run();
        }
      }
      case 9 -> {
        if (!hints.isEmpty()) {
          any(hints).run(); // and comes again
        }
      }
      case 10 -> {
        if (!hints.isEmpty() && random.nextInt(4) == 0) {
          hints.remove(random.nextInt(hints.size()));
        }
      }
      case 11 -> {
        if (random.nextInt(20) == 0) {
          node.server.registry.hintsLost();
        }
      }
      case 12 -> node.server.passes(Duration.ofMillis(random.nextInt(5000)));
      case 13 -> device.say("{}");
      case 14 -> {
        if (random.nextInt(30) == 0) { // so often that no seed gets by without
          dies(node);
        }
      }
      default -> {
        if (random.nextInt(100) == 0 && !device.uaid.isEmpty()) {
          node.server.drop(device.uaid); // the store lost it
        } else if (random.nextInt(100) == 0) {
          shared.forgetRoutes();
        }
      }
    }
  }

  /** Without a word: its claims stay, and what is sent to it is lost. */
  private void dies(Node node) {
    deaths++;
    nodes.set(nodes.indexOf(node), new Node());
    for (Device device : devices) {
      if (device.node == node) {
        device.wire = null;
        device.node = null;
      }
    }
  }

  static LongStream seeds() {
    return LongStream.rangeClosed(1, 30);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void everyDeviceLearnsTheLastVersionInTheEnd(long seed) {
    random = new Random(seed);
    for (int i = 0; i < 2 + seed % 2; i++) {
      nodes.add(new Node());
    }
    for (int i = 1; i <= 3; i++) {
      devices.add(new Device(i));
    }
    for (int step = 1; step <= STEPS; step++) {
      somethingHappens();
      nodes.forEach(node -> node.storeGoesOn(true));
      if (random.nextBoolean()) {
        any(nodes).server.turn();
        devices.forEach(Device::listen);
      }
      sleeps += (int) devices.stream().filter(Device::isAsleep).count();
      if (step % 300 == 0) { // often, or the next version would make up for one that was lost
        afterComparingEveryDeviceKnowsTheLastVersion();
        theNextVersionsArriveByHintsAlone();
      }
    }
    assertThat(deaths).isPositive();
    assertThat(sleeps).isPositive();
    assertThat(moves).isGreaterThan(10);
  }

  /** All hints on their way are lost; then nothing more goes wrong. */
  private void afterComparingEveryDeviceKnowsTheLastVersion() {
    untilQuiet();
    hints.clear();
    nodes.forEach(node -> node.server.registry.hintsLost());
    for (int i = 0; i < 4; i++) {
      for (Device device : devices) {
        if (!device.isConnected() && !device.isAsleep()) {
          device.connect();
        }
      }
      untilQuiet();
      passes(Duration.ofSeconds(3));
      untilQuiet();
    }
    devices.forEach(Device::knowsWhatWasAccepted);
  }

  private void theNextVersionsArriveByHintsAlone() {
    for (Device device : devices) {
      device.register();
    }
    untilQuiet();
    for (Device device : devices) {
      device.publish();
      device.publish();
    }
    for (int i = 0; i < 2; i++) {
      untilQuiet();
      for (Device device : devices) {
        if (!device.isConnected() && !device.isAsleep()) {
          device.connect();
        }
      }
    }
    untilQuiet();
    devices.forEach(Device::knowsWhatWasAccepted);
  }

  private void passes(Duration duration) {
    nodes.forEach(node -> node.server.passes(duration));
  }

  /** The store answers everything, every hint on its way arrives, every loop turns. */
  private void untilQuiet() {
    boolean busy = true;
    for (int quiet = 0; quiet < 3; quiet = busy ? 0 : quiet + 1) {
      busy = false;
      for (Node node : nodes) {
        while (node.storeGoesOn(false)) {
          busy = true;
        }
        node.server.turn();
      }
      while (!hints.isEmpty()) {
        busy = true;
        hints.remove(random.nextInt(hints.size())).run();
      }
      for (Device device : devices) {
        device.listen();
        while (device.isConnected() && !device.toAcknowledge.isEmpty()) {
          busy = true;
          device.acknowledge();
        }
      }
    }
  }
}
