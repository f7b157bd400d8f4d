package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;
import static org.simplepush.server.redis.RedisNodesTest.WEEK;
import static org.simplepush.server.redis.RedisNodesTest.claim;
import static org.simplepush.server.redis.RedisNodesTest.get;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.cluster.SlotHash;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.simplepush.core.ChannelId;
import org.simplepush.core.SharedVersionStore;
import org.simplepush.core.SharedVersionStore.Basis;
import org.simplepush.core.SharedVersionStore.Comparison;
import org.simplepush.core.SharedVersionStore.Node;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.Update;
import org.simplepush.core.VersionStore.Advance;
import org.simplepush.core.VersionStore.Pending;
import org.simplepush.core.VersionStore.Registration;
import org.simplepush.core.VersionStore.Resumption.Resumed;
import org.simplepush.core.VersionStore.Unknown;

/** Redis loses what it had confirmed last; the nodes bring it back. */
@Tag("long")
class RedisLossTest extends RedisFixture {
  private static final String TICKS = "simplepush:ticks";

  /** A device that is not connected, with one channel. */
  private record Absent(Uaid uaid, ChannelId channel) {}

  private List<Absent> devices(RedisVersionStore store, Predicate<Uaid> wanted) throws Exception {
    List<Absent> devices = new ArrayList<>();
    for (Uaid each : Stream.generate(Uaid::random).filter(wanted).limit(32).toList()) {
      Absent device = new Absent(each, ChannelId.random());
      get(store.hello(device.uaid(), List.of()));
      assertThat(get(store.register(device.uaid(), device.channel(), 9)))
          .isEqualTo(new Registration.Registered());
      devices.add(device);
    }
    return devices;
  }

  /** Publishes to each device by one of the nodes in turn. */
  private void advance(List<Absent> devices, long version, RedisVersionStore... nodes)
      throws Exception {
    for (int i = 0; i < devices.size(); i++) {
      Absent device = devices.get(i);
      assertThat(get(nodes[i % nodes.length].advance(device.uaid(), device.channel(), version)))
          .isInstanceOf(Advance.Advanced.class);
    }
  }

  private void awaitVersions(List<Absent> devices, long version, RedisVersionStore store) {
    await()
        .atMost(60, SECONDS)
        .ignoreExceptions()
        .untilAsserted(
            () -> {
              for (Absent device : devices) {
                assertThat(get(store.pending(device.uaid())))
                    .isEqualTo(new Pending.Known(List.of(new Update(device.channel(), version))));
              }
            });
  }

  /** Waits until every node has ticked so often since. */
  private static void awaitTicks(RedisProcess redis, int nodes, int times) {
    awaitTicks(redis, TICKS, nodes, times);
  }

  private static void awaitTicks(RedisProcess redis, String key, int nodes, int times) {
    await().atMost(60, SECONDS).until(() -> ticks(redis, key).size() == nodes);
    List<Long> before = ticks(redis, key);
    await()
        .atMost(60, SECONDS)
        .until(
            () -> {
              List<Long> now = ticks(redis, key);
              return now.size() == nodes
                  && IntStream.range(0, nodes).allMatch(i -> now.get(i) >= before.get(i) + times);
            });
  }

