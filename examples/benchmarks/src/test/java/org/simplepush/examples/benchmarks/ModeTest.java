package org.simplepush.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.reflect.Proxy;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.VersionStore;
import org.simplepush.server.PushServer;

/** A short run of every mode against a server in the same process. */
@Timeout(180)
class ModeTest {
  /** As long as a busy machine may hold everything up: something must happen in it. */
  private static final Duration SHORT = Duration.ofSeconds(1);

  private PushServer server;
  private Server underTest;

  @BeforeEach
  void start() throws Exception {
    server =
        PushServer.builder().port(0).endpointPort(0).pingMinInterval(Duration.ZERO).build().start();
    underTest =
        new Server(
            new Target(server.webSocketUri(), null),
            new ServerProbe(ProcessHandle.current().pid()));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void idleWeighsEveryDevice() throws Exception {
    Report report = new Mode.Idle(50, 2, 8, SHORT).measure(underTest, 1);
    assertGood(report);
    assertThat(report.value("devices")).isEqualTo(50);
    assertThat(report.value("rssMegabytes")).isPositive();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void throughputDeliversAndCounts(int loops) throws Exception {
    Report report = new Mode.Throughput(20, 2, 4, SHORT, SHORT, 2).measure(underTest, loops);
    assertGood(report);
    assertThat(report.value("notificationsPerSecond")).isPositive();
    assertThat(report.value("putP99Millis")).isPositive();
    assertThat(report.value("deliveryP99Millis")).isPositive();
    assertThat(report.json()).startsWith("{\"mode\":\"throughput\",").endsWith("\"failures\":0}");
    assertThat(report.table()).contains("updates lost");
  }

  @Test
  void openKeepsItsRate() throws Exception {
    Duration second = Duration.ofSeconds(1);
    // The median of five: one second in which the machine is busy elsewhere tells nothing.
    Report report = new Mode.Open(200, 20, 10, 4, second, second, 5).measure(underTest, 2);
    assertGood(report);
    assertThat(report.value("notificationsPerSecond")).isBetween(150.0, 250.0);
  }

  @Test
  void offlineCollapsesAndDrains() throws Exception {
    Report report = new Mode.Offline(20, 3, 4, 4).measure(underTest, 2);
    assertGood(report);
    assertThat(report.value("collapsed")).isEqualTo(4);
  }

  @Test
  void fanOutReachesEveryDevice() throws Exception {
    Report report = new Mode.FanOut(10, 30, 4, SHORT, SHORT, 1).measure(underTest, 2);
    assertGood(report);
    assertThat(report.value("allPerSecond")).isPositive();
  }

  @Test
  void stormConnectsAll() throws Exception {
    Report report = new Mode.Storm(40, 1, 8, 1, 2).measure(underTest, 2);
    assertGood(report);
    assertThat(report.value("connectsPerSecond")).isPositive();
  }

  @Test
  void growthMeasuresEveryStep() throws Exception {
    Report report = new Growth(List.of(10, 30), 10, 4, SHORT, SHORT).measure(underTest, 2);
    assertGood(report);
    assertThat(report.steps()).containsExactly(10, 30);
    assertThat(report.value("perSecondAt10")).isPositive();
    assertThat(report.value("perSecondAt30")).isPositive();
  }

  @Test
  void widthMeasuresEveryStep() throws Exception {
    Report report = new Width(List.of(1, 5), 10, 4, SHORT, SHORT).measure(underTest, 2);
    assertGood(report);
    assertThat(report.steps()).containsExactly(1, 5);
    assertThat(report.value("perSecondAt5")).isPositive();
  }

  @Test
  void devicesThatHangCatchUpWhenTheyReadOn() throws Exception {
    Report report = new Hang(20, 5, 4, SHORT, SHORT).measure(underTest, 2);
    assertGood(report);
    assertThat(report.value("deliveryBesideP99Millis")).isPositive();
  }

  @Test
  void soakComparesTheHeap() throws Exception {
    Report report = new Soak(20, 4, SHORT, SHORT).measure(underTest, 1);
    assertGood(report);
    assertThat(report.value("heapAtEnd")).isPositive();
  }

  @Test
  void anUpdateAnsweredWith200ThatDoesNotComeIsLost() throws Exception {
    VersionStore forgetful = new InMemoryVersionStore();
    VersionStore store =
        (VersionStore)
            Proxy.newProxyInstance(
                VersionStore.class.getClassLoader(),
                new Class<?>[] {VersionStore.class},
                (proxy, method, arguments) ->
                    method.getName().equals("advance")
                        ? CompletableFuture.completedStage(new VersionStore.Advance.Repeated())
                        : method.invoke(forgetful, arguments));
    try (PushServer loser =
            PushServer.builder().port(0).endpointPort(0).store(store).build().start();
        Load load = new Load(new Target(loser.webSocketUri(), null), 1)) {
      load.connect(3, 1, 3, Duration.ofSeconds(10));
      load.startClosed(2, 3);
      load.awaitPuts(Duration.ofSeconds(10));
      long lost = load.awaitDelivered(Duration.ofMillis(100));
      assertThat(lost).isEqualTo(3);
      assertThat(new Report("x").close(lost, load.failures).isGood()).isFalse();
    }
  }

  @Test
  void aServerThatIsGoneEndsTheMeasurement() {
    server.close();
    assertThatThrownBy(() -> new Mode.Storm(5, 1, 2, 0, 1).measure(underTest, 1))
        .isInstanceOf(LoadException.class)
        .hasMessageContaining("No device could connect");
  }

  @Test
  void onlyWebSocketUrlsAreTaken() {
    assertThatThrownBy(() -> new Target(URI.create("http://127.0.0.1/"), null))
        .isInstanceOf(LoadException.class)
        .hasMessageContaining("ws://");
  }

  private static void assertGood(Report report) {
    assertThat(report.isGood()).as(report.table()).isTrue();
  }
}
