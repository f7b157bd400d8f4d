package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.simplepush.server.fixtures.TestServers.CHANNEL;
import static org.simplepush.server.fixtures.TestServers.awaitRelease;
import static org.simplepush.server.fixtures.TestServers.eventually;
import static org.simplepush.server.fixtures.TestServers.server;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.channels.Pipe;
import java.nio.channels.SelectionKey;
import java.nio.file.Path;
import java.security.KeyManagementException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import org.assertj.core.api.ThrowingConsumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.server.fixtures.Certificates;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.SlowStore;
import org.simplepush.server.fixtures.TestServers;
import org.simplepush.server.fixtures.WireDevice;
import org.simplepush.server.internal.net.EventLoop;
import org.simplepush.server.internal.node.ServerHealth;
import org.simplepush.server.jetty.JettyEndpointServer;

/** A server of which a part has died: it says so, and what is left goes on. */
@Timeout(60)
class HealthWireTest {
  private static void assertHealthy(PushServer server) {
    assertThat(server.checkHealth().toCompletableFuture().join()).isNull();
  }

  private static void assertSick(PushServer server, String sentence) {
    assertThatThrownBy(() -> server.checkHealth().toCompletableFuture().join())
        .hasCauseInstanceOf(IOException.class)
        .hasMessageContaining(sentence);
  }

  private static void assertDoesNotRun(PushServer server, String sentence) {
    assertThatThrownBy(() -> server.checkHealth().toCompletableFuture().join())
        .hasCauseInstanceOf(IllegalStateException.class)
        .hasMessageContaining(sentence);
  }

