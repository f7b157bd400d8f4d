package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.net.InetAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.sql.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.crypto.spec.SecretKeySpec;
import javax.sql.DataSource;
import okhttp3.Dns;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.simplepush.appserver.internal.http.EndpointGuard;
import org.simplepush.appserver.testing.Databases;
import org.simplepush.appserver.testing.HostileServer;
import org.simplepush.appserver.testing.Resolvers;

/** Nothing that an endpoint holds throws, or holds anybody else up. */
@Timeout(60)
class StrangeEndpointTest {
  private static final List<String> SCHEMES =
      List.of(
          "https", "https", "https", "https", "HTTPS", "http", "ws", "file", "javascript", "x+y");
  private static final List<String> LABELS =
      List.of(
          "push",
          "example",
          "",
          "127",
          "0",
          "1",
          "256",
          "999999999999",
          "0x7f",
          "017",
          "xn--",
          "xn--a",
          "xn--80ak6aa92e",
          "-a-",
          "a_b",
          "%31",
          "%00",
          "%ff",
          "%2e",
          "%",
          "b\u00fccher",
          "\u3002",
          "\u200d",
          "\u00ad",
          "\ud83d\ude00",
          "\ud800",
          "\udc00",
          "\u2488",
          "\uff11",
          "a".repeat(63),
          "a".repeat(64),
          "a".repeat(300),
          "*",
          "!",
          "localhost");
  private static final List<String> LITERALS =
      List.of(
          "[::1]",
          "[::]",
          "[fe80::1%25eth0]",
          "[fe80::1%eth0]",
          "[::ffff:127.0.0.1]",
          "[1:2]",
          "[::g]",
          "[v1.x]",
          "[]",
          "[::1",
          "127.0.0.1.",
          "256.256.256.256",
          "1.2.3.4.5",
          "1.1.1.1",
          "0");
  private static final List<String> PORTS =
      List.of(
          "", "", "", ":443", ":0", ":65535", ":65536", ":-1", ":", ":99999999999", ":44 3", ":x");
  private static final List<String> USERS =
      List.of("", "", "", "", "u@", "u:p@", ":@", "@", "a@b@", "%00@", "\u00fc@");
  private static final List<String> PATHS =
      List.of(
          "",
          "/",
          "/update/token",
          "/%",
          "/%zz",
          "/%00",
          "/../..",
          "//",
          "/?q",
          "/#f",
          "/\ud800",
          "/\u00e9",
          "/" + "x".repeat(5000),
          "/;a=b",
          "/[",
          "?",
          "#");

  private static String pick(List<String> from, Random random) {
    return from.get(random.nextInt(from.size()));
  }

  private static String strange(Random random) {
    StringBuilder host = new StringBuilder();
    if (random.nextInt(4) == 0) {
      host.append(pick(LITERALS, random));
    } else {
      for (int n = random.nextInt(6); n >= 0; n--) {
        host.append(pick(LABELS, random)).append(n > 0 || random.nextInt(5) == 0 ? "." : "");
      }
    }
    return pick(SCHEMES, random)
        + (random.nextInt(30) == 0 ? ":" : "://")
        + pick(USERS, random)
        + host
        + pick(PORTS, random)
        + pick(PATHS, random);
  }

  private static @Nullable URI parse(String text) {
    try {
      return new URI(text);
    } catch (URISyntaxException e) {
      return null; // what is no URI does not come as far as us
    }
  }

  private static List<URI> endpoints(int count, long seed) {
    Random random = new Random(seed);
    List<URI> endpoints = new ArrayList<>();
    while (endpoints.size() < count) {
      URI endpoint = parse(strange(random));
      if (endpoint != null) {
        endpoints.add(endpoint);
      }
    }
    return endpoints;
  }

  private static Dns nowhere(AtomicInteger asked, Thread caller) {
    return host -> {
      asked.incrementAndGet();
      assertThat(Thread.currentThread()).isNotSameAs(caller);
      throw new UnknownHostException("none in this test");
    };
  }

