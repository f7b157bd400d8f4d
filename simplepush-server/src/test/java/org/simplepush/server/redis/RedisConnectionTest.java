package org.simplepush.server.redis;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.util.Throwables.getStackTrace;
import static org.awaitility.Awaitility.await;
import static org.simplepush.server.redis.ReceivedHints.published;
import static org.simplepush.server.redis.RedisNodesTest.WEEK;
import static org.simplepush.server.redis.RedisNodesTest.claim;
import static org.simplepush.server.redis.RedisNodesTest.get;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisCredentials;
import io.lettuce.core.RedisCredentialsProvider;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SslOptions;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.awaitility.core.ThrowingRunnable;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.SharedVersionStore.Node;
import org.simplepush.core.StoreException;
import org.simplepush.core.Uaid;
import org.simplepush.core.VersionStore.Unknown;
import org.simplepush.core.fixtures.LogCapture;
import org.simplepush.server.fixtures.Certificates;

/** The ways to Redis, and what is said when one leads nowhere. */
class RedisConnectionTest extends RedisFixture {
  private static void eventually(ThrowingRunnable assertion) {
    await().atMost(30, SECONDS).ignoreExceptions().untilAsserted(assertion);
  }

  private static void assertRefused(ThrowingCallable opening, String sentence) {
    assertThatThrownBy(opening)
        .isInstanceOf(StoreException.class)
        .hasMessageContaining(sentence)
        .satisfies(e -> assertThat(getStackTrace(e)).doesNotContain("open-sesame"));
  }

  @Test
  void passwordIsUsedAndNeverSaid() throws Exception {
    RedisProcess redis = redis("--requirepass", "open-sesame");
    String at = "@127.0.0.1:" + redis.port();
    try (RedisVersionStore store =
        RedisVersionStore.open("redis://:open-sesame" + at + "/3?timeout=20s")) {
      create(store);
      get(store.check());
    }
    try (RedisVersionStore store =
        RedisVersionStore.open("redis://default:open-sesame" + at + "?timeout=20s")) {
      assertThat(get(store.pending(uaid))).as("another database").isEqualTo(new Unknown());
    }
    for (String uri : List.of("redis://:open-simsim" + at, "redis://127.0.0.1:" + redis.port())) {
      assertThatThrownBy(() -> RedisVersionStore.open(uri))
          .isInstanceOf(StoreException.class)
          .hasMessageStartingWith("Redis at 127.0.0.1:" + redis.port())
          .hasMessageMatching(".* (does not take the user or the password|wants a password).*")
          .satisfies(e -> assertThat(getStackTrace(e)).doesNotContain("open-simsim"));
    }
  }

