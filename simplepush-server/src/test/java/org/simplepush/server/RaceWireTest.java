package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.channel;
import static org.simplepush.server.fixtures.TestServers.eventually;
import static org.simplepush.server.fixtures.TestServers.server;

import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.Json;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.WireDevice;

/**
 * Devices and application servers at the same time, over real sockets: whatever the order, what a
 * device sees never goes back, and the last version arrives.
 */
@Timeout(180)
@ExtendWith(Hygiene.class)
class RaceWireTest {
  private static PushServer server;
  private ExecutorService threads;

  @BeforeAll
  static void startServer() throws Exception {
    server = server().eventLoops(3).build().start();
  }

  @AfterAll
  static void closeServer() {
    server.close();
  }

  @BeforeEach
  void startThreads() {
    threads = Executors.newCachedThreadPool();
  }

  @AfterEach
  void stopThreads() {
    threads.shutdownNow();
  }

  private <T> Future<T> run(Callable<T> task) {
    return threads.submit(task);
  }

  private static void join(List<? extends Future<?>> futures) throws Exception {
    for (Future<?> future : futures) {
      future.get(40, TimeUnit.SECONDS);
    }
  }

  /** PUTs these versions one after another on one connection. */
  private static void putAll(URI endpoint, List<Long> versions) throws Exception {
    try (RawHttp http = RawHttp.connect(endpoint)) {
      for (long version : versions) {
        assertThat(http.putOn(endpoint, "version=" + version).status()).isEqualTo(200);
      }
    }
  }

  /** Reads until every channel has reached the version; versions of a channel must only grow. */
  private static void readUntil(WireDevice device, Map<String, Long> seen, long last, int channels)
      throws Exception {
    while (seen.values().stream().filter(version -> version == last).count() < channels) {
      device
          .nextUpdates()
          .forEach(
              (channel, version) -> {
                Long earlier = seen.put(channel, version);
                assertThat(version).as(channel).isGreaterThan(earlier == null ? 0 : earlier);
              });
    }
  }

  // Many PUTs at once

  @Test
  void twoPutsInAnyOrderDeliverTheHigher() throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      URI endpoint = device.register(CHANNEL);
      try (RawHttp one = RawHttp.connect(endpoint);
          RawHttp two = RawHttp.connect(endpoint)) {
        for (long round = 1; round <= 300; round++) {
          long low = 2 * round;
          long high = low + 1;
          Future<RawHttp.Response> lower = run(() -> one.putOn(endpoint, "version=" + low));
          Future<RawHttp.Response> higher = run(() -> two.putOn(endpoint, "version=" + high));
          Map<String, Long> first = device.nextUpdates();
          if (first.get(CHANNEL) == low) {
            device.expectUpdate(CHANNEL, high);
          } else {
            assertThat(first).isEqualTo(Map.of(CHANNEL, high));
          }
          assertThat(lower.get(20, TimeUnit.SECONDS).status()).isEqualTo(200);
          assertThat(higher.get(20, TimeUnit.SECONDS).status()).isEqualTo(200);
          device.proveNothingCame();
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void manyPutsOfManyThreadsNeverGoBackAndTheLastArrives(long seed) throws Exception {
    int channels = 5;
    long versions = 200;
    Random random = new Random(seed);
    try (WireDevice device = WireDevice.fresh(server.port())) {
      List<URI> endpoints = new ArrayList<>();
      for (int i = 0; i < channels; i++) {
        endpoints.add(device.register(channel(i)));
      }
      List<Future<Void>> puts = new ArrayList<>();
      for (URI endpoint : endpoints) {
        List<Long> shuffled =
            LongStream.rangeClosed(1, versions).boxed().collect(Collectors.toList());
        Collections.shuffle(shuffled, random);
        int half = shuffled.size() / 2;
        for (List<Long> share :
            List.of(shuffled.subList(0, half), shuffled.subList(half, shuffled.size()))) {
          puts.add(
              run(
                  () -> {
                    putAll(endpoint, share);
                    return null;
                  }));
        }
      }
      readUntil(device, new HashMap<>(), versions, channels);
      join(puts);
      device.proveNothingCame();
    }
  }

  @Test
  void versionsTheServerPicksAreAllDifferentAndGrow() throws Exception {
    int threadCount = 4;
    int puts = 100;
    try (WireDevice device = WireDevice.fresh(server.port())) {
      URI endpoint = device.register(CHANNEL);
      long before = server.statistics().updatesAccepted();
      List<Future<Void>> all = new ArrayList<>();
      for (int i = 0; i < threadCount; i++) {
        all.add(
            run(
                () -> {
                  try (RawHttp http = RawHttp.connect(endpoint)) {
                    for (int n = 0; n < puts; n++) {
                      assertThat(http.putOn(endpoint, "").status()).isEqualTo(200);
                    }
                  }
                  return null;
                }));
      }
      join(all);
      assertThat(server.statistics().updatesAccepted() - before).isEqualTo(threadCount * puts);
      long last = 0;
      for (Map<String, Long> notification : device.drainUpdates()) {
        assertThat(notification.get(CHANNEL)).isGreaterThan(last);
        last = notification.get(CHANNEL);
      }
      device.hello(device.uaid(), CHANNEL);
      device.expectUpdate(CHANNEL, last);
    }
  }

  // Acks

  @Test
  void lateAckOfAnOlderVersionDoesNotClearTheNewer() throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      URI endpoint = device.register(CHANNEL);
      putAll(endpoint, List.of(7L));
      device.expectUpdate(CHANNEL, 7);
      putAll(endpoint, List.of(8L));
      device.expectUpdate(CHANNEL, 8);
      device.acknowledge(CHANNEL, 7);
      device.hello(device.uaid(), CHANNEL);
      device.expectUpdate(CHANNEL, 8);
      device.acknowledge(CHANNEL, 8);
      device.hello(device.uaid(), CHANNEL);
      device.proveNothingCame();
    }
  }