  @Test
  void serverThatIsNotStartedOrClosesIsNotHealthy() throws Exception {
    PushServer server = server().build();
    assertDoesNotRun(server, "was not started");
    server.start();
    assertHealthy(server);
    CompletableFuture<Void> closed = server.closeAsync();
    assertDoesNotRun(server, "shuts down");
    closed.join();
    assertDoesNotRun(server, "shuts down");
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "localhost", "0.0.0.0", "::1", "::"})
  void serverIsHealthyWhateverItsAddress(String host) throws Exception {
    try (ServerSocket any = new ServerSocket(0, 1, InetAddress.getByName(host))) {
      assertThat(any.isBound()).isTrue();
    } catch (BindException e) {
      assumeTrue(false, "this machine has no address " + host);
    }
    for (EndpointServer endpoints : TestServers.ENDPOINT_SERVERS) {
      try (PushServer server =
          server()
              .host(host)
              .endpointUrl(URI.create("http://push.example.org"))
              .endpointServer(endpoints)
              .build()
              .start()) {
        assertHealthy(server);
        assertThat(server.statistics().updatesRefused()).as("what looking costs").isZero();
      }
    }
  }

  @Test
  void serverOfTlsIsHealthy(@TempDir Path folder) throws Exception {
    SSLContext tls = Certificates.selfSigned(folder.resolve("keystore.p12"));
    for (EndpointServer endpoints : TestServers.ENDPOINT_SERVERS) {
      try (PushServer server = server().tls(tls).endpointServer(endpoints).build().start()) {
        assertHealthy(server);
      }
    }
    try (PushServer server =
        server().noEndpointPort().endpointUrl(URI.create("http://x.example")).build().start()) {
      assertHealthy(server);
    }
  }

  /** Each takes a thread and a connection, and anybody may ask for one. */
  @Test
  void checksThatAreAskedForAtOnceAreOne() throws Exception {
    CompletableFuture<Void> storeWorks = new CompletableFuture<>();
    AtomicInteger checks = new AtomicInteger();
    SlowStore store =
        new SlowStore(
            new InMemoryVersionStore(),
            step -> {
              if (Thread.currentThread().getName().endsWith("-health")) {
                checks.incrementAndGet();
                storeWorks.thenRun(step);
              } else {
                step.run();
              }
            });
    try (PushServer server = server().store(store).build().start()) {
      List<CompletableFuture<Void>> asked = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        asked.add(server.checkHealth().toCompletableFuture());
      }
      asked.get(0).cancel(false); // who asked has gone, the others still want to know
      storeWorks.complete(null);
      for (CompletableFuture<Void> each : asked.subList(1, 100)) {
        each.get(20, TimeUnit.SECONDS);
      }
      assertThat(checks).hasValue(1);
      assertHealthy(server);
      assertThat(checks).hasValue(2);
    }
  }

  // Event loops

  /** Takes the selector away from a loop, as a failing system would. */
  private static void kill(EventLoop loop) throws IOException {
    Pipe pipe = Pipe.open();
    pipe.source().configureBlocking(false);
    CompletableFuture<Void> done = new CompletableFuture<>();
    EventLoop.Handler nobody =
        new EventLoop.Handler() {
          @Override
          public void onReady(SelectionKey key) {}

          @Override
          public void onFailure(Throwable failure) {}
        };
    loop.execute(
        () -> {
          try {
            loop.register(pipe.source(), 0, nobody).selector().close();
            done.complete(null);
          } catch (IOException e) {
            done.completeExceptionally(e);
            throw new UncheckedIOException(e);
          }
        });
    done.join();
    pipe.source().close();
    pipe.sink().close();
    eventually(() -> assertThat(loop.hasEnded()).isTrue());
  }

  private record Registered(WireDevice device, String uaid, URI endpoint) {}

  private static Registered register(PushServer server) throws Exception {
    WireDevice device = new WireDevice(RawWebSocket.connect(server.port()));
    String uaid = device.hello("");
    return new Registered(device, uaid, device.register(CHANNEL));
  }

  @Test
  void loopThatDiedEndsItsConnectionsAndGetsNoMore() throws Exception {
    try (PushServer server = server().eventLoops(2).build().start()) {
      List<Registered> all = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        all.add(register(server));
      }
      kill(server.webSockets().loop(1));
      assertSick(server, "An event loop has ended; restart the server");
      List<Registered> lost = List.of(all.get(1), all.get(3), all.get(5));
      for (Registered each : lost) {
        each.device().socket().expectEnd();
      }
      eventually(() -> assertThat(server.statistics().connections()).isEqualTo(3));
      for (Registered each : all) { // also those of nobody
        assertThat(RawHttp.put(each.endpoint(), "version=7").status()).isEqualTo(200);
      }
      for (Registered each : List.of(all.get(0), all.get(2), all.get(4))) {
        each.device().expectUpdate(CHANNEL, 7);
        each.device().close();
      }
      for (Registered each : lost) {
        try (WireDevice back = new WireDevice(RawWebSocket.connect(server.port()))) {
          back.hello(each.uaid(), CHANNEL);
          back.expectUpdate(CHANNEL, 7);
        }
      }
      assertThat(server.statistics().takeovers()).as("sessions left behind").isZero();
      eventually(() -> assertThat(server.statistics().connections()).isZero());
    }
  }

  @Test
  void loopThatAcceptsAndDiedRefusesDevicesInsteadOfLettingThemWait() throws Exception {
    try (PushServer server = server().eventLoops(2).build().start()) {
      int port = server.port();
      Registered first = register(server);
      Registered second = register(server);
      kill(server.webSockets().loop(0));
      first.device().socket().expectEnd();
      assertSick(server, "The WebSocket port is no longer served; restart the server");
      assertThatThrownBy(() -> new Socket("127.0.0.1", port)).isInstanceOf(ConnectException.class);
      assertThat(RawHttp.put(second.endpoint(), "version=7").status()).isEqualTo(200);
      second.device().expectUpdate(CHANNEL, 7);
      second.device().close();
    }
  }

  @Test
  void loopThatIsBlockedIsToldOfAsLongAsItIs() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    try (PushServer server = server().eventLoops(2).build().start()) {
      server.webSockets().loop(1).execute(() -> awaitRelease(release));
      try {
        assertSick(server, "An event loop does not take its turn");
      } finally {
        release.countDown();
      }
      assertHealthy(server);
    }
  }

  // TLS

  /** The TLS of the JDK, which fails while a test wants it to. */
  private static final class BreakingTls extends SSLContext {
    BreakingTls(SSLContext real, AtomicBoolean broken) {
      super(
          new SSLContextSpi() {
            @Override
            protected void engineInit(KeyManager[] km, TrustManager[] tm, SecureRandom random)
                throws KeyManagementException {
              throw new KeyManagementException("initialised already");
            }

            @Override
            protected SSLSocketFactory engineGetSocketFactory() {
              return real.getSocketFactory();
            }

            @Override
            protected SSLServerSocketFactory engineGetServerSocketFactory() {
              return real.getServerSocketFactory();
            }

            @Override
            protected SSLEngine engineCreateSSLEngine() {
              if (broken.get()) {
                throw new IllegalStateException("no engine");
              }
              return real.createSSLEngine();
            }

            @Override
            protected SSLEngine engineCreateSSLEngine(String host, int port) {
              return engineCreateSSLEngine();
            }

            @Override
            protected SSLSessionContext engineGetServerSessionContext() {
              return real.getServerSessionContext();
            }

            @Override
            protected SSLSessionContext engineGetClientSessionContext() {
              return real.getClientSessionContext();
            }
          },
          real.getProvider(),
          real.getProtocol());
    }
  }

  @Test
  void tlsThatFailsLeaksNoConnectionAndThePortIsServedOn(@TempDir Path folder) throws Exception {
    SSLContext real = Certificates.selfSigned(folder.resolve("keystore.p12"));
    AtomicBoolean broken = new AtomicBoolean();
    try (PushServer server =
        server().tls(new BreakingTls(real, broken)).eventLoops(2).build().start()) {
      assertHealthy(server);
      broken.set(true);
      for (int i = 0; i < 10; i++) {
        try (Socket socket = new Socket("127.0.0.1", server.port())) {
          socket.setSoTimeout(20_000);
          assertThat(socket.getInputStream().read()).as("end of stream").isEqualTo(-1);
        }
      }
      assertSick(server, "TLS does not work for devices");
      eventually(() -> assertThat(server.statistics().connections()).isZero());
      broken.set(false);
      assertHealthy(server);
      try (WireDevice device = new WireDevice(RawWebSocket.connectTls(server.port(), real))) {
        device.hello("");
        device.register(CHANNEL);
      }
    }
  }

  // The endpoint port

  @Test
  void endpointServerThatStoppedIsToldOf() throws Exception {
    AtomicReference<EndpointServer.Running> running = new AtomicReference<>();
    EndpointServer stopping =
        (binding, handler) -> {
          running.set(new JettyEndpointServer().start(binding, handler));
          return running.get();
        };
    try (PushServer server = server().endpointServer(stopping).build().start()) {
      assertHealthy(server);
      running.get().close(Duration.ZERO);
      assertSick(server, "The endpoint port is not served");
    }
  }

  private static PushServer.Builder builder(boolean secure, Path folder) throws Exception {
    return secure
        ? server().tls(Certificates.selfSigned(folder.resolve("keystore.p12")))
        : server();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void executorThatTakesNoMoreRequestsIsToldOf(boolean secure, @TempDir Path folder)
      throws Exception {
    ExecutorService executor = Executors.newCachedThreadPool();
    try (PushServer server = builder(secure, folder).endpointExecutor(executor).build().start()) {
      assertHealthy(server);
      executor.shutdown();
      assertSick(server, "The endpoint port is not served");
    }
  }

  /** The HTTP server may close the connection first, which has a time limit of its own. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void executorThatIsBlockedIsToldOfAsLongAsItIs(boolean secure, @TempDir Path folder)
      throws Exception {
    ExecutorService executor = Executors.newFixedThreadPool(1);
    CountDownLatch release = new CountDownLatch(1);
    try (PushServer server = builder(secure, folder).endpointExecutor(executor).build().start()) {
      executor.execute(() -> awaitRelease(release));
      try {
        assertSick(server, "a request was not answered");
      } finally {
        release.countDown();
      }
      assertHealthy(server);
    } finally {
      executor.shutdown();
    }
  }

  /** An endpoint server that accepts, and does this with a connection that sends something. */
  private static EndpointServer answering(ThrowingConsumer<Socket> answer) {
    return (binding, handler) -> {
      ServerSocket listener = new ServerSocket();
      listener.bind(binding.address());
      Thread accepting =
          new Thread(
              () -> {
                try (listener) {
                  while (true) {
                    try (Socket socket = listener.accept()) {
                      socket.getInputStream().read();
                      answer.accept(socket);
                    }
                  }
                } catch (IOException e) {
                  assertThat(listener.isClosed()).isTrue();
                }
              });
      accepting.start();
      return new EndpointServer.Running() {
        @Override
        public int port() {
          return listener.getLocalPort();
        }

        @Override
        public void close(Duration patience) {
          try {
            listener.close();
            accepting.join();
          } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
          }
        }
      };
    };
  }

  @Test
  void requestThatIsNotAnsweredIsToldOfHoweverItEnds() throws Exception {
    EndpointServer resets = answering(socket -> socket.setSoLinger(true, 0));
    EndpointServer ends =
        answering(socket -> socket.getInputStream().skipNBytes(ServerHealth.REQUEST.length() - 1));
    EndpointServer babbles = answering(socket -> socket.getOutputStream().write('+'));
    for (EndpointServer endpoints : List.of(resets, ends, babbles)) {
      try (PushServer server = server().endpointServer(endpoints).build().start()) {
        assertSick(server, "The endpoint port is not served: a request was not answered");
      }
    }
  }

  // The housekeeper

  private static final class Unspeakable extends Error {
    private static final long serialVersionUID = 1;

    @Override
    public String getMessage() {
      throw this;
    }
  }

  /** A store that throws that when it is asked to expire. */
  private static SlowStore throwing(AtomicInteger rounds, Supplier<Error> failure) {
    return new SlowStore(
        new InMemoryVersionStore(),
        step -> {
          if (Thread.currentThread().getName().endsWith("-housekeeper")) {
            rounds.incrementAndGet();
            throw failure.get();
          }
          step.run();
        });
  }

  @Test
  void housekeeperOutlivesWhatAStoreThrows() throws Exception {
    AtomicInteger rounds = new AtomicInteger();
    SlowStore store = throwing(rounds, () -> new NoClassDefFoundError("broken"));
    try (PushServer server = server().store(store).expiry(Duration.ofMillis(1)).build().start()) {
      eventually(() -> assertThat(rounds).hasValueGreaterThan(3));
      assertHealthy(server);
    }
  }

  @Test
  void housekeeperOutlivesEvenWhatCannotBeLogged() throws Exception {
    AtomicInteger rounds = new AtomicInteger();
    SlowStore store = throwing(rounds, Unspeakable::new);
    try (PushServer server = server().store(store).expiry(Duration.ofMillis(1)).build().start()) {
      eventually(() -> assertThat(rounds).hasValueGreaterThan(2));
      assertHealthy(server);
    }
  }

  @Test
  void housekeeperThatEndedIsToldOf() throws Exception {
    try (PushServer server = server().build().start()) {
      ServerHealth health =
          new ServerHealth(
              server.webSockets(), List.of(CompletableFuture.completedFuture(null)), null, false);
      assertThatThrownBy(health::check)
          .isInstanceOf(IOException.class)
          .hasMessageStartingWith("The housekeeper has ended");
    }
  }

  @Test
  void serverThatWasOutOfMemoryGoesOnAndSaysSo() throws Exception {
    List<OutOfMemoryError> told = new CopyOnWriteArrayList<>();
    OutOfMemoryError error = new OutOfMemoryError("as if");
    try (PushServer server = server().onOutOfMemory(told::add).build().start();
        WireDevice device = WireDevice.fresh(server.port())) {
      assertHealthy(server);
      for (int i = 0; i < 2; i++) {
        server
            .webSockets()
            .loop(i)
            .execute(
                () -> {
                  throw error;
                });
      }
      eventually(() -> assertThat(told).containsExactly(error, error));
      device.proveNothingCame();
      assertSick(server, "out of memory");
    }
  }
}
