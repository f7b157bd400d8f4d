package org.simplepush.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.simplepush.server.fixtures.TestServers.awaitRelease;
import static org.simplepush.server.fixtures.TestServers.eventually;
import static org.simplepush.server.fixtures.TestServers.server;

import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.simplepush.server.Admission.Decision;
import org.simplepush.server.fixtures.Hygiene;
import org.simplepush.server.fixtures.LoggedMessages;
import org.simplepush.server.fixtures.RawHttp;
import org.simplepush.server.fixtures.RawWebSocket;
import org.simplepush.server.fixtures.WireDevice;
import org.simplepush.server.internal.Refusal;
import org.simplepush.server.internal.net.AdmissionDesk;

/** The embedder's say in who may connect (protocol §13), on real sockets. */
@Timeout(60)
@ExtendWith(Hygiene.class)
class AdmissionWireTest {
  private static PushServer start(Admission admission) throws Exception {
    return server().admission(admission).build().start();
  }

  private static RawHttp.Head answer(PushServer server, String... headerLines) throws Exception {
    try (RawWebSocket socket = RawWebSocket.open(server.port())) {
      socket.socket().write(RawWebSocket.request(headerLines));
      return socket.response();
    }
  }

  private static CompletionStage<Decision> now(Decision decision) {
    return CompletableFuture.completedStage(decision);
  }

  /** A hook that decides later, when the test says so. */
  private static final class Later implements Admission {
    final BlockingQueue<CompletableFuture<Decision>> asked = new LinkedBlockingQueue<>();

    @Override
    public CompletionStage<Decision> admit(Request request) {
      CompletableFuture<Decision> decision = new CompletableFuture<>();
      asked.add(decision);
      return decision;
    }

    CompletableFuture<Decision> next() throws InterruptedException {
      CompletableFuture<Decision> decision = asked.poll(20, TimeUnit.SECONDS);
      assertThat(decision).isNotNull();
      return decision;
    }
  }

  @Test
  void hookSeesTheRequest() throws Exception {
    BlockingQueue<Admission.Request> requests = new LinkedBlockingQueue<>();
    try (PushServer server =
        start(
            request -> {
              requests.add(request);
              return now(Decision.admit());
            })) {
      try (RawWebSocket socket = RawWebSocket.open(server.port())) {
        socket
            .socket()
            .write(
                RawWebSocket.request("X-Key: a", "Authorization: Bearer b", "x-key:  c ")
                    .replace("GET / ", "GET /devices/%41?token=d?e "));
        assertThat(socket.response().status()).isEqualTo(101);
      }
      Admission.Request request = requests.take();
      assertThat(request.address().getHostAddress()).isEqualTo("127.0.0.1");
      assertThat(request.isSecure()).isFalse();
      assertThat(request.path()).isEqualTo("/devices/%41");
      assertThat(request.query()).isEqualTo("token=d?e");
      assertThat(request.headers("X-KEY")).containsExactly("a", "c");
      assertThat(request.headers("authorization")).containsExactly("Bearer b");
      assertThat(request.headers("Cookie")).isEmpty();
    }
  }

  @Test
  void whoeverIsRefusedIsToldForHowLong() throws Exception {
    try (PushServer server =
        start(
            request ->
                now(
                    switch (request.headers("X-Case").get(0)) {
                      case "forbid" -> Decision.forbid();
                      case "many" -> Decision.tooMany(Duration.ofMillis(1500));
                      case "busy" -> Decision.unavailable(Duration.ofMinutes(2));
                      default -> Decision.admit();
                    }))) {
      RawHttp.Head forbidden = answer(server, "X-Case: forbid");
      assertThat(forbidden.status()).isEqualTo(403);
      assertThat(forbidden.headers("Retry-After")).isEmpty();
      RawHttp.Head many = answer(server, "X-Case: many");
      assertThat(many.status()).isEqualTo(429);
      assertThat(many.header("Retry-After")).isEqualTo("2");
      RawHttp.Head busy = answer(server, "X-Case: busy");
      assertThat(busy.status()).isEqualTo(503);
      assertThat(busy.header("Retry-After")).isEqualTo("120");
      assertThat(answer(server, "X-Case: admit").status()).isEqualTo(101);
      assertThat(server.refusals().sum(Refusal.ADMISSION)).isEqualTo(3);
    }
  }