  @Test
  void ackThatRacesANewerVersionNeverLosesIt() throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      URI endpoint = device.register(CHANNEL);
      try (RawHttp http = RawHttp.connect(endpoint)) {
        for (long round = 1; round <= 300; round++) {
          long older = 2 * round;
          long newer = older + 1;
          assertThat(http.putOn(endpoint, "version=" + older).status()).isEqualTo(200);
          device.expectUpdate(CHANNEL, older);
          Future<RawHttp.Response> put = run(() -> http.putOn(endpoint, "version=" + newer));
          device.acknowledge(CHANNEL, older);
          device.expectUpdate(CHANNEL, newer);
          assertThat(put.get(20, TimeUnit.SECONDS).status()).isEqualTo(200);
          // Still pending: a hello brings it again.
          device.hello(device.uaid(), CHANNEL);
          device.expectUpdate(CHANNEL, newer);
          device.acknowledge(CHANNEL, newer);
        }
      }
    }
  }

  // Connections that come and go

  @Test
  void takeoverWhilePutsRunLosesNothing() throws Exception {
    WireDevice device = WireDevice.fresh(server.port());
    try {
      String uaid = device.uaid();
      URI endpoint = device.register(CHANNEL);
      AtomicLong published = new AtomicLong();
      AtomicBoolean stop = new AtomicBoolean();
      Future<Void> puts = run(() -> putUntil(stop, endpoint, published));
      long last = 0;
      for (int round = 0; round < 100; round++) {
        WireDevice next = WireDevice.resumed(server.port(), uaid, CHANNEL);
        last = readPast(next, last, published.get());
        device.close();
        device = next;
      }
      stop.set(true);
      puts.get(20, TimeUnit.SECONDS);
      // Nothing was acknowledged, so the last comes again.
      try (WireDevice next = WireDevice.resumed(server.port(), uaid, CHANNEL)) {
        next.expectUpdate(CHANNEL, published.get());
        next.proveNothingCame();
      }
    } finally {
      device.close();
    }
  }

  /** Reads until this connection has brought at least this version; versions must not go back. */
  private static long readPast(WireDevice device, long last, long atLeast) throws Exception {
    long version = last;
    do {
      Long next = device.nextUpdates().get(CHANNEL);
      assertThat(next).isGreaterThanOrEqualTo(version);
      version = next;
    } while (version < atLeast);
    return version;
  }

  private static Void putUntil(AtomicBoolean stop, URI endpoint, AtomicLong published)
      throws Exception {
    try (RawHttp http = RawHttp.connect(endpoint)) {
      while (!stop.get()) {
        long version = published.get() + 1;
        assertThat(http.putOn(endpoint, "version=" + version).status()).isEqualTo(200);
        published.set(version);
      }
    }
    return null;
  }

  @Test
  void displacedConnectionGetsNothingAfterItsCloseFrame() throws Exception {
    try (WireDevice first = WireDevice.fresh(server.port())) {
      URI endpoint = first.register(CHANNEL);
      WireDevice old = first;
      for (long round = 1; round <= 50; round++) {
        WireDevice next = WireDevice.resumed(server.port(), first.uaid(), CHANNEL);
        putAll(endpoint, List.of(round));
        next.expectUpdate(CHANNEL, round);
        next.acknowledge(CHANNEL, round);
        next.proveNothingCame(); // and the ack has arrived
        RawWebSocket.Frame frame = old.socket().nextFrame();
        while (frame.opcode() == RawWebSocket.TEXT) {
          frame = old.socket().nextFrame(); // what the store told it before it was displaced
        }
        assertThat(frame.closeCode()).as("code of %s", frame).isEqualTo(1008);
        old.socket().expectEnd();
        old.close();
        old = next;
      }
      old.close();
    }
  }

  @Test
  void lateEndOfTheOldConnectionDoesNotUnregisterTheNew() throws Exception {
    WireDevice device = WireDevice.fresh(server.port());
    try {
      String uaid = device.uaid();
      URI endpoint = device.register(CHANNEL);
      for (long round = 1; round <= 100; round++) {
        WireDevice next = WireDevice.connect(server.port());
        WireDevice old = device;
        Future<Void> end =
            run(
                () -> {
                  old.socket().socket().reset();
                  return null;
                });
        assertThat(next.hello(uaid, CHANNEL)).isEqualTo(uaid);
        end.get(20, TimeUnit.SECONDS);
        putAll(endpoint, List.of(round));
        next.expectUpdate(CHANNEL, round);
        next.acknowledge(CHANNEL, round);
        next.proveNothingCame();
        device = next;
      }
    } finally {
      device.close();
    }
  }

  @Test
  void helloThatRacesPutsLosesNothing() throws Exception {
    WireDevice first = WireDevice.fresh(server.port());
    URI endpoint = first.register(CHANNEL);
    String uaid = first.uaid();
    first.close();
    try (RawHttp http = RawHttp.connect(endpoint)) {
      for (long round = 1; round <= 200; round++) {
        long version = round;
        try (WireDevice device = WireDevice.connect(server.port())) {
          Future<RawHttp.Response> put = run(() -> http.putOn(endpoint, "version=" + version));
          assertThat(device.hello(uaid, CHANNEL)).isEqualTo(uaid);
          device.expectUpdate(CHANNEL, version); // whether it was there before or came after
          assertThat(put.get(20, TimeUnit.SECONDS).status()).isEqualTo(200);
          device.acknowledge(CHANNEL, version);
          device.proveNothingCame();
        }
      }
    }
  }

  @Test
  void registerThatRacesAHelloElsewhereIsNotLostInSilence() throws Exception {
    int registered = 0;
    int takenOver = 0;
    // As many rounds as it takes to see both; which of the two comes first is up to the machine.
    for (int round = 0; round < 100 || registered == 0 || takenOver == 0; round++) {
      try (WireDevice old = WireDevice.fresh(server.port());
          WireDevice next = WireDevice.connect(server.port())) {
        String uaid = old.uaid();
        // No list: nothing is compared, so whatever was answered with 200 must be there.
        String hello = "{\"messageType\":\"hello\",\"uaid\":\"" + uaid + "\"}";
        boolean helloFirst = round % 2 == 0; // else the register nearly always wins
        if (helloFirst) {
          next.socket().send(hello);
        }
        Future<Optional<URI>> register = run(() -> registerUnlessTakenOver(old));
        if (!helloFirst) {
          next.socket().send(hello);
        }
        assertThat(Json.text(next.socket().nextJson(), "uaid")).isEqualTo(uaid);
        Optional<URI> endpoint = register.get(20, TimeUnit.SECONDS);
        if (endpoint.isPresent()) {
          registered++;
          assertThat(RawHttp.put(endpoint.get(), "version=1").status()).isEqualTo(200);
          next.expectUpdate(CHANNEL, 1);
        } else {
          takenOver++;
        }
      }
    }
  }

  /** Nothing, if a newer connection closes this one before it is answered. */
  private static Optional<URI> registerUnlessTakenOver(WireDevice device) throws Exception {
    try {
      device.socket().send("{\"messageType\":\"register\",\"channelID\":\"" + CHANNEL + "\"}");
    } catch (IOException e) {
      return Optional.empty(); // closed before this was sent
    }
    RawWebSocket.Frame frame;
    try {
      frame = device.socket().nextFrame();
    } catch (IOException e) {
      return Optional.empty(); // reset, because the register came after the end
    }
    if (frame.opcode() == RawWebSocket.CLOSE) {
      assertThat(frame.closeCode()).isEqualTo(1008);
      return Optional.empty();
    }
    Object reply = Json.read(frame.text());
    assertThat(Json.field(reply, "status")).isEqualTo(200L);
    return Optional.of(URI.create(Json.text(reply, "pushEndpoint")));
  }

  // Unregister

  @Test
  void nothingComesForAChannelOnceItsUnregisterIsAnswered() throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      for (int round = 0; round < 200; round++) {
        URI endpoint = device.register(CHANNEL);
        try (RawHttp http = RawHttp.connect(endpoint)) {
          Future<Void> puts =
              run(
                  () -> {
                    long version = 0;
                    int status = 200;
                    while (status == 200) {
                      status = http.putOn(endpoint, "version=" + ++version).status();
                    }
                    assertThat(status).isEqualTo(410);
                    return null;
                  });
          device.nextUpdates();
          device
              .socket()
              .send("{\"messageType\":\"unregister\",\"channelID\":\"" + CHANNEL + "\"}");
          Object message = device.socket().nextJson();
          while (WireDevice.isNotification(message)) {
            message = device.socket().nextJson();
          }
          assertThat(Json.field(message, "messageType")).isEqualTo("unregister");
          puts.get(20, TimeUnit.SECONDS);
          device.proveNothingCame();
        }
      }
    }
  }

  @Test
  void stormOfDevicesAndPutsEndsWithEveryDeviceUpToDate() throws Exception {
    int devices = 30;
    long versions = 30;
    List<Future<Void>> all = new ArrayList<>();
    for (int i = 0; i < devices; i++) {
      WireDevice first = WireDevice.fresh(server.port());
      URI endpoint = first.register(CHANNEL);
      String uaid = first.uaid();
      first.close();
      all.add(
          run(
              () -> {
                putAll(endpoint, LongStream.rangeClosed(1, versions).boxed().toList());
                return null;
              }));
      Random random = new Random(i);
      all.add(
          run(
              () -> {
                long last = 0;
                while (last < versions) {
                  WireDevice device = WireDevice.resumed(server.port(), uaid, CHANNEL);
                  long version = device.nextUpdates().get(CHANNEL);
                  assertThat(version).isGreaterThanOrEqualTo(last);
                  last = version;
                  device.acknowledge(CHANNEL, version);
                  if (last == versions) {
                    device.proveNothingCame();
                  }
                  if (random.nextBoolean()) {
                    device.close();
                  } else {
                    device.socket().socket().reset();
                  }
                }
                return null;
              }));
    }
    join(all);
    eventually(() -> assertThat(server.statistics().connections()).isZero());
  }
}
