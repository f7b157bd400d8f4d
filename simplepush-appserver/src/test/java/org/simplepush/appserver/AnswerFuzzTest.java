package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.appserver.testing.HostileServer;

/**
 * Whatever a push server answers, each request gets one verdict by its time, and nothing of it
 * stays behind. The main method goes on for longer.
 */
@Timeout(120)
class AnswerFuzzTest {
  private static Notifier.Builder brief() {
    return Notifier.builder()
        .permitHost("localhost")
        .deadline(Duration.ofMillis(1))
        .requestTimeout(Duration.ofSeconds(2))
        .connectTimeout(Duration.ofSeconds(2));
  }

  private static void assertNothingIsLeft(Notifier notifier) {
    await()
        .atMost(Duration.ofSeconds(20))
        .untilAsserted(
            () -> {
              NotifierStatistics statistics = notifier.statistics();
              assertThat(statistics.onWire()).isZero();
              assertThat(statistics.waiting()).isZero();
              assertThat(notifier.sender().isEmpty()).isTrue();
            });
  }

  /** More requests than a host has slots: a slot that leaked would be missed. */
  private static List<CompletableFuture<Verdict>> ask(Notifier notifier, HostileServer server) {
    List<CompletableFuture<Verdict>> all = new ArrayList<>();
    for (int n = 0; n < 10; n++) {
      all.add(notifier.publish(server.endpoint(n), 7));
    }
    return all;
  }

  @Test
  void oddAnswerGetsAVerdict() throws Exception {
    Map<String, List<CompletableFuture<Verdict>>> asked = new LinkedHashMap<>();
    List<HostileServer> servers = new ArrayList<>();
    try (Notifier notifier = brief().build()) {
      for (String answer : HostileServer.oddAnswers()) {
        HostileServer server = new HostileServer(HostileServer.answering(answer));
        servers.add(server);
        asked.put(answer, ask(notifier, server));
      }
      for (Map.Entry<String, List<CompletableFuture<Verdict>>> each : asked.entrySet()) {
        for (CompletableFuture<Verdict> verdict : each.getValue()) {
          assertThat(verdict).as(each.getKey()).succeedsWithin(Duration.ofSeconds(20));
        }
      }
      assertNothingIsLeft(notifier);
      notifier.closeAsync().get(20, TimeUnit.SECONDS);
      for (HostileServer server : servers) {
        await().atMost(Duration.ofSeconds(20)).until(() -> server.open() == 0);
      }
    } finally {
      for (HostileServer server : servers) {
        server.close();
      }
    }
  }

  @Test
  void endlessAnswerGetsAVerdictInTime() throws Exception {
    List<HostileServer> servers = new ArrayList<>();
    List<List<CompletableFuture<Verdict>>> asked = new ArrayList<>();
    try (Notifier notifier = brief().build()) {
      for (HostileServer.Behaviour behaviour : HostileServer.endless()) {
        HostileServer server = new HostileServer(behaviour);
        servers.add(server);
        asked.add(ask(notifier, server));
      }
      for (int n = 0; n < asked.size(); n++) {
        for (CompletableFuture<Verdict> verdict : asked.get(n)) {
          assertThat(verdict).as("the %dth", n).succeedsWithin(Duration.ofSeconds(20));
        }
      }
      assertNothingIsLeft(notifier);
    } finally {
      for (HostileServer server : servers) {
        server.close();
      }
    }
  }

  @Test
  void randomAnswersGetVerdicts() throws Exception {
    fuzz(20_26, Duration.ofSeconds(3));
  }

  /** Fuzzes for as many minutes as the first argument says, from the seed in the second. */
  public static void main(String[] args) throws Exception {
    long seed = args.length > 1 ? Long.parseLong(args[1]) : System.nanoTime();
    System.out.println("seed " + seed);
    long answers = fuzz(seed, Duration.ofSeconds((long) (60 * Double.parseDouble(args[0]))));
    System.out.println(answers + " answers, each with a verdict");
  }

  /** Each request's path is the seed of its answer, which a failure therefore names. */
  private static long fuzz(long seed, Duration duration) throws Exception {
    Random random = new Random(seed);
    AtomicLong number = new AtomicLong();
    long end = System.nanoTime() + duration.toNanos();
    List<HostileServer> servers = new ArrayList<>();
    long slowest = 0;
    long answers = 0;
    Map<String, Integer> verdicts = new LinkedHashMap<>();
    try (Notifier notifier = brief().build()) {
      while (System.nanoTime() - end < 0) {
        Map<URI, CompletableFuture<Verdict>> round = new LinkedHashMap<>();
        long began = System.nanoTime();
        for (int n = 0; n < 100; n++) {
          long answerSeed = random.nextLong();
          Random own = new Random(answerSeed);
          List<String> answersToPick = HostileServer.oddAnswers();
          String base =
              own.nextInt(4) == 0
                  ? HostileServer.GOOD
                  : answersToPick.get(own.nextInt(answersToPick.size()));
          String answer = HostileServer.mutate(base, own);
          boolean closes = own.nextBoolean();
          HostileServer server =
              new HostileServer(
                  HostileServer.answering(
                      (socket, out) -> {
                        out.write(answer.getBytes(StandardCharsets.ISO_8859_1));
                        if (closes) {
                          socket.close();
                        }
                      }));
          servers.add(server);
          URI endpoint =
              URI.create("http://localhost:" + server.port() + "/" + seed + "/" + answerSeed);
          round.put(endpoint, notifier.publish(endpoint, number.incrementAndGet()));
        }
        for (Map.Entry<URI, CompletableFuture<Verdict>> each : round.entrySet()) {
          Verdict verdict = each.getValue().get(20, TimeUnit.SECONDS);
          answers++;
          String kind =
              verdict instanceof Verdict.Failed failed
                  ? "Failed " + failed.cause()
                  : verdict.getClass().getSimpleName();
          verdicts.merge(kind, 1, Integer::sum);
        }
        slowest = Math.max(slowest, System.nanoTime() - began);
        for (HostileServer server : servers) {
          server.close();
        }
        servers.clear();
      }
      assertNothingIsLeft(notifier);
    } finally {
      for (HostileServer server : servers) {
        server.close();
      }
    }
    System.out.printf(
        "seed %d: %d answers, slowest round %d ms, %s%n",
        seed, answers, TimeUnit.NANOSECONDS.toMillis(slowest), verdicts);
    assertThat(slowest).isLessThan(TimeUnit.SECONDS.toNanos(20));
    return answers;
  }
}
