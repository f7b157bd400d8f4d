package org.simplepush.examples.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BooleanSupplier;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.VersionStore;
import org.simplepush.server.PushServer;

/** Strangers do what they are meant to do, and what a server owes to others is seen. */
@Timeout(120)
class SiegeTest {
  private static final Duration LONG = Duration.ofSeconds(30);
  private static final Duration SHORT = Duration.ofSeconds(1);
  private static final Duration POLL = Duration.ofMillis(20);

  @TempDir private Path folder;

  private static PushServer.Builder server() {
    return PushServer.builder().port(0).endpointPort(0).redeliveryInterval(Duration.ofSeconds(1));
  }

  private static void await(HonestClients honest, BooleanSupplier done) throws Exception {
    while (!done.getAsBoolean()) {
      honest.statistics.failures.pass(POLL);
    }
  }

  private SSLContext serverTls() throws Exception {
    Certificate.make(folder);
    char[] password = Certificate.PASSWORD.toCharArray();
    KeyStore keys = KeyStore.getInstance(folder.resolve("tls.p12").toFile(), password);
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(keys, password);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    return context;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void strangersOfEveryKindComeWhileDevicesAreServed(boolean tls) throws Exception {
    PushServer.Builder builder = server();
    if (tls) {
      builder.tls(serverTls());
    }
    try (PushServer server = builder.build().start();
        HonestClients honest = new HonestClients(new Target(server.webSocketUri(), null))) {
      Target target = new Target(server.webSocketUri(), null);
      HonestDevice known = honest.joinForStrangers();
      for (int i = 0; i < 9; i++) {
        honest.join();
      }
      assertThat(honest.awaitReady(LONG)).as(honest.firstSentAway()).isZero();
      honest.startSending();
      List<Attack> attacks = new ArrayList<>();
      try (LoadLoop loop = new LoadLoop(1, honest.statistics.failures);
          Timers timers = new Timers(loop)) {
        loop.start();
        InetSocketAddress endpoint =
            new InetSocketAddress(InetAddress.getLoopbackAddress(), server.endpointUrl().getPort());
        String path = URI.create(String.valueOf(known.endpoint())).getRawPath();
        SiegeTarget field =
            new SiegeTarget(loop, timers, target, endpoint, endpoint, path, target.tls);
        for (Attack.Plan plan : Attackers.plans(tls)) {
          attacks.add(new Attack(plan, attacks.size(), field));
        }
        loop.execute(() -> attacks.forEach(Attack::start));
        await(
            honest,
            () -> loop.call(() -> attacks.stream().allMatch(attack -> attack.attempts > 1)));
        await(honest, () -> loop.call(() -> of(attacks, "404s").answers > 10));
        await(honest, () -> loop.call(() -> of(attacks, "registers without").answers > 10));
        await(honest, () -> loop.call(() -> of(attacks, "floods of {}").refused > 0));
        await(honest, () -> loop.call(() -> of(attacks, "floods of ping").answers > 10));
        loop.<Boolean>call(
            () -> {
              attacks.forEach(Attack::stop);
              return attacks.isEmpty();
            });
      }
      assertThat(honest.settle(LONG)).isZero();
      assertThat(honest.statistics.failures.first()).isNull();
      assertThat(honest.heldUpdates()).isPositive();
    }
  }

  private static Attack of(List<Attack> attacks, String name) {
    return attacks.stream().filter(a -> a.plan.name().contains(name)).findFirst().orElseThrow();
  }

  @Test
  void anUpdateThatIsConfirmedAndNotKeptIsSeen() throws Exception {
    AtomicBoolean losing = new AtomicBoolean();
    VersionStore real = new InMemoryVersionStore();
    VersionStore store =
        (VersionStore)
            Proxy.newProxyInstance(
                VersionStore.class.getClassLoader(),
                new Class<?>[] {VersionStore.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("advance") && losing.get()) {
                    return CompletableFuture.completedStage(new VersionStore.Advance.Repeated());
                  }
                  try {
                    return method.invoke(real, arguments);
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                });
    try (PushServer server = server().store(store).build().start();
        HonestClients honest = new HonestClients(new Target(server.webSocketUri(), null))) {
      for (int i = 0; i < 10; i++) {
        honest.join();
      }
      assertThat(honest.awaitReady(LONG)).isZero();
      honest.startSending();
      await(honest, () -> honest.heldUpdates() > 10);
      losing.set(true);
      int accepted = honest.loop.call(() -> honest.statistics.accepted);
      await(honest, () -> honest.loop.call(() -> honest.statistics.accepted > accepted + 10));
      assertThat(honest.settle(SHORT)).isPositive();
    }
  }

  @Test
  void aServerThatDoesNotAnswerIsNotWell() throws Exception {
    InetSocketAddress nobody;
    try (ServerSocket closed = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      nobody = (InetSocketAddress) closed.getLocalSocketAddress();
    }
    try (PushServer server = server().build().start();
        HonestClients honest = new HonestClients(new Target(server.webSocketUri(), null))) {
      HealthWatch health = new HealthWatch(honest.loop, honest.timers, nobody);
      honest.loop.execute(health::ask);
      await(honest, () -> honest.loop.call(() -> health.mostFailuresInARow > 1));
      assertThat(honest.loop.call(() -> health.times().getTotalCount())).isZero();
    }
  }
}