  private static Notifier.Builder brief() {
    return Notifier.builder()
        .deadline(Duration.ofMillis(1))
        .backoff(Duration.ofSeconds(20), Duration.ofSeconds(20))
        .drain(Duration.ZERO);
  }

  @Test
  void noEndpointThrowsOutOfTheGuard() {
    EndpointGuard guard = new EndpointGuard(Set.of(), Set.of(8443), Dns.SYSTEM);
    for (URI endpoint : endpoints(100_000, 12)) {
      assertThatCode(() -> guard.check(endpoint)).as("%s", endpoint).doesNotThrowAnyException();
      EndpointGuard.Checked checked = guard.check(endpoint);
      assertThat(checked.url() == null).isEqualTo(checked.refusal() != null);
    }
  }

  @Test
  void everyEndpointGetsItsVerdictAndNoneIsLookedUpByTheCaller() throws Exception {
    AtomicInteger asked = new AtomicInteger();
    List<URI> endpoints = endpoints(5000, 34);
    try (Notifier notifier = brief().dns(nowhere(asked, Thread.currentThread())).build()) {
      List<CompletableFuture<Verdict>> all = new ArrayList<>();
      for (URI endpoint : endpoints) {
        all.add(notifier.publish(endpoint, 7));
      }
      for (int n = 0; n < endpoints.size(); n++) {
        assertThat(all.get(n))
            .as("%s", endpoints.get(n))
            .succeedsWithin(Duration.ofSeconds(30))
            .isNotInstanceOf(Verdict.Accepted.class);
      }
      Summary summary = notifier.publishAll(endpoints, 8).get(30, TimeUnit.SECONDS);
      assertThat(summary.total()).isEqualTo(endpoints.size());
      assertThat(summary.refused()).isGreaterThan(2000);
      assertThat(asked).hasPositiveValue();
    }
  }

  private static void storesAll(Subscriptions subscriptions, List<URI> endpoints) throws Exception {
    URI good = URI.create("https://push.example/update/good");
    for (URI endpoint : endpoints) {
      assertThatCode(
              () -> {
                subscriptions.add("topic", endpoint);
                subscriptions.replace("other", good, endpoint);
                subscriptions.remove("other", endpoint);
              })
          .as("%s", endpoint)
          .doesNotThrowAnyException();
    }
    subscriptions.add("topic", good);
    List<URI> found = new ArrayList<>();
    subscriptions.endpoints("topic").forEach(found::add);
    assertThat(found).contains(good);
    assertThat(endpoints).containsAll(found.stream().filter(each -> !each.equals(good)).toList());
    try (Notifier notifier =
        brief().dns(nowhere(new AtomicInteger(), Thread.currentThread())).build()) {
      Summary summary = notifier.publishTopic(subscriptions, "topic", 7).get(30, TimeUnit.SECONDS);
      assertThat(summary.total()).isEqualTo(found.size());
    }
    for (URI endpoint : endpoints) {
      assertThatCode(() -> subscriptions.prune(endpoint)).doesNotThrowAnyException();
    }
  }

  @Test
  void subscriptionsTakeEveryEndpoint(@TempDir Path folder) throws Exception {
    List<URI> endpoints = endpoints(200, 56);
    storesAll(new InMemorySubscriptions(), endpoints);
    DataSource sqlite = Databases.sqlite(folder.resolve("plain.db"));
    JdbcSubscriptions plain = JdbcSubscriptions.plain(sqlite);
    plain.createTable();
    storesAll(plain, endpoints);
    JdbcSubscriptions encrypted =
        JdbcSubscriptions.encrypted(
            Databases.sqlite(folder.resolve("encrypted.db")),
            new SecretKeySpec(new byte[32], "AES"));
    encrypted.createTable();
    storesAll(encrypted, endpoints);
  }

  @Test
  void postgresTakesEveryEndpoint() throws Exception {
    JdbcSubscriptions plain = JdbcSubscriptions.plain(Databases.postgres());
    plain.createTable();
    storesAll(plain, endpoints(200, 78));
  }