  @Test
  void deviceWaitsForADecisionAndOthersGoOn() throws Exception {
    Later later = new Later();
    try (PushServer server = start(later);
        RawWebSocket slow = RawWebSocket.open(server.port());
        RawWebSocket quick = RawWebSocket.open(server.port())) {
      slow.socket().write(RawWebSocket.request());
      CompletableFuture<Decision> decision = later.next();
      quick.socket().write(RawWebSocket.request());
      later.next().complete(Decision.admit());
      RawWebSocket.assertAccepted(quick.response());
      slow.send("{}"); // early, but not much
      slow.send("{}");
      quick.send("{}");
      assertThat(quick.nextText()).isEqualTo("{}");
      decision.complete(Decision.admit());
      RawWebSocket.assertAccepted(slow.response());
      assertThat(slow.nextText()).isEqualTo("{}");
      assertThat(slow.nextText()).isEqualTo("{}");
    }
  }

  @Test
  void whatADeviceSendsMeanwhileIsBounded() throws Exception {
    Later later = new Later();
    try (PushServer server = start(later);
        RawWebSocket socket = RawWebSocket.open(server.port())) {
      socket.socket().write(RawWebSocket.request());
      CompletableFuture<Decision> decision = later.next();
      socket.socket().writeWhilePeerListens(new byte[1 << 20]);
      socket.socket().readToEnd();
      eventually(() -> assertThat(decision).isCancelled());
      eventually(() -> assertThat(server.statistics().connections()).isZero());
    }
  }

  @Test
  void decisionAboutADeviceThatLeftIsCancelled() throws Exception {
    Later later = new Later();
    try (PushServer server = start(later)) {
      RawWebSocket socket = RawWebSocket.open(server.port());
      socket.socket().write(RawWebSocket.request());
      CompletableFuture<Decision> decision = later.next();
      socket.close();
      eventually(() -> assertThat(decision).isCancelled());
      eventually(() -> assertThat(server.statistics().connections()).isZero());
    }
  }

  @Test
  void noDecisionInTimeIs503() throws Exception {
    Later later = new Later();
    try (LoggedMessages log = LoggedMessages.of(AdmissionDesk.class);
        PushServer server =
            server().admission(later).helloTimeout(Duration.ofMillis(500)).build().start();
        RawWebSocket one = RawWebSocket.open(server.port());
        RawWebSocket two = RawWebSocket.open(server.port())) {
      for (RawWebSocket socket : new RawWebSocket[] {one, two}) {
        socket.socket().write(RawWebSocket.request());
      }
      for (RawWebSocket socket : new RawWebSocket[] {one, two}) {
        assertThat(socket.response().status()).isEqualTo(503);
        socket.socket().readToEnd();
      }
      CompletableFuture<Decision> decision = later.next();
      eventually(() -> assertThat(decision).isCancelled()); // by the hook's own thread
      assertThat(log.warnings()).hasSize(1);
    }
  }

  @Test
  void hookThatFailsIs503AndHarmsNobody() throws Exception {
    try (LoggedMessages log = LoggedMessages.of(AdmissionDesk.class);
        PushServer server =
            start(
                request ->
                    switch (request.headers("X-Case").get(0)) {
                      case "throws" -> throw new IllegalStateException("meant to fail");
                      case "errs" -> throw new NoClassDefFoundError("meant to fail");
                      case "null" -> null;
                      case "nothing" -> CompletableFuture.completedStage(null);
                      case "fails" ->
                          CompletableFuture.failedStage(new IllegalStateException("meant to"));
                      default -> now(Decision.admit());
                    })) {
      for (String how : new String[] {"throws", "errs", "null", "nothing", "fails"}) {
        RawHttp.Head answer = answer(server, "X-Case: " + how);
        assertThat(answer.status()).as(how).isEqualTo(503);
        assertThat(answer.header("Retry-After")).isNotNull();
      }
      assertThat(answer(server, "X-Case: admit").status()).isEqualTo(101);
      assertThat(log.warnings()).hasSize(1);
    }
  }

  /** One that blocks keeps others from being admitted, but nobody from being served. */
  @Test
  void hookThatBlocksKeepsNoLoopWaiting() throws Exception {
    CountDownLatch release = new CountDownLatch(1);
    try (PushServer server =
            start(
                request -> {
                  if (!request.headers("X-Case").isEmpty()) {
                    awaitRelease(release);
                  }
                  return now(Decision.admit());
                });
        WireDevice device = WireDevice.fresh(server.port());
        RawWebSocket blocking = RawWebSocket.open(server.port())) {
      blocking.socket().write(RawWebSocket.request("X-Case: blocks"));
      try {
        device.proveNothingCame();
        server.checkHealth().toCompletableFuture().get(20, TimeUnit.SECONDS);
      } finally {
        release.countDown();
      }
      RawWebSocket.assertAccepted(blocking.response());
    }
  }

  @Test
  void decisionsThatMakeNoSenseAreRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> Decision.tooMany(Duration.ofSeconds(-1)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Admission.Refused(200, Duration.ZERO));
  }
}
