package org.simplepush.appserver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.net.InetAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.appserver.testing.HostileServer;

/**
 * Push servers of every hostile kind among good ones, all on real sockets; {@code benchmarks
 * siege-notifier} does it with thousands, and measures.
 */
@Timeout(120)
@Tag("long")
class NotifierSiegeTest {
  private static final int GOOD = 200;
  private static final Duration DEADLINE = Duration.ofSeconds(10);
  private static final Duration REQUEST_TIMEOUT = Duration.ofSeconds(2);

  @Test
  void goodOnesAreServedAndHostileOnesGetVerdictsInTime() throws Exception {
    List<HostileServer> hostile = new ArrayList<>();
    try (HostileServer good = new HostileServer(HostileServer.answering(HostileServer.GOOD))) {
      for (String answer : HostileServer.oddAnswers()) {
        hostile.add(new HostileServer(HostileServer.answering(answer)));
      }
      for (HostileServer.Behaviour behaviour : HostileServer.endless()) {
        for (int n = 0; n < 3; n++) {
          hostile.add(new HostileServer(behaviour));
        }
      }
      besiege(good, hostile);
    } finally {
      for (HostileServer server : hostile) {
        server.close();
      }
    }
  }

  private static void besiege(HostileServer good, List<HostileServer> hostile) throws Exception {
    Notifier.Builder builder =
        Notifier.builder()
            .permitHost("localhost")
            .dns(host -> List.of(InetAddress.getLoopbackAddress()))
            .deadline(DEADLINE)
            .requestTimeout(REQUEST_TIMEOUT)
            .maxConcurrent(64);
    for (int n = 0; n < GOOD; n++) {
      builder.permitHost("good" + n + ".example");
    }
    List<CompletableFuture<Verdict>> onHostile = new ArrayList<>();
    List<CompletableFuture<Verdict>> onGood = new ArrayList<>();
    Notifier notifier = builder.build();
    try {
      for (HostileServer server : hostile) {
        for (int n = 0; n < 10; n++) {
          onHostile.add(notifier.publish(server.endpoint(n), 7));
        }
      }
      for (int n = 0; n < 5 * GOOD; n++) {
        URI endpoint =
            URI.create("http://good" + n % GOOD + ".example:" + good.port() + "/update/" + n);
        onGood.add(notifier.publish(endpoint, 7));
      }
      for (CompletableFuture<Verdict> each : onGood) {
        assertThat(each).succeedsWithin(Duration.ofSeconds(60)).isEqualTo(new Verdict.Accepted());
      }
      for (CompletableFuture<Verdict> each : onHostile) {
        assertThat(each).succeedsWithin(Duration.ofSeconds(60)); // 12 on a machine with time
      }
      assertThat(notifier.sender().isEmpty()).isTrue();
      assertThat(notifier.statistics().onWire()).isZero();
    } finally {
      notifier.close();
    }
    await().atMost(Duration.ofSeconds(20)).until(() -> good.open() == 0);
    for (HostileServer server : hostile) {
      await().atMost(Duration.ofSeconds(20)).until(() -> server.open() == 0);
    }
  }
}