  @Test
  void outboxTakesEveryEndpoint(@TempDir Path folder) throws Exception {
    List<URI> endpoints = endpoints(100, 90);
    DataSource sqlite = Databases.sqlite(folder.resolve("outbox.db"));
    AtomicInteger heard = new AtomicInteger();
    try (Notifier notifier =
            brief().dns(nowhere(new AtomicInteger(), Thread.currentThread())).build();
        Outbox outbox =
            Outbox.builder(notifier, sqlite)
                .listener((endpoint, verdict) -> heard.incrementAndGet())
                .build()) {
      outbox.createTable();
      for (URI endpoint : endpoints) {
        assertThat(outbox.publish(endpoint, 7))
            .as("%s", endpoint)
            .succeedsWithin(Duration.ofSeconds(30));
      }
      assertThat(heard.get()).isGreaterThanOrEqualTo(endpoints.size());
      URI broken = URI.create("https://push.example/\ud800");
      CountDownLatch refused = new CountDownLatch(1);
      try (Outbox other =
              Outbox.builder(notifier, sqlite)
                  .name("other")
                  .listener(
                      (endpoint, verdict) -> {
                        assertThat(verdict).isInstanceOf(Verdict.Refused.class);
                        refused.countDown();
                      })
                  .build();
          Connection connection = sqlite.getConnection()) {
        connection.setAutoCommit(false);
        other.enqueue(connection, broken, 7);
        connection.commit();
        connection.setAutoCommit(true);
        assertThat(refused.await(20, TimeUnit.SECONDS)).isTrue();
      }
    }
  }

  /** 200 hosts whose name servers never answer, and one that is asked after them. */
  @Test
  void nameServersThatHangHoldUpNeitherTheCallerNorOtherHosts() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    AtomicInteger hanging = new AtomicInteger();
    Dns dns =
        host -> {
          if (host.startsWith("hang")) {
            hanging.incrementAndGet();
            Resolvers.awaitUninterrupted(never);
          }
          return List.of(InetAddress.getLoopbackAddress());
        };
    Notifier.Builder builder =
        Notifier.builder()
            .dns(dns)
            .deadline(Duration.ofSeconds(10)) // the machine may be busy
            .requestTimeout(Duration.ofSeconds(10))
            .drain(Duration.ZERO);
    try (HostileServer server = new HostileServer(HostileServer.answering(HostileServer.GOOD))) {
      for (int n = 0; n < 200; n++) {
        builder.permitHost("hang" + n + ".example").permitHost("good" + n + ".example");
      }
      Notifier notifier = builder.build();
      try {
        List<CompletableFuture<Verdict>> hung = new ArrayList<>();
        List<CompletableFuture<Verdict>> good = new ArrayList<>();
        long before = System.nanoTime();
        for (int n = 0; n < 200; n++) {
          for (int i = 0; i < 8; i++) {
            hung.add(notifier.publish(endpoint("hang" + n, server, i), 7));
          }
        }
        for (int n = 0; n < 200; n++) {
          good.add(notifier.publish(endpoint("good" + n, server, 0), 7));
        }
        assertThat(Duration.ofNanos(System.nanoTime() - before)).isLessThan(Duration.ofSeconds(4));
        for (CompletableFuture<Verdict> each : good) {
          assertThat(each).succeedsWithin(Duration.ofSeconds(20)).isEqualTo(new Verdict.Accepted());
        }
        for (CompletableFuture<Verdict> each : hung) {
          assertThat(each)
              .succeedsWithin(Duration.ofSeconds(40))
              .isInstanceOf(Verdict.Failed.class);
        }
        // A host is asked for once, however often it is wanted.
        assertThat(hanging.get()).isLessThanOrEqualTo(200);
      } finally {
        notifier.close();
      }
    } finally {
      never.countDown();
    }
  }

  private static URI endpoint(String host, HostileServer server, int n) {
    return URI.create("http://" + host + ".example:" + server.port() + "/update/" + n);
  }
}
