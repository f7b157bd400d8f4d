package org.simplepush.server;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.core.ChannelId;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.Uaid;
import org.simplepush.core.VersionStore.Unknown;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.LoggedMessages;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.WireDevice;
import org.simplepush.server.internal.EndpointTokens;
import org.simplepush.server.internal.keys.KeyKeeper;
import org.simplepush.server.internal.keys.KeyRecord;
import org.simplepush.server.sqlite.SqliteVersionStore;

/** Endpoint keys at each start of a server with a file of its own (protocol §8). */
@Timeout(60)
@ExtendWith(Hygiene.class)
class SqliteKeysTest {
  @TempDir private Path folder;

  private SqliteVersionStore store;
  private PushServer server;

  private Path file() {
    return folder.resolve("store.db");
  }

  private Path keyFile() {
    return folder.resolve("endpoint.keys");
  }

  /** Starts a server on the file, after the one before has ended. */
  private PushServer start(UnaryOperator<PushServer.Builder> settings) throws IOException {
    stop();
    store = SqliteVersionStore.open(file());
    PushServer.Builder builder =
        PushServer.builder().port(0).endpointPort(0).pingMinInterval(Duration.ZERO).store(store);
    server = settings.apply(builder).build();
    return server.start();
  }

  private PushServer start() throws IOException {
    return start(builder -> builder);
  }

  private PushServer startWith(EndpointKeys keys) throws IOException {
    return start(builder -> builder.keys(keys));
  }

  @AfterEach
  void stop() {
    if (server != null) {
      server.close();
      store.close();
      server = null;
    }
  }

  private static byte[] key(int seed) {
    byte[] key = new byte[EndpointKeys.KEY_LENGTH];
    Arrays.fill(key, (byte) seed);
    return key;
  }

  private static EndpointKeys keys(Integer... seeds) {
    return EndpointKeys.of(Arrays.stream(seeds).map(SqliteKeysTest::key).toList());
  }

  private static String base64(byte[] key) {
    return Base64.getEncoder().encodeToString(key);
  }

  private void writeKeyFile(int... seeds) throws IOException {
    Files.write(keyFile(), Arrays.stream(seeds).mapToObj(seed -> base64(key(seed))).toList());
    Files.setPosixFilePermissions(keyFile(), PosixFilePermissions.fromString("rw-------"));
  }

  /** Waits, for stores answer later. */
  private static <T> T get(CompletionStage<T> stage) throws Exception {
    return stage.toCompletableFuture().get(20, SECONDS);
  }

  private String record() throws Exception {
    return get(store.keyRecord()).orElseThrow();
  }

  /** A device with one channel, after it has left. */
  private record Registered(String uaid, URI endpoint) {}

  private Registered register() throws Exception {
    try (WireDevice device = WireDevice.fresh(server.port())) {
      return new Registered(device.uaid(), device.register(CHANNEL));
    }
  }

  /** The endpoint this channel is given now. */
  private URI registerAgain(Registered known) throws Exception {
    try (WireDevice device = WireDevice.resumed(server.port(), known.uaid(), CHANNEL)) {
      return device.register(CHANNEL);
    }
  }

  private int put(URI endpoint) throws Exception {
    return RawHttp.put(server.endpointUrl().resolve(endpoint.getRawPath()), "").status();
  }

  private void assertReachable(Registered known) throws Exception {
    assertThat(put(known.endpoint())).isEqualTo(200);
    try (WireDevice device = WireDevice.resumed(server.port(), known.uaid(), CHANNEL)) {
      Map<String, Long> updates = device.nextUpdates();
      assertThat(updates).containsOnlyKeys(CHANNEL);
      device.acknowledge(updates);
    }
  }

