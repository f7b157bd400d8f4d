package org.simplepush.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.simplepush.client.ApplicationManifest.Permission;
import org.simplepush.client.internal.device.Handlers;
import org.simplepush.client.internal.device.KnownEndpoint;
import org.simplepush.client.internal.device.RequestException;

/** What applications see of a device, and it of them. */
@Timeout(10)
class AdaptersTest {
  private static final URI OLD = URI.create("https://push.example.org/old");
  private static final URI NEW = URI.create("https://push.example.org/new");

  private final List<Object> calls = new ArrayList<>();

  private final class Everything
      implements PushHandler,
          EndpointReplacedHandler,
          PushRegisterHandler,
          RegisteredHandler,
          SynchroniseHandler {
    @Override
    public void onPush(PushMessage message) {
      calls.add(message);
    }

    @Override
    public void onEndpointReplaced(URI old, URI endpoint) {
      calls.add(old + " is now " + endpoint);
    }

    @Override
    public void onPushRegister() {
      calls.add("push-register");
    }

    @Override
    public void onRegistered(String tag, URI endpoint) {
      calls.add(tag + " is " + endpoint);
    }

    @Override
    public void onSynchronise() {
      calls.add("synchronise");
    }
  }

  @Test
  void objectCanDoWhatItImplements() throws Exception {
    Handlers all = Adapters.handlers(new Everything());
    all.push().handle(NEW, 7);
    all.replaced().handle(OLD, NEW);
    all.pushRegister().run();
    all.registered().handle("work", NEW);
    all.synchronise().run();
    assertThat(calls)
        .containsExactly(
            new PushMessage(NEW, 7),
            OLD + " is now " + NEW,
            "push-register",
            "work is " + NEW,
            "synchronise");
  }

  @Test
  void lambdaHandlesVersionsAndWhatIsHandedInBesideIt() throws Exception {
    Handlers lambda = Adapters.handlers(calls::add);
    assertThat(lambda).isEqualTo(new Handlers(lambda.push(), null, null, null, null));
    lambda.push().handle(NEW, 7);
    assertThat(calls).containsExactly(new PushMessage(NEW, 7));

    Handlers both = Adapters.handlers(calls::add, new Everything());
    assertThat(both).isEqualTo(new Handlers(both.push(), both.replaced(), null, null, null));
    calls.clear();
    both.replaced().handle(OLD, NEW);
    assertThat(calls).containsExactly(OLD + " is now " + NEW);
  }

  @Test
  void manifestsComeBackAsTheyWere() {
    for (ApplicationManifest manifest :
        List.of(
            ApplicationManifest.of("Calendar", "com.example.Calendar"),
            new ApplicationManifest("", Set.of(), ""),
            new ApplicationManifest("a", Set.of(Permission.values()), "b"))) {
      assertThat(Adapters.manifests(Map.of("a", Adapters.manifest(manifest))))
          .containsExactly(Map.entry("a", manifest));
    }
    assertThat(Adapters.manifest(ApplicationManifest.of("a", "")).mayPush()).isTrue();
  }

  @Test
  void failureKeepsItsKindStatusSentenceAndCause() {
    Exception cause = new Exception("no route");
    Map<RequestException, PushException.Kind> failures =
        Map.of(
            RequestException.network("a", cause), PushException.Kind.NETWORK_ERROR,
            RequestException.notFound("a"), PushException.Kind.NOT_FOUND_ERROR,
            RequestException.permissionDenied(), PushException.Kind.PERMISSION_DENIED_ERROR,
            RequestException.server(429, "a"), PushException.Kind.SERVER_ERROR,
            RequestException.badEndpoint("a"), PushException.Kind.SERVER_ERROR,
            RequestException.storage("a", cause), PushException.Kind.STORAGE_ERROR,
            RequestException.closed(), PushException.Kind.ABORT_ERROR);
    failures.forEach(
        (failure, kind) -> {
          CompletableFuture<Void> result = new CompletableFuture<>();
          Adapters.reply(result).failed(failure);
          PushException seen = (PushException) result.handle((value, thrown) -> thrown).join();
          assertThat(seen.kind()).isEqualTo(kind);
          assertThat(seen).hasMessage(kind.errorName() + ": " + failure.getMessage());
          assertThat(seen.getCause()).isSameAs(failure.getCause());
          assertThat(seen.status().orElse(RequestException.NO_STATUS)).isEqualTo(failure.status());
        });
  }

  @Test
  void endpointsAndTheirVersionsAreSeen() {
    CompletableFuture<List<PushRegistration>> result = new CompletableFuture<>();
    Adapters.reply(result, Adapters::registrations)
        .completed(List.of(new KnownEndpoint(OLD, 7L), new KnownEndpoint(NEW, null)));
    assertThat(result)
        .isCompletedWithValue(
            List.of(
                new PushRegistration(OLD, OptionalLong.of(7)),
                new PushRegistration(NEW, OptionalLong.empty())));
    assertThat(new KnownEndpoint(OLD, 7L).toString()).isEqualTo("KnownEndpoint[version=7]");
  }
}
