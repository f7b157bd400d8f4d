package org.simplepush.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.core.ChannelId;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.Uaid;
import org.simplepush.core.VersionStore;
import org.simplepush.core.VersionStore.Resumption;
import org.simplepush.server.PushServer;

/**
 * The wandering devices see what a server does wrong. The servers here are in the same process, and
 * their stores break one promise each.
 */
@Timeout(60)
class SurvivalTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final Duration SHORT = Duration.ofSeconds(1);

  /** Does a step of the store otherwise than it should be, or returns null to have it done. */
  private interface Fault {
    Object on(String step, Object[] arguments, VersionStore store);
  }

  private static VersionStore faulty(Fault fault) {
    VersionStore store = new InMemoryVersionStore();
    return (VersionStore)
        Proxy.newProxyInstance(
            VersionStore.class.getClassLoader(),
            new Class<?>[] {VersionStore.class},
            (proxy, method, arguments) -> {
              Object instead = fault.on(method.getName(), arguments, store);
              try {
                return instead == null ? method.invoke(store, arguments) : instead;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private record Outcome(int lost, RunStatistics statistics) {
    boolean isGood() {
      return new Report("survive").close(lost, statistics.failures).isGood();
    }
  }

  /** Runs until enough happened, then waits for what is owed. */
  private static Outcome run(VersionStore store, Duration limit, Enough enough) throws Exception {
    try (PushServer server =
            PushServer.builder()
                .port(0)
                .endpointPort(0)
                .store(store)
                .pingMinInterval(Duration.ZERO)
                .redeliveryInterval(Duration.ofSeconds(1))
                .build()
                .start();
        Survival survival =
            new Survival(
                List.of(
                    new Survival.Node(
                        new Target(server.webSocketUri(), null),
                        new InetSocketAddress(
                            InetAddress.getLoopbackAddress(), server.endpointUrl().getPort()))),
                7,
                30,
                3,
                6,
                Survival.Behaviour.OF_ONE_STORE)) {
      survival.start();
      BooleanSupplier done = () -> survival.loop.call(() -> enough.of(survival.statistics));
      while (!done.getAsBoolean()) {
        survival.statistics.failures.pass(Duration.ofMillis(20));
      }
      return new Outcome(survival.settle(limit), survival.statistics);
    }
  }

  private interface Enough {
    boolean of(RunStatistics statistics);
  }

  private static boolean aLot(RunStatistics statistics) {
    return statistics.accepted > 300 && statistics.reconnects > 15 && statistics.takeovers > 1;
  }

  @Test
  void nothingIsLostOnAServerThatKeepsItsPromise() throws Exception {
    Outcome outcome = run(new InMemoryVersionStore(), LONG, SurvivalTest::aLot);
    assertThat(outcome.statistics.addTo(new Report("survive")).json())
        .contains("\"takeovers\":", "\"delayP99Millis\":");
    assertThat(outcome.lost).isZero();
    assertThat(outcome.isGood()).as(String.valueOf(outcome.statistics.failures.first())).isTrue();
    assertThat(outcome.statistics.repeated).as("acknowledgements were lost").isPositive();
    assertThat(outcome.statistics.deafness.longestSeconds()).isLessThan(10);
  }

  @Test
  void pendingUpdatesForgottenAtHelloAreSeen() throws Exception {
    VersionStore store =
        faulty(
            (step, arguments, real) -> {
              if (!step.equals("hello")) {
                return null;
              }
              @SuppressWarnings("unchecked")
              List<ChannelId> channelIds = (List<ChannelId>) arguments[1];
              return real.hello((Uaid) arguments[0], channelIds)
                  .thenApply(
                      found ->
                          found instanceof Resumption.Resumed
                              ? new Resumption.Resumed(List.of())
                              : found);
            });
    Outcome outcome = run(store, SHORT, SurvivalTest::aLot);
    assertThat(outcome.lost).isPositive();
    assertThat(outcome.isGood()).isFalse();
  }

  @Test
  void answerBeforeTheVersionIsStoredIsSeen() throws Exception {
    AtomicInteger calls = new AtomicInteger();
    VersionStore store =
        faulty(
            (step, arguments, real) ->
                step.equals("advance") && calls.incrementAndGet() % 10 == 0
                    ? CompletableFuture.completedStage(new VersionStore.Advance.Repeated())
                    : null);
    Outcome outcome = run(store, SHORT, SurvivalTest::aLot);
    assertThat(outcome.lost).isPositive();
  }

  @Test
  void freshUaidIsSeen() throws Exception {
    AtomicInteger hellos = new AtomicInteger();
    VersionStore store =
        faulty(
            (step, arguments, real) -> {
              if (step.equals("hello") && hellos.incrementAndGet() == 40) {
                real.drop((Uaid) arguments[0]);
              }
              return null;
            });
    Outcome outcome = run(store, LONG, statistics -> aLot(statistics) && statistics.freshUaids > 0);
    assertThat(outcome.lost).as("the device synchronised by itself").isZero();
    assertThat(outcome.isGood()).isFalse();
    assertThat(outcome.statistics.failures.first()).contains("fresh UAID");
  }

  @Test
  void aDeviceThatIsNotToldIsDeaf() throws Exception {
    // Stored, and pending at the next hello; but the server thinks that there is nothing to tell.
    VersionStore store =
        faulty(
            (step, arguments, real) ->
                step.equals("advance")
                    ? real.advance(
                            (Uaid) arguments[0], (ChannelId) arguments[1], (Long) arguments[2])
                        .thenApply(done -> new VersionStore.Advance.Repeated())
                    : null);
    Outcome outcome = run(store, SHORT, statistics -> statistics.deafness.longestSeconds() > 3);
    assertThat(outcome.statistics.deafness.deafest()).startsWith("device ");
    assertThat(outcome.lost).isPositive();
  }
}