  /** By many at a time, so that some hear of it late. */
  @Test
  void reasonOfARefusalIsNeverLost() throws Exception {
    RedisProcess redis = redis("--requirepass", "open-sesame");
    String uri = "redis://:open-simsim@127.0.0.1:" + redis.port();
    Thread[] threads = new Thread[8];
    Queue<String> said = new ConcurrentLinkedQueue<>();
    for (int i = 0; i < threads.length; i++) {
      threads[i] =
          new Thread(
              () -> {
                for (int n = 0; n < 20; n++) {
                  try {
                    RedisVersionStore.open(uri).close();
                  } catch (StoreException e) {
                    said.add(String.valueOf(e.getMessage()));
                  }
                }
              });
      threads[i].start();
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(said).hasSize(160);
    assertThat(said)
        .allSatisfy(each -> assertThat(each).contains("does not take the user or the password"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "redis",
        "redis://",
        "http://:pass-word@localhost",
        "redis://:pass-word@local host:1",
        "redis://:pass-word@localhost:port",
        "redis://:pass-word@localhost:1:2",
        "redis-sentinel://:pass-word@localhost",
        "redis-socket:///tmp/redis",
      })
  void wrongUriIsRefusedWithoutRepeatingIt(String uri) {
    assertThatThrownBy(() -> RedisVersionStore.open(uri))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("A Redis store is redis://HOST:PORT")
        .satisfies(e -> assertThat(getStackTrace(e)).doesNotContain("pass-word"));
  }

  @Test
  void severalAddressesMeanACluster() throws Exception {
    RedisProcess redis = redis();
    assertThatThrownBy(
            () -> RedisVersionStore.open("redis://127.0.0.1:" + redis.port() + ",127.0.0.1:1"))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("mean a cluster");
  }

  @Test
  void speaksTls(@TempDir Path folder) throws Exception {
    Certificates.Pem files = Certificates.pem(folder);
    int port = RedisProcess.anyPort();
    RedisProcess redis = redis(tls(port, "no", files));

    RedisVersionStore store = store("rediss://localhost:" + port + "?timeout=20s&verifyPeer=NONE");
    store.join(WEEK, heard);
    create(store);
    get(store.check());

    assertThatThrownBy(() -> RedisVersionStore.open("rediss://localhost:" + port + "?timeout=20s"))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("shows a certificate that is not trusted: ")
        .hasMessageContaining("certification path");
    assertRefused(
        () -> RedisVersionStore.open("rediss://localhost:" + redis.port() + "?timeout=1s"),
        "does not answer in TLS; write redis:// instead of rediss://");
    assertRefused(
        () -> RedisVersionStore.open("redis://localhost:" + port + "?timeout=20s"),
        "ended the connection before it answered");
  }

  private static String[] tls(int port, String clients, Certificates.Pem files) {
    return new String[] {
      "--tls-port",
      String.valueOf(port),
      "--tls-auth-clients",
      clients,
      "--tls-cert-file",
      files.certificate().toString(),
      "--tls-key-file",
      files.key().toString(),
      "--tls-ca-cert-file",
      files.certificate().toString()
    };
  }

  @Test
  void sentinelsTellWhoTheMasterIs() throws Exception {
    RedisProcess first = redis("--repl-diskless-sync-delay", "0");
    RedisProcess second = redis("--replicaof", "127.0.0.1 " + first.port());
    RedisProcess sentinel = redis("--sentinel");
    // In milliseconds; else it would take its time, as is right where networks are slow.
    sentinel.ask("SENTINEL", "DEBUG", "info-period", "200", "publish-period", "200");
    eventually(() -> assertThat(first.ask("INFO", "replication")).contains("state=online"));
    sentinel.ask("SENTINEL", "MONITOR", "pushes", "127.0.0.1", String.valueOf(first.port()), "1");
    eventually(
        () ->
            assertThat(sentinel.ask("INFO", "sentinel"))
                .contains("status=ok")
                .contains("slaves=1"));
    RedisVersionStore store =
        store("redis-sentinel://127.0.0.1:" + sentinel.port() + "?timeout=1s#pushes");
    Node node = store.join(WEEK, heard);
    create(store);
    claim(node, uaid, 1);
    eventually(() -> assertThat(second.ask("DBSIZE")).isNotEqualTo(":0"));

    eventually(() -> assertThat(sentinel.ask("SENTINEL", "FAILOVER", "pushes")).isEqualTo("+OK"));

    eventually(() -> assertThat(second.ask("INFO", "replication")).contains("role:master"));
    eventually(
        () -> {
          Uaid another = Uaid.random();
          get(store.hello(another, List.of()));
          assertThat(second.ask("EXISTS", new String(Ids.key(another), US_ASCII))).isEqualTo(":1");
        });
    eventually(() -> get(store.check()));
    get(store.advance(uaid, channel, 100));
    heard.await(published(uaid, channel.text(), 100));
  }

  // names

  /** Whoever resolves names gets to decide about these; that they are looked up at all is ours. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "redis://redis_cache:1",
        "redis://:open-sesame@redis_cache:1",
        "rediss://user:open-sesame@redis_cache:1/3",
        "redis://:open-sesame@redis_cache:1,redis_cache:2",
        "redis-sentinel://redis_cache:1?sentinelPassword=open-sesame#pushes",
        "redis-sentinel://:open-sesame@redis_cache:1,redis_cache:2#pushes"
      })
  void namesWithUnderscoresAreLookedUp(String uri) {
    assertRefused(() -> RedisVersionStore.open(uri), "redis_cache");
    assertRefused(() -> RedisVersionStore.open(uri), "cannot be reached: ");
  }

  @Test
  void hostsOfAUriKeepTheirPlaces() {
    RedisAddress address =
        RedisAddress.parse("redis://me:pass%40word@redis_1:7,b.example,10.0.0.1:9");
    assertThat(address).hasToString("redis_1:7, b.example:6379, 10.0.0.1:9");
    for (RedisURI seed : address.seeds()) {
      assertThat(seed.getCredentialsProvider().resolveCredentials().block().getPassword())
          .isEqualTo("pass@word".toCharArray());
    }
    assertThat(RedisAddress.parse("redis-sentinel://s_1,s_2:1/4#m"))
        .hasToString("s_1:26379, s_2:1")
        .satisfies(sentinels -> assertThat(sentinels.seeds().get(0).getDatabase()).isEqualTo(4));
  }

  // sentences

  @Test
  void serverThatIsNotThereCannotBeReached() throws Exception {
    int port = RedisProcess.anyPort();
    assertRefused(
        () -> RedisVersionStore.open("redis://:open-sesame@127.0.0.1:" + port),
        "Redis at 127.0.0.1:" + port + " cannot be reached: Connection refused");
  }

  @Test
  void silentServerDoesNotAnswer() throws Exception {
    TcpProxy proxy = closing(new TcpProxy(redis().port()));
    proxy.silenceAll();
    assertRefused(
        () -> RedisVersionStore.open(proxy.uri("200ms")), " did not answer within 200 ms");
  }

  @Test
  void userWithoutPermissionsIsCalledThat() throws Exception {
    RedisProcess redis = redis();
    redis.ask("ACL", "SETUSER", "app", "on", ">open-sesame", "~*", "&*", "+@read");
    assertRefused(
        () -> RedisVersionStore.open(redis.uri("app:open-sesame@")),
        "cannot be used: Redis gives its user too few permissions (NOPERM");
  }

  @Test
  void passwordThatIsNotAskedForIsCalledWrong() throws Exception {
    RedisProcess redis = redis();
    assertRefused(
        () -> RedisVersionStore.open(redis.uri("nobody:open-sesame@")),
        "does not take the user or the password");
  }

  @Test
  void replicaIsCalledThat() throws Exception {
    RedisProcess master = redis();
    RedisProcess replica = redis("--replicaof", "127.0.0.1 " + master.port());
    eventually(() -> assertThat(replica.ask("INFO", "replication")).contains("link_status:up"));
    assertRefused(
        () -> RedisVersionStore.open(replica.uri()), "is a replica, which takes no writes");
  }

  @Test
  void databaseThatIsNotThereIsCalledThat() throws Exception {
    RedisProcess redis = redis("--databases", "2");
    assertRefused(
        () -> RedisVersionStore.open("redis://127.0.0.1:" + redis.port() + "/7?timeout=20s"),
        "refused: ERR DB index is out of range");
  }

  @Test
  void clusterHasNoNumberedDatabases() throws Exception {
    try (RedisProcess node = RedisProcess.start("--cluster-enabled", "yes")) {
      assertRefused(
          () -> RedisVersionStore.open("redis://127.0.0.1:" + node.port() + "/7?timeout=20s"),
          "is a cluster, which has no numbered databases; leave out the number");
    }
    assertThatThrownBy(() -> RedisVersionStore.open("redis://a:1,b:2/7"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("a cluster has no numbered databases");
  }

  @Test
  void serverThatKnowsNoHelloIsSpokenToInTheOldWay() throws Exception {
    RedisProcess redis = redis("--rename-command", "HELLO", "");
    RedisVersionStore store = store(redis.uri());
    store.join(WEEK, heard);
    create(store);
    get(store.check());
  }

  /** Where this machine has an address besides loopback. */
  @Test
  void protectedModeIsCalledThat() throws Exception {
    InetAddress outside = null;
    for (NetworkInterface each : NetworkInterface.networkInterfaces().toList()) {
      outside =
          each.inetAddresses()
              .filter(address -> address instanceof Inet4Address && !address.isLoopbackAddress())
              .findFirst()
              .orElse(outside);
    }
    Assumptions.assumeTrue(outside != null, "this machine has no address besides loopback");
    RedisProcess redis = redis("--bind", "*", "--protected-mode", "yes");
    String uri = "redis://" + outside.getHostAddress() + ":" + redis.port() + "?timeout=20s";
    assertRefused(() -> RedisVersionStore.open(uri), "is in protected mode");
  }

  @Test
  void evictionIsWarnedOf() throws Exception {
    RedisProcess redis = redis("--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru");
    try (LogCapture log = new LogCapture()) {
      store(redis.uri());
      await().atMost(30, SECONDS).until(() -> !log.lines("maxmemory-policy allkeys-lru").isEmpty());
    }
  }

  // credentials and certificates

  @Test
  void credentialsAreAskedForAtEachConnection() throws Exception {
    RedisProcess redis = redis("--requirepass", "first");
    AtomicReference<String> password = new AtomicReference<>("first");
    RedisURI uri = RedisURI.create("127.0.0.1", redis.port());
    uri.setTimeout(Duration.ofSeconds(20));
    uri.setCredentialsProvider(
        RedisCredentialsProvider.from(() -> RedisCredentials.just(null, password.get())));
    RedisVersionStore store = closing(RedisVersionStore.open(uri));
    store.join(WEEK, heard);
    create(store);

    uri.setHost("changed.after.opening.invalid");
    redis.askAs("first", "CONFIG", "SET", "requirepass", "second");
    password.set("second");
    redis.askAs("second", "CLIENT", "KILL", "TYPE", "normal");
    redis.askAs("second", "CLIENT", "KILL", "TYPE", "pubsub");

    heard.await("lost");
    eventually(() -> get(store.check()));
  }

  @Test
  void certificateOfTheClientIsTakenFromItsOptions(@TempDir Path folder) throws Exception {
    Certificates.Pem files = Certificates.pem(folder);
    int port = RedisProcess.anyPort();
    redis(tls(port, "yes", files));
    RedisURI uri =
        RedisURI.builder()
            .withHost("localhost")
            .withPort(port)
            .withSsl(true)
            .withTimeout(Duration.ofSeconds(20))
            .build();
    SslOptions.Builder trusting = SslOptions.builder().trustManager(files.certificate().toFile());
    ClientOptions without = ClientOptions.builder().sslOptions(trusting.build()).build();
    assertThatThrownBy(() -> RedisVersionStore.open(List.of(uri), without))
        .isInstanceOf(StoreException.class)
        .hasMessageMatching("Redis at localhost:\\d+ (refuses the TLS|ended the connection).*");

    ClientOptions with =
        ClientOptions.builder()
            .sslOptions(
                trusting
                    .keyManager(files.certificate().toFile(), files.key().toFile(), null)
                    .build())
            .build();
    RedisVersionStore store = closing(RedisVersionStore.open(List.of(uri), with));
    store.join(WEEK, heard);
    create(store);
    get(store.check());
  }

  @Test
  void addressesMadeByCodeAreChecked() {
    assertThatThrownBy(() -> RedisVersionStore.open(List.of(), ClientOptions.create()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> RedisVersionStore.open(new RedisURI()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("host");
  }

  // Sentinels

  @Test
  void sentinelsMayHaveAPasswordOfTheirOwn() throws Exception {
    RedisProcess master = redis("--requirepass", "of-the-master");
    RedisProcess sentinel = redis("--sentinel", "--requirepass", "of the sentinel+");
    String port = String.valueOf(master.port());
    sentinel.askAs("of the sentinel+", "SENTINEL", "MONITOR", "pushes", "127.0.0.1", port, "1");
    sentinel.askAs("of the sentinel+", "SENTINEL", "SET", "pushes", "auth-pass", "of-the-master");
    String at = "127.0.0.1:" + sentinel.port() + "?timeout=20s";
    String right = "&sentinelPassword=of%20the%20sentinel+#pushes";

    RedisVersionStore store = store("redis-sentinel://:of-the-master@" + at + right);
    store.join(WEEK, heard);
    create(store);
    get(store.check());

    RedisURI uri = RedisURI.create("redis-sentinel://:of-the-master@" + at + "#pushes");
    uri.getSentinels()
        .forEach(
            each ->
                each.setCredentialsProvider(
                    RedisCredentialsProvider.from(
                        () -> RedisCredentials.just(null, "of the sentinel+"))));
    get(closing(RedisVersionStore.open(uri)).check());

    String place = "The Sentinel at 127.0.0.1:" + sentinel.port();
    assertRefused(
        () -> RedisVersionStore.open("redis-sentinel://:of-the-master@" + at + "#pushes"),
        place + " wants a password, which was not given; a Sentinel's own password is");
    assertRefused(
        () ->
            RedisVersionStore.open(
                "redis-sentinel://:of-the-master@" + at + "&sentinelPassword=open-sesame#pushes"),
        place + " does not take the user or the password");
    assertRefused(
        () -> RedisVersionStore.open("redis-sentinel://:open-sesame@" + at + right),
        "The master 'pushes' of the Sentinels at 127.0.0.1:"
            + sentinel.port()
            + " does not take the user or the password");
    assertRefused(
        () ->
            RedisVersionStore.open(
                "redis-sentinel://:of-the-master@" + at + right.replace("pushes", "pulls")),
        "know no master 'pulls'");
    assertRefused(
        () -> RedisVersionStore.open("redis://:of%20the%20sentinel+@" + at),
        "is a Sentinel; write redis-sentinel://HOST:PORT#MASTER");
  }

  @Test
  void sentinelThatDoesNotSayAllThatIsNeededIsWarnedOf() throws Exception {
    RedisProcess master = redis();
    RedisProcess sentinel = redis("--sentinel");
    String port = String.valueOf(master.port());
    sentinel.ask("SENTINEL", "MONITOR", "pushes", "127.0.0.1", port, "1");
    assertThat(
            sentinel.ask(
                "ACL",
                "SETUSER",
                "app",
                "on",
                ">open-sesame",
                "+hello",
                "+ping",
                "+client",
                "+sentinel|get-master-addr-by-name"))
        .isEqualTo("+OK");
    RedisProcess stranger = redis("--sentinel", "--requirepass", "swordfish");
    String at = "127.0.0.1:" + sentinel.port();
    String strange = "127.0.0.1:" + stranger.port();
    try (LogCapture log = new LogCapture()) {
      store(
          "redis-sentinel://"
              + at
              + ","
              + strange
              + "?timeout=20s&sentinelUser=app&sentinelPassword=open-sesame#pushes");
      String few = "The Sentinel at " + at + " gives its user too few permissions (NOPERM";
      String refused = "The Sentinel at " + strange + " does not take the user or the password";
      eventually(() -> assertThat(log.lines(few)).hasSize(1));
      eventually(() -> assertThat(log.lines(refused)).hasSize(1));
    }
  }
}