  private void assertStartsOver(Registered known) throws Exception {
    try (WireDevice device = WireDevice.connect(server.port())) {
      assertThat(device.hello(known.uaid(), CHANNEL)).isNotEqualTo(known.uaid());
      assertThat(put(device.register(CHANNEL))).isEqualTo(200);
      assertThat(device.nextUpdates()).containsOnlyKeys(CHANNEL);
    }
  }

  private void assertRefuses(UnaryOperator<PushServer.Builder> settings, String sentence) {
    assertThatThrownBy(() -> start(settings))
        .isInstanceOf(EndpointKeysException.class)
        .hasMessageMatching("[^\n]+")
        .hasMessageContaining(sentence);
    assertThatThrownBy(server::port).isInstanceOf(IllegalStateException.class);
  }

  // Keys that the store keeps

  @Test
  void endpointsSurviveARestartWithoutAKeyFile() throws Exception {
    start();
    Registered device = register();

    start();

    assertReachable(device);
    assertThat(registerAgain(device).getRawPath()).isEqualTo(device.endpoint().getRawPath());
  }

  @Test
  void keyIsInTheStoreBeforeTheFirstEndpointIsHandedOut() throws Exception {
    start();

    KeyRecord record = KeyRecord.parse(record());
    assertThat(record.issued()).hasSize(1);
    assertThat(record.last().isKept()).isTrue();
    assertThat(record.last().since()).isBetween(1_700_000_000_000L, System.currentTimeMillis());
  }

  @Test
  void storeThatCannotRememberAKeyIsNotServed() throws Exception {
    start();
    stop();
    store = SqliteVersionStore.open(folder.resolve("other.db"));
    store.close();
    server = PushServer.builder().port(0).endpointPort(0).store(store).build();

    assertThatThrownBy(server::start)
        .isInstanceOf(IOException.class)
        .hasMessageContaining("The store was closed");
  }

  @Test
  void storeThatDoesNotLastIsWarnedOf() throws Exception {
    try (LoggedMessages logged = LoggedMessages.of(KeyKeeper.class);
        PushServer forgetful =
            PushServer.builder()
                .port(0)
                .endpointPort(0)
                .store(new InMemoryVersionStore())
                .build()
                .start()) {
      assertThat(forgetful.port()).isPositive();
      assertThat(logged.warnings())
          .containsExactly(
              "No endpoint keys are set and the store keeps none:"
                  + " every endpoint dies with this process");
    }
  }

  @Test
  void storeThatLastsIsNotWarnedOf() throws Exception {
    try (LoggedMessages logged = LoggedMessages.of(KeyKeeper.class)) {
      start();
      start();
      assertThat(logged.warnings()).isEmpty();
    }
  }

  @Test
  void rotatedKeysIssueNewEndpointsAndOpenTheOldOnes() throws Exception {
    start();
    Registered device = register();

    start(PushServer.Builder::rotateKeys);
    assertReachable(device);
    URI second = registerAgain(device);
    assertThat(second.getRawPath()).isNotEqualTo(device.endpoint().getRawPath());
    start(PushServer.Builder::rotateKeys);
    URI third = registerAgain(device);
    assertThat(third.getRawPath()).isNotIn(device.endpoint().getRawPath(), second.getRawPath());

    start();
    assertThat(registerAgain(device).getRawPath()).isEqualTo(third.getRawPath());
    assertThat(List.of(put(device.endpoint()), put(second), put(third))).containsOnly(200);
    assertThat(KeyRecord.parse(record()).issued())
        .hasSize(3)
        .isSortedAccordingTo((one, two) -> Long.compare(one.since(), two.since()));
  }

  // Keys that are handed in

  @Test
  void keysHandedInAreNotInTheStore() throws Exception {
    byte[] secret = EndpointKeys.ephemeral().keys().get(0);
    startWith(EndpointKeys.of(List.of(secret)));
    Registered device = register();
    assertThat(record()).contains(KeyRecord.fingerprintOf(secret)).doesNotContain(base64(secret));
    stop();

    String content = Files.readString(file(), StandardCharsets.ISO_8859_1);
    assertThat(content)
        .contains("simplepush endpoint keys 1")
        .doesNotContain(base64(secret), new String(secret, StandardCharsets.ISO_8859_1));
    startWith(EndpointKeys.of(List.of(secret)));
    assertReachable(device);
  }