  private static List<Long> ticks(RedisProcess redis, String key) {
    try {
      String all =
          redis.ask("EVAL", "return table.concat(redis.call('HVALS', KEYS[1]), ' ')", "1", key);
      return Stream.of(all.split(" ")).filter(tick -> !tick.isEmpty()).map(Long::valueOf).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private RedisVersionStore node(String uri) {
    RedisVersionStore store = store(uri);
    store.join(WEEK, heard);
    return store;
  }

  // one server

  @Test
  void whatACrashTookIsThereAgain() throws Exception {
    RedisProcess redis = redis("--appendonly", "yes", "--appendfsync", "everysec");
    RedisVersionStore here = node(redis.uri());
    RedisVersionStore there = node(redis.uri());
    List<Absent> devices = devices(here, any -> true);
    advance(devices, 1, here, there);
    awaitTicks(redis, 2, 2);
    long end = redis.appended();
    awaitTicks(redis, 2, 2);
    advance(devices, 2, here, there);
    awaitTicks(redis, 2, 2);

    redis.crash(end);
    redis.restart();

    awaitVersions(devices, 2, here);
    awaitTicks(redis, 2, 2);
    heard.await("restored"); // by the one
    heard.await("restored"); // and by the other
    heard.await("lost");
    assertThat(heard.restored()).isEqualTo(devices.size());
  }

  /** No tick was lost, only what came after the last. */
  @Test
  void whatWasConfirmedSinceTheLastTickIsThereAgain() throws Exception {
    RedisProcess redis = redis("--appendonly", "yes", "--appendfsync", "everysec");
    RedisVersionStore here = node(redis.uri());
    List<Absent> devices = devices(here, any -> true);
    advance(devices, 1, here);
    awaitTicks(redis, 1, 2);
    long end = redis.appended();
    advance(devices, 2, here);

    redis.crash(end);
    redis.restart();

    awaitVersions(devices, 2, here);
  }

  /**
   * What was raised before is confirmed by the answer to a repeated version, or to a lower one: the
   * node that raised it may have died before it heard of that.
   */
  @Test
  void repeatedAndLowerVersionsThatACrashTookAreThereAgain() throws Exception {
    RedisProcess redis = redis("--appendonly", "yes", "--appendfsync", "everysec");
    RedisVersionStore here = node(redis.uri());
    RedisVersionStore unheard = store(redis.uri()); // is no node, so it restores nothing
    List<Absent> devices = devices(here, any -> true);
    advance(devices, 1, here);
    awaitTicks(redis, 1, 2);
    long end = redis.appended();
    awaitTicks(redis, 1, 2);
    List<Absent> ofRepeated = devices.subList(0, devices.size() / 2);
    advance(ofRepeated, 2, unheard);
    for (Absent device : ofRepeated) {
      assertThat(get(here.advance(device.uaid(), device.channel(), 2)))
          .isEqualTo(new Advance.Repeated());
    }
    List<Absent> ofLower = devices.subList(devices.size() / 2, devices.size());
    advance(ofLower, 3, unheard);
    for (Absent device : ofLower) {
      assertThat(get(here.advance(device.uaid(), device.channel(), 2)))
          .isEqualTo(new Advance.Stale());
    }

    redis.crash(end);
    redis.restart();

    awaitVersions(devices, 2, here);
  }

  /** What one node was confirmed rests on what another was. */
  @Test
  void registrationsThatACrashTookAreThereAgain() throws Exception {
    RedisProcess redis = redis("--appendonly", "yes", "--appendfsync", "everysec");
    RedisVersionStore here = store(redis.uri());
    RedisVersionStore there = store(redis.uri());
    Node nodeHere = here.join(WEEK, heard);
    Node nodeThere = there.join(WEEK, heard);
    Uaid leaving = Uaid.random();
    ChannelId given = ChannelId.random();
    get(here.hello(leaving, List.of()));
    get(here.register(leaving, given, 9));
    awaitTicks(redis, 2, 2);
    long end = redis.appended();
    Basis.Seen seen = get(nodeThere.hello(uaid, List.of())).seen();
    ChannelId early = ChannelId.random();
    Basis.Seen raised =
        (Basis.Seen) get(nodeThere.register(uaid, seen, early, 9)).orElseThrow().basis();
    Comparison.Claimed settled =
        (Comparison.Claimed) get(nodeThere.settle(uaid, 7, raised, List.of(early)));
    get(nodeThere.register(uaid, settled.claim(), channel, 9));
    get(here.advance(uaid, channel, 5));
    List<Absent> devices = devices(there, any -> true);
    advance(devices, 1, here, there);
    get(here.unregister(leaving, given));
    awaitTicks(redis, 2, 2);

    redis.crash(end);
    redis.restart();

    awaitVersions(devices, 1, here);
    awaitVersions(List.of(new Absent(uaid, channel)), 5, here);
    Comparison.Claimed compared =
        (Comparison.Claimed) get(nodeThere.compare(uaid, settled.claim()));
    assertThat(compared.claim().connection()).isEqualTo(7);
    assertThat(compared.claim().epoch()).isGreaterThanOrEqualTo(settled.claim().epoch());
    assertThat(compared.digest())
        .isEqualTo(SharedVersionStore.digest(channel) ^ SharedVersionStore.digest(early));
    assertThat(redis.ask("HGET", key(uaid), "r")).endsWith(" 7:" + compared.claim().epoch());
    await()
        .atMost(60, SECONDS)
        .ignoreExceptions()
        .untilAsserted(
            () -> assertThat(get(here.advance(leaving, given, 1))).isEqualTo(new Unknown()));
    assertThat(get(nodeHere.compare(uaid, new Basis.Claim(1, 1))))
        .as("an older connection")
        .isEqualTo(new Comparison.Superseded());
  }

  private static String key(Uaid uaid) {
    return new String(Ids.key(uaid), US_ASCII);
  }

  @Test
  void underANewerClaimOnlyChannelsAreThereAgain() throws Exception {
    RedisProcess redis = redis();
    RedisVersionStore store = store(redis.uri());
    Node node = store.join(WEEK, heard);
    create(store);
    Basis.Seen seen = get(node.hello(uaid, List.of(channel))).seen();
    Comparison.Claimed first =
        (Comparison.Claimed) get(node.settle(uaid, 1, seen, List.of(channel)));
    Basis.Seen later = get(node.hello(uaid, List.of(channel))).seen();
    Comparison.Claimed newer =
        (Comparison.Claimed) get(node.settle(uaid, 2, later, List.of(channel)));
    ChannelId lost = ChannelId.random();
    String older = "0".repeat(32) + " 1:" + first.claim().epoch();
    ReplayLog log = new ReplayLog(9);
    log.changed(uaid.value(), new Change.Registered(lost, older));
    log.changed(uaid.value(), new Change.Unregistered(channel, older));

    assertThat(replay(redis, log)).isEqualTo(1);

    Comparison.Claimed compared = (Comparison.Claimed) get(node.compare(uaid, newer.claim()));
    assertThat(compared.digest())
        .isEqualTo(SharedVersionStore.digest(channel) ^ SharedVersionStore.digest(lost));
    assertThat(compared.claim().epoch()).as("shows that").isGreaterThan(newer.claim().epoch());
    assertThat(get(node.drop(uaid, newer.claim()))).as("for what it seems to lack").isFalse();
    log.changed(uaid.value(), new Change.Settled("0".repeat(32) + " 1:900000000000000"));
    assertThat(replay(redis, log)).as("of a newer one").isEqualTo(1);
    log.changed(uaid.value(), new Change.Dropped());
    log.changed(uaid.value(), new Change.Created());
    get(store.drop(uaid));
    assertThat(replay(redis, log)).as("the user agent, as it was made again").isEqualTo(1);
  }

  @Test
  void claimThatIsDoneAgainTakesNoConnectionAwayInSilence() throws Exception {
    RedisProcess redis = redis();
    RedisVersionStore store = store(redis.uri());
    Node node = store.join(WEEK, heard);
    create(store);
    Basis.Seen seen = get(node.hello(uaid, List.of())).seen();
    get(node.settle(uaid, 1, seen, List.of()));
    String route = redis.ask("HGET", key(uaid), "r");
    String elsewhere = "0".repeat(32) + " 7";
    ReplayLog log = new ReplayLog(9);
    log.changed(uaid.value(), new Change.Settled(elsewhere + ":900000000000000"));
    log.changed(uaid.value(), new Change.Released(elsewhere));

    replay(redis, log);

    assertThat(redis.ask("HGET", key(uaid), "r")).as("that one has ended").isEqualTo(route);
    log.changed(uaid.value(), new Change.Settled(elsewhere + ":900000000000001"));
    replay(redis, log);
    heard.await(ReceivedHints.displacedHint(uaid, 1));
    assertThat(redis.ask("HGET", key(uaid), "r")).contains(elsewhere + ":900000000000002");
  }

  /** The register was under way when the claim was lost, and came before that was put back. */
  @Test
  void claimThatIsDoneAgainDoesNotVouchForTheChannels() throws Exception {
    RedisProcess redis = redis();
    RedisVersionStore store = store(redis.uri());
    Node here = store.join(WEEK, heard);
    Node there = store(redis.uri()).join(WEEK, heard);
    create(store);
    Basis.Seen seen = get(here.hello(uaid, null)).seen();
    Basis.Claim older = ((Comparison.Claimed) get(here.settle(uaid, 1, seen, null))).claim();
    String before = redis.ask("HGET", key(uaid), "r");
    Basis.Seen later = get(there.hello(uaid, null)).seen();
    Basis.Claim newer = ((Comparison.Claimed) get(there.settle(uaid, 2, later, null))).claim();
    ReplayLog log = new ReplayLog(9);
    log.changed(uaid.value(), new Change.Settled(redis.ask("HGET", key(uaid), "r")));
    redis.ask("HSET", key(uaid), "r", before);
    ChannelId late = ChannelId.random();
    assertThat(get(here.register(uaid, older, late, 9))).isPresent();

    Comparison.Claimed restored = (Comparison.Claimed) get(there.compare(uaid, newer));
    assertThat(restored.claim()).as("not done again yet").isEqualTo(newer);
    assertThat(replay(redis, log)).as("missing").isZero();

    Comparison.Claimed compared = (Comparison.Claimed) get(there.compare(uaid, newer));
    assertThat(compared.claim().epoch()).as("shows that").isGreaterThan(newer.epoch());
    assertThat(compared.digest())
        .isEqualTo(SharedVersionStore.digest(channel) ^ SharedVersionStore.digest(late));
    assertThat(get(there.drop(uaid, newer))).as("for the one too many").isFalse();
  }

  private static int replay(RedisProcess redis, ReplayLog log) throws Exception {
    Redis connected =
        RedisConnector.connect(RedisAddress.parse(redis.uri()), ClientOptions.create());
    try {
      List<byte[]> leaseAndOffset = List.of(Ids.number(604_800_000), Ids.number(0));
      Replay replay = new Replay(connected, log, () -> leaseAndOffset, any -> true, null);
      get(replay.run(log.start(), log.end()));
      return replay.restored();
    } finally {
      connected.close();
    }
  }

  // waiting for replicas

  @Test
  void stepIsConfirmedWhenAReplicaHasIt() throws Exception {
    RedisProcess master = redis();
    assertThatThrownBy(() -> store(master.uri() + "&replicas=1"))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("cannot be used: Only 0 replicas of Redis have the step, not 1");
    TcpProxy proxy = closing(new TcpProxy(master.port()));
    RedisProcess replica = redis("--replicaof", "127.0.0.1 " + proxy.port());
    await()
        .atMost(60, SECONDS)
        .until(() -> replica.ask("INFO", "replication").contains("master_link_status:up"));
    RedisVersionStore store = node(master.uri() + "&replicas=1");
    create(store);
    List<CompletionStage<Advance>> stages = new ArrayList<>();
    for (int version = 1; version <= 1_000; version++) {
      stages.add(store.advance(uaid, channel, version));
    }
    for (CompletionStage<Advance> stage : stages) {
      assertThat(get(stage)).isInstanceOf(Advance.Advanced.class);
    }
    awaitCopied(replica, List.of(new Absent(uaid, channel)), 1_000);

    proxy.holdAnswers();
    assertThatThrownBy(() -> get(store.advance(uaid, channel, 1_001)))
        .hasMessageContaining("Only 0 replicas of Redis have the step, not 1");
    assertThatThrownBy(() -> get(store.check())).hasMessageContaining("Only 0 replicas");
    proxy.release();
    await().atMost(60, SECONDS).ignoreExceptions().untilAsserted(() -> get(store.check()));
    assertThat(get(store.advance(uaid, channel, 1_002))).isInstanceOf(Advance.Advanced.class);
  }

  // what cannot be restored

  @Test
  void userAgentsStartOverIfANodeThatDiedHadConfirmedWhatIsLost() throws Exception {
    RedisProcess redis = redis("--appendonly", "yes", "--appendfsync", "everysec");
    TcpProxy proxy = closing(new TcpProxy(redis.port()));
    RedisVersionStore here = store(redis.uri());
    Node node = here.join(WEEK, heard);
    RedisVersionStore there = node(proxy.uri());
    create(here);
    Basis.Seen seen = get(node.hello(uaid, List.of(channel))).seen();
    Comparison.Claimed claimed =
        (Comparison.Claimed) get(node.settle(uaid, 1, seen, List.of(channel)));
    awaitTicks(redis, 2, 2);
    long end = redis.appended();
    awaitTicks(redis, 2, 2);
    get(there.advance(uaid, channel, 1));
    proxy.silenceAll();

    redis.crash(end);
    redis.restart();

    await().atMost(60, SECONDS).until(() -> redis.ask("HGET", TICKS, "generation").equals("1"));
    await()
        .atMost(60, SECONDS)
        .ignoreExceptions()
        .until(() -> get(node.compare(uaid, claimed.claim())) instanceof Unknown);
    assertThat(get(node.hello(uaid, List.of(channel))).resumption()).isEqualTo(new Unknown());
    Uaid fresh = Uaid.random();
    Basis.Seen nothing = get(node.hello(fresh, List.of())).seen();
    assertThat(get(node.register(fresh, nothing, channel, 1))).isPresent();
    assertThat(get(node.hello(fresh, List.of(channel))).resumption())
        .isEqualTo(new Resumed(List.of()));
  }

  @Test
  void nobodyStartsOverForANodeThatDiedBefore() throws Exception {
    RedisProcess redis = redis("--appendonly", "yes", "--appendfsync", "everysec");
    TcpProxy proxy = closing(new TcpProxy(redis.port()));
    RedisVersionStore here = node(redis.uri());
    node(proxy.uri());
    create(here);
    awaitTicks(redis, 2, 1);
    proxy.silenceAll();
    long end = redis.appended();
    List<Long> before = ticks(redis, TICKS);
    await().atMost(60, SECONDS).until(() -> sum(ticks(redis, TICKS)) >= sum(before) + 8);
    get(here.advance(uaid, channel, 1));

    redis.crash(end);
    redis.restart();

    awaitVersions(List.of(new Absent(uaid, channel)), 1, here);
    await()
        .atMost(60, SECONDS)
        .ignoreExceptions()
        .untilAsserted(
            () ->
                assertThat(get(here.advance(uaid, ChannelId.random(), 1)))
                    .isEqualTo(new Unknown()));
    assertThat(redis.ask("HGET", TICKS, "generation")).as("none").isEqualTo("$-1");
  }

  private static long sum(List<Long> ticks) {
    return ticks.stream().mapToLong(Long::longValue).sum();
  }

  // a replica that lagged behind

  @Test
  void whatAReplicaLackedIsThereAgainWhenSentinelsPromotedIt() throws Exception {
    RedisProcess master = redis();
    TcpProxy proxy = closing(new TcpProxy(master.port()));
    RedisProcess replica = redis("--replicaof", "127.0.0.1 " + proxy.port());
    RedisProcess sentinel = redis("--sentinel");
    String port = String.valueOf(master.port());
    sentinel.ask("SENTINEL", "DEBUG", "info-period", "200", "publish-period", "200");
    sentinel.ask("SENTINEL", "MONITOR", "pushes", "127.0.0.1", port, "1");
    await()
        .atMost(60, SECONDS)
        .untilAsserted(
            () -> assertThat(sentinel.ask("INFO", "sentinel")).contains("status=ok", "slaves=1"));
    sentinel.ask("SENTINEL", "SET", "pushes", "down-after-milliseconds", "1000");
    String uri = "redis-sentinel://127.0.0.1:" + sentinel.port() + "?timeout=3s#pushes";
    RedisVersionStore here = node(uri);
    RedisVersionStore there = node(uri);
    List<Absent> devices = devices(here, any -> true);
    advance(devices, 1, here, there);
    awaitTicks(master, 2, 2);
    awaitCopied(replica, devices, 1);

    proxy.holdAnswers();
    awaitTicks(master, 2, 2);
    advance(devices, 2, here, there);
    awaitTicks(master, 2, 2);
    master.kill();
    proxy.cut();

    awaitVersions(devices, 2, here);
    awaitCopied(replica, devices, 2);
    heard.await("lost");
  }

  private static void awaitCopied(RedisProcess master, RedisProcess replica) throws IOException {
    long end = number(master.ask("INFO", "replication"), "master_repl_offset:");
    await()
        .atMost(60, SECONDS)
        .until(() -> number(replica.ask("INFO", "replication"), "slave_repl_offset:") >= end);
  }

  private static long number(String info, String name) {
    return info.lines()
        .filter(line -> line.startsWith(name))
        .mapToLong(line -> Long.parseLong(line.substring(name.length())))
        .findFirst()
        .orElseThrow();
  }

  private static void awaitCopied(RedisProcess replica, List<Absent> devices, long version) {
    await()
        .atMost(60, SECONDS)
        .untilAsserted(
            () -> {
              for (Absent device : devices) {
                assertThat(
                        replica.ask(
                            "EVAL_RO",
                            "return redis.call('HVALS', KEYS[1])[2]",
                            "1",
                            new String(Ids.key(device.uaid()), US_ASCII)))
                    .isEqualTo(String.valueOf(version));
              }
            });
  }

  @Test
  void whatAReplicaLackedIsThereAgainWhenTheClusterPromotedIt() throws Exception {
    try (RedisClusterProcesses cluster = RedisClusterProcesses.start()) {
      RedisProcess master = cluster.masters().get(0);
      TcpProxy proxy = closing(new TcpProxy(master.port()));
      cluster.announce(master, proxy.port());
      RedisProcess replica = closing(cluster.addReplica(0));
      RedisVersionStore here = node(cluster.uri());
      RedisVersionStore there = node(cluster.uri());
      List<Absent> lost = devices(here, uaid -> SlotHash.getSlot(Ids.key(uaid)) < 16_384 / 3);
      List<Absent> others = devices(here, uaid -> SlotHash.getSlot(Ids.key(uaid)) > 16_384 / 3);
      advance(lost, 1, here, there);
      advance(others, 1, here, there);
      String ticks = cluster.keyOf(0, TICKS);
      awaitTicks(master, ticks, 2, 2);
      awaitCopied(master, replica);

      proxy.hold(TcpProxy.Wire::isReplication, false, true);
      awaitTicks(master, ticks, 2, 2);
      advance(lost, 2, here, there);
      advance(others, 2, here, there);
      awaitTicks(master, ticks, 2, 2);
      master.kill();
      proxy.cut();

      awaitVersions(lost, 2, here);
      awaitVersions(others, 2, here);
      awaitTicks(replica, ticks, 2, 2);
      heard.await("lost");
      assertThatCode(() -> node(cluster.uri()))
          .as("a node starts while a server is down that is not needed")
          .doesNotThrowAnyException();
    }
  }

  // what is said meanwhile

  @Test
  void nothingIsCalledGoneWhileAnotherNodeHasYetToRestoreIt() throws Exception {
    RedisProcess redis = redis("--appendonly", "yes", "--appendfsync", "everysec");
    TcpProxy proxy = closing(new TcpProxy(redis.port()));
    RedisVersionStore here = store(redis.uri());
    Node node = here.join(WEEK, heard);
    RedisVersionStore there = node(proxy.uri());
    create(there);
    Basis.Claim claim = claim(node, uaid, 1);
    awaitTicks(redis, 2, 2);
    assertThat(get(here.advance(uaid, ChannelId.random(), 1))).isEqualTo(new Unknown());
    long end = redis.appended();
    proxy.silenceAll();

    redis.crash(end);
    redis.restart();

    await()
        .atMost(60, SECONDS)
        .untilAsserted(
            () -> {
              assertRestoring(here.advance(uaid, ChannelId.random(), 1));
              assertRestoring(here.hello(Uaid.random(), null));
              assertRestoring(here.hello(uaid, List.of(channel, ChannelId.random())));
              assertRestoring(here.pending(Uaid.random()));
              assertRestoring(here.register(Uaid.random(), channel, 9));
              assertRestoring(node.drop(uaid, claim));
            });
    proxy.release();
    await()
        .atMost(60, SECONDS)
        .ignoreExceptions()
        .untilAsserted(
            () ->
                assertThat(get(here.advance(uaid, ChannelId.random(), 1)))
                    .isEqualTo(new Unknown()));
  }

  /** Whatever goes wrong while something is being restored, that goes on at the next tick. */
  @Test
  void restoringIsTriedAgainAfterAnExceptionOfItsOwn() throws Exception {
    RedisProcess redis = redis("--appendonly", "yes", "--appendfsync", "everysec");
    AtomicInteger left = new AtomicInteger();
    LongSupplier offset =
        () -> {
          if (Thread.currentThread().getName().endsWith("answers")
              && left.getAndUpdate(count -> Math.max(0, count - 1)) > 0) {
            throw new IllegalStateException("meant to fail");
          }
          return 0;
        };
    RedisVersionStore store =
        closing(
            RedisVersionStore.open(
                redis.uri(), new RedisVersionStore.Settings(Duration.ofSeconds(2), offset)));
    store.join(WEEK, heard);
    awaitTicks(redis, 1, 2);
    long end = redis.appended();
    List<Absent> devices = devices(store, any -> true);
    advance(devices, 1, store);
    left.set(2);

    redis.crash(end);
    redis.restart();

    awaitVersions(devices, 1, store);
    awaitTicks(redis, 1, 2);
    assertThat(left).hasValue(0);
  }

  private static void assertRestoring(CompletionStage<?> stage) {
    assertThatThrownBy(() -> get(stage))
        .isInstanceOf(ExecutionException.class)
        .hasMessageContaining("may have lost what was confirmed last; it is being restored");
  }
}
