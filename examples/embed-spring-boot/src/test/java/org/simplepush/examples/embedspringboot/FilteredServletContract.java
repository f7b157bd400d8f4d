package org.simplepush.examples.embedspringboot;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Proxy;
import java.net.URI;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.InMemoryVersionStore;
import org.simplepush.core.VersionStore;
import org.simplepush.server.EndpointServlet;
import org.simplepush.server.PushServer;

/** The servlet alone in a container, behind filters of our own. */
abstract class FilteredServletContract extends EndpointServletContract {
  private final BlockingQueue<CompletableFuture<Void>> held = new LinkedBlockingQueue<>();
  private volatile boolean hold;
  private PushServer push;

  /** Serves it under each prefix of {@link BodyFilters}, behind the filter of that. */
  abstract void startContainer(EndpointServlet servlet) throws Exception;

  abstract void stopContainer() throws Exception;

  @Override
  void start() throws Exception {
    push =
        PushServer.builder()
            .port(0)
            .noEndpointPort()
            .endpointUrl(URI.create("http://127.0.0.1"))
            .store(storeThatCanWait())
            .build()
            .start();
    startContainer(new EndpointServlet(push.endpointHandler()));
  }

  private VersionStore storeThatCanWait() {
    VersionStore memory = new InMemoryVersionStore();
    return (VersionStore)
        Proxy.newProxyInstance(
            VersionStore.class.getClassLoader(),
            new Class<?>[] {VersionStore.class},
            (proxy, method, arguments) -> {
              Object result = method.invoke(memory, arguments);
              if (!hold || !method.getName().equals("advance")) {
                return result;
              }
              CompletableFuture<Void> release = new CompletableFuture<>();
              held.add(release);
              return release.thenCompose(done -> (CompletionStage<?>) result);
            });
  }

  @Override
  void stop() throws Exception {
    stopContainer();
    push.close();
  }

  @Override
  PushServer push() {
    return push;
  }

  @Override
  String prefix() {
    return BodyFilters.ASKS;
  }

  @ParameterizedTest
  @ValueSource(strings = {FORM, "Content-Type: text/plain\r\n", ""})
  void bodyThatAFilterHasEatenIsRefused(String type) throws Exception {
    endpoint = newEndpoint(BodyFilters.EATS);
    assertRefused(put(type + length("version=7"), "version=7"), 500);
    assertRefused(put(type + CHUNKED, "9\r\nversion=7\r\n0\r\n\r\n"), 500);
    assertPicked(put(type + length(""), ""));
  }

  @Test
  void bodyThatAFilterReplaysIsRead() throws Exception {
    endpoint = newEndpoint(BodyFilters.REPLAYS);
    assertAccepted(putForm("version=7"), 7);
    assertAccepted(put("Content-Type: text/plain\r\n" + length("version=8"), "version=8"), 8);
    assertRefused(putForm("version=x"), 400);
    assertPicked(putForm(""));
  }

  /** The container's own timeout, which is short here, would answer 500 for what is accepted. */
  @Test
  void answerWaitsForTheStore() throws Exception {
    hold = true;
    try {
      CompletableFuture<RawHttp> answer =
          CompletableFuture.supplyAsync(
              () -> {
                try {
                  return putForm("version=7");
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
      CompletableFuture<Void> step = held.poll(30, TimeUnit.SECONDS);
      assertThat(answer).failsWithin(3, TimeUnit.SECONDS);
      step.complete(null);
      assertAccepted(answer.get(30, TimeUnit.SECONDS), 7);
    } finally {
      hold = false;
    }
  }
}