  @Test
  void keyFileIsMadeForANewStore() throws Exception {
    start(builder -> builder.keyFile(keyFile()));
    Registered device = register();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(keyFile())))
        .isEqualTo("rw-------");

    start(builder -> builder.keyFile(keyFile()));

    assertReachable(device);
    assertThat(KeyRecord.parse(record()).kept()).isEmpty();
  }

  @Test
  void keyFileIsMadeForAStoreThatDoesNotLast() throws Exception {
    try (PushServer forgetful =
        PushServer.builder().port(0).endpointPort(0).keyFile(keyFile()).build().start()) {
      assertThat(forgetful.port()).isPositive();
      assertThat(EndpointKeys.load(keyFile()).keys()).hasSize(1);
    }
  }

  @Test
  void lostKeyFileIsNoticedAndNotMadeAgain() throws Exception {
    start(builder -> builder.keyFile(keyFile()));
    Registered device = register();
    Path lost = folder.resolve("lost");
    Files.move(keyFile(), lost);

    assertRefuses(
        builder -> builder.keyFile(keyFile()), "The key file " + keyFile() + " does not exist");
    assertThat(keyFile()).doesNotExist();

    Files.move(lost, keyFile());
    start(builder -> builder.keyFile(keyFile()));
    assertReachable(device);
  }

  @Test
  void keyFileIsNotMadeForAStoreWithAKeyAndNoUserAgents() throws Exception {
    start();

    assertRefuses(builder -> builder.keyFile(keyFile()), "put it back, or leave it out");
    assertThat(keyFile()).doesNotExist();
  }

  @Test
  void otherKeysAreRefused() throws Exception {
    writeKeyFile(1);
    start(builder -> builder.keyFile(keyFile()));
    Registered device = register();

    writeKeyFile(2);
    assertRefuses(
        builder -> builder.keyFile(keyFile()),
        "with a key that is not among those handed in: hand it in too (--key-file), or let every user"
            + " agent start over (--start-over)");

    writeKeyFile(1);
    start(builder -> builder.keyFile(keyFile()));
    assertReachable(device);
  }

  @Test
  void keysAreRotatedByPuttingANewOneInFront() throws Exception {
    startWith(keys(1));
    Registered device = register();

    startWith(keys(2, 1));
    assertReachable(device);
    URI second = registerAgain(device);
    assertThat(second.getRawPath()).isNotEqualTo(device.endpoint().getRawPath());
    assertRefuses(builder -> builder.keys(keys(1)), "not among those handed in");

    startWith(keys(1, 2));
    assertThat(registerAgain(device).getRawPath()).isEqualTo(device.endpoint().getRawPath());
    assertThat(put(second)).isEqualTo(200);
    assertRefuses(builder -> builder.keys(keys(2)), "not among those handed in");
  }

  @Test
  void keyThatNoLongerIssuesMayBeMissingWithAWarning() throws Exception {
    startWith(keys(1));
    Registered device = register();
    startWith(keys(2, 1));

    try (LoggedMessages logged = LoggedMessages.of(KeyKeeper.class)) {
      startWith(keys(2));
      assertThat(logged.warnings())
          .containsExactly(
              "1 of the keys that have issued endpoints of this store are missing: these endpoints"
                  + " are answered 404 until the keys are handed in again");
    }
    assertThat(put(device.endpoint())).isEqualTo(404);

    try (LoggedMessages logged = LoggedMessages.of(KeyKeeper.class)) {
      startWith(keys(2, 1));
      assertThat(logged.warnings()).isEmpty();
    }
    assertReachable(device);
  }

  // From one to the other

  @Test
  void storesKeysGoOnOpeningWhenAKeyFileTakesOver() throws Exception {
    start();
    Registered device = register();
    writeKeyFile(1);

    try (LoggedMessages logged = LoggedMessages.of(KeyKeeper.class)) {
      start(builder -> builder.keyFile(keyFile()));
      assertThat(logged.warnings()).hasSize(1).first().asString().contains("kept in the store");
    }
    assertReachable(device);
    URI second = registerAgain(device);
    assertThat(second.getRawPath()).isNotEqualTo(device.endpoint().getRawPath());
    start(builder -> builder.keyFile(keyFile()));
    assertThat(registerAgain(device).getRawPath()).isEqualTo(second.getRawPath());
    assertReachable(device);

    start(builder -> builder.keyFile(keyFile()).startOver());
    assertThat(KeyRecord.parse(record()).kept()).isEmpty();
    assertThat(put(device.endpoint())).isEqualTo(404);
    assertStartsOver(device);
  }

  @Test
  void keyThatIsHandedInIsNotKeptAnyLonger() throws Exception {
    start();
    Registered device = register();
    byte[] kept = KeyRecord.parse(record()).kept().get(0);

    startWith(EndpointKeys.of(List.of(kept)));

    assertThat(record()).doesNotContain(base64(kept));
    assertThat(registerAgain(device).getRawPath()).isEqualTo(device.endpoint().getRawPath());
  }

  @Test
  void keyFileCannotBeLeftOutUnlessUserAgentsStartOver() throws Exception {
    startWith(keys(1));
    Registered device = register();

    assertRefuses(
        builder -> builder,
        "with a key that was handed in, which the store does not keep: hand it in again"
            + " (--key-file), or let every user agent start over (--start-over)");

    start(PushServer.Builder::startOver);
    assertThat(put(device.endpoint())).isEqualTo(404);
    assertStartsOver(device);
    Registered second = register();
    start();
    assertReachable(second);
  }

  // Starting over

  @Test
  void userAgentsStartOverWithOtherKeys() throws Exception {
    startWith(keys(1));
    Registered device = register();

    start(builder -> builder.keys(keys(2)).startOver());
    assertThat(put(device.endpoint())).isEqualTo(404);
    assertStartsOver(device);
    Registered second = register();

    startWith(keys(2));
    assertReachable(second);
    assertRefuses(builder -> builder.keys(keys(1)), "not among those handed in");
  }

  @Test
  void userAgentsStartOverWithALostKeyFile() throws Exception {
    start(builder -> builder.keyFile(keyFile()));
    Registered device = register();
    Files.delete(keyFile());

    start(builder -> builder.keyFile(keyFile()).startOver());
    assertStartsOver(device);
    Registered second = register();

    start(builder -> builder.keyFile(keyFile()));
    assertReachable(second);
  }

  @Test
  void userAgentsStartOverWithTheKeysOfTheStore() throws Exception {
    start();
    Registered device = register();

    start(PushServer.Builder::startOver);
    assertThat(put(device.endpoint())).isEqualTo(410);
    assertStartsOver(device);
    assertThat(KeyRecord.parse(record()).startedOver()).isEqualTo(1);
  }

  @Test
  void startingOverThatWasBrokenOffIsFinishedByTheNextStart() throws Exception {
    start();
    Registered device = register();
    KeyRecord record = KeyRecord.parse(record());
    String inTheMiddle = record.startingOver(record.issued()).text();
    get(store.replaceKeyRecord(record(), inTheMiddle));

    start();

    assertStartsOver(device);
    assertThat(KeyRecord.parse(record()).startingOver()).isFalse();
    Registered second = register();
    start();
    assertReachable(second);
  }

  @Test
  void userAgentsOfAStoreThatDoesNotLastStartOverToo() throws Exception {
    InMemoryVersionStore memory = new InMemoryVersionStore();
    Uaid uaid = Uaid.random();
    get(memory.hello(uaid, List.of()));
    try (PushServer forgetful =
        PushServer.builder().port(0).endpointPort(0).store(memory).startOver().build().start()) {
      assertThat(forgetful.port()).isPositive();
      assertThat(get(memory.pending(uaid))).isEqualTo(new Unknown());
    }
  }

  // Stores of older versions, and older copies

  /** What an older version left: user agents and no record. */
  private Registered olderVersion(EndpointKeys keys) throws Exception {
    Uaid uaid = Uaid.random();
    ChannelId channel = ChannelId.parse(CHANNEL);
    try (SqliteVersionStore older = SqliteVersionStore.open(file())) {
      get(older.hello(uaid, List.of()));
      get(older.register(uaid, channel, 10));
    }
    String token = new EndpointTokens(keys.keys()).seal(uaid, channel);
    return new Registered(uaid.text(), URI.create("http://127.0.0.1/update/" + token));
  }

  @Test
  void storeOfAnOlderVersionAdoptsTheKeysHandedIn() throws Exception {
    Registered device = olderVersion(keys(2));

    startWith(keys(1, 2));
    assertReachable(device);

    assertRefuses(builder -> builder.keys(keys(3, 2)), "not among those handed in");
    try (LoggedMessages logged = LoggedMessages.of(KeyKeeper.class)) {
      startWith(keys(1));
      assertThat(logged.warnings()).hasSize(1).first().asString().startsWith("1 of the keys");
    }
  }

  @Test
  void storeOfAnOlderVersionIsRefusedWithoutKeys() throws Exception {
    Registered device = olderVersion(keys(1));

    assertRefuses(
        builder -> builder,
        "The store has user agents, but no record of the keys of their endpoints");
    assertRefuses(
        builder -> builder.keyFile(keyFile()), "The key file " + keyFile() + " does not exist");
    assertThat(keyFile()).doesNotExist();

    startWith(keys(1));
    assertReachable(device);
  }

  @Test
  void storeOfAnOlderVersionWithoutKeysMayStartOver() throws Exception {
    Registered device = olderVersion(keys(1));

    start(PushServer.Builder::startOver);

    assertStartsOver(device);
  }

  @Test
  void restoredCopyWithKeysOfItsOwnTellsWhoRegisteredLater() throws Exception {
    start();
    Registered before = register();
    stop();
    Path copy = folder.resolve("copy.db");
    Files.copy(file(), copy);
    start(PushServer.Builder::rotateKeys);
    Registered after = register();
    stop();
    Files.delete(file());
    Files.move(copy, file());

    start();

    assertReachable(before);
    assertStartsOver(after);
  }

  @Test
  void restoredCopyAndAKeyFileGoTogetherIfTheKeyOfThenIsThere() throws Exception {
    startWith(keys(1));
    Registered device = register();
    stop();
    Path copy = folder.resolve("copy.db");
    Files.copy(file(), copy);
    startWith(keys(2, 1));
    startWith(keys(2));
    stop();
    Files.delete(file());
    Files.move(copy, file());

    assertRefuses(builder -> builder.keys(keys(2)), "not among those handed in");
    startWith(keys(2, 1));
    assertReachable(device);
    start(builder -> builder.keys(keys(2)).startOver());
    assertStartsOver(device);
  }

  @Test
  void lostStoreIsANewOne() throws Exception {
    start();
    Registered device = register();
    stop();
    Files.delete(file());

    start();

    assertThat(put(device.endpoint())).isEqualTo(404);
    assertStartsOver(device);
  }

  @Test
  void recordOfALaterVersionIsRefused() throws Exception {
    start();
    get(store.replaceKeyRecord(record(), "simplepush endpoint keys 2\nunknown\n"));

    assertRefuses(builder -> builder, "was written by a later version: upgrade");
  }
}
